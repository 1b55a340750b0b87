"""The rebuild of a read model from its log: beside the live rows, then switched in one transaction.

The rows are built in temporary tables that carry the names of the live ones, so `Projection.apply` runs
unchanged. Either role of a service will do; it needs the TEMPORARY privilege on the database, which
provisioning gives to both. A comparison builds the same and only tells what differs: its transactions are read-only,
or rolled back for a derived model, whose worker alone may have to wait for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Protocol, TypeVar, runtime_checkable

import asyncpg

from services.kit.event_store import EventStore
from services.kit.projection import Checkpoints, Projection, apply_events

if TYPE_CHECKING:
    from services.kit.database import Connection, Database, Databases

Progress = Callable[[int, int], None]
"""Told the position reached and the log's head, after every batch."""

NamedProgress = Callable[[str, str, int, int], None]
"""Told the read model, the log, the position reached and the log's head."""

_Done = TypeVar("_Done")
_SWITCH_ATTEMPTS_MAX = 5
_NAMED_PER_TABLE_MAX = 5
_GAVE_WAY = (asyncpg.DeadlockDetectedError, asyncpg.LockNotAvailableError)

_DESCRIBE = """
select format('%I.%I', n.nspname, c.relname) as live, format('%I', c.relname) as name,
       (select array_agg(format('%I', a.attname) order by a.attnum) from pg_attribute a
         where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = '') as columns,
       (select array_agg(format('%I', a.attname) order by a.attnum) from pg_attribute a
         where a.attrelid = c.oid and a.attnum = any(i.indkey)) as key
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  join pg_index i on i.indrelid = c.oid and i.indisprimary
 where c.oid = to_regclass($1)
"""


class NotRebuildableError(Exception):
    """A table that is not there, or has no primary key, cannot be rebuilt."""


@runtime_checkable
class Derived(Protocol):
    """A projection whose rows follow from other read models of the log, so that its events need not be read again.

    `derive` fills its empty tables from them, in one transaction that keeps its runner waiting; it may ask for the
    log's rows as they are now, and tells how many of how many it has looked at.
    """

    async def derive(self, conn: Connection, log: str, progress: Progress) -> None:
        """Fill the tables of the log."""


@dataclass(frozen=True)
class Rebuilt:
    """What a rebuild did: the position it reached, and how many live rows turned out to differ and were
    replaced.
    """

    log: str
    position: int
    rows_changed: int


@dataclass(frozen=True)
class Compared:
    """What a comparison found: how many live rows are not as rebuilt, the first of every table by table, kind
    (`missing`, `surplus`, `different`) and key.

    `behind` counts events that a derived model's worker has yet to see: it was not compared then.
    """

    model: str
    log: str
    position: int
    rows_differing: int
    rows: tuple[str, ...] = ()
    behind: int = 0

    @property
    def right(self) -> bool:
        """Whether the live rows are those that the log gives."""
        return not self.rows_differing and not self.behind


@dataclass(frozen=True)
class _Table:
    live: str
    name: str
    columns: Sequence[str]
    key: Sequence[str]

    @property
    def side(self) -> str:
        return f"pg_temp.{self.name}"


async def rebuild(
    database: Database,
    store: EventStore,
    projection: Projection,
    log: str,
    *,
    inline: bool = False,
    batch_max: int = 2000,
    progress: Progress | None = None,
) -> Rebuilt:
    """Build the projection's rows of one log from its first event, and make the live rows equal to them.

    A projection with a runner is held at its checkpoint during the switch and goes on from the rebuilt
    position. With `inline`, for rows written in the transactions of their events, the log's counter row is
    held instead: its writers wait. Live rows that are right already are not touched, so the switch is short;
    rows that differ byte for byte are replaced. Where wrong rows are being repaired under load, run it again
    until `rows_changed` is 0: a writer may have decided on a wrong row just before.
    """
    async with _beside(database, store, projection, log, batch_max, progress) as work:
        if isinstance(projection, Derived):
            async with work.conn.transaction():
                return await work.derive(projection)
        return await work.switch(await work.build(0), inline=inline)


async def compare(
    database: Database,
    store: EventStore,
    projection: Projection,
    log: str,
    *,
    inline: bool = False,
    batch_max: int = 2000,
    progress: Progress | None = None,
) -> Compared:
    """Build the projection's rows of one log beside the live ones and tell which differ, changing nothing.

    The live rows are seen as they were at one moment, with the position they had reached.
    """
    async with _beside(database, store, projection, log, batch_max, progress) as work:
        position = 0
        if not isinstance(projection, Derived):
            position = await work.build(0, until=await work.reached(inline=inline), readonly=True)
        return await work.compare_undone(position, inline=inline)


@asynccontextmanager
async def _beside(
    database: Database,
    store: EventStore,
    projection: Projection,
    log: str,
    batch_max: int,
    progress: Progress | None,
) -> AsyncIterator[_Work]:
    """The work on empty tables beside the live ones, on a connection of its own; they are gone afterwards."""
    async with database.acquire() as conn:
        tables = [await _describe(conn, name) for name in projection.tables]
        await _make_side_tables(conn, tables)
        try:
            yield _Work(conn, store, projection, log, tables, batch_max, progress)
        finally:
            await _drop_side_tables(conn, tables)


async def _each_named(
    run: Callable[..., Awaitable[_Done]],
    databases: Databases,
    every: Sequence[Projection],
    *,
    models: Collection[str],
    logs: Sequence[str],
    behind: Collection[str] = (),
    progress: NamedProgress = lambda model, log, position, head: None,
) -> list[_Done]:
    """Run for those of a service's read models that are named; what each did. LookupError for an unknown name.

    All but those `behind` are written in the transactions of their events.
    """
    unknown = set(models) - {model.name for model in every}
    if unknown:
        raise LookupError(f"no read model is called {', '.join(sorted(unknown))}")
    store = EventStore()
    return [
        await run(
            databases.of(log),
            store,
            model,
            log,
            inline=model.name not in behind,
            progress=partial(progress, model.name, log),
        )
        for log in logs
        for model in every
        if model.name in models
    ]


rebuild_named = partial(_each_named, rebuild)
compare_named = partial(_each_named, compare)


@dataclass(frozen=True)
class _Work:
    conn: Connection
    store: EventStore
    projection: Projection
    log: str
    tables: Sequence[_Table]
    batch_max: int
    progress: Progress | None

    async def build(self, position: int, *, until: int | None = None, readonly: bool = False) -> int:
        """Apply everything after a position to the side tables, or all up to one; answers the position reached."""
        first = position
        head = await self.store.head(self.conn, self.log) if until is None else until
        while events := await self.store.read(self.conn, self.log, after=position, limit=self.batch_max):
            if until is not None:
                events = [event for event in events if event.position <= until]
                if not events:
                    break
            async with self.conn.transaction(readonly=readonly):
                covered = await apply_events(self.conn, self.projection, self.log, events)
            position = covered[-1].position
            head = max(head, position)
            if self.progress is not None:
                self.progress(position, head)
        for table in self.tables if first == 0 else ():
            await self.conn.execute(f"analyze {table.side}")
        return position

    async def reached(self, *, inline: bool) -> int:
        """The position up to which the live rows tell the log."""
        if inline:
            return await self.store.head(self.conn, self.log)
        return await Checkpoints(self.projection.name).get(self.conn, self.log, self.log)

    async def compare_undone(self, position: int, *, inline: bool) -> Compared:
        """Compare in a snapshot that is rolled back; tried again when a derived model's worker wrote meanwhile.

        Derived models note in live tables how far they got, so that theirs alone cannot be read-only.
        """
        readonly = not isinstance(self.projection, Derived)
        for attempt in range(1, _SWITCH_ATTEMPTS_MAX + 1):
            transaction = self.conn.transaction(isolation="repeatable_read", readonly=readonly)
            await transaction.start()
            try:
                return await self.compare(position, inline=inline)
            except (asyncpg.SerializationError, *_GAVE_WAY):
                if attempt == _SWITCH_ATTEMPTS_MAX:
                    raise
            finally:
                await transaction.rollback()
            await asyncio.sleep(0.1 * attempt)
        raise AssertionError("unreachable")

    async def compare(self, position: int, *, inline: bool) -> Compared:
        """Catch up with the live rows of the snapshot and tell which are others."""
        name, until = self.projection.name, await self.reached(inline=inline)
        if isinstance(self.projection, Derived):
            head = await self.store.head(self.conn, self.log)
            if until < head:
                return Compared(name, self.log, until, 0, behind=head - until)
            await self.projection.derive(self.conn, self.log, self.progress or (lambda done, total: None))
        else:
            await self.build(position, until=until)
        count, named = 0, list[str]()
        for table in self.tables:
            rows = await self.conn.fetch(_difference(table), self.log)
            count += rows[0]["count"] if rows else 0
            named += [f"{table.name} {row['kind']}: {row['key']}" for row in rows]
        return Compared(name, self.log, until, count, tuple(named))

    async def switch(self, position: int, *, inline: bool) -> Rebuilt:
        """Catch up and replace, in one transaction; tried again when it had to give way to a writer."""
        for attempt in range(1, _SWITCH_ATTEMPTS_MAX + 1):
            try:
                async with self.conn.transaction():
                    return await self._switch(position, inline=inline)
            except _GAVE_WAY:
                if attempt == _SWITCH_ATTEMPTS_MAX:
                    raise
                await asyncio.sleep(0.1 * attempt)
        raise AssertionError("unreachable")

    async def derive(self, projection: Derived) -> Rebuilt:
        """Fill the side tables from other read models and replace; events up to the head found first are in those."""
        checkpoints = Checkpoints(self.projection.name)
        reached = await checkpoints.lock(self.conn, self.log, self.log)
        head = await self.store.head(self.conn, self.log)

        def told(done: int, total: int) -> None:
            if self.progress is not None:
                self.progress(head * done // total, head)

        await projection.derive(self.conn, self.log, told)
        changed = await self._replace()
        if head > reached:
            await checkpoints.advance(self.conn, self.log, self.log, head)
        return Rebuilt(self.log, max(head, reached), changed)

    async def _replace(self) -> int:
        """Make the live rows of the log equal to those beside them; how many were not."""
        changed = 0
        for table in reversed(self.tables):
            changed += _count(await self.conn.execute(_removal(table), self.log))
        for table in self.tables:
            changed += _count(await self.conn.execute(_replacement(table), self.log))
        return changed

    async def _switch(self, position: int, *, inline: bool) -> Rebuilt:
        checkpoints = Checkpoints(self.projection.name)
        reached = 0
        if inline:
            await self.conn.execute("select from logs where log = $1 for update", self.log)
        else:
            reached = await checkpoints.lock(self.conn, self.log, self.log)
        position = await self.build(position)
        changed = await self._replace()
        if not inline and position > reached:
            await checkpoints.advance(self.conn, self.log, self.log, position)
        return Rebuilt(self.log, position, changed)


async def _describe(conn: Connection, name: str) -> _Table:
    row = await conn.fetchrow(_DESCRIBE, name)
    if row is None:
        raise NotRebuildableError(f"{name} is no table with a primary key")
    if "log" not in row["key"]:
        raise NotRebuildableError(f"the primary key of {name} does not name the log")
    return _Table(row["live"], row["name"], row["columns"], row["key"])


async def _make_side_tables(conn: Connection, tables: Sequence[_Table]) -> None:
    for table in tables:
        await conn.execute(f"create temporary table {table.name} (like {table.live} including all)")
    # Statements this connection has prepared still mean the live tables; now the names mean the side tables.
    await conn.execute("discard plans")


async def _drop_side_tables(conn: Connection, tables: Sequence[_Table]) -> None:
    try:
        for table in tables:
            await conn.execute(f"drop table if exists {table.side}")
        await conn.execute("discard plans")
    except BaseException:
        # The next user of the connection must not find side tables in front of the live ones.
        conn.terminate()
        raise


def _removal(table: _Table) -> str:
    """Delete live rows that the rebuilt ones do not have."""
    return (
        f"delete from {table.live} as live where log = $1 and not exists"  # noqa: S608 - names from the catalogue
        f" (select from {table.side} as side where {_same_key(table)})"
    )


def _replacement(table: _Table) -> str:
    """Insert rebuilt rows that are not live; `*=` compares rows byte by byte, 1.0 is not 1.00."""
    rest = [column for column in table.columns if column not in table.key]
    update = ", ".join(f"{column} = excluded.{column}" for column in rest)
    columns = ", ".join(table.columns)
    return (
        f"insert into {table.live} ({columns}) select {columns} from {table.side} as side"  # noqa: S608
        f" where log = $1 and not exists"
        f" (select from {table.live} as live where {_same_key(table)} and live.* operator(pg_catalog.*=) side.*)"
        f" on conflict ({', '.join(table.key)}) do {f'update set {update}' if update else 'nothing'}"
    )


def _difference(table: _Table) -> str:
    """The first rows that are not the same on both sides, byte by byte, and how many there are."""
    key = ", ".join(f"coalesce(live.{column}, side.{column})::text" for column in table.key)
    return (
        "select case when live.log is null then 'missing' when side.log is null then 'surplus' else 'different' end"  # noqa: S608
        f" as kind, concat_ws(' ', {key}) as key, count(*) over () as count"
        f" from (select * from {table.live} where log = $1) as live"
        f" full join (select * from {table.side} where log = $1) as side on {_same_key(table)}"
        " where live.log is null or side.log is null or not live.* operator(pg_catalog.*=) side.*"
        f" order by 2 limit {_NAMED_PER_TABLE_MAX}"
    )


def _same_key(table: _Table) -> str:
    return " and ".join(f"live.{column} = side.{column}" for column in table.key)


def _count(status: str) -> int:
    """The number of rows in a command's status, such as `DELETE 3` or `INSERT 0 3`."""
    return int(status.rpartition(" ")[2])
