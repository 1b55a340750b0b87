"""Many writers and a tailing reader, really at the same time: no event is missed, doubled or out of order."""

import asyncio
import random
from collections.abc import Callable

import pytest

from services.kit.database import Database
from services.kit.event_store import EventStore
from tests.kit.given import appended, event, everything, positions

WRITERS = 8
TRANSACTIONS = 25


class Rollback(Exception):
    """Raised inside a transaction that is meant to leave nothing behind."""


async def write(database: Database, store: EventStore, log: str, name: str, seed: int) -> int:
    """Transactions of random size and duration, some rolled back; answers how many events were committed."""
    chance = random.Random(seed)
    version = 0
    for _ in range(TRANSACTIONS):
        count = chance.randint(1, 5)
        events = [event(name, version + n) for n in range(1, count + 1)]
        try:
            async with database.transaction() as conn:
                await asyncio.sleep(chance.random() * 0.003)
                await store.append(conn, log, events)
                await asyncio.sleep(chance.random() * 0.002)
                if chance.random() < 0.2:
                    raise Rollback
        except Rollback:
            continue
        version += count
    return version


async def tail(database: Database, store: EventStore, log: str, limit: int) -> list[int]:
    """The positions a reader sees that resumes after the last one it saw, until it is cancelled."""
    seen: list[int] = []
    try:
        while True:
            async with database.acquire() as conn:
                events = await store.read(conn, log, after=seen[-1] if seen else 0, limit=limit)
            seen += positions(events)
            await asyncio.sleep(0)
    except asyncio.CancelledError:
        return seen


class TestTailingReader:
    @pytest.mark.parametrize("seed", [1, 2, 3])
    async def test_nothing_is_missed_while_many_write(
        self, database: Database, store: EventStore, log: str, seed: int
    ):
        readers = [asyncio.ensure_future(tail(database, store, log, limit)) for limit in (3, 1000)]
        written = await asyncio.gather(
            *(write(database, store, log, f"writer{n}", seed * 100 + n) for n in range(WRITERS))
        )
        stored = await everything(database, store, log)
        await asyncio.sleep(0.1)
        for reader in readers:
            reader.cancel()

        assert len(stored) == sum(written)
        for seen in await asyncio.gather(*readers):
            assert seen == list(range(1, len(stored) + 1))

    async def test_at_every_moment_what_is_visible_has_no_gap(
        self, database: Database, store: EventStore, log: str
    ):
        """A reader on a snapshot of any moment sees positions 1 to n, and the head says n."""
        writers = asyncio.gather(*(write(database, store, log, f"writer{n}", n) for n in range(WRITERS)))
        while not writers.done():
            async with database.transaction() as conn:
                await conn.execute("set transaction isolation level repeatable read")
                head = await store.head(conn, log)
                visible = positions(await store.read(conn, log, after=0, limit=10_000))
            assert visible == list(range(1, head + 1))
        await writers

    async def test_the_moments_of_recording_rise_with_the_positions(
        self, database: Database, store: EventStore, log: str
    ):
        await asyncio.gather(*(write(database, store, log, f"writer{n}", n) for n in range(WRITERS)))

        moments = [stored.recorded_at for stored in await everything(database, store, log)]

        assert moments == sorted(moments)


class TestManyLogs:
    async def test_logs_do_not_disturb_each_other(
        self, database: Database, store: EventStore, new_log: Callable[[], str]
    ):
        logs = [new_log() for _ in range(4)]
        readers = [asyncio.ensure_future(tail(database, store, log, 100)) for log in logs]
        written = await asyncio.gather(
            *(write(database, store, log, "writer", n) for n, log in enumerate(logs))
        )
        await asyncio.sleep(0.1)
        for reader in readers:
            reader.cancel()

        assert [len(seen) for seen in await asyncio.gather(*readers)] == written


class TestSettle:
    async def test_nothing_is_recorded_any_more_at_a_moment_that_was_settled(
        self, database: Database, store: EventStore, log: str
    ):
        await appended(database, store, log, event("a", 1))
        async with database.acquire() as conn:
            moment = await conn.fetchval("select clock_timestamp()")
            await store.settle(conn, log, moment)
            reached = await conn.fetchval("select recorded_at from logs where log = $1", log)
        assert (await appended(database, store, log, event("a", 2))).recorded_at >= reached > moment
