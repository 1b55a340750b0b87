"""Composition of the console's parts, once for a process."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

from services.console.issuers import Issuers
from services.console.pages import Pages, Screen
from services.console.services_client import ServicesClient, open_services
from services.console.sessions import Sessions
from services.console.settings import ConsoleSettings
from services.console.signing_in import RETURN_PATH
from services.console.web import Parts
from services.kit.clock import Clock, utc_now
from services.kit.database import Database

SCHEMA = "console"


async def connect(settings: ConsoleSettings) -> Database:
    """The database, checked before it is used. Raises UnsafeDatabaseError and SchemaRevisionError."""
    return await Database.connect_checked(
        settings.console_database_url,
        service=SCHEMA,
        process="api",
        size_max=settings.console_pool_size,
        waits=settings.waits("api"),
    )


def parts_of_console(
    settings: ConsoleSettings,
    database: Database,
    services: ServicesClient,
    screens: Sequence[Screen],
    *,
    issuers: Issuers | None = None,
    clock: Clock = utc_now,
) -> Parts:
    """The parts over a database and clients that are open."""
    sessions = Sessions(
        database,
        algorithm=settings.algorithm,
        idle=timedelta(minutes=settings.console_idle_minutes),
        whole=timedelta(hours=settings.console_session_hours),
        clock=clock,
    )
    known = issuers or Issuers(
        settings.sign_in_issuers,
        returning=settings.console_url.rstrip("/") + RETURN_PATH,
        now=lambda: clock().timestamp(),
    )
    return Parts(settings, sessions, services, known, Pages(screens), clock)


@asynccontextmanager
async def open_console(settings: ConsoleSettings, screens: Sequence[Screen]) -> AsyncIterator[Parts]:
    """The console, connected and ready; closed at the end."""
    addresses = {
        "registry": settings.registry_url,
        "ledger": settings.ledger_url,
        "transfer": settings.transfer_url,
        "sync": settings.sync_url,
    }
    database = await connect(settings)
    try:
        async with open_services(addresses) as services:
            yield parts_of_console(settings, database, services, screens)
    finally:
        await database.close()
