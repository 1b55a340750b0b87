"""`xuefen identity`: what is written and said; the rotation itself, with people, is in `e2e/test_identity_key.py`."""

import json
from pathlib import Path

import pytest

from contracts.divisions import AUTHORITIES
from services.cli.identity import rehash, retire, rotate
from services.cli.state_dir import StateDir
from services.kit.settings import SettingsError, secret_keys
from tests.conftest import FreshDatabaseFactory


@pytest.fixture
def home(fresh_database: FreshDatabaseFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StateDir:
    """A home whose registry and ledger have nobody yet."""
    monkeypatch.setenv("XUEFEN_REGISTRY_DATABASE_URL", fresh_database("registry").app_dsn)
    monkeypatch.setenv("XUEFEN_LEDGER_DATABASE_URL", fresh_database("ledger", logs=AUTHORITIES).app_dsn)
    monkeypatch.setenv("XUEFEN_HOME", str(tmp_path))
    return StateDir(tmp_path)


def keys_of(path: Path) -> list[bytes]:
    return secret_keys("KEY", None, path)


class TestRotate:
    def test_turns_the_key_and_retires_the_old_one(
        self, home: StateDir, capsys: pytest.CaptureFixture[str]
    ) -> None:
        file = home.identity_key_file()
        [old] = keys_of(file)
        with pytest.raises(SettingsError, match="second line"):
            rotate(as_is=True)
        rotate(wait_seconds=0)
        new, kept = keys_of(file)
        assert (new != old, kept) == (True, old)
        assert "0 of 0 people rehashed" in capsys.readouterr().out
        rotate(wait_seconds=0)
        assert keys_of(file) == [new, old]

        retire(wait_seconds=0)
        assert keys_of(file) == [new]
        aside = file.with_name("identity.key.retired")
        assert (keys_of(aside), aside.stat().st_mode & 0o077) == ([old], 0)
        assert f"the old key is in {aside}. Destroy it and every backup of it" in capsys.readouterr().out
        retire(wait_seconds=0)
        assert "one key only" in capsys.readouterr().out


class TestRehash:
    def test_says_what_it_did_as_json(self, home: StateDir, capsys: pytest.CaptureFixture[str]) -> None:
        rehash(json=True)
        assert json.loads(capsys.readouterr().out) == {
            "looked_at": 0,
            "rehashed": 0,
            "unreadable": 0,
            "collisions": [],
        }
