"""A transfer out to another authority (跨省调出): the origin's end, carried to the other by the national relay.

    suspended ──both opened──▶ requested ──accept──▶ accepted ──▶ offered ──▶ fetched ──▶ confirmed ──▶ handed_over
        │                        │                       │          │           │            │              ▼
        └──────withdraw──────────┴─▶ withdrawn           └──────────┴─ returned ◀┴───────────┘          completed

1. To an authority that has not opened the service it is suspended, 暂缓办理, and goes on by itself when it has (S2C-13).
2. Before the person requests it, or else before the origin accepts it, the origin's ledger guards the account: nothing that
   blocks a departure can begin (S2C-14). Nobody else's request makes anything wait.
3. From `accepted` on the worker carries it: it asks, waits and repeats; what the relay says moves it on, and may come
   twice, late or out of order.
4. At `confirmed` the person has confirmed at the destination: the accounts leave the origin's ledger and are handed over.
   `confirmed_at` is the moment of leaving, the same however often the ledger is asked.
5. `ProfileDeparted` comes last, when the destination has said that the profile has arrived.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from contracts.divisions import authority_of
from contracts.relay import ExchangeState
from services.kit.aggregates import Aggregate
from services.transfer.cases.case import (
    Asked,
    Decided,
    Elapsed,
    Entered,
    RequestedCase,
    TakenBack,
    request_of,
    steps,
)
from services.transfer.cases.commands import Actor, RequestTransfer
from services.transfer.cases.states import Kind, State
from services.transfer.places import ProfileHome

BLOCKED = "blocked"
"""Why a departure is returned when the ledger names something that must be finished first (S2C-14)."""
GUARD_LOST = "guard_lost"
"""Why one is returned whose guard lapsed while nobody carried it on: to be submitted again."""
NOT_FETCHED = "not_fetched_in_time"
NOT_ANSWERED = "not_answered_in_time"

_CARRIED: dict[State, str] = {
    State.ACCEPTED: "Accepted",
    State.OFFERED: "Offered",
    State.FETCHED: "Fetched",
    State.CONFIRMED: "Confirmed",
    State.HANDED_OVER: "HandedOver",
    State.COMPLETED: "Departed",
}
"""The way from the origin's desk to the end, in order, with the event of each step."""
_REACHED: dict[ExchangeState, State] = {
    "offered": State.OFFERED,
    "fetched": State.FETCHED,
    "confirmed": State.CONFIRMED,
    "handed_over": State.HANDED_OVER,
    "completed": State.COMPLETED,
}
"""How far a departure is by the state of its exchange."""


class Departure(RequestedCase):
    """One person's profile on its way out to another authority."""

    TOPIC = "transfer.Departure"
    kind = Kind.OUT
    STEPS = steps(
        accept=("from", (State.REQUESTED,), "Accepted"),
        refuse=("from", (State.REQUESTED,), "Returned"),
        withdraw=("applicant", (State.SUSPENDED, State.REQUESTED), "Withdrawn"),
    )

    if TYPE_CHECKING:
        blockers: list[dict[str, Any]]
        supplements: int

    class Requested(Asked):
        """Somebody asked for it; `suspended` unless both authorities had opened."""

        TOPIC = "transfer.DepartureRequested"
        STATE = State.REQUESTED
        transfer_id: str
        suspended: bool

        @property
        def state(self) -> State:
            """Suspended, or requested at once."""
            return State.SUSPENDED if self.suspended else State.REQUESTED

        def apply(self, aggregate: Any) -> None:
            """Nothing blocks it, and nothing was handed over yet."""
            super().apply(aggregate)
            aggregate.blockers, aggregate.supplements = [], 0

    class Resumed(Entered):
        """Both authorities have opened."""

        TOPIC = "transfer.DepartureResumed"
        STATE = State.REQUESTED
        from_place: str
        to_place: str

    class Blocked(Elapsed):
        """The ledger named what must be finished first, or had lost the guard."""

        TOPIC = "transfer.DepartureBlocked"
        STATE = State.RETURNED
        blockers: list[dict[str, Any]]

        def apply(self, aggregate: Any) -> None:
            """Keep what was named."""
            super().apply(aggregate)
            aggregate.blockers = self.blockers

    class Accepted(Decided):
        """The origin let it go."""

        TOPIC = "transfer.DepartureAccepted"
        STATE = State.ACCEPTED

    class Returned(Entered):
        """The origin's desk, the destination or the relay sent it back."""

        TOPIC = "transfer.DepartureReturned"
        STATE = State.RETURNED
        reason: str
        subject: str | None
        place: str

    class Expired(Elapsed):
        """The origin's desk took too long."""

        TOPIC = "transfer.DepartureExpired"
        STATE = State.RETURNED

    class Withdrawn(TakenBack):
        """It was taken back."""

        TOPIC = "transfer.DepartureWithdrawn"
        STATE = State.WITHDRAWN

    class Offered(Entered):
        """It lies on the relay."""

        TOPIC = "transfer.DepartureOffered"
        STATE = State.OFFERED

    class Fetched(Entered):
        """The destination has it."""

        TOPIC = "transfer.DepartureFetched"
        STATE = State.FETCHED

    class Confirmed(Entered):
        """The person has confirmed at the destination."""

        TOPIC = "transfer.DepartureConfirmed"
        STATE = State.CONFIRMED

    class HandedOver(Entered):
        """The accounts have left, and lie on the relay."""

        TOPIC = "transfer.DepartureHandedOver"
        STATE = State.HANDED_OVER

    class Departed(Entered):
        """The profile has arrived at the destination."""

        TOPIC = "transfer.ProfileDeparted"
        STATE = State.COMPLETED
        from_place: str
        to_place: str
        employer: str | None

    class Supplemented(Aggregate.Event):
        """The relay has taken a late supplement of the handover."""

        TOPIC = "transfer.SupplementHandedOver"
        person_id: str
        sequence: int

        def apply(self, aggregate: Any) -> None:
            """Count it."""
            aggregate.supplements = self.sequence

    @staticmethod
    def create_id(transfer_id: str) -> UUID:
        """The id under which the guard was asked for, before there was anything to store."""
        return UUID(transfer_id)

    @classmethod
    def request(
        cls,
        command: RequestTransfer,
        actor: Actor,
        home: ProfileHome,
        *,
        transfer_id: UUID,
        uscc: str | None,
        opened: bool,
        now: datetime,
    ) -> Departure:
        """A new departure, suspended unless both authorities have `opened`. Raises what `request_of` does."""
        asked = request_of(command, actor, home, uscc)
        return cls._create(
            cls.Requested, transfer_id=str(transfer_id), suspended=not opened, **asked, timestamp=now
        )

    @property
    def asked_by_person(self) -> bool:
        """Whether the person asked themselves: then their account is guarded at once, else when the origin accepts."""
        return self.applicant.place is None and self.applicant.organization is None

    @property
    def authorities(self) -> tuple[str, str]:
        """The authority of the origin, and that of the destination."""
        return authority_of(self.from_place), authority_of(self.to_place)

    @property
    def accepted_at(self) -> datetime | None:
        """When the origin let it go."""
        return self._entered_at(State.ACCEPTED)

    @property
    def confirmed_at(self) -> datetime | None:
        """The moment of leaving."""
        return self._entered_at(State.CONFIRMED)

    def _entered_at(self, state: State) -> datetime | None:
        return next((step.at for step in self.steps if step.state is state), None)

    def resume(self, now: datetime) -> None:
        """Go on, as both authorities have opened and the account is guarded (S2C-13); nothing when not suspended."""
        if self.state is State.SUSPENDED:
            self.tell("Resumed", now)

    def block(self, blockers: Sequence[Mapping[str, Any]], now: datetime) -> None:
        """Return it, naming what must be finished first (S2C-14): when it would resume, or when it would leave.

        Without blockers its guard was lost.
        """
        if self.state in (State.SUSPENDED, State.CONFIRMED):
            reason = BLOCKED if blockers else GUARD_LOST
            self.tell("Blocked", now, reason=reason, blockers=[dict(each) for each in blockers])

    def hear(self, exchange: ExchangeState, reason: str | None, now: datetime) -> None:
        """Take in how far the exchange is: what is known changes nothing, what was missed is made up for, in order."""
        if self.state not in _CARRIED:
            return
        way = list(_CARRIED)
        reached = _REACHED.get(exchange)
        if reached is not None:
            for state in way[way.index(self.state) + 1 : way.index(reached) + 1]:
                self.tell(_CARRIED[state], now)
        elif self.state in (State.ACCEPTED, State.OFFERED, State.FETCHED):
            why = {"recalled": NOT_FETCHED, "cancelled": NOT_ANSWERED}.get(exchange, reason or "other")
            self.tell("Returned", now, reason=why, subject=None, place=self.to_place)

    def supplement(self, sequence: int, now: datetime) -> None:
        """The relay has taken a late supplement of the handover; nothing when that is known."""
        if sequence > self.supplements:
            self.tell("Supplemented", now, sequence=sequence)

    def may_see(self, actor: Actor) -> bool:
        """Whether the actor may look: the person, whoever asked for them, and the origin's officials."""
        return self.speaks_for_person(actor)
