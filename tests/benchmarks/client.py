"""The client: keeps a number of connections busy with prepared requests, at little cost to the cores it shares."""

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from typing import cast
from urllib.parse import urlsplit

import uvloop
from msgspec import Struct

DRIVE_SECONDS_MAX = 300.0
"""How long the answers to one drive may take, all together."""


class Driven(Struct, frozen=True):
    """What a drive saw: how long it took, how long each answer took (seconds, sorted), answers not as expected."""

    seconds: float
    latencies: list[float]
    unexpected: list[str]

    def percentile(self, share: float) -> float:
        """The latency that a share of the answers stayed below, in milliseconds."""
        return self.latencies[min(int(len(self.latencies) * share), len(self.latencies) - 1)] * 1000


def post(path: str, body: bytes, token: str | None = None) -> bytes:
    """A POST of JSON as it goes over the wire."""
    return (
        _request("POST", path, token, f"content-type: application/json\r\ncontent-length: {len(body)}\r\n")
        + body
    )


def get(path: str, token: str | None = None) -> bytes:
    """A GET as it goes over the wire."""
    return _request("GET", path, token, "")


def _request(method: str, path: str, token: str | None, more: str) -> bytes:
    authorization = f"authorization: Bearer {token}\r\n" if token else ""
    return f"{method} {path} HTTP/1.1\r\nhost: bench\r\n{authorization}{more}\r\n".encode()


def drive(address: str, requests: Sequence[bytes], connections: int, expect: bytes) -> Driven:
    """Send every request once over so many connections; an answer is as expected when it is 200 and holds `expect`."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_drive(address, requests, connections, expect))


async def _drive(address: str, requests: Sequence[bytes], connections: int, expect: bytes) -> Driven:
    parts = urlsplit(address)
    loop = asyncio.get_running_loop()
    work = _Work(deque(requests), expect, loop.create_future())
    protocols = []
    for _ in range(min(connections, len(requests))):
        _, protocol = await loop.create_connection(lambda: _Connection(work), parts.hostname, parts.port)
        protocols.append(protocol)
    started = time.perf_counter()
    work.busy = len(protocols)
    for protocol in protocols:
        protocol.next()
    async with asyncio.timeout(DRIVE_SECONDS_MAX):
        await work.done
    seconds = time.perf_counter() - started
    for protocol in protocols:
        protocol.close()
    return Driven(seconds, sorted(work.latencies), work.unexpected)


class _Work:
    def __init__(self, requests: deque[bytes], expect: bytes, done: "asyncio.Future[None]") -> None:
        self.requests = requests
        self.expect = expect
        self.done = done
        self.busy = 0
        self.latencies: list[float] = []
        self.unexpected: list[str] = []


class _Connection(asyncio.Protocol):
    def __init__(self, work: _Work) -> None:
        self._work = work
        self._chunks: list[bytes] = []
        self._missing = -1
        self._sent_at = 0.0
        self._waiting = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, error: Exception | None) -> None:
        if self._waiting and not self._work.done.done():
            self._work.done.set_exception(error or ConnectionError("the server closed a connection"))

    def next(self) -> None:
        """Send the next request, or rest when there is none."""
        self._waiting = bool(self._work.requests)
        if not self._waiting:
            self._work.busy -= 1
            if not self._work.busy:
                self._work.done.set_result(None)
            return
        self._chunks, self._missing = [], -1
        self._sent_at = time.perf_counter()
        self._transport.write(self._work.requests.popleft())

    def data_received(self, data: bytes) -> None:
        if self._missing < 0:
            data = b"".join(self._chunks) + data
            end = data.find(b"\r\n\r\n")
            if end < 0:
                self._chunks = [data]
                return
            self._chunks = []
            self._missing = end + 4 + _content_length(data[:end])
        self._chunks.append(data)
        self._missing -= len(data)
        if self._missing <= 0:
            self._answered(b"".join(self._chunks))

    def _answered(self, answer: bytes) -> None:
        self._work.latencies.append(time.perf_counter() - self._sent_at)
        if not answer.startswith(b"HTTP/1.1 200") or self._work.expect not in answer:
            self._work.unexpected.append(answer[-600:].decode(errors="replace"))
        self.next()

    def close(self) -> None:
        """Hang up."""
        self._transport.close()


def _content_length(head: bytes) -> int:
    return int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
