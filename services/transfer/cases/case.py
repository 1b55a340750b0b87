"""What the three kinds of a moving profile have in common: where it stands, since when, what happened, who may look."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from services.kit.calendar import UnknownYear
from services.transfer.actors import Actor
from services.transfer.cases.limits import LIMITS, due_on, is_over
from services.transfer.cases.states import OVER, Kind, State, desk_of, places_concerned
from services.transfer.problems import TransferLateError, TransferStateError


class Step(NamedTuple):
    """One thing that happened: the state it led to, when, and by whom; the service itself has no subject."""

    state: State
    at: datetime
    subject: str | None
    place: str | None
    reason: str | None = None


class Case:
    """Base of the three aggregates. Each overrides the steps it has; the others refuse by their state."""

    if TYPE_CHECKING:
        kind: Kind
        person_id: str
        from_place: str
        to_place: str
        employer: str | None
        student: bool
        evidence: list[dict[str, str]]
        state: State
        steps: list[Step]

    @property
    def desk(self) -> str | None:
        """The place whose turn it is; None when it is nobody's."""
        return desk_of(self.kind, self.state, self.from_place, self.to_place)

    @property
    def places_concerned(self) -> Sequence[str]:
        """Whose list the transfer stands in."""
        return places_concerned(self.kind, self.state, self.from_place, self.to_place)

    @property
    def since(self) -> datetime:
        """When the transfer came into its present state."""
        return self.steps[-1].at

    @property
    def due(self) -> date | UnknownYear | None:
        """The last day of the present state, None where none is set."""
        return due_on(self.kind, self.state, self.since)

    @property
    def is_open(self) -> bool:
        """Whether it is still on its way."""
        return self.state not in OVER

    def accept(self, actor: Actor, now: datetime) -> None:
        """The origin lets the profile go. Raises OutsidePlaceError and TransferStateError."""
        actor.must_cover(self.from_place)
        raise TransferStateError(state=self.state.value)

    def approve(self, actor: Actor, now: datetime) -> None:
        """The destination takes the profile. Raises OutsidePlaceError and TransferStateError."""
        actor.must_cover(self.to_place)
        raise TransferStateError(state=self.state.value)

    def refuse(self, actor: Actor, reason: str, now: datetime) -> None:
        """The desk whose turn it is refuses. Raises OutsidePlaceError and TransferStateError."""
        raise NotImplementedError

    def withdraw(self, actor: Actor, now: datetime) -> None:
        """The person takes the request back. Raises NotFoundError and TransferStateError."""
        raise TransferStateError(state=self.state.value)

    def confirm(self, actor: Actor, now: datetime) -> None:
        """The person looks the approved transfer up. Raises NotFoundError and TransferStateError."""
        raise TransferStateError(state=self.state.value)

    def expire(self, now: datetime) -> None:
        """Return what nobody decided in time; nothing where the last day has not passed."""
        raise NotImplementedError

    def may_see(self, actor: Actor) -> bool:
        """Whether the actor may look at the transfer."""
        raise NotImplementedError

    def late_reason(self, now: datetime) -> str | None:
        """Why it is returned when its time is over, None as long as it is not."""
        if not is_over(self.kind, self.state, self.since, now):
            return None
        return LIMITS[self.kind, self.state].reason

    def _must_be(self, now: datetime, *states: State) -> None:
        """Refuse what the state does not allow, and what comes after the last day, whoever notices first."""
        if self.state not in states:
            raise TransferStateError(state=self.state.value)
        if self.late_reason(now) is not None:
            raise TransferLateError(state=self.state.value)

    def _enter(self, state: State, at: datetime, subject: str | None, place: str | None, *why: Any) -> None:
        self.state = state
        self.steps.append(Step(state, at, subject, place, *why))
