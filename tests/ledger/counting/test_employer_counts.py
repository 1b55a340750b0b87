"""Standings of each unit's people, within a place."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from services.cli.demo import fictitious
from tests.conftest import FreshDatabaseFactory
from tests.ledger.counting.desk import Desk
from tests.ledger.world import World, make_world

LIAONING, CHAOYANG, SHUANGTA, SHENYANG = "210000", "211300", "211302", "210100"
LISTED = "北京东奥时代教育科技有限公司"
FIRM, SCHOOL = sorted(fictitious.uscc(number) for number in (801, 802))


@pytest.fixture
async def world(fresh_database: FreshDatabaseFactory) -> AsyncIterator[World]:
    """Two people of a firm in Chaoyang, one in Shenyang; one of a school."""
    async with make_world(fresh_database)().running() as world:
        provider = await world.provides(LISTED, accredited=[LIAONING])
        people = []
        for place, employer in ((SHUANGTA, FIRM), (SHUANGTA, FIRM), (SHENYANG, FIRM), (SHUANGTA, SCHOOL)):
            people.append(await world.collects(place, employer=employer))
        await world.collects(SHUANGTA)
        await provider.posts(
            provider.completion(people[0], 2025, "60.00"),
            provider.completion(people[0], 2025, "30.00", category="public"),
        )
        await Desk(world, LIAONING).works()
        yield world


async def asks(world: World, place: str, **params: Any) -> dict[str, Any]:
    response = await world.client.get(
        "/v1/statistics/employers",
        params={"place": place, "year": 2025} | params,
        headers=world.official(LIAONING),
    )
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


class TestEmployers:
    async def test_are_counted_within_the_place_asked_about(self, world: World):
        """S1-20, S3A-04."""
        found = {}
        for place in (LIAONING, CHAOYANG, SHENYANG):
            rows = (await asks(world, place))["items"]
            found[place] = {
                row["employer"]: (row["persons"], row["compliant"], row["in_progress"]) for row in rows
            }
        assert found == {
            LIAONING: {FIRM: (3, 1, 2), SCHOOL: (1, 0, 1)},
            CHAOYANG: {FIRM: (2, 1, 1), SCHOOL: (1, 0, 1)},
            SHENYANG: {FIRM: (1, 0, 1)},
        }

    async def test_come_page_by_page(self, world: World):
        first = await asks(world, LIAONING, limit=1)
        assert ([row["employer"] for row in first["items"]], first["next"]) == ([FIRM], FIRM)
        second = await asks(world, LIAONING, limit=1, after=first["next"])
        assert [row["employer"] for row in second["items"]] == [SCHOOL]
        assert (await asks(world, LIAONING, after=SCHOOL))["items"] == []

    async def test_are_counted_within_one_authority(self, world: World):
        response = await world.client.get(
            "/v1/statistics/employers",
            params={"place": "100000", "year": 2025},
            headers=world.official("100000"),
        )
        assert response.json()["type"] == "urn:xuefen:problem:place-too-wide"
