"""Short words for tests of the event store: events to append, appends, and what a log holds."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import asyncpg

from services.kit.database import Connection, Database
from services.kit.event_store import Appended, EventStore, NewEvent, RecordedEvent, table_sql
from services.kit.events import Event


def event(stream_id: str, version: int, state: bytes = b"{}", *, topic: str = "kit.Noted") -> NewEvent:
    """An event without an identity."""
    return NewEvent(stream_id, version, topic, state)


def identified(stream_id: str, version: int, identity: str) -> NewEvent:
    """An event with an identity."""
    return NewEvent(stream_id, version, "kit.Noted", b"{}", identity)


async def appended(database: Database, store: EventStore, log: str, *events: NewEvent) -> Appended:
    """The events stored in one transaction."""
    async with database.transaction() as conn:
        return await store.append(conn, log, events)


async def noted(database: Database, store: EventStore, log: str, count: int, *, stream_id: str = "s") -> None:
    """`count` more events on one stream."""
    async with database.transaction() as conn:
        streams = await store.load(conn, log, [stream_id])
        version = len(streams.get(stream_id, []))
        events = [event(stream_id, version + n, b"%d" % n) for n in range(1, count + 1)]
        await store.append(conn, log, events)


async def everything(database: Database, store: EventStore, log: str) -> list[RecordedEvent]:
    """All events of a log."""
    async with database.acquire() as conn:
        return await store.read(conn, log, after=0, limit=10_000)


def positions(events: Sequence[RecordedEvent]) -> list[int]:
    """The positions alone."""
    return [each.position for each in events]


class Noted(Event, frozen=True, kw_only=True):
    """What most tests store."""

    TOPIC = "kit.Noted"
    text: str = ""


class Other(Event, frozen=True, kw_only=True):
    """Something most readers do not want."""

    TOPIC = "kit.Other"


class Tally:
    """A read model that depends on the order of events: counts, the last state, and a sum with trailing zeros."""

    name = "tally"
    topics = frozenset({"kit.Noted"})
    tables = ("tallies", "tally_days")

    def __init__(self) -> None:
        self.batches: list[list[int]] = []

    async def apply(self, conn: Connection, log: str, events: Sequence[RecordedEvent]) -> None:
        self.batches.append(positions(events))
        for each in events:
            await conn.execute(
                """insert into tallies as t (log, stream_id, seen, last, share) values ($1, $2, 1, $3, 1.00)
                   on conflict (log, stream_id) do update
                   set seen = t.seen + 1, last = excluded.last, share = t.share * 1.50""",
                log,
                each.stream_id,
                each.state,
            )
            await conn.execute(
                """insert into tally_days (log, stream_id, version) values ($1, $2, $3) on conflict do nothing""",
                log,
                each.stream_id,
                each.version,
            )


async def rows(database: Database, log: str) -> dict[str, list[bytes]]:
    """The rows of the tally of a log, as bytes."""
    async with database.acquire() as conn:
        return {
            table: [
                row[0]
                for row in await conn.fetch(
                    f"select record_send(t.*) as row from {table} as t where log = $1 order by row", log
                )
            ]
            for table in Tally.tables
        }


async def create_tally_tables(owner_dsn: str, *, partitions: int) -> None:
    """The tables of `Tally`, by the role that owns the schema."""
    owner = await asyncpg.connect(owner_dsn, server_settings={"search_path": "kit"})
    try:
        for table, columns, key in (
            ("tallies", "seen int not null, last bytea not null, share numeric not null", "log, stream_id"),
            ("tally_days", "version int not null", "log, stream_id, version"),
        ):
            ddl = f"create table {table} (log text, stream_id text, {columns}, primary key ({key}))"
            for statement in table_sql(table, ddl, partitions=partitions):
                await owner.execute(statement)
    finally:
        await owner.close()


SOURCE = "urn:example:kit"


def publish(stored: RecordedEvent) -> Mapping[str, Any] | None:
    """Everything but `kit.Other` is published."""
    if stored.topic == "kit.Other":
        return None
    return {
        "type": "cn.example.kit.noted.v1",
        "subject": stored.stream_id,
        "data": {"text": stored.state.decode(), "share": Decimal("1.50")},
    }
