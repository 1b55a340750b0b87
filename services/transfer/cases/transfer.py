"""A transfer within one authority (省内调转).

    requested ──accept──▶ accepted ──approve──▶ completed
        │                    │
        ├──refuse, time over──▶ returned ◀─┘          (the profile stays at its origin, S2C-12)
        └──withdraw──▶ withdrawn

1. The registry collects a person; this service learns the place from its feed (`places.py`).
2. A request names the destination; the origin is where the home is at that moment, under the person's lock.
3. The origin accepts, the destination approves; either sends it back while it is on its desk, and so does the last day.
4. `ProfileTransferred` moves the home in its own transaction. Registry and ledger follow it in their own logs, about a
   second later: the person's accounts stay in the same log, so no credit has to travel.

At every moment one place has the profile: the origin until `ProfileTransferred`, from then on the destination.
"""

from __future__ import annotations

from datetime import datetime

from services.transfer.cases.case import (
    Asked,
    Decided,
    Elapsed,
    ProfileMoved,
    RequestedCase,
    SentBack,
    TakenBack,
    request_of,
    steps,
)
from services.transfer.cases.commands import Actor, RequestTransfer
from services.transfer.cases.states import Kind, State
from services.transfer.places import ProfileHome


class Transfer(RequestedCase):
    """One person's profile on its way from one place to another of the same authority."""

    TOPIC = "transfer.Transfer"
    kind = Kind.WITHIN
    STEPS = steps(
        accept=("from", (State.REQUESTED,), "Accepted"),
        approve=("to", (State.ACCEPTED,), "Transferred"),
        refuse=("desk", (State.REQUESTED, State.ACCEPTED), "Returned"),
        withdraw=("applicant", (State.REQUESTED,), "Withdrawn"),
    )

    class Requested(Asked):
        """Somebody asked for it."""

        TOPIC = "transfer.TransferRequested"
        STATE = State.REQUESTED

    class Accepted(Decided):
        """The origin let it go."""

        TOPIC = "transfer.TransferAccepted"
        STATE = State.ACCEPTED

    class Returned(SentBack):
        """A desk sent it back."""

        TOPIC = "transfer.TransferReturned"
        STATE = State.RETURNED

    class Expired(Elapsed):
        """A desk took too long."""

        TOPIC = "transfer.TransferExpired"
        STATE = State.RETURNED

    class Withdrawn(TakenBack):
        """It was taken back."""

        TOPIC = "transfer.TransferWithdrawn"
        STATE = State.WITHDRAWN

    class Transferred(ProfileMoved, Decided):
        """The destination took it."""

        TOPIC = "transfer.ProfileTransferred"
        STATE = State.COMPLETED

    @classmethod
    def request(
        cls, command: RequestTransfer, actor: Actor, home: ProfileHome, *, uscc: str | None, now: datetime
    ) -> Transfer:
        """A new transfer from where the profile is kept. Raises what `request_of` does."""
        return cls._create(cls.Requested, **request_of(command, actor, home, uscc), timestamp=now)

    def may_see(self, actor: Actor) -> bool:
        """Whether the actor may look at the transfer: the applicant, and the officials of both places."""
        if actor.place is not None:
            return actor.covers(self.from_place) or actor.covers(self.to_place)
        return self.speaks_for_person(actor)
