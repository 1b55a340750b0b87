"""Tokens and keys from the command line."""

import importlib
import re
import stat
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest

from services.cli import databases
from services.cli.demo.outside import running_outside
from services.cli.main import app
from services.cli.settings import misspelt_variables
from services.cli.sign_in import SCOPES
from services.cli.state_dir import StateDir, make_keys
from services.kit.auth import Caller, Issuer, TokenVerifier
from services.kit.key_sets import FixedKeys
from services.kit.settings import SettingsError
from services.kit.signing import signing_key_from

Run = Callable[..., str]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command with a home of its own; what it printed."""
    monkeypatch.setenv("XUEFEN_HOME", str(tmp_path / "home"))

    def call(*arguments: str) -> str:
        app(arguments, result_action="return_value")
        return capsys.readouterr().out.strip()

    return call


def verifier(home: Path) -> TokenVerifier:
    key = signing_key_from((home / "secrets" / "signing.jwk").read_text())
    return TokenVerifier([Issuer("http://127.0.0.1:8001", FixedKeys.of(key))])


class TestToken:
    @pytest.mark.parametrize("kind", sorted(SCOPES))
    async def test_has_the_scopes_of_its_kind(self, run: Run, tmp_path: Path, kind: str) -> None:
        place = ("--place", "210000") if kind in ("official", "operator") else ()
        caller = await caller_of(run, tmp_path, kind, *place)
        assert caller.scopes == SCOPES[kind]
        assert caller.subject == kind

    async def test_is_bound_to_a_place_or_an_organization(self, run: Run, tmp_path: Path) -> None:
        official = await caller_of(run, tmp_path, "official", "--place", "210000", "--subject", "zhao")
        assert (official.place, official.subject) == ("210000", "zhao")
        provider = await caller_of(run, tmp_path, "provider", "--organization", "org-1")
        assert (provider.organization, provider.subject) == ("org-1", "org-1")

    @pytest.mark.parametrize("kind", ["official", "operator"])
    def test_that_would_be_able_to_do_nothing_is_not_made(self, run: Run, kind: str) -> None:
        with pytest.raises(SettingsError, match="--place"):
            run("token", kind)

    async def test_takes_other_scopes(self, run: Run, tmp_path: Path) -> None:
        caller = await caller_of(run, tmp_path, "sync", "--scope", "feed:read", "--scope", "client:write")
        assert caller.scopes == {"feed:read", "client:write"}

    def test_goes_into_a_file_only_we_may_read(self, run: Run, tmp_path: Path) -> None:
        assert run("token", "service", "--out", str(tmp_path / "token")) == ""
        assert stat.S_IMODE((tmp_path / "token").stat().st_mode) == 0o600
        assert (tmp_path / "token").read_text().count(".") == 2


SLOW = {"alembic", "asyncpg", "chinese_calendar", "fastapi", "httpx", "sqlalchemy", "starlette", "uvicorn"}
"""What takes longer to import than a small command may take."""


class TestStart:
    @pytest.mark.parametrize("arguments", [["--help"], ["token", "service"], ["token", "--help"], ["status"]])
    def test_a_small_command_imports_nothing_slow(self, tmp_path: Path, arguments: list[str]) -> None:
        code = (
            "import sys\n"
            "from services.cli.main import app\n"
            "try:\n"
            f"    app({arguments!r})\n"
            "except SystemExit:\n"
            "    pass\n"
            "print(*sorted(sys.modules), file=sys.stderr)\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", code],
            env={"XUEFEN_HOME": str(tmp_path / "home"), "PATH": ""},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout
        assert not SLOW.intersection(done.stderr.split())

    @pytest.mark.parametrize(
        ("name", "module"),
        [
            ("policy", "policy"),
            ("keys", "keys"),
            ("sync", "sync"),
            ("demo", "demo.command"),
        ],
    )
    def test_help_tells_of_a_group_what_the_group_says_itself(
        self, run: Run, monkeypatch: pytest.MonkeyPatch, name: str, module: str
    ) -> None:
        """The list of commands is printed without importing them."""
        monkeypatch.setenv("COLUMNS", "200")
        assert importlib.import_module(f"services.cli.{module}").app.help in run("--help")


class TestKeys:
    @pytest.mark.parametrize(
        "lost",
        ["identity.key", "digest.key", "key-encryption.key", "audit.key", "webhook.key", "signing.jwk"],
    )
    def test_one_that_is_lost_is_not_made_anew_without_being_told(
        self, run: Run, tmp_path: Path, lost: str
    ) -> None:
        folder = tmp_path / "keys"
        run("keys", str(folder))
        (folder / lost).unlink()
        with pytest.raises(SettingsError, match=f"^{lost} missing"):
            make_keys(folder)
        assert not (folder / lost).exists()
        run("keys", str(folder), "--replace-missing")
        assert (folder / lost).exists()

    def test_a_home_makes_none_anew_beside_the_others(self, tmp_path: Path) -> None:
        home = StateDir(tmp_path / "home")
        home.identity_key_file().unlink()
        with pytest.raises(SettingsError, match=r"^identity\.key missing"):
            home.identity_key_file()

    def test_are_made_once(self, run: Run, tmp_path: Path) -> None:
        run("keys", str(tmp_path / "keys"))
        files = sorted((tmp_path / "keys").iterdir())
        before = [file.read_text() for file in files]
        run("keys", str(tmp_path / "keys"))
        assert [file.name for file in files] == [
            "audit.key",
            "digest.key",
            "identity.key",
            "key-encryption.key",
            "relay.token",
            "signing.jwk",
            "webhook.key",
        ]
        assert [file.read_text() for file in files] == before
        assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


async def caller_of(run: Run, tmp_path: Path, *arguments: str) -> Caller:
    token = run("token", *arguments)
    return await verifier(tmp_path / "home").verify(token)


class TestStandIn:
    def test_of_what_there_is_not_is_refused(self, run: Run) -> None:
        with pytest.raises(SettingsError, match="there are relay, targets"):
            run("stand-in", "moon")

    def test_of_the_targets_gives_out_a_token_or_does_not_start(self, run: Run) -> None:
        with pytest.raises(SettingsError, match="XUEFEN_TARGETS_TOKEN_FILE"):
            run("stand-in", "targets")

    def test_of_the_targets_keeps_what_it_holds_until_it_is_started_again(self, tmp_path: Path) -> None:
        """S1-09: as the demo starts it, killed and started again."""
        with running_outside(tmp_path) as outside:
            place = {"place": "140000", "year": "2026"}
            content = {"subject": "s", "person_ref": "p", "place": "140502", "year": 2026}
            record = {"key": "s.1", "action": "put", "revision": 1, **content}
            taken = outside.client.post("/credit-archive/v1/records", json={"records": [record]})
            assert taken.status_code == 200, taken.text
            outside.kill()
            outside.start()
            held = outside.held("credit-archive", "140000", 2026)
            assert held["live"] == 1
            assert outside.client.get("/national-platform/v1/totals", params=place).json() == {"places": []}
            refused = outside.client.get(
                "/national-platform/v1/totals", params=place, headers={"Authorization": "Bearer other"}
            )
            assert refused.status_code == 401


class TestFirstLine:
    def test_the_version_is_the_distribution_s(self, run: Run) -> None:
        assert run("--version") == version("xuefen")

    def test_a_slip_in_a_variable_is_told_and_no_variable_of_a_process_is_one(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        example = Path(databases.__file__).parents[2] / "deploy" / ".env.example"
        for name in re.findall(r"^#? ?(XUEFEN_[A-Z_]+)=", example.read_text(encoding="utf-8"), re.MULTILINE):
            monkeypatch.setenv(name, "1")
        assert not misspelt_variables()
        monkeypatch.setenv("XUEFEN_LEGDER_PORT", "8002")
        assert misspelt_variables() == ["XUEFEN_LEGDER_PORT is not known; did you mean XUEFEN_LEDGER_PORT?"]
