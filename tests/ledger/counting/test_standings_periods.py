"""Standings, archives, simulations and attestations judge what is asked over several years as answers do."""

import uuid
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta

import pytest

from services.ledger.counting.rebuild import rebuild
from services.ledger.counting.simulation import simulate
from services.ledger.policy import Notice, parse_notice
from tests.conftest import FreshDatabaseFactory
from tests.ledger.counting.desk import Desk
from tests.ledger.policy.builders import notice_text
from tests.ledger.world import Somebody, World, make_world

BEIJING, DONGCHENG = "110000", "110101"
CLAUSES = """
  - id: T-01
    article: 一
    text: 自次年起，每年不少于20学分，2024至2026年合计不少于{total}学分。
    rules:
      - {{kind: obligation, qualified: next_year}}
      - {{kind: requirement, total: 20, categories: {{professional: 0, public: 0}}}}
      - {{kind: period, name: cycle, over: 3, first_year: 2024, total: {total}}}
"""


def cycle(total: int) -> Notice:
    """A notice that asks for so many credits from 2024 to 2026 together."""
    text = notice_text(
        clauses=CLAUSES.format(total=total), issued_on="2024-01-10", years="{from: 2024, to: 2026}"
    )
    return parse_notice(text)


@pytest.fixture
async def world(fresh_database: FreshDatabaseFactory) -> AsyncIterator[World]:
    """A ledger of its own: counts are of everybody."""
    async with make_world(fresh_database)().running() as world:
        world.now = datetime(2025, 6, 1, 4, tzinfo=UTC)
        await world.publishes(cycle(120))
        yield world


async def archived(world: World, year: int) -> dict[str, str]:
    """The statuses of an archive, by person."""
    page = await world.client.get(
        f"/v1/years/{BEIJING}/{year}/archive", headers=world.official(BEIJING, "archive:read")
    )
    return {each["person_id"]: each["status"] for each in page.json()["items"]}


async def attested(world: World, who: Somebody, year: int) -> bool:
    """Whether an attestation that the year is met can be had today."""
    answer = await world.client.post(
        "/v1/attestations",
        json={"person_id": who.person_id, "year": year, "purpose": "award"},
        headers=world.official(BEIJING, "attestation:issue") | {"Idempotency-Key": str(uuid.uuid4())},
    )
    assert answer.status_code == 201, answer.text
    met: bool = answer.json()["met"]
    return met


async def test_a_year_is_in_progress_with_its_period_and_met_by_a_later_year(world: World):
    desk = Desk(world, BEIJING)
    star = await world.provides("某网络学校", accredited=[BEIJING])
    who, other = [await world.collects(DONGCHENG) for _ in range(2)]
    for each in (who, other):
        await star.posts(star.completion(each, 2025, "60.00", completed_at="2025-05-01T09:00:00+08:00"))
    await desk.works()
    row = (await desk.rows(BEIJING))[who.person_id, 2025]
    assert (row.status, row.met_on, row.turns_on) == ("in_progress", None, date(2027, 1, 1))
    world.now = datetime(2026, 6, 1, 4, tzinfo=UTC)
    closed = await world.client.post(
        f"/v1/years/{BEIJING}/2025/close",
        headers=world.official(BEIJING, "year:close") | {"Idempotency-Key": "again"},
    )
    assert closed.status_code == 201, closed.text
    assert (await archived(world, 2025))[who.person_id] == "in_progress"
    assert not await attested(world, who, 2025)

    last = star.completion(who, 2026, "60.00")
    await star.posts(last)
    await desk.works()
    rows = await desk.rows(BEIJING)
    assert [rows[who.person_id, year].status for year in (2025, 2026)] == ["compliant", "compliant"]
    assert [rows[who.person_id, year].met_on for year in (2025, 2026)] == [date(2026, 6, 1)] * 2
    assert (await world.asks(who, 2025))["status"] == "compliant"
    assert (await archived(world, 2025))[who.person_id] == "compliant"
    assert await attested(world, who, 2025)

    draft = cycle(130)
    found = await simulate(world.ledger.databases, world.ledger.policies.book, draft, on=date(2026, 6, 1))
    changed = {
        (each.year, each.before, each.after, each.reasons[0].what): each.persons for each in found.changes
    }
    assert changed[2025, "compliant", "in_progress", "period.cycle"] == 1, (
        "and who is short stays in progress"
    )
    assert changed[2026, "compliant", "in_progress", "period.cycle"] == 1

    await star.withdraws(last["id"], authority=BEIJING)
    await desk.works()
    assert (await desk.rows(BEIJING))[who.person_id, 2025].status == "in_progress"
    live = await desk.bytes(BEIJING)
    await rebuild(world.ledger.databases, models=["standings"], logs=[BEIJING])
    assert await desk.bytes(BEIJING) == live

    world.now = datetime(2027, 1, 1, tzinfo=UTC) + timedelta(hours=4)
    await desk.works()
    rows = await desk.rows(BEIJING)
    assert [rows[other.person_id, year].status for year in (2025, 2026)] == ["deficient", "deficient"]
    assert await desk.keeper.step(BEIJING) is None, "nobody is judged again for a day that has passed"
