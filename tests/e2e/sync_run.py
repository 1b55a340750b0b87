"""Registry, ledger and synchronisation as real processes beside the stand-in, and workers of the synchronisation to kill."""

import os
import random
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg

from services.cli.children import Child
from services.cli.demo.outside import Outside, running_outside
from services.cli.demo.stage import Collected, Provider, Stage
from services.cli.settings import PROCESSES, SIGN_IN, StackSettings
from services.cli.stack import Stack, running_stack
from tests.conftest import outside_loop

ROOT = Path(__file__).parents[2]
PLACES = ("140502", "140403", "140105", "140106")
YEAR = 2026
PROVIDER = "晋财网络培训中心"
SYSTEM = "national-platform"


class Workers:
    """Workers of the synchronisation, each killed with kill -9 and started again."""

    def __init__(self, environment: dict[str, str], log: Path, count: int) -> None:
        self._environment = environment
        self._log = log
        self._running = [self._start() for _ in range(count)]
        self.kills = 0

    def kill_one(self, draw: random.Random) -> None:
        """kill -9 of one of them, and a new one in its place."""
        number = draw.randrange(len(self._running))
        os.kill(self._running[number].pid, signal.SIGKILL)
        self._running[number].wait_until_stopped()
        self.kills += 1
        self._running[number] = self._start()

    def check(self) -> None:
        """Fail when one has ended by itself."""
        assert all(each.exit_code is None for each in self._running), "a worker ended by itself"

    def stop(self) -> None:
        """End them: each goes with 0, or by the signal when it had not come up yet."""
        for each in self._running:
            each.ask_to_stop()
        for each in self._running:
            each.wait_until_stopped()
        codes = {each.exit_code for each in self._running}
        assert codes <= {0, -signal.SIGTERM}

    def _start(self) -> Child:
        return Child("sync-worker", ["work", "sync"], environment=self._environment, log=self._log)


class Run:
    """A whole system with people and a provider in Shanxi."""

    def __init__(self, stack: Stack, outside: Outside, home: Path) -> None:
        self.stack = stack
        self.outside = outside
        self.home = home
        self.stage = Stage(stack)
        self.provider: Provider = self.stage.provides(PROVIDER, ["140000"])
        self.people: list[Collected] = []
        self.posted: list[dict[str, Any]] = []

    def collect(self, count: int) -> None:
        """People of four counties, whom the ledger knows."""
        self.people = [self.stage.collects(PLACES[number % len(PLACES)]) for number in range(count)]
        self.stage.wait_until_followed()

    def post(self, count: int) -> None:
        """Credits for the people in turn, one each; every one is registered."""
        at = "2026-05-06T10:00:00+08:00"
        for start in range(0, count, 500):
            records = [
                self.provider.completion(self.people[number % len(self.people)], YEAR, "1.00", at)
                for number in range(start, min(start + 500, count))
            ]
            outcomes = self.provider.posts(*records)
            assert {outcome["outcome"] for outcome in outcomes} == {"registered"}
            self.posted += records

    def withdraw(self, count: int) -> None:
        """The provider takes some of them back."""
        for record in self.posted[:count]:
            headers = self.provider.headers() | {"Idempotency-Key": f"withdraw-{record['id']}"}
            path = f"/v1/completions/{record['id']}/withdrawal"
            self.stage.call("ledger", "POST", path, {"reason": "reported_in_error"}, headers)

    def workers(self, count: int) -> Workers:
        """Workers of the synchronisation in place of the stack's own."""
        for child in self.stack.children:
            if child.name == "sync-worker" and child.exit_code is None:
                child.ask_to_stop()
                child.wait_until_stopped()
        return Workers(self.stack.environment_of("sync"), self.home / "workers.log", count)

    def release(self) -> int:
        """An operator lets everything that is parked go again; of how many people."""
        by = self.stage.official("100000")
        answer = self.stage.call("sync", "POST", "/v1/releases", {"target": SYSTEM}, by)
        people: int = answer["people"]
        return people

    def status(self) -> dict[str, int]:
        """What is open at the target, in all of Shanxi."""
        by = self.stage.official("140000")
        answer = self.stage.call("sync", "GET", "/v1/status", headers=by)
        [target] = [each for each in answer["targets"] if each["target"] == SYSTEM]
        counts = dict.fromkeys(("pending", "refused", "unsynced"), 0)
        for at in target["places"]:
            counts["pending"] += at["pending"]
            counts["refused"] += sum(at["refused"].values())
            counts["unsynced"] += sum(at["unsynced"].values())
        counts["lag"] = sum(log["lag"] for log in answer["logs"])
        return counts

    def wait_until_empty(self, seconds: float) -> float:
        """Wait until nothing is open and everything is read; how long it took. Parked deliveries are let go again."""
        started = time.monotonic()
        while True:
            status = self.status()
            if not any(status.values()):
                return time.monotonic() - started
            if status["refused"] or status["unsynced"]:
                self.release()
            assert time.monotonic() - started < seconds, status
            time.sleep(0.2)

    def deliveries(self) -> list[Any]:
        """Every delivery of the target, in the order of its log."""
        return outside_loop(lambda: _deliveries(self.stack.databases["sync"]))


async def _deliveries(dsn: str) -> list[Any]:
    conn = await asyncpg.connect(dsn)
    try:
        return await conn.fetch(
            "select subject, revision, person_id, state, action, reference from sync.deliveries where target = $1"
            " order by position, subject, revision",
            SYSTEM,
        )
    finally:
        await conn.close()


@contextmanager
def running(home: Path, **target_fields: Any) -> Iterator[Run]:
    """The system on ports of its own, its leases short."""
    ports = {f"{service}_port": 0 for service in (*PROCESSES, SIGN_IN)}
    settings = StackSettings.load().model_copy(update={"home": home / "xuefen", **ports})
    before = os.environ.get("XUEFEN_SYNC_LEASE_SECONDS")
    os.environ["XUEFEN_SYNC_LEASE_SECONDS"] = "6"
    try:
        with running_outside(home / "outside", **target_fields) as outside, running_stack(settings) as stack:
            run = Run(stack, outside, home)
            try:
                yield run
            finally:
                run.stage.close()
    finally:
        os.environ.pop("XUEFEN_SYNC_LEASE_SECONDS")
        if before is not None:
            os.environ["XUEFEN_SYNC_LEASE_SECONDS"] = before
