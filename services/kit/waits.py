"""Limits of every wait: for a database, for somebody else's answer, for an answer of ours, for the end of a process.

No wait is without end, so that a caller hears within ten seconds and a process that is told to stop does, whatever the
other side does: also one that keeps its connections and says nothing.
"""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass

ANSWER_SECONDS = 8.0
"""Within which an answer of ours is given, unless the settings say otherwise."""
STOP_SECONDS = 10.0
STATEMENT_SECONDS, WORKER_STATEMENT_SECONDS, COMMAND_STATEMENT_SECONDS = 6.0, 60.0, 3600.0
"""Of one statement: for a caller who waits, for a worker, for a command of the operator."""

_IDLE_SECONDS, _INTERVAL_SECONDS, _PROBES = 5, 2, 3
_UNACKNOWLEDGED_MS = 10_000


@dataclass(frozen=True)
class Waits:
    """How long a process waits for its database, in seconds.

    `statement` is the server's own limit of one statement; `silence`, a little later, is when we give up on a server that
    says nothing at all. `closing` is for whatever ends: a commit whose task was cancelled, a connection, a pool.
    """

    connect: float = 10.0
    acquire: float = 3.0
    statement: float = STATEMENT_SECONDS
    closing: float = 1.0

    @property
    def silence(self) -> float:
        """When a statement of which nothing is heard is given up."""
        return self.statement + min(1.0, self.statement)

    @property
    def server_settings(self) -> dict[str, str]:
        """What PostgreSQL is told when a connection begins; it looks after its own end of the line likewise."""
        return {
            "statement_timeout": str(round(self.statement * 1000)),
            "tcp_keepalives_idle": str(_IDLE_SECONDS),
            "tcp_keepalives_interval": str(_INTERVAL_SECONDS),
            "tcp_keepalives_count": str(_PROBES),
            "tcp_user_timeout": str(_UNACKNOWLEDGED_MS),
        }


def watch_socket(transport: asyncio.BaseTransport) -> None:
    """Have the kernel find out when the host at the other end is gone: after some ten seconds, not after hours."""
    sock = transport.get_extra_info("socket")
    if sock is None or sock.family not in (socket.AF_INET, socket.AF_INET6):
        return
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (
        ("TCP_KEEPIDLE", _IDLE_SECONDS),
        ("TCP_KEEPINTVL", _INTERVAL_SECONDS),
        ("TCP_KEEPCNT", _PROBES),
        ("TCP_USER_TIMEOUT", _UNACKNOWLEDGED_MS),
    ):
        option = getattr(socket, name, None)  # not every system knows them all
        if option is not None:
            sock.setsockopt(socket.IPPROTO_TCP, option, value)


_deadline: ContextVar[asyncio.Timeout | None] = ContextVar("deadline", default=None)


@asynccontextmanager
async def deadline(seconds: float) -> AsyncIterator[None]:
    """Give up what is done within this after so many seconds. Raises TimeoutError then."""
    async with asyncio.timeout(seconds) as limit:
        token = _deadline.set(limit)
        try:
            yield
        finally:
            _deadline.reset(token)


def allow_more(seconds: float) -> None:
    """Let the request that is served take so much longer than others: it waits for news, or a file is read for it."""
    limit = _deadline.get()
    if limit is not None:
        limit.reschedule((limit.when() or 0.0) + seconds)


def end_in_time(seconds: float, say: Callable[[], None]) -> None:
    """End this process after so many seconds if it has not ended by itself: nothing that is acknowledged is lost by it."""

    def end() -> None:
        say()
        os._exit(1)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
