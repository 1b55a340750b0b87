"""The way from a notice file to a `Notice`: its form by the JSON Schema, then its sense.

Every fault names file, line (when the source was text), field, and what is expected, and all faults are told at once.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from contracts.divisions import is_known
from services.ledger.policy.document.notice import Notice
from services.ledger.policy.document.schema_faults import harmless, schema_faults
from services.ledger.policy.document.target_faults import target_faults
from services.ledger.policy.document.yaml_faults import YamlFault, text_of
from services.ledger.policy.document.yaml_source import read_own_yaml, read_yaml
from services.ledger.policy.language.days import day_of
from services.ledger.policy.language.findings import NO_SUCH_DAY, At, Finding, Kind, year_faults
from services.ledger.policy.language.rule import Rule
from services.ledger.policy.rules import KINDS

FAULTS_MAX = 100
NOTICES = Path(__file__).resolve().parents[2] / "notices"
_KIND_OF: Mapping[type[Rule], Kind[Any]] = {kind.rule: kind for kind in KINDS}


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


def read_notice(path: Path) -> Notice:
    """The notice in a YAML file; NoticeError with lines when it is none, OSError when it cannot be read."""
    try:
        text = text_of(path.read_bytes())
    except YamlFault as fault:
        raise _unreadable(fault, str(path)) from None
    return parse_notice(text, str(path))


def bundled_notices() -> list[Notice]:
    """The notices that come with the ledger, oldest first."""
    notices = [own_notice(path.read_text(encoding="utf-8")) for path in sorted(NOTICES.glob("*.yaml"))]
    return sorted(notices, key=lambda notice: (notice.dated, notice.id))


def parse_notice(source: str | Mapping[str, Any], name: str = "notice") -> Notice:
    """The notice in a YAML text or in plain data; NoticeError lists every fault."""
    data, lines = read_source(source, name)
    faults = list(schema_faults(data)) or list(_impossible_days(data))
    if not faults:
        try:
            notice = msgspec.convert(data, Notice)
        except msgspec.ValidationError as error:
            faults = [Finding("", "schema", "不符合格式", str(error))]
        else:
            faults = list(_faults(notice))
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
        raise _unreadable(fault, name) from None


def _unreadable(fault: YamlFault, name: str) -> NoticeError:
    return NoticeError((NoticeFault(name, fault.line, fault.pointer, "yaml", fault.zh, fault.en),))


def rules_at(notice: Notice) -> Iterator[tuple[Kind[Any], Rule, At]]:
    """Every rule of a dated notice with its kind, and where it stands."""
    clauses = {clause.id: clause.rules for clause in notice.clauses}
    for number, clause in enumerate(notice.clauses):
        for index, rule in enumerate(clause.rules):
            at = At(f"/clauses/{number}/rules/{index}", notice.issued_on or notice.effective_from, clauses)
            yield _KIND_OF[type(rule)], rule, at


def _impossible_days(data: Mapping[str, Any]) -> Iterable[Finding]:
    for field in ("issued_on", "effective_from"):
        if field in data and day_of(data[field], 0) is None:
            yield Finding(f"/{field}", *NO_SUCH_DAY)


def _faults(notice: Notice) -> Iterator[Finding]:
    """Everything in a well-formed notice that cannot be meant: places that do not exist, a clause's id given twice."""
    top = At("", notice.issued_on, {})
    if notice.issued_on is None and notice.effective_from is None:
        yield top.found(
            "issued_on",
            "required",
            "须有印发日期“issued_on”，文中没有则写“effective_from”",
            "issued_on is required; where the text has none, effective_from",
        )
    places = {"place": notice.place, **{f"excludes/{n}": place for n, place in enumerate(notice.excludes)}}
    for field, place in places.items():
        if not is_known(place):
            yield top.found(field, "place", "行政区划代码不存在", "no such administrative division")
    yield from year_faults(notice.years, top.field("years"))
    seen: set[str] = set()
    for number, clause in enumerate(notice.clauses):
        at = top.field(f"clauses/{number}")
        if clause.id in seen:
            yield at.found("id", "duplicate", "条款编号重复", "an earlier clause has this id")
        seen.add(clause.id)
        yield from year_faults(clause.years, at.field("years"))
    for kind, rule, at in rules_at(notice):
        if kind.faults is not None:
            yield from kind.faults(rule, at)
        if rule.is_empty():
            yield at.found("", "empty", "此规则没有内容", "the rule says nothing")
    clauses = [clause for clause in notice.clauses for _ in clause.rules]
    yield from target_faults(notice.years, zip(clauses, rules_at(notice), strict=True))


def _located(faults: Iterable[Finding], lines: Mapping[str, int], name: str) -> tuple[NoticeFault, ...]:
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
