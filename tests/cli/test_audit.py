"""`xuefen audit verify`: what it says, what it keeps, and how it ends."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest

from services.cli.audit import HEADS_FILE, verify_audit
from services.cli.state_dir import StateDir
from services.kit.audit import Audit, Reading, Whereabouts
from services.kit.audit_records import Sealer
from services.kit.auth import Caller
from services.kit.clock import utc_now
from services.kit.database import Database, Databases
from services.kit.settings import secret_key
from tests.conftest import FreshDatabase, FreshDatabaseFactory

Tamper = Callable[[str], None]


@pytest.fixture
def fresh(
    fresh_database: FreshDatabaseFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> FreshDatabase:
    """A transfer service's database in which three readings are sealed."""
    fresh = fresh_database("transfer")
    monkeypatch.setenv("XUEFEN_TRANSFER_DATABASE_URL", fresh.app_dsn)
    monkeypatch.setenv("XUEFEN_HOME", str(tmp_path))
    key = secret_key("KEY", None, StateDir(tmp_path).audit_key_file())
    asyncio.run(read_thrice(fresh.app_dsn, key))
    return fresh


async def read_thrice(dsn: str, key: bytes) -> None:
    database = await Database.connect(dsn, schema="transfer", application_name="test")
    databases = Databases(database)
    audit = Audit(databases, utc_now, key=key, where=lambda _: Whereabouts("transfer", ["100000"]))
    for subject in ("a", "b", "c"):
        reading = Reading(Caller("reader", frozenset()), "transfer")
        reading.about(subject, "210000")
        await audit.write(reading)
    await Sealer(databases, key).seal_all()
    await database.close()


def as_owner(fresh: FreshDatabase, statement: str) -> None:
    async def execute() -> None:
        conn = await asyncpg.connect(fresh.owner_dsn, server_settings={"search_path": "transfer"})
        await conn.execute(statement)
        await conn.close()

    asyncio.run(execute())


def test_keeps_the_heads_when_everything_is_there(
    fresh: FreshDatabase, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    verify_audit("transfer")
    shown = capsys.readouterr().out
    assert "transfer: 3 records in 1 logs" in shown
    assert "Nothing was removed or altered" in shown
    assert '"transfer":[3,' in (tmp_path / HEADS_FILE).read_text()


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ("delete from audit_records where subjects = '{b}'", "removed transfer 2"),
        ("update audit_records set caller = 'nobody' where subjects = '{c}'", "altered transfer 3"),
        ("delete from audit_seals", "cut transfer 3"),
    ],
)
def test_ends_with_1_and_keeps_the_old_heads_when_something_was_done(
    fresh: FreshDatabase, tmp_path: Path, capsys: pytest.CaptureFixture[str], statement: str, fault: str
) -> None:
    verify_audit("transfer")
    kept = (tmp_path / HEADS_FILE).read_text()
    as_owner(fresh, statement)
    with pytest.raises(SystemExit) as ended:
        verify_audit("transfer")
    assert ended.value.code == 1
    assert fault in capsys.readouterr().out
    assert (tmp_path / HEADS_FILE).read_text() == kept
