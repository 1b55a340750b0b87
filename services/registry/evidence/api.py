"""The routes of evidence files: handed in before the case that names them, given back as downloads only."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, Request, Response

from services.kit.auth import Caller, require
from services.kit.openapi import problems
from services.registry.evidence.files import MEDIA_TYPES, EvidenceFiles
from services.registry.personal_data import schemas
from services.registry.personal_data.api import Id, actor_of
from services.registry.personal_data.audit import AuditedRoute, reads_personal_data

PATH = "/v1/evidence"
EVIDENCE_BYTES_MAX = 5_000_000
"""What is read of a body at all; the limit of a deployment is a setting, and not above this."""

router = APIRouter(prefix="/v1", route_class=AuditedRoute)

_upload = require("collection:submit", "collection:own")
_see = require("collection:submit", "collection:own", "collection:review")
_CONTENT = {media_type: {"schema": {"type": "string", "format": "binary"}} for media_type in MEDIA_TYPES}
_BODY = {"requestBody": {"required": True, "content": _CONTENT}}
_FILE: dict[int | str, dict[str, Any]] = {
    200: {"description": "The file, as a download.", "content": _CONTENT}
}


@router.post(
    "/evidence",
    status_code=201,
    response_model=schemas.EvidenceReference,
    responses=problems(415),
    openapi_extra=_BODY,
    tags=["evidence"],
)
async def upload_evidence(request: Request, caller: Annotated[Caller, Depends(_upload)]) -> Response:
    """Hand in a file for a case to name: the body is the file itself, PDF, JPEG or PNG, under its media type.

    The same file handed in again, while no case names it, gets the same answer.
    """
    files: EvidenceFiles = request.app.state.registry.evidence
    declared = request.headers.get("content-type", "")
    reference = await files.upload(actor_of(caller), declared, await request.body())
    return Response(msgspec.json.encode(reference), status_code=201, media_type="application/json")


@router.get(
    "/evidence/{id}",
    response_class=Response,
    responses={**problems(404, 410), **_FILE},
    tags=["evidence"],
)
@reads_personal_data("evidence")
async def get_evidence(
    request: Request, evidence_id: Id, caller: Annotated[Caller, Depends(_see)]
) -> Response:
    """A file, for whoever handed it in and for the officials of the place of its person's case; put on record."""
    files: EvidenceFiles = request.app.state.registry.evidence
    file = await files.get(actor_of(caller), UUID(evidence_id))
    return Response(file.content, media_type=file.media_type, headers=file.headers)
