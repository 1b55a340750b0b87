"""Registrations counted by place, mode and provider, and day by day."""

from datetime import UTC, datetime
from typing import Any

from services.kit.projection import ProjectionRunner
from services.ledger.counting.registrations import RegistrationsDaily
from tests.ledger.world import World

LIAONING, CHAOYANG, SHUANGTA, SHANXI = "210000", "211300", "211302", "140000"
LISTED = "北京东奥时代教育科技有限公司"


async def catch_up(world: World) -> int:
    runner = ProjectionRunner(
        world.ledger.databases, world.ledger.store, RegistrationsDaily(), lambda: [LIAONING]
    )
    return await runner.catch_up(LIAONING)


async def asks(world: World, numbers: str, place: str, **params: Any) -> dict[str, Any]:
    response = await world.client.get(
        f"/v1/statistics/{numbers}",
        params={"place": place, "year": 2025} | params,
        headers=world.official(LIAONING),
    )
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


class TestByPlace:
    async def test_count_what_stands_and_say_how_far_they_have_come(self, world: World):
        provider = await world.provides(LISTED, accredited=[LIAONING])
        outcomes = []
        for place in (SHUANGTA, SHUANGTA, "211303", CHAOYANG):
            who = await world.collects(place)
            outcomes += await provider.posts(provider.completion(who, 2025, "10.50"))
        await provider.withdraws(outcomes[0]["id"])
        reached = await catch_up(world)
        rows = {}
        for place in (SHUANGTA, CHAOYANG, LIAONING):
            body = await asks(world, "registrations", place)
            assert body["reached"] == [{"log": LIAONING, "position": reached, "lag": 0}]
            rows[place] = {
                (row["place"], row["own"]): row["records"]
                for row in body["rows"]
                if row["provider_id"] == provider.organization_id and row["records"]
            }
        assert rows == {
            SHUANGTA: {(SHUANGTA, True): 1},
            CHAOYANG: {(CHAOYANG, True): 1, (SHUANGTA, False): 1, ("211303", False): 1},
            LIAONING: {(CHAOYANG, False): 3},
        }

    async def test_tell_how_many_events_are_behind(self, world: World):
        await catch_up(world)
        await world.collects(SHUANGTA)
        assert (await asks(world, "registrations", LIAONING))["reached"][0]["lag"] == 1


class TestByDay:
    async def test_a_day_counts_what_was_registered_on_it_and_still_stands(self, world: World):
        provider = await world.provides(LISTED, accredited=[LIAONING])
        before = world.now
        for day, credits in ((3, "10"), (4, "20"), (4, "5")):
            world.now = datetime(2025, 6, day, 20, tzinfo=UTC)
            who = await world.collects(SHUANGTA)
            [outcome] = await provider.posts(provider.completion(who, 2025, credits))
        await provider.withdraws(outcome["id"])
        world.now = before
        await catch_up(world)
        mine = {"provider_id": provider.organization_id}
        body = await asks(world, "registrations/daily", CHAOYANG, **mine)
        assert body["rows"] == [
            {"day": "2025-06-04", "records": 1, "credits": "10.00"},
            {"day": "2025-06-05", "records": 1, "credits": "20.00"},
        ]
        body = await asks(
            world, "registrations/daily", LIAONING, day_from="2025-06-05", day_to="2025-06-05", **mine
        )
        assert [row["credits"] for row in body["rows"]] == ["20.00"]
