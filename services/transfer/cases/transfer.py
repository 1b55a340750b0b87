"""A transfer within one authority (省内调转).

    requested ──accept──▶ accepted ──approve──▶ completed
        │                    │
        ├──refuse, time over──▶ returned ◀─┘          (the profile stays at its origin, S2C-12)
        └──withdraw──▶ withdrawn

1. The registry collects a person; this service learns the place from its feed (`profile_home.py`).
2. A request names the destination; the origin is where the home is at that moment, under the person's lock.
3. The origin accepts, the destination approves; either sends it back while it is on its desk, and so does the last day.
4. `ProfileTransferred` moves the home in its own transaction. Registry and ledger follow it in their own logs, about a
   second later: the person's accounts stay in the same log, so no credit has to travel.

At every moment one place has the profile: the origin until `ProfileTransferred`, from then on the destination.
"""

from __future__ import annotations

from datetime import datetime

from eventsourcing.domain import event

from services.kit.aggregates import Aggregate
from services.transfer.actors import Actor
from services.transfer.cases.applying import Applied, digests, must_be_askable
from services.transfer.cases.case import Step
from services.transfer.cases.states import Kind, State
from services.transfer.commands import RequestTransfer
from services.transfer.profile_home import ProfileHome


class Transfer(Applied, Aggregate):
    """One person's profile on its way from one place to another of the same authority."""

    TOPIC = "transfer.Transfer"
    kind = Kind.WITHIN

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
        self.state = State.REQUESTED
        self.steps = [Step(State.REQUESTED, timestamp, subject, place)]

    @classmethod
    def request(
        cls, command: RequestTransfer, home: ProfileHome, *, uscc: str | None, now: datetime
    ) -> Transfer:
        """A new transfer from where the profile is kept. Raises what `must_be_askable` does."""
        must_be_askable(command, home, uscc)
        actor = command.actor
        return cls(
            person_id=command.person_id,
            from_place=home.place,
            to_place=command.to_place,
            employer=command.employer,
            student=command.student,
            evidence=digests(command.evidence),
            subject=actor.subject,
            place=actor.place,
            organization=actor.organization,
            timestamp=now,
        )

    def accept(self, actor: Actor, now: datetime) -> None:
        """The origin lets the profile go. Raises OutsidePlaceError, TransferStateError, TransferLateError."""
        actor.must_cover(self.from_place)
        self._must_be(now, State.REQUESTED)
        self._accepted(person_id=self.person_id, subject=actor.subject, place=str(actor.place), timestamp=now)

    def approve(self, actor: Actor, now: datetime) -> None:
        """The destination takes the profile. Raises OutsidePlaceError, TransferStateError, TransferLateError."""
        actor.must_cover(self.to_place)
        self._must_be(now, State.ACCEPTED)
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
        """The desk whose turn it is sends it back. Raises OutsidePlaceError, TransferStateError, TransferLateError."""
        actor.must_cover(*self.places_concerned)
        self._must_be(now, State.REQUESTED, State.ACCEPTED)
        self._returned(
            person_id=self.person_id,
            reason=reason,
            subject=actor.subject,
            place=str(actor.place),
            timestamp=now,
        )

    def withdraw(self, actor: Actor, now: datetime) -> None:
        """The person takes the request back. Raises NotFoundError, TransferStateError, TransferLateError."""
        self._must_be_applicant(actor)
        self._must_be(now, State.REQUESTED)
        self._withdrawn(person_id=self.person_id, subject=actor.subject, place=actor.place, timestamp=now)

    def expire(self, now: datetime) -> None:
        """Return what a desk did not decide in its ten working days (S2C-05); nothing before they are over."""
        reason = self.late_reason(now)
        if reason is not None:
            self._expired(person_id=self.person_id, reason=reason, timestamp=now)

    def may_see(self, actor: Actor) -> bool:
        """Whether the actor may look at the transfer: the applicant, a portal, and the officials of both places."""
        if actor.place is not None:
            return actor.covers(self.from_place) or actor.covers(self.to_place)
        return self.is_applicant(actor) or actor.portal

    @event("TransferAccepted", topic="transfer.TransferAccepted")
    def _accepted(self, *, person_id: str, subject: str, place: str, timestamp: datetime) -> None:
        self._enter(State.ACCEPTED, timestamp, subject, place)

    @event("TransferReturned", topic="transfer.TransferReturned")
    def _returned(
        self, *, person_id: str, reason: str, subject: str, place: str, timestamp: datetime
    ) -> None:
        self._enter(State.RETURNED, timestamp, subject, place, reason)

    @event("TransferExpired", topic="transfer.TransferExpired")
    def _expired(self, *, person_id: str, reason: str, timestamp: datetime) -> None:
        self._enter(State.RETURNED, timestamp, None, None, reason)

    @event("TransferWithdrawn", topic="transfer.TransferWithdrawn")
    def _withdrawn(self, *, person_id: str, subject: str, place: str | None, timestamp: datetime) -> None:
        self._enter(State.WITHDRAWN, timestamp, subject, place)

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
        self._enter(State.COMPLETED, timestamp, subject, place)
