"""The PostgreSQL that the services use: one's own by its address, or the embedded one; made ready to be used."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from urllib.parse import unquote, urlsplit

import asyncpg

from services.cli.settings import PROCESSES, StackSettings
from services.cli.state_dir import StateDir
from services.kit.database import Database, Databases
from services.kit.embedded_postgres import EmbeddedPostgres
from services.kit.migrations import upgrade
from services.kit.provision import provision, with_database
from services.kit.settings import SettingsError

DATABASE = "xuefen"
_EMBEDDED_SETTINGS = {"max_connections": "200", "shared_buffers": "256MB", "max_wal_size": "4GB"}

Say = Callable[[str], None]


class EngineChoice:
    """The PostgreSQL behind the services, started when it is the embedded one."""

    def __init__(self, settings: StackSettings, home: StateDir) -> None:
        self._settings = settings
        self._home = home
        self.embedded: EmbeddedPostgres | None = None

    def open(self) -> dict[str, str]:
        """The addresses of the services' roles, keyed `ledger` and `ledger_owner`, on an engine that answers.

        Where addresses of roles are given one by one, these and no others. Raises SettingsError when the
        administrator's address cannot be used or a role's password is not ours, and EmbeddedPostgresError
        when the embedded server does not start.
        """
        given = self._settings.database_urls()
        if self._settings.database_url is not None:
            return self._provisioned(self._settings.database_url.get_secret_value()) | given
        if given:
            return given
        self.embedded = EmbeddedPostgres(
            self._home.database, port=self._settings.database_port, settings=_EMBEDDED_SETTINGS
        )
        self.embedded.start()
        passwords = self._home.database_passwords(PROCESSES)
        return asyncio.run(provision(self.embedded.dsn, DATABASE, passwords=passwords))

    def close(self) -> None:
        """Stop the embedded server; leave one's own alone."""
        if self.embedded is not None:
            self.embedded.stop()

    def _provisioned(self, admin_dsn: str) -> dict[str, str]:
        named = unquote(urlsplit(admin_dsn).path.lstrip("/"))
        database = DATABASE if named in ("", "postgres") else named
        passwords = self._home.database_passwords(PROCESSES)
        try:
            return asyncio.run(_provision_and_try(admin_dsn, database, passwords))
        except asyncpg.InvalidPasswordError as error:
            raise SettingsError(
                f"XUEFEN_DATABASE_URL: {error}. A role that was made elsewhere keeps its password: give its "
                f"address in XUEFEN_<SERVICE>_DATABASE_URL, or put the passwords into {self._home.path}/secrets."
            ) from None
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
            raise SettingsError(f"XUEFEN_DATABASE_URL: {error}") from None


async def _provision_and_try(admin_dsn: str, database: str, passwords: dict[str, str]) -> dict[str, str]:
    # The database named in the address need not exist yet; `postgres` does on every server.
    start = with_database(admin_dsn, "postgres")
    dsns = await provision(start, database, passwords=passwords, keep_passwords=True)
    for dsn in dsns.values():
        await (await asyncpg.connect(dsn)).close()
    return dsns


def migrate(
    settings: StackSettings, dsns: dict[str, str], *, services: Sequence[str] = PROCESSES, say: Say
) -> None:
    """Bring every schema whose owner's address is known to the revision of this release.

    Raises SettingsError when a service was named whose owner's address is not known.
    """
    for service in services:
        owners = [dsns[f"{service}_owner"]] if f"{service}_owner" in dsns else []
        if service == "ledger":
            others = settings.ledger_owner_databases.values()
            owners += list(dict.fromkeys(url.get_secret_value() for url in others))
        if not owners:
            raise SettingsError(f"XUEFEN_{service.upper()}_OWNER_DATABASE_URL is not set")
        for owner in owners:
            say(service)
            upgrade(service, owner, schema=service, partitions=settings.partitions)


@contextmanager
def databases_for_a_command(settings: StackSettings) -> Iterator[dict[str, str]]:
    """The addresses to use by a command that runs beside a stack, or without one.

    A running stack's databases are used as they are; else the engine is started for the time of the command.
    """
    home = StateDir(settings.home)
    record = home.read_record()
    if record is not None and record.supervisor.running and record.databases:
        yield record.databases
        return
    engine = EngineChoice(settings, home)
    try:
        yield engine.open()
    finally:
        engine.close()


async def connect_as(
    service: str, settings: StackSettings, dsns: dict[str, str], *, purpose: str
) -> Databases:
    """The databases of a service as a command uses them; `purpose` shows in PostgreSQL's list of connections.

    Raises SettingsError when the service's database is not known.
    """
    if service not in dsns:
        raise SettingsError(f"XUEFEN_{service.upper()}_DATABASE_URL is not set")
    by_log = {log: url.get_secret_value() for log, url in settings.ledger_databases.items()}
    if service != "ledger":
        by_log = {}
    opened: dict[str, Database] = {}
    for dsn in dict.fromkeys([dsns[service], *by_log.values()]):
        opened[dsn] = await Database.connect(
            dsn,
            schema=service,
            application_name=f"xuefen.{service}.{purpose}",
            size_max=2,
            waits=settings.waits(purpose),
        )
    return Databases(opened[dsns[service]], {log: opened[dsn] for log, dsn in by_log.items()})
