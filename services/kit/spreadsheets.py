"""Tables handed out: CSV and XLSX, written so that nothing in them runs.

A cell that a spreadsheet would take for a formula is led by an apostrophe in everything that is written.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import date, datetime

import xlsxwriter  # type: ignore[import-untyped]
from starlette.responses import Response

CSV_TYPE = "text/csv"
XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

# As wide as they are typed: a spreadsheet set to Chinese takes the full-width signs for the others.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_BYTE_ORDER_MARK = "\ufeff"


def safe_cell(value: object) -> str:
    """A value as the text of a cell; what would be taken for a formula is led by an apostrophe."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = value.isoformat() if isinstance(value, date | datetime) else str(value)
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text


def write_csv(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """A table as CSV in UTF-8 with a byte order mark, which spreadsheets need to read Chinese."""
    out = io.StringIO(newline="")
    out.write(_BYTE_ORDER_MARK)
    writer = csv.writer(out)
    writer.writerow([safe_cell(column) for column in columns])
    writer.writerows([safe_cell(value) for value in row] for row in rows)
    return out.getvalue().encode()


def write_xlsx(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
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


def file_response(content: bytes, media_type: str, name: str) -> Response:
    """A table as a file to save under the name; nobody keeps it on the way."""
    headers = {
        "Content-Type": f"{media_type}; charset=utf-8" if media_type == CSV_TYPE else media_type,
        "Content-Disposition": f'attachment; filename="{name}"',
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }
    return Response(content, headers=headers)
