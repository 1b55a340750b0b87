"""A later notice judges anew; what was answered before it can be asked again as it was (design 14, C-04)."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.conftest import FreshDatabaseFactory
from tests.kit.http import bearer
from tests.ledger.world import Somebody, World, make_world

LIAONING, SHENYANG, HEPING, SHUANGTA, DALIAN = "210000", "210100", "210102", "211302", "210200"
LISTED = "北京东奥时代教育科技有限公司"


@pytest.fixture
async def world(fresh_database: FreshDatabaseFactory) -> AsyncIterator[World]:
    """A ledger for one test: what is published stays."""
    async with make_world(fresh_database)().running() as world:
        yield world


def notice(place: str, *rules: dict[str, Any], issued_on: str = "2025-07-01") -> Any:
    return {
        "id": "a-later-notice",
        "title": "补充通知",
        "issuers": ["某财政局"],
        "issued_on": issued_on,
        "place": place,
        "years": {"from": 2025, "to": 2025},
        "excludes": [DALIAN] if place == LIAONING else [],
        "clauses": [{"id": "T-01", "article": "一", "text": "补充规定。", "rules": list(rules)}],
    }


async def publishes(world: World, said: dict[str, Any]) -> Any:
    response = await world.client.post(
        "/v1/policies", json={"notice": said}, headers=world.official(said["place"])
    )
    assert response.json().get("published") is True, response.text
    return response.json()


async def moment_of(world: World, log: str) -> str:
    async with world.ledger.databases.of(log).acquire() as conn:
        recorded = await conn.fetchval("select recorded_at from logs where log = $1", log)
    return str(recorded.isoformat())


async def somebody_full(world: World, place: str) -> Somebody:
    world.now = datetime(2025, 6, 1, 4, tzinfo=UTC)
    provider = await world.provides(LISTED, accredited=[LIAONING])
    who = await world.collects(place)
    await provider.posts(
        provider.completion(who, 2025, "60.00"),
        provider.completion(who, 2025, "30.00", category="public"),
    )
    return who


class TestALaterNotice:
    async def test_judges_anew_and_the_answer_before_it_stays_reproducible(self, world: World):
        who = await somebody_full(world, HEPING)
        before = await world.asks(who, 2025, on="2025-12-31", include="next_steps")
        moment = await moment_of(world, LIAONING)
        await publishes(world, notice(LIAONING, {"kind": "requirement", "total": 100}))
        world.now = datetime.now(UTC) + timedelta(days=1)
        after = await world.asks(who, 2025, on="2025-12-31", include="next_steps")
        assert (before["status"], after["status"]) == ("compliant", "in_progress")
        assert after["missing"] == [{"category": None, "credits": "10.00"}]
        assert after["requirements"][0]["clause"] == "T-01"
        assert [step["code"] for step in after["next_steps"]] == ["study"]
        then = await world.asks(who, 2025, on="2025-12-31", as_of=moment, include="next_steps")
        assert then | {"as_of": None} == before
        again = await world.asks(
            who, 2025, on="2025-12-31", as_of=await moment_of(world, LIAONING), include="next_steps"
        )
        assert again["status"] == "in_progress"

    async def test_reaches_its_own_place_and_what_lies_under_it_alone(self, world: World):
        """The nearest place wins; Chaoyang is not Shenyang."""
        there, elsewhere = await somebody_full(world, HEPING), await somebody_full(world, SHUANGTA)
        await publishes(world, notice(SHENYANG, {"kind": "requirement", "total": 100}))
        assert (await world.asks(there, 2025))["status"] == "in_progress"
        assert (await world.asks(elsewhere, 2025))["status"] == "compliant"

    async def test_moves_the_last_day_for_records_that_come_after_it(self, world: World):
        """C-04: a later notice extends the year; what was refused the day before is registered."""
        who = await somebody_full(world, HEPING)
        world.now = datetime(2026, 1, 10, 4, tzinfo=UTC)
        provider = await world.provides("上海国家会计学院", accredited=[LIAONING])
        record = provider.completion(who, 2025, "9.00", completed_at="2026-01-05T10:00:00+08:00")
        [refused] = await provider.posts(record)
        assert refused["problem"]["type"].endswith("window-closed")
        longer = {"kind": "window", "act": "study", "modes": ["online"], "until": "2026-02-28"}
        await publishes(world, notice(LIAONING, longer, issued_on="2026-01-08"))
        [registered] = await provider.posts(record)
        assert registered["outcome"] == "registered"

    async def test_a_corrected_publication_replaces_the_earlier_one_from_then_on(self, world: World):
        who = await somebody_full(world, HEPING)
        await publishes(world, notice(LIAONING, {"kind": "requirement", "total": 100}))
        wrong = await moment_of(world, LIAONING)
        again = await publishes(world, notice(LIAONING, {"kind": "requirement", "total": 90}))
        assert again["replaces"]["en"].endswith("which governed 2025")
        world.now = datetime.now(UTC) + timedelta(days=1)
        assert (await world.asks(who, 2025, on="2025-12-31"))["status"] == "compliant"
        next_year = notice(LIAONING, {"kind": "requirement", "categories": {"profesional": 60}})
        next_year["years"] = {"from": 2026, "to": 2026}
        refused = await world.client.post(
            "/v1/policies", json={"notice": next_year}, headers=world.official(LIAONING)
        )
        assert {error["code"] for error in refused.json()["errors"]} == {
            "replaces-another-year",
            "category-unknown",
        }
        then = await world.asks(who, 2025, on="2025-12-31", as_of=wrong)
        assert then["status"] == "in_progress"

    async def test_what_was_attested_before_it_stays_and_says_that_it_holds_no_longer(self, world: World):
        """S0-21."""
        who = await somebody_full(world, HEPING)
        issued = await world.client.post(
            "/v1/attestations",
            json={"person_id": who.person_id, "year": 2025, "purpose": "exam_entry"},
            headers=bearer("attestation:issue", place=LIAONING) | {"Idempotency-Key": "attest"},
        )
        await publishes(world, notice(LIAONING, {"kind": "requirement", "total": 100}))
        response = await world.client.get(
            f"/v1/attestations/{issued.json()['reference']}",
            headers=bearer("attestation:issue", place=LIAONING),
        )
        found = response.json()
        assert (found["met"], found["still_holds"]) == (True, False)
        assert found["policy"] != (await world.asks(who, 2025))["policy"]
