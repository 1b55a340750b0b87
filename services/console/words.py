"""Words of the pages: one table of strings, each in Chinese and in English, kept as a file a screen under `words/`.

A string is written `中文 | English`. A key is the file's name and the key within it: `frame.sign_out`. Codes of the services
have their words under `codes`: `codes.status.compliant`. A code without words is never shown as it is.
"""

from collections.abc import Mapping
from datetime import date, datetime
from functools import cache
from pathlib import Path

import yaml

from contracts.divisions import full_name_of, is_known, name_of
from services.kit.clock import SHANGHAI
from services.kit.errors import Language

FOLDER = Path(__file__).with_name("words")
LANGUAGES: tuple[Language, ...] = ("zh", "en")

Table = Mapping[str, tuple[str, str]]


@cache
def table() -> Table:
    """All strings by key: Chinese, English."""
    found: dict[str, tuple[str, str]] = {}
    for path in sorted(FOLDER.glob("*.yaml")):
        _collect(path.stem, yaml.safe_load(path.read_text(encoding="utf-8")), found)
    return found


def _collect(prefix: str, node: object, found: dict[str, tuple[str, str]]) -> None:
    if isinstance(node, dict):
        for key, below in node.items():
            _collect(f"{prefix}.{key}", below, found)
    elif isinstance(node, str) and node.count(" | ") == 1:
        zh, _, en = node.partition(" | ")
        found[prefix] = (zh, en)
    else:
        raise ValueError(f"{prefix}: a string is given in Chinese and in English")


class Words:
    """The strings in one language."""

    def __init__(self, language: Language) -> None:
        self.language: Language = language
        self._index = LANGUAGES.index(language)

    def __call__(self, key: str, **values: object) -> str:
        """The string of a key, with what stands in braces put in."""
        text = table()[key][self._index]
        return text.format(**values) if values else text

    def code(self, kind: str, code: object) -> str:
        """The words of a service's code. One that this release has no words for is said to be so, and not shown."""
        found = table().get(f"codes.{kind}.{code}")
        return found[self._index] if found is not None else table()["codes.unknown"][self._index]

    def category(self, path: str | None) -> str:
        """A category in words: the known part of its path, and what a bureau has named below it as it named it."""
        if path is None:
            return self("codes.all_credits")
        root, _, rest = path.partition("/")
        known = table().get(f"codes.category.{root}")
        name = known[self._index] if known is not None else root
        return f"{name} / {rest}" if rest else name

    def place(self, code: str | None) -> str:
        """A division by its name; places have Chinese names in both languages."""
        return full_name_of(code) if code and is_known(code) else ""

    def place_name(self, code: str | None) -> str:
        """The last part of the name alone."""
        return name_of(code) if code and is_known(code) else ""

    def own(self, answer: Mapping[str, object], field: str) -> str:
        """A text that a service gives in both languages; in Chinese alone where a notice is quoted."""
        return str(answer.get(f"{field}_{self.language}") or answer.get(f"{field}_zh") or "")


def day(value: str | date | None) -> str:
    """A day as people read it, the same in both languages."""
    return "" if value is None else str(value)[:10]


def moment(value: str | datetime | None) -> str:
    """A moment in Shanghai, to the minute."""
    if value is None:
        return ""
    when = datetime.fromisoformat(value) if isinstance(value, str) else value
    return when.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M")
