"""The rows of filings and rosters: the same statements write them beside their events and rebuild them."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from services.kit.database import Connection
from services.kit.event_store import table_sql
from services.ledger.streams.filing import TrainingFiling
from services.ledger.streams.roster import Roster

_encode = msgspec.json.Encoder().encode

_FILINGS = """
create table filings (
    log text collate "C" not null,
    filing_id text collate "C" not null,
    organization_id text collate "C" not null,
    place text collate "C" not null,
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
        "create index filings_of_organization on filings (log, organization_id, submitted_at)",
        "create index rosters_queue on rosters (log, status, uploaded_at, roster_id)",
        "create index rosters_of_filing on rosters (log, filing_id)",
        "create index rosters_of_organization on rosters (log, organization_id, uploaded_at)",
    ]


class Entry(Struct):
    """A filing or roster where it lives."""

    log: str
    version: int
    state: Any


class StateRows:
    """Rows of one kind of stream: the key, a few columns to find it by, and the state itself."""

    def __init__(
        self,
        prefix: str,
        table: str,
        columns: Sequence[str],
        kind: type[Any],
        values: Callable[[Any], Sequence[Any]],
    ) -> None:
        self.prefix = prefix
        key = columns[0]
        self._values = values
        self._decode = msgspec.json.Decoder(kind).decode
        names = ["log", *columns, "version", "state"]
        places = ", ".join(f"${number}" for number in range(1, len(names) + 1))
        changed = ", ".join(f"{name} = excluded.{name}" for name in names if name not in ("log", key))
        self._read = f"select {key}, state from {table} where log = $1 and {key} = any($2::text[])"  # noqa: S608
        self._find = f"select log, version, state from {table} where log = any($1::text[]) and {key} = $2"  # noqa: S608
        self._write = (
            f"insert into {table} ({', '.join(names)}) values ({places})"  # noqa: S608
            f" on conflict (log, {key}) do update set {changed}"
        )

    async def find(self, conn: Connection, logs: Sequence[str], key: str) -> Entry | None:
        """One by its key, in any of the logs."""
        row = await conn.fetchrow(self._find, logs, key)
        return Entry(row[0], row[1], self._decode(row[2])) if row is not None else None

    async def read(self, conn: Connection, log: str, stream_ids: Sequence[str]) -> dict[str, Any]:
        """The states by stream."""
        keys = [stream_id.removeprefix(self.prefix) for stream_id in stream_ids]
        return {self.prefix + row[0]: self._decode(row[1]) for row in await conn.fetch(self._read, log, keys)}

    async def write(self, conn: Connection, log: str, rows: Sequence[tuple[str, int, Any]]) -> None:
        """Write (stream, version, state), in the order of their keys lest two writers wait for each other."""
        await conn.executemany(
            self._write,
            [
                (log, *self._values(state), version, _encode(state))
                for _, version, state in sorted(rows, key=lambda row: row[0])
            ],
        )


FILING_ROWS = StateRows(
    "filing:",
    "filings",
    ("filing_id", "organization_id", "place", "status", "submitted_at"),
    TrainingFiling,
    lambda filing: (
        filing.filing_id,
        filing.organization_id,
        filing.place,
        filing.state,
        filing.submitted_at,
    ),
)
ROSTER_ROWS = StateRows(
    "roster:",
    "rosters",
    ("roster_id", "filing_id", "organization_id", "place", "status", "uploaded_at"),
    Roster,
    lambda roster: (
        roster.roster_id,
        roster.filing_id,
        roster.organization_id,
        roster.place,
        roster.status,
        roster.uploaded_at,
    ),
)
