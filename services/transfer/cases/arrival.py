"""A transfer in from another authority (跨省调入): the destination's end.

    received ──approve──▶ approved ──the person looks it up──▶ confirmed ──the accounts arrive──▶ completed
        │                     │                                    │
        └──refuse, time over──┴──▶ refused (final)                 └──the origin cannot let go──▶ cancelled

1. The worker fetches what the relay holds for the authorities it answers for, and the registry takes the person in (S2C-17).
2. The destination's desk approves or refuses; a refusal is final and returns to the origin with its reason (S2C-18).
3. Approved, it waits for the person, who confirms by looking it up.
4. `ProfileArrived` is stored once the ledger holds the accounts: from then on the destination has the profile. What the
   place wants to know besides is asked afterwards and blocks nothing (S2C-19).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from eventsourcing.domain import event

from contracts.relay import Offer
from services.kit.aggregates import Aggregate
from services.kit.errors import NotFoundError
from services.transfer.actors import Actor
from services.transfer.cases.case import Case, Step
from services.transfer.cases.states import Kind, State

_ARRIVALS = UUID("0b5f7c1e-6f0b-5c7a-9a52-6f6b1d0d6a11")
"""Under which the ids of arrivals are made from those of their transfers: a deployment may hold both ends."""


def arrival_id(transfer_id: str) -> UUID:
    """The id of the arrival of a transfer, the same however often it is fetched."""
    return uuid5(_ARRIVALS, transfer_id)


class Arrival(Case, Aggregate):
    """One person's profile on its way in from another authority."""

    TOPIC = "transfer.Arrival"
    kind = Kind.IN

    @staticmethod
    def create_id(transfer_id: str) -> UUID:
        """See `arrival_id`."""
        return arrival_id(transfer_id)

    @event("ArrivalReceived", topic="transfer.ArrivalReceived")
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
        timestamp: datetime,
    ) -> None:
        self.transfer_id = transfer_id
        self.person_id = person_id
        self.from_place = from_place
        self.to_place = to_place
        self.employer = employer
        self.student = student
        self.evidence = evidence
        self.told = False
        self.state = State.RECEIVED
        self.steps = [Step(State.RECEIVED, timestamp, None, None)]

    @classmethod
    def receive(cls, offer: Offer, *, person_id: str, now: datetime) -> Arrival:
        """What was fetched from the relay (S2C-17), of a person as this deployment's registry knows them."""
        return cls(
            transfer_id=offer.transfer_id,
            person_id=person_id,
            from_place=offer.from_place,
            to_place=offer.to_place,
            employer=offer.employer,
            student=offer.student,
            evidence=[each.model_dump() for each in offer.evidence],
            timestamp=now,
        )

    def approve(self, actor: Actor, now: datetime) -> None:
        """The destination takes the profile, if the person confirms. Raises OutsidePlaceError, TransferStateError and
        TransferLateError.
        """
        actor.must_cover(self.to_place)
        self._must_be(now, State.RECEIVED)
        self._approved(person_id=self.person_id, subject=actor.subject, place=str(actor.place), timestamp=now)

    def refuse(self, actor: Actor, reason: str, now: datetime) -> None:
        """The destination refuses, which is final (S2C-18). Raises as `approve` does."""
        actor.must_cover(self.to_place)
        self._must_be(now, State.RECEIVED)
        self._refused(
            person_id=self.person_id,
            reason=reason,
            subject=actor.subject,
            place=str(actor.place),
            timestamp=now,
        )

    def confirm(self, actor: Actor, now: datetime) -> None:
        """The person looks the approved transfer up, which confirms it (S2C-18).

        Raises NotFoundError for anybody else, TransferStateError and TransferLateError.
        """
        if not self._speaks_for_person(actor):
            raise NotFoundError
        self._must_be(now, State.APPROVED)
        self._confirmed(person_id=self.person_id, subject=actor.subject, timestamp=now)

    def expire(self, now: datetime) -> None:
        """Refuse what the desk or the person left for too long, so that it returns to the origin."""
        reason = self.late_reason(now)
        if reason is not None:
            self._expired(person_id=self.person_id, reason=reason, timestamp=now)

    def note_told(self, now: datetime) -> None:
        """The relay has taken the refusal or the confirmation; nothing when that is known."""
        if self.state in (State.REFUSED, State.CONFIRMED) and not self.told:
            self._relay_told(person_id=self.person_id, timestamp=now)

    def arrive(self, now: datetime) -> None:
        """The ledger holds the accounts: the profile is kept here from now on; nothing when it is already."""
        if self.state is State.CONFIRMED:
            self._arrived(
                person_id=self.person_id,
                transfer_id=self.transfer_id,
                from_place=self.from_place,
                to_place=self.to_place,
                employer=self.employer,
                timestamp=now,
            )

    def cancel(self, reason: str | None, now: datetime) -> None:
        """The origin could not let go after all, or would not wait any longer; nothing when it is over."""
        if self.state in (State.RECEIVED, State.APPROVED, State.CONFIRMED):
            self._cancelled(person_id=self.person_id, reason=reason or "other", timestamp=now)

    def may_see(self, actor: Actor) -> bool:
        """Whether the actor may look: the person, a portal, and the destination's officials."""
        return self._speaks_for_person(actor) if actor.place is None else actor.covers(self.to_place)

    def _speaks_for_person(self, actor: Actor) -> bool:
        if actor.place is not None or actor.organization is not None:
            return False
        return actor.portal or actor.subject == self.person_id

    @event("ArrivalApproved", topic="transfer.ArrivalApproved")
    def _approved(self, *, person_id: str, subject: str, place: str, timestamp: datetime) -> None:
        self._enter(State.APPROVED, timestamp, subject, place)

    @event("ArrivalRefused", topic="transfer.ArrivalRefused")
    def _refused(self, *, person_id: str, reason: str, subject: str, place: str, timestamp: datetime) -> None:
        self._end(State.REFUSED, timestamp, subject, place, reason)

    @event("ArrivalExpired", topic="transfer.ArrivalExpired")
    def _expired(self, *, person_id: str, reason: str, timestamp: datetime) -> None:
        self._end(State.REFUSED, timestamp, None, None, reason)

    @event("ArrivalConfirmed", topic="transfer.ArrivalConfirmed")
    def _confirmed(self, *, person_id: str, subject: str, timestamp: datetime) -> None:
        self._enter(State.CONFIRMED, timestamp, subject, None)

    @event("RelayTold", topic="transfer.RelayTold")
    def _relay_told(self, *, person_id: str, timestamp: datetime) -> None:
        self.told = True

    @event("ProfileArrived", topic="transfer.ProfileArrived")
    def _arrived(
        self,
        *,
        person_id: str,
        transfer_id: str,
        from_place: str,
        to_place: str,
        employer: str | None,
        timestamp: datetime,
    ) -> None:
        self._end(State.COMPLETED, timestamp, None, None)

    @event("ArrivalCancelled", topic="transfer.ArrivalCancelled")
    def _cancelled(self, *, person_id: str, reason: str, timestamp: datetime) -> None:
        self._end(State.CANCELLED, timestamp, None, None, reason)

    def _end(self, state: State, at: datetime, subject: str | None, place: str | None, *why: Any) -> None:
        self.reason = why[0] if why else None
        self._enter(state, at, subject, place, *why)
