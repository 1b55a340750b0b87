"""One pool of connections to one PostgreSQL, the transactions on it, and the checks before it may be used.

Connections are handed on as they are, without a reset: use SET LOCAL and transaction-level locks, never SET.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import urlsplit

import asyncpg
from asyncpg.exceptions import CannotConnectNowError, InternalClientError, PostgresConnectionError

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
_CONNECT_SECONDS_MAX = 10.0

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


class UnsafeDatabaseError(Exception):
    """This database must not be used by a service: what is written to it could be lost or rewritten."""


class SchemaRevisionError(Exception):
    """The schema's revision is not the one this release was made for."""


class Database:
    """One asyncpg pool on one PostgreSQL; the search_path is the service's schema alone."""

    def __init__(self, pool: Pool, *, name: str, schema: str) -> None:
        self._pool = pool
        self.name = name
        self.schema = schema

    @classmethod
    async def connect(cls, dsn: str, *, schema: str, application_name: str, size_max: int = 8) -> Database:
        """Open a pool of 1 to `size_max` connections. Raises one of OUTCOME_UNKNOWN when nobody answers."""
        pool = await asyncpg.create_pool(
            dsn,
            min_size=1,
            max_size=size_max,
            timeout=_CONNECT_SECONDS_MAX,
            reset=_keep,
            server_settings={
                "search_path": schema,
                "application_name": application_name,
                "timezone": "UTC",
                "lock_timeout": str(LOCK_TIMEOUT_MS),
                "idle_in_transaction_session_timeout": str(IDLE_IN_TRANSACTION_MS_MAX),
                "jit": "off",
                "enable_memoize": "off",
            },
        )
        parts = urlsplit(dsn)
        name = f"{schema}@{parts.hostname or 'local'}:{parts.port or 5432}{parts.path}"
        return cls(pool, name=name, schema=schema)

    def __repr__(self) -> str:
        return f"Database({self.name})"

    def acquire(self) -> AbstractAsyncContextManager[Connection]:
        """A connection of the pool, for statements that each stand alone."""
        return self._pool.acquire()

    @asynccontextmanager
    async def transaction(self, *, lock_timeout_ms: int = LOCK_TIMEOUT_MS) -> AsyncIterator[Connection]:
        """BEGIN, the block, COMMIT; ROLLBACK when the block raises.

        A COMMIT once sent is waited for even when the task is cancelled. Raises one of OUTCOME_UNKNOWN when
        the connection is lost.
        """
        async with self._pool.acquire() as conn:
            transaction = conn.transaction()
            try:
                # BEGIN is waited for like COMMIT: cut short it leaves a transaction that nobody ends.
                await _to_the_end(transaction.start())
                if lock_timeout_ms != LOCK_TIMEOUT_MS:
                    await conn.execute(f"set local lock_timeout = {int(lock_timeout_ms)}")
                yield conn
            except BaseException:
                # A lost connection cannot be rolled back, and must not hide what went wrong.
                with suppress(*OUTCOME_UNKNOWN):
                    await _to_the_end(transaction.rollback())
                raise
            await _to_the_end(transaction.commit())

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
        """Close every connection, waiting for those in use."""
        await self._pool.close()

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


async def _to_the_end(ending: Coroutine[object, object, None]) -> None:
    """Wait for a BEGIN, COMMIT or ROLLBACK even when cancelled meanwhile; the cancellation goes on afterwards."""
    task = asyncio.ensure_future(ending)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        if not task.cancelled():
            task.exception()
        raise
