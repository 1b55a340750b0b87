"""Notifications that a log has grown, within a process and between processes; losing one costs a poll, never an
event.

NOTIFY is sent after the commit, by a transaction of its own: inside the writing transaction it takes one lock
for the whole server and holds it through the flush to disk, so that logs could no longer commit side by side
(measured with a 5 ms flush and four logs: 3.3 times slower).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import asyncpg

from services.kit.database import OUTCOME_UNKNOWN

if TYPE_CHECKING:
    from services.kit.database import Database

CHANNEL = "xuefen_logs"
_LOST: tuple[type[BaseException], ...] = (*OUTCOME_UNKNOWN, asyncpg.PostgresError)
"""What a notification may fail with; among them what asyncpg raises for a connection that went between two statements."""

_GATHER_SECONDS = 0.02
_CLOSING_SECONDS = 0.5


class Notifications:
    """Who waits for which log; notified by `notify_here` in this process, by `notify` and `listen` across processes."""

    def __init__(self) -> None:
        self._waiting: dict[str, set[asyncio.Event]] = {}
        self._unsent: dict[Database, set[str]] = {}
        self._senders: set[asyncio.Task[None]] = set()

    @contextmanager
    def subscribe(self, logs: Iterable[str]) -> Iterator[asyncio.Event]:
        """An event set whenever one of the logs is said to have grown. Clear it, read, and only then wait."""
        growth = asyncio.Event()
        logs = tuple(logs)
        for log in logs:
            self._waiting.setdefault(log, set()).add(growth)
        try:
            yield growth
        finally:
            for log in logs:
                waiting = self._waiting[log]
                waiting.discard(growth)
                if not waiting:
                    del self._waiting[log]

    def notify_here(self, log: str) -> None:
        """Tell everyone in this process who waits for the log."""
        for growth in self._waiting.get(log, ()):
            growth.set()

    def notify(self, database: Database, log: str) -> None:
        """Tell this process now and the others a moment later. Call it after the commit; it never raises or
        waits.
        """
        self.notify_here(log)
        if database in self._unsent:
            self._unsent[database].add(log)
        else:
            self._unsent[database] = {log}
            sender = asyncio.ensure_future(self._send(database))
            self._senders.add(sender)
            sender.add_done_callback(self._senders.discard)

    async def _send(self, database: Database) -> None:
        await asyncio.sleep(_GATHER_SECONDS)
        logs = sorted(self._unsent.pop(database))
        with suppress(*_LOST):
            async with database.acquire() as conn:
                await conn.execute("select pg_notify($1, log) from unnest($2::text[]) as log", CHANNEL, logs)

    async def listen(self, database: Database, *, retry_seconds: float = 5.0) -> None:
        """Pass on the notifications of other processes until cancelled; holds one connection of the pool."""
        while True:
            with suppress(*_LOST):
                async with database.acquire() as conn:
                    lost = asyncio.Event()
                    conn.add_termination_listener(lambda _, lost=lost: lost.set())
                    await conn.add_listener(CHANNEL, self._heard)
                    try:
                        await lost.wait()
                    finally:
                        # No word of farewell: whoever ends must not wait for an answer to it.
                        conn.terminate()
            await asyncio.sleep(retry_seconds)

    def _heard(self, _conn: object, _pid: int, _channel: str, log: object) -> None:
        self.notify_here(str(log))

    async def close(self) -> None:
        """Wait a little for the notifications that are on their way; losing one costs a poll."""
        if self._senders:
            _, late = await asyncio.wait(self._senders, timeout=_CLOSING_SECONDS)
            for sender in late:
                sender.cancel()


async def notified(growth: asyncio.Event, seconds: float) -> bool:
    """Whether the event was set within the time."""
    try:
        async with asyncio.timeout(seconds):
            await growth.wait()
    except TimeoutError:
        return False
    return True
