"""Decisions of an arrival, without a database: the destination's end of a move between authorities."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from contracts.relay import EvidenceDigest, Offer, TravellingPerson
from services.cli.demo import fictitious
from services.kit.errors import NotFoundError
from services.transfer.cases.arrival import Arrival, arrival_id
from services.transfer.cases.commands import Actor
from services.transfer.cases.states import State
from services.transfer.problems import OutsidePlaceError, TransferStateError
from tests.transfer.given import given, when
from tests.transfer.scenarios import LATER, NOW, ORIGIN, PERSON, PORTAL, SHA256, SHUANGTA, TAIYUAN

DESK = Actor(subject="clerk-t", place=TAIYUAN)
SOMEBODY = fictitious.person(1)
OFFER = Offer(
    transfer_id="t-1",
    from_authority="210000",
    from_place=SHUANGTA,
    to_authority="140000",
    to_place=TAIYUAN,
    employer=None,
    student=True,
    evidence=(EvidenceDigest(sha256=SHA256, media_type="application/pdf"),),
    accepted_at=NOW,
    person=TravellingPerson(
        id_type="resident_id", id_number=SOMEBODY.id_number, name=SOMEBODY.name, student=True
    ),
)


def received() -> Arrival:
    return Arrival.receive(OFFER, person_id="person-1", now=NOW)


def approved() -> Arrival:
    arrival = received()
    arrival.decide("approve", DESK, NOW)
    return arrival


def confirmed() -> Arrival:
    arrival = approved()
    arrival.decide("confirm", PERSON, NOW)
    return arrival


def completed() -> Arrival:
    arrival = confirmed()
    arrival.arrive(NOW)
    return arrival


def refused() -> Arrival:
    arrival = received()
    arrival.decide("refuse", DESK, NOW, reason="evidence_unclear")
    return arrival


def unchanged(arrival: Arrival, decide: Callable[[Any], None]) -> None:
    arrival.collect_events()
    decide(arrival)
    assert not arrival.pending_events


class TestReceive:
    def test_keeps_what_was_offered_but_for_who_it_is(self):
        """S2C-17."""
        arrival = when(received).then(
            "ArrivalReceived",
            transfer_id="t-1",
            person_id="person-1",
            from_place=SHUANGTA,
            to_place=TAIYUAN,
            employer=None,
            student=True,
            evidence=[{"sha256": SHA256, "media_type": "application/pdf"}],
        )
        assert (arrival.state, arrival.desk) == (State.RECEIVED, TAIYUAN)

    def test_is_the_same_arrival_however_often_it_is_fetched(self):
        assert received().id == received().id == arrival_id("t-1") != arrival_id("t-2")


class TestReview:
    """S2C-18."""

    def test_approved_it_waits_for_the_person(self):
        arrival = (
            given(received())
            .when(lambda a: a.decide("approve", DESK, LATER))
            .then("ArrivalApproved", person_id="person-1", subject="clerk-t", place=TAIYUAN)
        )
        assert (arrival.state, arrival.desk) == (State.APPROVED, None)

    def test_refused_it_is_over(self):
        arrival = (
            given(received())
            .when(lambda a: a.decide("refuse", DESK, LATER, reason="evidence_unclear"))
            .then(
                "ArrivalRefused",
                person_id="person-1",
                reason="evidence_unclear",
                subject="clerk-t",
                place=TAIYUAN,
            )
        )
        assert (arrival.is_open, arrival.told) == (False, False)
        given(arrival).when(lambda a: a.decide("approve", DESK, LATER)).then_raises(TransferStateError)

    @pytest.mark.parametrize("actor", [ORIGIN, PERSON])
    def test_is_the_destination_s_alone(self, actor: Actor):
        given(received()).when(lambda a: a.decide("approve", actor, NOW)).then_raises(OutsidePlaceError)
        given(received()).when(lambda a: a.decide("refuse", actor, NOW, reason="other")).then_raises(
            OutsidePlaceError
        )


class TestConfirm:
    def test_by_the_person(self):
        """S2C-18."""
        given(approved()).when(lambda a: a.decide("confirm", PERSON, LATER)).then(
            "ArrivalConfirmed", person_id="person-1", subject=PERSON.subject
        )

    @pytest.mark.parametrize("actor", [DESK, PORTAL, Actor(subject="person-1", organization="firm-1")])
    def test_nobody_else_finds_it(self, actor: Actor):
        given(approved()).when(lambda a: a.decide("confirm", actor, LATER)).then_raises(NotFoundError)

    def test_before_approval_is_refused(self):
        given(received()).when(lambda a: a.decide("confirm", PERSON, LATER)).then_raises(TransferStateError)


class TestArrive:
    def test_moves_the_profile_under_the_transfer_s_own_id(self):
        given(confirmed()).when(lambda a: a.arrive(LATER)).then(
            "ProfileArrived",
            person_id="person-1",
            transfer_id="t-1",
            from_place=SHUANGTA,
            to_place=TAIYUAN,
            employer=None,
        )

    @pytest.mark.parametrize("history", [received, approved, completed, refused])
    def test_only_once_and_only_when_the_person_has_confirmed(self, history: Callable[[], Arrival]):
        unchanged(history(), lambda a: a.arrive(LATER))


class TestTold:
    @pytest.mark.parametrize("history", [refused, confirmed])
    def test_is_noted_once(self, history: Callable[[], Arrival]):
        arrival = history()
        given(arrival).when(lambda a: a.note_told(LATER)).then("RelayTold", person_id="person-1")
        unchanged(arrival, lambda a: a.note_told(LATER))


class TestCancel:
    @pytest.mark.parametrize("history", [received, approved, confirmed])
    def test_by_an_origin_that_cannot_let_go_or_waits_no_longer(self, history: Callable[[], Arrival]):
        given(history()).when(lambda a: a.cancel("blocked", LATER)).then(
            "ArrivalCancelled", person_id="person-1", reason="blocked"
        )

    @pytest.mark.parametrize("history", [completed, refused])
    def test_not_once_it_is_over(self, history: Callable[[], Arrival]):
        unchanged(history(), lambda a: a.cancel("blocked", LATER))


class TestExpire:
    @pytest.mark.parametrize(
        ("history", "reason"), [(received, "not_decided_in_time"), (approved, "not_confirmed_in_time")]
    )
    def test_refuses_what_desk_or_person_left_for_too_long(self, history: Callable[[], Arrival], reason: str):
        given(history()).when(lambda a: a.expire(NOW + timedelta(days=60))).then(
            "ArrivalExpired", person_id="person-1", reason=reason
        )

    @pytest.mark.parametrize("history", [confirmed, completed, refused])
    def test_not_once_the_person_has_confirmed(self, history: Callable[[], Arrival]):
        unchanged(history(), lambda a: a.expire(NOW + timedelta(days=60)))
