"""The child process that reads one uploaded table: its bytes in, its cells or the reason against them out.

It lives for one file, under limits of memory and processor time, with no setting and no secret of the service.
Whatever a file makes of it, the process that started it goes on.
"""

import codecs
import csv
import json
import re
import sys
from collections.abc import Iterator
from typing import Any

from services.kit.table_cells import (
    CELL_LENGTH_MAX,
    LONG,
    TEXT,
    Cell,
    Found,
    Sheet,
    Unreadable,
    Wanted,
    the_table,
)
from services.kit.xlsx_cells import xlsx_sheets

MEMORY_BYTES_MAX = 512 * 1024 * 1024
PROCESSOR_SECONDS_MAX = 10
FIELD_LENGTH_MAX = 20_000
RECORD_LENGTH_MAX = 256 * 1024
_BREAK = re.compile(r"\r\n|\r|\n")
_SEPARATORS = (",", ";", "\t")
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_DECLARED = {"gb18030": "gb18030", "gbk": "gb18030", "gb2312": "gb18030"}


def read(body: bytes, kind: str, charset: str, wanted: Wanted) -> Found:
    """The table of a file, `kind` csv or xlsx. Raises Unreadable."""
    if kind == "xlsx":
        return the_table(xlsx_sheets(body, wanted), wanted)
    return the_table([_csv_sheet(_decoded(body, charset), wanted)], wanted)


def _decoded(body: bytes, charset: str) -> str:
    marked = [encoding for mark, encoding in _MARKS if body.startswith(mark)]
    declared = [_DECLARED[charset]] if charset in _DECLARED else []
    for encoding in marked or [*declared, "utf-8", "gb18030"]:
        try:
            text = body.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" in text:
            break
        return text
    raise Unreadable("unknown_encoding")


def _csv_sheet(text: str, wanted: Wanted) -> Sheet:
    """The rows as the separator shows them that finds most columns of the form; `sep=` in the first line decides."""
    first, _, rest = text.partition("\n")
    said = first.strip().strip('"').lower()
    if said.startswith("sep=") and len(said) <= 5:
        return _rows(rest, first.strip().strip('"')[4:] or "\t", wanted)
    return max((_rows(text, each, wanted) for each in _SEPARATORS), key=Sheet.score)


def _rows(text: str, separator: str, wanted: Wanted) -> Sheet:
    sheet = Sheet(None, wanted)
    csv.field_size_limit(FIELD_LENGTH_MAX)
    lines = _Lines(text)
    records = csv.reader(lines, delimiter=separator, strict=True)
    number = 0
    try:
        for number, record in enumerate(records, 1):
            lines.length = 0
            if not sheet.add(
                number, [cell for column, value in enumerate(record, 1) for cell in _cell(column, value)]
            ):
                break
    except csv.Error as error:
        code = "endless_field" if str(error).startswith("field larger") else "broken_quotes"
        sheet.fault = Unreadable(code, row=number + 1, limit=FIELD_LENGTH_MAX)
    except Unreadable as fault:
        sheet.fault = Unreadable(fault.code, row=number + 1, **fault.place)
    return sheet


def _cell(column: int, value: str) -> Iterator[Cell]:
    """A field as a cell: blanks, the apostrophe and ="..." that keep digits together in a spreadsheet are no part of it."""
    value = value.strip()
    if value.startswith('="') and value.endswith('"') and len(value) > 3:
        value = value[2:-1]
    if value:
        yield Cell(column, LONG, "") if len(value) > CELL_LENGTH_MAX else Cell(column, TEXT, value)


class _Lines:
    """The lines of a text, one record of which may not grow without end."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self.length = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self._at >= len(self._text):
            raise StopIteration
        end = self._at + RECORD_LENGTH_MAX - self.length
        found = _BREAK.search(self._text, self._at, end)
        stop = found.end() if found else len(self._text)
        if stop > end:
            raise Unreadable("endless_line", limit=RECORD_LENGTH_MAX)
        line, self._at = self._text[self._at : stop], stop
        self.length += len(line)
        return line


def answer(asked: dict[str, Any], body: bytes) -> dict[str, Any]:
    """What the parent is told: the table, or why there is none."""
    wanted = Wanted(asked["columns"], asked["needed"], asked["rows_max"])
    try:
        return {"table": read(body, asked["kind"], asked["charset"], wanted)}
    except Unreadable as fault:
        return {"unreadable": fault.code, "place": fault.place}
    except (MemoryError, RecursionError):
        return {"unreadable": "beyond_limits", "place": {}}


def bound() -> None:
    """Limit what this process may take: memory, processor time, no file written, no dump left behind."""
    try:
        import resource
    except ImportError:  # pragma: no cover - no such limits there; the parent's clock remains
        return
    for kind, limit in (
        (resource.RLIMIT_AS, MEMORY_BYTES_MAX),
        (resource.RLIMIT_CPU, PROCESSOR_SECONDS_MAX),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
    ):
        resource.setrlimit(kind, (limit, limit))


def main() -> None:
    """Read the question in the first line and the file after it, and answer in JSON."""
    bound()
    asked = json.loads(sys.stdin.buffer.readline())
    json.dump(answer(asked, sys.stdin.buffer.read()), sys.stdout)


if __name__ == "__main__":
    main()
