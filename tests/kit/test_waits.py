"""Limits of waits: a database, a peer and a commit that fall silent are given up, and nothing is held after that."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from urllib.parse import urlsplit, urlunsplit

import httpx
import pytest
import uvloop

from services.kit.app import create_service, must_answer
from services.kit.auth import Issuer, TokenVerifier
from services.kit.clock import utc_now
from services.kit.database import OUTCOME_UNKNOWN, Database, Databases, NoConnectionError
from services.kit.errors import NotReadyError, all_problems
from services.kit.failures import problem_of_failure
from services.kit.group_commit import GroupCommit
from services.kit.http_client import open_client
from services.kit.key_sets import FetchedKeys
from services.kit.notifications import Notifications
from services.kit.observability import operations_app
from services.kit.routers import Router
from services.kit.waits import Waits, allow_more
from tests.black_hole import BlackHole, black_hole
from tests.conftest import FreshDatabase, FreshDatabaseFactory
from tests.kit.http import bearer, calling, service

SHORT = Waits(acquire=0.3, statement=0.2, closing=0.2)
A_LONG_TIME = 30.0
"""Nobody waits so long in a test that passes; who waits without end fails by it."""


@pytest.fixture(scope="module")
def fresh(fresh_database: FreshDatabaseFactory) -> FreshDatabase:
    return fresh_database("kit")


@pytest.fixture
def hole() -> Iterator[BlackHole]:
    with black_hole() as made:
        yield made


@pytest.fixture
async def database(fresh: FreshDatabase, hole: BlackHole) -> AsyncIterator[Database]:
    parts = urlsplit(fresh.app_dsn)
    port = hole.through(parts.hostname or "", parts.port or 5432)
    dsn = urlunsplit(parts._replace(netloc=f"{parts.username}:{parts.password}@127.0.0.1:{port}"))
    database = await Database.connect(dsn, schema="kit", application_name="kit.test", size_max=2, waits=SHORT)
    yield database
    hole.speak()
    async with asyncio.timeout(A_LONG_TIME):
        await database.close()


async def ask(database: Database) -> int:
    async with asyncio.timeout(A_LONG_TIME), database.transaction() as conn:
        answer: int = await conn.fetchval("select 1")
    return answer


class TestASilentDatabase:
    async def test_a_statement_is_given_up_and_the_next_one_has_a_new_connection(
        self, database: Database, hole: BlackHole
    ) -> None:
        assert await ask(database) == 1
        hole.fall_silent()
        with pytest.raises(OUTCOME_UNKNOWN) as silent:
            await ask(database)
        assert problem_of_failure(silent.value).status == 503
        hole.speak()
        assert await ask(database) == 1

    async def test_a_slow_statement_is_ended_by_the_server_and_its_connection_is_kept(
        self, database: Database
    ) -> None:
        async with database.acquire() as conn:
            pid = await conn.fetchval("select pg_backend_pid()")
        with pytest.raises(Exception, match="statement timeout") as slow:
            async with database.transaction() as conn:
                await conn.execute("select pg_sleep(30)")
        assert problem_of_failure(slow.value).code == "busy"
        async with database.acquire() as conn:
            assert await conn.fetchval("select pg_backend_pid()") == pid

    async def test_whoever_gets_no_connection_hears_that_nothing_was_stored(self, database: Database) -> None:
        async with database.acquire(), database.acquire():
            with pytest.raises(NoConnectionError) as none:
                await ask(database)
        assert problem_of_failure(none.value).code == "busy"

    @pytest.mark.parametrize("moment", ["statement", "commit"])
    async def test_a_cancelled_writer_ends_though_nobody_answers(
        self, database: Database, hole: BlackHole, moment: str
    ) -> None:
        waiting = asyncio.Event()

        async def write() -> None:
            async with database.transaction() as conn:
                await conn.execute("select 1")
                hole.fall_silent()
                waiting.set()
                if moment == "statement":
                    await conn.execute("select 1")

        task = asyncio.create_task(write())
        await waiting.wait()
        await asyncio.sleep(0)
        task.cancel()
        done, _ = await asyncio.wait([task], timeout=A_LONG_TIME)
        assert done

    async def test_closing_does_not_wait_for_it(self, database: Database, hole: BlackHole) -> None:
        held = asyncio.Event()

        async def hold() -> None:
            async with database.acquire() as conn:
                held.set()
                await conn.execute("select 1")

        await ask(database)
        hole.fall_silent()
        task = asyncio.create_task(hold())
        await held.wait()
        async with asyncio.timeout(A_LONG_TIME):
            await database.close()
            with pytest.raises(OUTCOME_UNKNOWN):
                await task

    async def test_a_listener_ends_when_it_is_told_to(self, database: Database, hole: BlackHole) -> None:
        notifications = Notifications()
        listening = asyncio.create_task(notifications.listen(database))
        notifications.notify(database, "a")
        hole.fall_silent()
        listening.cancel()
        done, _ = await asyncio.wait([listening], timeout=A_LONG_TIME)
        assert done
        async with asyncio.timeout(A_LONG_TIME):
            await notifications.close()

    def test_the_kernel_is_told_to_look_for_the_other_host(self, fresh: FreshDatabase) -> None:
        async def options() -> tuple[int, int, str]:
            database = await Database.connect(fresh.app_dsn, schema="kit", application_name="kit.test")
            async with database.acquire() as conn:
                sock = conn._transport.get_extra_info("socket")  # type: ignore[attr-defined]
                told = await conn.fetchval("show tcp_user_timeout")
                found = (
                    sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE),
                    sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT),
                )
            await database.close()
            return (*found, told)

        keepalive, ours, theirs = uvloop.run(options())
        assert (bool(keepalive), ours, theirs) == (True, 10_000, "10000")


class TestGroupCommit:
    async def test_closing_gives_up_what_is_never_answered(self) -> None:
        async def commit(_log: str, works: list[int]) -> list[int]:
            await asyncio.Event().wait()
            return works

        group = GroupCommit(commit, size_of=lambda _: 1)
        waiting = [asyncio.create_task(group.submit("a", number)) for number in range(3)]
        await asyncio.sleep(0)
        async with asyncio.timeout(A_LONG_TIME):
            await group.close(0.05)
            await asyncio.wait(waiting)


class TestAnswers:
    async def test_an_answer_that_does_not_come_in_time_is_503_and_says_when_to_come_again(self) -> None:
        router = Router()

        @router.get("/never")
        async def never() -> None:
            await asyncio.Event().wait()

        @router.get("/later")
        async def later() -> str:
            allow_more(A_LONG_TIME)
            await asyncio.sleep(0.2)
            return "come"

        app = service([router])
        app.state.answer_seconds = 0.05
        async with calling(app, "a") as client, asyncio.timeout(A_LONG_TIME):
            late = await client.get("/never")
            assert (late.status_code, late.headers["Retry-After"]) == (503, "2")
            assert (await client.get("/later")).json() == "come"

    def test_every_problem_of_503_says_when_to_come_again(self) -> None:
        for each in all_problems():
            if each.status == 503:
                assert int(each().headers["Retry-After"]) > 0, each

    async def test_readiness_comes_to_an_end(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async def never() -> dict[str, object]:
            await asyncio.Event().wait()
            return {}

        monkeypatch.setattr("services.kit.observability.READINESS_SECONDS", 0.05)
        async with calling(operations_app(service([], readiness=never))) as operator:
            async with asyncio.timeout(A_LONG_TIME):
                assert (await operator.get("/readyz")).status_code == 503


class TestOutgoing:
    async def test_an_answer_that_trickles_in_is_given_up(self) -> None:
        async def trickle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                await reader.readuntil(b"\r\n\r\n")
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
                while not (writer.is_closing() or reader.at_eof()):
                    writer.write(b"x")
                    await asyncio.sleep(0.02)
            except asyncio.IncompleteReadError:
                pass  # given up before it had asked, on a slow machine
            finally:
                writer.transport.abort()
                with suppress(OSError):
                    await writer.wait_closed()
                ended.set()

        ended = asyncio.Event()
        async with await asyncio.start_server(trickle, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            async with open_client(f"http://127.0.0.1:{port}", answer=0.1) as client:
                with pytest.raises(httpx.ReadTimeout):
                    async with asyncio.timeout(A_LONG_TIME):
                        await client.get("/")
            async with asyncio.timeout(A_LONG_TIME):
                await ended.wait()


class TestClocks:
    @pytest.mark.parametrize(("apart", "good"), [(-20, True), (20, True), (-40, False), (30 * 86_400, False)])
    async def test_a_clock_that_is_not_the_databases_is_not_ready_and_says_so(
        self, database: Database, apart: int, good: bool
    ) -> None:
        def clock() -> datetime:
            return utc_now() + timedelta(seconds=apart)

        if good:
            await must_answer(Databases(database), now=clock, leeway_seconds=30)
            return
        with pytest.raises(NotReadyError, match="not-ready") as refused:
            await must_answer(Databases(database), now=clock, leeway_seconds=30)
        assert "clock" in refused.value.detail_en
        assert "时钟" in refused.value.detail_zh

    async def test_a_service_whose_issuer_is_away_is_not_ready(self) -> None:
        keys = FetchedKeys("http://127.0.0.1:1/keys", timeout_seconds=0.5)
        app = create_service("Away", routers=[], verifier=TokenVerifier([Issuer("x", keys)]))
        async with calling(operations_app(app)) as operator:
            answer = await operator.get("/readyz", headers={"Accept-Language": "en", **bearer("a")})
        assert answer.status_code == 503
        assert "keys" in answer.json()["detail"]
