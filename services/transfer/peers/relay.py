"""The national relay as either end calls it; every call is harmless to repeat (`contracts/relay.py`)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable

from contracts.handover import Handover
from contracts.relay import Acknowledgement, Exchange, Mail, Offer, Step, StepName
from services.transfer.peers.calls import Peer


class Relay:
    """The relay; each method answers with the exchange as it stands. Raises PeerUnavailableError, PeerRefusedError."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer

    async def offer(self, offer: Offer) -> Exchange:
        """Put a profile on the relay (S2C-15)."""
        return await self._peer.ask(Exchange, "PUT", f"/v1/exchanges/{offer.transfer_id}", offer)

    async def look(self, transfer_id: str) -> Exchange:
        """How far an exchange is."""
        return await self._peer.ask(Exchange, "GET", f"/v1/exchanges/{transfer_id}")

    async def step(self, transfer_id: str, step: StepName, *, reason: str | None = None) -> Exchange:
        """Take a step; where it is not possible any more, the answer says how things stand."""
        body = Step(step=step, reason=reason)
        return await self._peer.ask(Exchange, "POST", f"/v1/exchanges/{transfer_id}/steps", body)

    async def hand_over(self, handover: Handover) -> Exchange:
        """Put the accounts on the relay, or a late supplement."""
        path = f"/v1/exchanges/{handover.transfer_id}/handovers/{handover.sequence}"
        return await self._peer.ask(Exchange, "PUT", path, handover)

    async def acknowledge(self, exchange: Exchange, authority: str) -> None:
        """Say that what the exchange told is stored."""
        body = Acknowledgement(authority=authority, revision=exchange.revision)
        path = f"/v1/exchanges/{exchange.transfer_id}/acknowledgements"
        await self._peer.ask(Exchange, "POST", path, body)

    async def mail(self, authorities: Iterable[str]) -> AsyncIterator[Exchange]:
        """Everything new for the authorities, page by page."""
        asked = [("authority", each) for each in authorities]
        after: list[tuple[str, str]] = []
        while True:
            page = await self._peer.ask(Mail, "GET", "/v1/mail", params=[*asked, *after])
            for exchange in page.exchanges:
                yield exchange
            if page.next is None:
                return
            after = [("after", page.next)]
