"""The connection of every pool, which sees that the other host is gone and asks one log by its name."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Coroutine
from functools import lru_cache
from typing import Any

import asyncpg

from services.kit.waits import watch_socket

_LOGS = re.compile(r"\blog = any\(\$1::text\[\]\)")


class WatchedConnection(asyncpg.Connection):
    """A connection whose socket sees by itself that the other host is gone, and that asks one log by its name.

    There, a key that is taken may be told as an internal error (XX000); here it is always a UniqueViolationError.

    A statement that asks several logs says `log = any($1::text[])`; of one it becomes `log = $1`, which an engine of many
    machines sends to the one that keeps the log.
    """

    def __init__(self, protocol: Any, transport: asyncio.Transport, *rest: Any) -> None:
        super().__init__(protocol, transport, *rest)
        watch_socket(transport)

    async def fetch(self, query: str, *args: Any, **options: Any) -> Any:
        """All rows."""
        return await _told_apart(super().fetch(*_routed(query, args), **options))

    async def fetchrow(self, query: str, *args: Any, **options: Any) -> Any:
        """The first row, or None."""
        return await _told_apart(super().fetchrow(*_routed(query, args), **options))

    async def fetchval(self, query: str, *args: Any, **options: Any) -> Any:
        """The first value of the first row, or None."""
        return await _told_apart(super().fetchval(*_routed(query, args), **options))

    async def execute(self, query: str, *args: Any, **options: Any) -> Any:
        """What the server says it has done."""
        return await _told_apart(super().execute(query, *args, **options))

    async def executemany(self, command: str, args: Any, **options: Any) -> Any:
        """The same statement for each of the arguments."""
        return await _told_apart(super().executemany(command, args, **options))

    async def copy_records_to_table(self, table_name: str, **options: Any) -> Any:
        """Rows by COPY."""
        return await _told_apart(super().copy_records_to_table(table_name, **options))


async def _told_apart(sent: Coroutine[Any, Any, Any]) -> Any:
    try:
        return await sent
    except asyncpg.InternalServerError as error:
        if "duplicate key" not in str(error):
            raise
        raise asyncpg.UniqueViolationError(str(error)) from error


@lru_cache(maxsize=1_024)
def _of_one_log(query: str) -> str | None:
    asked, count = _LOGS.subn("log = $1", query)
    return asked if count and "$1::text[]" not in asked else None


def _routed(query: str, args: tuple[Any, ...]) -> tuple[Any, ...]:
    if args and isinstance(args[0], list | tuple) and len(args[0]) == 1:
        of_one = _of_one_log(query)
        if of_one is not None:
            return of_one, args[0][0], *args[1:]
    return query, *args
