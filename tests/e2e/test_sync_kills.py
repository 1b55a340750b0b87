"""Every registered credit reaches the national platform once, in the person's order, whatever fails and is killed.

    XUEFEN_SYNC_CREDITS=5000 XUEFEN_SYNC_KILLS=30 pytest tests/e2e/test_sync_kills.py

is the full size.
"""

import os
import random
import time
from collections import defaultdict
from collections.abc import Iterator

import pytest

from tests.e2e.sync_run import SYSTEM, Run, running

CREDITS = int(os.environ.get("XUEFEN_SYNC_CREDITS", "400"))
KILLS = int(os.environ.get("XUEFEN_SYNC_KILLS", "5"))
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
    home = tmp_path_factory.mktemp("sync")
    home.chmod(0o711)
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

    def test_both_sides_prove_that_they_hold_the_same(self, run: Run):
        rows = {row["place"]: row for row in run.outside.held(SYSTEM, "140000", 2026)["totals"]}
        credits, after = 0, ""
        reader = {"Authorization": f"Bearer {run.stack.sign_token('sync')}"}
        while after is not None:
            page = run.stage.call(
                "ledger", "GET", f"/v1/credits?place=140000&year=2026&after={after}", headers=reader
            )
            credits, after = credits + len(page["credits"]), page["next_after"]
        assert sum(row["records"] for row in rows.values()) == credits
