"""Routes by which a provider reads back its enrolments and exam passes."""

from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Response

from contracts.divisions import is_known
from services.kit.audit import AuditedRoute, about, reads
from services.kit.auth import Caller
from services.kit.openapi import struct_answer
from services.kit.parts import part
from services.ledger.intake.api import (
    AuthorityQuery,
    CompletionWriter,
    EnrolmentWriter,
    RecordIdPath,
    provider_of,
)
from services.ledger.intake.posted_records import Kind, PostedRecord, PostedRecords
from services.ledger.streams.problems import UnknownPlaceError

router = APIRouter(route_class=AuditedRoute)
RecordsPart = Annotated[PostedRecords, Depends(part(PostedRecords))]
_ANSWER = struct_answer(PostedRecord, "What was posted, and where it stands today.", refusals=(403, 404, 422))
_encode = msgspec.json.Encoder().encode


@router.get("/v1/enrolments/{enrolment_id}", operation_id="get_enrolment", **_ANSWER)
@reads("enrolment")
async def get_enrolment(
    records: RecordsPart,
    enrolment_id: RecordIdPath,
    caller: Annotated[Caller, Depends(EnrolmentWriter)],
    authority: AuthorityQuery = None,
) -> Response:
    """An enrolment by the id that the provider posted it under: what was posted, its state today, and its history."""
    return await _read(records, "enrolment", enrolment_id, caller, authority)


@router.get("/v1/exam-passes/{exam_id}", operation_id="get_exam_pass", **_ANSWER)
@reads("exam_pass")
async def get_exam_pass(
    records: RecordsPart,
    exam_id: RecordIdPath,
    caller: Annotated[Caller, Depends(CompletionWriter)],
    authority: AuthorityQuery = None,
) -> Response:
    """An exam pass by the id that the provider posted it under: what was posted, its state today, and its history."""
    return await _read(records, "exam_pass", exam_id, caller, authority)


async def _read(
    records: PostedRecords, kind: Kind, record_id: str, caller: Caller, authority: str | None
) -> Response:
    """Raises NotAProviderError for whoever reports nothing: these are read by who posted them alone."""
    if authority is not None and not is_known(authority):
        raise UnknownPlaceError(pointer="/authority")
    record = await records.get(kind, provider_of(caller), record_id, authority)
    if record.person_id is not None:
        about(record.person_id, record.log)
    return Response(_encode(record), media_type="application/json")
