"""Feeds over HTTP: who may read, what a batch is, how long a reader may wait."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import httpx
import pytest
from starlette.requests import Request

from services.kit.database import Database, Databases
from services.kit.event_store import EventStore
from services.kit.feed import Feeds
from services.kit.histories import Mark, chains
from tests.kit.given import SOURCE, appended, event, noted, publish

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

        async with database.acquire() as conn:
            history = (await chains(conn, [log]))[log].current
        heads = [{"log": log, "head": 3, "history": history}, {"log": "empty", "head": 0, "history": ""}]
        assert answer.json() == {"items": heads, "next": None, "total": 2}


class TestBatch:
    async def test_an_event_travels_as_a_cloud_event(
        self, client: Client, database: Database, store: EventStore, log: str
    ):
        landed = await appended(database, store, log, event("stream-1", 1, b"hello"))
        async with client("feed:read") as http:
            answer = await http.get(f"/v1/logs/{log}/feed")
        async with database.acquire() as conn:
            history = (await chains(conn, [log]))[log].current

        assert answer.headers["content-type"] == "application/cloudevents-batch+json"
        assert answer.json() == [
            {
                "specversion": "1.0",
                "id": f"{log}/{history}/1",
                "source": SOURCE,
                "type": "cn.example.kit.noted.v1",
                "subject": "stream-1",
                "time": landed.recorded_at.isoformat().replace("+00:00", "Z"),
                "datacontenttype": "application/json",
                "sequence": "1",
                "log": log,
                "position": 1,
                "history": history,
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
            store.notifications.notify(database, log)
            answer = await asyncio.wait_for(waiting, 5)

        assert positions(answer) == [1]
        await store.notifications.close()

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
            store.notifications.notify_here(log)
            await asyncio.sleep(0.05)
            assert not waiting.done()
            await appended(database, store, log, event("a", 2))
            store.notifications.notify_here(log)
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
        waiting = asyncio.ensure_future(feeds.page(log, Mark(0), 10, 30, request))
        await asyncio.sleep(0.01)
        store.notifications.notify_here(log)

        page = await asyncio.wait_for(waiting, 5)

        assert page.events == []
