"""The ledger as the transfer service calls it: guard, leave, arrive (`contracts/handover.py`). Every call is repeatable."""

from __future__ import annotations

from datetime import datetime

from contracts.handover import (
    ArrivalAnswer,
    ArriveAtAuthority,
    ArrivingProfile,
    DepartureAnswer,
    GuardDeparture,
    Handover,
    LeaveAuthority,
    Supplements,
)
from services.transfer.peers.calls import Peer, PeerRefusedError

BLOCKED = "departure-blocked"
ENDED = "departure-ended"
"""Codes of the ledger's refusals that mean something here."""


class DepartureIsBlockedError(Exception):
    """The ledger named what must be finished first (S2C-14)."""

    def __init__(self, blockers: list[dict[str, object]]) -> None:
        super().__init__("departure-blocked")
        self.blockers = blockers


class DepartureHasEndedError(Exception):
    """The guard was lifted, or lapsed, before the departure was stored: it cannot be had again under this id."""


class LedgerCalls:
    """Asks the ledger. Raises PeerUnavailableError, PeerRefusedError."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer

    async def guard(self, transfer_id: str, person_id: str, to_place: str) -> None:
        """Guard an account before it leaves. Raises DepartureIsBlockedError and DepartureHasEndedError."""
        body = GuardDeparture(person_id=person_id, to_place=to_place)
        try:
            await self._peer.ask(DepartureAnswer, "PUT", f"/v1/departures/{transfer_id}", body)
        except PeerRefusedError as error:
            raise _meaning(error) from None

    async def lift(self, transfer_id: str) -> None:
        """Lift a guard that nothing came of; it would lapse by itself."""
        await self._peer.send("DELETE", f"/v1/departures/{transfer_id}")

    async def leave(self, transfer_id: str, person_id: str, to_place: str, left_at: datetime) -> Handover:
        """Let the open accounts leave; the same handover each time. Raises DepartureIsBlockedError and, when the guard was
        lifted, DepartureHasEndedError.
        """
        body = LeaveAuthority(person_id=person_id, to_place=to_place, left_at=left_at)
        path = f"/v1/departures/{transfer_id}/leave"
        try:
            return await self._peer.ask(Handover, "POST", path, body)
        except PeerRefusedError as error:
            raise _meaning(error) from None

    async def arrive(self, profile: ArrivingProfile, handover: Handover) -> None:
        """Let the accounts arrive; once, however often it is asked."""
        body = ArriveAtAuthority(profile=profile, handover=handover)
        await self._peer.ask(ArrivalAnswer, "POST", f"/v1/arrivals/{handover.transfer_id}", body)

    async def supplements(self, transfer_id: str, after: int) -> Supplements:
        """What came to the moved years after the person had left, from the one after `after` on."""
        path = f"/v1/departures/{transfer_id}/supplements"
        return await self._peer.ask(Supplements, "GET", path, params=[("after", str(after))])


def _meaning(error: PeerRefusedError) -> Exception:
    if error.code == ENDED:
        return DepartureHasEndedError()
    blockers = error.problem.get("blockers")
    if error.code != BLOCKED or not isinstance(blockers, list):
        return error
    return DepartureIsBlockedError([dict(each) for each in blockers])
