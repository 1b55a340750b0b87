"""Standings, units and archives judge with what was carried over from the year before, as answers do."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from services.ledger.counting.rebuild import rebuild
from services.ledger.policy import parse_notice
from tests.conftest import FreshDatabaseFactory
from tests.ledger.counting.desk import Desk
from tests.ledger.policy.builders import notice_text
from tests.ledger.world import World, make_world

BEIJING, DONGCHENG = "110000", "110101"
EMPLOYER = "91110000MA00000009"
CLAUSES = """
  - id: T-01
    article: 一
    text: 自次年起，不少于90学分，上年度超出部分至多结转30学分。
    rules:
      - {kind: obligation, qualified: next_year}
      - {kind: requirement, total: 90}
      - {kind: carry_over, allowed: true, up_to: 30, categories: [professional]}
"""


@pytest.fixture
async def world(fresh_database: FreshDatabaseFactory) -> AsyncIterator[World]:
    """A ledger of its own for each test: counts are of everybody."""
    async with make_world(fresh_database)().running() as world:
        world.now = datetime(2025, 6, 1, 4, tzinfo=UTC)
        notice = parse_notice(
            notice_text(clauses=CLAUSES, issued_on="2024-01-10", years="{from: 2024, to: 2026}")
        )
        await world.publishes(notice)
        yield world


async def test_what_changes_in_a_year_moves_the_next_one(world: World):
    desk = Desk(world, BEIJING)
    star = await world.provides("某网络学校", accredited=[BEIJING])
    who = await world.collects(DONGCHENG, employer=EMPLOYER)
    first = star.completion(who, 2025, "110.00", completed_at="2025-05-01T09:00:00+08:00")
    await star.posts(first)
    world.now = datetime(2026, 6, 1, 4, tzinfo=UTC)
    await star.posts(star.completion(who, 2026, "70.00"))
    await desk.works()
    row = (await desk.rows(BEIJING))[who.person_id, 2026]
    assert (row.status, row.total) == ("compliant", Decimal("90.00"))
    assert (await world.asks(who, 2026))["total"] == "90.00"
    unit = await world.client.get(
        f"/v1/employers/{EMPLOYER}/compliance/2026", headers=world.official(BEIJING)
    )
    assert [each["total"] for each in unit.json()["items"]] == ["90.00"], unit.text
    await star.withdraws(first["id"], authority=BEIJING)
    await desk.works()
    row = (await desk.rows(BEIJING))[who.person_id, 2026]
    assert (row.status, row.total) == ("in_progress", Decimal("70.00"))
    live = await desk.bytes(BEIJING)
    await rebuild(world.ledger.databases, models=["standings"], logs=[BEIJING])
    assert await desk.bytes(BEIJING) == live
