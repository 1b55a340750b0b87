"""The turn of the day and the arrival of notices: what no event of the log brings about in its standings."""

import asyncio

import structlog

from contracts.divisions import AUTHORITIES
from services.kit.checkpoints import Checkpoints
from services.kit.clock import Clock, local_date
from services.kit.database import OUTCOME_UNKNOWN, Connection, Databases
from services.kit.observability import describe_exception
from services.ledger.counting.standing import policy_mark
from services.ledger.counting.standing_projection import NAME, Standings, judge_again
from services.ledger.counting.standing_rows import Key, due_keys, read_marks
from services.ledger.counting.sweeps import Progress, Sweep, go_on, next_sweep, progress_of, take_in
from services.ledger.store.profiles import walk_profiles
from services.ledger.store.published_policies import PublishedPolicies
from services.ledger.streams.who_judges import JudgedYears

_log = structlog.stdlib.get_logger(__name__)

_WORK = """
select p.log, p.judged_on, p.own_notices, p.national_notices,
       exists (select from standing_sweeps s where s.log = p.log)
       or exists (select from standings t where t.log = p.log and t.turns_on <= p.judged_on)
  from standing_progress p where p.log = any($1::text[])
"""


class DayTurn:
    """Tells every log the day and its new notices, and judges again whoever they concern."""

    def __init__(
        self,
        databases: Databases,
        policies: PublishedPolicies,
        standings: Standings,
        clock: Clock,
        *,
        page: int = 1_000,
    ) -> None:
        self._databases = databases
        self._policies = policies
        self._standings = standings
        self._clock = clock
        self._page = page
        self._checkpoints = Checkpoints(NAME)

    async def run(self, *, every_seconds: float = 1.0) -> None:
        """Keep every log up with the day and the notices, until cancelled; what goes wrong is tried again."""
        while True:
            try:
                behind = await self._behind()
            except OUTCOME_UNKNOWN as error:
                _log.warning("standings.database_lost", error=type(error).__name__)
                behind = []
            for log in behind:
                try:
                    await self.catch_up(log)
                except Exception as error:
                    _log.error("standings.not_judged", log=log, **describe_exception(error))
            await asyncio.sleep(every_seconds)

    async def catch_up(self, log: str) -> int:
        """Take steps until nobody of the log is to be judged again; how many rows changed."""
        changed = 0
        while (step := await self.step(log)) is not None:
            changed += step
        return changed

    async def step(self, log: str) -> int | None:
        """Take in the day and the notices, and judge one page of whom they concern; None when that is nobody."""
        async with self._databases.of(log).transaction() as conn:
            await self._checkpoints.lock(conn, log, log)
            today = local_date(self._clock())
            before = await progress_of(conn, log, today)
            progress = await take_in(conn, log, before, self._policies.book, today)
            years = await self._standings.years(log, progress)
            if keys := await due_keys(conn, log, progress.judged_on, self._page):
                return await judge_again(conn, log, years, progress.judged_on, keys=keys)
            sweep = await next_sweep(conn, log)
            return await self._sweep(conn, log, years, progress, sweep) if sweep is not None else None

    async def _sweep(
        self, conn: Connection, log: str, years: JudgedYears, progress: Progress, sweep: Sweep
    ) -> int:
        """The next page of a sweep: who was judged by another policy than today's, or not at all, is judged again."""
        profiles = await walk_profiles(conn, log, sweep.reach, sweep.after, self._page, left=True)
        places = {profile.person.person_id: profile.person.place for profile in profiles}
        marks = await read_marks(conn, log, sorted(places))
        stale: set[Key] = {
            (profile.person.person_id, year)
            for profile in profiles
            for year in years.owed_by(profile)
            if (profile.person.person_id, year) not in marks
        }
        stale |= {
            (person_id, year)
            for (person_id, year), mark in marks.items()
            if mark != policy_mark(years.book.resolve(places[person_id], year))
        }
        changed = await judge_again(conn, log, years, progress.judged_on, keys=stale) if stale else 0
        last = profiles[-1].person if len(profiles) == self._page else None
        await go_on(conn, log, sweep.cause, (last.place, last.person_id) if last is not None else None)
        return changed

    async def _behind(self) -> list[str]:
        """The logs that have something to take in or somebody to judge again."""
        today, book = local_date(self._clock()), self._policies.book
        behind = []
        for database, logs in self._databases.grouped(AUTHORITIES).items():
            async with database.acquire() as conn:
                rows = await conn.fetch(_WORK, logs)
            told = {row[0]: (Progress(row[1], row[2], row[3]), row[4]) for row in rows}
            for log in logs:
                progress, work = told.get(log, (None, True))
                if work or progress is None or progress.is_behind(book, log, today):
                    behind.append(log)
        return behind
