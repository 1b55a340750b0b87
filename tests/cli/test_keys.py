"""`xuefen keys rotate` and `retire`: what they write, and that they can be run again."""

import asyncio
from pathlib import Path

import pytest

from services.cli.keys import retire, rotate_keys
from services.cli.state_dir import StateDir
from services.kit.database import Database
from services.kit.key_shares import KeyShares
from services.kit.sealing import KeyWrapper
from services.kit.settings import SettingsError, new_key_text, secret_keys
from tests.conftest import FreshDatabaseFactory

PEOPLE = 7


@pytest.fixture
def home(fresh_database: FreshDatabaseFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StateDir:
    """A home whose registry has a few people's keys."""
    dsn = fresh_database("registry").app_dsn
    monkeypatch.setenv("XUEFEN_REGISTRY_DATABASE_URL", dsn)
    monkeypatch.setenv("XUEFEN_HOME", str(tmp_path))
    home = StateDir(tmp_path)
    wrapper = KeyWrapper(keys_of(home), shares=KeyShares(home.key_shares_file))
    asyncio.run(keep(dsn, [wrapper.new_key(str(each))[1] for each in range(PEOPLE)]))
    return home


async def keep(dsn: str, wrapped: list[str]) -> None:
    database = await Database.connect(dsn, schema="registry", application_name="test")
    async with database.acquire() as conn:
        statement = "insert into person_keys (log, person_id, wrapped_key) values ('registry', $1, $2)"
        await conn.executemany(statement, [(str(each), key) for each, key in enumerate(wrapped)])
    await database.close()


def keys_of(home: StateDir) -> list[bytes]:
    return secret_keys("KEY", None, home.key_encryption_key_file())


class TestRotate:
    def test_puts_a_new_key_in_front_and_wraps_all_anew(
        self, home: StateDir, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (old,) = keys_of(home)
        rotate_keys()
        new, kept = keys_of(home)
        assert (new != old, kept) == (True, old)
        shown = capsys.readouterr()
        assert f"{PEOPLE} keys wrapped anew, 0 of people erased, 0 left." in shown.out
        assert f"{PEOPLE}/{PEOPLE}" in shown.err
        rotate_keys()
        assert keys_of(home) == [new, old]
        assert "0 keys wrapped anew" in capsys.readouterr().out

    def test_takes_a_key_put_there_by_hand(self, home: StateDir) -> None:
        file = home.key_encryption_key_file()
        mine = new_key_text()
        file.write_text(f"{mine}\n{file.read_text()}")
        rotate_keys(as_is=True)
        assert file.read_text().split()[0] == mine

    def test_of_a_variable_is_done_as_it_is(self, home: StateDir, monkeypatch: pytest.MonkeyPatch) -> None:
        old = home.key_encryption_key_file().read_text()
        monkeypatch.setenv("XUEFEN_KEY_ENCRYPTION_KEY", old)
        with pytest.raises(SettingsError, match="--as-is"):
            rotate_keys()
        monkeypatch.setenv("XUEFEN_KEY_ENCRYPTION_KEY", f"{new_key_text()} {old}")
        rotate_keys(as_is=True)

    def test_without_the_old_key_says_so(self, home: StateDir) -> None:
        home.key_encryption_key_file().write_text(new_key_text())
        with pytest.raises(SettingsError, match="not given any more"):
            rotate_keys(as_is=True)


class TestRetire:
    def test_takes_the_old_key_out_and_keeps_it_aside(self, home: StateDir) -> None:
        (old,) = keys_of(home)
        rotate_keys()
        retire()
        (new,) = keys_of(home)
        assert new != old
        aside = home.key_encryption_key_file().with_name("key-encryption.key.retired")
        assert secret_keys("KEY", None, aside) == [old]
        assert aside.stat().st_mode & 0o077 == 0
        rotate_keys()
        retire()
        assert len(secret_keys("KEY", None, aside)) == 2

    def test_does_nothing_to_the_only_key(self, home: StateDir) -> None:
        before = keys_of(home)
        retire()
        assert keys_of(home) == before
