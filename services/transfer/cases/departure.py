"""A transfer out to another authority (跨省调出): the origin's end, carried to the other by the national relay.

    suspended ──both opened──▶ requested ──accept──▶ accepted ──▶ offered ──▶ fetched ──▶ confirmed ──▶ handed_over
        │                        │                       │          │           │            │              ▼
        └──────withdraw──────────┴─▶ withdrawn           └──────────┴─ returned ◀┴───────────┘          completed

1. To an authority that has not opened the service it is suspended, 暂缓办理, and goes on by itself when it has (S2C-13).
2. Before it is requested the origin's ledger guards the account: nothing that blocks a departure can begin (S2C-14).
3. From `accepted` on the worker carries it: it asks, waits and repeats; what the relay says moves it on, and may come
   twice, late or out of order.
4. At `confirmed` the person has confirmed at the destination: the accounts leave the origin's ledger and are handed over.
   `confirmed_at` is the moment of leaving, the same however often the ledger is asked.
5. `ProfileDeparted` comes last, when the destination has said that the profile has arrived.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from eventsourcing.domain import event

from contracts.divisions import authority_of
from contracts.relay import ExchangeState
from services.kit.aggregates import Aggregate
from services.transfer.actors import Actor
from services.transfer.cases.applying import Applied, digests, must_be_askable
from services.transfer.cases.case import Step
from services.transfer.cases.states import Kind, State
from services.transfer.commands import RequestTransfer
from services.transfer.profile_home import ProfileHome

BLOCKED = "blocked"
"""Why a departure is returned when the ledger names something that must be finished first (S2C-14)."""
GUARD_LOST = "guard_lost"
"""Why one is returned whose guard lapsed while nobody carried it on: to be submitted again."""
NOT_FETCHED = "not_fetched_in_time"
NOT_ANSWERED = "not_answered_in_time"

_CARRIED = (State.ACCEPTED, State.OFFERED, State.FETCHED, State.CONFIRMED, State.HANDED_OVER, State.COMPLETED)
"""The way from the origin's desk to the end, in order."""
_REACHED: dict[ExchangeState, State] = {
    "offered": State.OFFERED,
    "fetched": State.FETCHED,
    "confirmed": State.CONFIRMED,
    "handed_over": State.HANDED_OVER,
    "completed": State.COMPLETED,
}
"""How far a departure is by the state of its exchange."""


class Departure(Applied, Aggregate):
    """One person's profile on its way out to another authority."""

    TOPIC = "transfer.Departure"
    kind = Kind.OUT

    @staticmethod
    def create_id(transfer_id: str) -> UUID:
        """The id under which the guard was asked for, before there was anything to store."""
        return UUID(transfer_id)

    @event("DepartureRequested", topic="transfer.DepartureRequested")
    def __init__(
        self,
        *,
        transfer_id: str,
        person_id: str,
        from_place: str,
        to_place: str,
        employer: str | None,
        student: bool,
        evidence: list[dict[str, str]],
        suspended: bool,
        subject: str,
        place: str | None,
        organization: str | None,
        timestamp: datetime,
    ) -> None:
        self.person_id = person_id
        self.from_place = from_place
        self.to_place = to_place
        self.employer = employer
        self.student = student
        self.evidence = evidence
        self.applicant = Actor(subject=subject, place=place, organization=organization)
        self.blockers: list[dict[str, Any]] = []
        self.confirmed_at: datetime | None = None
        self.supplements = 0
        self.accepted_at: datetime | None = None
        self.state = State.SUSPENDED if suspended else State.REQUESTED
        self.steps = [Step(self.state, timestamp, subject, place)]

    @classmethod
    def request(
        cls,
        command: RequestTransfer,
        home: ProfileHome,
        *,
        transfer_id: UUID,
        uscc: str | None,
        opened: bool,
        now: datetime,
    ) -> Departure:
        """A new departure, suspended unless both authorities have `opened`. Raises what `must_be_askable` does."""
        must_be_askable(command, home, uscc)
        actor = command.actor
        return cls(
            transfer_id=str(transfer_id),
            person_id=command.person_id,
            from_place=home.place,
            to_place=command.to_place,
            employer=command.employer,
            student=command.student,
            evidence=digests(command.evidence),
            suspended=not opened,
            subject=actor.subject,
            place=actor.place,
            organization=actor.organization,
            timestamp=now,
        )

    @property
    def authorities(self) -> tuple[str, str]:
        """The authority of the origin, and that of the destination."""
        return authority_of(self.from_place), authority_of(self.to_place)

    def resume(self, now: datetime) -> None:
        """Go on, as both authorities have opened and the account is guarded (S2C-13); nothing when not suspended."""
        if self.state is State.SUSPENDED:
            self._resumed(
                person_id=self.person_id, from_place=self.from_place, to_place=self.to_place, timestamp=now
            )

    def block(self, blockers: Sequence[dict[str, Any]], now: datetime) -> None:
        """Return it, naming what must be finished first (S2C-14): when it would resume, or when it would leave.

        Without blockers its guard was lost.
        """
        if self.state in (State.SUSPENDED, State.CONFIRMED):
            self._blocked(
                person_id=self.person_id,
                reason=BLOCKED if blockers else GUARD_LOST,
                blockers=[dict(each) for each in blockers],
                timestamp=now,
            )

    def accept(self, actor: Actor, now: datetime) -> None:
        """The origin lets the profile go. Raises OutsidePlaceError, TransferStateError and TransferLateError."""
        actor.must_cover(self.from_place)
        self._must_be(now, State.REQUESTED)
        self._accepted(person_id=self.person_id, subject=actor.subject, place=str(actor.place), timestamp=now)

    def refuse(self, actor: Actor, reason: str, now: datetime) -> None:
        """The origin's desk refuses. Raises OutsidePlaceError, TransferStateError and TransferLateError."""
        actor.must_cover(self.from_place)
        self._must_be(now, State.REQUESTED)
        self._returned(
            person_id=self.person_id,
            reason=reason,
            subject=actor.subject,
            place=str(actor.place),
            timestamp=now,
        )

    def withdraw(self, actor: Actor, now: datetime) -> None:
        """The person takes it back before it is accepted. Raises NotFoundError, TransferStateError, TransferLateError."""
        self._must_be_applicant(actor)
        self._must_be(now, State.SUSPENDED, State.REQUESTED)
        self._withdrawn(person_id=self.person_id, subject=actor.subject, place=actor.place, timestamp=now)

    def expire(self, now: datetime) -> None:
        """Return what the origin's desk left for too long (S2C-05). What is on the relay is recalled there instead."""
        reason = self.late_reason(now)
        if reason is not None and self.state is State.REQUESTED:
            self._expired(person_id=self.person_id, reason=reason, timestamp=now)

    def hear(self, exchange: ExchangeState, reason: str | None, now: datetime) -> None:
        """Take in how far the exchange is: what is known changes nothing, what was missed is made up for, in order."""
        if self.state not in _CARRIED:
            return
        reached = _REACHED.get(exchange)
        if reached is not None:
            for state in _CARRIED[_CARRIED.index(self.state) + 1 : _CARRIED.index(reached) + 1]:
                self._go_on(state, now)
        elif exchange == "recalled":
            self._refused(NOT_FETCHED, now)
        elif exchange == "refused":
            self._refused(reason or "other", now)
        elif exchange == "cancelled":
            self._refused(NOT_ANSWERED, now)

    def supplement(self, sequence: int, now: datetime) -> None:
        """The relay has taken a late supplement of the handover; nothing when that is known."""
        if sequence > self.supplements:
            self._supplemented(person_id=self.person_id, sequence=sequence, timestamp=now)

    def _go_on(self, state: State, now: datetime) -> None:
        if state is State.COMPLETED:
            self._departed(
                person_id=self.person_id,
                from_place=self.from_place,
                to_place=self.to_place,
                employer=self.employer,
                timestamp=now,
            )
            return
        step = {
            State.OFFERED: self._offered,
            State.FETCHED: self._fetched,
            State.CONFIRMED: self._confirmed,
            State.HANDED_OVER: self._handed_over,
        }[state]
        step(person_id=self.person_id, timestamp=now)

    def _refused(self, reason: str, now: datetime) -> None:
        if self.state in (State.ACCEPTED, State.OFFERED, State.FETCHED):
            self._returned(
                person_id=self.person_id, reason=reason, subject=None, place=self.to_place, timestamp=now
            )

    def may_see(self, actor: Actor) -> bool:
        """Whether the actor may look: the person, whoever asked for them, a portal, and the origin's officials."""
        return self.is_applicant(actor) or actor.portal

    @event("DepartureResumed", topic="transfer.DepartureResumed")
    def _resumed(self, *, person_id: str, from_place: str, to_place: str, timestamp: datetime) -> None:
        self._enter(State.REQUESTED, timestamp, None, None)

    @event("DepartureBlocked", topic="transfer.DepartureBlocked")
    def _blocked(
        self, *, person_id: str, reason: str, blockers: list[dict[str, Any]], timestamp: datetime
    ) -> None:
        self.blockers = blockers
        self._enter(State.RETURNED, timestamp, None, None, reason)

    @event("DepartureAccepted", topic="transfer.DepartureAccepted")
    def _accepted(self, *, person_id: str, subject: str, place: str, timestamp: datetime) -> None:
        self.accepted_at = timestamp
        self._enter(State.ACCEPTED, timestamp, subject, place)

    @event("DepartureReturned", topic="transfer.DepartureReturned")
    def _returned(
        self, *, person_id: str, reason: str, subject: str | None, place: str, timestamp: datetime
    ) -> None:
        self._enter(State.RETURNED, timestamp, subject, place, reason)

    @event("DepartureExpired", topic="transfer.DepartureExpired")
    def _expired(self, *, person_id: str, reason: str, timestamp: datetime) -> None:
        self._enter(State.RETURNED, timestamp, None, None, reason)

    @event("DepartureWithdrawn", topic="transfer.DepartureWithdrawn")
    def _withdrawn(self, *, person_id: str, subject: str, place: str | None, timestamp: datetime) -> None:
        self._enter(State.WITHDRAWN, timestamp, subject, place)

    @event("DepartureOffered", topic="transfer.DepartureOffered")
    def _offered(self, *, person_id: str, timestamp: datetime) -> None:
        self._enter(State.OFFERED, timestamp, None, None)

    @event("DepartureFetched", topic="transfer.DepartureFetched")
    def _fetched(self, *, person_id: str, timestamp: datetime) -> None:
        self._enter(State.FETCHED, timestamp, None, None)

    @event("DepartureConfirmed", topic="transfer.DepartureConfirmed")
    def _confirmed(self, *, person_id: str, timestamp: datetime) -> None:
        self.confirmed_at = timestamp
        self._enter(State.CONFIRMED, timestamp, None, None)

    @event("DepartureHandedOver", topic="transfer.DepartureHandedOver")
    def _handed_over(self, *, person_id: str, timestamp: datetime) -> None:
        self._enter(State.HANDED_OVER, timestamp, None, None)

    @event("ProfileDeparted", topic="transfer.ProfileDeparted")
    def _departed(
        self, *, person_id: str, from_place: str, to_place: str, employer: str | None, timestamp: datetime
    ) -> None:
        self._enter(State.COMPLETED, timestamp, None, None)

    @event("SupplementHandedOver", topic="transfer.SupplementHandedOver")
    def _supplemented(self, *, person_id: str, sequence: int, timestamp: datetime) -> None:
        self.supplements = sequence
