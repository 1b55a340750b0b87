"""`xuefen rebuild` finds the read models of every service that keeps some, and says what they did."""

from importlib import import_module

import pytest
from rich.console import Console

from contracts.divisions import AUTHORITIES, NATION
from services.cli.rebuild import MODULES, rebuild
from services.cli.settings import SERVICES, StackSettings
from services.kit.database import Database
from services.kit.event_store import EventStore
from services.kit.settings import SettingsError
from tests.conftest import FreshDatabaseFactory

KEPT = {"registry": 1, "ledger": 2, "transfer": 1}
"""How many logs are rebuilt here."""


async def rebuilt(service: str, dsn: str, *models: str) -> list[int]:
    """The positions that were reached, one for each read model of each log."""
    logs = ["210000", "440000"] if service == "ledger" else []
    done = await rebuild(
        service, StackSettings.load(), {service: dsn}, models=models, logs=logs, console=Console(quiet=True)
    )
    return [each.position for each in done]


@pytest.mark.parametrize("service", MODULES)
async def test_every_read_model_of_a_service_is_built_anew(
    service: str, fresh_database: FreshDatabaseFactory
):
    dsn = fresh_database(service).app_dsn
    if service == "ledger":
        database = await Database.connect(dsn, schema="ledger", application_name="test")
        async with database.acquire() as conn:
            await EventStore().open_logs(conn, [*AUTHORITIES, NATION])
        await database.close()
    known = import_module(MODULES[service]).READ_MODELS

    assert await rebuilt(service, dsn) == [0] * len(known) * KEPT[service]
    assert await rebuilt(service, dsn, known[0]) == [0] * KEPT[service]
    with pytest.raises(SettingsError, match=known[-1]):
        await rebuilt(service, dsn, "nothing")


@pytest.mark.parametrize("service", sorted(set(SERVICES) - set(MODULES)))
async def test_a_service_without_any_says_so(service: str):
    with pytest.raises(SettingsError, match="no read models"):
        await rebuilt(service, "postgresql://nowhere/xuefen")
