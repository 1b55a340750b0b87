"""Every registered credit reaches the national platform once, in the person's order, whatever fails and is killed.

    XUEFEN_SYNC_CREDITS=5000 XUEFEN_SYNC_KILLS=30 pytest tests/e2e/test_sync_kills.py

is the full size.
"""

import os
import random
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator

import pytest

from tests.conftest import reachable
from tests.e2e.sync_run import ROOT, SYSTEM, Run, running

CREDITS = int(os.environ.get("XUEFEN_SYNC_CREDITS", "200"))
KILLS = int(os.environ.get("XUEFEN_SYNC_KILLS", "3"))
PEOPLE = max(20, CREDITS // 25)
SEED = int(os.environ.get("XUEFEN_SYNC_SEED", "20261126"))
HEALED_SECONDS_MAX = 60.0
FAULTS = {
    "slow": 0.06, "too_many": 0.08, "broken": 0.12, "reset": 0.12, "repeated": 0.1, "reordered": 0.1,
    "wrong_types": 0.1, "refused": 0.03, "slow_seconds": 1.0, "retry_after": 1,
}  # fmt: skip
"""More than two thirds of all requests suffer."""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """A system whose targets answer slowly or not at all, in small batches."""
    home = reachable(tmp_path_factory.mktemp("sync"))
    with running(home, batch=20, seconds=4) as run:
        yield run


class TestKilledEverywhere:
    """S1-09, S3B-07: 学分自动传入全国平台."""

    def test_each_credit_arrives_once_and_in_order_and_the_backlog_empties(self, run: Run):
        draw = random.Random(SEED)
        run.collect(PEOPLE)
        run.outside.faults(SYSTEM, **FAULTS)
        workers = run.workers(2)
        run.post(CREDITS // 2)
        run.withdraw(CREDITS // 20)
        for number in range(KILLS):
            time.sleep(draw.uniform(0.2, 3.0))  # the moment of the kill is what is random
            workers.check()
            workers.kill_one(draw)
            if number % 5 == 1:
                run.outside.kill()
                run.outside.start()
                run.outside.faults(SYSTEM, **FAULTS)
            if number == KILLS // 2:
                run.post(CREDITS - CREDITS // 2)
        run.outside.faults(SYSTEM)
        healed = run.wait_until_empty(HEALED_SECONDS_MAX)
        workers.stop()
        arrivals: list[str] = run.outside.client.get(f"/{SYSTEM}/control/arrivals").json()
        print(f"{len(arrivals)} arrived; {workers.kills} kills; empty {healed:.1f} s after healing")
        self.each_once_and_in_order(run, arrivals)
        held = run.outside.held(SYSTEM, "140000", 2026)
        assert held["live"] == CREDITS - CREDITS // 20

    def each_once_and_in_order(self, run: Run, arrivals: list[str]) -> None:
        sent: dict[str, list[str]] = defaultdict(list)
        order: dict[str, list[str]] = defaultdict(list)
        person_of: dict[str, str] = {}
        for row in run.deliveries():
            assert row["state"] in ("delivered", "withdrawn"), dict(row)
            key = f"{row['subject']}.{row['revision']}"
            person_of[key] = row["person_id"]
            if row["reference"] is not None:
                sent[row["person_id"]].append(key)
        assert len(arrivals) == len(set(arrivals))
        for key in arrivals:
            order[person_of[key]].append(key)
        assert order == sent


class TestOperator:
    """What an operator types, beside the running system."""

    def xuefen(self, run: Run, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("XUEFEN_")}
        environment |= run.outside.environment() | {"XUEFEN_HOME": str(run.home / "xuefen"), "COLUMNS": "200"}
        return subprocess.run(
            [sys.executable, "-m", "services.cli.main", "sync", *arguments],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def test_proves_that_both_sides_hold_the_same_finds_what_was_lost_and_mends_it(self, run: Run):
        asked = ("reconcile", "--place", "140000", "--year", "2026")
        same = self.xuefen(run, *asked)
        assert same.returncode == 0, same.stdout + same.stderr
        assert "Both sides hold the same" in same.stdout
        lost = next(row["subject"] for row in run.deliveries() if row["state"] == "delivered")
        run.outside.client.post(f"/{SYSTEM}/control/lose/{lost}", json={}).raise_for_status()
        differs = self.xuefen(run, *asked)
        assert differs.returncode == 1, differs.stdout + differs.stderr
        assert lost in differs.stdout
        assert "lost_there" in differs.stdout
        assert self.xuefen(run, *asked, "--repair").returncode == 0
        workers = run.workers(1)
        run.wait_until_empty(HEALED_SECONDS_MAX)
        workers.stop()
        assert self.xuefen(run, *asked).returncode == 0

    def test_sees_how_it_stands(self, run: Run):
        shown = self.xuefen(run, "status", "--place", "140000")
        assert shown.returncode == 0, shown.stdout + shown.stderr
        assert SYSTEM in shown.stdout
        assert "晋城市" in shown.stdout

    def test_is_told_in_a_line_what_cannot_be(self, run: Run):
        for arguments, words in (
            (("reconcile", "--place", "149999", "--year", "2026"), "no division"),
            (("reconcile", "--place", "140000", "--year", "2026", "--target", "nobody"), "no target"),
            (("repair", "--target", SYSTEM, "--place", "140500"), "no first-level authority"),
        ):
            refused = self.xuefen(run, *arguments)
            assert refused.returncode == 2
            assert words in refused.stderr
            assert "Traceback" not in refused.stderr
