"""Decisions of a transfer, without a database."""

from datetime import UTC, date, datetime, timedelta

import pytest

from services.cli.demo.fictitious import uscc
from services.kit.clock import UnknownYear
from services.kit.errors import NotFoundError
from services.transfer.cases.commands import Actor
from services.transfer.cases.states import Kind, State, due_on
from services.transfer.cases.transfer import Transfer
from services.transfer.problems import (
    NotEmployerError,
    NotThePersonError,
    OutsidePlaceError,
    SamePlaceError,
    TransferLateError,
    TransferStateError,
)
from tests.transfer.given import given, when
from tests.transfer.scenarios import (
    CHAOYANG,
    DESTINATION,
    ELSEWHERE,
    EMPLOYER,
    FIRM,
    FORMER_EMPLOYER,
    LATER,
    LONGCHENG,
    NOW,
    ORIGIN,
    OTHER_FIRM,
    PERSON,
    PORTAL,
    PREFECTURE,
    SHA256,
    SHENYANG,
    SHUANGTA,
    accepted,
    completed,
    request,
    requested,
    returned,
    withdrawn,
)

OVER = [completed, returned, withdrawn]


class TestRequest:
    def test_records_where_from_and_where_to(self):
        when(request).then(
            "TransferRequested",
            person_id="person-1",
            from_place=SHUANGTA,
            to_place=LONGCHENG,
            employer=EMPLOYER,
            student=False,
            evidence=[{"sha256": SHA256, "media_type": "application/pdf"}],
            subject="person-1",
            place=None,
            organization=None,
        )

    def test_the_event_holds_no_file_name(self):
        (event,) = requested().pending_events
        assert "证明" not in repr(vars(event))

    def test_a_student_has_no_employer(self):
        transfer = request(employer=None, student=True)
        assert (transfer.employer, transfer.student) == (None, True)

    def test_the_origin_has_it_first(self):
        assert requested().desk == SHUANGTA

    def test_to_where_the_profile_is_kept_is_refused(self):
        when(lambda: request(to_place=SHUANGTA)).then_raises(SamePlaceError)

    def test_another_city_of_the_same_province_is_open(self):
        assert request(to_place=SHENYANG).to_place == SHENYANG

    def test_an_official_of_the_origin_or_above_may_ask_for_the_person(self):
        assert request(actor=ORIGIN).steps[0].place == SHUANGTA
        assert request(actor=PREFECTURE).steps[0].place == CHAOYANG

    @pytest.mark.parametrize("actor", [DESTINATION, ELSEWHERE])
    def test_an_official_of_another_place_may_not(self, actor: Actor):
        when(lambda: request(actor=actor)).then_raises(OutsidePlaceError)

    def test_the_employer_that_the_registry_knows_may_ask(self):
        assert request(actor=FIRM, firm=FORMER_EMPLOYER).applicant == FIRM

    def test_whoever_is_bound_to_nothing_asks_for_themselves_alone(self):
        when(lambda: request(actor=PORTAL)).then_raises(NotThePersonError)

    @pytest.mark.parametrize("code", [None, uscc(9), EMPLOYER])
    def test_another_organization_may_not(self, code: str | None):
        when(lambda: request(actor=FIRM, firm=code)).then_raises(NotEmployerError)

    def test_an_organization_is_no_employer_of_a_student(self):
        when(lambda: request(actor=FIRM, firm=None, employer=None, student=True)).then_raises(
            NotEmployerError
        )


class TestAccept:
    def test_hands_it_to_the_destination(self):
        transfer = (
            given(requested())
            .when(lambda t: t.decide("accept", ORIGIN, LATER))
            .then("TransferAccepted", person_id="person-1", subject="clerk-o", place=SHUANGTA)
        )
        assert (transfer.state, transfer.desk, transfer.since) == (State.ACCEPTED, LONGCHENG, LATER)

    def test_the_prefecture_may_act_for_its_county(self):
        given(requested()).when(lambda t: t.decide("accept", PREFECTURE, NOW)).then(
            "TransferAccepted", person_id="person-1", subject="clerk-p", place=CHAOYANG
        )

    @pytest.mark.parametrize("actor", [DESTINATION, ELSEWHERE, PERSON, FIRM])
    def test_is_for_the_origin_alone(self, actor: Actor):
        given(requested()).when(lambda t: t.decide("accept", actor, NOW)).then_raises(OutsidePlaceError)

    def test_twice_is_refused_and_says_how_it_stands(self):
        given(accepted()).when(lambda t: t.decide("accept", ORIGIN, NOW)).then_raises(
            TransferStateError, state="accepted"
        )

    @pytest.mark.parametrize("history", OVER)
    def test_once_it_is_over_is_refused(self, history: type):
        given(history()).when(lambda t: t.decide("accept", ORIGIN, NOW)).then_raises(TransferStateError)


class TestApprove:
    def test_moves_the_profile(self):
        transfer = (
            given(accepted())
            .when(lambda t: t.decide("approve", DESTINATION, LATER))
            .then(
                "ProfileTransferred",
                person_id="person-1",
                from_place=SHUANGTA,
                to_place=LONGCHENG,
                employer=EMPLOYER,
                subject="clerk-d",
                place=LONGCHENG,
            )
        )
        assert (transfer.state, transfer.desk) == (State.COMPLETED, None)

    def test_before_the_origin_has_accepted_is_refused(self):
        given(requested()).when(lambda t: t.decide("approve", DESTINATION, NOW)).then_raises(
            TransferStateError, state="requested"
        )

    @pytest.mark.parametrize("actor", [ORIGIN, ELSEWHERE, PERSON])
    def test_is_for_the_destination_alone(self, actor: Actor):
        given(accepted()).when(lambda t: t.decide("approve", actor, NOW)).then_raises(OutsidePlaceError)

    @pytest.mark.parametrize("history", OVER)
    def test_once_it_is_over_is_refused(self, history: type):
        given(history()).when(lambda t: t.decide("approve", DESTINATION, NOW)).then_raises(TransferStateError)


class TestRefuse:
    def test_by_the_destination_returns_it_to_the_origin(self):
        transfer = (
            given(accepted())
            .when(lambda t: t.decide("refuse", DESTINATION, LATER, reason="evidence_unclear"))
            .then(
                "TransferReturned",
                person_id="person-1",
                reason="evidence_unclear",
                subject="clerk-d",
                place=LONGCHENG,
            )
        )
        assert (transfer.state, transfer.desk) == (State.RETURNED, None)
        assert transfer.steps[-1].reason == "evidence_unclear"

    def test_by_the_origin_before_it_accepted(self):
        given(requested()).when(lambda t: t.decide("refuse", ORIGIN, NOW, reason="evidence_missing")).then(
            "TransferReturned",
            person_id="person-1",
            reason="evidence_missing",
            subject="clerk-o",
            place=SHUANGTA,
        )

    def test_by_the_desk_whose_turn_it_is_not(self):
        given(requested()).when(lambda t: t.decide("refuse", DESTINATION, NOW, reason="other")).then_raises(
            OutsidePlaceError
        )
        given(accepted()).when(lambda t: t.decide("refuse", ORIGIN, NOW, reason="other")).then_raises(
            OutsidePlaceError
        )

    @pytest.mark.parametrize("history", OVER)
    def test_once_it_is_over_is_refused(self, history: type):
        given(history()).when(lambda t: t.decide("refuse", DESTINATION, NOW, reason="other")).then_raises(
            TransferStateError
        )


class TestWithdraw:
    def test_before_acceptance(self):
        transfer = (
            given(requested())
            .when(lambda t: t.decide("withdraw", PERSON, LATER))
            .then("TransferWithdrawn", person_id="person-1", subject="person-1", place=None)
        )
        assert (transfer.state, transfer.desk) == (State.WITHDRAWN, None)

    def test_after_acceptance_is_refused(self):
        given(accepted()).when(lambda t: t.decide("withdraw", PERSON, NOW)).then_raises(
            TransferStateError, state="accepted"
        )

    def test_after_withdrawal_acceptance_is_refused(self):
        given(withdrawn()).when(lambda t: t.decide("accept", ORIGIN, NOW)).then_raises(
            TransferStateError, state="withdrawn"
        )

    def test_by_the_firm_that_asked(self):
        given(requested(actor=FIRM, firm=FORMER_EMPLOYER)).when(
            lambda t: t.decide("withdraw", FIRM, NOW)
        ).then("TransferWithdrawn", person_id="person-1", subject="firm-client", place=None)

    @pytest.mark.parametrize("actor", [PORTAL, OTHER_FIRM, DESTINATION])
    def test_a_stranger_finds_nothing(self, actor: Actor):
        given(requested()).when(lambda t: t.decide("withdraw", actor, NOW)).then_raises(NotFoundError)


class TestMaySee:
    @pytest.mark.parametrize("actor", [PERSON, ORIGIN, DESTINATION, PREFECTURE])
    def test_the_person_and_both_places(self, actor: Actor):
        assert requested().may_see(actor)

    @pytest.mark.parametrize("actor", [PORTAL, FIRM, ELSEWHERE])
    def test_nobody_else(self, actor: Actor):
        assert not requested().may_see(actor)

    def test_an_official_is_not_taken_for_a_person_of_that_name(self):
        assert not requested().may_see(Actor(subject="person-1", place=SHENYANG))


class TestExpire:
    """S2C-05: ten working days at each desk, to 24:00 of the last one."""

    LAST_MOMENT = datetime(2025, 3, 17, 15, 59, 59, tzinfo=UTC)
    TOO_LATE = LAST_MOMENT + timedelta(seconds=1)

    def test_at_the_origin_returns_it(self):
        transfer = (
            given(requested())
            .when(lambda t: t.expire(self.TOO_LATE))
            .then("TransferExpired", person_id="person-1", reason="not_accepted_in_time")
        )
        assert (transfer.state, transfer.desk) == (State.RETURNED, None)
        assert transfer.steps[-1].reason == "not_accepted_in_time"

    def test_at_the_destination_returns_it(self):
        given(accepted()).when(lambda t: t.expire(self.TOO_LATE)).then(
            "TransferExpired", person_id="person-1", reason="not_decided_in_time"
        )

    def test_not_before_the_last_day_is_over(self):
        for transfer in (requested(), accepted()):
            transfer.collect_events()
            transfer.expire(self.LAST_MOMENT)
            assert not transfer.pending_events

    @pytest.mark.parametrize("history", OVER)
    def test_not_once_it_is_over(self, history: type):
        transfer = history()
        transfer.collect_events()
        transfer.expire(self.TOO_LATE)
        assert not transfer.pending_events

    def test_a_desk_that_comes_too_late_is_refused_whoever_notices_first(self):
        given(requested()).when(lambda t: t.decide("accept", ORIGIN, self.TOO_LATE)).then_raises(
            TransferLateError
        )
        given(accepted()).when(lambda t: t.decide("approve", DESTINATION, self.TOO_LATE)).then_raises(
            TransferLateError
        )
        given(requested()).when(lambda t: t.decide("withdraw", PERSON, self.TOO_LATE)).then_raises(
            TransferLateError
        )
        accepted().decide("approve", DESTINATION, self.LAST_MOMENT)

    def test_into_a_year_not_yet_announced_nothing_expires(self):
        transfer = requested(now=datetime(2099, 12, 1, tzinfo=UTC))
        transfer.collect_events()
        transfer.expire(datetime(2100, 12, 1, tzinfo=UTC))
        assert not transfer.pending_events


class TestDue:
    def test_each_desk_has_ten_working_days(self):
        assert requested().due == accepted().due == date(2025, 3, 17)

    def test_the_day_counts_in_shanghai(self):
        assert due(datetime(2025, 3, 2, 16, 0, tzinfo=UTC)) == date(2025, 3, 17)
        assert due(datetime(2025, 3, 2, 15, 59, tzinfo=UTC)) == date(2025, 3, 14)

    def test_into_a_year_not_yet_announced_is_unknown(self):
        assert isinstance(due(datetime(2099, 12, 30, tzinfo=UTC)), UnknownYear)

    def test_the_second_desk_counts_from_the_acceptance(self):
        transfer: Transfer = requested()
        transfer.decide("accept", ORIGIN, NOW + timedelta(days=7))
        assert transfer.due == date(2025, 3, 24)

    def test_what_is_over_has_no_last_day(self):
        assert completed().due is None


def due(since: datetime) -> object:
    return due_on(Kind.WITHIN, State.REQUESTED, since)
