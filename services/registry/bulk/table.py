"""Tables of people, column by column: each row becomes the body of a collection, or its faults by column."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from services.kit.errors import FieldError
from services.kit.field_errors import field_errors
from services.kit.spreadsheets import UnreadableTableError
from services.registry.people.schemas import CollectionRequest

COLUMNS: Mapping[str, tuple[str, str]] = {
    "/person/id_type": ("证件类型", "id_type"),
    "/person/id_number": ("证件号码", "id_number"),
    "/person/name": ("姓名", "name"),
    "/place": ("地区代码", "place"),
    "/employer": ("统一社会信用代码", "employer"),
    "/student": ("学生", "student"),
    "/student_since": ("入学日期", "student_since"),
    "/qualifications/0/level": ("专业技术资格", "level"),
    "/qualifications/0/obtained_on": ("取得日期", "obtained_on"),
    "/qualifications/0/certificate_number": ("证书编号", "certificate_number"),
    "/jobs": ("会计岗位", "jobs"),
    "/working_since": ("从事会计工作日期", "working_since"),
    "/contact/phone": ("联系电话", "phone"),
    "/contact/email": ("电子邮箱", "email"),
    "/evidence": ("佐证材料", "evidence"),
}
"""Where each column goes; it is called by either word."""
NEEDED = ("/person/id_number", "/person/name", "/place")

_WORDS: Mapping[str, Mapping[str, Any]] = {
    "/person/id_type": {
        "": "resident_id", "居民身份证": "resident_id", "港澳居民来往内地通行证": "hk_macau_permit",
        "台湾居民来往大陆通行证": "taiwan_permit", "护照": "passport", "军官证": "officer_card",
    },
    "/student": {"": False, "是": True, "true": True, "1": True, "否": False, "false": False, "0": False},
    "/qualifications/0/level": {
        "初级": "junior", "中级": "intermediate", "高级": "senior", "副高级": "senior", "正高级": "advanced_senior",
    },
}  # fmt: skip
_JOBS = {
    "出纳": "cashier", "稽核": "audit", "资产负债和所有者权益核算": "assets_liabilities_equity",
    "收入费用核算": "income_expense", "财务成果核算": "results", "财务会计报告编制": "reporting",
    "会计监督": "supervision", "会计机构内会计档案管理": "archives", "其他": "other",
}  # fmt: skip
_DATES = frozenset(pointer for pointer in COLUMNS if pointer.endswith(("_on", "_since")))
_LISTS = frozenset({"/jobs", "/evidence"})
_DATE = re.compile(r"([0-9]{4})[-/.年]([0-9]{1,2})[-/.月]([0-9]{1,2})日?", re.ASCII)
_SEPARATOR = re.compile("[,;，；、|\\s]+")


@dataclass(frozen=True)
class Fault:
    """What is wrong with a row: the column by the word of its header, a stable code, and why in both languages."""

    column: str
    code: str
    reason_zh: str
    reason_en: str


@dataclass(frozen=True)
class ReadRow:
    """A row by its number in the file, as a body or as its faults."""

    number: int
    body: CollectionRequest | None
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True)
class Headers:
    """Which column stands where, and what the file calls it."""

    places: Mapping[str, int]
    words: Mapping[str, str]

    def column_of(self, pointer: str) -> str:
        """The header of the column a pointer into the body is about; "" when it is about none."""
        while pointer:
            if pointer in self.words:
                return self.words[pointer]
            pointer = pointer.rpartition("/")[0]
        return ""


def read_rows(table: Sequence[Sequence[str]]) -> tuple[Headers, list[ReadRow]]:
    """The rows of a table below its header; empty ones are passed over. Raises UnreadableTableError."""
    headers = _headers(table[0] if table else ())
    rows = [_read(number, row, headers) for number, row in enumerate(table[1:], 2) if any(row)]
    if not rows:
        raise UnreadableTableError("没有数据行", "There are no rows")
    return headers, rows


def _headers(header: Sequence[str]) -> Headers:
    places: dict[str, int] = {}
    words: dict[str, str] = {}
    for place, word in enumerate(header):
        for pointer, known in COLUMNS.items():
            if word in known or word.lower() in known:
                if pointer in places:
                    raise UnreadableTableError(f"列重复：{known[0]}", f"The column {known[1]} stands twice")
                places[pointer], words[pointer] = place, known[0] if word == known[0] else known[1]
    missing = [COLUMNS[pointer] for pointer in NEEDED if pointer not in places]
    if missing:
        raise UnreadableTableError(
            f"缺少列：{'、'.join(zh for zh, _ in missing)}",
            f"Columns are missing: {', '.join(en for _, en in missing)}",
        )
    return Headers(places, words)


def _read(number: int, row: Sequence[str], headers: Headers) -> ReadRow:
    body: dict[str, Any] = {}
    for pointer, place in headers.places.items():
        cell = row[place] if place < len(row) else ""
        value = _value(pointer, cell)
        if value is not None:
            _put(body, pointer, value)
    body.setdefault("person", {}).setdefault("id_type", "resident_id")
    try:
        return ReadRow(number, CollectionRequest.model_validate(body))
    except ValidationError as error:
        found = field_errors(error.errors(include_url=False, include_input=False))
        return ReadRow(number, None, tuple(fault_of(each, headers) for each in found))


def fault_of(error: FieldError, headers: Headers) -> Fault:
    """A fault of a field as a fault of its column."""
    return Fault(headers.column_of(error.pointer), error.code, error.detail_zh, error.detail_en)


def _value(pointer: str, cell: str) -> Any:
    if pointer in _WORDS and cell.lower() in _WORDS[pointer]:
        return _WORDS[pointer][cell.lower()]
    if not cell:
        return None
    if pointer in _DATES and (found := _DATE.fullmatch(cell)):
        year, month, day = found.groups()
        return f"{year}-{month:0>2}-{day:0>2}"
    if pointer in _LISTS:
        return [_JOBS.get(each, each) for each in _SEPARATOR.split(cell) if each]
    return cell


def _put(body: dict[str, Any], pointer: str, value: Any) -> None:
    if pointer.startswith("/qualifications/0/"):
        held = body.setdefault("qualifications", [{}])
        held[0][pointer.rpartition("/")[2]] = value
        return
    *above, last = pointer.strip("/").split("/")
    for each in above:
        body = body.setdefault(each, {})
    body[last] = value
