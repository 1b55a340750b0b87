"""The mail of our authorities on the relay: what is new is stored, then acknowledged (S2C-16, S2C-17).

What is not acknowledged is listed again, so a worker killed in between loses nothing. Mail may repeat itself and come in
any order: each exchange says all that happened to it, and the cases know how far they are.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from uuid import UUID

import structlog

from contracts.divisions import authority_of, is_known
from contracts.relay import ArrivingPerson, Exchange, Offer
from services.kit.errors import NotFoundError
from services.transfer.application import TransferApplication
from services.transfer.cases.arrival import Arrival, arrival_id
from services.transfer.cases.departure import Departure
from services.transfer.cases.states import State
from services.transfer.peers import PeerRefusedError, Peers, PeerUnavailableError
from services.transfer.process.worker_steps import told_of

AT_ONCE_MAX = 8
"""Exchanges taken in at the same time."""
UNUSABLE = "information_incorrect"
"""Why an offer is refused whose person no registry could take in."""

_log = structlog.stdlib.get_logger("services.transfer.process")


class UnexpectedHandoverError(Exception):
    """Accounts were handed over that nobody here has confirmed: somebody has to look, and the mail stays."""


class Mail:
    """Reads the mail of the authorities whose ends are kept here."""

    def __init__(self, application: TransferApplication, peers: Peers, authorities: Sequence[str]) -> None:
        self._application = application
        self._peers = peers
        self._authorities = frozenset(authorities)

    async def read(self) -> int:
        """Take in everything that is new; how many exchanges that was. What fails is left for the next time.

        Raises PeerUnavailableError when the relay itself cannot be asked.
        """
        taken, batch = 0, list[Exchange]()
        async for exchange in self._peers.relay.mail(sorted(self._authorities)):
            batch.append(exchange)
            if len(batch) == AT_ONCE_MAX:
                taken += sum(await asyncio.gather(*map(self._taken, batch)))
                batch.clear()
        return taken + sum(await asyncio.gather(*map(self._taken, batch)))

    async def _taken(self, exchange: Exchange) -> bool:
        try:
            await self._take(exchange)
        except PeerUnavailableError as error:
            _log.info("mail left", transfer=exchange.transfer_id, why=str(error))
            return False
        except Exception as error:
            # One exchange that cannot be taken in must not keep the others from being read.
            _log.error("mail left", transfer=exchange.transfer_id, **told_of(error))
            return False
        return True

    async def _take(self, exchange: Exchange) -> None:
        """Both ends may be ours: each has its own mail, and acknowledges what it has stored."""
        if exchange.seen_by == exchange.from_authority:
            await self._tell_departure(exchange)
        else:
            await self._tell_arrival(exchange)
        await self._peers.relay.acknowledge(exchange, exchange.seen_by)

    async def _tell_departure(self, exchange: Exchange) -> None:
        try:
            await self._application.change(
                Departure,
                UUID(exchange.transfer_id),
                lambda case, now: case.hear(exchange.state, exchange.reason, now),
            )
        except (NotFoundError, ValueError):
            _log.warning("mail of an unknown departure", transfer=exchange.transfer_id)

    async def _tell_arrival(self, exchange: Exchange) -> None:
        try:
            arrival = await self._application.load(arrival_id(exchange.transfer_id))
        except NotFoundError:
            if exchange.offer is not None:
                await self._receive(exchange.offer)
            return
        assert isinstance(arrival, Arrival), "the id is made of the transfer's, for arrivals alone"
        if exchange.state == "cancelled":
            await self._cancel(arrival, exchange.reason)
        elif exchange.handovers:
            await self._arrive(arrival, exchange)

    async def _receive(self, offer: Offer) -> None:
        """Fetch an offer: the relay says whether it was recalled first, the registry takes the person in."""
        fetched = await self._peers.relay.step(offer.transfer_id, "receipt")
        if fetched.state != "fetched":
            return
        if not _is_sensible(offer):
            await self._peers.relay.step(offer.transfer_id, "refusal", reason=UNUSABLE)
            return
        person = ArrivingPerson(
            person=offer.person, place=offer.to_place, employer=offer.employer, student=offer.student
        )
        try:
            profile = await self._peers.registry.take_in(offer.transfer_id, person)
        except PeerRefusedError as error:
            _log.warning("offer refused by the registry", transfer=offer.transfer_id, why=str(error))
            await self._peers.relay.step(offer.transfer_id, "refusal", reason=UNUSABLE)
            return
        await self._application.receive(
            arrival_id(offer.transfer_id),
            lambda now: Arrival.receive(offer, person_id=profile.person_id, now=now),
        )

    async def _arrive(self, arrival: Arrival, exchange: Exchange) -> None:
        """The ledger takes the accounts, then the profile is here, then the relay hears of it; supplements likewise."""
        if arrival.state not in (State.CONFIRMED, State.COMPLETED):
            raise UnexpectedHandoverError(arrival.state)
        profile = await self._peers.registry.arriving(arrival.transfer_id)
        for handover in exchange.handovers:
            await self._peers.ledger.arrive(profile, handover)
        await self._application.change(Arrival, arrival.id, lambda case, now: case.arrive(now))
        await self._peers.relay.step(arrival.transfer_id, "completion")

    async def _cancel(self, arrival: Arrival, reason: str | None) -> None:
        await self._peers.registry.let_go(arrival.transfer_id)
        await self._application.change(Arrival, arrival.id, lambda case, now: case.cancel(reason, now))


def _is_sensible(offer: Offer) -> bool:
    """Whether the places are ones we know, and the destination is the authority's whose mail it came with."""
    known = is_known(offer.from_place) and is_known(offer.to_place)
    return known and authority_of(offer.to_place) == offer.to_authority
