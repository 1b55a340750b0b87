"""Roster files in the body of a request: JSON, CSV (UTF-8 or GB 18030) or XLSX, all into the same records."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from services.kit.errors import UnsupportedMediaTypeError
from services.kit.json_guard import check_text
from services.kit.records import decode_batch
from services.kit.spreadsheets import CSV_TYPE, XLSX_TYPE, read_table
from services.ledger.cases.roster_rows import ROWS_MAX, RosterRecord, RosterTable
from services.ledger.streams.roster import RosterUnreadableError

FILE_BYTES_MAX = 4 * 1024 * 1024
JSON_TYPE = "application/json"
_HEADERS: dict[str, tuple[str, ...]] = {
    "id": ("编号", "id"),
    "id_type": ("证件类型", "id_type"),
    "id_number": ("证件号码", "id_number"),
    "name": ("姓名", "name"),
    "sessions": ("出勤场次", "sessions"),
    "hours": ("学时", "hours"),
    "passed": ("结果", "passed"),
}
_NEEDED = ("id", "id_number", "name", "passed")
_POINTERS = {
    "id": "/id", "id_type": "/person/id_type", "id_number": "/person/id_number", "name": "/person/name",
    "sessions": "/sessions", "hours": "/hours", "passed": "/passed",
}  # fmt: skip
_ID_TYPES = {
    "": "resident_id", "居民身份证": "resident_id", "港澳居民来往内地通行证": "hk_macau_permit",
    "台湾居民来往大陆通行证": "taiwan_permit", "护照": "passport", "军官证": "officer_card",
}  # fmt: skip
_PASSED = {
    "合格": True, "通过": True, "是": True, "passed": True, "true": True,
    "不合格": False, "未通过": False, "否": False, "failed": False, "false": False,
}  # fmt: skip
_SEPARATORS = str.maketrans(dict.fromkeys("、，;； ", ","))


def read_roster(body: bytes, media_type: str) -> RosterTable:
    """The records of a body by its media type.

    Raises UnsupportedMediaTypeError, UnreadableTableError, RosterUnreadableError, and what `decode_batch` raises.
    """
    if media_type == JSON_TYPE:
        check_text(body)
        return RosterTable(decode_batch(body, RosterRecord, items_max=ROWS_MAX))
    if media_type in (CSV_TYPE, XLSX_TYPE):
        return _table(read_table(body, media_type, rows_max=ROWS_MAX))
    raise UnsupportedMediaTypeError("应为 JSON、CSV 或 XLSX", "Must be JSON, CSV or XLSX")


def _table(rows: Sequence[Sequence[str]]) -> RosterTable:
    if not rows:
        raise RosterUnreadableError(columns=[_HEADERS[name][0] for name in _NEEDED])
    places: dict[str, int] = {}
    headers: dict[str, str] = {}
    for place, header in enumerate(rows[0]):
        for name, known in _HEADERS.items():
            if header.lower() in known:
                if name in places:
                    raise RosterUnreadableError(
                        f"列重复：{known[0]}。", f"The column {known[1]} stands twice."
                    )
                places[name] = place
                headers[_POINTERS[name]] = known[0] if header == known[0] else known[1]
    missing = [_HEADERS[name][0] for name in _NEEDED if name not in places]
    if missing or not {"sessions", "hours"} & places.keys():
        missing += [] if {"sessions", "hours"} & places.keys() else ["出勤场次", "学时"]
        raise RosterUnreadableError(
            f"缺少列：{'、'.join(missing)}。", f"Columns are missing: {', '.join(missing)}.", columns=missing
        )
    filled = [(number, row) for number, row in enumerate(rows[1:], 2) if any(row)]
    numbers = [number for number, _ in filled]
    if numbers != list(range(2, len(numbers) + 2)):
        raise RosterUnreadableError("名单中间不得有空行。", "There are empty rows between the others.")
    records = [_record(row, places) for _, row in filled]
    body = msgspec.json.encode({"records": records})
    return RosterTable(decode_batch(body, RosterRecord, items_max=ROWS_MAX), 2, headers)


def _record(row: Sequence[str], places: dict[str, int]) -> dict[str, Any]:
    def cell(name: str) -> str:
        place = places.get(name)
        return row[place] if place is not None and place < len(row) else ""

    passed = cell("passed").lower()
    record: dict[str, Any] = {
        "id": cell("id"),
        "person": {
            "id_type": _ID_TYPES.get(cell("id_type"), cell("id_type")),
            "id_number": cell("id_number"),
            "name": cell("name"),
        },
        "passed": _PASSED.get(passed, passed),
    }
    if cell("sessions"):
        record["sessions"] = _numbers(cell("sessions").translate(_SEPARATORS).split(","))
    if cell("hours"):
        record["hours"] = cell("hours")
    return record


def _numbers(parts: Iterable[str]) -> list[Any]:
    """Session numbers; what is none stays text, which the record's own check then refuses."""
    return [
        int(part) if part.isascii() and part.isdigit() and len(part) < 4 else part for part in parts if part
    ]
