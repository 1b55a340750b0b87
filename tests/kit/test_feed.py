"""Feeds over HTTP, and the consumer that follows them."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from decimal import Decimal
from typing import Any

import httpx
import msgspec
import pytest
import stamina
from starlette.requests import Request

from services.kit.auth import require
from services.kit.database import Connection, Database, Databases
from services.kit.event_store import EventStore, RecordedEvent
from services.kit.events import UnknownEventError
from services.kit.feed import CloudEvent, Feeds, feed_router
from services.kit.follower import AheadOfFeedError, FeedFollower, FeedUnavailableError, InOneTransaction
from tests.kit.given import appended, event, noted
from tests.kit.http import calling, service

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


@pytest.fixture
def client(
    database: Database, store: EventStore, log: str
) -> Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]:
    """Makes clients of a service that publishes one log."""
    router = feed_router(
        Databases(database), store, lambda: [log, "empty"], publish, SOURCE, require("feed:read")
    )
    app = service([router])
    return lambda *scopes: calling(app, *scopes)


Client = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


def positions(response: httpx.Response) -> list[int]:
    return [item["position"] for item in response.json()]


class TestWhoMayRead:
    @pytest.mark.parametrize("path", ["/v1/logs", "/v1/logs/empty/feed"])
    async def test_nobody_without_a_token(self, client: Client, path: str):
        async with client() as http:
            assert (await http.get(path)).status_code == 401

    @pytest.mark.parametrize("path", ["/v1/logs", "/v1/logs/empty/feed"])
    async def test_nobody_without_the_scope(self, client: Client, path: str):
        async with client("other:read") as http:
            assert (await http.get(path)).status_code == 403


class TestRefusals:
    async def test_an_unknown_log(self, client: Client):
        async with client("feed:read") as http:
            answer = await http.get("/v1/logs/nowhere/feed")

        assert (answer.status_code, answer.json()["type"]) == (404, "urn:xuefen:problem:unknown-log")

    async def test_a_position_beyond_the_head(
        self, client: Client, database: Database, store: EventStore, log: str
    ):
        await noted(database, store, log, 2)
        async with client("feed:read") as http:
            at_head = await http.get(f"/v1/logs/{log}/feed?after=2")
            beyond = await http.get(f"/v1/logs/{log}/feed?after=3")

        assert at_head.status_code == 200
        assert (beyond.status_code, beyond.json()["type"]) == (409, "urn:xuefen:problem:ahead-of-log")

    @pytest.mark.parametrize(
        "query",
        ["after=-1", "after=x", f"after={2**63}", "limit=0", "limit=1001", "wait=31", "wait=-1", "wait=NaN"],
    )
    async def test_parameters_out_of_bounds(self, client: Client, query: str):
        async with client("feed:read") as http:
            answer = await http.get(f"/v1/logs/empty/feed?{query}")

        assert answer.status_code == 422
        assert answer.json()["errors"][0]["parameter"] == query.partition("=")[0]


class TestLogs:
    async def test_every_log_is_listed_with_its_head(
        self, client: Client, database: Database, store: EventStore, log: str
    ):
        await noted(database, store, log, 3)
        async with client("feed:read") as http:
            answer = await http.get("/v1/logs")

        assert answer.json() == [{"log": log, "head": 3}, {"log": "empty", "head": 0}]


class TestBatch:
    async def test_an_event_travels_as_a_cloud_event(
        self, client: Client, database: Database, store: EventStore, log: str
    ):
        landed = await appended(database, store, log, event("stream-1", 1, b"hello"))
        async with client("feed:read") as http:
            answer = await http.get(f"/v1/logs/{log}/feed")

        assert answer.headers["content-type"] == "application/cloudevents-batch+json"
        assert answer.json() == [
            {
                "specversion": "1.0",
                "id": f"{log}/1",
                "source": SOURCE,
                "type": "cn.example.kit.noted.v1",
                "subject": "stream-1",
                "time": landed.recorded_at.isoformat().replace("+00:00", "Z"),
                "datacontenttype": "application/json",
                "sequence": "1",
                "log": log,
                "position": 1,
                "data": {"share": "1.50", "text": "hello"},
            }
        ]

    async def test_reading_resumes_at_every_position(
        self, client: Client, database: Database, store: EventStore, log: str
    ):
        await noted(database, store, log, 5)
        async with client("feed:read") as http:
            for after in range(6):
                answer = await http.get(f"/v1/logs/{log}/feed?after={after}")
                assert positions(answer) == list(range(after + 1, 6))
                assert (answer.headers["Xuefen-Next-After"], answer.headers["Xuefen-Head"]) == ("5", "5")

    async def test_a_batch_has_a_limit(self, client: Client, database: Database, store: EventStore, log: str):
        await noted(database, store, log, 5)
        async with client("feed:read") as http:
            answer = await http.get(f"/v1/logs/{log}/feed?after=1&limit=2")

        assert positions(answer) == [2, 3]
        assert (answer.headers["Xuefen-Next-After"], answer.headers["Xuefen-Head"]) == ("3", "5")

    async def test_the_position_moves_over_what_is_not_published(
        self, client: Client, database: Database, store: EventStore, log: str
    ):
        hidden = [event("a", version, topic="kit.Other") for version in range(1, 8)]
        await appended(database, store, log, *hidden, event("b", 1), *[event("c", 1, topic="kit.Other")])
        async with client("feed:read") as http:
            first = await http.get(f"/v1/logs/{log}/feed?limit=2")
            second = await http.get(f"/v1/logs/{log}/feed?limit=2&after={first.headers['Xuefen-Next-After']}")

        assert (positions(first), first.headers["Xuefen-Next-After"]) == ([8], "8")
        assert (positions(second), second.headers["Xuefen-Next-After"]) == ([], "9")

    async def test_a_long_run_of_unpublished_events_is_passed_in_bounded_steps(
        self, client: Client, database: Database, store: EventStore, log: str
    ):
        await appended(database, store, log, *[event("a", n, topic="kit.Other") for n in range(1, 26)])
        async with client("feed:read") as http:
            answer = await http.get(f"/v1/logs/{log}/feed?limit=2")

        assert (positions(answer), answer.headers["Xuefen-Next-After"]) == ([], "20")


class TestLongPoll:
    async def test_the_wait_ends_when_an_event_arrives(
        self, client: Client, database: Database, store: EventStore, log: str
    ):
        async with client("feed:read") as http:
            waiting = asyncio.ensure_future(http.get(f"/v1/logs/{log}/feed?wait=30"))
            await asyncio.sleep(0.05)
            assert not waiting.done()
            await noted(database, store, log, 1)
            store.hints.announce(database, log)
            answer = await asyncio.wait_for(waiting, 5)

        assert positions(answer) == [1]
        await store.hints.close()

    async def test_without_a_hint_polling_is_enough(
        self, client: Client, database: Database, store: EventStore, log: str
    ):
        async with client("feed:read") as http:
            waiting = asyncio.ensure_future(http.get(f"/v1/logs/{log}/feed?wait=30"))
            await asyncio.sleep(0.05)
            await noted(database, store, log, 1)
            answer = await asyncio.wait_for(waiting, 5)

        assert positions(answer) == [1]

    async def test_the_wait_goes_on_over_events_that_are_not_published(
        self, client: Client, database: Database, store: EventStore, log: str
    ):
        async with client("feed:read") as http:
            waiting = asyncio.ensure_future(http.get(f"/v1/logs/{log}/feed?wait=30"))
            await asyncio.sleep(0.05)
            await appended(database, store, log, event("a", 1, topic="kit.Other"))
            store.hints.wake(log)
            await asyncio.sleep(0.05)
            assert not waiting.done()
            await appended(database, store, log, event("a", 2))
            store.hints.wake(log)
            answer = await asyncio.wait_for(waiting, 5)

        assert positions(answer) == [2]

    async def test_the_wait_ends_with_nothing_after_its_time(self, client: Client, log: str):
        async with client("feed:read") as http:
            answer = await asyncio.wait_for(http.get(f"/v1/logs/{log}/feed?wait=1"), 5)

        assert (positions(answer), answer.headers["Xuefen-Next-After"]) == ([], "0")

    async def test_the_wait_ends_when_the_client_leaves(
        self, database: Database, store: EventStore, log: str
    ):
        async def gone() -> dict[str, str]:
            return {"type": "http.disconnect"}

        request = Request({"type": "http", "method": "GET", "path": "/", "headers": []}, gone)
        feeds = Feeds(Databases(database), store, publish, SOURCE)
        waiting = asyncio.ensure_future(feeds.page(log, 0, 10, 30, request))
        await asyncio.sleep(0.01)
        store.hints.wake(log)

        page = await asyncio.wait_for(waiting, 5)

        assert page.events == []


class Collected:
    """A consumer that keeps what it was given, with its checkpoint, in memory."""

    def __init__(self) -> None:
        self.position = 0
        self.seen: list[int] = []

    async def load_checkpoint(self) -> int:
        return self.position

    async def handle(self, events: Sequence[CloudEvent], next_after: int) -> None:
        self.seen += [event.position for event in events]
        self.position = next_after


def follower(http: httpx.AsyncClient, log: str, consumer: Any, **options: Any) -> FeedFollower:
    return FeedFollower(
        http, log, load_checkpoint=consumer.load_checkpoint, handle=consumer.handle, **options
    )


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
                store.hints.wake(log)
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

            async def handle(self, events: Sequence[CloudEvent], next_after: int) -> None:
                if self.failures:
                    self.failures -= 1
                    raise ConnectionResetError("the database went away")
                await super().handle(events, next_after)

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
        consumer.position = 7
        async with client("feed:read") as http:
            following = follower(http, log, consumer)
            with pytest.raises(AheadOfFeedError):
                await asyncio.wait_for(following.run(), 5)

        assert "AheadOfFeedError" in (following.status().error or "")

    async def test_an_event_it_does_not_know_ends_it(
        self, client: Client, database: Database, store: EventStore, log: str
    ):
        class Strict(Collected):
            async def handle(self, events: Sequence[CloudEvent], next_after: int) -> None:
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
        consumer.position = 0 if order else 1
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
            assert await consumer.load_checkpoint() == 2
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
