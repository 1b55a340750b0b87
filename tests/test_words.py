"""Every text that a service says to people, as its source has it: Chinese without codes, and no English with Chinese."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.cli.contracts import service_problems
from tests.words import CHINESE, assert_words, codes_in

ROOT = Path(__file__).parent.parent
SOURCES = [
    path
    for path in sorted((ROOT / "services").rglob("*.py"))
    if path.name != "main.py" and not {"demo", "stand_ins"} & {*path.parts}
]
"""The demo's captions are in both languages at once, like the headers of a table, the names of commands, and the pages of
the stand-ins."""
BILINGUAL = {"COLUMNS"}
DESCRIBED = {"description", "help", "summary", "short_help"}
"""Arguments that describe a field, a route or a command to developers."""


def said(node: ast.AST) -> str | None:
    """The text of a string, or of an f-string with its values left out; None for anything else."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)
    return None


def spoken(tree: ast.Module) -> Iterator[ast.AST]:
    """The nodes of a module whose texts are said to people: no docstring, no description of a field, no set of columns."""
    left = [*tree.body]
    while left:
        node = left.pop()
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue
        if isinstance(node, ast.keyword) and node.arg in DESCRIBED:
            continue
        if isinstance(node, ast.Assign) and any(
            isinstance(target, ast.Name) and target.id in BILINGUAL for target in node.targets
        ):
            continue
        if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) in (
            "Meta",
            "Typer",
            "Field",
            "compile",
            "search",
        ):
            continue
        yield node
        if not isinstance(node, ast.JoinedStr):
            left += ast.iter_child_nodes(node)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_text_for_people_is_of_one_language(path: Path):
    source = path.read_text(encoding="utf-8")
    if not CHINESE.search(source):
        return
    for node in spoken(ast.parse(source)):
        text = said(node)
        if text and CHINESE.search(text):
            assert not codes_in(text), f"{path.name}:{getattr(node, 'lineno', 0)}: {text}"


@pytest.mark.parametrize("problem", service_problems(), ids=lambda problem: problem.code)
def test_a_problem_has_a_title_in_each_language(problem: type):
    assert_words(problem.title_zh, problem.title_en)  # type: ignore[attr-defined]


def test_a_code_in_a_sentence_is_found():
    """The reader of this file itself."""
    assert codes_in("科目professional尚缺30学分") == ["professional"]
    assert codes_in("截至2025-02-20") == ["2025-02-20"]
    assert codes_in("须写“windows”之一，上传XLSX") == []
