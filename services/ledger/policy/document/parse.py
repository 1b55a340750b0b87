"""From a notice file to a `Notice`: its form by the JSON Schema, then its sense.

Every fault names file, line (when the source was text), field, and what is expected, and all faults are told at once.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from services.ledger.policy.document.notice import Notice
from services.ledger.policy.document.schema_faults import SchemaFault, harmless, schema_faults
from services.ledger.policy.document.yaml_source import YamlFault, read_own_yaml, read_yaml
from services.ledger.policy.language.days import day_of
from services.ledger.policy.sense import NO_SUCH_DAY, nonsense

FAULTS_MAX = 100


@dataclass(frozen=True, slots=True)
class NoticeFault:
    """One thing wrong with a notice file; `field` is a JSON pointer, `line` counts from 1."""

    source: str
    line: int | None
    field: str
    code: str
    detail_zh: str
    detail_en: str

    def __str__(self) -> str:
        place = self.source if self.line is None else f"{self.source}:{self.line}"
        return f"{place}: {self.field or '/'}: {self.detail_en}"


class NoticeError(Exception):
    """The file is no notice. `faults` has at least one entry, in order of lines."""

    def __init__(self, faults: tuple[NoticeFault, ...]) -> None:
        super().__init__("; ".join(str(fault) for fault in faults[:5]))
        self.faults = faults


def parse_notice(source: str | Mapping[str, Any], name: str = "notice") -> Notice:
    """The notice in a YAML text or in plain data; NoticeError lists every fault."""
    data, lines = read_source(source, name)
    faults = list(schema_faults(data)) or list(_impossible_days(data))
    if not faults:
        try:
            notice = msgspec.convert(data, Notice)
        except msgspec.ValidationError as error:
            faults = [SchemaFault("", "schema", "不符合格式", str(error))]
        else:
            faults = list(nonsense(notice))
            if not faults:
                return notice
    raise NoticeError(_located(faults, lines, name))


def own_notice(text: str) -> Notice:
    """The notice in a YAML text that came with this program: a test has parsed it, which takes far longer."""
    return msgspec.convert(read_own_yaml(text), Notice)


def read_source(source: str | Mapping[str, Any], name: str) -> tuple[Any, dict[str, int]]:
    """The plain data of a notice and the line of each field; data that was plain already has no lines."""
    if not isinstance(source, str):
        return source, {}
    try:
        return read_yaml(source)
    except YamlFault as fault:
        found = NoticeFault(name, fault.line, fault.pointer, "yaml", fault.zh, fault.en)
        raise NoticeError((found,)) from None


def _impossible_days(data: Mapping[str, Any]) -> Iterable[SchemaFault]:
    for field in ("issued_on", "effective_from"):
        if field in data and day_of(data[field], 0) is None:
            yield SchemaFault(f"/{field}", *NO_SUCH_DAY)


def _located(faults: Iterable[SchemaFault], lines: Mapping[str, int], name: str) -> tuple[NoticeFault, ...]:
    found = [
        NoticeFault(
            name, _line(fault.pointer, lines), harmless(fault.pointer), fault.code, fault.zh, fault.en
        )
        for fault in dict.fromkeys(faults)
    ]
    return tuple(sorted(found, key=lambda fault: (fault.line or 0, fault.field))[:FAULTS_MAX])


def line_of(text: str, pointer: str) -> int | None:
    """The line of a field in the text of a notice, or of what it would stand in."""
    return _line(pointer, read_source(text, "notice")[1])


def _line(pointer: str, lines: Mapping[str, int]) -> int | None:
    """The field's line; of a missing field, the line of what it is missing from."""
    while pointer not in lines and pointer:
        pointer = pointer.rpartition("/")[0]
    return lines.get(pointer)
