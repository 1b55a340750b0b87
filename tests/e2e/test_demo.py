"""The demo plays the five notices on real processes; its stories stop when an answer is not what the notice says."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import reachable

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> subprocess.CompletedProcess[str]:
    """The demo, played once."""
    home = reachable(tmp_path_factory.mktemp("demo"))
    environment = {k: v for k, v in os.environ.items() if not k.startswith("XUEFEN_")}
    return subprocess.run(
        [sys.executable, "-m", "services.cli.main", "demo", "--people", "24"],
        cwd=ROOT,
        env=environment | {"XUEFEN_HOME": str(home / "xuefen"), "COLUMNS": "120"},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


class TestDemo:
    def test_comes_out_as_the_notices_say(self, played: subprocess.CompletedProcess[str]):
        assert played.returncode == 0, played.stdout + played.stderr

    @pytest.mark.parametrize(
        "notice",
        [
            "朝财〔2024〕6号",
            "辽宁省2025年度通知",
            "晋市财会〔2024〕11号",
            "长财会〔2026〕5号",
            "江财会函〔2020〕3号",
        ],
    )
    def test_plays_a_story_for_each_notice(self, played: subprocess.CompletedProcess[str], notice: str):
        assert notice in played.stdout

    @pytest.mark.parametrize("title", ["学分申请", "直接登记", "面授备案", "认定", "年度关闭"])
    def test_plays_a_story_for_each_further_route(self, played: subprocess.CompletedProcess[str], title: str):
        assert f"{title}: " in played.stdout

    def test_moves_a_person_between_provinces_and_asks_both(self, played: subprocess.CompletedProcess[str]):
        """Before, on the way and after: the origin answers until the destination does (S2C-13, A-13)."""
        story = played.stdout.partition("阳泉市 → 鞍山市")[2]
        for words in ("before, Liaoning", "on the way, Shanxi", "after, Liaoning", "after, Shanxi"):
            assert words in story

    def test_ends_with_the_counts(self, played: subprocess.CompletedProcess[str]):
        assert "what the ledger holds" in played.stdout

    def test_shows_how_everybody_stands(self, played: subprocess.CompletedProcess[str]):
        """The worker has counted everything, and the places of every authority add up to it."""
        assert "how everybody stands" in played.stdout

    def test_fills_a_province_that_is_collected_studies_and_asks(
        self, played: subprocess.CompletedProcess[str]
    ):
        """Every command of it was answered as it should be, and the figures count it, or the demo would have stopped."""
        assert "filling a province" in played.stdout
        assert "100%" in played.stdout.partition("filling a province")[2]

    def test_shows_no_id_number(self, played: subprocess.CompletedProcess[str]):
        assert "0000196" not in played.stdout

    def test_ends_with_the_address_of_a_console(self, played: subprocess.CompletedProcess[str]):
        assert "In a browser: http://127.0.0.1:" in played.stdout
