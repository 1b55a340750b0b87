"""Names of people, recognised in a text where the same request says whose name it is: beside the number of a document.

Nobody can tell a name from other words without knowing it. A name of two characters may be a word as well, and counts
only where it stands by itself or with what people put beside a name.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

NUMBER, NAME = "id_number", "name"
"""Members that stand beside each other where a body says who somebody is."""
WORDS = ("此处不得填写人员姓名", "Somebody's name does not belong here")
CODE = "personal_name"

_HAN = re.compile("[\u3400-\u9fff\U00020000-\U0003ffff]")
_BETWEEN_HAN = re.compile(
    "(?<=[\u3400-\u9fff\U00020000-\U0003ffff])[\\s·•・.]+(?=[\u3400-\u9fff\U00020000-\U0003ffff])"
)
_PLAIN = re.compile("[\u4e00-\u9fff]+")
_BEFORE = ("学员", "姓名", "本人", "我是", "人员", "会计", "同志", "员工", "考生")
_AFTER = ("同志", "先生", "女士", "老师", "同学", "本人", "的", "已", "于")


def names_in(document: Any) -> Iterator[str]:
    """Every name that a member of a body says beside somebody's number. Rows of a list speak for themselves alone."""
    if isinstance(document, dict):
        if NUMBER in document and isinstance(name := document.get(NAME), str):
            yield name
        for member in document.values():
            if isinstance(member, dict):
                yield from names_in(member)


def holds_name(text: str, name: str) -> bool:
    """Whether a name stands in a text, whatever its width, case, accents and blanks."""
    text, name = _folded(text), _folded(name)
    if name not in text:
        return False
    if _HAN.search(name) is None:
        return " " in name and re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text, re.ASCII) is not None
    return len(name) > 2 or (len(name) == 2 and any(_stands_apart(text, at) for at in _places(text, name)))


def is_one_named(names: Sequence[str], texts: Sequence[str | None]) -> bool:
    """Whether a name stands in the text beside it, of many. None of another script stands in a text of ASCII."""
    said = set(filter(None, texts))
    if not said or ("".join(said).isascii() and not any(map(str.isascii, names))):
        return False
    folded = {text: _folded(text) for text in said}
    called = {name: name if _PLAIN.fullmatch(name) else _folded(name) for name in set(names)}
    return any(
        called[name] in folded[text] and holds_name(text, name)
        for text, name in zip(texts, names, strict=True)
        if text
    )


def _places(text: str, name: str) -> Iterator[tuple[int, int]]:
    return (found.span() for found in re.finditer(re.escape(name), text))


def _stands_apart(text: str, place: tuple[int, int]) -> bool:
    before, after = text[: place[0]], text[place[1] :]
    begins = _HAN.match(before[-1:]) is None or before.endswith(_BEFORE)
    return begins and (_HAN.match(after) is None or after.startswith(_AFTER))


@lru_cache(maxsize=2048)
def _folded(text: str) -> str:
    shown = "".join(
        sign
        for sign in unicodedata.normalize("NFKD", text).casefold()
        if unicodedata.category(sign) not in ("Mn", "Me", "Cf")
    )
    return " ".join(_BETWEEN_HAN.sub("", shown).split())
