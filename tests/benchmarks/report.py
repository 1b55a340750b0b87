"""The report of a run, printed and as JSON: the machine, one table for each benchmark, goals and whether they were met."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

import msgspec
from msgspec import Struct
from rich.console import Console
from rich.table import Table


class Sample(Struct, frozen=True):
    """One side's part in one round: items, seconds, CPU seconds of its process and of PostgreSQL, latencies, and the
    share of the machine that others took."""

    items: int
    seconds: float
    process: float
    postgres: float
    p50_ms: float | None = None
    p99_ms: float | None = None
    others: float = 0.0

    @property
    def rate(self) -> float:
        """Items a second."""
        return self.items / self.seconds


class Side:
    """One candidate's samples, one for each round."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.samples: list[Sample] = []

    @property
    def rate(self) -> float:
        """The median rate."""
        return median(sample.rate for sample in self.samples)

    def cpu_us(self, part: str) -> float:
        """CPU of a part (`process` or `postgres`) in microseconds an item, over all rounds."""
        spent: float = sum(getattr(sample, part) for sample in self.samples)
        return spent / sum(sample.items for sample in self.samples) * 1e6

    @property
    def cpu_ms(self) -> float:
        """CPU all in, in milliseconds an item."""
        return (self.cpu_us("process") + self.cpu_us("postgres")) / 1000


class Goal(Struct, frozen=True):
    """A figure that was aimed at; `higher` says which way is better."""

    name: str
    found: float
    wanted: float
    higher: bool = True
    spread: tuple[float, float] | None = None

    @property
    def met(self) -> bool:
        """Whether the figure was reached."""
        return self.found >= self.wanted if self.higher else self.found <= self.wanted


class Report(Struct):
    """A run as it is written down. `samples` are those of every side that a table was shown of."""

    machine: dict[str, str] = {}
    postgres: dict[str, str] = {}
    samples: dict[str, dict[str, list[Sample]]] = {}
    goals: list[Goal] = []

    @classmethod
    def read(cls, file: Path) -> Report:
        """A run that was written down. Raises msgspec.DecodeError."""
        return msgspec.json.decode(file.read_bytes(), type=cls)

    def write(self, file: Path) -> None:
        """Write the run down as far as it is."""
        file.write_bytes(msgspec.json.format(msgspec.json.encode(self), indent=1) + b"\n")


SAMPLES: dict[str, dict[str, list[Sample]]] = {}
"""What tables were shown of in this process, by their titles and sides."""


def ratio(one: Side, other: Side, name: str, wanted: float) -> Goal:
    """How many times as fast one side is as the other: the median of the rounds' ratios, with their spread."""
    ratios = [a.rate / b.rate for a, b in zip(one.samples, other.samples, strict=True)]
    return Goal(name, median(ratios), wanted, spread=(min(ratios), max(ratios)))


def show_facts(console: Console, title: str, facts: Mapping[str, str]) -> None:
    """Name and value, one a line."""
    table = Table(title=title, title_justify="left", show_header=False, box=None, padding=(0, 2))
    for name, value in facts.items():
        table.add_row(name, value)
    console.print(table)


def show_sides(console: Console, title: str, unit: str, sides: Sequence[Side]) -> None:
    """Rates, CPU and latencies of every side."""
    table = Table(title=title, title_justify="left")
    table.add_column("")
    columns = (f"{unit}/s", f"us CPU/{unit}: process", "PostgreSQL", "all in", "p50 ms", "p99 ms", "others %")
    for column in columns:
        table.add_column(column, justify="right")
    SAMPLES[title] = {side.name: side.samples for side in sides if side.samples}
    for side in sides:
        if not side.samples:
            continue
        p50 = [sample.p50_ms for sample in side.samples if sample.p50_ms is not None]
        p99 = [sample.p99_ms for sample in side.samples if sample.p99_ms is not None]
        table.add_row(
            side.name,
            f"{side.rate:,.0f}",
            f"{side.cpu_us('process'):,.1f}",
            f"{side.cpu_us('postgres'):,.1f}",
            f"{side.cpu_ms * 1000:,.1f}",
            f"{median(p50):,.1f}" if p50 else "",
            f"{median(p99):,.1f}" if p99 else "",
            f"{median(sample.others for sample in side.samples) * 100:.0f}",
        )
    console.print(table)


def show_goals(console: Console, goals: Sequence[Goal], before: Report | None = None) -> None:
    """What was aimed at, what was found, the spread over the rounds, and what an earlier run found."""
    table = Table(title="Goals", title_justify="left")
    found = {} if before is None else {goal.name: goal.found for goal in before.goals}
    for column in ("", "goal", "before", "found", "spread", ""):
        table.add_column(column, justify="left" if column == "" else "right")
    for goal in goals:
        sign = "≥" if goal.higher else "≤"
        spread = f"{goal.spread[0]:.2f} - {goal.spread[1]:.2f}" if goal.spread else ""
        verdict = "[green]met[/]" if goal.met else "[red]short of it[/]"
        earlier = _plain(found[goal.name]) if goal.name in found else ""
        table.add_row(
            goal.name, f"{sign} {_plain(goal.wanted)}", earlier, _plain(goal.found), spread, verdict
        )
    console.print(table)


def _plain(figure: float) -> str:
    return f"{figure:,.0f}" if figure >= 100 else f"{figure:.3g}"
