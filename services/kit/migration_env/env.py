"""The alembic environment shared by the services: each migration in a transaction of its own, with a short
lock timeout, the version table inside the service's schema, and privileges settled at the end.
"""

from __future__ import annotations

import asyncio

import asyncpg
from alembic import context
from sqlalchemy import Connection, pool, text
from sqlalchemy.ext.asyncio import create_async_engine

from services.kit.privileges import settle_privileges

_SCHEMA_EXISTS = text("select exists (select from pg_namespace where nspname = :schema)")
_WAIT_FOR_TURN = text("select pg_advisory_lock(hashtextextended('migrate ' || :schema, 0))")


def _migrate(connection: Connection, schema: str) -> None:
    connection.execute(text("set lock_timeout = 0"))
    connection.execute(_WAIT_FOR_TURN, {"schema": schema})
    connection.execute(text("set lock_timeout = '5s'"))
    if not connection.execute(_SCHEMA_EXISTS, {"schema": schema}).scalar():
        connection.execute(text(f'create schema "{schema}"'))
    connection.commit()
    context.configure(connection=connection, version_table_schema=schema, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()
    settle_privileges(connection, schema)
    connection.commit()


async def _run() -> None:
    schema: str = context.config.attributes["schema"]
    dsn: str = context.config.attributes["dsn"]
    told = {"search_path": schema, "application_name": f"{schema}.migrate"}

    # The driver reads the whole address by itself, TLS and files of passwords included; SQLAlchemy does not know these.
    async def connect() -> asyncpg.Connection[asyncpg.Record]:
        return await asyncpg.connect(dsn, server_settings=told)

    engine = create_async_engine("postgresql+asyncpg://", poolclass=pool.NullPool, async_creator=connect)
    try:
        async with engine.connect() as connection:
            await connection.run_sync(_migrate, schema)
    finally:
        await engine.dispose()


asyncio.run(_run())
