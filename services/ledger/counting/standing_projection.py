"""Standings as a projection: what an event touches is judged again, rows and counts together, and all of it can be
judged anew from the rows."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import msgspec
import structlog

from contracts.divisions import AUTHORITIES, NATION
from services.kit.clock import Clock, local_date
from services.kit.database import OUTCOME_UNKNOWN, Connection, Databases
from services.kit.event_store import RecordedEvent
from services.kit.observability import describe_exception
from services.kit.projection import Checkpoints
from services.ledger.counting.standing_rows import (
    COLUMNS,
    Key,
    Standing,
    Tally,
    is_judged,
    policy_mark,
    read_accounts,
    read_marks,
    read_standings,
    standing_of,
    write_changes,
)
from services.ledger.counting.sweeps import (
    Progress,
    Sweep,
    due_keys,
    end_sweeps,
    go_on,
    next_sweep,
    progress_of,
    take_in,
    write_progress,
)
from services.ledger.policy import Account
from services.ledger.store.profiles import reach_of, read_profiles, walk_profiles
from services.ledger.store.published_policies import PublishedPolicies
from services.ledger.streams.profile import Profile
from services.ledger.streams.who_judges import JudgedYears, years_beside


async def judge_again(
    conn: Connection,
    log: str,
    years: JudgedYears,
    day: date,
    *,
    keys: Iterable[Key] = (),
    persons: Iterable[str] = (),
) -> int:
    """Judge the named persons' years, and every year of the named persons; how many rows that changed.

    Accounts and profiles are read as they are now, so a row never lags behind the events that touched it.
    """
    entire = set(persons)
    whole, single = sorted(entire), sorted({key for key in keys if key[0] not in entire})
    found = await read_profiles(conn, log, sorted({*whole, *(key[0] for key in single)}))
    single = sorted({*single, *_hanging_on(years, found, single)})
    beside = _beside(years, found, single)
    accounts = await read_accounts(conn, log, sorted({*single, *beside}), whole)
    before = await read_standings(conn, log, single, whole)
    wanted = set(single) | {key for key in accounts if key[0] in entire}
    after: dict[Key, Standing] = {}
    for person_id in whole:
        if person_id in found:
            wanted |= {(person_id, year) for year in years.owed_by(found[person_id][1])}
    for person_id, year in wanted:
        if person_id in found:
            row = judged_row(years, found[person_id][1], accounts, year, day)
            if row is not None:
                after[person_id, year] = row
    return await write_changes(conn, log, before, after)


def _hanging_on(years: JudgedYears, found: Mapping[str, Sequence[Any]], keys: Iterable[Key]) -> Iterator[Key]:
    """The other years in whose answers these have a say: it carries over into them, or a period holds both."""
    for person_id, year in keys:
        if person_id in found:
            for other in years.hanging_on(found[person_id][1], year):
                yield person_id, other


def _beside(years: JudgedYears, found: Mapping[str, Sequence[Any]], keys: Iterable[Key]) -> Iterator[Key]:
    """The other years that have a say in the answers for these."""
    for person_id, year in keys:
        if person_id in found:
            for other in years_beside(years.book, found[person_id][1], year):
                yield person_id, other


def judged_row(
    years: JudgedYears,
    profile: Profile,
    accounts: Mapping[Key, Account],
    year: int,
    day: date,
) -> Standing | None:
    """The person's standing for the year; None for a year that this log does not judge. `accounts` hold that of the year and
    those of the years that have a say in its answer."""
    person_id = profile.person.person_id
    account = accounts.get((person_id, year))
    if not is_judged(years, profile, account, year):
        return None
    others = years_beside(years.book, profile, year)
    beside = {other: accounts.get((person_id, other)) for other in others}
    return standing_of(years.book, profile, account, year, day, beside)


NAME = "standings"
_PAGE = 2_000
_PERSONS = "select count(*) from profiles where log = $1"
_COUNT_COLUMNS = ("log", "year", "place", "status", "persons", "made_up", "late", "provisional", "credits")
_MET_COLUMNS = ("log", "year", "place", "met_on", "persons", "made_up")


class Standings:
    """A row for every person and year that is judged, and the counts of every place, year and status.

    A row is a function of the account, the profile, the notices and the day the log was told, so it does not matter in
    how many steps events arrive. The rows it reads are written with their events; it lags only in when it looks.
    """

    name = NAME
    tables: Sequence[str] = ("standings", "standing_counts", "standings_met")

    def __init__(self, policies: PublishedPolicies, topics: frozenset[str]) -> None:
        self._policies = policies
        self._years = JudgedYears(policies.book, 0)
        self.topics = topics

    async def apply(self, conn: Connection, log: str, events: Sequence[RecordedEvent]) -> None:
        """Judge again whoever the events are about, each once: an account's year, or all years of a profile."""
        keys: set[Key] = set()
        persons: set[str] = set()
        for event in events:
            kind, _, rest = event.stream_id.partition(":")
            if kind == "account":
                person_id, _, year = rest.rpartition(":")
                keys.add((person_id, int(year)))
            else:
                persons.add(rest)
        progress = await progress_of(conn, log)
        years = await self.years(log, progress)
        await judge_again(conn, log, years, progress.judged_on, keys=keys, persons=persons)

    async def years(self, log: str, progress: Progress) -> JudgedYears:
        """The notices to judge by, none older than what the log has taken in, with the years they govern."""
        if not progress.is_known_to(self._policies.book, log):
            await self._policies.refresh()
        if self._years.book is not self._policies.book or self._years.present_year != progress.judged_on.year:
            self._years = JudgedYears(self._policies.book, progress.judged_on.year)
        return self._years

    async def derive(self, conn: Connection, log: str, progress: Callable[[int, int], None]) -> None:
        """Fill the empty tables with everybody of the log, from accounts and profiles, by today's notices.

        The day stays the one that the log was told: nothing here asks a clock.
        """
        await self._policies.refresh()
        before = await progress_of(conn, log)
        years = await self.years(log, before)
        total: int = await conn.fetchval(_PERSONS, log)
        done, tally = 0, Tally()
        async for profiles in _pages(conn, log):
            persons = [profile.person.person_id for profile in profiles]
            accounts = await read_accounts(conn, log, (), persons)
            rows = _rows_of(years, profiles, accounts, before)
            tally.add(rows)
            records = [(log, *msgspec.structs.astuple(row)) for row in rows]
            await conn.copy_records_to_table("standings", records=records, columns=("log", *COLUMNS))
            done += len(profiles)
            progress(done, total)
        counts = [(log, *key, *sums) for key, sums in tally.counts()]
        await conn.copy_records_to_table("standing_counts", records=counts, columns=_COUNT_COLUMNS)
        met = [(log, *key, *sums) for key, sums in tally.met()]
        await conn.copy_records_to_table("standings_met", records=met, columns=_MET_COLUMNS)
        book = years.book
        reached = Progress(before.judged_on, book.last_position(log), book.last_position(NATION))
        await write_progress(conn, log, reached)
        await end_sweeps(conn, log)


async def _pages(conn: Connection, log: str) -> AsyncIterator[list[Profile]]:
    after = ("", "")
    while page := await walk_profiles(conn, log, reach_of(NATION), after, _PAGE, left=True):
        yield page
        after = (page[-1].person.place, page[-1].person.person_id)


def _rows_of(
    years: JudgedYears, profiles: Sequence[Profile], accounts: dict[Key, Account], progress: Progress
) -> list[Standing]:
    with_account: dict[str, set[int]] = {}
    for person_id, year in accounts:
        with_account.setdefault(person_id, set()).add(year)
    rows = []
    for profile in profiles:
        person_id = profile.person.person_id
        for year in sorted({*years.owed_by(profile), *with_account.get(person_id, ())}):
            row = judged_row(years, profile, accounts, year, progress.judged_on)
            if row is not None:
                rows.append(row)
    return rows


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
