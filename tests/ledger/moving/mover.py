"""The transfer service, as the ledger sees it: it carries people from one authority to another over HTTP."""

import itertools
from datetime import datetime
from typing import Any

import httpx

from contracts import transfer
from services.ledger.reactions.reactions import SourceEvent
from tests.kit.http import bearer
from tests.ledger.world import Somebody, World

JINCHENG, SHANXI = "140500", "140000"
SHENYANG, LIAONING = "210100", "210000"
DALIAN = "210200"
SHUANGTA = "211302"
"""In Chaoyang, whose notice of 2024 registers after the exam (S0-11)."""
SOCIETY = "朝阳市会计学会"
LISTED = "北京东奥时代教育科技有限公司"
STAR = "会计之星"
"""Shanxi registers what it reports once 90 credits are reached (S2B-07)."""


class Mover:
    """Carries people, and tells what the transfer's feed would."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._ids = itertools.count(1)
        self._position = 0

    def transfer_id(self) -> str:
        """An id nobody has used in this world."""
        self.world.transfers = getattr(self.world, "transfers", 0) + 1  # type: ignore[attr-defined]
        number: int = self.world.transfers  # type: ignore[attr-defined]
        return f"transfer-{number:05d}"

    @property
    def headers(self) -> dict[str, str]:
        """The transfer service's token."""
        return bearer("transfer:carry", subject="service:transfer")

    async def guards(self, transfer_id: str, who: Somebody, to_place: str) -> httpx.Response:
        """Ask for the guard."""
        body = {"person_id": who.person_id, "to_place": to_place}
        return await self.world.client.put(f"/v1/departures/{transfer_id}", json=body, headers=self.headers)

    async def lifts(self, transfer_id: str) -> httpx.Response:
        """Lift it."""
        return await self.world.client.delete(f"/v1/departures/{transfer_id}", headers=self.headers)

    async def leaves(
        self, transfer_id: str, who: Somebody, to_place: str, left_at: datetime | None = None
    ) -> httpx.Response:
        """Leave."""
        body = {
            "person_id": who.person_id,
            "to_place": to_place,
            "left_at": (left_at or self.world.now).isoformat(),
        }
        return await self.world.client.post(
            f"/v1/departures/{transfer_id}/leave", json=body, headers=self.headers
        )

    def arriving(self, who: Somebody, place: str, handover: dict[str, Any], **fields: Any) -> dict[str, Any]:
        """Who arrives, as the destination's registry would say."""
        hasher, person = self.world.ledger.hashers.current, who.person
        profile = {
            "person_id": who.person_id,
            "identity_hash": hasher.person("resident_id", person.id_number),
            "name_hash": hasher.name("resident_id", person.id_number, person.name),
            "place": place,
            "employer": None,
            "qualified_on": "2018-09-01",
            "qualification": "junior",
        }
        return {"profile": profile | fields, "handover": handover}

    async def arrives(
        self, who: Somebody, place: str, handover: dict[str, Any], **fields: Any
    ) -> httpx.Response:
        """Arrive, with the handover or a supplement."""
        return await self.world.client.post(
            f"/v1/arrivals/{handover['transfer_id']}",
            json=self.arriving(who, place, handover, **fields),
            headers=self.headers,
        )

    async def supplements(self, transfer_id: str, after: int = 0) -> list[dict[str, Any]]:
        """What came after the departure."""
        response = await self.world.client.get(
            f"/v1/departures/{transfer_id}/supplements", params={"after": after}, headers=self.headers
        )
        assert response.status_code == 200, response.text
        found: list[dict[str, Any]] = response.json()["items"]
        return found

    async def passes_on(self, transfer_id: str, who: Somebody, place: str, after: int = 0) -> int:
        """Hand every supplement on to the destination; how many there were."""
        found = await self.supplements(transfer_id, after)
        for supplement in found:
            response = await self.arrives(who, place, supplement)
            assert response.status_code == 200, response.text
        return len(found)

    async def moves(self, who: Somebody, to_place: str, **fields: Any) -> str:
        """The whole way, and the transfer's id."""
        transfer_id = self.transfer_id()
        response = await self.guards(transfer_id, who, to_place)
        assert response.status_code == 200, response.text
        response = await self.leaves(transfer_id, who, to_place)
        assert response.status_code == 200, response.text
        response = await self.arrives(who, to_place, response.json(), **fields)
        assert response.status_code == 200, response.text
        return transfer_id

    async def tells(self, *facts: Any) -> None:
        """The transfer's feed brings facts."""
        position = getattr(self.world, "told", 0)
        events = [SourceEvent(position + number, fact) for number, fact in enumerate(facts, 1)]
        self.world.told = position + len(facts)  # type: ignore[attr-defined]
        await self.world.ledger.reactions.handle("transfer", events, position + len(facts))

    def requested(self, transfer_id: str, who: Somebody, from_place: str, to_place: str) -> Any:
        """The fact that a transfer was asked for."""
        return transfer.TransferRequested(
            transfer_id=transfer_id,
            person_id=who.person_id,
            from_place=from_place,
            to_place=to_place,
            from_authority=f"{from_place[:2]}0000",
            to_authority=f"{to_place[:2]}0000",
            requested_at=self.world.now,
        )
