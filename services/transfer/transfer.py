"""A transfer, and the process it carries through three services.

    requested ──accept──▶ accepted ──approve──▶ completed
        │                    │
        ├──refuse──▶ returned ◀─┘          (the profile stays at its origin, S2C-12)
        └──withdraw──▶ withdrawn

1. The registry collects a person; this service learns the place from its feed (`home.py`).
2. A request names the destination; the origin is where the home is at that moment, under the person's lock.
3. The origin accepts, the destination approves; either sends it back while it is on its desk.
4. `ProfileTransferred` moves the home in its own transaction. Registry and ledger follow it in their own logs, about a
   second later: inside one authority the person's accounts stay in the same log, so no credit has to travel.

At every moment one place has the profile: the origin until `ProfileTransferred`, from then on the destination.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import Any, NamedTuple

from eventsourcing.domain import event

from contracts.divisions import authority_of
from services.kit.aggregates import Aggregate
from services.kit.calendar import UnknownYear, add_working_days
from services.kit.clock import local_date
from services.kit.errors import NotFoundError
from services.transfer.actors import Actor
from services.transfer.commands import RequestTransfer
from services.transfer.home import Home
from services.transfer.opened import OpenedAuthorities
from services.transfer.problems import (
    CrossAuthoritySuspendedError,
    NotEmployerError,
    SamePlaceError,
    TransferStateError,
)

DESK_WORKING_DAYS = 10
"""How long each desk may take (S2C-05)."""


class TransferState(StrEnum):
    """Where a transfer stands; shown at any time (S2C-11)."""

    REQUESTED = "requested"
    ACCEPTED = "accepted"
    COMPLETED = "completed"
    RETURNED = "returned"
    WITHDRAWN = "withdrawn"


OPEN_STATES = (TransferState.REQUESTED, TransferState.ACCEPTED)


class Step(NamedTuple):
    """One thing that happened to a transfer: the state it led to, when, and by whom."""

    state: TransferState
    at: datetime
    subject: str
    place: str | None
    reason: str | None = None


class Transfer(Aggregate):
    """One person's profile on its way from one place to another."""

    TOPIC = "transfer.Transfer"

    @event("TransferRequested", topic="transfer.TransferRequested")
    def __init__(
        self,
        *,
        person_id: str,
        from_place: str,
        to_place: str,
        employer: str | None,
        student: bool,
        evidence: list[dict[str, str]],
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
        self.state = TransferState.REQUESTED
        self.steps = [Step(TransferState.REQUESTED, timestamp, subject, place)]

    @classmethod
    def request(
        cls,
        command: RequestTransfer,
        home: Home,
        *,
        uscc: str | None,
        opened: OpenedAuthorities,
        now: datetime,
    ) -> Transfer:
        """A new transfer from where the profile is kept; `uscc` is the code of the organization that asks, if one does.

        Raises OutsidePlaceError, NotEmployerError, SamePlaceError and CrossAuthoritySuspendedError.
        """
        actor = command.actor
        if actor.place is not None:
            actor.must_cover(home.place)
        elif actor.organization is not None and (
            uscc is None or uscc not in {home.employer, command.employer}
        ):
            raise NotEmployerError
        if command.to_place == home.place:
            raise SamePlaceError(pointer="/to_place")
        _must_be_open(home.place, command.to_place, opened, local_date(now))
        return cls(
            person_id=command.person_id,
            from_place=home.place,
            to_place=command.to_place,
            employer=command.employer,
            student=command.student,
            evidence=[{"sha256": file.sha256, "media_type": file.media_type} for file in command.evidence],
            subject=actor.subject,
            place=actor.place,
            organization=actor.organization,
            timestamp=now,
        )

    @property
    def desk(self) -> str | None:
        """The place whose turn it is; None when the transfer is over."""
        return desk_of(self.state, self.from_place, self.to_place)

    @property
    def places_concerned(self) -> Sequence[str]:
        """Whose list the transfer stands in."""
        return places_concerned(self.state, self.from_place, self.to_place)

    @property
    def since(self) -> datetime:
        """When the transfer came into its present state."""
        return self.steps[-1].at

    def accept(self, actor: Actor, now: datetime) -> None:
        """The origin lets the profile go. Raises OutsidePlaceError and TransferStateError."""
        actor.must_cover(self.from_place)
        self._must_be(TransferState.REQUESTED)
        self._accepted(person_id=self.person_id, subject=actor.subject, place=str(actor.place), timestamp=now)

    def approve(self, actor: Actor, now: datetime) -> None:
        """The destination takes the profile. Raises OutsidePlaceError and TransferStateError."""
        actor.must_cover(self.to_place)
        self._must_be(TransferState.ACCEPTED)
        self._transferred(
            person_id=self.person_id,
            from_place=self.from_place,
            to_place=self.to_place,
            employer=self.employer,
            subject=actor.subject,
            place=str(actor.place),
            timestamp=now,
        )

    def refuse(self, actor: Actor, reason: str, now: datetime) -> None:
        """The desk whose turn it is sends the transfer back. Raises OutsidePlaceError and TransferStateError."""
        actor.must_cover(*self.places_concerned)
        self._must_be(*OPEN_STATES)
        self._returned(
            person_id=self.person_id,
            reason=reason,
            subject=actor.subject,
            place=str(actor.place),
            timestamp=now,
        )

    def withdraw(self, actor: Actor, now: datetime) -> None:
        """The person takes the request back. Raises NotFoundError and TransferStateError."""
        if not self.is_applicant(actor):
            raise NotFoundError
        self._must_be(TransferState.REQUESTED)
        self._withdrawn(person_id=self.person_id, subject=actor.subject, place=actor.place, timestamp=now)

    def is_applicant(self, actor: Actor) -> bool:
        """Whether the actor may speak for the person: themselves, whoever asked for them, or their authority."""
        if actor.place is not None:
            return actor.covers(self.from_place)
        if actor.organization is not None:
            return actor.organization == self.applicant.organization
        return actor.subject in {self.person_id, self.applicant.subject}

    def may_see(self, actor: Actor) -> bool:
        """Whether the actor may look at the transfer: the applicant, and the officials of both places."""
        if actor.place is not None:
            return actor.covers(self.from_place) or actor.covers(self.to_place)
        return self.is_applicant(actor)

    def _must_be(self, *states: TransferState) -> None:
        if self.state not in states:
            raise TransferStateError(state=self.state.value)

    @event("TransferAccepted", topic="transfer.TransferAccepted")
    def _accepted(self, *, person_id: str, subject: str, place: str, timestamp: datetime) -> None:
        self._enter(TransferState.ACCEPTED, timestamp, subject, place)

    @event("TransferReturned", topic="transfer.TransferReturned")
    def _returned(
        self, *, person_id: str, reason: str, subject: str, place: str, timestamp: datetime
    ) -> None:
        self._enter(TransferState.RETURNED, timestamp, subject, place, reason)

    @event("TransferWithdrawn", topic="transfer.TransferWithdrawn")
    def _withdrawn(self, *, person_id: str, subject: str, place: str | None, timestamp: datetime) -> None:
        self._enter(TransferState.WITHDRAWN, timestamp, subject, place)

    @event("ProfileTransferred", topic="transfer.ProfileTransferred")
    def _transferred(
        self,
        *,
        person_id: str,
        from_place: str,
        to_place: str,
        employer: str | None,
        subject: str,
        place: str,
        timestamp: datetime,
    ) -> None:
        self._enter(TransferState.COMPLETED, timestamp, subject, place)

    def _enter(self, state: TransferState, at: datetime, subject: str, place: str | None, *why: Any) -> None:
        self.state = state
        self.steps.append(Step(state, at, subject, place, *why))


def desk_of(state: str, from_place: str, to_place: str) -> str | None:
    """The place whose turn it is: the origin, then the destination, then nobody."""
    return {TransferState.REQUESTED.value: from_place, TransferState.ACCEPTED.value: to_place}.get(state)


def due_on(since: datetime) -> date | UnknownYear:
    """The last day a desk has for a transfer it got at `since`; UnknownYear when the calendar ends before (S2C-05)."""
    return add_working_days(local_date(since), DESK_WORKING_DAYS)


def places_concerned(state: str, from_place: str, to_place: str) -> Sequence[str]:
    """Whose list a transfer stands in: the desk's while it is open, afterwards that of both places."""
    desk = desk_of(state, from_place, to_place)
    return (desk,) if desk is not None else (from_place, to_place)


def _must_be_open(from_place: str, to_place: str, opened: OpenedAuthorities, on: date) -> None:
    """Between two authorities a profile moves only when both have opened the service by that day (S2C-13)."""
    origin, destination = authority_of(from_place), authority_of(to_place)
    if origin == destination:
        return
    if not (opened.has_opened(origin, on) and opened.has_opened(destination, on)):
        raise CrossAuthoritySuspendedError(
            "调出地与调入地尚未都开通跨省调转，暂缓办理，待开通后再行申请",
            "The two authorities have not both opened transfers yet; apply again when they have",
            pointer="/to_place",
            clause="S2C-13",
        )
