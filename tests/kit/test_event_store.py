"""The event store on real PostgreSQL, with plain and with partitioned tables."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import asyncpg
import pytest

from services.kit import event_store
from services.kit.database import Database
from services.kit.event_store import BrokenStreamError, EventStore, TooManyEventsError, WrongExpectedVersion
from tests.conftest import FreshDatabase
from tests.kit.given import appended, event, everything, identified, noted, positions


class TestAppend:
    async def test_the_first_write_gets_position_one(self, database: Database, store: EventStore, log: str):
        landed = await appended(database, store, log, event("a", 1, b"first"))

        assert (landed.first, landed.last) == (1, 1)
        [stored] = await everything(database, store, log)
        assert (stored.log, stored.position, stored.stream_id, stored.version) == (log, 1, "a", 1)
        assert (stored.topic, stored.state, stored.identity) == ("kit.Noted", b"first", None)
        assert stored.recorded_at == landed.recorded_at
        assert stored.recorded_at.utcoffset() == timedelta(0)

    async def test_positions_follow_the_given_order(self, database: Database, store: EventStore, log: str):
        await appended(database, store, log, event("b", 1), event("a", 1), event("b", 2))
        landed = await appended(database, store, log, event("a", 2))

        stored = await everything(database, store, log)
        assert [(e.position, e.stream_id) for e in stored] == [(1, "b"), (2, "a"), (3, "b"), (4, "a")]
        assert (landed.first, landed.last) == (4, 4)

    async def test_each_log_counts_for_itself(
        self, database: Database, store: EventStore, new_log: Callable[[], str]
    ):
        one, other = new_log(), new_log()
        await appended(database, store, one, event("a", 1), event("a", 2))
        landed = await appended(database, store, other, event("a", 1))

        assert landed.first == 1

    async def test_the_moment_of_recording_never_falls_along_a_log(
        self, database: Database, event_tables: FreshDatabase, store: EventStore, log: str
    ):
        """As after a failover to a server whose clock is behind."""
        await appended(database, store, log, event("a", 1))
        async with database.acquire() as conn:
            ahead = await conn.fetchval(
                "update logs set recorded_at = now() + interval '1 hour' where log = $1 returning recorded_at",
                log,
            )

        landed = await appended(database, store, log, event("a", 2))

        assert landed.recorded_at == ahead

    async def test_nothing_and_too_much_are_refused(
        self, database: Database, store: EventStore, log: str, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr(event_store, "EVENTS_PER_APPEND_MAX", 3)
        events = [event("a", version) for version in (1, 2, 3, 4)]
        async with database.transaction() as conn:
            with pytest.raises(ValueError, match="nothing to append"):
                await store.append(conn, log, [])
            with pytest.raises(TooManyEventsError):
                await store.append(conn, log, events)
            assert (await store.append(conn, log, events[:3])).last == 3

    async def test_counters_can_be_opened_beforehand(
        self, database: Database, store: EventStore, new_log: Callable[[], str]
    ):
        one, other = new_log(), new_log()
        async with database.transaction() as conn:
            await store.open_logs(conn, [one, other, one])
            await store.open_logs(conn, [one])
            assert await store.heads(conn, [one, other, "unheard"]) == {one: 0, other: 0, "unheard": 0}


class TestGeneration:
    """Events that bind every later decision of a log raise its generation."""

    async def test_an_append_under_the_generation_it_knows_is_stored(
        self, database: Database, store: EventStore, log: str
    ):
        async with database.transaction() as conn:
            await store.append(conn, log, [event("a", 1)], generation=0)
        async with database.transaction() as conn:
            await store.append(conn, log, [event("b", 1)], generation=0, binding=True)
        assert store.generation_of(log) == 1
        async with database.transaction() as conn:
            await store.append(conn, log, [event("a", 2)], generation=1)
        assert positions(await everything(database, store, log)) == [1, 2, 3]

    @pytest.mark.parametrize("binding", [False, True])
    async def test_a_decision_from_before_binding_events_is_refused(
        self, database: Database, store: EventStore, log: str, binding: bool
    ):
        async with database.transaction() as conn:
            await store.append(conn, log, [event("a", 1)], generation=0, binding=True)
        with pytest.raises(WrongExpectedVersion):
            async with database.transaction() as conn:
                await store.append(conn, log, [event("b", 1)], generation=0, binding=binding)
        assert positions(await everything(database, store, log)) == [1]
        assert store.generation_of(log) == 1 + binding

    async def test_an_append_that_names_none_depends_on_none(
        self, database: Database, store: EventStore, log: str
    ):
        async with database.transaction() as conn:
            await store.append(conn, log, [event("a", 1)], binding=True)
        await appended(database, store, log, event("b", 1))
        assert positions(await everything(database, store, log)) == [1, 2]


class TestExpectedVersion:
    async def test_the_next_version_is_taken(self, database: Database, store: EventStore, log: str):
        await appended(database, store, log, event("a", 1))
        await appended(database, store, log, event("a", 2))

        assert positions(await everything(database, store, log)) == [1, 2]

    async def test_a_version_already_taken_is_refused(self, database: Database, store: EventStore, log: str):
        await appended(database, store, log, event("a", 1))

        with pytest.raises(WrongExpectedVersion):
            await appended(database, store, log, event("b", 1), event("a", 1))

        assert [e.stream_id for e in await everything(database, store, log)] == ["a"]

    async def test_a_refused_append_leaves_no_gap(self, database: Database, store: EventStore, log: str):
        await appended(database, store, log, event("a", 1))
        with pytest.raises(WrongExpectedVersion):
            await appended(database, store, log, event("a", 1), event("a", 2))

        landed = await appended(database, store, log, event("a", 2))

        assert landed.first == 2

    async def test_the_same_version_twice_in_one_append_is_refused(
        self, database: Database, store: EventStore, log: str
    ):
        with pytest.raises(WrongExpectedVersion):
            await appended(database, store, log, event("a", 1), event("a", 1))

    async def test_a_conflict_that_is_swallowed_cannot_be_committed(
        self, database: Database, store: EventStore, log: str
    ):
        await appended(database, store, log, event("a", 1))
        async with database.transaction() as conn:
            with pytest.raises(WrongExpectedVersion):
                await store.append(conn, log, [event("b", 1), event("a", 1)])

        assert positions(await everything(database, store, log)) == [1]

    async def test_of_two_writers_at_the_same_version_one_wins(
        self, database: Database, store: EventStore, log: str
    ):
        results = await asyncio.gather(
            *(appended(database, store, log, event("a", 1, b"%d" % n)) for n in range(6)),
            return_exceptions=True,
        )

        refused = [result for result in results if isinstance(result, WrongExpectedVersion)]
        assert len(refused) == 5
        assert positions(await everything(database, store, log)) == [1]

    async def test_a_stream_with_a_hole_is_never_read_over(
        self, database: Database, store: EventStore, log: str
    ):
        await appended(database, store, log, event("a", 1), event("a", 3))

        async with database.acquire() as conn:
            with pytest.raises(BrokenStreamError):
                await store.load(conn, log, ["a"])


class TestIdentity:
    async def test_an_identity_is_taken_for_ever(self, database: Database, store: EventStore, log: str):
        await appended(database, store, log, identified("a", 1, "record-1"))

        with pytest.raises(WrongExpectedVersion):
            await appended(database, store, log, identified("b", 1, "record-1"))

    async def test_another_log_has_its_own_identities(
        self, database: Database, store: EventStore, new_log: Callable[[], str]
    ):
        for log in (new_log(), new_log()):
            await appended(database, store, log, identified("a", 1, "record-1"))

    async def test_events_are_found_by_identity(self, database: Database, store: EventStore, log: str):
        await appended(database, store, log, identified("a", 1, "record-1"), event("a", 2))

        async with database.acquire() as conn:
            found = await store.by_identity(conn, log, ["record-1", "record-2"])

        assert {identity: (e.stream_id, e.position) for identity, e in found.items()} == {
            "record-1": ("a", 1)
        }


class TestLoad:
    async def test_streams_come_in_version_order(self, database: Database, store: EventStore, log: str):
        await appended(database, store, log, event("b", 1), event("a", 1), event("b", 2), event("c", 1))

        async with database.acquire() as conn:
            streams = await store.load(conn, log, ["a", "b"])

        assert {name: [e.version for e in stream] for name, stream in streams.items()} == {
            "a": [1],
            "b": [1, 2],
        }

    async def test_an_unknown_stream_is_absent(self, database: Database, store: EventStore, log: str):
        await appended(database, store, log, event("a", 1))

        async with database.acquire() as conn:
            assert await store.load(conn, log, ["nobody"]) == {}
            assert await store.load(conn, log, []) == {}

    async def test_as_of_a_moment_later_events_are_not_seen(
        self, database: Database, store: EventStore, log: str
    ):
        first = await appended(database, store, log, event("a", 1))
        await asyncio.sleep(0.002)
        second = await appended(database, store, log, event("a", 2))

        async with database.acquire() as conn:
            before = await store.load(conn, log, ["a"], until=first.recorded_at)
            between = await store.load(conn, log, ["a"], until=second.recorded_at - timedelta(microseconds=1))
            now = await store.load(conn, log, ["a"], until=second.recorded_at)

        assert [len(streams["a"]) for streams in (before, between, now)] == [1, 1, 2]


class TestRead:
    async def test_reading_resumes_after_any_position(self, database: Database, store: EventStore, log: str):
        await noted(database, store, log, 5)

        async with database.acquire() as conn:
            for after in range(7):
                events = await store.read(conn, log, after=after, limit=100)
                assert positions(events) == list(range(after + 1, 6))

    async def test_a_batch_has_a_limit(self, database: Database, store: EventStore, log: str):
        await noted(database, store, log, 5)

        async with database.acquire() as conn:
            assert positions(await store.read(conn, log, after=1, limit=3)) == [2, 3, 4]

    async def test_no_read_takes_more_than_its_bound_however_much_is_asked_for(
        self, database: Database, store: EventStore, log: str, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr(event_store, "EVENTS_PER_READ_MAX", 2)
        await noted(database, store, log, 5)

        async with database.acquire() as conn:
            assert positions(await store.read(conn, log, after=1, limit=100)) == [2, 3]
            assert positions(await store.read(conn, log, after=1, limit=100, topics=["kit.Noted"])) == [2, 3]

    async def test_topics_can_be_chosen(self, database: Database, store: EventStore, log: str):
        await appended(
            database,
            store,
            log,
            event("a", 1),
            event("a", 2, topic="kit.Other"),
            event("a", 3, topic="kit.Third"),
        )

        async with database.acquire() as conn:
            events = await store.read(conn, log, after=0, limit=10, topics=["kit.Other", "kit.Third"])

        assert positions(events) == [2, 3]

    async def test_an_unknown_log_is_empty(self, database: Database, store: EventStore):
        async with database.acquire() as conn:
            assert await store.read(conn, "unheard", after=0, limit=10) == []
            assert await store.head(conn, "unheard") == 0

    async def test_the_head_is_the_last_position(self, database: Database, store: EventStore, log: str):
        await noted(database, store, log, 3)

        async with database.acquire() as conn:
            assert await store.head(conn, log) == 3


class TestFollow:
    async def test_old_and_new_events_come_once_and_in_order(
        self, database: Database, store: EventStore, log: str
    ):
        await noted(database, store, log, 3)
        seen: list[int] = []
        async for events in store.follow(database, log, after=1, limit=2, poll_seconds=0.01):
            seen += positions(events)
            if seen == [2, 3]:
                await noted(database, store, log, 2)
            if len(seen) == 4:
                break

        assert seen == [2, 3, 4, 5]

    async def test_a_hint_ends_the_wait(self, database: Database, store: EventStore, log: str):
        follower = store.follow(database, log, after=0, poll_seconds=60)
        waiting = asyncio.ensure_future(anext(follower))
        await asyncio.sleep(0.05)

        await noted(database, store, log, 1)
        store.notifications.notify(database, log)

        assert positions(await asyncio.wait_for(waiting, 5)) == [1]
        await follower.aclose()
        await store.notifications.close()

    async def test_a_hint_reaches_other_processes(self, database: Database, store: EventStore, log: str):
        elsewhere = EventStore()
        ears = asyncio.ensure_future(elsewhere.notifications.listen(database))
        follower = elsewhere.follow(database, log, after=0, poll_seconds=60)
        waiting = asyncio.ensure_future(anext(follower))
        await asyncio.sleep(0.1)

        await noted(database, store, log, 1)
        store.notifications.notify(database, log)

        assert positions(await asyncio.wait_for(waiting, 5)) == [1]
        await follower.aclose()
        ears.cancel()
        await asyncio.wait([ears])
        await store.notifications.close()


class TestRoleOfAService:
    @pytest.mark.parametrize(
        "statement",
        [
            "update events set state = ''",
            "delete from events",
            "truncate events",
            "delete from logs",
            "drop table events",
            "alter table events add column more text",
        ],
    )
    async def test_stored_events_cannot_be_changed(self, database: Database, statement: str):
        async with database.acquire() as conn:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await conn.execute(statement)

    async def test_a_touch_writes_to_the_transaction_log(
        self, database: Database, event_tables: FreshDatabase, store: EventStore
    ):
        """An answer without events must wait for the standby: a transaction that wrote nothing would not."""
        async with database.transaction() as conn:
            assert await conn.fetchval("select pg_current_xact_id_if_assigned()") is None
            await store.touch(conn)
            assert await conn.fetchval("select pg_current_xact_id_if_assigned()") is not None


class TestStuckWriter:
    async def test_others_give_up_after_their_lock_timeout(
        self, database: Database, store: EventStore, log: str
    ):
        async with database.transaction() as stuck:
            await store.append(stuck, log, [event("a", 1)])
            with pytest.raises(asyncpg.LockNotAvailableError):
                async with database.transaction(lock_timeout_ms=50) as conn:
                    await store.append(conn, log, [event("b", 1)])

    async def test_other_logs_go_on(self, database: Database, store: EventStore, new_log: Callable[[], str]):
        one, other = new_log(), new_log()
        async with database.transaction() as stuck:
            await store.append(stuck, one, [event("a", 1)])
            landed = await asyncio.wait_for(appended(database, store, other, event("a", 1)), 2)

        assert landed.first == 1

    async def test_a_writer_that_went_silent_is_ended_and_leaves_no_gap(
        self, event_tables: FreshDatabase, database: Database, store: EventStore, log: str
    ):
        silent = await asyncpg.connect(
            event_tables.app_dsn,
            server_settings={"search_path": "kit", "idle_in_transaction_session_timeout": "200"},
        )
        await silent.execute("begin")
        await store.append(silent, log, [event("a", 1)])

        landed = await asyncio.wait_for(appended(database, store, log, event("b", 1)), 4)

        assert landed.first == 1
        assert [e.stream_id for e in await everything(database, store, log)] == ["b"]
        silent.terminate()
