"""Closed years as rows: written beside their events, rebuilt from them, and known to every writer of their log."""

from collections.abc import Sequence

import msgspec

from services.kit.database import Connection
from services.kit.event_store import EventStore, table_sql
from services.kit.rows import StateRows
from services.ledger.streams.year import Closure, Closures, YearClosed, evolve

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


def year_tables_sql(*, partitions: int = 0) -> list[str]:
    """The statements that create `years`."""
    return table_sql("years", _YEARS, partitions=partitions)


async def closures_of(conn: Connection, log: str, places: Sequence[str], year: int) -> dict[str, Closure]:
    """The closes of one year at any of the places."""
    rows = [_decode(row[0]) for row in await conn.fetch(_OF_PLACES, log, places, year)]
    return {closure.place: closure for closure in rows}


YEAR_ROWS: StateRows[Closure] = StateRows(
    "years",
    Closure,
    prefix="year:",
    key={"place": "text", "year": "int"},
    events=(YearClosed,),
    evolve=lambda closure, event, _: evolve(closure, event),
)


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
