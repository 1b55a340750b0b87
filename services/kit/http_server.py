"""The front door of a service: uvicorn's protocol with limits of our own, before anything is known of a caller.

Counted are the bytes of addresses and headers, the headers, the seconds for a head and for a body, and the
connections in all and of each peer. What is beyond is answered in a few bytes and closed; what still comes then
is looked at no more.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from typing import Any

from starlette.types import Scope
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from services.kit.errors import BusyError, Problem, problem_response

_CLOSES = (b"connection", b"close")


class AddressTooLongError(Problem):
    """The address is longer than any address of ours."""

    code = "address-too-long"
    status = 414
    title_zh = "请求地址过长"
    title_en = "The address is too long"


class HeadersTooLargeError(Problem):
    """The headers are more, or larger, than a request of ours needs."""

    code = "headers-too-large"
    status = 431
    title_zh = "请求头过大或过多"
    title_en = "The headers are too large or too many"


class RequestTooSlowError(Problem):
    """The request did not come whole within the time for it."""

    code = "request-too-slow"
    status = 408
    title_zh = "请求未在时限内发送完毕"
    title_en = "The request did not come whole in time"


@dataclass(frozen=True)
class DoorLimits:
    """What one process takes from outside; bytes, numbers and seconds."""

    address_bytes: int = 8 * 1024
    head_bytes: int = 32 * 1024
    headers: int = 100
    pipelined: int = 16
    head_seconds: float = 10.0
    body_seconds: float = 60.0
    linger_bytes: int = 1024 * 1024
    linger_seconds: float = 5.0
    connections: int = 2_000
    connections_of_peer: int = 1_000


@dataclass
class Door:
    """One process's door: its limits, and the connections of each peer now."""

    limits: DoorLimits
    peers: Counter[str]

    def protocol(self) -> type[GuardedProtocol]:
        """The protocol class for uvicorn's `http`."""
        return type("GuardedProtocol", (GuardedProtocol,), {"door": self})


def door_of(limits: DoorLimits | None = None) -> Door:
    """A door with nobody in it."""
    return Door(limits or DoorLimits(), Counter())


class GuardedProtocol(HttpToolsProtocol):
    """One connection. A head is what precedes a body; `_part` is what the client is sending at the moment."""

    door: Door

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._part = "nothing"
        self._number = 0
        self._head_bytes = 0
        self._refusal: Problem | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timed: tuple[str, int] | None = None
        self._lingering: int | None = None
        self._peer: str | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Count the connection, or refuse it."""
        super().connection_made(transport)
        limits, peers = self.door.limits, self.door.peers
        peer = self._peer = self.client[0] if self.client else "local"
        peers[peer] += 1
        if len(self.connections) > limits.connections or peers[peer] > limits.connections_of_peer:
            self._refuse(BusyError("连接过多，请稍后再试", "Too many connections, try again later"))
        else:
            self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._stop_timer()
        if self._peer is not None:
            self.door.peers[self._peer] -= 1
            if not self.door.peers[self._peer]:
                del self.door.peers[self._peer]
            self._peer = None
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Let the parser see what is within the limits; drop what comes after a refusal."""
        if self._lingering is not None:
            self._lingering += len(data)
            if self._lingering > self.door.limits.linger_bytes:
                self.transport.abort()
            return
        if self._part != "body":
            self._head_bytes += len(data)
        super().data_received(data)
        if self._refusal is None and self._part == "head" and self._head_bytes > self.door.limits.head_bytes:
            self._refuse(HeadersTooLargeError() if self.headers else self._too_long())
        if self._part == "body" and self._refusal is None and self.cycle is not None:
            # Only now: a request that came in one piece needs no gentle end, and its connection serves the next one.
            self.cycle.transport = _GentleTransport(self)  # type: ignore[assignment]
            self.cycle.default_headers = [*self.server_state.default_headers, _CLOSES]
        self._watch()

    def send_400_response(self, msg: str) -> None:
        """Answer a refusal of ours in its own words; the parser ends in the same way for both."""
        if self._lingering is not None:
            return
        if self._refusal is None:
            super().send_400_response(msg)
        else:
            self._answer(self._refusal)

    def on_message_begin(self) -> None:
        """A head begins."""
        super().on_message_begin()
        self._part = "head"
        self._number += 1
        if len(self.pipeline) >= self.door.limits.pipelined:
            self._stop_parser(BusyError("管道中的请求过多", "Too many requests in the pipeline"))

    def on_url(self, url: bytes) -> None:
        """A piece of the address."""
        if len(self.url) + len(url) > self.door.limits.address_bytes:
            self._stop_parser(AddressTooLongError())
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header."""
        if len(self.headers) >= self.door.limits.headers:
            self._stop_parser(HeadersTooLargeError())
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is whole."""
        size = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        if size > self.door.limits.head_bytes:
            self._stop_parser(HeadersTooLargeError())
        self._part = "body"
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The request is whole."""
        self._part = "nothing"
        self._head_bytes = 0
        if self.cycle is not None:
            self.cycle.default_headers = self.server_state.default_headers
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """The answer is sent: a connection on which the rest of a body still comes is of no use."""
        if self._lingering is not None:
            self.server_state.total_requests += 1
            return
        unread = self._part == "body" and self.cycle.response_complete
        super().on_response_complete()
        if unread:
            self.close_gently()

    def close_gently(self) -> None:
        """Close after what was written has arrived: closed over unread bytes, TCP would take the answer back."""
        if self._lingering is not None or self.transport.is_closing():
            return
        self._lingering = 0
        self._unset_keepalive_if_required()
        self._stop_timer()
        self.flow.resume_reading()
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._timer = self.loop.call_later(self.door.limits.linger_seconds, self.transport.abort)

    def _too_long(self) -> Problem:
        return (
            AddressTooLongError()
            if len(self.url) > self.door.limits.address_bytes
            else HeadersTooLargeError()
        )

    def _stop_parser(self, problem: Problem) -> None:
        self._refusal = problem
        raise _StoppedError

    def _refuse(self, problem: Problem) -> None:
        self._refusal = problem
        self._answer(problem)

    def _answer(self, problem: Problem) -> None:
        working = self.cycle is not None and not self.cycle.response_complete
        if self.pipeline or (working and self.cycle.response_started):
            self.transport.close()  # in the middle of another answer there is no place for this one
            return
        scope: Scope = {"type": "http", "headers": []}
        answer = problem_response(problem, scope)
        lines = [STATUS_LINE[problem.status], b"connection: close\r\n"]
        lines += [
            b"%s: %s\r\n" % (name, value) for name, value in answer.raw_headers if name != b"connection"
        ]
        self.transport.write(b"".join([*lines, b"\r\n", bytes(answer.body)]))
        if working:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self.close_gently()

    def _watch(self) -> None:
        """See that what the client is sending, or has not begun to send, comes to an end."""
        if self._lingering is not None or self.transport.is_closing():
            return
        part = self._part
        if part == "nothing" and (
            self.timeout_keep_alive_task is not None
            or (self.cycle is not None and not self.cycle.response_complete)
        ):
            self._stop_timer()
            return
        now = ("body" if part == "body" else "head", self._number)
        if self._timed == now:
            return
        self._stop_timer()
        limits = self.door.limits
        seconds = limits.body_seconds if part == "body" else limits.head_seconds
        self._timed = now
        self._timer = self.loop.call_later(seconds, self._too_slow)

    def _too_slow(self) -> None:
        answered = self.cycle is not None and self._part == "body" and self.cycle.response_started
        if answered or self._part == "nothing":
            self.transport.abort() if answered else self.transport.close()
        else:
            self._refuse(RequestTooSlowError())

    def _stop_timer(self) -> None:
        self._timed = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class _StoppedError(Exception):
    """Ends the parser from within."""


class _GentleTransport:
    """What an answer is written to while the request still comes: closing it closes gently."""

    def __init__(self, protocol: GuardedProtocol) -> None:
        self._protocol = protocol

    def write(self, data: bytes) -> None:
        self._protocol.transport.write(data)

    def is_closing(self) -> bool:
        return self._protocol.transport.is_closing()

    def close(self) -> None:
        if self._protocol._part == "body":
            self._protocol.close_gently()
        else:
            self._protocol.transport.close()
