"""Rows of filings, rosters and closed years: the same statements write them beside their events and rebuild them."""

from collections.abc import Sequence

import msgspec

from services.kit.command import Question
from services.kit.database import Connection
from services.kit.event_store import EventStore, table_sql
from services.kit.rows import StateRows
from services.ledger.streams import filing as filings
from services.ledger.streams import roster as rosters
from services.ledger.streams.filing import TrainingFiling
from services.ledger.streams.roster import Roster
from services.ledger.streams.year import Closure, Closures, YearClosed, evolve

_FILINGS = """
create table filings (
    log text collate "C" not null,
    filing_id text collate "C" not null,
    organization_id text collate "C" not null,
    place text collate "C" not null,
    fact text collate "C" not null,
    status text collate "C" not null,
    submitted_at timestamptz not null,
    version integer not null,
    state bytea not null,
    primary key (log, filing_id)
)"""

_ROSTERS = """
create table rosters (
    log text collate "C" not null,
    roster_id text collate "C" not null,
    filing_id text collate "C" not null,
    organization_id text collate "C" not null,
    place text collate "C" not null,
    status text collate "C" not null,
    uploaded_at timestamptz not null,
    version integer not null,
    state bytea not null,
    primary key (log, roster_id)
)"""


def filing_tables_sql(*, partitions: int = 0) -> list[str]:
    """The statements that create `filings` and `rosters`, with the indexes of their queues and of who handed in."""
    return [
        *table_sql("filings", _FILINGS, partitions=partitions),
        *table_sql("rosters", _ROSTERS, partitions=partitions),
        "create index filings_queue on filings (log, status, submitted_at, filing_id)",
        "create index filings_of_fact on filings (log, fact)",
        "create index filings_of_organization on filings (log, organization_id, submitted_at)",
        "create index rosters_queue on rosters (log, status, uploaded_at, roster_id)",
        "create index rosters_of_filing on rosters (log, filing_id)",
        "create index rosters_of_organization on rosters (log, organization_id, uploaded_at)",
    ]


FILING_OF_FACT = Question(
    "filings", "filing_id", {"fact": "text"}, where="status in ('submitted', 'returned', 'approved')"
)
"""Is there an open or approved filing of this training?"""

FILING_ROWS: StateRows[TrainingFiling] = StateRows(
    "filings",
    TrainingFiling,
    prefix="filing:",
    key={"filing_id": "text"},
    columns={
        "organization_id": ("text", lambda filing: filing.organization_id),
        "place": ("text", lambda filing: filing.place),
        "fact": ("text", lambda filing: filing.fact),
        "status": ("text", lambda filing: filing.state),
        "submitted_at": ("timestamptz", lambda filing: filing.submitted_at),
    },
    events=(
        filings.FilingSubmitted,
        filings.FilingAmended,
        filings.FilingApproved,
        filings.FilingReturned,
        filings.FilingRefused,
        filings.FilingWithdrawn,
    ),
    evolve=lambda filing, event, _: filings.evolve(filing, event),
)
ROSTER_ROWS: StateRows[Roster] = StateRows(
    "rosters",
    Roster,
    prefix="roster:",
    key={"roster_id": "text"},
    columns={
        "filing_id": ("text", lambda roster: roster.filing_id),
        "organization_id": ("text", lambda roster: roster.organization_id),
        "place": ("text", lambda roster: roster.place),
        "status": ("text", lambda roster: roster.state),
        "uploaded_at": ("timestamptz", lambda roster: roster.uploaded_at),
    },
    events=(rosters.RosterUploaded, rosters.RosterReviewed, rosters.RosterRowsReleased),
    evolve=lambda roster, event, _: rosters.evolve(roster, event),
)


async def rosters_of_filing(conn: Connection, log: str, filing_id: str) -> list[Roster]:
    """What was reported of a training before, in order of upload."""
    found = await ROSTER_ROWS.where(conn, [log], "filing_id = $2", filing_id, order="uploaded_at, roster_id")
    return [entry.state for entry in found]


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
