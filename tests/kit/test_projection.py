"""Projections: rows and checkpoint together, taken in turns, stopped by what they cannot read."""

import asyncio
from collections.abc import Callable, Sequence

import asyncpg
import pytest

from services.kit.database import Connection, Database, Databases
from services.kit.event_store import EventStore, RecordedEvent
from services.kit.events import UnknownEventError
from services.kit.projection import CheckpointError, Checkpoints, ProjectionRunner
from tests.conftest import FreshDatabase
from tests.kit.given import Tally, appended, event, noted, rows


def runner(database: Database, store: EventStore, *logs: str, batch_max: int = 500) -> ProjectionRunner:
    return ProjectionRunner(
        Databases(database), store, Tally(), lambda: logs, batch_max=batch_max, poll_seconds=0.01
    )


async def seen(database: Database, log: str) -> dict[str, int]:
    async with database.acquire() as conn:
        found = await conn.fetch("select stream_id, seen from tallies where log = $1", log)
    return {row["stream_id"]: row["seen"] for row in found}


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.005)


class TestCheckpoints:
    async def test_a_reader_begins_at_zero_and_moves_on(self, database: Database, log: str):
        checkpoints = Checkpoints("reader")
        async with database.transaction() as conn:
            assert await checkpoints.get(conn, log, "elsewhere") == 0
            await checkpoints.advance(conn, log, "elsewhere", 3)
            await checkpoints.advance(conn, log, "elsewhere", 7)
            assert await checkpoints.get(conn, log, "elsewhere") == 7
            assert await checkpoints.lock(conn, log, "elsewhere") == 7

    @pytest.mark.parametrize("position", [0, 6, 7])
    async def test_it_never_goes_back_or_stands_still(self, database: Database, log: str, position: int):
        checkpoints = Checkpoints("reader")
        async with database.transaction() as conn:
            await checkpoints.advance(conn, log, "elsewhere", 7)
            with pytest.raises(CheckpointError):
                await checkpoints.advance(conn, log, "elsewhere", position)

    async def test_readers_logs_and_sources_are_apart(self, database: Database, log: str):
        async with database.transaction() as conn:
            await Checkpoints("reader").advance(conn, log, "one", 7)
            assert await Checkpoints("other").get(conn, log, "one") == 0
            assert await Checkpoints("reader").get(conn, log, "two") == 0
            assert await Checkpoints("reader").get(conn, f"{log}x", "one") == 0

    async def test_a_locked_checkpoint_is_taken_in_turns(self, database: Database, log: str):
        checkpoints = Checkpoints("reader")

        async def step() -> int:
            async with database.transaction() as conn:
                position = await checkpoints.lock(conn, log, "one")
                await asyncio.sleep(0.01)
                await checkpoints.advance(conn, log, "one", position + 1)
            return position

        assert sorted(await asyncio.gather(*(step() for _ in range(4)))) == [0, 1, 2, 3]


class TestRunOnce:
    async def test_rows_and_checkpoint_move_together(self, database: Database, store: EventStore, log: str):
        await noted(database, store, log, 3)
        tally = runner(database, store, log)

        assert await tally.run_once(log) == 3

        assert await seen(database, log) == {"s": 3}
        assert await tally.reached(log) == 3
        assert await tally.run_once(log) == 0

    async def test_a_batch_is_bounded(self, database: Database, store: EventStore, log: str):
        await noted(database, store, log, 5)
        tally = runner(database, store, log, batch_max=2)

        assert [await tally.run_once(log) for _ in range(4)] == [2, 2, 1, 0]

    async def test_unwanted_events_are_passed_over(self, database: Database, store: EventStore, log: str):
        await appended(database, store, log, event("a", 1, topic="kit.Other"), event("a", 2))
        tally = runner(database, store, log)

        assert await tally.catch_up(log) == 2

        assert await seen(database, log) == {"a": 1}

    async def test_a_failing_apply_moves_nothing(self, database: Database, store: EventStore, log: str):
        class Half(Tally):
            async def apply(self, conn: Connection, log: str, events: Sequence[RecordedEvent]) -> None:
                await super().apply(conn, log, events)
                raise RuntimeError("half way")

        await noted(database, store, log, 2)
        tally = ProjectionRunner(Databases(database), store, Half(), lambda: [log])

        with pytest.raises(RuntimeError, match="half way"):
            await tally.run_once(log)

        assert await seen(database, log) == {}
        assert await tally.reached(log) == 0

    async def test_two_workers_apply_every_event_once(self, database: Database, store: EventStore, log: str):
        await noted(database, store, log, 40)
        workers = [runner(database, store, log, batch_max=3) for _ in range(3)]

        await asyncio.gather(*(worker.catch_up(log) for worker in workers))

        assert await seen(database, log) == {"s": 40}


class TestUnknownEvents:
    async def test_events_before_it_are_applied_and_it_is_not_passed(
        self, database: Database, store: EventStore, log: str
    ):
        await appended(
            database, store, log, event("a", 1), event("a", 2, topic="kit.FromTheFuture"), event("a", 3)
        )
        tally = runner(database, store, log)

        assert await tally.run_once(log) == 1
        with pytest.raises(UnknownEventError, match=r"kit\.FromTheFuture"):
            await tally.run_once(log)

        assert await tally.reached(log) == 1
        assert await seen(database, log) == {"a": 1}

    async def test_its_log_stops_with_the_error_shown_and_others_go_on(
        self, database: Database, store: EventStore, new_log: Callable[[], str]
    ):
        bad, good = new_log(), new_log()
        await appended(database, store, bad, event("a", 1), event("a", 2, topic="kit.FromTheFuture"))
        tally = runner(database, store, bad, good)
        running = asyncio.ensure_future(tally.run())
        await until(lambda: bad in tally.status() and tally.status()[bad].stopped)

        await noted(database, store, good, 2)
        await until(lambda: tally.status()[good].position == 2)
        running.cancel()
        await asyncio.wait([running])

        status = tally.status()[bad]
        assert (status.position, status.head, status.lag) == (1, 2, 1)
        assert "kit.FromTheFuture" in (status.error or "")
        assert tally.status()[good].error is None


class TestRun:
    async def test_it_keeps_up_and_stops_when_cancelled(
        self, database: Database, store: EventStore, log: str
    ):
        tally = runner(database, store, log)
        running = asyncio.ensure_future(tally.run())
        for _ in range(3):
            await noted(database, store, log, 2)
            await asyncio.sleep(0.01)
        await until(lambda: log in tally.status() and tally.status()[log].position == 6)

        running.cancel()
        await asyncio.wait([running])

        assert running.cancelled()
        assert await seen(database, log) == {"s": 6}

    async def test_a_failure_is_shown_and_tried_again(self, database: Database, store: EventStore, log: str):
        class Flaky(Tally):
            failures = 2

            async def apply(self, conn: Connection, log: str, events: Sequence[RecordedEvent]) -> None:
                if self.failures:
                    self.failures -= 1
                    raise RuntimeError("not yet")
                await super().apply(conn, log, events)

        await noted(database, store, log, 2)
        tally = ProjectionRunner(Databases(database), store, Flaky(), lambda: [log], poll_seconds=0.01)
        running = asyncio.ensure_future(tally.run())
        await until(lambda: log in tally.status() and "not yet" in (tally.status()[log].error or ""))
        await until(lambda: tally.status()[log].position == 2)
        running.cancel()
        await asyncio.wait([running])

        assert tally.status()[log].error is None
        assert await seen(database, log) == {"s": 2}

    async def test_a_batch_that_failed_is_tried_again_by_half_until_it_passes(
        self, database: Database, store: EventStore, log: str
    ):
        """As when the server ends a transaction that has been at work for too long: the same batch would fail for ever."""
        sizes: list[int] = []

        class Choking(Tally):
            async def apply(self, conn: Connection, log: str, events: Sequence[RecordedEvent]) -> None:
                sizes.append(len(events))
                if len(events) > 2:
                    raise RuntimeError("too much")
                await super().apply(conn, log, events)

        await noted(database, store, log, 9)
        tally = ProjectionRunner(
            Databases(database), store, Choking(), lambda: [log], batch_max=8, poll_seconds=0.001
        )
        running = asyncio.ensure_future(tally.run())
        await until(lambda: log in tally.status() and tally.status()[log].position == 9)
        running.cancel()
        await asyncio.wait([running])

        assert sizes[:3] == [8, 4, 2]
        assert await seen(database, log) == {"s": 9}

    async def test_a_lost_database_is_waited_for(
        self, event_tables: FreshDatabase, database: Database, store: EventStore, log: str
    ):
        fragile = await Database.connect(event_tables.app_dsn, schema="kit", application_name="test-fragile")
        tally = runner(fragile, store, log)
        running = asyncio.ensure_future(tally.run())
        await noted(database, store, log, 1)
        await until(lambda: log in tally.status() and tally.status()[log].position == 1)

        admin = await asyncpg.connect(event_tables.admin_dsn)
        await admin.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'test-fragile'"
        )
        await admin.close()
        await noted(database, store, log, 1)
        await until(lambda: tally.status()[log].position == 2)

        running.cancel()
        await asyncio.wait([running])
        await fragile.close()
        assert await seen(database, log) == {"s": 2}


class TestRewind:
    async def test_rows_and_checkpoint_go_back_together_and_come_out_the_same(
        self, database: Database, store: EventStore, new_log: Callable[[], str]
    ):
        one, other = new_log(), new_log()
        tally = runner(database, store, one, other, batch_max=3)
        for log in (one, other):
            await noted(database, store, log, 7)
            await tally.catch_up(log)
        before, beside = await rows(database, one), await rows(database, other)

        await tally.rewind(one)
        assert await seen(database, one) == {}
        assert await tally.reached(one) == 0
        await tally.catch_up(one)

        assert await rows(database, one) == before
        assert await rows(database, other) == beside
