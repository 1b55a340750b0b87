"""Sweeps, and how far the judging of a log has come: the day it was told, the notices it has taken in, and who is
still to be looked at.

The day is a fact that is handed in and never goes back. A notice or a new year that reaches many people becomes a
sweep, a walk over the profiles of places, page by page, that any process may take up where another left it."""

from collections.abc import Iterable
from datetime import date

from msgspec import Struct

from contracts.divisions import NATION
from services.kit.database import Connection
from services.ledger.policy import PolicyBook
from services.ledger.store.profiles import Reach, reach_of

_GET = "select judged_on, own_notices, national_notices from standing_progress where log = $1"
_OPEN = """
insert into standing_progress (log, judged_on, own_notices, national_notices)
select $1, coalesce($2::date, (recorded_at at time zone 'Asia/Shanghai')::date), 0, 0 from logs where log = $1
on conflict do nothing
"""
_SET = """
update standing_progress set judged_on = $2, own_notices = $3, national_notices = $4 where log = $1
"""
_SWEEP = """
insert into standing_sweeps (log, cause, first_place, last_place, after_place, after_person)
select $1, new.*, '', '' from unnest($2::text[], $3::text[], $4::text[]) as new on conflict do nothing
"""
_NEXT = """
select cause, first_place, last_place, after_place, after_person from standing_sweeps
 where log = $1 order by cause limit 1
"""
_GO_ON = "update standing_sweeps set after_place = $3, after_person = $4 where log = $1 and cause = $2"
_END = "delete from standing_sweeps where log = $1 and cause = $2"
_END_ALL = "delete from standing_sweeps where log = $1"
_DUE = """
select person_id, year from standings where log = $1 and turns_on <= $2 order by turns_on limit $3
"""


class Progress(Struct, frozen=True):
    """The day a log is judged by, and the last positions of its own and of the nation's notices that were taken in."""

    judged_on: date
    own_notices: int
    national_notices: int

    def is_known_to(self, book: PolicyBook, log: str) -> bool:
        """Whether a book holds every notice that was taken in: an older one must not judge."""
        return (
            book.last_position(log) >= self.own_notices
            and book.last_position(NATION) >= self.national_notices
        )

    def is_behind(self, book: PolicyBook, log: str, day: date) -> bool:
        """Whether the day has turned, or the book holds notices that were not taken in."""
        return (
            day > self.judged_on
            or book.last_position(log) > self.own_notices
            or book.last_position(NATION) > self.national_notices
        )


class Sweep(Struct, frozen=True):
    """A walk over the profiles of some places, and the last one it has passed."""

    cause: str
    reach: Reach
    after: tuple[str, str]


async def progress_of(conn: Connection, log: str, day: date | None = None) -> Progress:
    """How far the log has come; where nobody has told it a day it begins with this one, or with that of its last event."""
    row = await conn.fetchrow(_GET, log)
    if row is None:
        await conn.execute(_OPEN, log, day)
        row = await conn.fetchrow(_GET, log)
    assert row is not None, "the logs of all authorities are opened before anything is judged"
    return Progress(*row)


async def write_progress(conn: Connection, log: str, progress: Progress) -> None:
    """Write how far the log has come."""
    await conn.execute(_SET, log, progress.judged_on, progress.own_notices, progress.national_notices)


async def take_in(conn: Connection, log: str, before: Progress, book: PolicyBook, day: date) -> Progress:
    """Take in a later day, and the notices and words that none will come that are new in the book: each becomes a sweep,
    once."""
    own, national = book.last_position(log), book.last_position(NATION)
    after = Progress(
        judged_on=max(before.judged_on, day),
        own_notices=max(before.own_notices, own),
        national_notices=max(before.national_notices, national),
    )
    if after == before:
        return after
    sweeps = {
        f"notice {entry.log} {entry.position:012d}": reach_of(entry.notice.place)
        for entry in book
        if (entry.log == log and entry.position > before.own_notices)
        or (entry.log == NATION and entry.position > before.national_notices)
    }
    sweeps |= {
        f"no notice {said.log} {said.position:012d}": reach_of(said.place)
        for said in book.declarations
        if said.log == log and said.position > before.own_notices
    }
    sweeps |= {
        f"year {year}": reach_of(NATION)
        for year in range(before.judged_on.year + 1, after.judged_on.year + 1)
    }
    await _open_sweeps(conn, log, sweeps.items())
    await write_progress(conn, log, after)
    return after


async def _open_sweeps(conn: Connection, log: str, sweeps: Iterable[tuple[str, Reach]]) -> None:
    found = sorted(sweeps)
    if found:
        await conn.execute(
            _SWEEP,
            log,
            [cause for cause, _ in found],
            [reach.first for _, reach in found],
            [reach.last for _, reach in found],
        )


async def due_keys(conn: Connection, log: str, day: date, limit: int) -> list[tuple[str, int]]:
    """Persons' years that a day up to this one may have changed, the longest due first."""
    return [(row[0], row[1]) for row in await conn.fetch(_DUE, log, day, limit)]


async def next_sweep(conn: Connection, log: str) -> Sweep | None:
    """The sweep to go on with; None when there is none."""
    row = await conn.fetchrow(_NEXT, log)
    return Sweep(row[0], Reach(row[1], row[2]), (row[3], row[4])) if row is not None else None


async def go_on(conn: Connection, log: str, cause: str, after: tuple[str, str] | None) -> None:
    """Keep where a sweep has come to; None ends it."""
    if after is None:
        await conn.execute(_END, log, cause)
    else:
        await conn.execute(_GO_ON, log, cause, *after)


async def end_sweeps(conn: Connection, log: str) -> None:
    """End every sweep of the log: all of it has just been judged."""
    await conn.execute(_END_ALL, log)
