"""The worker's part in standings, step by step, and everything judged from scratch to compare with."""

from datetime import date
from typing import Any

import msgspec

from services.kit.clock import local_date
from services.kit.projection import ProjectionRunner
from services.ledger.counting.rebuild import standings
from services.ledger.counting.standing_projection import DayTurn, Standings
from services.ledger.counting.standing_rows import COLUMNS, Standing
from services.ledger.policy import Account, assess
from services.ledger.streams.profile import Profile
from services.ledger.streams.who_judges import JudgedYears
from tests.ledger.world import World

TABLES = ("standings", "standing_counts", "standings_met")


class Desk:
    """The worker of a world, told to work; `page` and `batch` are small, so that work is cut where it hurts."""

    def __init__(self, world: World, *logs: str, page: int = 2, batch: int = 3) -> None:
        self.world = world
        self.logs = logs
        self.projection: Standings = standings(world.ledger.policies)
        ledger = world.ledger
        self.runner = ProjectionRunner(
            ledger.databases, ledger.store, self.projection, lambda: logs, batch_max=batch
        )
        self.keeper = DayTurn(
            ledger.databases, ledger.policies, self.projection, lambda: world.now, page=page
        )

    async def works(self) -> None:
        """Catch up with events, notices and the day."""
        await self.world.ledger.policies.refresh()
        for log in self.logs:
            await self.keeper.step(log)
            await self.runner.catch_up(log)
            await self.keeper.catch_up(log)

    async def works_a_little(self, times: int) -> None:
        """A few steps of each kind, wherever they leave off."""
        for log in self.logs:
            for _ in range(times):
                await self.keeper.step(log)
                await self.runner.run_once(log)

    async def rows(self, log: str) -> dict[tuple[str, int], Standing]:
        """The standings of a log."""
        async with self.world.ledger.databases.of(log).acquire() as conn:
            found = await conn.fetch(f"select {', '.join(COLUMNS)} from standings where log = $1", log)
        return {(row[0], row[1]): Standing(**dict(zip(COLUMNS, row, strict=True))) for row in found}

    async def bytes(self, log: str) -> dict[str, list[bytes]]:
        """Every row of the tables, as PostgreSQL sends it."""
        sent = {}
        async with self.world.ledger.databases.of(log).acquire() as conn:
            for table in TABLES:
                rows = await conn.fetch(
                    f"select record_send(t.*) from {table} t where log = $1 order by 1", log
                )
                sent[table] = [row[0] for row in rows]
        return sent

    async def counts(self, log: str, year: int) -> dict[str, dict[str, int]]:
        """Persons by place and status."""
        found: dict[str, dict[str, int]] = {}
        async with self.world.ledger.databases.of(log).acquire() as conn:
            for row in await conn.fetch(
                "select place, status, persons from standing_counts where log = $1 and year = $2", log, year
            ):
                found.setdefault(row[0], {})[row[1]] = row[2]
        return found

    async def judged_on(self, log: str) -> date:
        """The day the log was told."""
        async with self.world.ledger.databases.of(log).acquire() as conn:
            day: date = await conn.fetchval("select judged_on from standing_progress where log = $1", log)
            return day

    async def from_scratch(self, log: str) -> dict[tuple[str, int], tuple[Any, ...]]:
        """Everybody of the log judged now, with nothing kept: place, status, credits and policy by person and year."""
        book, on = self.world.ledger.policies.book, local_date(self.world.now)
        years = JudgedYears(book, on.year)
        async with self.world.ledger.databases.of(log).acquire() as conn:
            profiles = await conn.fetch("select state from profiles where log = $1", log)
            accounts = await conn.fetch("select person_id, year, state from accounts where log = $1", log)
        held = {(row[0], row[1]): msgspec.json.decode(row[2], type=Account) for row in accounts}
        found = {}
        for (state,) in profiles:
            profile = msgspec.json.decode(state, type=Profile)
            person = profile.person
            mine = {year for person_id, year in held if person_id == person.person_id}
            for year in {*mine, *years.owed_by(profile)}:
                account = held.get((person.person_id, year))
                judged = assess(book.resolve(person.place, year), account, person, year, on)
                found[person.person_id, year] = (person.place, judged.status, judged.total, judged.policy)
        return found


def essence(rows: dict[tuple[str, int], Standing]) -> dict[tuple[str, int], tuple[Any, ...]]:
    """What `from_scratch` tells, of rows."""
    return {
        key: (row.place, row.status, row.total, row.policy.hex() if row.policy else None)
        for key, row in rows.items()
    }


def shortened(found: dict[tuple[str, int], tuple[Any, ...]]) -> dict[tuple[str, int], tuple[Any, ...]]:
    """What `from_scratch` tells, with policies as rows name them."""
    return {
        key: (place, status, total, policy.removeprefix("sha256:")[:32] if policy else None)
        for key, (place, status, total, policy) in found.items()
    }


async def assert_true(desk: Desk, log: str) -> None:
    """Rows are what a judgement from scratch gives, and counts are what the rows add up to."""
    rows = await desk.rows(log)
    assert essence(rows) == shortened(await desk.from_scratch(log))
    async with desk.world.ledger.databases.of(log).acquire() as conn:
        added = await conn.fetch(
            "select year, place, status, count(*)::int, count(*) filter (where made_up)::int,"
            " count(*) filter (where late)::int, sum(total) from standings where log = $1 group by 1, 2, 3 order by 1, 2, 3",
            log,
        )
        counted = await conn.fetch(
            "select year, place, status, persons, made_up, late, credits from standing_counts where log = $1"
            " order by 1, 2, 3",
            log,
        )
        met = await conn.fetch(
            "select year, place, met_on, count(*)::int, count(*) filter (where made_up)::int from standings"
            " where log = $1 and met_on is not null group by 1, 2, 3 order by 1, 2, 3",
            log,
        )
        kept = await conn.fetch(
            "select year, place, met_on, persons, made_up from standings_met where log = $1 order by 1, 2, 3",
            log,
        )
    assert [tuple(row) for row in counted] == [tuple(row) for row in added]
    assert [tuple(row) for row in kept] == [tuple(row) for row in met]
