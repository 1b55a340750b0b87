"""Read models as tables of statements: what each event changes, live in its command's transaction and in a rebuild alike.

A statement is said by its table and columns. A column whose event has a field of the same name is named once; others are
given as what they come from.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple

from services.kit.aggregates import domain_event
from services.kit.database import Connection
from services.kit.event_store import RecordedEvent

Value = Callable[[Any], object]
"""What a column is of an event; the library makes the classes of events, so that no type says their fields."""


class RowChange(NamedTuple):
    """A statement that changes the rows of a log by an event: the log is `$1`, the values follow from `$2` on."""

    sql: str
    values: Sequence[Value]
    when: Value | None = None

    async def make(self, conn: Connection, log: str, events: Sequence[object]) -> None:
        """RowChange the rows by events, one after the other; many are sent in one go."""
        rows = [
            (log, *[value(event) for value in self.values])
            for event in events
            if self.when is None or self.when(event)
        ]
        if len(rows) == 1:
            await conn.execute(self.sql, *rows[0])
        elif rows:
            await conn.executemany(self.sql, rows)


ID: Value = lambda event: str(event.originator_id)  # noqa: E731 - one of three
VERSION: Value = attrgetter("originator_version")
AT: Value = attrgetter("timestamp")


def const(value: object) -> Value:
    """The same for every event."""
    return lambda _: value


def field(name: str) -> Value:
    """A field of the event that the column is not called after."""
    return attrgetter(name)


NONE = const(None)
PLACE = field("place")
REASON = field("reason")


def run(sql: str, *values: Value, when: Value | None = None) -> RowChange:
    """Execute a statement with the log as `$1` and the values from `$2` on; only for events that `when` holds of."""
    return RowChange(sql, values, when)


def insert(table: str, same: str = "", /, *, when: Value | None = None, **others: Value) -> RowChange:
    """Add a row; `same` are the columns that the event has fields of the same name for."""
    columns = _columns(same, others)
    return run(_inserting(table, columns), *columns.values(), when=when)


def upsert(
    table: str, key: str, same: str = "", /, *, when: Value | None = None, **others: Value
) -> RowChange:
    """Add a row, or change the one with the same key, all of it."""
    columns = _columns(same, others)
    changed = ", ".join(f"{name} = excluded.{name}" for name in columns if name != key)
    sql = f"{_inserting(table, columns)} on conflict (log, {key}) do update set {changed}"
    return run(sql, *columns.values(), when=when)


def update(
    table: str, key: Mapping[str, Value], same: str = "", /, *, when: Value | None = None, **others: Value
) -> RowChange:
    """RowChange the rows with the key."""
    columns = _columns(same, others)
    names = [f"{name} = ${number}" for number, name in enumerate([*key, *columns], 2)]
    sql = f"update {table} set {', '.join(names[len(key) :])} where log = $1 and {' and '.join(names[: len(key)])}"  # noqa: S608
    return run(sql, *key.values(), *columns.values(), when=when)


def decided(table: str, key: str, state: str, by: str, *, reason: Value = NONE) -> RowChange:
    """Close the case whose stream has an event: its state, and who decided it when and why."""
    return update(
        table,
        {key: ID},
        version=VERSION,
        state=const(state),
        decided_at=AT,
        decided_by=field(by),
        reason=reason,
    )


def delete(table: str, key: Mapping[str, Value], *, when: Value | None = None) -> RowChange:
    """Remove the rows with the key, `when` the event says so."""
    same = " and ".join(f"{name} = ${number}" for number, name in enumerate(key, 2))
    return run(f"delete from {table} where log = $1 and {same}", *key.values(), when=when)  # noqa: S608 - constants of the code


def _columns(same: str, others: Mapping[str, Value]) -> dict[str, Value]:
    return {name: attrgetter(name) for name in same.split()} | dict(others)


def _inserting(table: str, columns: Mapping[str, Value]) -> str:
    places = ", ".join(f"${number}" for number in range(2, len(columns) + 2))
    return f"insert into {table} (log, {', '.join(columns)}) values ($1, {places})"  # noqa: S608 - constants of the code


class ReadModel:
    """A table that events change one after the other; a run of events of one kind is sent in one go."""

    def __init__(self, name: str, **changes: RowChange | Sequence[RowChange]) -> None:
        """`changes` are by the event's name; those of one event are made in order."""
        self.name = name
        self.tables: Sequence[str] = (name,)
        self._changes = {
            f"registry.{event}": [made] if isinstance(made, RowChange) else made
            for event, made in changes.items()
        }
        self.topics = frozenset(self._changes)

    async def apply(self, conn: Connection, log: str, events: Sequence[RecordedEvent]) -> None:
        """RowChange the rows by stored events."""
        await self.apply_decided(conn, log, [domain_event(event) for event in events])

    async def apply_decided(self, conn: Connection, log: str, events: Sequence[Any]) -> None:
        """RowChange the rows by events just decided, before they are appended in the same transaction."""
        for topic, run_of in groupby(events, key=attrgetter("TOPIC")):
            changes = self._changes.get(topic, ())
            if len(changes) == 1:
                await changes[0].make(conn, log, list(run_of))
                continue
            for event in run_of if changes else ():
                for change in changes:
                    await change.make(conn, log, [event])
