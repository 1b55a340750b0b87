"""The table of facts and the tests that show them: `python -m tests.ledger.fact_table` writes `services/ledger/FACTS.md`.

Tests are read, never run: a test shows a fact when its docstring, or that of its class or module, cites the fact's id, or
when it expects the id in an answer. Scenarios list the ids they show. `fact_reasons.yaml` says what is not built, or no
software.
"""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import yaml

ROOT = Path(__file__).parents[2]
TABLE = ROOT / "services" / "ledger" / "FACTS.md"
REASONS = Path(__file__).parent / "fact_reasons.yaml"
NOTICES = ROOT / "services" / "ledger" / "notices"
SCENARIOS = Path(__file__).parent / "scenarios"

LAST = {"S0": 25, "S1": 22, "S2A": 12, "S2B": 17, "S2C": 19, "S3A": 4, "S3B": 15, "S4": 14}
FACTS = tuple(f"{part}-{number:02d}" for part, last in LAST.items() for number in range(1, last + 1))
SOURCES = {
    "S0": "朝阳市 朝财〔2024〕6号",
    "S1": "辽宁省 2025 年度通知",
    "S2A": "晋城市 晋市财会〔2024〕11号",
    "S2B": "山西省 晋财会〔2024〕10号",
    "S2C": "山西省 晋财会〔2022〕68号",
    "S3A": "长治市 长财会〔2026〕5号",
    "S3B": "山西省 晋财会〔2026〕7号",
    "S4": "广东省 粤财会函〔2020〕4号, 江门市 江财会函〔2020〕3号",
}
KINDS = ("not software: ", "not built yet: ", "partly built: ", "shown by ")
"""How a reason begins: what no program does, what this one does not do, does in part, or shows without citing the id."""
ELSEWHERE = (
    "tests/kit",
    "tests/contracts",
    "tests/ledger/test_scenarios.py",
    "tests/ledger/test_fact_table.py",
)
"""Tests of code that knows no clause; an id there is an example."""
CARRIED = "in_force.yaml"
"""Its scenarios show that a value is in force with its clause, not that anything is decided by it."""

_ID = re.compile(r"\bS(?:[014]|2[ABC]|3[AB])-[0-9]{2}\b")
_RANGE = re.compile(r"\b(S(?:[014]|2[ABC]|3[AB]))-([0-9]{2}) (?:to|and) \1-([0-9]{2})\b")
_NAMES = re.compile(r"(\]\(\.\./\.\./(tests/[^)]*\.py)\)): (.+?)(?=<br>| \|)")
_WORDS_MAX = 34
_NAMED = 2


class Shown(NamedTuple):
    """A test, or a scenario, that shows a fact; no name stands for the whole file."""

    path: str
    name: str


def cited(text: str | None, *, spans: bool = False) -> set[str]:
    """The facts a text cites. "S0-14 to S0-20" means each of them where `spans` is set, and none of them elsewhere."""
    text = text or ""
    found = set()
    for part, first, last in _RANGE.findall(text):
        if spans:
            found |= {f"{part}-{number:02d}" for number in range(int(first), int(last) + 1)}
    found |= set(_ID.findall(re.sub(r"\bS\w+-\d\d to S\w+-\d\d\b", "", text)))
    return found & set(FACTS)


@cache
def shown_by_tests() -> dict[str, set[Shown]]:
    """Every fact that tests cite, with them. A module that speaks of whole ranges is not taken at its word."""
    facts: dict[str, set[Shown]] = defaultdict(set)
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        where = path.relative_to(ROOT).as_posix()
        if where.startswith(ELSEWHERE):
            continue
        module = ast.parse(path.read_text(encoding="utf-8"))
        for fact in cited(ast.get_docstring(module)):
            facts[fact].add(Shown(where, ""))
        for fact, name in _of_body(module.body):
            facts[fact].add(Shown(where, name))
    return facts


def _of_body(body: list[ast.stmt]) -> Iterator[tuple[str, str]]:
    for node in body:
        if isinstance(node, ast.ClassDef) and node.name.startswith("Test"):
            for fact in cited(ast.get_docstring(node), spans=True):
                yield fact, node.name.removeprefix("Test")
            yield from _of_body(node.body)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            for fact in _of_test(node):
                yield fact, node.name.removeprefix("test_").replace("_", " ")


def _of_test(node: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    """What its docstring cites, and what stands alone in a text of its body: a clause that an answer must name."""
    found = cited(ast.get_docstring(node), spans=True)
    for part in ast.walk(node):
        if isinstance(part, ast.Constant) and isinstance(part.value, str) and _ID.fullmatch(part.value):
            found |= cited(part.value)
    return found


@cache
def shown_by_scenarios() -> dict[str, set[Shown]]:
    """Every fact that scenarios list, with them."""
    facts: dict[str, set[Shown]] = defaultdict(set)
    for path in sorted(SCENARIOS.glob("*.yaml")):
        where = path.relative_to(ROOT).as_posix()
        for scenario in yaml.safe_load(path.read_text(encoding="utf-8"))["scenarios"]:
            for fact in scenario["clauses"]:
                if fact in FACTS:
                    facts[fact].add(Shown(where, scenario["name"]))
    return facts


@cache
def said() -> dict[str, str]:
    """What each fact says, in the first words of its clause."""
    words: dict[str, str] = {}
    for path in sorted(NOTICES.glob("*.yaml")):
        for clause in yaml.safe_load(path.read_text(encoding="utf-8"))["clauses"]:
            words.setdefault(clause["id"], _short(str(clause["text"])))
    return words


def _short(text: str) -> str:
    if len(text) <= _WORDS_MAX:
        return text
    cut = max(text.rfind(mark, _WORDS_MAX // 2, _WORDS_MAX) for mark in "，。；：、")
    return text[: cut if cut > 0 else _WORDS_MAX].rstrip("，。；：、") + "…"


@cache
def reasons() -> dict[str, str]:
    """Why a fact has no test, or less than it asks for."""
    read: dict[str, str] = yaml.safe_load(REASONS.read_text(encoding="utf-8"))
    return read


def table() -> str:
    """The whole page."""
    tests, scenarios, words, why = shown_by_tests(), shown_by_scenarios(), said(), reasons()
    shown = [fact for fact in FACTS if tests.get(fact) or scenarios.get(fact)]
    carried = [
        fact
        for fact in shown
        if not tests.get(fact) and all(one.path.endswith(CARRIED) for one in scenarios[fact])
    ]
    lines = [
        "# Facts",
        "",
        "Every fact of the five notices, the tests and scenarios that show it, and where the software stops. Written by",
        "`python -m tests.ledger.fact_table` from the tests themselves; a test fails when this page is out of date.",
        "",
        f"{len(FACTS)} facts. {len(shown)} are shown by tests or scenarios, {len(carried)} of them only as values that are",
        f"carried with their clause. {_count(why, 'partly built')} are built in part,"
        f" {_count(why, 'not built yet')} not yet, {_count(why, 'not software')} are no software.",
    ]
    part = ""
    for fact in FACTS:
        if fact.partition("-")[0] != part:
            part = fact.partition("-")[0]
            lines += ["", f"## {part}: {SOURCES[part]}", "", "| fact | says | shown by |", "|---|---|---|"]
        evidence = [*_listed(scenarios.get(fact, set()), count=True), *_listed(tests.get(fact, set()))]
        if fact in why:
            evidence.append(f"*{why[fact]}*")
        lines.append(f"| {fact} | {words.get(fact, '')} | {'<br>'.join(evidence)} |")
    return "\n".join(lines) + "\n"


def without_names(page: str) -> str:
    """The page without the names of single tests, of which there is always one more."""
    return _NAMES.sub(r"\1", page)


def names_on(page: str) -> Iterator[Shown]:
    """Every test that the page names."""
    for _link, path, names in _NAMES.findall(page):
        yield from (Shown(path, name) for name in names.split("; ") if name != "…")


def _count(why: dict[str, str], kind: str) -> int:
    return sum(reason.startswith(kind) for reason in why.values())


def _listed(shown: set[Shown], *, count: bool = False) -> Iterator[str]:
    by_path: dict[str, list[str]] = defaultdict(list)
    for one in sorted(shown):
        by_path[one.path].append(one.name)
    for path, names in by_path.items():
        link = f"[{Path(path).name}](../../{path})"
        named = [name for name in names if name]
        if path.endswith(CARRIED):
            yield f"{link}: in force with its clause"
        elif count:
            yield f"{link}: {len(named)} scenario{'s' if len(named) > 1 else ''}"
        elif named:
            yield f"{link}: {'; '.join(named[:_NAMED])}{'; …' if len(named) > _NAMED else ''}"
        else:
            yield link


if __name__ == "__main__":
    TABLE.write_text(table(), encoding="utf-8")
