"""Providers' scorecards: what each reported, what became of it, how long it took (S2B-15)."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from services.kit.projection import ProjectionRunner
from services.ledger.counting.rebuild import rebuild
from services.ledger.counting.scorecards import Scorecards, days_within
from tests.conftest import FreshDatabaseFactory
from tests.kit.http import bearer
from tests.ledger.world import Provider, World, make_world

LIAONING, CHAOYANG, SHUANGTA, SHENYANG = "210000", "211300", "211302", "210100"
LISTED, OTHER = "北京东奥时代教育科技有限公司", "东北财经大学"
SOCIETY = "朝阳市会计学会"


@pytest.fixture
async def world(fresh_database: FreshDatabaseFactory) -> AsyncIterator[World]:
    """A ledger of its own for each test."""
    async with make_world(fresh_database)().running() as world:
        world.now = datetime(2025, 6, 10, 4, tzinfo=UTC)
        yield world


async def catch_up(world: World, batch: int = 3) -> ProjectionRunner:
    runner = ProjectionRunner(
        world.ledger.databases, world.ledger.store, Scorecards(), lambda: [LIAONING], batch_max=batch
    )
    await runner.catch_up(LIAONING)
    return runner


async def cards(world: World, place: str, headers: dict[str, str] | None = None, **params: Any) -> Any:
    response = await world.client.get(
        "/v1/statistics/providers",
        params={"place": place} | params,
        headers=headers or world.official(LIAONING),
    )
    assert response.status_code == 200, response.text
    return response.json()["rows"]


async def reports(world: World, provider: Provider) -> None:
    """Two people of two places: three credits, of which one is withdrawn and one revoked."""
    here, there = await world.collects(SHUANGTA), await world.collects(SHENYANG)
    records = [
        provider.completion(here, 2025, "30.00", completed_at="2025-06-10T10:00:00+08:00"),
        provider.completion(here, 2025, "20.00", completed_at="2025-06-03T10:00:00+08:00"),
        provider.completion(there, 2025, "10.00", completed_at="2025-06-01T10:00:00+08:00"),
    ]
    outcomes = await provider.posts(*records)
    assert [outcome["outcome"] for outcome in outcomes] == ["registered"] * 3
    await provider.withdraws(records[1]["id"])
    response = await world.client.post(
        f"/v1/persons/{there.person_id}/credits/{outcomes[2]['credit_id']}/revocation",
        json={"year": 2025, "reason": "cheating"},
        headers=world.official(LIAONING) | {"Idempotency-Key": "k"},
    )
    assert response.status_code == 200, response.text


class TestScorecards:
    async def test_say_what_was_reported_and_what_became_of_it(self, world: World):
        provider = await world.provides(LISTED, accredited=[LIAONING])
        await reports(world, provider)
        await provider.posts(provider.completion(world.stranger(), 2025, "30.00"))
        await catch_up(world)
        [card] = await cards(world, LIAONING, year=2025)
        assert card == {
            "provider_id": provider.organization_id, "provider": LISTED, "year": 2025, "records": 3,
            "credits": "60.00", "persons": 2, "held": 1, "rejected": 0, "withdrawn": 1, "revoked": 1, "late": 0,
            "exam_passed": 0, "exam_pass_share": "0.000", "delay_days": 7, "delay_days_most": 9,
        }  # fmt: skip

    async def test_are_of_a_place_and_all_under_it(self, world: World):
        provider = await world.provides(LISTED, accredited=[LIAONING])
        await reports(world, provider)
        await catch_up(world)
        found = {}
        for place in (LIAONING, CHAOYANG, SHUANGTA, SHENYANG):
            [card] = await cards(world, place)
            found[place] = (card["records"], card["persons"], card["withdrawn"], card["revoked"])
        assert found == {
            LIAONING: (3, 2, 1, 1),
            CHAOYANG: (2, 1, 1, 0),
            SHUANGTA: (2, 1, 1, 0),
            SHENYANG: (1, 1, 0, 1),
        }

    async def test_a_provider_sees_its_own_and_an_official_any(self, world: World):
        one, two = [await world.provides(name, accredited=[LIAONING]) for name in (LISTED, OTHER)]
        for provider in (one, two):
            who = await world.collects(SHUANGTA)
            await provider.posts(provider.completion(who, 2025, "30.00"))
        await catch_up(world)
        own = bearer("statistics:read", subject=two.organization_id, organization=two.organization_id)
        for asked in ({}, {"provider_id": one.organization_id}):
            assert [card["provider"] for card in await cards(world, LIAONING, own, **asked)] == [OTHER]
        assert {card["provider"] for card in await cards(world, LIAONING)} == {LISTED, OTHER}
        [card] = await cards(world, LIAONING, provider_id=one.organization_id)
        assert card["provider"] == LISTED

    async def test_who_passed_the_exam_is_counted_once(self, world: World):
        """S0-11: study waits for the exam; the pass registers it."""
        world.now = datetime(2024, 6, 10, 4, tzinfo=UTC)
        provider = await world.provides(SOCIETY, accredited=[CHAOYANG])
        people = [await world.collects(SHUANGTA) for _ in range(2)]
        for who in people:
            [outcome] = await provider.posts(provider.completion(who, 2024, "90.00"))
            assert outcome["outcome"] == "held"
        whole = provider.completion(people[0], 2024, "1")
        record = {name: whole[name] for name in ("id", "person", "year")}
        for number in range(2):
            passed = record | {"id": f"exam-{number}", "passed_at": world.now.isoformat()}
            await provider.posts(passed, to="exam-passes")
        await catch_up(world)
        [card] = await cards(world, LIAONING, year=2024)
        assert (card["held"], card["records"], card["persons"], card["exam_passed"]) == (2, 1, 1, 1)
        assert card["exam_pass_share"] == "1.000"

    async def test_come_out_the_same_however_the_events_are_cut(self, world: World):
        provider = await world.provides(LISTED, accredited=[LIAONING])
        await reports(world, provider)
        who = await world.collects(SHUANGTA)
        whole = provider.completion(who, 2025, "1")
        passed = {name: whole[name] for name in ("id", "person", "year")} | {
            "passed_at": world.now.isoformat()
        }
        await provider.posts(passed, to="exam-passes")
        await catch_up(world, batch=1)
        await provider.posts(provider.completion(who, 2025, "10.00"))
        await catch_up(world, batch=1)
        before = await cards(world, LIAONING)
        [done] = await rebuild(world.ledger.databases, models=["scorecards"], logs=[LIAONING])
        assert done.rows_changed == 0
        assert await cards(world, LIAONING) == before


class TestDelays:
    def test_are_the_fewest_days_that_cover_a_share(self):
        assert days_within({}, Decimal("0.5")) is None
        assert days_within({0: 1, 1: 1, 9: 1}, Decimal("0.5")) == 1
        assert days_within({0: 5, 1: 1, 9: 1}, Decimal("0.5")) == 0
        assert days_within({0: 5, 1: 4, 9: 1}, Decimal("0.9")) == 1
