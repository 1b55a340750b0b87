"""Short words for tests of the event store: events to append, appends, and what a log holds."""

from collections.abc import Sequence

from services.kit.database import Database
from services.kit.event_store import Appended, EventStore, NewEvent, RecordedEvent


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
