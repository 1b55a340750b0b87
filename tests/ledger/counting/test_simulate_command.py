"""`xuefen policy simulate` and `diff --ledger`: what a clerk sees of a draft before it is published."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.cli import notice_files
from services.cli import policy as command
from services.ledger.policy import notice_as_data, parse_notice
from services.ledger.policy.document.parse import NOTICES
from tests.conftest import in_thread
from tests.ledger.policy.builders import notice_text
from tests.ledger.world import World

LIAONING, HEPING = "210000", "210102"


def run(*words: str) -> int:
    """The exit code of a command, in a thread of its own: it runs a loop."""

    def call() -> int:
        try:
            command.app(list(words), result_action="return_value")
        except SystemExit as left:
            return int(left.code or 0)
        return 0

    return in_thread(call)


@pytest.fixture
def draft(tmp_path: Path) -> str:
    """Liaoning's notice of 2025 with 100 credits in all instead of 90 (S1-03)."""
    path = tmp_path / "draft.yaml"
    text = (NOTICES / "liaoning_2025.yaml").read_text(encoding="utf-8")
    path.write_text(text.replace("total: 90", "total: 100"), encoding="utf-8")
    return str(path)


@pytest.fixture(autouse=True)
def installed(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands find the ledger of the test, and a screen on which no line is cut."""
    monkeypatch.setenv("XUEFEN_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XUEFEN_LEDGER_DATABASE_URL", world.fresh.app_dsn)
    monkeypatch.setenv("XUEFEN_LEDGER_DATABASES", json.dumps(world.fresh.by_log))
    for console in (notice_files.out, notice_files.err):
        monkeypatch.setattr(console, "_width", 400)


class TestSimulateCommand:
    async def test_counts_people_by_status_place_and_requirement(
        self, world: World, draft: str, capsys: pytest.CaptureFixture[str]
    ):
        world.now = datetime(2025, 6, 1, 4, tzinfo=UTC)
        provider = await world.provides("北京东奥时代教育科技有限公司", accredited=[LIAONING])
        who = await world.collects(HEPING)
        await provider.posts(
            provider.completion(who, 2025, "60.00"),
            provider.completion(who, 2025, "30.00", category="public"),
        )
        capsys.readouterr()
        assert run("simulate", draft, "--on", "2026-01-15") == 0
        told = capsys.readouterr()
        assert "replaces the publication of 2025-" in told.err
        lines = [line.split() for line in told.out.splitlines()]
        assert ["2025", "compliant", "deficient", "requirement.total", "(S1-03)", "1"] in lines
        assert ["210100", "辽宁省沈阳市", "2025", "compliant", "deficient", "1"] in lines
        assert run("simulate", draft, "--on", "2026-01-15", "--json") == 0
        [change] = json.loads(capsys.readouterr().out)["changes"]
        assert (change["place"], change["before"], change["after"]) == (HEPING, "compliant", "deficient")

    def test_refuses_what_is_no_day_and_what_is_no_notice(self, draft: str, tmp_path: Path):
        assert run("simulate", draft, "--on", "tomorrow") == 2
        assert run("simulate", str(tmp_path / "absent.yaml")) == 1


class TestShowCommand:
    async def test_shows_and_lists_what_this_ledger_has_published(
        self, world: World, capsys: pytest.CaptureFixture[str]
    ):
        published = notice_as_data(parse_notice(notice_text()))
        await world.publishes(published)
        capsys.readouterr()
        assert run("show", "110101", "2030") == 0
        assert "provisionally" in capsys.readouterr().out
        assert run("show", "110101", "2030", "--ledger") == 0
        shown = capsys.readouterr().out
        assert "requirement.total" in shown
        assert "provisionally" not in shown
        assert run("list", "--ledger") == 0
        assert "beijing-2030" in capsys.readouterr().out


class TestDiffCommand:
    def test_compares_with_what_this_ledger_has_published(
        self, draft: str, capsys: pytest.CaptureFixture[str]
    ):
        assert run("diff", draft, "--ledger", "--json") == 0
        told = json.loads(capsys.readouterr().out)
        assert ("210000", 2025) in {(each["place"], each["year"]) for each in told}
