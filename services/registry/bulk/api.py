"""Routes of bulk collection: a table of people in, an answer for every row out."""

import asyncio
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import Depends, Query, Request, Response

from services.kit.audit import AuditedRoute, how_many, reads
from services.kit.auth import require
from services.kit.budgets import within
from services.kit.errors import language_of
from services.kit.idempotency import CommandKey, command_key
from services.kit.openapi import problems
from services.kit.routers import Router
from services.kit.schemas import StrictModel, WholeList
from services.kit.spreadsheets import CSV_TYPE, XLSX_TYPE, file_response, write_csv, write_xlsx
from services.kit.table_forms import template
from services.kit.table_reader import Table, read_table
from services.registry.bulk.bulk import BulkCollections, BulkResult
from services.registry.bulk.table import FORM
from services.registry.people.collections import COLLECTIONS
from services.registry.streams.actor import Actor
from services.registry.web.routes import Id, acting, part

PATH = "/v1/collections/bulk"
BYTES_MAX = 4 * 1024 * 1024

router = Router(prefix=PATH, tags=["collections"], route_class=AuditedRoute)

_submit = require("collection:submit")
_TABLES = {kind: {"schema": {"type": "string", "format": "binary"}} for kind in (CSV_TYPE, XLSX_TYPE)}
_BODY = {"requestBody": {"required": True, "content": _TABLES}}
_HEADER = ("row", "result", "column", "reason_zh", "reason_en", "code", "collection_id", "person_id")


class RowFault(StrictModel):
    """What is wrong with a row: the column by its header, and why."""

    column: str
    code: str
    reason_zh: str
    reason_en: str


class Row(StrictModel):
    """What became of a row, by its number in the file; the header is row 1."""

    row: int
    result: str
    collection_id: str | None
    person_id: str | None
    faults: list[RowFault]


class Bulk(StrictModel):
    """What became of a file."""

    bulk_id: str
    applied: bool
    rows: list[Row]


class TakenColumn(StrictModel):
    """A column of the file that was read: what the form calls it, its header, and its letter in a spreadsheet."""

    name: str
    header: str
    letter: str


class Uploaded(Bulk):
    """What became of a file just read, and which of its columns were read; `not_taken` are the letters of the others."""

    columns: list[TakenColumn]
    not_taken: list[str]


class BulkSummary(StrictModel):
    """A file that was uploaded; `count` is of its rows."""

    bulk_id: str
    applied: bool
    uploaded_at: datetime
    count: int


class BulkSummaries(WholeList):
    """The last files of the caller, or of their organization, newest first."""

    items: list[BulkSummary]


Uploads = Annotated[BulkCollections, Depends(part(BulkCollections))]


def _exported(kind: str) -> dict[int | str, dict[str, object]]:
    described = {"description": "A row for each row of the file.", "content": {kind: _TABLES[kind]}}
    return {**problems(404), 200: described}


@router.post(
    "",
    status_code=201,
    response_model=Uploaded,
    responses=problems(409, 413, 415, 429, 503),
    openapi_extra=_BODY,
    dependencies=[Depends(within(COLLECTIONS, _submit))],
)
async def submit_collections(
    request: Request,
    by: Annotated[Actor, Depends(acting(_submit))],
    key: Annotated[CommandKey, Depends(command_key(_submit))],
    uploads: Uploads,
    partial: Annotated[
        bool, Query(description="Hand in the rows without fault although others have some.")
    ] = False,
) -> Response:
    """Hand in the information of many people as a table, CSV (UTF-8, UTF-16 or GB 18030) or XLSX: all of them or none.

    The header is found by its words, in Chinese or English, below titles and on any visible sheet: 证件号码 (id_number),
    姓名 (name) and 地区代码 (place) must be there. Identifiers are taken from cells of text only. Every row is answered
    with the column at fault, the reason and what to do.
    """
    table = await read_table(await request.body(), request.headers.get("content-type", ""), FORM)
    result = await uploads.upload(by, table, key, partial=partial)
    content = msgspec.to_builtins(result) | _columns(table)
    return Response(msgspec.json.encode(content), status_code=201, media_type="application/json")


@router.get(
    "/template.xlsx",
    operation_id="get_bulk_collection_template",
    response_class=Response,
    responses=_exported(XLSX_TYPE),
    dependencies=[Depends(acting(_submit))],
)
async def get_template(request: Request) -> Response:
    """The empty table to fill in, in Chinese or English by `Accept-Language`: header, formats, the words to choose from."""
    content = await asyncio.to_thread(template, FORM, language_of(request.headers))
    return file_response(content, XLSX_TYPE, "collection.xlsx")


@router.get("", response_model=BulkSummaries)
async def list_bulk_collections(by: Annotated[Actor, Depends(acting(_submit))], uploads: Uploads) -> object:
    """The last files that the caller, or their organization, uploaded, newest first."""
    return {"items": await uploads.latest(by)}


@router.get("/{id}", response_model=Bulk, responses=problems(404))
@reads("bulk-collection")
async def get_bulk_collection(
    bulk_id: Id, by: Annotated[Actor, Depends(acting(_submit))], uploads: Uploads
) -> Response:
    """What became of a file, for whoever uploaded it."""
    result = await uploads.result(by, UUID(bulk_id))
    how_many(len(result.rows))
    return Response(msgspec.json.encode(result), media_type="application/json")


@router.get("/{id}/result.csv", response_class=Response, responses=_exported(CSV_TYPE))
@reads("bulk-collection")
async def export_bulk_collection(
    bulk_id: Id, by: Annotated[Actor, Depends(acting(_submit))], uploads: Uploads
) -> Response:
    """The same as a table in CSV; no cell of it is a formula."""
    result = await uploads.result(by, UUID(bulk_id))
    how_many(len(result.rows))
    return file_response(write_csv(_HEADER, _rows(result)), CSV_TYPE, f"{bulk_id}.csv")


@router.get("/{id}/result.xlsx", response_class=Response, responses=_exported(XLSX_TYPE))
@reads("bulk-collection")
async def export_bulk_collection_as_xlsx(
    bulk_id: Id, by: Annotated[Actor, Depends(acting(_submit))], uploads: Uploads
) -> Response:
    """The same as XLSX."""
    result = await uploads.result(by, UUID(bulk_id))
    how_many(len(result.rows))
    return file_response(write_xlsx(_HEADER, _rows(result)), XLSX_TYPE, f"{bulk_id}.xlsx")


def _columns(table: Table) -> dict[str, object]:
    taken = [
        {"name": FORM.column(each.name).en, "header": each.header, "letter": each.letter}
        for each in table.columns
    ]
    return {"columns": taken, "not_taken": list(table.not_taken)}


def _rows(result: BulkResult) -> Iterator[tuple[Any, ...]]:
    for row in result.rows:
        ids = (row.collection_id, row.person_id)
        if not row.faults:
            yield (row.row, row.result, "", "", "", "", *ids)
        for fault in row.faults:
            yield (row.row, row.result, fault.column, fault.reason_zh, fault.reason_en, fault.code, *ids)
