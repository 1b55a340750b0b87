"""Rows of an uploaded table as records of a batch, where a form names its columns by pointers into the record.

So a table and a JSON body mean the same, are checked by the same struct, and are answered record by record.
"""

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from services.kit.errors import FieldError, Problem
from services.kit.records import Batch, InvalidRecord, decode_batch
from services.kit.table_reader import Table, TableRow

T = TypeVar("T", bound=msgspec.Struct)


def batch_of(table: Table, struct: type[T], defaults: Mapping[str, object]) -> Batch[T]:
    """The rows as records; one at fault says where in the file and why. `defaults` are values by pointer."""
    body = msgspec.json.encode({"records": [nested({**defaults, **row.values}) for row in table.rows]})
    decoded = decode_batch(body, struct, items_max=table.form.rows_max).records
    return Batch(
        [
            _at_fault(index, row, record, table)
            if row.faults or isinstance(record, InvalidRecord)
            else record
            for index, (row, record) in enumerate(zip(table.rows, decoded, strict=True))
        ]
    )


def nested(values: Mapping[str, object]) -> dict[str, object]:
    """Values by pointer as an object: `/part/name` is `name` in `part`."""
    body: dict[str, Any] = {}
    for pointer, value in values.items():
        inside = body
        *above, last = pointer.strip("/").split("/")
        for each in above:
            inside = inside.setdefault(each, {})
        inside[last] = value
    return body


def place(problem: Problem, table: Table, index: int) -> str | None:
    """Let a refusal of a record say where it is in the file; the header of its column, where it is about one."""
    base = f"/records/{index}"
    name = table.form.column_at((problem.pointer or "").removeprefix(base))
    if name is None:
        return None
    if not problem.field_errors:
        zh, en = problem.detail_zh or problem.title_zh, problem.detail_en or problem.title_en
        problem.detail_zh, problem.detail_en = table.placed(table.rows[index].number, name, zh, en)
    return table.header(name)


def _at_fault(index: int, row: TableRow, record: object, table: Table) -> InvalidRecord:
    """All that is wrong with a row: what its cells hold, and what of the rest makes no record."""
    base = f"/records/{index}"
    faults = [
        FieldError(base + fault.column, fault.code, fault.detail_zh, fault.detail_en) for fault in row.faults
    ]
    faulty = {fault.pointer for fault in faults}
    for error in record.errors if isinstance(record, InvalidRecord) else ():
        name = table.form.column_at(error.pointer.removeprefix(base))
        if name is None:
            faults.append(error)
        elif base + name not in faulty:
            said = table.placed(row.number, name, error.detail_zh, error.detail_en)
            faults.append(FieldError(error.pointer, error.code, *said))
    given = record.record_id if isinstance(record, InvalidRecord) else getattr(record, "id", None)
    return InvalidRecord(index, faults, None if f"{base}/id" in faulty else given)
