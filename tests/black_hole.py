"""A proxy that can fall silent: it accepts, keeps every connection, and passes nothing on, as a host does that hangs."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_PIECE = 65_536


class BlackHole:
    """Proxies of one loop in a thread of its own; all fall silent, and speak again, together."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._passing = asyncio.Event()
        self._passing.set()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._ports: dict[tuple[str, int], int] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._servers: list[asyncio.Server] = []
        self._ends: list[asyncio.StreamWriter] = []

    def through(self, host: str, port: int) -> int:
        """A port of 127.0.0.1 that leads to this address, the same for the same."""
        if (host, port) not in self._ports:
            done = asyncio.run_coroutine_threadsafe(self._listen(host, port), self._loop)
            self._ports[host, port] = done.result(10)
        return self._ports[host, port]

    def fall_silent(self) -> None:
        """Nothing goes through any more, in either direction."""
        self._loop.call_soon_threadsafe(self._passing.clear)

    def speak(self) -> None:
        """All goes through again, also what was sent meanwhile."""
        self._loop.call_soon_threadsafe(self._passing.set)

    def close(self) -> None:
        """End every connection."""

        async def end() -> None:
            for server in self._servers:
                server.close()
            for task in list(self._tasks):
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            for each in self._ends:  # what is still to be written to a silent end is never written
                each.transport.abort()
            for _ in range(3):  # what was closed is gone only when the loop has come round
                await asyncio.sleep(0)

        asyncio.run_coroutine_threadsafe(end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _listen(self, host: str, port: int) -> int:
        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            self._tasks.add(task)
            self._ends.append(writer)
            try:
                await self._serve(reader, writer, host, port)
            finally:
                self._tasks.discard(task)
                writer.close()

        server = await asyncio.start_server(accept, "127.0.0.1", 0)
        self._servers.append(server)
        found: int = server.sockets[0].getsockname()[1]
        return found

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str, port: int
    ) -> None:
        with suppress(OSError, asyncio.CancelledError):
            await self._passing.wait()
            beyond = await asyncio.open_connection(host, port)
            self._ends.append(beyond[1])
            try:
                ends = [
                    asyncio.ensure_future(self._pump(*each))
                    for each in ((reader, beyond[1]), (beyond[0], writer))
                ]
                try:
                    await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for end in ends:
                        end.cancel()
            finally:
                beyond[1].close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await reader.read(_PIECE):
            await self._passing.wait()
            writer.write(piece)
            await writer.drain()
        await self._passing.wait()


@contextmanager
def black_hole() -> Iterator[BlackHole]:
    """Proxies that still let everything through."""
    hole = BlackHole()
    try:
        yield hole
    finally:
        hole.close()
