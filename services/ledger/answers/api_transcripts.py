"""Transcripts over HTTP, as JSON and as tables to keep."""

from typing import Annotated

import msgspec
from fastapi import Depends, Query, Response

from services.kit.audit import AuditedRoute, reads
from services.kit.auth import Caller, require
from services.kit.openapi import problems, struct_answer
from services.kit.parts import part
from services.kit.routers import Router
from services.kit.schemas import IN_DIGITS
from services.kit.spreadsheets import CSV_TYPE, XLSX_TYPE, file_response, write_csv, write_xlsx
from services.ledger.answers.api import viewer_of
from services.ledger.answers.transcripts import COLUMNS, Transcript, Transcripts, table_rows
from services.ledger.store.people import Employers
from services.ledger.web import PersonId

router = Router(prefix="/v1/persons/{person_id}", route_class=AuditedRoute)
EmployersPart = Annotated[Employers, Depends(part(Employers))]
TranscriptsPart = Annotated[Transcripts, Depends(part(Transcripts))]
_encode = msgspec.json.Encoder().encode

TranscriptReader = require("transcript:read", "transcript:own")
Reader = Annotated[Caller, Depends(TranscriptReader)]
OfYear = Annotated[int | None, Query(ge=2000, le=2100), IN_DIGITS]


async def _transcript(
    transcripts: TranscriptsPart,
    employers: EmployersPart,
    person_id: PersonId,
    caller: Reader,
    year: OfYear = None,
) -> Transcript:
    return await transcripts.get_transcript(person_id, await viewer_of(caller, employers), year)


Asked = Annotated[Transcript, Depends(_transcript)]


@router.get(
    "/transcript",
    operation_id="get_transcript",
    **struct_answer(Transcript, "Every credit as awarded.", refusals=(403, 404, 422)),
)
@reads("transcript")
async def get_transcript(transcript: Asked) -> Response:
    """Every credit of a person as awarded, ended ones included; an organization sees what it reported itself."""
    return Response(_encode(transcript), media_type="application/json")


@router.get(
    "/transcript.csv",
    operation_id="export_transcript",
    response_class=Response,
    responses={
        200: {"description": "A table in CSV.", "content": {CSV_TYPE: {"schema": {"type": "string"}}}},
        **problems(403, 404, 422),
    },
)
@reads("transcript")
async def export_transcript(transcript: Asked) -> Response:
    """The same as a table in CSV, credits and then what waits; no cell of it is a formula."""
    return file_response(write_csv(COLUMNS, table_rows(transcript)), CSV_TYPE, "transcript.csv")


@router.get(
    "/transcript.xlsx",
    operation_id="export_transcript_as_xlsx",
    response_class=Response,
    responses={
        200: {
            "description": "A table in XLSX.",
            "content": {XLSX_TYPE: {"schema": {"type": "string", "format": "binary"}}},
        },
        **problems(403, 404, 422),
    },
)
@reads("transcript")
async def export_transcript_as_xlsx(transcript: Asked) -> Response:
    """The same as XLSX."""
    return file_response(write_xlsx(COLUMNS, table_rows(transcript)), XLSX_TYPE, "transcript.xlsx")
