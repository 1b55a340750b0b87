"""From a notice file to a `Notice`: structure by the JSON Schema, then what a schema cannot say.

Every fault names file, line (when the source was text), field, and what is expected, and all faults are told at once.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import msgspec

from contracts.divisions import is_known
from services.ledger.policy.judged import MakeUp, MakeUpWindow, Providers, Window
from services.ledger.policy.notice import Notice
from services.ledger.policy.rules import Years
from services.ledger.policy.schema import schema_errors
from services.ledger.policy.yaml_source import YamlFault, read_yaml

FAULTS_MAX = 100
_RELATIVE = re.compile(r"Y([+-][0-9]{1,2})?-([0-9]{2})-([0-9]{2})", re.ASCII)


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


Fault = tuple[str, str, str, str]


def parse_notice(source: str | Mapping[str, Any], name: str = "notice") -> Notice:
    """The notice in a YAML text or in plain data; NoticeError lists every fault."""
    lines: dict[str, int] = {}
    data: Any = source
    if isinstance(source, str):
        try:
            data, lines = read_yaml(source)
        except YamlFault as fault:
            raise NoticeError(
                (NoticeFault(name, fault.line, fault.pointer, "yaml", fault.zh, fault.en),)
            ) from None
    faults = list(schema_errors(data))
    if not faults:
        notice = _convert(data, faults)
        if notice is not None:
            faults.extend(_sense(notice))
            if not faults:
                return notice
    raise NoticeError(_located(faults, lines, name))


def _convert(data: Any, faults: list[Fault]) -> Notice | None:
    for field in ("issued_on", "effective_from"):
        if field in data and day_of(data[field], 0) is None:
            faults.append((f"/{field}", "date", "没有这一天", "there is no such day"))
    if faults:
        return None
    try:
        return msgspec.convert(data, Notice)
    except msgspec.ValidationError as error:
        faults.append(("", "schema", "不符合格式", str(error)))
        return None


def _located(faults: list[Fault], lines: Mapping[str, int], name: str) -> tuple[NoticeFault, ...]:
    unique = dict.fromkeys(faults)
    found = [
        NoticeFault(name, _line(pointer, lines), pointer, code, zh, en) for pointer, code, zh, en in unique
    ]
    return tuple(sorted(found, key=lambda fault: (fault.line or 0, fault.field))[:FAULTS_MAX])


def _line(pointer: str, lines: Mapping[str, int]) -> int | None:
    """The field's line; of a missing field, the line of what it is missing from."""
    while pointer not in lines and pointer:
        pointer = pointer.rpartition("/")[0]
    return lines.get(pointer)


def day_of(text: str, year: int) -> date | None:
    """The date a day expression means for a credit year (`Y+1-03-31`); None when there is no such day."""
    relative = _RELATIVE.fullmatch(text)
    try:
        if relative is None:
            return date.fromisoformat(text)
        offset, month, day = relative.groups()
        return date(year + int(offset or 0), int(month), int(day))
    except ValueError:
        return None


def _sense(notice: Notice) -> Iterator[Fault]:
    yield from _sense_of_head(notice)
    for number, clause in enumerate(notice.clauses):
        yield from _sense_of_years(clause.years, f"/clauses/{number}/years")
        for index, rule in enumerate(clause.rules):
            pointer = f"/clauses/{number}/rules/{index}"
            if isinstance(rule, Window):
                yield from _sense_of_window(rule, pointer)
            elif isinstance(rule, Providers) and (rule.rule == "listed") != bool(rule.list):
                yield (
                    f"{pointer}/list",
                    "list",
                    "listed 须列出机构, accredited 不列",
                    "a list goes with listed, and only with it",
                )
            elif isinstance(rule, MakeUp):
                yield from _sense_of_make_up(notice, rule, pointer)


def _sense_of_head(notice: Notice) -> Iterator[Fault]:
    if notice.issued_on is None and notice.effective_from is None:
        yield (
            "/issued_on",
            "required",
            "须有印发日期 issued_on, 文中没有则写 effective_from",
            "issued_on is required; where the text has none, effective_from",
        )
    for field, places in (("place", (notice.place,)), ("excludes", notice.excludes)):
        for index, place in enumerate(places):
            if not is_known(place):
                pointer = f"/{field}" if field == "place" else f"/{field}/{index}"
                yield pointer, "place", "行政区划代码不存在", "no such administrative division"
    yield from _sense_of_years(notice.years, "/years")
    seen: set[str] = set()
    for number, clause in enumerate(notice.clauses):
        if clause.id in seen:
            yield f"/clauses/{number}/id", "duplicate", "条款编号重复", "an earlier clause has this id"
        seen.add(clause.id)


def _sense_of_years(years: Years | None, pointer: str) -> Iterator[Fault]:
    if years is not None and years.first is not None and years.last is not None and years.first > years.last:
        yield pointer, "order", "起始年度应不晚于截止年度", "from must not be after to"


def _sense_of_window(window: Window | MakeUpWindow, pointer: str) -> Iterator[Fault]:
    # 2023 and 2024 stand for a common and a leap year: a relative day must exist in both.
    for field, text in (("from", window.since), ("until", window.until)):
        if text is not None and (day_of(text, 2023) is None or day_of(text, 2024) is None):
            yield f"{pointer}/{field}", "date", "没有这一天", "there is no such day"
            return
    if window.since and window.until and window.since.startswith("Y") == window.until.startswith("Y"):
        since, until = day_of(window.since, 2024), day_of(window.until, 2024)
        if since and until and since > until:
            yield f"{pointer}/until", "order", "截止日应不早于起始日", "until must not be before from"


def _sense_of_make_up(notice: Notice, rule: MakeUp, pointer: str) -> Iterator[Fault]:
    yield from _sense_of_years(rule.years, f"{pointer}/years")
    if rule.never == bool(rule.windows):
        yield (
            f"{pointer}/windows",
            "make_up",
            "须写 windows 或 never: true 之一",
            "give windows, or never: true",
        )
    lists = {c.id for c in notice.clauses for r in c.rules if isinstance(r, Providers) and r.rule == "listed"}
    for index, window in enumerate(rule.windows):
        here = f"{pointer}/windows/{index}"
        yield from _sense_of_window(window, here)
        if (window.providers == "listed") != (window.providers_of is not None):
            yield (
                f"{here}/providers_of",
                "list",
                "listed 须注明名单条款",
                "providers: listed goes with providers_of",
            )
        elif window.providers_of is not None and window.providers_of not in lists:
            yield f"{here}/providers_of", "reference", "没有这个名单条款", "no clause with that id has a list"
