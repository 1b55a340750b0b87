"""Anomalies are shown to reviewers of the place and decide nothing; what an official found is kept (S1-21)."""

import uuid
from datetime import UTC, datetime
from typing import Any

import pytest

from services.kit.projection import ProjectionRunner
from services.ledger.counting import rebuild as rebuilding
from services.ledger.counting.anomaly_projection import Anomalies
from services.ledger.store.anomalies import TABLES
from tests.ledger.world import Provider, Somebody, World

LIAONING, CHAOYANG, SHUANGTA, SHANXI = "210000", "211300", "211302", "140000"
LISTED, OTHER = "北京东奥时代教育科技有限公司", "东北财经大学"
NINE = "2025-05-20T09:00:10+08:00"


@pytest.fixture(autouse=True)
def june(world: World) -> None:
    world.now = datetime(2025, 6, 1, 4, tzinfo=UTC)


@pytest.fixture
async def provider(world: World) -> Provider:
    return await world.provides(LISTED, accredited=[LIAONING])


@pytest.fixture
async def other(world: World) -> Provider:
    return await world.provides(OTHER, accredited=[LIAONING])


async def noticed(world: World, place: str = LIAONING, **params: Any) -> list[dict[str, Any]]:
    """What reviewers of a place see once the worker has caught up."""
    runner = ProjectionRunner(world.ledger.databases, world.ledger.store, Anomalies(), lambda: [LIAONING])
    await runner.catch_up(LIAONING)
    response = await world.client.get(
        "/v1/anomalies", params={"place": place} | params, headers=official(world, place)
    )
    assert response.status_code == 200, response.text
    results: list[dict[str, Any]] = response.json()["items"]
    return results


def official(world: World, place: str = LIAONING) -> dict[str, str]:
    return world.official(place, "anomaly:review") | {"Idempotency-Key": str(uuid.uuid4())}


async def of(world: World, who: Somebody, **params: Any) -> list[dict[str, Any]]:
    return [each for each in await noticed(world, limit=200, **params) if each["person_id"] == who.person_id]


async def studies(provider: Provider, who: Somebody, credits: str = "30.00", **fields: Any) -> dict[str, Any]:
    """Given a registered completion."""
    at = {"completed_at": NINE} | fields
    [outcome] = await provider.posts(provider.completion(who, 2025, credits, **at))
    assert outcome["outcome"] == "registered", outcome
    return outcome


async def clears(world: World, anomaly: dict[str, Any], place: str = LIAONING) -> Any:
    return await world.client.post(
        f"/v1/anomalies/{anomaly['anomaly_id']}/clearance",
        json={"finding": "clock_of_provider", "reference": "file-7"},
        headers=official(world, place),
    )


class TestNotice:
    async def test_more_study_than_a_day_has_is_shown_and_counts_all_the_same(
        self, world: World, provider: Provider
    ):
        """S1-21: flags never decide by themselves."""
        who = await world.collects(SHUANGTA)
        await studies(provider, who, "20.00")
        assert await of(world, who) == []
        await studies(provider, who, "20.00", completed_at="2025-05-20T21:00:00+08:00")
        [found] = await of(world, who)
        assert (found["kind"], found["day"], found["minutes"]) == ("over_hours_per_day", "2025-05-20", 1800)
        assert len(found["credit_ids"]) == 2
        assert (await world.asks(who, 2025))["total"] == "40.00"

    async def test_two_providers_at_the_same_minute_are_shown(
        self, world: World, provider: Provider, other: Provider
    ):
        who = await world.collects(SHUANGTA)
        await studies(provider, who, "5.00")
        await studies(other, who, "5.00", completed_at="2025-05-20T09:00:50+08:00")
        await studies(other, who, "5.00", completed_at="2025-05-20T09:01:00+08:00")
        [found] = await of(world, who)
        assert (found["kind"], len(found["credit_ids"])) == ("same_minute", 2)

    async def test_it_goes_with_the_credits_it_is_about(
        self, world: World, provider: Provider, other: Provider
    ):
        who = await world.collects(SHUANGTA)
        first = await studies(provider, who, "5.00")
        await studies(other, who, "5.00")
        assert len(await of(world, who)) == 1
        await provider.withdraws(first["id"])
        assert await of(world, who) == []
        assert [each["state"] for each in await of(world, who, state="gone")] == ["gone"]

    async def test_a_place_sees_its_own(self, world: World, provider: Provider):
        here, there = await world.collects(SHUANGTA), await world.collects("210102")
        for who in (here, there):
            await studies(provider, who, "40.00")
        seen = {each["person_id"] for each in await noticed(world, CHAOYANG)}
        assert here.person_id in seen
        assert there.person_id not in seen
        outside = await world.client.get(
            "/v1/anomalies", params={"place": LIAONING}, headers=official(world, CHAOYANG)
        )
        assert outside.status_code == 403

    async def test_pages_follow_each_other(self, world: World, provider: Provider):
        people = [await world.collects("210103") for _ in range(3)]
        for who in people:
            await studies(provider, who, "40.00")
        await noticed(world)
        seen, after = [], None
        for _ in range(10):
            params = {"place": "210103", "limit": "2"} | ({"after": after} if after else {})
            page = (await world.client.get("/v1/anomalies", params=params, headers=official(world))).json()
            seen += [each["person_id"] for each in page["items"]]
            after = page["next"]
            if after is None:
                break
        assert seen == [who.person_id for who in people]


class TestClear:
    async def test_takes_it_off_the_queue_with_what_was_found(self, world: World, provider: Provider):
        who = await world.collects(SHUANGTA)
        await studies(provider, who, "40.00")
        [found] = await of(world, who)
        assert (await clears(world, found)).status_code == 200
        assert await of(world, who) == []
        [cleared] = await of(world, who, state="cleared")
        assert (cleared["finding"], cleared["reference"]) == ("clock_of_provider", "file-7")
        again = await clears(world, found)
        assert again.json()["type"] == "urn:xuefen:problem:anomaly-not-open"

    async def test_more_study_on_the_same_day_opens_it_again(self, world: World, provider: Provider):
        who = await world.collects(SHUANGTA)
        await studies(provider, who, "40.00")
        [found] = await of(world, who)
        await clears(world, found)
        await studies(provider, who, "1.00")
        [opened] = await of(world, who)
        assert opened["anomaly_id"] == found["anomaly_id"]
        assert (await clears(world, opened)).status_code == 200

    async def test_an_official_of_another_place_does_not_find_it(self, world: World, provider: Provider):
        who = await world.collects(SHUANGTA)
        await studies(provider, who, "40.00")
        [found] = await of(world, who)
        for place in ("211303", SHANXI):
            response = await clears(world, found, place)
            assert response.json()["type"] == "urn:xuefen:problem:anomaly-unknown"


async def test_rebuilt_rows_are_the_same(world: World, provider: Provider, other: Provider):
    who = await world.collects(SHUANGTA)
    first = await studies(provider, who, "40.00")
    await studies(other, who, "5.00")
    for each in await of(world, who):
        await clears(world, each)
    await provider.withdraws(first["id"])
    await noticed(world)

    async def rows() -> list[Any]:
        async with world.ledger.databases.of(LIAONING).acquire() as conn:
            return [
                await conn.fetch(
                    f"select record_send(t.*) from {table} t where log = $1 order by 1", LIAONING
                )
                for table in TABLES
            ]

    before = await rows()
    await rebuilding.rebuild(world.ledger.databases, models=["anomalies"], logs=[LIAONING])
    assert await rows() == before
