"""Soak: a steady load for minutes or an hour; memory, handles and connections of every process, and whether they stay flat.

python -m tests.benchmarks.soak --minutes 60
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from services.cli.demo.stage import Collected, Provider, Stage
from services.cli.settings import PROCESSES, STAND_INS, StackSettings
from services.cli.stack import Stack
from services.cli.state_dir import StateDir

YEAR, PLACE, LISTED = 2025, "210102", "北京东奥时代教育科技有限公司"
STUDIED_AT = "2025-05-06T10:00:00+08:00"
ANSWERS_A_STEP = 20
SAMPLES = 40
MEGABYTES_A_MINUTE_MAX, MEGABYTES_MAX = 1.0, 15.0
"""Of a process that is flat; a short run may rise by so much in all, as caches and garbage do before they are full. What is
filled up once belongs to the first half, which is not judged.
"""
HANDLES_MAX = 8
"""By how many handles and connections the second half may differ from the first: pools breathe."""


@dataclass(frozen=True)
class Sample:
    """A process at a moment: seconds since the begin, its own memory in bytes, open handles, those that are connections."""

    seconds: float
    memory: int
    handles: int
    connections: int


def sample_of(pid: int, seconds: float) -> Sample:
    """The process as it is. OSError when it is gone."""
    status = dict(
        line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    )
    links = [each for each in Path(f"/proc/{pid}/fd").iterdir() if each.is_symlink()]
    targets = [str(each.readlink()) for each in links if each.exists() or each.is_symlink()]
    memory = int(status["RssAnon"].split()[0]) * 1024
    return Sample(seconds, memory, len(targets), sum(each.startswith("socket:") for each in targets))


@dataclass(frozen=True)
class Verdict:
    """What the second half of a run says of a process: megabytes a minute, and by how much handles and connections rose."""

    megabytes_a_minute: float
    handles: float
    connections: float
    minutes: float

    @property
    def is_flat(self) -> bool:
        """Whether nothing fills."""
        return (
            self.megabytes_a_minute <= max(MEGABYTES_A_MINUTE_MAX, MEGABYTES_MAX / self.minutes)
            and self.handles <= HANDLES_MAX
            and self.connections <= HANDLES_MAX
        )


def judge(samples: Sequence[Sample]) -> Verdict:
    """The last quarter of a run against the third, by medians: one moment of much garbage says nothing."""
    half, quarter = len(samples) // 2, len(samples) * 3 // 4
    third, last = samples[half:quarter], samples[quarter:]

    def rise(of: Callable[[Sample], float]) -> float:
        return statistics.median(map(of, last)) - statistics.median(map(of, third))

    minutes = rise(lambda each: each.seconds) / 60
    return Verdict(
        rise(lambda each: each.memory) / 1e6 / minutes,
        rise(lambda each: each.handles),
        rise(lambda each: each.connections),
        (samples[-1].seconds - samples[0].seconds) / 60,
    )


class Load:
    """The same work again and again, at a steady pace: somebody new, records of the latest people, repeats, and answers.

    People come and go, so that no account grows: what is flat must not be asked to hold more and more.
    """

    def __init__(self, stage: Stage, people: int) -> None:
        self._stage = stage
        self._provider: Provider = stage.provides(LISTED, [PLACE[:2] + "0000"])
        self._people: deque[Collected] = deque((stage.collects(PLACE) for _ in range(people)), people)
        stage.wait_until_followed()
        self.records = self.answers = 0

    def step(self) -> None:
        """Somebody is collected; one post of new records, the same once more, and answers about the oldest of the people."""
        newest = self._stage.collects(PLACE)
        records = [self._provider.completion(who, YEAR, "0.10", STUDIED_AT) for who in self._people]
        for _ in range(2):
            self._provider.posts(*records)
            self.records += len(records)
        for _ in range(ANSWERS_A_STEP):
            self._stage.asks(self._people[0], YEAR, PLACE)
            self.answers += 1
        self._people.append(newest)


def run(seconds: float, pause: float, people: int) -> Mapping[str, list[Sample]]:
    """Run a deployment of its own under the load; the samples of every process by its name."""
    home = Path(tempfile.mkdtemp(prefix="xuefen-soak-"))
    ports = {f"{each}_port": 0 for each in (*PROCESSES, *STAND_INS)}
    stack = Stack(StackSettings.load(home=home / "home", **ports))
    stack.start()
    stage = Stage(stack)
    try:
        load = Load(stage, people)
        return _sampled(stack, load, seconds, pause)
    finally:
        stage.close()
        stack.stop()
        StateDir(home / "home").delete()


def _sampled(stack: Stack, load: Load, seconds: float, pause: float) -> Mapping[str, list[Sample]]:
    began = time.monotonic()
    samples: dict[str, list[Sample]] = {child.name: [] for child in stack.children}
    due = 0.0
    while (now := time.monotonic() - began) < seconds:
        if now >= due:
            due += seconds / SAMPLES
            for child in stack.children:
                samples[child.name].append(sample_of(child.pid, now))
        load.step()
        time.sleep(pause)
    stack.check()
    print(f"{load.records} records and {load.answers} answers in {seconds:.0f} s")
    return samples


def show(samples: Mapping[str, Sequence[Sample]], verdicts: Mapping[str, Verdict]) -> None:
    """The table of all processes."""
    table = Table(
        "process", "MB first", "MB half", "MB last", "MB a minute", "handles", "connections", "flat"
    )
    for name, of_it in samples.items():
        verdict, half = verdicts[name], of_it[len(of_it) // 2]
        table.add_row(
            name,
            *(f"{each.memory / 1e6:.1f}" for each in (of_it[0], half, of_it[-1])),
            f"{verdict.megabytes_a_minute:+.2f}",
            f"{half.handles} {verdict.handles:+.0f}",
            f"{half.connections} {verdict.connections:+.0f}",
            "yes" if verdict.is_flat else "NO",
        )
    Console(width=120).print(table)


def main() -> None:
    """Run, print, and end with 1 when something fills."""
    told = argparse.ArgumentParser(description=__doc__)
    told.add_argument("--minutes", type=float, default=60.0)
    told.add_argument("--pause", type=float, default=0.5, help="seconds between two steps of the load")
    told.add_argument("--people", type=int, default=20)
    args = told.parse_args()
    samples = run(args.minutes * 60, args.pause, args.people)
    verdicts = {name: judge(of_it) for name, of_it in samples.items()}
    show(samples, verdicts)
    sys.exit(not all(verdict.is_flat for verdict in verdicts.values()))


if __name__ == "__main__":
    main()
