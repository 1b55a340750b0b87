"""The limits of the front door, met by raw sockets on a real server whose limits are small."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import uvicorn
from fastapi import Request

from services.kit.http_guard import BodyBudget
from services.kit.http_server import Door, DoorLimits, door_of
from services.kit.routers import Router
from tests.kit.http import bearer, service

router = Router(prefix="/v1")
SMALL = DoorLimits(
    address_bytes=200,
    head_bytes=1_000,
    headers=10,
    head_seconds=0.2,
    body_seconds=0.2,
    linger_bytes=4_096,
    linger_seconds=0.2,
    connections=3,
    connections_of_peer=2,
)
PATIENT = DoorLimits(address_bytes=200, head_bytes=1_000, headers=10, pipelined=3, linger_bytes=4_096)


@router.post("/things")
async def make_thing(request: Request) -> dict[str, int]:
    """Make a thing."""
    return {"bytes": len(await request.body())}


class Caller:
    """A socket."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def send(self, *pieces: bytes) -> None:
        """Send pieces, as far as the other side still takes them."""
        for piece in pieces:
            self.writer.write(piece)
            try:
                await self.writer.drain()
            except ConnectionError:
                return

    async def answer(self) -> bytes:
        """Whatever comes until the other side closes."""
        answer = b""
        try:
            while piece := await self.reader.read(65_536):
                answer += piece
        except ConnectionError:
            pass
        return answer

    async def one_answer(self) -> bytes:
        """The head of the next answer, and its body."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = next(line for line in head.split(b"\r\n") if line.startswith(b"content-length"))
        return head + await self.reader.readexactly(int(length.partition(b":")[2]))


class Running:
    """A server behind its door."""

    def __init__(self, port: int, door: Door, budget: BodyBudget) -> None:
        self.port, self.door, self.budget = port, door, budget

    @asynccontextmanager
    async def caller(self) -> AsyncIterator[Caller]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            yield Caller(reader, writer)
        finally:
            writer.transport.abort()


@asynccontextmanager
async def running(limits: DoorLimits) -> AsyncIterator[Running]:
    """The server for the time of a block."""
    app, door = service([router]), door_of(limits)
    config = uvicorn.Config(app, port=0, http=door.protocol(), ws="none", log_config=None, access_log=False)
    config.load()
    loop = asyncio.get_running_loop()
    state = uvicorn.server.ServerState()
    kind = door.protocol()
    server = await loop.create_server(lambda: kind(config, state, {}), "127.0.0.1", 0)
    try:
        yield Running(server.sockets[0].getsockname()[1], door, app.state.bodies)
    finally:
        server.close()
        for connection in list(state.connections):
            connection.transport.abort()
        await asyncio.sleep(0)


def head(
    length: int | None = None, *, path: str = "/v1/things", token: bool = True, more: bytes = b""
) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: service", "Content-Type: application/json"]
    lines += [f"Content-Length: {length}"] if length is not None else []
    lines += [f"Authorization: {bearer('thing:write')['Authorization']}"] if token else []
    return "\r\n".join(lines).encode() + b"\r\n" + more + b"\r\n"


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


class TestHead:
    @pytest.mark.parametrize("piece", [b"x" * 64, b"x" * 100_000])
    async def test_an_address_beyond_the_limit_is_answered_before_it_ends(self, piece: bytes) -> None:
        async with running(PATIENT) as server, server.caller() as caller:
            await caller.send(b"GET /", *[piece] * 20)
            assert status_of(await caller.answer()) == 414

    @pytest.mark.parametrize(
        "lines",
        [[b"X: y\r\n"] * 12, [b"X: " + b"y" * 1_000 + b"\r\n"], [b"X: ", *[b"y" * 100] * 11]],
        ids=["many", "long", "one that does not end"],
    )
    async def test_headers_beyond_the_limits_are_answered_before_they_end(self, lines: list[bytes]) -> None:
        async with running(PATIENT) as server, server.caller() as caller:
            await caller.send(b"GET /healthz HTTP/1.1\r\n", *lines)
            assert status_of(await caller.answer()) == 431

    @pytest.mark.parametrize("sent", [b"", b"\r\n\r\n", b"GET /hea", b"GET /healthz HTTP/1.1\r\nHost: "])
    async def test_a_head_that_does_not_come_ends_the_connection(self, sent: bytes) -> None:
        async with running(SMALL) as server, server.caller() as caller:
            await caller.send(sent)
            answer = await caller.answer()
        assert not answer.strip() or status_of(answer) == 408

    async def test_a_byte_now_and_then_does_not_make_it_live_longer(self) -> None:
        async with running(SMALL) as server, server.caller() as caller:

            async def drip() -> None:
                for _ in range(10_000):
                    await caller.send(b"GET /v" if _ == 0 else b"1")
                    await asyncio.sleep(0)

            dripping = asyncio.create_task(drip())
            assert status_of(await caller.answer()) in (408, 414)
            dripping.cancel()

    async def test_blank_lines_do_not_keep_an_idle_connection(self) -> None:
        async with running(SMALL) as server, server.caller() as caller:
            await caller.send(b"GET /healthz HTTP/1.1\r\nHost: service\r\n\r\n")
            assert status_of(await caller.one_answer()) == 200
            await caller.send(b"\r\n")
            assert await caller.answer() == b""

    async def test_more_requests_at_once_than_a_pipeline_takes_end_it(self) -> None:
        async with running(PATIENT) as server, server.caller() as caller:
            await caller.send(b"GET /healthz HTTP/1.1\r\nHost: service\r\n\r\n" * 50)
            answer = await caller.answer()
        assert answer.count(b"200 OK") < 10


CHUNKED = b"Transfer-Encoding: chunked\r\n"
SHAPES = {
    "a byte a chunk": (head(more=CHUNKED) + b"1\r\n{\r\n1\r\n}\r\n0\r\n\r\n", 200),
    "trailers": (head(more=CHUNKED) + b"2\r\n{}\r\n0\r\nX-A: b\r\nHost: c\r\n\r\n", 200),
    "a length and chunks": (head(2, more=CHUNKED) + b"2\r\n{}\r\n0\r\n\r\n", 400),
    "two lengths": (head(2, more=b"Content-Length: 3\r\n") + b"{}", 400),
    "a length with a sign": (head(more=b"Content-Length: +2\r\n") + b"{}", 400),
    "a chunk of negative size": (head(more=CHUNKED) + b"-2\r\n{}", 400),
    "a chunk beyond all sizes": (head(more=CHUNKED) + b"f" * 30 + b"\r\n{}", 400),
    "a whole address": (head(2, path="http://elsewhere.example/v1/things") + b"{}", 200),
    "no host, of old": (head(2).replace(b"1.1", b"1.0", 1).replace(b"Host: service\r\n", b"") + b"{}", 200),
    "a version there is not": (head(2).replace(b"1.1", b"9.9", 1) + b"{}", 400),
    "a method there is not": (head(2).replace(b"POST", b"FROB", 1) + b"{}", 400),
    "a header on two lines": (head(2, more=b"X-A: b\r\n c\r\n") + b"{}", 400),
    "a NUL in a header": (head(2, more=b"X-A: b\0c\r\n") + b"{}", 400),
    "bytes in a token": (head(2, token=False, more=b"Authorization: Bearer \xff\xfe\r\n"), 401),
    "a caller's own address": (head(2, more=b"X-Forwarded-For: [::1]:99999999, \xff\r\n") + b"{}", 200),
    "languages weighed oddly": (head(2, more=b"Accept-Language: zh;q=1e999999, en;q=nan\r\n") + b"{}", 200),
    "a protocol to change to": (head(2, more=b"Upgrade: h2c\r\nConnection: Upgrade\r\n") + b"{}", 200),
}


@pytest.mark.parametrize("shape", SHAPES)
async def test_an_odd_request_is_answered_and_nobody_else_waits(shape: str) -> None:
    sent, status = SHAPES[shape]
    async with running(PATIENT) as server, server.caller() as caller, server.caller() as other:
        await caller.send(sent)
        assert status_of(await caller.one_answer()) == status
        await other.send(head(2) + b"{}")
        assert status_of(await other.one_answer()) == 200


class TestBody:
    async def test_a_body_within_the_limits_is_taken_in_any_pieces(self) -> None:
        async with running(PATIENT) as server, server.caller() as caller:
            await caller.send(head(7), b'{"a"', b":1}")
            assert (await caller.one_answer()).endswith(b'{"bytes":7}')
            await caller.send(head(2) + b"{}" + head(2) + b"{}")
            assert [(await caller.one_answer())[-11:] for _ in range(2)] == [b'{"bytes":2}'] * 2

    async def test_what_is_answered_before_its_body_has_come_says_that_the_connection_ends(self) -> None:
        async with running(PATIENT) as server, server.caller() as caller:
            await caller.send(head(2, token=False))
            answer = await caller.one_answer()
            await caller.send(b"{}", head(2), b"{}")
            assert await caller.answer() == b""
        assert status_of(answer) == 401
        assert b"connection: close" in answer

    async def test_what_is_answered_after_its_body_leaves_the_connection_for_the_next(self) -> None:
        async with running(PATIENT) as server, server.caller() as caller:
            await caller.send(head(2, token=False) + b"{}")
            refused = await caller.one_answer()
            await caller.send(head(2), b"{", b"}")
            answer = await caller.one_answer()
        assert [status_of(each) for each in (refused, answer)] == [401, 200]
        assert b"connection: close" not in refused + answer

    async def test_what_follows_a_refusal_is_not_drained(self) -> None:
        async with running(PATIENT) as server, server.caller() as caller:
            await caller.send(head(63_000_000, token=False))
            assert status_of(await caller.one_answer()) == 401
            taken = 0
            while not caller.writer.transport.is_closing() and taken < 63_000_000:
                await caller.send(b" " * 65_536)
                taken += 65_536
            assert taken < 63_000_000

    async def test_a_body_declared_too_large_is_answered_and_closed(self) -> None:
        async with running(PATIENT) as server, server.caller() as caller:
            await caller.send(head(63_000_000))
            answer = await caller.answer()
        assert status_of(answer) == 413
        assert b"connection: close" in answer.lower()

    async def test_a_body_that_does_not_end_ends_the_connection(self) -> None:
        async with running(SMALL) as server, server.caller() as caller:
            await caller.send(head(100), b"{")
            assert status_of(await caller.answer()) == 408
            assert server.budget.held == 0

    async def test_half_sent_bodies_are_held_up_to_a_budget_of_all_and_half_of_it_of_one(self) -> None:
        async with running(PATIENT) as server, server.caller() as first, server.caller() as second:
            server.budget.bytes_max = 100_000
            await first.send(head(60_000), b"{" * 45_000)
            await second.send(head(60_000), b"{" * 45_000)
            done = [asyncio.create_task(each.answer()) for each in (first, second)]
            ended, still = await asyncio.wait(done, return_when=asyncio.FIRST_COMPLETED)
            assert [status_of(each.result()) for each in ended] == [503]
            assert len(still) == 1
            assert 0 < server.budget.held <= 50_000
            for task in still:
                task.cancel()


class TestConnections:
    async def test_of_one_peer_are_limited_and_freed(self) -> None:
        limits = DoorLimits(connections_of_peer=2, linger_seconds=0.1)
        async with running(limits) as server:
            async with server.caller() as first, server.caller() as second, server.caller() as third:
                answer = await third.answer()
                assert status_of(answer) == 503
                assert b"retry-after" in answer.lower()
                await second.send(b"GET /healthz HTTP/1.1\r\nHost: s\r\nConnection: close\r\n\r\n")
                assert status_of(await second.answer()) == 200
                await first.send(b"GET /healthz HTTP/1.1\r\nHost: s\r\n\r\n")
                assert status_of(await first.one_answer()) == 200
            while server.door.peers:
                await asyncio.sleep(0)
            async with server.caller() as again:
                await again.send(b"GET /healthz HTTP/1.1\r\nHost: s\r\n\r\n")
                assert status_of(await again.one_answer()) == 200

    async def test_in_all_are_limited(self) -> None:
        limits = DoorLimits(connections=1, linger_seconds=0.1)
        async with running(limits) as server, server.caller() as first, server.caller() as second:
            assert status_of(await second.answer()) == 503
            await first.send(b"GET /healthz HTTP/1.1\r\nHost: s\r\n\r\n")
            assert status_of(await first.one_answer()) == 200
