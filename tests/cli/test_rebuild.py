"""`xuefen rebuild` finds the read models of every service and says what it did; `xuefen check` names rows that differ."""

import asyncio
import json
from importlib import import_module

import pytest
from rich.console import Console

from contracts.divisions import AUTHORITIES, NATION
from services.cli.main import app
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


DAMAGE = {
    "registry": ("registry", "insert into documents values ($1, 'never-heard-of', 'nobody', 'held', 1)"),
    "ledger": ("210000", "insert into former_identities values ($1, 'never-heard-of', 'nobody')"),
    "transfer": ("transfer", "insert into worklist values ($1, '210000', 'open', now(), 'never-heard-of')"),
}


@pytest.mark.parametrize("service", MODULES)
async def test_a_check_names_a_damaged_row_leaves_it_and_ends_with_1(
    service: str,
    fresh_database: FreshDatabaseFactory,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    dsn = fresh_database(service).app_dsn
    monkeypatch.setenv(f"XUEFEN_{service.upper()}_DATABASE_URL", dsn)
    log, damage = DAMAGE[service]
    database = await Database.connect(dsn, schema=service, application_name="test")
    async with database.acquire() as conn:
        if service == "ledger":
            await EventStore().open_logs(conn, [*AUTHORITIES, NATION])

    async def checked(*options: str) -> tuple[int | str | None, str]:
        with pytest.raises(SystemExit) as ended:
            await asyncio.to_thread(app, ["check", service, "--log", log, *options])
        return ended.value.code, capsys.readouterr().out

    assert (await checked())[0] == 0
    async with database.acquire() as conn:
        await conn.execute(damage, log)
    await database.close()

    code, told = await checked()
    assert code == 1
    assert "surplus: " in told
    assert "never-heard-of" in told
    code, told = await checked("--json")
    assert code == 1
    assert sum(each["rows_differing"] for each in json.loads(told)[service]) == 1
