"""PostgreSQL's own catalogue of the ledger's tables: they can be split by log, and events stay as they are."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from services.kit.database import Database, lines
from services.kit.event_store import _BY_IDENTITY
from services.kit.migrations import head_revision
from services.ledger.answers.composed_answers import _READ as _COMPOSED
from services.ledger.counting.scorecards import TABLES as SCORECARD_TABLES
from services.ledger.counting.standing_rows import TABLES as STANDING_TABLES
from services.ledger.store.accounts import ACCOUNT_ROWS, PROVIDER_ROWS
from services.ledger.store.tables import READ_MODELS
from services.ledger.store.unit import _PEOPLE
from tests.conftest import FreshDatabase, FreshDatabaseFactory
from tests.kit.catalogue import assert_keys_lead_with_log

SCHEMA = "ledger"
DISPOSABLE = {
    *READ_MODELS,
    "claims",
    "filings",
    "rosters",
    "departures",
    "years",
    "study_days",
    "anomalies",
    "checkpoints",
    "idempotency_keys",
    "policy_trials",
    *STANDING_TABLES,
    *SCORECARD_TABLES,
}
_TABLES = """
select c.relname, c.relkind = 'p' as partitioned, pg_get_userbyid(c.relowner) as owner
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where n.nspname = 'ledger' and c.relkind in ('r', 'p') order by 1
"""
_LOG_COLUMNS = """
select table_name from information_schema.columns
 where table_schema = 'ledger' and column_name = 'log' and ordinal_position = 1 and is_nullable = 'NO'
"""
_OTHER_OBJECTS = """
select c.relkind::text || ' ' || c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where n.nspname = 'ledger' and c.relkind not in ('r', 'p', 'i', 'I', 't')
union all
select 'rule ' || rulename from pg_rules where schemaname = 'ledger'
union all
select 'function ' || p.proname from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname = 'ledger'
"""


@pytest.fixture(scope="module", params=[0, 4], ids=["plain", "partitioned"])
def fresh(request: pytest.FixtureRequest, fresh_database: FreshDatabaseFactory) -> FreshDatabase:
    return fresh_database(SCHEMA, partitions=request.param)


@pytest.fixture
async def app(fresh: FreshDatabase) -> AsyncIterator[asyncpg.Connection]:
    """The application's role, as a service connects."""
    conn = await asyncpg.connect(fresh.app_dsn, server_settings={"search_path": SCHEMA})
    yield conn
    await conn.close()


async def tables(conn: asyncpg.Connection) -> list[str]:
    """Every table and partition but the migrations' own."""
    return [row["relname"] for row in await conn.fetch(_TABLES) if row["relname"] != "alembic_version"]


ACROSS_LOGS = {"waiting_of_identity"}
"""What waits for somebody at another authority than the one that is asked; no key, so tables may still be split."""


class TestKeys:
    async def test_every_key_index_and_constraint_leads_with_the_log(self, app: asyncpg.Connection):
        await assert_keys_lead_with_log(app, SCHEMA, across=ACROSS_LOGS)

    async def test_every_table_begins_with_the_log_and_none_lacks_it(self, app: asyncpg.Connection):
        led = {row["table_name"] for row in await app.fetch(_LOG_COLUMNS)}
        assert set(await tables(app)) <= led

    async def test_there_are_tables_and_indexes_only(self, app: asyncpg.Connection):
        """No sequence, view, rule, function or trigger stands between a statement and a row."""
        assert await app.fetch(_OTHER_OBJECTS) == []

    async def test_the_partitioned_layout_partitions_every_table(
        self, app: asyncpg.Connection, request: pytest.FixtureRequest
    ):
        wanted = "partitioned" in request.node.callspec.id
        parents = {"logs", "events", "key_checks", *DISPOSABLE}
        found = {row["relname"]: row["partitioned"] for row in await app.fetch(_TABLES)}
        assert {name: found[name] for name in parents} == dict.fromkeys(parents, wanted)


class TestAppendOnly:
    async def test_events_are_never_rewritten_by_the_application(self, app: asyncpg.Connection):
        await app.execute(
            "insert into logs (log, position, recorded_at, history) values ('210000', 1, now(), 'a')"
        )
        await app.execute(
            "insert into events values ('210000', 1, 's', 1, 't', '', null, now()) on conflict do nothing"
        )
        for table in [name for name in await tables(app) if name.startswith("events")]:
            for statement in (
                f"update {table} set topic = 'x'",
                f"update {table} set topic = 'x' where false",
                f"delete from {table}",
                f"truncate {table}",
                f"truncate {table} cascade",
                f"insert into {table} values ('210000', 1, 's', 1, 'x', '', null, now())"
                " on conflict (log, position) do update set topic = excluded.topic",
                f"merge into {table} e using (select 1) on true when matched then delete",
            ):
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await app.execute(statement)
        assert await app.fetchval("select topic from events where log = '210000'") == "t"

    async def test_the_application_changes_no_table(self, app: asyncpg.Connection):
        for statement in (
            "drop table events",
            "alter table events add column x int",
            "alter table events disable trigger all",
            "create table ledger.x (log text)",
            "create index on events (topic)",
            "create function ledger.f() returns int language sql as 'select 1'",
            "alter table events owner to current_user",
            "set session_replication_role = replica",
            "delete from alembic_version",
            "drop schema ledger cascade",
            "copy events to program 'cat'",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await app.execute(statement)

    async def test_the_application_owns_nothing_and_may_not_become_the_owner(self, app: asyncpg.Connection):
        me = await app.fetchval("select current_user")
        owners = {row["owner"] for row in await app.fetch(_TABLES)}
        assert owners == {"xuefen_ledger_owner"}
        assert me == "xuefen_ledger"
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await app.execute("set role xuefen_ledger_owner")

    async def test_counter_rows_are_never_deleted(self, app: asyncpg.Connection):
        for statement in ("delete from logs", "truncate logs"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await app.execute(statement)

    async def test_another_service_s_role_sees_nothing_here(
        self, app: asyncpg.Connection, fresh_database: FreshDatabaseFactory
    ):
        other = fresh_database("registry")
        conn = await asyncpg.connect(other.app_dsn)
        try:
            assert (
                await conn.fetchval("select has_schema_privilege('xuefen_ledger', 'registry', 'usage')")
                is False
            )
        finally:
            await conn.close()

    async def test_a_service_refuses_to_run_as_owner(self, fresh: FreshDatabase):
        for dsn, may in ((fresh.app_dsn, True), (fresh.owner_dsn, False), (fresh.admin_dsn, False)):
            database = await Database.connect(dsn, schema=SCHEMA, application_name="test", size_max=1)
            try:
                if may:
                    await database.check(revision=head_revision(SCHEMA))
                else:
                    with pytest.raises(Exception, match=r"owner|superuser"):
                        await database.check(revision=head_revision(SCHEMA))
            finally:
                await database.close()


KEYS = lines(["a", "b"])
HOT = {
    "people": (_PEOPLE, ("110000", KEYS, [2025])),
    "identities": (_BY_IDENTITY, ("110000", KEYS)),
    "providers": (PROVIDER_ROWS._read, ("110000", ["a"])),
    "accounts": (ACCOUNT_ROWS._write, ("110000", "a", "2025", "1", [b"{}"])),
    "answers": (_COMPOSED, (["110000"], ["a"], [2025], [None], [None])),
}


@pytest.mark.parametrize("name", HOT)
async def test_a_statement_of_the_hot_paths_is_planned_once(app: asyncpg.Connection, name: str):
    """PostgreSQL tries five plans of its own; after those it keeps one, unless what it sees of an array looks cheaper."""
    if await app.fetchval("select relkind = 'p' from pg_class where relname = 'accounts'"):
        pytest.skip("a plan for one log alone leaves the other partitions out, which is worth making it")
    statement, values = HOT[name]
    prepared = await app.prepare(statement)
    for _ in range(7):
        await prepared.fetch(*values)
    planned = await app.fetchrow(
        "select generic_plans, custom_plans from pg_prepared_statements where name = $1", prepared.get_name()
    )
    assert planned is not None
    assert tuple(planned) == (2, 5)
