"""Rebuilding: built beside, switched in one transaction, byte for byte what the live rows are."""

import asyncio
from collections.abc import AsyncIterator, Callable

import asyncpg
import pytest
import pytest_asyncio

from services.kit.database import Database, Databases
from services.kit.event_store import EventStore
from services.kit.events import UnknownEventError
from services.kit.projection import ProjectionRunner
from services.kit.rebuild import Compared, NotRebuildableError, Rebuilt, compare, rebuild
from tests.conftest import FreshDatabase
from tests.kit.given import Tally, appended, event, noted, rows


async def projected(database: Database, store: EventStore, log: str) -> ProjectionRunner:
    runner = ProjectionRunner(Databases(database), store, Tally(), lambda: [log], batch_max=3)
    await runner.catch_up(log)
    return runner


async def given_history(database: Database, store: EventStore, log: str) -> None:
    for stream_id, count in (("a", 5), ("b", 2), ("c", 4)):
        await noted(database, store, log, count, stream_id=stream_id)


async def damage(database: Database, log: str, statement: str) -> None:
    async with database.acquire() as conn:
        await conn.execute(statement, log)


@pytest_asyncio.fixture
async def hasty(event_tables: FreshDatabase) -> AsyncIterator[Database]:
    """A single connection that waits 50 ms for a lock and no longer."""
    hasty = await Database.connect(
        event_tables.app_dsn, schema="kit", application_name="test-hasty", size_max=1
    )
    async with hasty.acquire() as conn:
        await conn.execute("set lock_timeout = '50ms'")
    yield hasty
    await hasty.close()


class TestRebuild:
    async def test_right_rows_are_not_touched(self, database: Database, store: EventStore, log: str):
        await given_history(database, store, log)
        await projected(database, store, log)
        before = await rows(database, log)

        assert await rebuild(database, store, Tally(), log, batch_max=4) == Rebuilt(log, 11, 0)

        assert await rows(database, log) == before

    @pytest.mark.parametrize(
        "statement",
        [
            "update tallies set seen = 99 where log = $1 and stream_id = 'a'",
            "update tallies set share = share * 1.0 where log = $1 and stream_id = 'a'",
            "delete from tallies where log = $1 and stream_id = 'b'",
            "insert into tallies values ($1, 'never heard of', 1, '', 1)",
            "delete from tally_days where log = $1 and stream_id = 'c' and version = 2",
        ],
    )
    async def test_a_damaged_row_is_replaced_byte_for_byte(
        self, database: Database, store: EventStore, log: str, statement: str
    ):
        await given_history(database, store, log)
        await projected(database, store, log)
        before = await rows(database, log)
        await damage(database, log, statement)
        assert await rows(database, log) != before

        assert await rebuild(database, store, Tally(), log) == Rebuilt(log, 11, 1)

        assert await rows(database, log) == before

    async def test_an_empty_read_model_is_built_and_its_runner_goes_on_from_there(
        self, database: Database, store: EventStore, log: str
    ):
        await given_history(database, store, log)

        await rebuild(database, store, Tally(), log)
        await noted(database, store, log, 1, stream_id="a")
        runner = await projected(database, store, log)

        assert await runner.reached(log) == 12
        projection = runner.projection
        assert isinstance(projection, Tally)
        assert projection.batches == [[12]]

    async def test_other_logs_keep_their_rows(
        self, database: Database, store: EventStore, new_log: Callable[[], str]
    ):
        one, other = new_log(), new_log()
        for log in (one, other):
            await given_history(database, store, log)
            await projected(database, store, log)
            await damage(database, log, "update tallies set seen = 99 where log = $1")
        damaged = await rows(database, other)

        await rebuild(database, store, Tally(), one)

        assert await rows(database, other) == damaged

    async def test_progress_is_told_up_to_the_head(self, database: Database, store: EventStore, log: str):
        await given_history(database, store, log)
        told: list[tuple[int, int]] = []

        await rebuild(
            database,
            store,
            Tally(),
            log,
            batch_max=4,
            progress=lambda reached, head: told.append((reached, head)),
        )

        assert told == [(4, 11), (8, 11), (11, 11)]

    async def test_the_connection_means_the_live_tables_again(
        self, event_tables: FreshDatabase, store: EventStore, log: str
    ):
        """With one connection for everything, prepared statements of before, during and after share it."""
        single = await Database.connect(
            event_tables.app_dsn, schema="kit", application_name="test-single", size_max=1
        )
        await given_history(single, store, log)
        await projected(single, store, log)
        before = await rows(single, log)
        for _ in range(2):
            await damage(single, log, "update tallies set seen = 99 where log = $1")
            await rebuild(single, store, Tally(), log)
            assert await rows(single, log) == before
        await noted(single, store, log, 1, stream_id="a")
        await projected(single, store, log)
        assert await rows(single, log) != before
        async with single.acquire() as conn:
            assert await conn.fetchval("select count(*) from pg_class where relpersistence = 't'") == 0
        await single.close()

    async def test_the_owner_may_rebuild_as_well(
        self, event_tables: FreshDatabase, store: EventStore, log: str
    ):
        owner = await Database.connect(event_tables.owner_dsn, schema="kit", application_name="test-owner")
        await given_history(owner, store, log)

        assert (await rebuild(owner, store, Tally(), log)).rows_changed == 14
        await owner.close()


class TestUnderLoad:
    async def test_events_that_arrive_meanwhile_are_in_the_rows_once(
        self, database: Database, store: EventStore, log: str
    ):
        await given_history(database, store, log)
        runner = ProjectionRunner(Databases(database), store, Tally(), lambda: [log], poll_seconds=0.005)
        running = asyncio.ensure_future(runner.run())

        async def write() -> None:
            for _ in range(20):
                await noted(database, store, log, 1, stream_id="a")

        results = await asyncio.gather(write(), *(rebuild(database, store, Tally(), log) for _ in range(2)))
        running.cancel()
        await asyncio.wait([running])
        await runner.catch_up(log)

        live = await rows(database, log)
        assert await rebuild(database, store, Tally(), log) == Rebuilt(log, 31, 0)
        assert await rows(database, log) == live
        assert results[0] is None

    async def test_rows_written_with_their_events_are_rebuilt_while_writers_wait(
        self, database: Database, store: EventStore, log: str
    ):
        """As the state of an account: the row is written in the transaction that appends the event."""
        tally = Tally()

        async def write(stream_id: str) -> None:
            for version in range(1, 11):
                async with database.transaction() as conn:
                    [stored] = [event(stream_id, version, b"%d" % version)]
                    await conn.execute(
                        """insert into tallies as t (log, stream_id, seen, last, share) values ($1, $2, 1, $3, 1.00)
                           on conflict (log, stream_id) do update
                           set seen = t.seen + 1, last = excluded.last, share = t.share * 1.50""",
                        log,
                        stream_id,
                        stored.state,
                    )
                    await conn.execute("insert into tally_days values ($1, $2, $3)", log, stream_id, version)
                    await store.append(conn, log, [stored])

        async def rebuild_often() -> None:
            for _ in range(5):
                assert (await rebuild(database, store, tally, log, inline=True)).rows_changed == 0

        await asyncio.gather(rebuild_often(), *(write(name) for name in ("a", "b", "c")))

        assert await rebuild(database, store, tally, log, inline=True) == Rebuilt(log, 30, 0)

    async def test_an_inline_rebuild_repairs_and_keeps_no_checkpoint(
        self, database: Database, store: EventStore, log: str
    ):
        await given_history(database, store, log)

        first = await rebuild(database, store, Tally(), log, inline=True)

        assert first == Rebuilt(log, 11, 14)
        async with database.acquire() as conn:
            assert await conn.fetchval("select count(*) from checkpoints where log = $1", log) == 0


class TestRefusal:
    async def test_an_unknown_event_leaves_the_live_rows_alone(
        self, database: Database, store: EventStore, log: str
    ):
        await given_history(database, store, log)
        await projected(database, store, log)
        before = await rows(database, log)
        await appended(database, store, log, event("a", 6, topic="kit.FromTheFuture"))

        with pytest.raises(UnknownEventError):
            await rebuild(database, store, Tally(), log)

        assert await rows(database, log) == before
        async with database.acquire() as conn:
            assert await conn.fetchval("select count(*) from pg_class where relpersistence = 't'") == 0

    @pytest.mark.parametrize("table", ["nowhere", "pg_catalog.pg_class"])
    async def test_only_tables_keyed_by_log_can_be_rebuilt(
        self, database: Database, store: EventStore, log: str, table: str
    ):
        class Wrong(Tally):
            tables = (table,)  # type: ignore[assignment]

        with pytest.raises(NotRebuildableError):
            await rebuild(database, store, Wrong(), log)

    async def test_a_switch_that_had_to_give_way_is_tried_again(
        self, hasty: Database, database: Database, store: EventStore, log: str
    ):
        await given_history(database, store, log)

        async def write_slowly() -> None:
            async with database.transaction() as conn:
                await store.append(conn, log, [event("a", 6)])
                await asyncio.sleep(0.15)

        writing = asyncio.ensure_future(write_slowly())
        await asyncio.sleep(0.02)

        assert (await rebuild(hasty, store, Tally(), log, inline=True)).position == 12
        await writing

    async def test_a_writer_that_will_not_move_ends_the_switch(
        self,
        hasty: Database,
        database: Database,
        store: EventStore,
        log: str,
        monkeypatch: pytest.MonkeyPatch,
    ):
        monkeypatch.setattr("services.kit.rebuild._SWITCH_ATTEMPTS_MAX", 1)
        await given_history(database, store, log)
        async with database.transaction() as stuck:
            await store.append(stuck, log, [event("a", 6)])
            with pytest.raises(asyncpg.LockNotAvailableError):
                await rebuild(hasty, store, Tally(), log, inline=True)


class TestCompare:
    @pytest.mark.parametrize(
        ("statement", "row"),
        [
            ("update tallies set seen = 99 where log = $1 and stream_id = 'a'", "tallies different: {} a"),
            ("delete from tallies where log = $1 and stream_id = 'b'", "tallies missing: {} b"),
            (
                "insert into tallies values ($1, 'never heard of', 1, '', 1)",
                "tallies surplus: {} never heard of",
            ),
        ],
    )
    async def test_a_damaged_row_is_named_and_left(
        self, database: Database, store: EventStore, log: str, statement: str, row: str
    ):
        await given_history(database, store, log)
        await projected(database, store, log)
        assert await compare(database, store, Tally(), log, batch_max=4) == Compared("tally", log, 11, 0)
        await damage(database, log, statement)
        before = await rows(database, log)

        found = await compare(database, store, Tally(), log)

        assert found == Compared("tally", log, 11, 1, (row.format(log),))
        assert await rows(database, log) == before

    async def test_rows_that_a_worker_has_yet_to_write_are_not_wrong(
        self, database: Database, store: EventStore, log: str
    ):
        await given_history(database, store, log)
        await projected(database, store, log)
        await noted(database, store, log, 3, stream_id="d")

        assert await compare(database, store, Tally(), log, batch_max=4) == Compared("tally", log, 11, 0)
