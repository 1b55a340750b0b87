"""Somebody who moves to another authority is counted once for every year, by whoever judges it."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime

import pytest

from services.ledger.counting.rebuild import rebuild
from tests.conftest import FreshDatabaseFactory
from tests.ledger.counting.desk import Desk
from tests.ledger.moving.mover import DALIAN, JINCHENG, LIAONING, LISTED, SHANXI, SHENYANG, STAR, Mover
from tests.ledger.world import Somebody, World, make_world

NOON = datetime(2025, 5, 6, 4, tzinfo=UTC)


@pytest.fixture
async def world(fresh_database: FreshDatabaseFactory) -> AsyncIterator[World]:
    """A ledger of its own for each test: counts are of everybody."""
    async with make_world(fresh_database)().running() as world:
        world.now = NOON
        yield world


async def years(desk: Desk, who: Somebody) -> dict[str, dict[int, str]]:
    """The person's standings by log."""
    found: dict[str, dict[int, str]] = {}
    for log in desk.logs:
        for (person_id, year), row in (await desk.rows(log)).items():
            if person_id == who.person_id:
                found.setdefault(log, {})[year] = row.status
    return found


class TestMoving:
    async def test_open_years_are_counted_where_the_person_went_and_closed_ones_where_they_were(
        self, world: World
    ):
        """A-13, B-12: 2024 had closed in Shanxi with 2025-03-31; 2025 is open in Liaoning."""
        desk, mover = Desk(world, SHANXI, LIAONING), Mover(world)
        provider = await world.provides(STAR, accredited=[SHANXI])
        qualified = date(2023, 9, 1)
        who, other = [await world.collects(JINCHENG, qualified_on=qualified) for _ in range(2)]
        await provider.posts(
            provider.completion(other, 2024, "90.00", completed_at="2025-03-01T10:00:00+08:00")
        )
        await desk.works()
        assert await years(desk, who) == {SHANXI: {2024: "deficient"}}
        await mover.moves(who, SHENYANG)
        await desk.works()
        assert await years(desk, who) == {SHANXI: {2024: "deficient"}, LIAONING: {2025: "in_progress"}}
        assert (await years(desk, other))[SHANXI][2024] == "compliant"
        rebuilt = await rebuild(world.ledger.databases, models=["standings"], logs=desk.logs)
        assert [done.rows_changed for done in rebuilt] == [0, 0]

    async def test_a_year_that_is_undecided_goes_with_the_person(self, world: World):
        """B-20: nobody has judged it yet, so that the destination does."""
        desk, mover = Desk(world, SHANXI, DALIAN), Mover(world)
        who = await world.collects(JINCHENG)
        await desk.works()
        assert (await years(desk, who))[SHANXI] == {2019: "undecided", 2024: "deficient"}
        await mover.moves(who, DALIAN)
        await desk.works()
        found = await years(desk, who)
        assert found[SHANXI] == {2024: "deficient"}
        assert found[DALIAN][2019] == "undecided"
        rebuilt = await rebuild(world.ledger.databases, models=["standings"], logs=desk.logs)
        assert [done.rows_changed for done in rebuilt] == [0, 0]

    async def test_credits_of_an_open_year_are_counted_on_arrival(self, world: World):
        desk, mover = Desk(world, SHANXI, LIAONING), Mover(world)
        provider = await world.provides(LISTED, accredited=[LIAONING])
        who = await world.collects(SHENYANG)
        await provider.posts(provider.completion(who, 2025, "60.00"))
        await desk.works()
        await mover.moves(who, JINCHENG)
        await desk.works()
        assert 2025 not in (await years(desk, who)).get(LIAONING, {})
        assert (await desk.rows(SHANXI))[who.person_id, 2025].total == 60

    async def test_who_comes_back_is_still_counted_once(self, world: World):
        desk, mover = Desk(world, SHANXI, LIAONING), Mover(world)
        who = await world.collects(JINCHENG)
        await mover.moves(who, SHENYANG)
        await mover.moves(who, JINCHENG)
        await desk.works()
        found = await years(desk, who)
        everywhere = [year for by_year in found.values() for year in by_year]
        assert sorted(everywhere) == sorted(set(everywhere))
        assert found[SHANXI][2024] == "deficient"
        rebuilt = await rebuild(world.ledger.databases, models=["standings"], logs=desk.logs)
        assert [done.rows_changed for done in rebuilt] == [0, 0]
