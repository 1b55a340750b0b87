"""A later notice judges anew; what was answered before it can be asked again as it was (design 14, C-04)."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.kit import events as codec
from services.ledger.streams.notice import PolicyPublished
from tests.conftest import FreshDatabaseFactory
from tests.kit.http import bearer
from tests.ledger.policy.builders import notice_text
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
    return await world.publishes(said)


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


class TestTwoPersons:
    SAID = notice(LIAONING, {"kind": "requirement", "total": 100})
    PATH = f"/v1/policies/{LIAONING}/notices/a-later-notice/publication"

    async def drafts(self, world: World, **changed: Any) -> str:
        response = await world.client.post(
            "/v1/policies", json={"notice": self.SAID | changed}, headers=world.official(LIAONING)
        )
        assert response.json()["state"] == "drafted", response.text
        return str(response.json()["hash"])

    async def approves(self, world: World, hash_: str, by: str, place: str = LIAONING) -> Any:
        headers = world.official(place, subject=by)
        return await world.client.post(self.PATH, json={"notice_hash": hash_}, headers=headers)

    async def test_are_needed_for_a_notice_to_be_in_force(self, world: World):
        who = await somebody_full(world, HEPING)
        hash_ = await self.drafts(world)
        assert (await world.asks(who, 2025))["status"] == "compliant"
        own = await self.approves(world, hash_, "official-1")
        assert (own.status_code, own.json()["title"]) == (403, "不得发布本人起草的通知")
        assert (await self.approves(world, hash_, "official-2")).status_code == 200
        assert (await world.asks(who, 2025))["status"] == "in_progress"
        events = [event for event in await world.events(LIAONING) if "Policy" in event.topic][-2:]
        assert [event.topic for event in events] == ["ledger.PolicyDrafted", "ledger.PolicyPublished"]
        said = codec.decode(events[1].topic, events[1].state)
        assert isinstance(said, PolicyPublished)
        assert (said.drafted_by, said.approved_by) == ("official-1", "official-2")

    async def test_publish_what_was_looked_at_and_nothing_else(self, world: World):
        looked_at = await self.drafts(world)
        await self.drafts(world, title="另一个标题")
        refused = await self.approves(world, looked_at, "official-2")
        assert (refused.status_code, refused.json()["title"]) == (409, "草稿已有改动，请重新核对")

    async def test_of_whom_the_second_may_ask_again(self, world: World):
        hash_ = await self.drafts(world)
        first, again = [await self.approves(world, hash_, "official-2") for _ in range(2)]
        assert (first.status_code, again.status_code) == (200, 200)
        assert (await self.approves(world, "sha256:" + "0" * 64, "official-2")).status_code == 404

    async def test_of_another_place_see_and_publish_nothing(self, world: World):
        hash_ = await self.drafts(world)
        assert (await self.approves(world, hash_, "official-2", "140000")).status_code == 403
        listed = await world.client.get("/v1/policies", headers=world.official("140000"))
        assert listed.json()["drafts"] == []
        path = f"/v1/policies/{LIAONING}/drafts/a-later-notice"
        assert (await world.client.get(path, headers=world.official("140000"))).status_code == 404
        assert (await world.client.get(path, headers=world.official(LIAONING))).json()["hash"] == hash_

    async def test_draft_the_text_of_a_file_whose_faults_are_told_by_line(self, world: World):
        headers = world.official(LIAONING)
        response = await world.client.post("/v1/policies", json={"text": "id: x\nplace: 1"}, headers=headers)
        assert response.status_code == 422
        assert any(each["detail"].startswith("第1行：") for each in response.json()["errors"])
        both = {"text": "id: x", "notice": {}}
        assert (await world.client.post("/v1/policies", json=both, headers=headers)).status_code == 422


class TestNotices:
    async def test_are_listed_with_versions_and_shown_with_the_words_of_their_rules(self, world: World):
        for total in (100, 110):
            await publishes(world, notice(LIAONING, {"kind": "requirement", "total": total}))
        reader = bearer("compliance:read", place=LIAONING)
        listed = (await world.client.get(f"/v1/policies?place={HEPING}", headers=reader)).json()
        [mine] = [each for each in listed["items"] if each["id"] == "a-later-notice"]
        assert (mine["versions"], listed["drafts"], listed["total"]) == (2, [], len(listed["items"]))
        assert all(each["place"] in ("100000", LIAONING) for each in listed["items"])
        path = f"/v1/policies/{LIAONING}/notices/a-later-notice"
        latest = (await world.client.get(path, headers=reader)).json()
        [rule] = latest["clauses"][0]["rules"]
        assert (rule["kind_zh"], rule["text_zh"], rule["text_en"]) == (
            "学分要求",
            "总学分：110",
            "total: 110",
        )
        first = (await world.client.get(f"{path}?version=1", headers=reader)).json()
        assert first["clauses"][0]["rules"][0]["text_zh"] == "总学分：100"
        assert [each["version"] for each in first["published"]] == [1, 2]
        assert (await world.client.get(f"{path}?version=3", headers=reader)).status_code == 404

    async def test_are_checked_as_they_are_written_and_nothing_is_stored(self, world: World):
        before = await world.count_events()
        headers = world.official(LIAONING)

        async def check(text: str) -> Any:
            return (
                await world.client.post("/v1/policies/check", json={"text": text}, headers=headers)
            ).json()

        sound = await check(notice_text(place='"210100"'))
        assert (sound["sound"], sound["faults"]) == (True, [])
        assert sound["clauses"][0]["rules"][0]["text_zh"].startswith("总学分：90")
        broken = await check(notice_text(place='"210100"').replace("total: 90", "total： 90"))
        assert [(each["line"], "全角" in each["text_zh"]) for each in broken["faults"]] == [(13, True)]
        assert (await check(""))["sound"] is False
        assert await world.count_events() == before


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
