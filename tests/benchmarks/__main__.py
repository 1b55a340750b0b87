"""The benchmarks: `python -m tests.benchmarks [--only NAME ...] [--quick] [--json FILE] [--before FILE]`.

Each has its time, after which it is given up and the next one begins; exit status 1 when one failed, goals are not judged.
"""

import argparse
import asyncio
import importlib
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from tests.benchmarks.machine import describe, describe_postgres
from tests.benchmarks.report import SAMPLES, Goal, Report, show_facts, show_goals
from tests.benchmarks.stage import Stage

NAMES = (
    "batches",
    "singles",
    "answers",
    "rebuild",
    "bulk_collection",
    "simulation",
    "standings",
    "sync",
    "pages",
)


MINUTES_MAX = 10.0
"""How long one benchmark may take."""


def main() -> None:
    """Measure what was asked for, print it, and write it down where a file is named."""
    asked = _asked()
    console = Console(width=None if sys.stdout.isatty() else 140)
    report, failed = Report(samples=SAMPLES), []
    before = Report.read(asked.before) if asked.before else None
    with Stage() as stage:
        report.machine = describe()
        report.postgres = asyncio.run(describe_postgres(stage.postgres.dsn))
        show_facts(console, "Machine", report.machine)
        show_facts(console, "PostgreSQL", report.postgres)
        for name in asked.only or NAMES:
            goals: list[Goal] = []
            try:
                with _within(asked.minutes):
                    benchmark = importlib.import_module(f"tests.benchmarks.{name}")
                    goals = benchmark.run(stage, console, quick=asked.quick)
            except Exception as error:
                failed.append(name)
                console.print(f"[red]{name}[/red]: {type(error).__name__}: {error}", soft_wrap=True)
            report.goals += goals
            if asked.json:
                report.write(asked.json)
    show_goals(console, report.goals, before if before and before.machine == report.machine else None)
    sys.exit(bool(failed))


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument(
        "--only", action="extend", nargs="+", choices=NAMES, metavar="NAME", help=", ".join(NAMES)
    )
    parser.add_argument("--quick", action="store_true", help="a small run, to see that everything works")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write machine, samples and goals there")
    parser.add_argument(
        "--before",
        type=Path,
        metavar="FILE",
        help="show the figures of that run beside, if it was of this machine",
    )
    parser.add_argument("--minutes", type=float, default=MINUTES_MAX, help="the longest that one may take")
    return parser.parse_args()


@contextmanager
def _within(minutes: float) -> Iterator[None]:
    """Raise TimeoutError in whatever waits once the time is over."""

    def give_up(*_: object) -> None:
        raise TimeoutError(f"given up after {minutes:g} minutes")

    signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, minutes * 60)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


if __name__ == "__main__":
    main()
