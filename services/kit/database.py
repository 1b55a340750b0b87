"""One pool of connections to one PostgreSQL, the transactions on it, and the checks before it may be used.

Connections are handed on as they are, without a reset: use SET LOCAL and transaction-level locks, never SET.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import urlsplit
from weakref import WeakSet

import asyncpg
from asyncpg.exceptions import CannotConnectNowError, InternalClientError, PostgresConnectionError

from services.kit.histories import look_where
from services.kit.migrations import head_revision
from services.kit.waits import Waits
from services.kit.watched_connection import WatchedConnection

if TYPE_CHECKING:
    Connection: TypeAlias = (
        asyncpg.Connection[asyncpg.Record] | asyncpg.pool.PoolConnectionProxy[asyncpg.Record]
    )
    Pool: TypeAlias = asyncpg.Pool[asyncpg.Record]
else:
    Connection = asyncpg.Connection | asyncpg.pool.PoolConnectionProxy
    Pool = asyncpg.Pool

OUTCOME_UNKNOWN: tuple[type[BaseException], ...] = (
    OSError,
    asyncpg.InterfaceError,
    PostgresConnectionError,
    CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    InternalClientError,
)
"""Failures after which nobody knows whether the transaction was committed: ask again by its identity.

InternalClientError is what a statement meets when the connection is lost just before it; it includes
TargetServerAttributeNotMatched and ProtocolError.
"""

LOCK_TIMEOUT_MS = 5_000
IDLE_IN_TRANSACTION_MS_MAX = 15_000
SERVER_VERSION_MIN = 150_000

_UNSAFE_SETTINGS = """
select name from pg_settings
 where name in ('fsync', 'full_page_writes', 'synchronous_commit') and setting = 'off' order by name
"""
_ROLE = """
select current_user as role,
       (select rolsuper from pg_roles where rolname = current_user) as superuser,
       (select pg_has_role(current_user, nspowner, 'member') from pg_namespace where nspname = $1) as owner
"""
_MAY_REWRITE = """
select word from unnest(array['UPDATE', 'DELETE', 'TRUNCATE']) as word
 where to_regclass('events') is not null and has_table_privilege(to_regclass('events'), word)
"""
_REVISION_TABLE = "select to_regclass('alembic_version') is not null"
_REVISION = "select version_num from alembic_version"


class NoConnectionError(TimeoutError):
    """No connection could be had in time: nothing was asked of the database."""


class UnsafeDatabaseError(Exception):
    """This database must not be used by a service: what is written to it could be lost or rewritten."""


class SchemaRevisionError(Exception):
    """The schema's revision is not the one this release was made for."""


_opened: WeakSet[Database] = WeakSet()


def pools_in_use() -> Mapping[str, tuple[int, int, int]]:
    """Of every open pool of this process, by the schema: connections in use, idle ones, and how many there may be."""
    found: dict[str, tuple[int, int, int]] = {}
    for database in list(_opened):
        used, idle, most = found.get(database.schema, (0, 0, 0))
        size, free, limit = database.size
        found[database.schema] = used + size - free, idle + free, most + limit
    return found


class Database:
    """One asyncpg pool on one PostgreSQL; the search_path is the service's schema alone."""

    def __init__(self, pool: Pool, *, name: str, schema: str, waits: Waits) -> None:
        self._pool = pool
        self._waits = waits
        self.name = name
        self.schema = schema
        _opened.add(self)

    @classmethod
    async def connect(
        cls, dsn: str, *, schema: str, application_name: str, size_max: int = 8, waits: Waits | None = None
    ) -> Database:
        """Open a pool of 1 to `size_max` connections, each of which looks first whether the logs were restored.

        Raises one of OUTCOME_UNKNOWN when nobody answers.
        """
        waits = waits or Waits()
        seen: str | None = None

        async def look(conn: Connection) -> None:
            nonlocal seen
            seen = await look_where(conn, seen)

        pool = await asyncpg.create_pool(
            dsn,
            min_size=1,
            max_size=size_max,
            timeout=waits.connect,
            command_timeout=waits.silence,
            connection_class=WatchedConnection,
            init=look,
            reset=_keep,
            server_settings={
                "search_path": schema,
                "application_name": application_name,
                "timezone": "UTC",
                "lock_timeout": str(LOCK_TIMEOUT_MS),
                "idle_in_transaction_session_timeout": str(IDLE_IN_TRANSACTION_MS_MAX),
                **waits.server_settings,
                "jit": "off",
                "enable_memoize": "off",
            },
        )
        parts = urlsplit(dsn)
        name = f"{schema}@{parts.netloc.rpartition('@')[2] or 'local'}{parts.path}"
        return cls(pool, name=name, schema=schema, waits=waits)

    @classmethod
    async def connect_checked(
        cls, dsn: str, *, service: str, process: str, size_max: int, waits: Waits
    ) -> Database:
        """The database of a service for one of its processes, checked before it is used.

        Raises one of OUTCOME_UNKNOWN, UnsafeDatabaseError and SchemaRevisionError.
        """
        name = f"xuefen.{service}.{process}"
        database = await cls.connect(
            dsn, schema=service, application_name=name, size_max=size_max, waits=waits
        )
        try:
            await database.check(revision=head_revision(service))
        except BaseException:
            await database.close()
            raise
        return database

    def __repr__(self) -> str:
        return f"Database({self.name})"

    @property
    def size(self) -> tuple[int, int, int]:
        """Connections that are open, those of them that are idle, and how many there may be."""
        return self._pool.get_size(), self._pool.get_idle_size(), self._pool.get_max_size()

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[Connection]:
        """A connection of the pool, for statements that each stand alone.

        Raises NoConnectionError when none can be had in time, and TimeoutError for a statement that the server never
        answered; every connection of the pool is then made anew before it is used again.
        """
        try:
            async with asyncio.timeout(self._waits.acquire):
                conn = await self._pool.acquire()
        except TimeoutError:
            raise NoConnectionError(f"{self.name}: no connection in {self._waits.acquire} s") from None
        try:
            yield conn
        except TimeoutError as error:
            if _is_silence(error):
                _end(conn)
                await self._pool.expire_connections()
            raise
        finally:
            await self._give_back(conn)

    async def _give_back(self, conn: asyncpg.pool.PoolConnectionProxy[asyncpg.Record]) -> None:
        with suppress(*OUTCOME_UNKNOWN):
            await self._pool.release(conn, timeout=self._waits.closing)

    @asynccontextmanager
    async def transaction(self, *, lock_timeout_ms: int = LOCK_TIMEOUT_MS) -> AsyncIterator[Connection]:
        """BEGIN, the block, COMMIT; ROLLBACK when the block raises.

        A COMMIT once sent is waited for even when the task is cancelled, for `Waits.closing` seconds at most. Raises one
        of OUTCOME_UNKNOWN when the connection is lost or silent, NoConnectionError when none could be had.
        """
        async with self.acquire() as conn:
            transaction = conn.transaction()
            try:
                # BEGIN is waited for like COMMIT: cut short it leaves a transaction that nobody ends.
                await self._to_the_end(conn, transaction.start())
                if lock_timeout_ms != LOCK_TIMEOUT_MS:
                    await conn.execute(f"set local lock_timeout = {int(lock_timeout_ms)}")
                yield conn
            except BaseException as error:
                # A lost connection cannot be rolled back, and must not hide what went wrong.
                if _is_silence(error):
                    _end(conn)
                else:
                    with suppress(*OUTCOME_UNKNOWN):
                        await self._let_end(conn, asyncio.ensure_future(transaction.rollback()))
                raise
            await self._to_the_end(conn, transaction.commit())

    async def _to_the_end(self, conn: Connection, ending: Coroutine[object, object, None]) -> None:
        """Wait for a BEGIN or COMMIT even when cancelled meanwhile; the cancellation goes on afterwards."""
        task = asyncio.ensure_future(ending)
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            await self._let_end(conn, task)
            raise

    async def _let_end(self, conn: Connection, task: asyncio.Future[None]) -> None:
        """Wait a little for what ends a transaction; what does not come to its end is ended with its connection, so that
        the server rolls back what it has not committed.
        """
        task.add_done_callback(_look_at)
        try:
            await asyncio.wait([task], timeout=self._waits.closing)
        finally:
            if not task.done():
                _end(conn)
                task.cancel()

    async def check(self, *, revision: str) -> None:
        """Refuse a database on which the service's promises do not hold.

        Raises UnsafeDatabaseError when the server is too old, when a setting may lose commits, or when the
        role owns the schema, is a superuser or may rewrite events; SchemaRevisionError when the schema is not
        at `revision`.
        """
        async with self.acquire() as conn:
            version = await conn.fetchval("select current_setting('server_version_num')::int")
            if version < SERVER_VERSION_MIN:
                raise UnsafeDatabaseError(f"{self.name}: PostgreSQL 15 or newer is needed, not {version}.")
            await self._check_settings(conn)
            await self._check_role(conn)
            await self._check_revision(conn, revision)

    async def close(self) -> None:
        """Close every connection, waiting a little for those in use; then end what is left."""
        try:
            async with asyncio.timeout(self._waits.closing):
                await self._pool.close()
        except TimeoutError:
            self._pool.terminate()

    async def _check_settings(self, conn: Connection) -> None:
        unsafe = [row["name"] for row in await conn.fetch(_UNSAFE_SETTINGS)]
        if unsafe:
            raise UnsafeDatabaseError(
                f"{self.name}: {', '.join(unsafe)} must not be off: acknowledged records could be lost."
            )

    async def _check_role(self, conn: Connection) -> None:
        row = await conn.fetchrow(_ROLE, self.schema)
        assert row is not None
        if row["superuser"] or row["owner"]:
            kind = "a superuser" if row["superuser"] else f"owner of the schema {self.schema}"
            raise UnsafeDatabaseError(
                f"{self.name}: the role {row['role']} is {kind}; services connect with a role that may "
                "neither alter tables nor rewrite events."
            )
        allowed = [word["word"] for word in await conn.fetch(_MAY_REWRITE)]
        if allowed:
            raise UnsafeDatabaseError(
                f"{self.name}: the role {row['role']} may {', '.join(allowed)} events; they are append-only."
            )

    async def _check_revision(self, conn: Connection, revision: str) -> None:
        found = await conn.fetchval(_REVISION) if await conn.fetchval(_REVISION_TABLE) else None
        if found != revision:
            raise SchemaRevisionError(
                f"{self.name}: the schema is at revision {found or 'none'}, this release needs {revision}. "
                "Run `xuefen migrate`, or start the release that fits the schema."
            )


class Databases:
    """Which engine holds which log."""

    def __init__(self, default: Database, by_log: Mapping[str, Database] | None = None) -> None:
        self._default = default
        self._by_log = dict(by_log or {})

    def of(self, log: str) -> Database:
        """The engine of a log: the one function that says so."""
        return self._by_log.get(log, self._default)

    def all(self) -> Sequence[Database]:
        """Every engine once, the default first."""
        return list(dict.fromkeys([self._default, *self._by_log.values()]))

    def grouped(self, logs: Iterable[str]) -> dict[Database, list[str]]:
        """The logs by the engine that holds them, for one question to each engine."""
        groups: dict[Database, list[str]] = {}
        for log in logs:
            groups.setdefault(self.of(log), []).append(log)
        return groups

    async def close(self) -> None:
        """Close every engine."""
        for database in self.all():
            await database.close()


def lines(values: Sequence[str]) -> str:
    """Texts as one parameter, to be taken apart by `string_to_array($1, E'\\n')`: a tenth of what the driver spends
    on an array of them. ValueError when one holds a line break.
    """
    text = "\n".join(values)
    if text.count("\n") > max(len(values) - 1, 0):
        raise ValueError("a key holds a line break")
    return text


async def _keep(_: Connection) -> None:
    """Hand a connection on as it is: a transaction left open has been rolled back by the pool already."""


def _end(conn: Connection) -> None:
    """End a connection at once, without a word to the other side."""
    with suppress(asyncpg.InterfaceError):  # it has been taken from us already
        conn.terminate()


def _is_silence(error: BaseException) -> bool:
    """Whether a statement was never answered; one that is only slow is ended by the server before that."""
    return isinstance(error, TimeoutError) and not isinstance(error, NoConnectionError)


def _look_at(task: asyncio.Future[None]) -> None:
    """Look at an error nobody waits for any more, lest the event loop reports it as lost."""
    if not task.cancelled():
        task.exception()
