"""Standings follow what happened, the notices and the day, and each of them alone is enough to move a count."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from services.ledger.counting.rebuild import rebuild
from tests.conftest import FreshDatabaseFactory
from tests.ledger.counting.desk import Desk, assert_true
from tests.ledger.counting.notices import made_up_notice
from tests.ledger.world import Provider, World, make_world

LIAONING, CHAOYANG, SHUANGTA, SHENYANG, DALIAN = "210000", "211300", "211302", "210100", "210200"
LISTED = "北京东奥时代教育科技有限公司"


@pytest.fixture
async def world(fresh_database: FreshDatabaseFactory) -> AsyncIterator[World]:
    """A ledger of its own for each test: counts are of everybody."""
    async with make_world(fresh_database)().running() as world:
        yield world


@pytest.fixture
async def provider(world: World) -> Provider:
    return await world.provides(LISTED, accredited=[LIAONING])


def at(day: str) -> datetime:
    return datetime.fromisoformat(f"{day}T04:00:00+00:00").astimezone(UTC)


class TestEvents:
    async def test_whoever_is_collected_is_counted_for_every_year_judged(self, world: World):
        """S0-03, S1-02: a duty needs no account."""
        desk = Desk(world, LIAONING)
        await world.collects(SHUANGTA)
        await world.collects(SHUANGTA, student=True)
        await desk.works()
        assert await desk.counts(LIAONING, 2025) == {SHUANGTA: {"in_progress": 1, "not_required": 1}}
        assert await desk.counts(LIAONING, 2024) == {SHUANGTA: {"deficient": 1, "not_required": 1}}
        assert await desk.counts(LIAONING, 2026) == {}
        await assert_true(desk, LIAONING)

    async def test_credits_move_a_person_from_one_count_to_another(self, world: World, provider: Provider):
        """S1-03: 90 credits, 60 of them professional, 30 public."""
        desk = Desk(world, LIAONING)
        who = await world.collects(SHENYANG)
        await provider.posts(provider.completion(who, 2025, "60.00"))
        await desk.works()
        assert await desk.counts(LIAONING, 2025) == {SHENYANG: {"in_progress": 1}}
        world.now = at("2025-06-03")
        record = provider.completion(who, 2025, "30.00", category="public")
        await provider.posts(record)
        await desk.works()
        assert await desk.counts(LIAONING, 2025) == {SHENYANG: {"compliant": 1}}
        row = (await desk.rows(LIAONING))[who.person_id, 2025]
        assert (row.total, row.met_on, row.turns_on) == (Decimal("90.00"), date(2025, 6, 3), None)
        await provider.withdraws(record["id"])
        await desk.works()
        row = (await desk.rows(LIAONING))[who.person_id, 2025]
        assert (row.status, row.met_on, row.turns_on) == ("in_progress", None, date(2026, 1, 1))
        await assert_true(desk, LIAONING)

    async def test_who_met_a_past_year_by_make_up_is_compliant_and_made_up(
        self, world: World, provider: Provider
    ):
        """S1-17, B-09: 2024 of Chaoyang is over with January, and made up online until 2025-03-31."""
        desk = Desk(world, LIAONING)
        who = await world.collects(SHUANGTA)
        world.now = at("2025-03-10")
        await desk.works()
        assert await desk.counts(LIAONING, 2024) == {SHUANGTA: {"deficient": 1}}
        await provider.posts(provider.completion(who, 2024, "90.00"))
        await desk.works()
        row = (await desk.rows(LIAONING))[who.person_id, 2024]
        assert (row.status, row.made_up, row.met_on) == ("compliant", True, date(2025, 3, 10))
        await assert_true(desk, LIAONING)

    async def test_the_day_a_year_was_met_is_that_of_the_credit_it_needed(
        self, world: World, provider: Provider
    ):
        desk = Desk(world, LIAONING)
        who = await world.collects(SHENYANG)
        for day, credits, category in (
            ("2025-06-02", "60", "professional"),
            ("2025-06-03", "30", "public"),
            ("2025-06-04", "10", "public"),
        ):
            world.now = at(day)
            await provider.posts(provider.completion(who, 2025, credits, category=category))
        await desk.works()
        assert (await desk.rows(LIAONING))[who.person_id, 2025].met_on == date(2025, 6, 3)

    async def test_a_person_who_is_freed_and_one_who_moves_are_counted_where_they_are(self, world: World):
        """A-14 and S2C-12."""
        desk = Desk(world, LIAONING)
        who = await world.collects(SHUANGTA)
        await desk.works()
        response = await world.client.post(
            f"/v1/persons/{who.person_id}/exemptions",
            json={"year": 2025, "reason": "illness"},
            headers=world.official(LIAONING) | {"Idempotency-Key": "k"},
        )
        assert response.status_code == 201, response.text
        await desk.works()
        assert await desk.counts(LIAONING, 2025) == {SHUANGTA: {"exempt": 1}}
        await world.moves(who, SHUANGTA, SHENYANG)
        await desk.works()
        assert await desk.counts(LIAONING, 2025) == {SHENYANG: {"exempt": 1}}
        await assert_true(desk, LIAONING)

    async def test_the_same_events_twice_count_once(self, world: World, provider: Provider):
        desk = Desk(world, LIAONING)
        for _ in range(5):
            who = await world.collects(SHENYANG)
            await provider.posts(provider.completion(who, 2025, "30.00"))
        await desk.works()
        before = await desk.bytes(LIAONING)
        async with world.ledger.databases.of(LIAONING).transaction() as conn:
            events = await world.ledger.store.read(conn, LIAONING, after=0, limit=1000)
            wanted = [event for event in events if event.topic in desk.projection.topics]
            await desk.projection.apply(conn, LIAONING, wanted)
        assert await desk.bytes(LIAONING) == before

    async def test_two_workers_at_once_count_as_one_does(self, world: World, provider: Provider):
        desks = [Desk(world, LIAONING, page=1, batch=1) for _ in range(2)]
        people = [await world.collects(place) for place in (SHUANGTA, SHENYANG, SHENYANG)]

        async def happens() -> None:
            for who in people:
                await provider.posts(provider.completion(who, 2025, "90.00"))
            await world.ledger.publisher.publish_policy(made_up_notice(LIAONING, 2025))

        async def works(desk: Desk) -> None:
            for _ in range(4):
                await desk.works()

        await asyncio.gather(happens(), *(works(desk) for desk in desks))
        await desks[0].works()
        await assert_true(desks[1], LIAONING)
        assert await desks[1].counts(LIAONING, 2025) == {
            SHUANGTA: {"compliant": 1},
            SHENYANG: {"compliant": 2},
        }


class TestDays:
    async def test_the_day_turns_over_a_deadline_and_only_who_was_short_is_looked_at(
        self, world: World, provider: Provider
    ):
        """S0-06: 2024 in Chaoyang ends with 2025-01-31."""
        desk = Desk(world, LIAONING)
        world.now = at("2025-01-31")
        for _ in range(3):
            await world.collects(SHUANGTA)
        await desk.works()
        assert await desk.counts(LIAONING, 2024) == {SHUANGTA: {"in_progress": 3}}
        world.now = at("2025-02-01")
        assert await desk.keeper.catch_up(LIAONING) == 3
        assert await desk.counts(LIAONING, 2024) == {SHUANGTA: {"deficient": 3}}
        assert await desk.keeper.catch_up(LIAONING) == 0
        await assert_true(desk, LIAONING)

    async def test_days_that_were_missed_are_caught_up_with(self, world: World):
        desk = Desk(world, LIAONING)
        world.now = at("2024-12-01")
        for _ in range(3):
            await world.collects(SHUANGTA)
        await desk.works()
        assert await desk.counts(LIAONING, 2025) == {}
        world.now = at("2026-02-01")
        await desk.works()
        assert await desk.counts(LIAONING, 2024) == {SHUANGTA: {"deficient": 3}}
        assert await desk.counts(LIAONING, 2025) == {SHUANGTA: {"deficient": 3}}
        await assert_true(desk, LIAONING)

    async def test_a_day_never_goes_back(self, world: World):
        desk = Desk(world, LIAONING)
        await world.collects(SHUANGTA)
        world.now = at("2025-02-01")
        await desk.works()
        world.now = at("2025-01-01")
        await desk.works()
        assert await desk.judged_on(LIAONING) == date(2025, 2, 1)
        assert (await desk.counts(LIAONING, 2024)) == {SHUANGTA: {"deficient": 1}}

    async def test_a_rebuild_judges_by_the_day_that_was_told_and_asks_no_clock(
        self, world: World, provider: Provider
    ):
        desk = Desk(world, LIAONING)
        world.now = at("2025-01-31")
        who = await world.collects(SHUANGTA)
        await world.collects(SHENYANG)
        await provider.posts(provider.completion(who, 2025, "60.00"))
        await desk.works()
        before = await desk.bytes(LIAONING)
        assert (await desk.counts(LIAONING, 2024))[SHUANGTA] == {"in_progress": 1}
        [done] = await rebuild(world.ledger.databases, models=["standings"], logs=[LIAONING])
        assert done.rows_changed == 0
        async with world.ledger.databases.of(LIAONING).transaction() as conn:
            for table in ("standings", "standing_counts", "standings_met"):
                await conn.execute(f"delete from {table} where log = $1", LIAONING)
        [done] = await rebuild(world.ledger.databases, models=["standings"], logs=[LIAONING])
        assert done.rows_changed > 0
        assert await desk.bytes(LIAONING) == before


class TestNotices:
    async def test_a_later_notice_moves_counts_with_no_other_event_and_earlier_answers_stay(
        self, world: World, provider: Provider
    ):
        """C-04, design 14: who had 30 credits becomes compliant; what was answered before is answered again."""
        desk = Desk(world, LIAONING)
        people = [await world.collects(place) for place in (SHUANGTA, SHENYANG, SHENYANG)]
        for who in people[:2]:
            await provider.posts(provider.completion(who, 2025, "30.00"))
        await desk.works()
        moment = datetime.now(UTC).isoformat()
        events = len(await world.events(LIAONING))
        assert await desk.counts(LIAONING, 2025) == {
            SHUANGTA: {"in_progress": 1},
            SHENYANG: {"in_progress": 2},
        }
        await world.ledger.publisher.publish_policy(made_up_notice(LIAONING, 2025))
        assert len(await world.events(LIAONING)) == events + 1
        await desk.works()
        assert await desk.counts(LIAONING, 2025) == {
            SHUANGTA: {"compliant": 1},
            SHENYANG: {"compliant": 1, "in_progress": 1},
        }
        await assert_true(desk, LIAONING)
        world.now = datetime.now(UTC)
        before = await world.asks(people[0], 2025, as_of=moment, on="2025-06-30")
        assert (before["status"], before["requirements"][0]["minimum"]) == ("in_progress", "90.00")
        assert (await world.asks(people[0], 2025, on="2025-06-30"))["status"] == "compliant"

    async def test_a_notice_is_taken_in_once_by_every_log_it_reaches(self, world: World):
        desk = Desk(world, LIAONING, "140000")
        for place in (SHUANGTA, "140500"):
            await world.collects(place)
        await desk.works()
        await world.ledger.publisher.publish_policy(made_up_notice("100000", 2025))
        await world.ledger.policies.refresh()
        for log in desk.logs:
            before = await desk.rows(log)
            await desk.keeper.catch_up(log)
            changed = {key for key, row in (await desk.rows(log)).items() if before.get(key) != row}
            assert {year for _, year in changed} <= {2025}
            assert await desk.keeper.step(log) is None
            await assert_true(desk, log)

    async def test_a_process_whose_notices_are_older_reads_them_before_it_judges(
        self, world: World, provider: Provider
    ):
        """Two workers take turns: the second has not yet seen what the first has judged by."""
        desk = Desk(world, LIAONING)
        who = await world.collects(SHENYANG)
        await desk.works()
        other = Desk(world, LIAONING)
        await world.ledger.publisher.publish_policy(made_up_notice(LIAONING, 2025))
        await world.ledger.policies.refresh()
        await desk.works()
        stale = type(world.ledger.policies)(world.ledger.databases, world.ledger.store)
        other.projection._policies = stale
        await provider.posts(provider.completion(who, 2025, "30.00"))
        await other.runner.catch_up(LIAONING)
        assert await desk.counts(LIAONING, 2025) == {SHENYANG: {"compliant": 1}}


class TestAYearWithoutANotice:
    """B-20: whom the nation judges provisionally, and who is undecided, are counted apart; what decides moves them."""

    async def statistics(self, world: World, year: int) -> dict[str, int]:
        response = await world.client.get(
            "/v1/statistics/standings",
            params={"place": DALIAN, "year": year},
            headers=world.official(DALIAN),
        )
        [row] = response.json()["totals"]
        return {name: row[name] for name in ("obliged", "compliant", "undecided", "deficient", "provisional")}

    async def test_moves_with_the_word_that_none_will_come_and_with_a_notice(self, world: World):
        world.now = at("2026-01-12")
        desk = Desk(world, DALIAN)
        school = await world.provides("大连会计学校", accredited=[DALIAN])
        studied, _ = await world.collects(DALIAN), await world.collects(DALIAN)
        await school.posts(
            school.completion(studied, 2024, "90.00", completed_at="2024-06-01T10:00:00+08:00"),
            school.completion(studied, 2025, "60.00", completed_at="2025-06-01T10:00:00+08:00"),
        )
        await desk.works()
        apart = {"obliged": 2, "compliant": 1, "undecided": 1, "deficient": 0, "provisional": 2}
        assert await self.statistics(world, 2024) == apart
        assert await self.statistics(world, 2025) == apart | {"compliant": 0, "undecided": 2}

        declared = await world.client.post(
            f"/v1/years/{DALIAN}/2024/no-notice",
            headers=world.official(DALIAN) | {"Idempotency-Key": "none"},
        )
        assert declared.status_code == 201, declared.text
        await desk.works()
        assert await self.statistics(world, 2024) == apart | {
            "undecided": 0,
            "deficient": 1,
            "provisional": 0,
        }

        await world.ledger.publisher.publish_policy(made_up_notice(DALIAN, 2025, total=60))
        await desk.works()
        decided = {"obliged": 2, "compliant": 1, "undecided": 0, "deficient": 1, "provisional": 0}
        assert await self.statistics(world, 2025) == decided
        await assert_true(desk, DALIAN)
        [rebuilt] = await rebuild(world.ledger.databases, models=["standings"], logs=[DALIAN])
        assert rebuilt.rows_changed == 0
