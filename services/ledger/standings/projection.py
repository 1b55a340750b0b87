"""Standings as a projection: what an event touches is judged again, and all of it can be judged anew from the rows."""

from collections.abc import AsyncIterator, Callable, Sequence

import msgspec

from contracts.divisions import NATION
from services.kit.database import Connection
from services.kit.event_store import RecordedEvent
from services.ledger.accounts.judging import JudgedYears
from services.ledger.accounts.profile import Profile
from services.ledger.accounts.profile_rows import reach_of, walk_profiles
from services.ledger.policy import Account
from services.ledger.publication.shelf import PolicyShelf
from services.ledger.standings.counting import Tally
from services.ledger.standings.judging import judge_again, judged_row
from services.ledger.standings.progress import Progress, end_sweeps, progress_of, write_progress
from services.ledger.standings.rows import COLUMNS, Key, read_accounts
from services.ledger.standings.standing import Standing

NAME = "standings"
_PAGE = 2_000
_PERSONS = "select count(*) from profiles where log = $1"
_COUNT_COLUMNS = ("log", "year", "place", "status", "persons", "made_up", "late", "credits")
_MET_COLUMNS = ("log", "year", "place", "met_on", "persons", "made_up")


class Standings:
    """A row for every person and year that is judged, and the counts of every place, year and status.

    A row is a function of the account, the profile, the notices and the day the log was told, so it does not matter in
    how many steps events arrive. The rows it reads are written with their events; it lags only in when it looks.
    """

    name = NAME
    tables: Sequence[str] = ("standings", "standing_counts", "standings_met")

    def __init__(self, shelf: PolicyShelf, topics: frozenset[str]) -> None:
        self._shelf = shelf
        self._years = JudgedYears(shelf.book, 0)
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
        if not progress.is_known_to(self._shelf.book, log):
            await self._shelf.refresh()
        if self._years.book is not self._shelf.book or self._years.present_year != progress.judged_on.year:
            self._years = JudgedYears(self._shelf.book, progress.judged_on.year)
        return self._years

    async def derive(self, conn: Connection, log: str, progress: Callable[[int, int], None]) -> None:
        """Fill the empty tables with everybody of the log, from accounts and profiles, by today's notices.

        The day stays the one that the log was told: nothing here asks a clock.
        """
        await self._shelf.refresh()
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
        for year in sorted({*years.of(profile.person.place), *with_account.get(person_id, ())}):
            account = accounts.get((person_id, year))
            earlier = accounts.get((person_id, year - 1))
            row = judged_row(years, profile, account, year, progress.judged_on, earlier)
            if row is not None:
                rows.append(row)
    return rows
