"""The pool, its transactions, and the databases a service refuses."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from services.kit.database import (
    OUTCOME_UNKNOWN,
    Database,
    Databases,
    SchemaRevisionError,
    UnsafeDatabaseError,
)
from services.kit.provision import with_role
from services.kit.waits import Waits
from tests.conftest import FreshDatabase, FreshDatabaseFactory


@pytest.fixture(scope="module")
def fresh(fresh_database: FreshDatabaseFactory) -> FreshDatabase:
    return fresh_database("kit")


async def connect(dsn: str, *, size_max: int = 4) -> Database:
    return await Database.connect(dsn, schema="kit", application_name="kit.test", size_max=size_max)


@pytest.fixture
async def database(fresh: FreshDatabase) -> AsyncIterator[Database]:
    database = await connect(fresh.app_dsn)
    yield database
    await database.close()


async def rows(database: Database, name: str) -> int:
    async with database.acquire() as conn:
        count: int = await conn.fetchval("select count(*) from totals where name = $1", name)
    return count


def insert(name: str) -> tuple[str, str]:
    return "insert into totals (log, name, amount) values ('a', $1, 1)", name


class TestConnect:
    async def test_sees_the_schema_of_the_service_alone(self, database: Database) -> None:
        async with database.acquire() as conn:
            assert await conn.fetchval("show search_path") == "kit"
            assert await conn.fetchval("show application_name") == "kit.test"

    async def test_its_name_tells_the_place_and_no_password(self, database: Database) -> None:
        assert database.name.startswith("kit@127.0.0.1:")
        assert "test-kit" not in repr(database)


class TestManyMachines:
    """What an engine of many machines needs, asked of one."""

    async def test_one_log_is_asked_by_its_name_and_several_are_not(self, database: Database) -> None:
        sent: list[str] = []
        async with database.acquire() as conn:
            await conn.execute(
                "insert into totals (log, name, amount) values ('one', 'x', 1), ('two', 'x', 2)"
            )
            conn.add_query_logger(lambda record: sent.append(record.query))
            query = "select amount from totals where log = any($1::text[]) and name = $2 order by log"
            assert [row[0] for row in await conn.fetch(query, ["one"], "x")] == [1]
            assert await conn.fetchval(query, ["two"], "x") == 2
            assert [row[0] for row in await conn.fetch(query, ["one", "two"], "x")] == [1, 2]
            await asyncio.sleep(0)
        assert sent == [query.replace("any($1::text[])", "$1")] * 2 + [query]

    @pytest.mark.parametrize(
        ("told", "kind"),
        [
            ("duplicate key value violates unique constraint", asyncpg.UniqueViolationError),
            ("cache lookup failed", asyncpg.InternalServerError),
        ],
    )
    async def test_a_key_that_is_taken_is_one_whatever_its_code(
        self, database: Database, told: str, kind: type[Exception]
    ) -> None:
        raised = f"do $$ begin raise exception '{told}' using errcode = 'XX000'; end $$"
        async with database.acquire() as conn:
            with pytest.raises(kind):
                await conn.execute(raised)


class TestTransaction:
    async def test_commits_what_the_block_wrote(self, database: Database) -> None:
        async with database.transaction() as conn:
            await conn.execute(*insert("committed"))
        assert await rows(database, "committed") == 1

    async def test_leaves_nothing_when_the_block_raises(self, database: Database) -> None:
        async def write() -> None:
            async with database.transaction() as conn:
                await conn.execute(*insert("rolled back"))
                raise KeyError

        with pytest.raises(KeyError):
            await write()
        assert await rows(database, "rolled back") == 0

    async def test_leaves_nothing_when_the_task_is_cancelled(self, database: Database) -> None:
        written = asyncio.Event()

        async def write() -> None:
            async with database.transaction() as conn:
                await conn.execute(*insert("cancelled"))
                written.set()
                await asyncio.sleep(60)

        task = asyncio.create_task(write())
        await written.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await rows(database, "cancelled") == 0

    async def test_a_commit_once_sent_is_waited_for(
        self, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sent, answered = asyncio.Event(), asyncio.Event()
        commit = asyncpg.transaction.Transaction.commit

        async def slow_commit(transaction: asyncpg.transaction.Transaction) -> None:
            sent.set()
            await answered.wait()
            await commit(transaction)

        async def write() -> None:
            async with database.transaction() as conn:
                await conn.execute(*insert("shielded"))

        monkeypatch.setattr(asyncpg.transaction.Transaction, "commit", slow_commit)
        task = asyncio.create_task(write())
        await sent.wait()
        task.cancel()
        await asyncio.sleep(0)
        assert not task.done()
        answered.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await rows(database, "shielded") == 1

    async def test_what_it_sets_ends_with_it(self, database: Database) -> None:
        async with database.transaction(lock_timeout_ms=123) as conn:
            assert await conn.fetchval("show lock_timeout") == "123ms"
        async with database.acquire() as conn:
            assert await conn.fetchval("show lock_timeout") == "5s"

    async def test_a_stuck_writer_does_not_stop_the_others_for_long(self, database: Database) -> None:
        async with database.transaction() as holder:
            await holder.execute(*insert("held"))
            with pytest.raises(asyncpg.LockNotAvailableError):
                async with database.transaction(lock_timeout_ms=50) as other:
                    await other.execute(*insert("held"))

    async def test_a_writer_that_falls_asleep_is_ended(self, database: Database) -> None:
        async def write() -> None:
            async with database.transaction() as conn:
                await conn.execute("set local idle_in_transaction_session_timeout = 50")
                await conn.execute(*insert("asleep"))
                await asyncio.sleep(0.2)

        with pytest.raises(OUTCOME_UNKNOWN):
            await write()
        assert await rows(database, "asleep") == 0

    async def test_a_lost_connection_is_an_unknown_outcome_and_the_pool_goes_on(
        self, database: Database, fresh: FreshDatabase
    ) -> None:
        admin = await asyncpg.connect(fresh.admin_dsn)

        async def write() -> None:
            async with database.transaction() as conn:
                await conn.execute(*insert("lost"))
                await admin.execute("select pg_terminate_backend($1)", conn.get_server_pid())
                await conn.execute(*insert("after"))

        try:
            with pytest.raises(OUTCOME_UNKNOWN):
                await write()
        finally:
            await admin.close()
        assert await rows(database, "lost") == 0


class TestOutcomeUnknown:
    async def test_includes_a_server_that_is_not_there(self) -> None:
        with pytest.raises(OUTCOME_UNKNOWN):
            await asyncpg.connect("postgresql://nobody:x@127.0.0.1:1/none")

    def test_does_not_include_a_refusal(self) -> None:
        assert not issubclass(asyncpg.UniqueViolationError, OUTCOME_UNKNOWN)
        assert not issubclass(asyncpg.LockNotAvailableError, OUTCOME_UNKNOWN)


class TestCheck:
    async def test_accepts_a_database_as_provisioned(self, database: Database) -> None:
        await database.check(revision="0001")

    async def test_refuses_a_superuser(self, fresh: FreshDatabase) -> None:
        await self.refused(fresh.admin_dsn, "superuser")

    async def test_refuses_the_owner_of_the_schema(self, fresh: FreshDatabase) -> None:
        await self.refused(fresh.owner_dsn, "owner of the schema kit")

    async def test_refuses_a_role_that_may_rewrite_events(self, fresh_database: FreshDatabaseFactory) -> None:
        fresh = fresh_database("kit")
        admin = await asyncpg.connect(fresh.admin_dsn)
        await admin.execute("grant update, delete on kit.events to xuefen_kit")
        await admin.close()
        await self.refused(fresh.app_dsn, "UPDATE, DELETE")

    async def test_refuses_commits_that_need_not_last(self, fresh: FreshDatabase) -> None:
        dsn = f"{fresh.app_dsn}?options=-csynchronous_commit%3Doff"
        await self.refused(dsn, "synchronous_commit")

    async def test_refuses_a_server_without_fsync(self, fresh_database: FreshDatabaseFactory) -> None:
        fresh = fresh_database("kit")
        admin = await asyncpg.connect(fresh.admin_dsn)
        try:
            for setting in ("fsync", "full_page_writes"):
                await admin.execute(f"alter system set {setting} = off")
                await admin.execute("select pg_reload_conf()")
                await until(admin, f"show {setting}", "off")
                await self.refused(fresh.app_dsn, setting)
                await admin.execute(f"alter system reset {setting}")
        finally:
            await admin.execute("alter system reset all")
            await admin.execute("select pg_reload_conf()")
            await until(admin, "show fsync", "on")
            await admin.close()

    async def test_refuses_a_schema_of_another_release(self, database: Database) -> None:
        with pytest.raises(SchemaRevisionError, match=r"revision 0001.*needs 0002.*xuefen migrate"):
            await database.check(revision="0002")

    async def test_refuses_a_database_that_was_never_migrated(
        self, fresh: FreshDatabase, fresh_database: FreshDatabaseFactory
    ) -> None:
        empty = fresh_database("kit")
        admin = await asyncpg.connect(empty.admin_dsn)
        await admin.execute("drop schema kit cascade")
        await admin.close()
        database = await connect(empty.app_dsn)
        with pytest.raises(SchemaRevisionError, match="revision none"):
            await database.check(revision="0001")
        await database.close()

    async def test_gives_a_service_no_database_that_is_refused_and_keeps_no_connection_to_it(
        self, fresh: FreshDatabase
    ) -> None:
        with pytest.raises(SchemaRevisionError, match="revision none"):
            await Database.connect_checked(
                fresh.app_dsn, service="sync", process="test", size_max=1, waits=Waits()
            )
        admin = await asyncpg.connect(fresh.admin_dsn)
        left = "select count(*)::text from pg_stat_activity where application_name = 'xuefen.sync.test'"
        await until(admin, left, "0")
        await admin.close()

    async def refused(self, dsn: str, words: str) -> None:
        database = await connect(dsn, size_max=1)
        try:
            with pytest.raises(UnsafeDatabaseError, match=words):
                await database.check(revision="0001")
        finally:
            await database.close()


async def until(conn: asyncpg.Connection, question: str, answer: str) -> None:
    for _ in range(200):
        if await conn.fetchval(question) == answer:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"{question} never became {answer}")


class TestDatabases:
    async def test_gives_the_engine_of_a_log(self, database: Database, fresh: FreshDatabase) -> None:
        other = await connect(fresh.app_dsn, size_max=1)
        databases = Databases(database, {"b": other, "c": other})
        assert databases.of("a") is database
        assert databases.of("b") is other
        assert databases.all() == [database, other]
        assert databases.grouped(["a", "b", "c", "d"]) == {database: ["a", "d"], other: ["b", "c"]}
        await other.close()


@pytest.fixture(scope="module", params=[0, 4], ids=["plain", "partitioned"])
def layout(request: pytest.FixtureRequest, fresh_database: FreshDatabaseFactory) -> FreshDatabase:
    return fresh_database("kit", partitions=request.param)


class TestEvents:
    @pytest.mark.parametrize(
        "statement",
        [
            "update events set topic = 'x'",
            "delete from events",
            "truncate events",
            "drop table events",
            "alter table events add column x int",
            "alter table events disable trigger all",
            "delete from logs",
            "truncate logs",
            "update alembic_version set version_num = 'x'",
            "create table mine (x int)",
        ],
    )
    async def test_cannot_be_rewritten_by_the_role_of_the_service(
        self, layout: FreshDatabase, statement: str
    ) -> None:
        database = await connect(layout.app_dsn, size_max=1)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with database.transaction() as conn:
                await conn.execute(statement)
        await database.close()

    @pytest.mark.parametrize("table", ["events_0", "events_3"])
    async def test_cannot_be_rewritten_through_a_partition(
        self, fresh_database: FreshDatabaseFactory, table: str
    ) -> None:
        database = await connect(fresh_database("kit", partitions=4).app_dsn, size_max=1)
        for verb in ("delete from", "truncate"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                async with database.transaction() as conn:
                    await conn.execute(f"{verb} {table}")
        await database.close()

    async def test_the_role_cannot_become_another(self, fresh: FreshDatabase) -> None:
        dsn = with_role(fresh.admin_dsn, fresh.name, "xuefen_kit", "test-kit")
        conn = await asyncpg.connect(dsn)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await conn.execute("set role xuefen_kit_owner")
        await conn.close()
