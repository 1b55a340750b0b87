"""Closed years as rows: written beside their events, rebuilt from them, and known to every writer of their log."""

from collections.abc import Sequence
from typing import Any

import msgspec

from services.kit.database import Connection
from services.kit.event_store import EventStore, table_sql
from services.ledger.streams.year import Closure, Closures, stream_of

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Closure).decode

_YEARS = """
create table years (
    log text collate "C" not null,
    place text collate "C" not null,
    year integer not null,
    version integer not null,
    state bytea not null,
    primary key (log, place, year)
)"""
_OF_PLACES = "select state from years where log = $1 and place = any($2::text[]) and year = $3"
_WRITE = """
insert into years (log, place, year, version, state) values ($1, $2, $3, $4, $5)
on conflict (log, place, year) do update set version = excluded.version, state = excluded.state
"""


def year_tables_sql(*, partitions: int = 0) -> list[str]:
    """The statements that create `years`."""
    return table_sql("years", _YEARS, partitions=partitions)


async def closures_of(conn: Connection, log: str, places: Sequence[str], year: int) -> dict[str, Closure]:
    """The closes of one year at any of the places."""
    rows = [_decode(row[0]) for row in await conn.fetch(_OF_PLACES, log, places, year)]
    return {closure.place: closure for closure in rows}


class YearRows:
    """Rows of the streams of years."""

    prefix = "year:"

    async def read(self, conn: Connection, log: str, stream_ids: Sequence[str]) -> dict[str, Any]:
        """None: a year is closed by one event, and nothing comes after it."""
        return {}

    async def write(self, conn: Connection, log: str, rows: Sequence[tuple[str, int, Any]]) -> None:
        """Write (stream, version, state) in the order of their keys."""
        await conn.executemany(
            _WRITE,
            [
                (log, closure.place, closure.year, version, _encode(closure))
                for _, version, closure in sorted(rows, key=lambda row: row[0])
            ],
        )


YEAR_ROWS = YearRows()


async def write_closure(conn: Connection, log: str, closure: Closure) -> None:
    """Write the row of a year that has just been closed."""
    await YEAR_ROWS.write(conn, log, [(stream_of(closure.place, closure.year), 1, closure)])


_READ = """
select l.generation, y.state from logs l left join years y on y.log = l.log where l.log = $1
"""


class ClosedYears:
    """What this process knows of the closed years of each log; read again when the log's generation has moved on."""

    def __init__(self, store: EventStore) -> None:
        self._store = store
        self._known: dict[str, Closures] = {}

    async def of(self, conn: Connection, log: str) -> Closures:
        """The closures of a log. They may be out of date: the append that names their generation finds out."""
        known = self._known.get(log)
        if known is not None and self._store.generation_of(log) in (None, known.generation):
            return known
        rows = await conn.fetch(_READ, log)
        by_year: dict[int, dict[str, Closure]] = {}
        for row in rows:
            if row[1] is not None:
                closure = _decode(row[1])
                by_year.setdefault(closure.year, {})[closure.place] = closure
        found = Closures(rows[0][0] if rows else None, by_year)
        self._known[log] = found
        return found
