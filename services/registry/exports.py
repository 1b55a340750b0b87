"""Tables for officials as CSV: what a spreadsheet opens, and runs nothing of."""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

from starlette.responses import Response

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_BYTE_ORDER_MARK = "\ufeff"
MEDIA_TYPE = "text/csv"

CSV_ANSWER: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "A table with a header, in UTF-8 with a byte order mark.",
        "content": {MEDIA_TYPE: {"schema": {"type": "string"}}},
    }
}
"""`responses` of a route that answers with a table."""


def cell(value: Any) -> str:
    """A value as text; text that a spreadsheet would take for a formula is led by an apostrophe."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return cell(" ".join(map(str, value)))
    text = str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def csv_response(name: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Response:
    """The rows as a file to save under the name."""
    out = io.StringIO()
    out.write(_BYTE_ORDER_MARK)
    writer = csv.writer(out)
    writer.writerow(columns)
    writer.writerows([cell(value) for value in row] for row in rows)
    return Response(
        out.getvalue().encode(),
        headers={
            "Content-Type": f"{MEDIA_TYPE}; charset=utf-8",
            "Content-Disposition": f'attachment; filename="{name}.csv"',
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
        },
    )
