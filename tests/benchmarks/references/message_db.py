"""message-db in SQL of ours, after its documentation: categories, streams, an expected version, one call a message. Nothing
is decided, and nothing but the log is kept.

A call takes the advisory lock of the category until COMMIT, finds the version of the stream, refuses another than the
expected one, and inserts one row with its position in the stream and a global one.
"""

import asyncio
import functools
import time
from collections.abc import Sequence
from typing import Any

import asyncpg
import uvloop

from tests.benchmarks.references.raw_write import RawBatch

_SCHEMA = """
create schema message_store;
create table message_store.messages (
    global_position bigserial primary key,
    position bigint not null,
    time timestamp not null default (now() at time zone 'utc'),
    stream_name text not null,
    type text not null,
    data jsonb,
    metadata jsonb,
    id uuid not null default gen_random_uuid()
);
create function message_store.category(stream_name text) returns text language sql immutable
    as $$ select split_part(stream_name, '-', 1) $$;
create unique index messages_id on message_store.messages (id);
create unique index messages_stream on message_store.messages (stream_name, position);
create index messages_category on message_store.messages (message_store.category(stream_name), global_position);
create function message_store.write_message(
    stream text, kind text, body jsonb, expected_version bigint
) returns bigint language plpgsql as $$
declare
    stream_version bigint;
begin
    perform pg_advisory_xact_lock(hashtextextended(message_store.category(stream), 0));
    select max(position) into stream_version from message_store.messages where stream_name = stream;
    stream_version := coalesce(stream_version, -1);
    if expected_version is not null and expected_version <> stream_version then
        raise exception 'Wrong expected version: % (Stream: %, Stream Version: %)',
            expected_version, stream, stream_version;
    end if;
    insert into message_store.messages (stream_name, position, type, data)
    values (stream, stream_version + 1, kind, body);
    return stream_version + 1;
end $$;
"""
_WRITE = "select message_store.write_message($1, $2, $3, $4)"


class _Writer:
    """The connection, kept from call to call in the process that writes."""

    def __init__(self, dsn: str) -> None:
        self._runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
        self._conn: Any = self._runner.run(asyncpg.connect(dsn, server_settings={"jit": "off"}))
        self._runner.run(self._conn.execute(_SCHEMA))

    def write(self, batches: Sequence[RawBatch]) -> float:
        return self._runner.run(self._write(batches))

    async def _write(self, batches: Sequence[RawBatch]) -> float:
        calls = [
            [
                # Versions of a stream begin at 0 there, and -1 is that of a stream that is not.
                (stream_id.replace(":", "-", 1), topic, state.decode(), version - 2)
                for _, _, stream_id, version, topic, state, _, _ in batch.events
            ]
            for batch in batches
        ]
        started = time.perf_counter()
        for batch in calls:
            async with self._conn.transaction():
                for call in batch:
                    await self._conn.fetchval(_WRITE, *call)
        return time.perf_counter() - started


_writer = functools.cache(_Writer)


def write(dsn: str, batches: Sequence[RawBatch]) -> float:
    """Write every batch in a transaction of its own, a call for each of its events; the seconds it took."""
    return _writer(dsn).write(batches)
