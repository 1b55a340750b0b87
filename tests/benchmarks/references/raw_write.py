"""Rows straight into PostgreSQL from one connection: no HTTP, no validation, nothing decided, nothing read.

It writes what the ledger wrote, batch by batch, in the fastest way the tables allow: the accounts by one upsert over
arrays, the events by COPY, then COMMIT.
"""

import asyncio
import functools
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import asyncpg
import uvloop
from msgspec import Struct

_ACCOUNTS = """
insert into accounts (log, person_id, year, version, state)
select $1, new.* from unnest($2::text[], $3::int[], $4::int[], $5::bytea[]) as new
on conflict (log, person_id, year) do update set version = excluded.version, state = excluded.state
"""
_COLUMNS = ("log", "position", "stream_id", "version", "topic", "state", "identity", "recorded_at")

EventRow = tuple[str, int, str, int, str, bytes, str | None, datetime]


class RawBatch(Struct, frozen=True):
    """The rows of one batch: events, and the columns of the accounts they changed."""

    log: str
    events: list[EventRow]
    persons: list[str]
    years: list[int]
    versions: list[int]
    states: list[bytes]


class _Writer:
    """The connection, kept from call to call in the process that writes."""

    def __init__(self, dsn: str) -> None:
        self._runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
        self._conn: Any = self._runner.run(
            asyncpg.connect(dsn, server_settings={"search_path": "ledger", "jit": "off"})
        )

    def write(self, batches: Sequence[RawBatch]) -> float:
        return self._runner.run(self._write(batches))

    async def _write(self, batches: Sequence[RawBatch]) -> float:
        started = time.perf_counter()
        for batch in batches:
            async with self._conn.transaction():
                await self._conn.execute(
                    _ACCOUNTS, batch.log, batch.persons, batch.years, batch.versions, batch.states
                )
                await self._conn.copy_records_to_table("events", records=batch.events, columns=_COLUMNS)
        return time.perf_counter() - started


_writer = functools.cache(_Writer)


def write(dsn: str, batches: Sequence[RawBatch]) -> float:
    """Write every batch in a transaction of its own; the seconds it took."""
    return _writer(dsn).write(batches)
