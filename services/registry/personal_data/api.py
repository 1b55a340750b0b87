"""Routes that open personal data in full, erase it, and take in and give back evidence."""

from typing import Annotated
from uuid import UUID

import msgspec
from fastapi import Depends, Path, Query, Request, Response

from contracts.disclosure import DisclosureRequest, Disclosures
from services.kit.audit import AuditedRoute, reads
from services.kit.auth import require
from services.kit.idempotency import CommandKey, command_key
from services.kit.openapi import problems
from services.kit.routers import Router
from services.registry.personal_data import disclosure, erasure
from services.registry.personal_data.evidence import MEDIA_TYPES, EvidenceFiles, File
from services.registry.streams.actor import Actor
from services.registry.web.routes import UUID_FORM, Id, acting, part

router = Router(prefix="/v1", route_class=AuditedRoute)

_unmask = require(disclosure.UNMASK)
_deliver = require(disclosure.DELIVER)
_erase = require(erasure.SCOPE)


@router.post(
    "/persons/{id}/disclosure",
    response_model=disclosure.PersonInFull,
    responses=problems(404, 410),
    tags=["persons"],
)
@reads("person-in-full")
async def unmask_person(
    response: Response,
    person_id: Id,
    body: disclosure.UnmaskingRequest,
    by: Annotated[Actor, Depends(acting(_unmask))],
    opened: Annotated[disclosure.Unmasking, Depends(part(disclosure.Unmasking))],
) -> object:
    """A person's name, number, contact and other details in full, for a stated purpose, by an official of their place.

    The answer is put on record before it is given, and so is every refusal.
    """
    response.headers["Cache-Control"] = "no-store"
    return await opened.person(by, UUID(person_id), body.purpose)


@router.post("/disclosures", response_model=Disclosures, tags=["persons"])
@reads("identity-for-delivery")
async def disclose_for_delivery(
    response: Response,
    body: DisclosureRequest,
    by: Annotated[Actor, Depends(acting(_deliver))],
    opened: Annotated[disclosure.DeliveryDisclosures, Depends(part(disclosure.DeliveryDisclosures))],
) -> object:
    """Name and number of people of the caller's place whom a system outside must be told of, and nothing else of them.

    Each is put on record with the recipient before the answer is given, and so is each that is not told.
    """
    response.headers["Cache-Control"] = "no-store"
    return await opened.people(by, body.person_ids, body.recipient)


@router.post(
    "/persons/{id}/erasure",
    response_model=disclosure.ErasureOutcome,
    responses=problems(404, 410),
    tags=["persons"],
)
async def erase_person(
    person_id: Id,
    body: disclosure.ErasureRequest,
    by: Annotated[Actor, Depends(acting(_erase))],
    erasures: Annotated[erasure.Erasures, Depends(part(erasure.Erasures))],
    key: Annotated[CommandKey, Depends(command_key(_erase))],
) -> Response:
    """Make a person's name, number, contact and evidence unreadable for good, here and in every backup.

    What they earned stays in the log under an id that leads to nobody. The same number collected again is a new
    person.
    """
    return (await erasures.erase(key, by, UUID(person_id), body.reason, body.authority)).response()


PATH = "/v1/evidence"
EVIDENCE_BYTES_MAX = 5_000_000
"""What is read of a body at all; the limit of a deployment is a setting, and not above this."""


Files = Annotated[EvidenceFiles, Depends(part(EvidenceFiles))]
_upload = require("collection:submit", "collection:own", "claim:submit")
_see_evidence = require(
    "collection:submit", "collection:own", "collection:review", "claim:submit", "claim:review"
)
_CONTENT = {media_type: {"schema": {"type": "string", "format": "binary"}} for media_type in MEDIA_TYPES}
_BODY = {"requestBody": {"required": True, "content": _CONTENT}}
_FILE: dict[int | str, dict[str, object]] = {
    200: {"description": "The file, as a download.", "content": _CONTENT}
}


@router.post(
    "/evidence",
    status_code=201,
    response_model=disclosure.EvidenceReference,
    responses=problems(415),
    openapi_extra=_BODY,
    tags=["evidence"],
)
async def upload_evidence(
    request: Request,
    by: Annotated[Actor, Depends(acting(_upload))],
    files: Files,
    person_id: Annotated[
        str | None,
        Query(pattern=UUID_FORM, description="Whose claim it proves, where the claim names it by its hash."),
    ] = None,
) -> Response:
    """Hand in a file for a case to name: the body is the file itself, PDF, JPEG or PNG, under its media type.

    The same file handed in again, while no case names it, gets the same answer.
    """
    declared = request.headers.get("content-type", "")
    person = UUID(person_id) if person_id is not None else None
    reference = await files.upload(by, declared, await request.body(), person)
    return Response(msgspec.json.encode(reference), status_code=201, media_type="application/json")


@router.get(
    "/evidence/{id}",
    response_class=Response,
    responses={**problems(404, 410), **_FILE},
    tags=["evidence"],
)
@reads("evidence")
async def get_evidence(
    evidence_id: Id, by: Annotated[Actor, Depends(acting(_see_evidence))], files: Files
) -> Response:
    """A file, for whoever handed it in and for the officials of the place of its person's case; put on record."""
    return _as_download(await files.get(by, UUID(evidence_id)))


@router.get(
    "/persons/{id}/evidence/{sha256}",
    response_class=Response,
    responses={**problems(404, 410), **_FILE},
    tags=["evidence"],
)
@reads("evidence")
async def get_evidence_of_person(
    person_id: Id,
    sha256: Annotated[str, Path(pattern=r"^[0-9a-f]{64}$")],
    by: Annotated[Actor, Depends(acting(_see_evidence))],
    files: Files,
) -> Response:
    """The file of a person that a claim names by its hash, for the person, for whoever handed it in and for the officials of
    their place; put on record.
    """
    return _as_download(await files.get_of_person(by, UUID(person_id), sha256))


def _as_download(file: File) -> Response:
    return Response(file.content, media_type=file.media_type, headers=file.headers)
