"""The event tables keep scale open, and the helper that says so would notice if they did not."""

import asyncpg
import pytest

from services.kit.database import Database
from tests.conftest import FreshDatabase
from tests.kit.catalogue import assert_keys_lead_with_log, faults


async def test_the_event_tables_can_be_split_by_log(database: Database):
    async with database.acquire() as conn:
        await assert_keys_lead_with_log(conn, "kit")


@pytest.mark.parametrize(
    ("ddl", "fault"),
    [
        ("create table t (log text, name text)", "t has no primary key"),
        (
            "create table t (log text, name text, primary key (name, log))",
            "index t_pkey of t begins with name",
        ),
        ("create table t (log text primary key, name text unique)", "index t_name_key of t begins with name"),
        (
            "create table t (log text primary key); create index i on t (lower(log))",
            "index i of t begins with None",
        ),
        (
            "create table p (log text primary key, id int, unique (id, log));"
            " create table t (log text primary key, id int, foreign key (id, log) references p (id, log))",
            "foreign key t_id_log_fkey of t begins with id",
        ),
        (
            "create table t (log text primary key); create function f() returns trigger language plpgsql"
            " as 'begin return new; end'; create trigger g before insert on t execute function f()",
            "t has a trigger",
        ),
    ],
)
async def test_a_key_that_would_not_split_is_found(event_tables: FreshDatabase, ddl: str, fault: str):
    owner = await asyncpg.connect(event_tables.admin_dsn)
    transaction = owner.transaction()
    await transaction.start()
    try:
        await owner.execute("create schema wrong; set local search_path = wrong")
        await owner.execute(ddl)
        assert fault in await faults(owner, "wrong")
    finally:
        await transaction.rollback()
        await owner.close()
