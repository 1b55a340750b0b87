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
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid5

from contracts.relay import Offer
from services.kit.aggregates import Aggregate
from services.transfer.cases.case import (
    Case,
    Decided,
    Elapsed,
    Entered,
    Opened,
    ProfileMoved,
    SentBack,
    steps,
)
from services.transfer.cases.commands import Actor
from services.transfer.cases.states import Kind, State

_ARRIVALS = UUID("0b5f7c1e-6f0b-5c7a-9a52-6f6b1d0d6a11")
"""Under which the ids of arrivals are made from those of their transfers: a deployment may hold both ends."""


def arrival_id(transfer_id: str) -> UUID:
    """The id of the arrival of a transfer, the same however often it is fetched."""
    return uuid5(_ARRIVALS, transfer_id)


class Arrival(Case):
    """One person's profile on its way in from another authority."""

    TOPIC = "transfer.Arrival"
    kind = Kind.IN
    STEPS = steps(
        approve=("to", (State.RECEIVED,), "Approved"),
        refuse=("to", (State.RECEIVED,), "Refused"),
        confirm=("person", (State.APPROVED,), "Confirmed"),
    )

    if TYPE_CHECKING:
        transfer_id: str
        told: bool

    class Received(Opened):
        """The relay's offer was fetched, and the registry took the person in."""

        TOPIC = "transfer.ArrivalReceived"
        STATE = State.RECEIVED
        transfer_id: str

        def apply(self, aggregate: Any) -> None:
            """Keep the id that the origin gave it."""
            super().apply(aggregate)
            aggregate.transfer_id, aggregate.told = self.transfer_id, False

    class Approved(Decided):
        """The destination took it, if the person confirms."""

        TOPIC = "transfer.ArrivalApproved"
        STATE = State.APPROVED

    class Refused(SentBack):
        """The destination refused, which is final (S2C-18)."""

        TOPIC = "transfer.ArrivalRefused"
        STATE = State.REFUSED

    class Expired(Elapsed):
        """The desk or the person took too long."""

        TOPIC = "transfer.ArrivalExpired"
        STATE = State.REFUSED

    class Confirmed(Entered):
        """The person looked it up."""

        TOPIC = "transfer.ArrivalConfirmed"
        STATE = State.CONFIRMED
        subject: str

    class Arrived(ProfileMoved):
        """The ledger holds the accounts."""

        TOPIC = "transfer.ProfileArrived"
        STATE = State.COMPLETED
        transfer_id: str

    class Cancelled(Elapsed):
        """The origin could not let go after all, or would not wait any longer."""

        TOPIC = "transfer.ArrivalCancelled"
        STATE = State.CANCELLED

    class RelayTold(Aggregate.Event):
        """The relay has taken the refusal or the confirmation."""

        TOPIC = "transfer.RelayTold"
        person_id: str

        def apply(self, aggregate: Any) -> None:
            """It need not be told again."""
            aggregate.told = True

    @staticmethod
    def create_id(transfer_id: str) -> UUID:
        """See `arrival_id`."""
        return arrival_id(transfer_id)

    @classmethod
    def receive(cls, offer: Offer, *, person_id: str, now: datetime) -> Arrival:
        """What was fetched from the relay (S2C-17), of a person as this deployment's registry knows them."""
        return cls._create(
            cls.Received,
            transfer_id=offer.transfer_id,
            person_id=person_id,
            from_place=offer.from_place,
            to_place=offer.to_place,
            employer=offer.employer,
            student=offer.student,
            evidence=[each.model_dump() for each in offer.evidence],
            timestamp=now,
        )

    def note_told(self, now: datetime) -> None:
        """The relay has taken the refusal or the confirmation; nothing when that is known."""
        if self.state in (State.REFUSED, State.CONFIRMED) and not self.told:
            self.tell("RelayTold", now)

    def arrive(self, now: datetime) -> None:
        """The ledger holds the accounts: the profile is kept here from now on; nothing when it is already."""
        if self.state is State.CONFIRMED:
            self.tell("Arrived", now)

    def cancel(self, reason: str | None, now: datetime) -> None:
        """The origin could not let go after all, or would not wait any longer; nothing when it is over."""
        if self.is_open:
            self.tell("Cancelled", now, reason=reason or "other")

    def may_see(self, actor: Actor) -> bool:
        """Whether the actor may look: the person, and the destination's officials."""
        return self.speaks_for_person(actor) if actor.place is None else actor.covers(self.to_place)

    def speaks_for_person(self, actor: Actor) -> bool:
        """Whether the actor is the person."""
        return actor.place is None and actor.organization is None and actor.subject == self.person_id
