"""The examination of a deployment: what keeps it from serving is found, named and in the exit status."""

import asyncio
import json
from pathlib import Path

import pytest

from services.cli.doctor import DISK_BYTES_MIN, Finding, calendar_finding, disk_finding, examine
from services.cli.main import app
from tests.conftest import FreshDatabaseFactory


async def found() -> dict[str, Finding]:
    return {finding.check: finding async for finding in examine()}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A deployment whose issuer is not there."""
    monkeypatch.setenv("XUEFEN_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XUEFEN_JWKS_URL", "http://127.0.0.1:1/keys")
    return tmp_path


@pytest.mark.usefixtures("home")
class TestDoctor:
    async def test_a_database_is_good_or_says_why_not(
        self, fresh_database: FreshDatabaseFactory, monkeypatch: pytest.MonkeyPatch
    ):
        ledger = fresh_database("ledger")
        monkeypatch.setenv("XUEFEN_LEDGER_DATABASE_URL", ledger.app_dsn)
        monkeypatch.setenv("XUEFEN_REGISTRY_DATABASE_URL", ledger.owner_dsn)
        monkeypatch.setenv("XUEFEN_SYNC_DATABASE_URL", "postgresql://x:hunter2@127.0.0.1:1/x")

        findings = await found()

        assert findings["database of ledger"].state == "good"
        assert findings["database of registry"].state == "bad"
        assert "does not answer" in findings["database of sync"].en
        assert findings["issuer"].state == "bad"
        assert "hunter2" not in str(findings)

    async def test_settings_that_cannot_be_read_are_the_last_word(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setenv("XUEFEN_LOG_LEVEL", "loud")
        monkeypatch.setenv("XUEFEN_REGISTRY_URL", "registry")
        findings = [finding async for finding in examine()]
        assert [(each.check, each.state) for each in findings] == [("settings", "bad")] * 2

    async def test_the_command_ends_with_1_and_prints_json(self, capsys: pytest.CaptureFixture[str]):
        with pytest.raises(SystemExit) as ended:
            await asyncio.to_thread(app, ["doctor", "--json"])
        assert ended.value.code == 1
        told = json.loads(capsys.readouterr().out)
        assert {"settings", "calendar", "disk", "database", "issuer"} == {each["check"] for each in told}


def test_little_room_is_bad_and_an_unknown_year_a_warning():
    assert disk_finding(DISK_BYTES_MIN - 1).state == "bad"
    assert disk_finding(DISK_BYTES_MIN).state == "good"
    assert (calendar_finding(2027).state, calendar_finding(None).state) == ("warning", "good")
