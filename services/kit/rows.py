"""Rows of states: one row for each stream of a kind, written in the transaction of its events and rebuilt by the
same statement.

A row holds the key of its stream, a few columns to find it by, the version of the latest event, and the state
itself. The table is `(log, <key>, <columns>, version, state bytea)` with the primary key `(log, <key>)`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import msgspec
from msgspec import Struct

from services.kit import events as codec
from services.kit.command import UnitOfWork
from services.kit.database import lines
from services.kit.event_store import RecordedEvent
from services.kit.events import Event

if TYPE_CHECKING:
    from services.kit.database import Connection

S = TypeVar("S")

_encode = msgspec.json.Encoder().encode


class Entry(Struct, Generic[S], frozen=True):
    """A state where it lives, and the version that its next event follows."""

    log: str
    stream_id: str
    version: int
    state: S


class StateRows(Generic[S]):
    """The rows of one kind of stream: read, written, and rebuilt (a `Projection`).

    A stream is named `<prefix><key>`, several parts of a key with `:` between them. `key` and `columns` name the columns
    with their types; a column's value comes from the state. `evolve` gives the state after an event, from None for the
    first of its stream.
    """

    def __init__(
        self,
        table: str,
        kind: type[S],
        *,
        prefix: str,
        key: Mapping[str, str],
        events: Sequence[type[Event]],
        evolve: Callable[[S | None, Event, str], S | None],
        columns: Mapping[str, tuple[str, Callable[[S], Any]]] | None = None,
        in_given_order: bool = False,
    ) -> None:
        """`in_given_order` writes rows as they are handed in: for a table in which one row must make room for another."""
        self.name = table
        self.tables: Sequence[str] = (table,)
        self.topics = frozenset(event.TOPIC for event in events)
        self.prefix = prefix
        self.evolve = evolve
        self._key = key
        self._in_given_order = in_given_order
        self._columns = columns or {}
        self._decode = msgspec.json.Decoder(kind).decode
        # Each key is looked up by itself, and arrays stand in a `select`: so the plan is the same for few keys and for many,
        # with or without statistics, and PostgreSQL makes it once instead of for every statement.
        names = ", ".join(key)
        self._select = f"select log, version, state, {names} from {table}"  # noqa: S608 - constants of the code
        arrays = [f"(select ${number}::{of}[])" for number, of in enumerate(key.values(), 2)]
        same = " and ".join(f"t.{name} = wanted.{name}" for name in key)
        self._read = f"""
            select found.* from unnest({", ".join(arrays)}) as wanted ({names})
             cross join lateral (
                   select t.log, t.version, t.state, {", ".join(f"t.{name}" for name in key)}
                     from {table} t where t.log = $1 and {same} offset 0) found"""  # noqa: S608
        self._write = _writing(table, key, {name: of for name, (of, _) in self._columns.items()})

    @staticmethod
    def encode(state: object) -> bytes:
        """A state as its row holds it."""
        return _encode(state)

    def stream_of(self, *key: object) -> str:
        """The name of the stream of a key."""
        return self.prefix + ":".join(map(str, key))

    def key_of(self, stream_id: str) -> tuple[Any, ...]:
        """The key in the name of a stream."""
        parts = self._parts_of(stream_id)
        return tuple(
            int(part) if of == "int" else part for part, of in zip(parts, self._key.values(), strict=True)
        )

    def _parts_of(self, stream_id: str) -> Sequence[str]:
        """The key in the name of a stream, as it is written there."""
        return stream_id.removeprefix(self.prefix).rsplit(":", len(self._key) - 1) if self._key else ()

    async def read(
        self, conn: Connection, log: str, keys: Sequence[tuple[Any, ...]]
    ) -> dict[tuple[Any, ...], Entry[S]]:
        """The entries by key; keys that nothing was stored under are absent."""
        columns = [[key[index] for key in keys] for index in range(len(self._key))]
        found = [self._entry(row) for row in await conn.fetch(self._read, log, *columns)]
        return {self.key_of(entry.stream_id): entry for entry in found}

    async def find(self, conn: Connection, logs: Sequence[str], *key: object) -> Entry[S] | None:
        """One by its key, in any of the logs."""
        same = " and ".join(f"{name} = ${number}" for number, name in enumerate(self._key, 2))
        row = await conn.fetchrow(f"{self._select} where log = any($1::text[]) and {same}", logs, *key)
        return None if row is None else self._entry(row)

    async def where(
        self, conn: Connection, logs: Sequence[str], condition: str, *values: object, order: str | None = None
    ) -> list[Entry[S]]:
        """All that a condition on the columns holds for; its values are $2, $3 ..."""
        query = f"{self._select} where log = any($1::text[]) and ({condition}) order by {order or ', '.join(self._key)}"
        return [self._entry(row) for row in await conn.fetch(query, logs, *values)]

    async def page(
        self,
        conn: Connection,
        logs: Sequence[str],
        condition: str,
        *values: object,
        at: str,
        after: tuple[datetime, str],
        limit: int,
    ) -> list[S]:
        """The states that a condition holds for, in order of the column `at` and the key, after one place of it."""
        name, last = next(iter(self._key)), len(values) + 2
        query = f"""{self._select}
            where log = any($1::text[]) and ({condition}) and ({at}, {name}) > (${last}, ${last + 1})
            order by {at}, {name} limit ${last + 2}"""
        rows = await conn.fetch(query, logs, *values, *after, limit)
        return [self._decode(row["state"]) for row in rows]

    async def write(self, conn: Connection, log: str, rows: Sequence[tuple[str, int, S]]) -> None:
        """Write (stream, version, state), in the order of their names lest two writers wait for each other."""
        if not rows:
            return
        if not self._in_given_order:
            rows = sorted(rows, key=lambda row: row[0])
        keys = zip(*[self._parts_of(stream_id) for stream_id, _, _ in rows], strict=True)
        await conn.execute(
            self._write,
            log,
            *[lines(parts) for parts in keys],
            *[[of(state) for _, _, state in rows] for _, of in self._columns.values()],
            lines([str(version) for _, version, _ in rows]),
            [self.encode(state) for _, _, state in rows],
        )

    async def append(
        self, unit: UnitOfWork, stream_id: str, before: Entry[S] | None, event: Event
    ) -> Entry[S]:
        """Add an event to a unit of work and write the row; the entry as it then stands."""
        version = (before.version if before is not None else 0) + 1
        state = self._after(before.state if before is not None else None, event, stream_id)
        unit.add(stream_id, version, event)
        await self.write(unit.conn, unit.log, [(stream_id, version, state)])
        return Entry(unit.log, stream_id, version, state)

    async def apply(self, conn: Connection, log: str, events: Sequence[RecordedEvent]) -> None:
        """Fold stored events into the rows of their streams."""
        stream_ids = list(dict.fromkeys(event.stream_id for event in events))
        found = await self.read(conn, log, [self.key_of(stream_id) for stream_id in stream_ids])
        states: dict[str, S] = {entry.stream_id: entry.state for entry in found.values()}
        versions: dict[str, int] = {}
        for recorded in events:
            event = codec.decode(recorded.topic, recorded.state)
            states[recorded.stream_id] = self._after(
                states.get(recorded.stream_id), event, recorded.stream_id
            )
            versions[recorded.stream_id] = recorded.version
        await self.write(
            conn, log, [(stream_id, versions[stream_id], states[stream_id]) for stream_id in stream_ids]
        )

    def _after(self, state: S | None, event: Event, stream_id: str) -> S:
        after = self.evolve(state, event, stream_id)
        assert after is not None, f"{stream_id} begins with an event that does not make it"
        return after

    def _entry(self, row: Any) -> Entry[S]:
        return Entry(row[0], self.stream_of(*tuple(row)[3:]), row[1], self._decode(row[2]))


def _writing(table: str, key: Mapping[str, str], columns: Mapping[str, str]) -> str:
    """The one statement that writes rows of the table: keys and versions come as lines, the rest as arrays."""
    names = [*key, *columns, "version", "state"]
    kinds = [*key.values(), *columns.values(), "int", "bytea"]
    as_lines = {*key, "version"}
    values = [
        f"(select string_to_array(${number}, E'\\n'))::{of}[]"
        if name in as_lines
        else f"(select ${number}::{of}[])"
        for number, (name, of) in enumerate(zip(names, kinds, strict=True), 2)
    ]
    changed = ", ".join(f"{name} = excluded.{name}" for name in names if name not in key)
    return f"""
    insert into {table} (log, {", ".join(names)})
    select $1, new.* from unnest({", ".join(values)}) as new
    on conflict (log, {", ".join(key)}) do update set {changed}
    """  # noqa: S608 - constants of the code
