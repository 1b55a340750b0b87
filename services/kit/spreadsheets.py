"""Tables that people upload and download: CSV and XLSX, read as text, written so that nothing in them runs.

A cell that a spreadsheet would take for a formula is led by an apostrophe in everything that is written.
"""

import csv
import io
import zipfile
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

import xlsxwriter  # type: ignore[import-untyped]
from python_calamine import CalamineError, CalamineWorkbook

from services.kit.errors import Problem, UnsupportedMediaTypeError

CSV_TYPE = "text/csv"
XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

UNPACKED_BYTES_MAX = 64 * 1024 * 1024
_CELL_MAX = 2000
# As wide as they are typed: a spreadsheet set to Chinese takes the full-width signs for the others.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_BYTE_ORDER_MARK = "\ufeff"


class UnreadableTableError(Problem):
    """The file is no CSV (UTF-8 or GB 18030) or XLSX that can be read, or it has too many rows; nothing was taken."""

    code = "unreadable-table"
    status = 422
    title_zh = "无法读取表格"
    title_en = "The table cannot be read"


def read_table(body: bytes, media_type: str, *, rows_max: int) -> list[list[str]]:
    """The rows of an uploaded table, the header first, every cell as trimmed text.

    Raises UnreadableTableError, UnsupportedMediaTypeError.
    """
    kind = media_type.partition(";")[0].strip().lower()
    if kind == CSV_TYPE:
        rows = _csv_rows(body, rows_max)
    elif kind == XLSX_TYPE:
        rows = _xlsx_rows(body, rows_max)
    else:
        raise UnsupportedMediaTypeError("应为 CSV 或 XLSX", "Must be CSV or XLSX")
    while rows and not any(rows[-1]):
        rows.pop()
    if len(rows) > rows_max + 1:
        raise UnreadableTableError(f"不得超过 {rows_max} 行", f"No more than {rows_max} rows")
    if any(len(cell) > _CELL_MAX for row in rows for cell in row):
        raise UnreadableTableError("单元格内容过长", "A cell is too long")
    return rows


def _csv_rows(body: bytes, rows_max: int) -> list[list[str]]:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = body.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" in text:
            raise UnreadableTableError
        try:
            reader = csv.reader(io.StringIO(text, newline=""), strict=True)
            return [
                [cell.strip() for cell in row] for row, _ in zip(reader, range(rows_max + 2), strict=False)
            ]
        except csv.Error:
            raise UnreadableTableError from None
    raise UnreadableTableError("文字编码应为 UTF-8 或 GB 18030", "The text must be UTF-8 or GB 18030")


def _xlsx_rows(body: bytes, rows_max: int) -> list[list[str]]:
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            unpacked = sum(item.file_size for item in archive.infolist())
        if unpacked > UNPACKED_BYTES_MAX:
            raise UnreadableTableError("文件过大", "The file is too large")
        sheet = CalamineWorkbook.from_filelike(io.BytesIO(body)).get_sheet_by_index(0)
        rows = sheet.to_python(skip_empty_area=False, nrows=rows_max + 2)
    except (zipfile.BadZipFile, CalamineError, ValueError, IndexError, OSError):
        raise UnreadableTableError from None
    return [[_text(value) for value in row] for row in rows]


def _text(value: Any) -> str:
    """A cell as text. A number of more digits than a spreadsheet keeps was rounded by it, and is visibly wrong."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime):
        return value.date().isoformat()
    return str(value).strip()


def safe_cell(value: Any) -> str:
    """A value as the text of a cell; what would be taken for a formula is led by an apostrophe."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = value.isoformat() if isinstance(value, date | datetime) else str(value)
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text


def write_csv(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    """A table as CSV in UTF-8 with a byte order mark, which spreadsheets need to read Chinese."""
    out = io.StringIO(newline="")
    out.write(_BYTE_ORDER_MARK)
    writer = csv.writer(out)
    writer.writerow([safe_cell(column) for column in columns])
    writer.writerows([safe_cell(value) for value in row] for row in rows)
    return out.getvalue().encode()


def write_xlsx(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    """A table as XLSX, every cell as text, never a formula or a link."""
    out = io.BytesIO()
    told = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "constant_memory": True,
    }
    with xlsxwriter.Workbook(out, told) as workbook:
        sheet = workbook.add_worksheet()
        for number, row in enumerate([columns, *rows]):
            for place, value in enumerate(row):
                sheet.write_string(number, place, safe_cell(value))
    return out.getvalue()
