"""Tables for officials as CSV: what a spreadsheet opens, and runs nothing of."""

from collections.abc import Iterable, Sequence
from typing import Any

from starlette.responses import Response

from services.kit.spreadsheets import CSV_TYPE, write_csv

CSV_ANSWER: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "A table with a header, in UTF-8 with a byte order mark.",
        "content": {CSV_TYPE: {"schema": {"type": "string"}}},
    }
}
"""`responses` of a route that answers with a table."""


def csv_response(name: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Response:
    """The rows as a file to save under the name."""
    return Response(
        write_csv(columns, rows),
        headers={
            "Content-Type": f"{CSV_TYPE}; charset=utf-8",
            "Content-Disposition": f'attachment; filename="{name}.csv"',
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
        },
    )
