"""Migrations: what they leave behind, that they may be repeated, and that they do not wait for ever."""

import asyncio
import sys
from pathlib import Path

import asyncpg
import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from services.kit import migrations
from services.kit.migrations import head_of, head_revision, upgrade_from, versions_of
from tests.conftest import KIT_VERSIONS, FreshDatabase, FreshDatabaseFactory

FIRST = """
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.execute("create table notes (body text)")
"""
SECOND = (
    FIRST.replace('"0001"', '"0002"')
    .replace("None", '"0001"', 1)
    .replace("create table notes (body text)", "{statement}")
)

UPGRADE = """
import sys
from pathlib import Path
from services.kit.migrations import upgrade_from

upgrade_from(Path(sys.argv[1]), sys.argv[2], schema="kit")
"""


def write(folder: Path, name: str, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.py").write_text(text)
    return folder


@pytest.fixture
async def empty(fresh_database: FreshDatabaseFactory) -> FreshDatabase:
    """A provisioned database whose schema holds nothing."""
    fresh = fresh_database("kit")
    conn = await asyncpg.connect(fresh.owner_dsn)
    tables = await conn.fetch("select tablename from pg_tables where schemaname = 'kit'")
    for row in tables:
        await conn.execute(f"drop table if exists kit.{row['tablename']} cascade")
    await conn.close()
    return fresh


async def upgrade(fresh: FreshDatabase, versions: Path, *, partitions: int = 0) -> None:
    await asyncio.to_thread(upgrade_from, versions, fresh.owner_dsn, schema="kit", partitions=partitions)


async def fetchval(dsn: str, question: str) -> object:
    conn = await asyncpg.connect(dsn)
    try:
        return await conn.fetchval(question)
    finally:
        await conn.close()


class TestUpgrade:
    async def test_keeps_its_version_inside_the_schema(self, empty: FreshDatabase) -> None:
        await upgrade(empty, KIT_VERSIONS)
        assert await fetchval(empty.app_dsn, "select version_num from kit.alembic_version") == "0001"
        assert await fetchval(empty.app_dsn, "select to_regclass('public.alembic_version')") is None

    async def test_twice_changes_nothing(self, empty: FreshDatabase) -> None:
        await upgrade(empty, KIT_VERSIONS)
        await upgrade(empty, KIT_VERSIONS)
        assert await fetchval(empty.app_dsn, "select count(*) from kit.alembic_version") == 1

    async def test_two_at_the_same_time_wait_for_each_other(self, empty: FreshDatabase) -> None:
        command = [sys.executable, "-c", UPGRADE, str(KIT_VERSIONS), empty.owner_dsn]
        both = [await asyncio.create_subprocess_exec(*command) for _ in range(2)]
        assert [await process.wait() for process in both] == [0, 0]
        assert await fetchval(empty.app_dsn, "select version_num from kit.alembic_version") == "0001"

    async def test_partitions_by_log_when_asked(self, empty: FreshDatabase) -> None:
        await upgrade(empty, KIT_VERSIONS, partitions=4)
        count = "select count(*) from pg_inherits where inhparent = 'kit.events'::regclass"
        assert await fetchval(empty.app_dsn, count) == 4

    async def test_a_failing_step_leaves_the_steps_before_it(
        self, empty: FreshDatabase, tmp_path: Path
    ) -> None:
        versions = write(tmp_path / "versions", "0001", FIRST)
        write(versions, "0002", SECOND.format(statement="create table bad (x nosuchtype)"))
        with pytest.raises(Exception, match="nosuchtype"):
            await upgrade(empty, versions)
        assert await fetchval(empty.app_dsn, "select version_num from kit.alembic_version") == "0001"
        (versions / "0002.py").write_text(SECOND.format(statement="create table good (x int)"))
        await upgrade(empty, versions)
        assert await fetchval(empty.app_dsn, "select version_num from kit.alembic_version") == "0002"

    async def test_gives_up_a_lock_it_cannot_have(self, empty: FreshDatabase, tmp_path: Path) -> None:
        versions = write(tmp_path / "versions", "0001", FIRST)
        await upgrade(empty, versions)
        second = SECOND.replace(
            "    op.execute(", '    op.execute("set local lock_timeout = 50")\n    op.execute('
        )
        write(versions, "0002", second.format(statement="alter table notes add column author text"))
        reader = await asyncpg.connect(empty.app_dsn)
        async with reader.transaction():
            await reader.fetch("select * from kit.notes")
            with pytest.raises(Exception, match="lock timeout"):
                await upgrade(empty, versions)
        await reader.close()

    async def test_runs_with_a_lock_timeout_of_its_own(self, empty: FreshDatabase, tmp_path: Path) -> None:
        statement = "create table settings as select current_setting('lock_timeout') as lock_timeout"
        versions = write(tmp_path / "versions", "0001", FIRST.replace(FIRST.split('"')[3], statement))
        await upgrade(empty, versions)
        assert await fetchval(empty.app_dsn, "select lock_timeout from kit.settings") == "5s"


class TestPrivileges:
    async def test_a_new_table_is_the_service_s_to_write(self, empty: FreshDatabase, tmp_path: Path) -> None:
        versions = write(tmp_path / "versions", "0001", FIRST)
        await upgrade(empty, versions)
        conn = await asyncpg.connect(empty.app_dsn)
        await conn.execute("insert into kit.notes values ('x')")
        assert await conn.execute("delete from kit.notes") == "DELETE 1"
        await conn.close()

    async def test_a_grant_too_many_is_taken_away_by_the_next_upgrade(self, empty: FreshDatabase) -> None:
        await upgrade(empty, KIT_VERSIONS)
        owner = await asyncpg.connect(empty.owner_dsn)
        await owner.execute("grant all on kit.events to xuefen_kit")
        await owner.close()
        await upgrade(empty, KIT_VERSIONS)
        may = "select has_table_privilege('kit.events', 'update, delete, truncate')"
        assert await fetchval(empty.app_dsn, may) is False

    async def test_a_table_the_owner_makes_later_is_writable_at_once(self, empty: FreshDatabase) -> None:
        owner = await asyncpg.connect(empty.owner_dsn)
        await owner.execute("create table kit.beside (x int)")
        await owner.close()
        may = "select has_table_privilege('kit.beside', 'insert')"
        assert await fetchval(empty.app_dsn, may) is True


class TestHeadRevision:
    def test_is_the_newest_step(self) -> None:
        assert head_of(KIT_VERSIONS) == "0001"

    @pytest.mark.parametrize("service", ["registry", "ledger", "transfer", "sync"])
    def test_is_the_one_that_alembic_goes_to(self, service: str) -> None:
        config = Config()
        config.set_main_option("path_separator", "newline")
        config.set_main_option("script_location", str(Path(migrations.__file__).with_name("migration_env")))
        config.set_main_option("version_locations", str(versions_of(service)))
        assert head_revision(service) == ScriptDirectory.from_config(config).get_current_head()

    def test_two_steps_that_are_both_last_are_none(self, tmp_path: Path) -> None:
        write(tmp_path, "0001", FIRST)
        write(tmp_path, "0002", FIRST.replace('"0001"', '"0002"'))
        with pytest.raises(LookupError, match="several"):
            head_of(tmp_path)

    def test_a_folder_without_steps_has_none(self, tmp_path: Path) -> None:
        with pytest.raises(LookupError):
            head_of(tmp_path)

    def test_an_unknown_service_is_said_so(self) -> None:
        with pytest.raises(LookupError, match="no_such_service"):
            versions_of("no_such_service")
