"""Decisions of a departure, without a database: the origin's end of a move between authorities."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from contracts.relay import ExchangeState
from services.kit.errors import NotFoundError
from services.transfer.cases.commands import Actor
from services.transfer.cases.departure import Departure
from services.transfer.cases.states import State
from services.transfer.places import ProfileHome
from services.transfer.problems import (
    OutsidePlaceError,
    PersonDepartedError,
    SamePlaceError,
    TransferStateError,
)
from tests.transfer.given import given, when
from tests.transfer.neighbours import BLOCKER
from tests.transfer.scenarios import (
    DESTINATION,
    EMPLOYER,
    FORMER_EMPLOYER,
    LATER,
    NOW,
    ORIGIN,
    PERSON,
    PORTAL,
    SHA256,
    SHUANGTA,
    TAIYUAN,
    command,
)

ID = UUID("0d5c4b3a-0000-4000-8000-000000000001")
HOME = ProfileHome(person_id="person-1", place=SHUANGTA, employer=FORMER_EMPLOYER, version=1)
WAY: list[ExchangeState] = ["offered", "fetched", "confirmed", "handed_over", "completed"]
MOVED = {"person_id": "person-1", "from_place": SHUANGTA, "to_place": TAIYUAN}


def departure(
    *,
    actor: Actor = PERSON,
    opened: bool = True,
    home: ProfileHome = HOME,
    now: datetime = NOW,
    **changes: Any,
) -> Departure:
    asked = command(**{"to_place": TAIYUAN, **changes})
    return Departure.request(asked, actor, home, transfer_id=ID, uscc=None, opened=opened, now=now)


def requested() -> Departure:
    return departure()


def suspended() -> Departure:
    return departure(opened=False)


def accepted() -> Departure:
    case = requested()
    case.decide("accept", ORIGIN, NOW)
    return case


def at(exchange: ExchangeState) -> Callable[[], Departure]:
    def history() -> Departure:
        case = accepted()
        case.hear(exchange, None, NOW)
        return case

    return history


class TestRequest:
    def test_is_stored_under_the_id_it_was_guarded_under(self):
        case = when(requested).then(
            "DepartureRequested",
            transfer_id=str(ID),
            **MOVED,
            employer=EMPLOYER,
            student=False,
            evidence=[{"sha256": SHA256, "media_type": "application/pdf"}],
            suspended=False,
            subject="person-1",
            place=None,
            organization=None,
        )
        assert (case.id, case.state, case.desk) == (ID, State.REQUESTED, SHUANGTA)

    def test_before_both_have_opened_is_suspended_and_nobody_s_turn(self):
        """S2C-13."""
        case = suspended()
        assert (case.state, case.desk, case.due) == (State.SUSPENDED, None, None)

    def test_of_somebody_who_is_away_is_refused(self):
        away = ProfileHome(person_id="person-1", place=SHUANGTA, employer=None, version=1, away=True)
        when(lambda: departure(home=away)).then_raises(PersonDepartedError)

    def test_to_where_the_profile_is_kept_is_refused(self):
        when(lambda: departure(to_place=SHUANGTA)).then_raises(SamePlaceError)


class TestResume:
    def test_goes_on_at_the_origin_s_desk(self):
        case = given(suspended()).when(lambda c: c.resume(LATER)).then("DepartureResumed", **MOVED)
        assert (case.state, case.since) == (State.REQUESTED, LATER)

    def test_of_what_is_not_suspended_changes_nothing(self):
        unchanged(requested(), lambda c: c.resume(LATER))

    def test_with_something_in_the_way_is_returned_naming_it(self):
        """S2C-14."""
        given(suspended()).when(lambda c: c.block([BLOCKER], LATER)).then(
            "DepartureBlocked", person_id="person-1", reason="blocked", blockers=[BLOCKER]
        )

    def test_whose_guard_was_lost_is_returned_to_be_asked_for_again(self):
        given(suspended()).when(lambda c: c.block([], LATER)).then(
            "DepartureBlocked", person_id="person-1", reason="guard_lost", blockers=[]
        )


class TestDesk:
    def test_accepts(self):
        """S2C-11."""
        case = (
            given(requested())
            .when(lambda c: c.decide("accept", ORIGIN, LATER))
            .then("DepartureAccepted", person_id="person-1", subject="clerk-o", place=SHUANGTA)
        )
        assert (case.state, case.desk) == (State.ACCEPTED, None)

    def test_refuses_with_a_reason(self):
        given(requested()).when(lambda c: c.decide("refuse", ORIGIN, LATER, reason="evidence_unclear")).then(
            "DepartureReturned",
            person_id="person-1",
            reason="evidence_unclear",
            subject="clerk-o",
            place=SHUANGTA,
        )

    @pytest.mark.parametrize("actor", [DESTINATION, PERSON, Actor(subject="clerk-t", place=TAIYUAN)])
    def test_is_the_origin_s_alone(self, actor: Actor):
        given(requested()).when(lambda c: c.decide("accept", actor, NOW)).then_raises(OutsidePlaceError)
        given(requested()).when(lambda c: c.decide("refuse", actor, NOW, reason="other")).then_raises(
            OutsidePlaceError
        )

    def test_has_no_say_while_it_is_suspended_or_on_its_way(self):
        for history in (suspended, accepted, at("fetched")):
            given(history()).when(lambda c: c.decide("accept", ORIGIN, NOW)).then_raises(TransferStateError)

    def test_approves_nothing_as_the_destination_has_an_end_of_its_own(self):
        far = Actor(subject="clerk-t", place=TAIYUAN)
        given(accepted()).when(lambda c: c.decide("approve", far, NOW)).then_raises(TransferStateError)


class TestWithdraw:
    @pytest.mark.parametrize("history", [requested, suspended])
    def test_before_acceptance(self, history: Callable[[], Departure]):
        given(history()).when(lambda c: c.decide("withdraw", PERSON, LATER)).then(
            "DepartureWithdrawn", person_id="person-1", subject="person-1", place=None
        )

    def test_after_acceptance_is_refused(self):
        given(accepted()).when(lambda c: c.decide("withdraw", PERSON, NOW)).then_raises(TransferStateError)

    def test_a_stranger_finds_nothing(self):
        given(requested()).when(lambda c: c.decide("withdraw", PORTAL, NOW)).then_raises(NotFoundError)


class TestHear:
    def test_step_by_step_every_state_is_passed_once(self):
        case = accepted()
        for exchange in WAY:
            case.hear(exchange, None, LATER)
            case.hear(exchange, None, LATER)
        assert [step.state for step in case.steps[2:]] == [State(each) for each in WAY]

    def test_what_was_missed_is_made_up_for_in_order(self):
        case = accepted()
        case.hear("completed", None, LATER)
        assert [step.state for step in case.steps[2:]] == [State(each) for each in WAY]

    @pytest.mark.parametrize("older", WAY[:-1])
    def test_what_is_old_moves_nothing_back(self, older: ExchangeState):
        unchanged(at("completed")(), lambda c: c.hear(older, None, LATER))

    def test_the_last_says_that_the_profile_has_departed(self):
        given(at("handed_over")()).when(lambda c: c.hear("completed", None, LATER)).then(
            "ProfileDeparted", **MOVED, employer=EMPLOYER
        )

    @pytest.mark.parametrize(
        ("exchange", "told", "reason"),
        [
            ("refused", "employment_not_confirmed", "employment_not_confirmed"),
            ("recalled", None, "not_fetched_in_time"),
            ("cancelled", None, "not_answered_in_time"),
        ],
    )
    def test_what_ends_at_the_other_end_is_returned_with_its_reason(
        self, exchange: ExchangeState, told: str | None, reason: str
    ):
        """S2C-16, S2C-18."""
        given(at("fetched")()).when(lambda c: c.hear(exchange, told, LATER)).then(
            "DepartureReturned", person_id="person-1", reason=reason, subject=None, place=TAIYUAN
        )

    @pytest.mark.parametrize("exchange", ["refused", "recalled", "cancelled"])
    def test_once_the_accounts_have_left_nothing_returns_it(self, exchange: ExchangeState):
        unchanged(at("handed_over")(), lambda c: c.hear(exchange, "other", LATER))

    def test_before_acceptance_nothing_is_heard(self):
        unchanged(requested(), lambda c: c.hear("completed", None, LATER))

    def test_the_moment_of_leaving_is_the_confirmation_s(self):
        case = at("fetched")()
        case.hear("confirmed", None, LATER)
        case.hear("handed_over", None, LATER + timedelta(days=1))
        assert case.confirmed_at == LATER


class TestSupplement:
    def test_is_counted_once(self):
        case = at("completed")()
        given(case).when(lambda c: c.supplement(1, LATER)).then(
            "SupplementHandedOver", person_id="person-1", sequence=1
        )
        unchanged(case, lambda c: c.supplement(1, LATER))


class TestExpire:
    def test_what_is_on_the_relay_is_left_to_it(self):
        """S2C-16: only the relay knows which came first."""
        unchanged(at("offered")(), lambda c: c.expire(NOW + timedelta(days=365)))
        unchanged(at("fetched")(), lambda c: c.expire(NOW + timedelta(days=200)))

    def test_a_suspended_one_waits_for_ever(self):
        unchanged(suspended(), lambda c: c.expire(NOW + timedelta(days=365)))


def unchanged(case: Departure, decide: Callable[[Any], None]) -> None:
    case.collect_events()
    decide(case)
    assert not case.pending_events
