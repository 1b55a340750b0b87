"""Backlogs of reviewers, by place, and what of it is late by the working days that the notices set."""

import uuid
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from typing import Any

import pytest

from services.ledger.policy import Notice, parse_notice
from tests.conftest import FreshDatabaseFactory
from tests.kit.http import bearer
from tests.ledger.cases.training import Training
from tests.ledger.world import Somebody, World, make_world

LIAONING, CHAOYANG, SHUANGTA, SHENYANG = "210000", "211300", "211302", "210100"
LISTED = "北京东奥时代教育科技有限公司"


@pytest.fixture
async def world(fresh_database: FreshDatabaseFactory) -> AsyncIterator[World]:
    """A ledger of its own for each test: queues are of everybody."""
    async with make_world(fresh_database)().running() as world:
        yield world


def limits(**working_days: int) -> Notice:
    """A notice of Liaoning that limits reviews."""
    rules = [
        {"kind": "time_limit", "subject": subject, "working_days": days}
        for subject, days in working_days.items()
    ]
    return parse_notice(
        {
            "id": "liaoning-limits",
            "title": "关于审核时限的通知（虚构）",
            "issuers": ["辽宁省财政厅"],
            "issued_on": "2025-01-05",
            "place": LIAONING,
            "years": {"from": 2025, "to": 2025},
            "clauses": [{"id": "X-01", "article": "一", "text": "审核时限。", "rules": rules}],
        }
    )


async def claims(world: World, who: Somebody, place: str, title: str) -> str:
    """A clerk of the place claims a paper for somebody."""
    headers = bearer("claim:submit", subject="clerk", place=place) | {"Idempotency-Key": str(uuid.uuid4())}
    response = await world.client.post(
        "/v1/claims",
        json={
            "person_id": who.person_id,
            "year": 2025,
            "form": "paper",
            "role": "sole",
            "happened_on": "2025-03-10",
            "fact": {"cn_number": "CN21-1234/F", "issue": "2025-03", "title": title},
        },
        headers=headers,
    )
    assert response.status_code == 201, response.text
    claim_id: str = response.json()["claim_id"]
    return claim_id


async def decides(world: World, claim_id: str, step: str, place: str, **body: Any) -> None:
    headers = bearer("claim:review", subject="reviewer", place=place) | {"Idempotency-Key": str(uuid.uuid4())}
    response = await world.client.post(f"/v1/claims/{claim_id}/{step}", json=body or None, headers=headers)
    assert response.status_code == 200, response.text


async def backlog(world: World, place: str, kind: str) -> dict[str, dict[str, Any]]:
    """The rows of one kind by place."""
    response = await world.client.get(
        "/v1/statistics/reviews", params={"place": place}, headers=world.official(LIAONING)
    )
    assert response.status_code == 200, response.text
    return {row["place"]: row for row in response.json()["rows"] if row["kind"] == kind}


class TestClaims:
    async def test_wait_in_their_place_until_they_are_decided(self, world: World):
        ids = []
        for number, place in enumerate((SHUANGTA, SHUANGTA, CHAOYANG, SHENYANG)):
            ids.append(await claims(world, await world.collects(place), place, f"第{number}篇"))
        await decides(world, ids[0], "acceptance", SHUANGTA)
        await decides(world, ids[1], "return", SHUANGTA, reason="evidence_missing")
        found = await backlog(world, LIAONING, "claim")
        assert {place: (row["waiting"], row["returned"]) for place, row in found.items()} == {
            CHAOYANG: (2, 1),
            SHENYANG: (1, 0),
        }
        found = await backlog(world, CHAOYANG, "claim")
        assert {place: (row["waiting"], row["own"]) for place, row in found.items()} == {
            SHUANGTA: (1, False),
            CHAOYANG: (1, True),
        }
        await decides(world, ids[0], "approval", SHUANGTA)
        assert (await backlog(world, SHUANGTA, "claim"))[SHUANGTA]["waiting"] == 0

    async def test_are_late_after_the_last_working_day_the_notice_sets(self, world: World):
        """B-18: the day of submission is day 0; 2025-10-01 to 08 are holidays, 09-28 and 10-11 are worked."""
        await world.ledger.publisher.publish_policy(limits(claim_review=5))
        await world.ledger.policies.refresh()
        who = await world.collects(SHENYANG)
        world.now = datetime(2025, 9, 26, 4, tzinfo=UTC)
        await claims(world, who, SHENYANG, "第一篇")
        for now, late, due_today, next_due in (
            ("2025-09-26", 0, 0, "2025-10-10"),
            ("2025-10-10", 0, 1, "2025-10-10"),
            ("2025-10-11", 1, 0, None),
        ):
            world.now = datetime.fromisoformat(f"{now}T15:59:59+00:00")
            row = (await backlog(world, LIAONING, "claim"))[SHENYANG]
            assert (row["late"], row["due_today"], row["next_due"]) == (late, due_today, next_due), now
            assert (row["oldest"], row["unlimited"]) == ("2025-09-26", 0)

    async def test_have_no_limit_where_no_notice_sets_one(self, world: World):
        await claims(world, await world.collects(SHENYANG), SHENYANG, "第一篇")
        world.now = datetime(2026, 6, 1, tzinfo=UTC)
        row = (await backlog(world, LIAONING, "claim"))[SHENYANG]
        assert (row["late"], row["unlimited"], row["next_due"]) == (0, 1, None)


class TestTrainings:
    async def test_filings_and_rosters_wait_too(self, world: World):
        """S1-14, S1-15."""
        world.now = datetime(2025, 9, 1, 4, tzinfo=UTC)
        provider = await world.provides(LISTED, accredited=[LIAONING])
        training = Training(world, provider, SHUANGTA, [date(2025, 9, 25)])
        await training.files()
        assert (await backlog(world, LIAONING, "filing"))[CHAOYANG]["waiting"] == 1
        assert (await training.steps("approval")).status_code == 200
        assert CHAOYANG not in await backlog(world, LIAONING, "filing")
        world.now = datetime(2025, 9, 26, 4, tzinfo=UTC)
        uploaded = await training.uploads(training.row(await world.collects(SHUANGTA), "row-1"))
        assert uploaded.status_code == 201, uploaded.text
        row = (await backlog(world, CHAOYANG, "roster"))[SHUANGTA]
        assert (row["waiting"], row["oldest"]) == (1, "2025-09-26")
