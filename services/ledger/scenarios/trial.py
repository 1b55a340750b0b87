"""Trial of scenarios: each told to the notices there are, with what came out otherwise than it expects."""

from collections.abc import Callable, Sequence

from msgspec import Struct

from services.kit.errors import Problem
from services.ledger.scenarios.beginnings import Shelf
from services.ledger.scenarios.scenario_file import Scenario, ScenarioFile, Teacher
from services.ledger.scenarios.story import Story

Progress = Callable[[int, int], None]
"""Told how many scenarios were tried, and how many there are."""


class Differing(Struct, frozen=True):
    """One thing that came out otherwise, in both languages."""

    zh: str
    en: str


class Tried(Struct, frozen=True):
    """A scenario that was tried: nothing differs where it came out as it says."""

    name: str
    clauses: tuple[str, ...]
    differs: tuple[Differing, ...]


_UNTOLD = Differing(
    "这个情景无法演算，请检查代码与取值", "the story cannot be told: look at its codes and values"
)


def try_scenarios(
    read: ScenarioFile, shelf: Shelf, progress: Progress = lambda _tried, _all: None
) -> Sequence[Tried]:
    """Tell every scenario of a file to the notices of a shelf, in the order of the file. Total: a story that names what
    nobody knows differs, and stops no other."""
    found: list[Tried] = []
    for number, scenario in enumerate(read.scenarios, start=1):
        differs = _differs(scenario, read.providers, shelf)
        found.append(Tried(scenario.name, tuple(scenario.clauses), differs))
        progress(number, len(read.scenarios))
    return found


def _differs(scenario: Scenario, providers: dict[str, Teacher], shelf: Shelf) -> tuple[Differing, ...]:
    try:
        return tuple(Differing(each.zh, str(each)) for each in Story(scenario, providers, shelf).run())
    except (LookupError, ValueError, TypeError, AssertionError, Problem):
        return (_UNTOLD,)
