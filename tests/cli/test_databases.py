"""The PostgreSQL of the commands: one's own by an administrator's address, role by role, or the embedded one."""

from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from services.cli.databases import EngineChoice, databases_for_a_command, migrate
from services.cli.settings import SERVICES, StackSettings
from services.cli.state_dir import StateDir
from services.kit.embedded_postgres import EmbeddedPostgres
from services.kit.migrations import head_revision
from services.kit.provision import with_database
from services.kit.settings import SettingsError
from tests.conftest import in_thread, outside_loop, reachable


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """A server that is not the stack's."""
    server = EmbeddedPostgres(reachable(tmp_path_factory.mktemp("own")) / "postgres")
    server.start()
    yield server
    server.remove()


@pytest.fixture(scope="module")
def settings(own: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> StackSettings:
    return told(tmp_path_factory.mktemp("home"), database_url=own.dsn)


def told(home: Path, **more: object) -> StackSettings:
    return StackSettings.model_validate({"home": home, **more})


def fetchval(dsn: str, question: str) -> object:
    async def ask() -> object:
        conn = await asyncpg.connect(dsn)
        try:
            return await conn.fetchval(question)
        finally:
            await conn.close()

    return outside_loop(ask)


def open_and_close(settings: StackSettings) -> dict[str, str]:
    engine = EngineChoice(settings, StateDir(settings.home))
    try:
        return in_thread(engine.open)
    finally:
        engine.close()


class TestAnAdministratorsAddress:
    def test_is_where_everything_is_made_and_migrated(
        self, own: EmbeddedPostgres, settings: StackSettings
    ) -> None:
        dsns = open_and_close(settings)
        in_thread(lambda: migrate(settings, dsns, say=lambda _: None))
        for service in SERVICES:
            revision = fetchval(dsns[service], f"select version_num from {service}.alembic_version")
            assert revision == head_revision(service)
            assert fetchval(dsns[service], "select current_database()") == "xuefen"
        assert not StateDir(settings.home).database.exists()
        assert own.pid

    def test_gives_the_same_roles_again(self, settings: StackSettings) -> None:
        assert open_and_close(settings) == open_and_close(settings)

    def test_may_name_another_database(self, own: EmbeddedPostgres, settings: StackSettings) -> None:
        named = told(settings.home, database_url=with_database(own.dsn, "named"))
        assert fetchval(open_and_close(named)["ledger"], "select current_database()") == "named"

    def test_leaves_the_password_of_a_role_made_elsewhere_alone(
        self, own: EmbeddedPostgres, settings: StackSettings, tmp_path: Path
    ) -> None:
        dsns = open_and_close(settings)
        with pytest.raises(SettingsError, match="XUEFEN_<SERVICE>_DATABASE_URL"):
            open_and_close(told(tmp_path, database_url=own.dsn))
        assert fetchval(dsns["ledger"], "select 1") == 1

    @pytest.mark.parametrize("url", ["postgresql://postgres:x@127.0.0.1:1/x", "nonsense", "postgresql:///x"])
    def test_that_leads_nowhere_is_said_with_its_variable(self, tmp_path: Path, url: str) -> None:
        with pytest.raises(SettingsError, match="XUEFEN_DATABASE_URL"):
            open_and_close(told(tmp_path, database_url=url))


class TestAddressesOfRoles:
    def test_are_used_as_they_are(self, settings: StackSettings, tmp_path: Path) -> None:
        dsns = open_and_close(settings)
        given = told(tmp_path, ledger_database_url=dsns["ledger"], ledger_owner_database_url="postgresql://x")
        assert open_and_close(given) == {"ledger": dsns["ledger"], "ledger_owner": "postgresql://x"}

    def test_migrating_needs_the_owner_s(self, settings: StackSettings, tmp_path: Path) -> None:
        with pytest.raises(SettingsError, match="XUEFEN_LEDGER_OWNER_DATABASE_URL is not set"):
            migrate(told(tmp_path), {"ledger": "postgresql://x"}, services=["ledger"], say=lambda _: None)

    def test_a_log_on_another_server_is_migrated_there_too(
        self, own: EmbeddedPostgres, settings: StackSettings
    ) -> None:
        first = open_and_close(settings)
        second = open_and_close(told(settings.home, database_url=with_database(own.dsn, "second")))
        spread = told(settings.home, ledger_owner_databases={"440300": second["ledger_owner"]})
        in_thread(lambda: migrate(spread, first, services=["ledger"], say=lambda _: None))
        revision = fetchval(second["ledger"], "select version_num from ledger.alembic_version")
        assert revision == head_revision("ledger")


class TestTheEmbeddedOne:
    def test_runs_for_the_time_of_a_command(self, tmp_path: Path) -> None:
        def command() -> None:
            with databases_for_a_command(told(tmp_path / "home")) as dsns:
                assert fetchval(dsns["registry"], "select 1") == 1
                kept.update(dsns)

        kept: dict[str, str] = {}
        in_thread(command)
        with pytest.raises(OSError):  # noqa: PT011  refused, reset or timed out: it is gone
            fetchval(kept["registry"], "select 1")
        StateDir(tmp_path / "home").delete()
