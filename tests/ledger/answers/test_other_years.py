"""Answers that hang on other years, over HTTP: credits carried over, and purposes that look at several years."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.ledger.policy import parse_notice
from tests.kit.http import bearer
from tests.ledger.policy.builders import notice_text
from tests.ledger.world import Somebody, World

BEIJING, DONGCHENG = "110000", "110101"
CLAUSES = """
  - id: T-01
    article: 一
    text: 自次年起，不少于90学分，上年度超出部分至多结转20学分，每日至多计入60学分。
    rules:
      - {kind: obligation, qualified: next_year}
      - {kind: requirement, total: 90}
      - {kind: carry_over, allowed: true, up_to: 20, categories: [professional]}
      - {kind: cap, name: day, per: day, credits: 60}
  - id: T-02
    article: 二
    text: 申报职称评审的，前两个年度须达标，合计不少于190学分。
    rules:
      - {kind: purpose, purposes: [title_review], years: 2, last: year_before, total: 190}
      - {kind: purpose, purposes: [award], without: {routes: [import]}}
"""


@pytest.fixture(autouse=True)
async def published(world: World) -> None:
    world.now = datetime(2026, 6, 1, 4, tzinfo=UTC)
    notice = parse_notice(
        notice_text(clauses=CLAUSES, issued_on="2024-01-10", years="{from: 2024, to: 2026}")
    )
    await world.publishes(notice)


async def studied(world: World, *days: tuple[str, str]) -> Somebody:
    """Somebody of Dongcheng with so many credits on each day, for that day's year; posted in its year."""
    who = await world.collects(DONGCHENG)
    star = await world.provides("某网络学校", accredited=[BEIJING])
    for day, credits in days:
        world.now = datetime.fromisoformat(f"{day}T06:00:00+00:00")
        [posted] = await star.posts(
            star.completion(who, world.now.year, credits, completed_at=f"{day}T09:00:00+08:00")
        )
        assert posted["outcome"] == "registered", posted
    world.now = datetime(2026, 6, 1, 4, tzinfo=UTC)
    return who


class TestCarriedOver:
    async def test_what_the_year_before_had_above_counts_once(self, world: World):
        who = await studied(world, ("2025-03-01", "55"), ("2025-03-02", "55"), ("2026-03-01", "55"))
        answer = await world.asks(who, 2026)
        assert (answer["total"], answer["carried"]["from_year"]) == ("75.00", 2025)
        assert answer["carried"]["by_category"] == {"professional": "20.00"}
        assert answer["carried"]["clause"] in answer["clauses"]

    async def test_many_at_once_are_answered_alike_and_as_of_a_moment_too(self, world: World):
        who = await studied(world, ("2025-03-01", "55"), ("2025-03-02", "55"))
        response = await world.client.post(
            "/v1/compliance/query",
            json={"year": 2026, "persons": [who.person_id]},
            headers=world.official(BEIJING),
        )
        assert [each["total"] for each in response.json()["results"]] == ["20.00"]
        # What was recorded when is the database's own time.
        world.now = datetime.now(UTC) + timedelta(seconds=1)
        moment = datetime.now(UTC).isoformat()
        assert (await world.asks(who, 2026, as_of=moment, on="2026-06-01"))["total"] == "20.00"

    async def test_what_is_above_the_days_cap_stays_in_the_transcript_and_is_not_counted(self, world: World):
        who = await studied(world, ("2025-03-01", "80"), ("2025-03-02", "30"))
        answer = await world.asks(who, 2025)
        assert (answer["status"], answer["total"]) == ("compliant", "90.00")
        [above] = answer["not_counted"]
        assert (above["why"], above["credits"], above["clause"]) == ("above_cap", "20.00", "T-01")


class TestPurpose:
    async def asked(self, world: World, who: Somebody) -> dict[str, Any]:
        found: dict[str, Any] = (await world.asks(who, 2026, purpose="title_review"))["purpose"]
        return found

    async def test_several_years_are_looked_at_and_added_up(self, world: World):
        who = await studied(
            world, ("2024-03-01", "50"), ("2024-03-02", "50"), ("2025-03-01", "50"), ("2025-03-02", "50")
        )
        found = await self.asked(world, who)
        assert (found["met"], found["clause"]) == (True, "T-02")
        assert [(each["year"], each["status"]) for each in found["years"]] == [
            (2024, "compliant"),
            (2025, "compliant"),
        ]
        assert found["text_zh"] == "2024至2025年度继续教育符合要求（用途：会计专业技术职务评审）。"

    async def test_one_year_that_was_not_met_is_named(self, world: World):
        who = await studied(world, ("2024-03-01", "50"), ("2025-03-01", "50"), ("2025-03-02", "50"))
        found = await self.asked(world, who)
        assert found["met"] is False
        assert "2024年度未达标" in found["text_zh"]

    async def test_an_attestation_says_yes_or_no_by_the_same_years(self, world: World):
        short = await studied(world, ("2025-03-01", "50"), ("2025-03-02", "50"))
        headers = world.official(BEIJING, "attestation:issue") | {"Idempotency-Key": "attest-1"}
        body = {"person_id": short.person_id, "year": 2026, "purpose": "title_review"}
        response = await world.client.post("/v1/attestations", json=body, headers=headers)
        assert response.json()["met"] is False


class TestWhatDoesNotCountForAPurpose:
    async def test_is_left_out_of_the_purpose_and_of_nothing_else(self, world: World):
        """Credits of another system meet the year, and are no ground for the award."""
        who = await studied(world, ("2025-03-01", "30"))
        person = {"id_type": "resident_id", "id_number": who.person.id_number, "name": who.person.name}
        line = {
            "person": person,
            "year": 2025,
            "category": "professional",
            "credits": "60.00",
            "mode": "online",
        }
        taken = await world.client.post(
            "/v1/registrations/history",
            json={"records": [line | {"completed_on": "2025-04-01", "system": "other", "record_id": "1"}]},
            headers=bearer("registration:write", place=BEIJING) | {"Idempotency-Key": "history-1"},
        )
        assert [each["outcome"] for each in taken.json()["results"]] == ["registered"]
        answer = await world.asks(who, 2025, purpose="award")
        assert (answer["status"], answer["total"], answer["purpose"]["met"]) == ("compliant", "90.00", False)
        assert answer["purpose"]["years"][0]["total"] == "30.00"
        assert "T-02" in answer["purpose"]["clauses"]
        assert (await world.asks(who, 2025, purpose="annual"))["purpose"]["met"] is True
