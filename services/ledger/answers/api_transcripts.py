"""Transcripts over HTTP, as JSON and as tables to keep."""

from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Query, Request, Response

from services.kit.auth import Caller, require
from services.kit.openapi import problems, struct_answer
from services.kit.schemas import IN_DIGITS
from services.kit.spreadsheets import CSV_TYPE, XLSX_TYPE, write_csv, write_xlsx
from services.ledger.answers.api import viewer_of
from services.ledger.answers.transcripts import COLUMNS, Transcript, table_rows
from services.ledger.api_officials import PersonId
from services.ledger.composition import ledger_of

router = APIRouter(prefix="/v1/persons/{person_id}")
_encode = msgspec.json.Encoder().encode

TranscriptReader = require("transcript:read", "transcript:own")
Reader = Annotated[Caller, Depends(TranscriptReader)]
OfYear = Annotated[int | None, Query(ge=2000, le=2100), IN_DIGITS]


@router.get(
    "/transcript",
    operation_id="get_transcript",
    **struct_answer(Transcript, "Every credit as awarded.", refusals=(403, 404, 422)),
)
async def get_transcript(
    request: Request, person_id: PersonId, caller: Reader, year: OfYear = None
) -> Response:
    """Every credit of a person as awarded, ended ones included; an organization sees what it reported itself."""
    return Response(
        _encode(await _transcript(request, person_id, caller, year)), media_type="application/json"
    )


@router.get(
    "/transcript.csv",
    operation_id="export_transcript",
    response_class=Response,
    responses={200: {"description": "A table in CSV.", "content": {CSV_TYPE: {}}}, **problems(403, 404, 422)},
)
async def export_transcript(
    request: Request, person_id: PersonId, caller: Reader, year: OfYear = None
) -> Response:
    """The same as a table in CSV, credits and then what waits; no cell of it is a formula."""
    transcript = await _transcript(request, person_id, caller, year)
    return _file(write_csv(COLUMNS, table_rows(transcript)), f"{CSV_TYPE}; charset=utf-8", "csv")


@router.get(
    "/transcript.xlsx",
    operation_id="export_transcript_as_xlsx",
    response_class=Response,
    responses={
        200: {"description": "A table in XLSX.", "content": {XLSX_TYPE: {}}},
        **problems(403, 404, 422),
    },
)
async def export_transcript_as_xlsx(
    request: Request, person_id: PersonId, caller: Reader, year: OfYear = None
) -> Response:
    """The same as XLSX."""
    transcript = await _transcript(request, person_id, caller, year)
    return _file(write_xlsx(COLUMNS, table_rows(transcript)), XLSX_TYPE, "xlsx")


async def _transcript(request: Request, person_id: str, caller: Caller, year: int | None) -> Transcript:
    ledger = ledger_of(request)
    return await ledger.transcripts.get_transcript(person_id, await viewer_of(caller, ledger), year)


def _file(content: bytes, media_type: str, ending: str) -> Response:
    headers = {
        "Content-Type": media_type,
        "Content-Disposition": f'attachment; filename="transcript.{ending}"',
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }
    return Response(content, headers=headers)
