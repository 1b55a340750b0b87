"""The registry as the transfer service calls it: who leaves, who arrives. What it answers of a person is passed on at once
and kept nowhere here."""

from __future__ import annotations

from contracts.handover import ArrivingProfile
from contracts.relay import ArrivingPerson, TravellingPerson
from services.transfer.peers.calls import Peer


class RegistryCalls:
    """Asks the registry. Raises PeerUnavailableError, PeerRefusedError."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer

    async def travelling(self, person_id: str) -> TravellingPerson:
        """Name, number and facts of somebody who leaves, for the offer; on record at the registry with its purpose."""
        return await self._peer.ask(TravellingPerson, "GET", f"/v1/departing-people/{person_id}")

    async def take_in(self, transfer_id: str, person: ArrivingPerson) -> ArrivingProfile:
        """Take in somebody who is about to arrive: the person this registry knows them as."""
        return await self._peer.ask(ArrivingProfile, "PUT", f"/v1/arriving-people/{transfer_id}", person)

    async def arriving(self, transfer_id: str) -> ArrivingProfile:
        """Whom the registry took in for a transfer."""
        return await self._peer.ask(ArrivingProfile, "GET", f"/v1/arriving-people/{transfer_id}")

    async def let_go(self, transfer_id: str) -> None:
        """Forget who was taken in and does not arrive after all; nothing when they were known before."""
        await self._peer.send("DELETE", f"/v1/arriving-people/{transfer_id}")
