"""Run the benchmarks: `python -m tests.benchmarks [--only NAME ...] [--quick]`."""

import argparse
import asyncio
import importlib
import sys

from rich.console import Console

from tests.benchmarks.machine import describe, describe_postgres
from tests.benchmarks.report import Goal, show_facts, show_goals
from tests.benchmarks.stage import Stage

NAMES = ("batches", "singles", "answers", "rebuild", "bulk_collection", "simulation", "standings", "sync")


def main() -> None:
    """Measure what was asked for and print it; nothing is judged by the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--only", action="append", choices=NAMES, metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--quick", action="store_true", help="a small run, to see that everything works")
    asked = parser.parse_args()
    console = Console(width=None if sys.stdout.isatty() else 140)
    goals: list[Goal] = []
    with Stage() as stage:
        show_facts(console, "Machine", describe())
        show_facts(console, "PostgreSQL", asyncio.run(describe_postgres(stage.postgres.dsn)))
        for name in asked.only or NAMES:
            benchmark = importlib.import_module(f"tests.benchmarks.{name}")
            goals += benchmark.run(stage, console, quick=asked.quick)
    show_goals(console, goals)


if __name__ == "__main__":
    main()
