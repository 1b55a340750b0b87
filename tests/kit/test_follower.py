"""The consumer's side of a feed: every event once, in order, from the saved checkpoint on."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

import httpx
import msgspec
import pytest
import stamina

from services.kit.command import UnitOfWork, WritePath
from services.kit.database import Connection, Database, Databases
from services.kit.event_store import EventStore
from services.kit.events import UnknownEventError
from services.kit.feed import CloudEvent
from services.kit.follower import (
    AheadOfFeedError,
    AsOneCommand,
    FeedFollower,
    FeedUnavailableError,
    InOneTransaction,
)
from services.kit.histories import Mark
from tests.kit.bookings import NOON, begin
from tests.kit.given import SOURCE, appended, event, everything, noted

Client = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


class Collected:
    """A consumer that keeps what it was given, with its checkpoint, in memory."""

    def __init__(self) -> None:
        self.mark = Mark(0)
        self.seen: list[int] = []

    @property
    def position(self) -> int:
        return self.mark.position

    async def load_checkpoint(self) -> Mark:
        return self.mark

    async def handle(self, events: Sequence[CloudEvent], mark: Mark) -> None:
        self.seen += [event.position for event in events]
        self.mark = mark

    async def go_back(self, mark: Mark) -> None:
        self.mark = mark


def follower(http: httpx.AsyncClient, log: str, consumer: Any, **options: Any) -> FeedFollower:
    return FeedFollower(http, log, consumer, **options)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.005)


class TestFollower:
    async def test_it_sees_every_event_once_in_order(
        self, client: Client, database: Database, store: EventStore, log: str
    ):
        await noted(database, store, log, 5)
        await appended(database, store, log, event("a", 1, topic="kit.Other"))
        consumer = Collected()
        async with client("feed:read") as http:
            following = follower(http, log, consumer, limit=2)
            assert await following.catch_up() == 6

        assert consumer.seen == [1, 2, 3, 4, 5]
        assert (following.status().position, following.status().lag) == (6, 0)

    async def test_a_new_one_resumes_where_the_last_one_stopped(
        self, client: Client, database: Database, store: EventStore, log: str
    ):
        consumer = Collected()
        async with client("feed:read") as http:
            for _ in range(4):
                await noted(database, store, log, 2)
                await follower(http, log, consumer, limit=1).step()
            await follower(http, log, consumer).catch_up()

        assert consumer.seen == list(range(1, 9))

    async def test_running_it_keeps_up_until_cancelled(
        self, client: Client, database: Database, store: EventStore, log: str
    ):
        consumer = Collected()
        async with client("feed:read") as http:
            running = asyncio.ensure_future(follower(http, log, consumer).run())
            for _ in range(3):
                await noted(database, store, log, 1)
                store.notifications.notify_here(log)
                await asyncio.sleep(0.01)
            await until(lambda: consumer.position == 3)
            running.cancel()
            await asyncio.wait([running])

        assert running.cancelled()
        assert consumer.seen == [1, 2, 3]

    async def test_trouble_is_shown_and_tried_again_from_the_checkpoint(
        self, client: Client, database: Database, store: EventStore, log: str
    ):
        class Flaky(Collected):
            failures = 2

            async def handle(self, events: Sequence[CloudEvent], mark: Mark) -> None:
                if self.failures:
                    self.failures -= 1
                    raise ConnectionResetError("the database went away")
                await super().handle(events, mark)

        await noted(database, store, log, 2)
        consumer = Flaky()
        with stamina.set_testing(True, attempts=100):
            async with client("feed:read") as http:
                following = follower(http, log, consumer)
                running = asyncio.ensure_future(following.run())
                await until(lambda: consumer.failures < 2)
                await until(lambda: consumer.position == 2)
                running.cancel()
                await asyncio.wait([running])

        assert consumer.seen == [1, 2]

    async def test_an_answer_that_is_no_batch_is_an_error(self, client: Client):
        async with client("feed:read") as http:
            with pytest.raises(FeedUnavailableError, match="404"):
                await follower(http, "nowhere", Collected()).step()

    async def test_being_ahead_of_the_log_ends_it(self, client: Client, log: str):
        consumer = Collected()
        consumer.mark = Mark(7)
        async with client("feed:read") as http:
            following = follower(http, log, consumer)
            with pytest.raises(AheadOfFeedError):
                await asyncio.wait_for(following.run(), 5)

        assert "AheadOfFeedError" in (following.status().error or "")

    async def test_an_event_it_does_not_know_ends_it(
        self, client: Client, database: Database, store: EventStore, log: str
    ):
        class Strict(Collected):
            async def handle(self, events: Sequence[CloudEvent], mark: Mark) -> None:
                raise UnknownEventError(events[0].type)

        await noted(database, store, log, 1)
        async with client("feed:read") as http:
            following = follower(http, log, Strict())
            with pytest.raises(UnknownEventError):
                await asyncio.wait_for(following.run(), 5)

        assert "cn.example.kit.noted.v1" in (following.status().error or "")

    @pytest.mark.parametrize("order", [[2, 1], [1, 1], [3], []], ids=["back", "twice", "beyond", "none"])
    async def test_positions_out_of_order_are_never_handled(self, order: list[int]):
        def answer(_: httpx.Request) -> httpx.Response:
            batch = [
                {
                    "specversion": "1.0",
                    "id": f"x/{position}",
                    "source": SOURCE,
                    "type": "t",
                    "time": "2025-01-01T00:00:00Z",
                    "datacontenttype": "application/json",
                    "sequence": str(position),
                    "log": "x",
                    "position": position,
                    "data": {},
                }
                for position in order
            ]
            next_after = "2" if order else "0"
            headers = {"Xuefen-Next-After": next_after, "Xuefen-Head": "9"}
            return httpx.Response(200, content=msgspec.json.encode(batch), headers=headers)

        consumer = Collected()
        consumer.mark = Mark(0 if order else 1)
        async with httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="http://x") as http:
            with pytest.raises(FeedUnavailableError, match="order"):
                await follower(http, "x", consumer).step()

        assert consumer.seen == []


class TestInOneTransaction:
    async def test_effects_and_checkpoint_are_saved_together(
        self, client: Client, database: Database, store: EventStore, log: str, new_log: Callable[[], str]
    ):
        here = new_log()
        applied: list[list[int]] = []

        async def apply(conn: Connection, events: Sequence[CloudEvent]) -> None:
            applied.append([event.position for event in events])
            for each in events:
                await conn.execute(
                    "insert into tally_days (log, stream_id, version) values ($1, 'seen', $2)",
                    here,
                    each.position,
                )
            if each.position == 4 and len(applied) == 2:
                raise RuntimeError("after the effects, before the commit")

        await noted(database, store, log, 6)
        consumer = InOneTransaction(database, "copy", log=here, source=log, apply=apply)
        async with client("feed:read") as http:
            following = follower(http, log, consumer, limit=2)
            assert await following.step() == 2
            with pytest.raises(RuntimeError):
                await following.step()
            assert (await consumer.load_checkpoint()).position == 2
            assert await following.catch_up() == 6

        assert applied == [[1, 2], [3, 4], [3, 4], [5, 6]]
        async with database.acquire() as conn:
            assert await conn.fetchval("select count(*) from tally_days where log = $1", here) == 6

    async def test_two_processes_take_turns(
        self, client: Client, database: Database, store: EventStore, log: str, new_log: Callable[[], str]
    ):
        here = new_log()

        async def apply(conn: Connection, events: Sequence[CloudEvent]) -> None:
            rows = [(here, "seen", each.position) for each in events]
            await conn.executemany(
                "insert into tally_days (log, stream_id, version) values ($1, $2, $3)", rows
            )

        await noted(database, store, log, 30)
        consumers = [InOneTransaction(database, "copy", log=here, source=log, apply=apply) for _ in range(3)]
        async with client("feed:read") as http:
            followers = [follower(http, log, consumer, limit=n + 3) for n, consumer in enumerate(consumers)]
            await asyncio.gather(*(each.catch_up() for each in followers))

        async with database.acquire() as conn:
            found = await conn.fetch("select version from tally_days where log = $1 order by version", here)
        assert [row["version"] for row in found] == list(range(1, 31))


class TestAsOneCommand:
    @staticmethod
    def consumer(
        database: Database, store: EventStore, here: str, source: str, apply: Any
    ) -> AsOneCommand[UnitOfWork]:
        path = WritePath(Databases(database), store, lambda: NOON, begin)
        return AsOneCommand(database, path, "copy", log=here, source=source, apply=apply)

    async def test_events_and_position_are_stored_together_and_told(
        self, client: Client, database: Database, store: EventStore, log: str, new_log: Callable[[], str]
    ):
        here, lost = new_log(), [True]

        async def apply(unit: UnitOfWork, events: Sequence[CloudEvent]) -> None:
            for each in events:
                unit.new_events.append(event(f"copy-{each.position}", 1))
            if events[-1].position == 4 and lost:
                lost.clear()
                raise RuntimeError("decided, and not stored")

        await noted(database, store, log, 6)
        consumer = self.consumer(database, store, here, log, apply)
        with store.notifications.subscribe([here]) as growth:
            async with client("feed:read") as http:
                following = follower(http, log, consumer, limit=2)
                assert await following.step() == 2
                assert growth.is_set()
                with pytest.raises(RuntimeError):
                    await following.step()
                assert (await consumer.load_checkpoint()).position == 2
                assert await following.catch_up() == 6

        stored = await everything(database, store, here)
        assert [each.stream_id for each in stored] == [f"copy-{number}" for number in range(1, 7)]

    async def test_a_lost_race_is_decided_again(
        self, client: Client, database: Database, store: EventStore, log: str, new_log: Callable[[], str]
    ):
        here, versions = new_log(), [1, 2]

        async def apply(unit: UnitOfWork, events: Sequence[CloudEvent]) -> None:
            unit.new_events.append(event("one", versions.pop(0)))

        await appended(database, store, here, event("one", 1))
        await noted(database, store, log, 1)
        async with client("feed:read") as http:
            await follower(http, log, self.consumer(database, store, here, log, apply)).step()

        assert [each.version for each in await everything(database, store, here)] == [1, 2]

    async def test_two_processes_take_turns(
        self, client: Client, database: Database, store: EventStore, log: str, new_log: Callable[[], str]
    ):
        here = new_log()

        async def apply(unit: UnitOfWork, events: Sequence[CloudEvent]) -> None:
            unit.new_events += [event(f"copy-{each.position}", 1) for each in events]

        await noted(database, store, log, 12)
        consumers = [self.consumer(database, store, here, log, apply) for _ in range(3)]
        async with client("feed:read") as http:
            followers = [follower(http, log, consumer, limit=n + 3) for n, consumer in enumerate(consumers)]
            await asyncio.gather(*(each.catch_up() for each in followers))

        assert len(await everything(database, store, here)) == 12
