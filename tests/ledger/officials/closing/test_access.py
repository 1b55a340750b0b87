"""Officials close, recognise and revoke in their place and all under it; elsewhere they are refused."""

import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.conftest import FreshDatabaseFactory
from tests.ledger.test_access import REACHES
from tests.ledger.world import World, make_world


@pytest.fixture(scope="module")
async def world(fresh_database: FreshDatabaseFactory) -> AsyncIterator[World]:
    """One ledger for all: nothing here succeeds in changing it."""
    async with make_world(fresh_database)().running() as world:
        yield world


def keyed(world: World, official: str, *scopes: str) -> dict[str, str]:
    return world.official(official, *scopes) | {"Idempotency-Key": str(uuid.uuid4())}


def may_or_not(response: Any, may: bool, *statuses: int) -> None:
    """Whoever may ask is told how things are, as one of the statuses; anybody else that it lies outside their place."""
    assert response.status_code in statuses if may else response.status_code == 403, response.text
    if not may:
        assert response.json()["type"].removeprefix("urn:xuefen:problem:") in (
            "outside-place",
            "not-an-official",
        )


@pytest.mark.parametrize(("official", "place", "may"), REACHES)
class TestOfficials:
    async def test_close_years(self, world: World, official: str, place: str, may: bool):
        """None is over, or governed by a notice."""
        headers = keyed(world, official, "year:close", "compliance:read")
        may_or_not(await world.client.post(f"/v1/years/{place}/2025/close", headers=headers), may, 404, 409)
        may_or_not(await world.client.get(f"/v1/years/{place}/2025", headers=headers), may, 200, 404)

    async def test_read_the_archive(self, world: World, official: str, place: str, may: bool):
        headers = world.official(official, "archive:read")
        response = await world.client.get(f"/v1/years/{place}/2025/archive", headers=headers)
        may_or_not(response, may, 404, 409)

    async def test_recognise(self, world: World, official: str, place: str, may: bool):
        headers = keyed(world, official, "credit:recognise")
        asked: dict[str, Any] = {"place": place, "year": 2025}
        listed = await world.client.get("/v1/recognitions", params=asked, headers=headers)
        may_or_not(listed, may, 200)
        done = await world.client.post("/v1/recognitions/worklist", json=asked, headers=headers)
        may_or_not(done, may, 200)

    async def test_revoke_what_a_provider_reported(self, world: World, official: str, place: str, may: bool):
        headers = keyed(world, official, "credit:revoke")
        body = {"provider_id": "organization-1", "place": place, "year": 2025}
        may_or_not(await world.client.post("/v1/revocations", json=body, headers=headers), may, 409)
