"""The event store: logs of events on PostgreSQL, each log gapless and in commit order.

A position is taken from the log's counter row by the last statement before COMMIT, and the row stays locked
until then. Positions are therefore 1, 2, 3 ... without a gap, they rise in the order in which transactions
become visible, and a reader that resumes after any position misses nothing.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import asyncpg
import msgspec

from services.kit.database import lines
from services.kit.histories import HISTORIES, new_history
from services.kit.notifications import Notifications, notified

if TYPE_CHECKING:
    from services.kit.database import Connection, Database

EVENTS_PER_APPEND_MAX = 100_000
EVENTS_PER_READ_MAX = 10_000


class NewEvent(msgspec.Struct, frozen=True, gc=False):
    """An event to be stored: its `version` in its stream, and an optional identity unique in the log."""

    stream_id: str
    version: int
    topic: str
    state: bytes
    identity: str | None = None


class RecordedEvent(msgspec.Struct, frozen=True, gc=False):
    """An event as stored: `position` counts 1, 2, 3 ... in its log, `recorded_at` (UTC) never falls."""

    log: str
    position: int
    stream_id: str
    version: int
    topic: str
    state: bytes
    identity: str | None
    recorded_at: datetime


class Appended(msgspec.Struct, frozen=True):
    """Where an append landed: its first and last position, and the moment its events were recorded (UTC)."""

    first: int
    last: int
    recorded_at: datetime


class WrongExpectedVersion(Exception):
    """A stream moved on, or an identity is taken: nothing was written; roll back, load and decide again."""

    def __init__(self, log: str) -> None:
        super().__init__(f"log {log}: a version or an identity is already taken")
        self.log = log


class TooManyEventsError(ValueError):
    """More events than one transaction takes: nothing was written; do less at a time."""


class BrokenStreamError(Exception):
    """A stream whose versions do not follow each other: written by a faulty caller, never to be read over."""


# Greatest keeps recorded_at from falling when a clock is set back, a log moves to another server, or a statement waited for
# the row: its time is that of its beginning. A function that tells the time anew each time is refused by an engine of many
# machines. Who asks about a moment just past first moves the row's time beyond it (`settle`).
_TAKE = """
update logs set position = position + $2, recorded_at = greatest(statement_timestamp(), recorded_at),
                generation = generation + $3
 where log = $1 returning position - $2 as base, recorded_at, generation
"""

_LOCK = "select position from logs where log = $1 for update"
_OPEN = (
    "insert into logs (log, position, recorded_at, history) values ($1, 0, now(), $2) on conflict do nothing"
)

_COLUMN_NAMES = ("log", "position", "stream_id", "version", "topic", "state", "identity", "recorded_at")
_COLUMNS = ", ".join(_COLUMN_NAMES)

# Ordered like the index that serves it, so that the planner is never tempted to walk a whole log.
_LOAD = f"""
select {_COLUMNS} from events where log = $1 and stream_id = any($2::text[]) order by stream_id, version
"""  # noqa: S608 - only the constant column list is put in
_LOAD_UNTIL = f"""
select {_COLUMNS} from events where log = $1 and stream_id = any($2::text[]) and recorded_at <= $3
 order by stream_id, version
"""  # noqa: S608
_READ = f"""
select {_COLUMNS} from events where log = $1 and position > $2 order by position limit $3
"""  # noqa: S608
_READ_TOPICS = f"""
select {_COLUMNS} from events where log = $1 and position > $2 and topic = any($4::text[])
 order by position limit $3
"""  # noqa: S608
_BY_IDENTITY = f"""
select {_COLUMNS} from events
 where log = $1 and identity = any((select string_to_array($2, E'\\n'))::text[]) order by identity
"""  # noqa: S608
_HOLDERS = f"select {_COLUMNS} from events where log = any($1::text[]) and identity = $2 order by log"  # noqa: S608
# Each log is walked along its own index, from its own start, as far as a page goes.
_WALK = f"""
select {", ".join(f"e.{name}" for name in _COLUMN_NAMES)}
  from unnest($1::text[]) as wanted (log)
 cross join lateral (
       select * from events
        where log = wanted.log and identity > case when wanted.log = $2 then $3 else $4 end and identity < $5
        order by identity limit $6) e
 order by e.log, e.identity limit $6
"""  # noqa: S608 - only the constant column list is put in

_SETTLE = """
update logs set recorded_at = greatest(recorded_at, least($2, statement_timestamp()) + interval '1 microsecond')
 where log = $1 and $2 > statement_timestamp() - interval '1 minute'
"""
_TOUCH = "select pg_logical_emit_message(true, 'xuefen', '')"


class EventStore:
    """Appends to and reads from the tables `logs` and `events` found through the connection's search_path."""

    def __init__(self, notifications: Notifications | None = None) -> None:
        self.notifications = notifications or Notifications()
        self._generations: dict[str, int] = {}

    def generation_of(self, log: str) -> int | None:
        """The generation of the log as the latest append of this process found it; None before the first."""
        return self._generations.get(log)

    async def append(
        self,
        conn: Connection,
        log: str,
        events: Sequence[NewEvent],
        *,
        generation: int | None = None,
        binding: bool = False,
    ) -> Appended:
        """Store the events in the given order, as the LAST thing before COMMIT.

        The log's counter row stays locked until the transaction ends, so every statement after this one makes
        all other writers of the log wait. The events go in by COPY (1.6 times as fast as a multi-row INSERT),
        and the table's unique keys are the guard: when a version or an identity is already taken this raises
        WrongExpectedVersion and PostgreSQL refuses to commit the transaction, even if a caller swallows the
        error. ValueError when there is nothing to append, TooManyEventsError when there is too much.

        `binding` events bind every later decision of the log: they raise its generation. A writer that names
        the `generation` it decided under gets WrongExpectedVersion when such events came in between.
        """
        if not events:
            raise ValueError("there is nothing to append")
        if len(events) > EVENTS_PER_APPEND_MAX:
            raise TooManyEventsError(f"an append holds {EVENTS_PER_APPEND_MAX} events, not {len(events)}")
        base, recorded_at, found = await self._take(conn, log, len(events), int(binding))
        self._generations[log] = found
        if generation is not None and found != generation + binding:
            raise WrongExpectedVersion(log)
        rows = [
            (log, position, new.stream_id, new.version, new.topic, new.state, new.identity, recorded_at)
            for position, new in enumerate(events, base + 1)
        ]
        try:
            await conn.copy_records_to_table("events", records=rows, columns=_COLUMN_NAMES)
        except asyncpg.UniqueViolationError:
            raise WrongExpectedVersion(log) from None
        return Appended(base + 1, base + len(events), recorded_at)

    async def lock(self, conn: Connection, log: str) -> None:
        """Keep every other writer from the log until this transaction ends; the append follows at once.

        What is read after this is what the append will stand on: for a decision on something that is not
        there, which no version and no identity can guard.
        """
        if await conn.fetchval(_LOCK, log) is None:
            await conn.execute(_OPEN, log, new_history())
            await conn.fetchval(_LOCK, log)

    async def _take(self, conn: Connection, log: str, count: int, raised: int) -> tuple[int, datetime, int]:
        """Lock the log's counter row, move it on by `count`; the last position before that, time and generation."""
        row = await conn.fetchrow(_TAKE, log, count, raised)
        if row is None:
            await conn.execute(_OPEN, log, new_history())
            row = await conn.fetchrow(_TAKE, log, count, raised)
        assert row is not None, "the counter row of a log is never deleted"
        return row[0], row[1], row[2]

    async def settle(self, conn: Connection, log: str, moment: datetime) -> None:
        """Wait for whoever writes to the log now, and let nothing be recorded at that moment or before it any more.

        In a transaction of its own: afterwards, what was recorded up to the moment stays what it is. Older moments than a
        minute are settled: no transaction is open for so long.
        """
        await conn.execute(_SETTLE, log, moment)

    async def touch(self, conn: Connection) -> None:
        """Write something, so that the COMMIT of an answer without events waits for a synchronous standby.

        Without it a repeat of a record that reached one server only would be answered at once: a false
        acknowledgement.
        """
        await conn.execute(_TOUCH)

    async def load(
        self, conn: Connection, log: str, stream_ids: Sequence[str], *, until: datetime | None = None
    ) -> dict[str, list[RecordedEvent]]:
        """Each stream's events in version order, as recorded up to `until`; unknown streams are absent.

        BrokenStreamError when the versions of a stream do not follow each other.
        """
        if until is None:
            rows = await conn.fetch(_LOAD, log, stream_ids)
        else:
            rows = await conn.fetch(_LOAD_UNTIL, log, stream_ids, until)
        streams: dict[str, list[RecordedEvent]] = {}
        for row in rows:
            event = RecordedEvent(*row)
            stream = streams.setdefault(event.stream_id, [])
            if stream and event.version != stream[-1].version + 1:
                raise BrokenStreamError(f"log {log}, stream {event.stream_id}: version {event.version}")
            stream.append(event)
        return streams

    async def read(
        self, conn: Connection, log: str, *, after: int, limit: int, topics: Sequence[str] = ()
    ) -> list[RecordedEvent]:
        """At most `limit` events of the log with a position above `after`, in order; empty for an unknown
        log.
        """
        limit = min(limit, EVENTS_PER_READ_MAX)
        if topics:
            rows = await conn.fetch(_READ_TOPICS, log, after, limit, topics)
        else:
            rows = await conn.fetch(_READ, log, after, limit)
        return [RecordedEvent(*row) for row in rows]

    async def by_identity(
        self, conn: Connection, log: str, identities: Sequence[str]
    ) -> dict[str, RecordedEvent]:
        """The event that holds each identity; identities nobody holds are absent."""
        rows = await conn.fetch(_BY_IDENTITY, log, lines(identities))
        return {row[6]: RecordedEvent(*row) for row in rows}

    async def holders_of(self, conn: Connection, logs: Sequence[str], identity: str) -> list[RecordedEvent]:
        """The event that holds the identity in each of the logs, in order of log; none for those without."""
        return [RecordedEvent(*row) for row in await conn.fetch(_HOLDERS, logs, identity)]

    async def walk_identities(
        self, conn: Connection, logs: Sequence[str], prefix: str, *, after: tuple[str, str], limit: int
    ) -> list[RecordedEvent]:
        """At most `limit` events whose identity begins with the prefix, by log and identity, after one of them (log,
        identity); ("", "") at the start.
        """
        # What begins with a prefix lies between it and the same with its last character raised.
        end = prefix[:-1] + chr(ord(prefix[-1]) + 1)
        ahead = [log for log in logs if log >= after[0]]
        rows = await conn.fetch(_WALK, ahead, *after, prefix, end, limit)
        return [RecordedEvent(*row) for row in rows]

    async def head(self, conn: Connection, log: str) -> int:
        """The last position of the log, 0 when it is empty or unknown."""
        position = await conn.fetchval("select position from logs where log = $1", log)
        return position or 0

    async def heads(self, conn: Connection, logs: Sequence[str]) -> dict[str, int]:
        """The last position of each log, 0 for an empty or unknown one."""
        rows = await conn.fetch("select log, position from logs where log = any($1::text[])", logs)
        return dict.fromkeys(logs, 0) | {row[0]: row[1] for row in rows}

    async def open_logs(self, conn: Connection, logs: Sequence[str]) -> None:
        """Create the counter rows of logs that have none, so that a first append does not have to."""
        await conn.executemany(_OPEN, [(log, new_history()) for log in sorted(set(logs))])

    async def follow(
        self, database: Database, log: str, *, after: int, limit: int = 500, poll_seconds: float = 0.5
    ) -> AsyncIterator[list[RecordedEvent]]:
        """Every event of the log above `after`, for ever, in batches of at most `limit`; waits for new ones.

        New events are found by polling; a notification only makes the next poll come sooner.
        """
        with self.notifications.subscribe((log,)) as growth:
            while True:
                growth.clear()
                async with database.acquire() as conn:
                    events = await self.read(conn, log, after=after, limit=limit)
                if events:
                    after = events[-1].position
                    yield events
                else:
                    await notified(growth, poll_seconds)


_LOGS = """
create table logs (
    log text collate "C" not null,
    position bigint not null default 0,
    recorded_at timestamptz not null,
    generation bigint not null default 0,
    history text collate "C" not null,
    server text collate "C",
    primary key (log)
)"""

_EVENTS = """
create table events (
    log text collate "C" not null,
    position bigint not null,
    stream_id text collate "C" not null,
    version integer not null,
    topic text collate "C" not null,
    state bytea not null,
    identity text collate "C",
    recorded_at timestamptz not null,
    primary key (log, position),
    unique (log, stream_id, version),
    unique (log, identity)
)"""

_CHECKPOINTS = """
create table checkpoints (
    log text collate "C" not null,
    name text collate "C" not null,
    source text collate "C" not null,
    position bigint not null,
    history text collate "C" not null default '',
    primary key (log, name, source)
)"""


def event_tables_sql(*, partitions: int = 0) -> list[str]:
    """The statements that create `logs`, `histories`, `events` and `checkpoints`, hash-partitioned by log when partitions
    > 0.

    Keys compare bytes (collate "C"): faster, and an upgrade of the system's locales cannot break an index.
    """
    statements: list[str] = []
    made = (("logs", _LOGS), ("histories", HISTORIES), ("events", _EVENTS), ("checkpoints", _CHECKPOINTS))
    for table, ddl in made:
        statements += table_sql(table, ddl, partitions=partitions)
    # A counter row is updated once a commit: room on its page keeps every update off the index.
    counters = [f"logs_{number}" for number in range(partitions)] or ["logs"]
    statements += [f"alter table {table} set (fillfactor = 20)" for table in counters]
    return statements


def table_sql(table: str, ddl: str, *, partitions: int = 0) -> list[str]:
    """The `create table` statement as it is, or with `partitions` hash partitions by its column `log`."""
    if not partitions:
        return [ddl]
    parts = [
        f"create table {table}_{number} partition of {table}"
        f" for values with (modulus {partitions}, remainder {number})"
        for number in range(partitions)
    ]
    return [f"{ddl} partition by hash (log)", *parts]
