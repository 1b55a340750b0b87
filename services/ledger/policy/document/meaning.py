"""Meaning of rules in words: each kind, field and value as people call it, in Chinese and in English, from `words.yaml`."""

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

import msgspec
import yaml

from services.ledger.policy.language.rule import Rule
from services.ledger.policy.language.words import Words

_FILE = Path(__file__).with_name("words.yaml")


class Meaning(NamedTuple):
    """What a rule says, in both languages: `总学分：90；科目：专业科目 60`."""

    kind: Words
    says: Words


@cache
def word_table() -> Mapping[str, Mapping[str, Words]]:
    """The words of kinds, fields and values."""
    said = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    return {
        group: {str(code): _pair(words) for code, words in entries.items()} for group, entries in said.items()
    }


def _pair(words: str) -> Words:
    zh, _, en = words.partition(" | ")
    return zh, en


def field_words(struct: str, field: str) -> Words:
    """What a field of a part is called; by its own name where `words.yaml` leaves it out."""
    fields = word_table()["fields"]
    return fields.get(f"{struct}.{field}") or fields.get(field) or _code(field)


def meaning_of(rule: Rule) -> Meaning:
    """What a rule says, field by field, those left out at their default."""
    plain = msgspec.to_builtins(rule)
    kind = str(plain.pop("kind"))
    told = list(_fields(type(rule).__name__, plain))
    zh, en = "；".join(zh for zh, _ in told), "; ".join(en for _, en in told)
    return Meaning(word_table()["kinds"].get(kind) or _code(kind), (zh, en))


def _fields(struct: str, plain: Mapping[str, object]) -> Iterator[Words]:
    for name, value in plain.items():
        zh, en = field_words(struct, name)
        says_zh, says_en = _value(value)
        yield f"{zh}：{says_zh}", f"{en}: {says_en}"


def _value(value: object) -> Words:
    if isinstance(value, Mapping):
        told = [_entry(str(name), part) for name, part in value.items()]
        return "，".join(zh for zh, _ in told), ", ".join(en for _, en in told)
    if isinstance(value, list | tuple):
        told = [_value(part) for part in value]
        nested = any(isinstance(part, Mapping) for part in value)
        if nested:
            return "".join(f"（{zh}）" for zh, _ in told), " ".join(f"({en})" for _, en in told)
        return "、".join(zh for zh, _ in told), ", ".join(en for _, en in told)
    if isinstance(value, bool):
        return word_table()["values"]["true" if value else "false"]
    return _code(str(value))


def _entry(name: str, part: object) -> Words:
    """A field within a field, or a code with what is asked of it."""
    tables = word_table()
    zh, en = tables["values"].get(name) or tables["fields"].get(name) or _code(name)
    says_zh, says_en = _value(part)
    return f"{zh} {says_zh}", f"{en} {says_en}"


def _code(code: str) -> Words:
    """A code by its words; a path by those of its parts. What has none is the notice's own, and said as it is."""
    values = word_table()["values"]
    if code in values:
        return values[code]
    if "/" in code and code.split("/", maxsplit=1)[0] in values:
        root, _, rest = code.partition("/")
        zh, en = values[root]
        return f"{zh}之 {rest}", f"{en} / {rest}"
    return code.replace("_", " "), code.replace("_", " ")


def setting_words(name: str) -> Words:
    """What a setting is called: `window.study.online` is the window of studying online."""
    first, *rest = name.split(".")
    tables = word_table()
    told = [tables["kinds"].get(first) or tables["fields"].get(first) or _code(first)]
    told += [
        ("全部", "all")
        if part == "*"
        else tables["values"].get(part) or tables["fields"].get(part) or _code(part)
        for part in rest
    ]
    return " · ".join(zh for zh, _ in told), " · ".join(en for _, en in told)


def value_words(value: object) -> Words:
    """What a setting's value says; of a rule, what it says."""
    plain = msgspec.to_builtins(value)
    if not isinstance(plain, Mapping):
        return _value(plain)
    told = list(_fields(type(value).__name__, {name: part for name, part in plain.items() if name != "kind"}))
    return "；".join(zh for zh, _ in told), "; ".join(en for _, en in told)
