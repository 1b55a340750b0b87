"""The routes that open personal data in full, erase it, and tell authorities who read it."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from contracts.disclosure import DisclosureRequest, Disclosures
from services.kit.auth import Caller, require
from services.kit.idempotency import CommandKey, command_key
from services.kit.openapi import problems
from services.kit.schemas import IN_DIGITS
from services.registry.actors import Actor
from services.registry.personal_data import delivery, erasure, schemas, unmasking
from services.registry.personal_data.audit import PAGE_MAX, AuditedRoute, reads_personal_data
from services.registry.personal_data.erasure import ErasePerson

router = APIRouter(prefix="/v1", route_class=AuditedRoute)

_UUID = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
Id = Annotated[str, Path(alias="id", pattern=_UUID)]

_unmask = require(unmasking.SCOPE)
_deliver = require(delivery.SCOPE)
_erase = require(erasure.SCOPE)
_audit = require("audit:read")


def actor_of(caller: Caller) -> Actor:
    """The caller as decisions know them."""
    return Actor(caller.subject, caller.scopes, caller.place, caller.organization)


@router.post(
    "/persons/{id}/disclosure",
    response_model=schemas.PersonInFull,
    responses=problems(404, 410),
    tags=["persons"],
)
@reads_personal_data("person-in-full")
async def unmask_person(
    request: Request,
    response: Response,
    person_id: Id,
    body: schemas.UnmaskingRequest,
    caller: Annotated[Caller, Depends(_unmask)],
) -> Any:
    """A person's name, number, contact and other details in full, for a stated purpose, by an official of their place.

    The answer is put on record before it is given, and so is every refusal.
    """
    response.headers["Cache-Control"] = "no-store"
    opened: unmasking.Unmasking = request.app.state.registry.unmasking
    return await opened.person(actor_of(caller), UUID(person_id), body.purpose)


@router.post("/disclosures", response_model=Disclosures, tags=["persons"])
@reads_personal_data("identity-for-delivery")
async def disclose_for_delivery(
    request: Request,
    response: Response,
    body: DisclosureRequest,
    caller: Annotated[Caller, Depends(_deliver)],
) -> Any:
    """Name and number of people of the caller's place whom a system outside must be told of, and nothing else of them.

    Each is put on record with the recipient before the answer is given, and so is each that is not told.
    """
    response.headers["Cache-Control"] = "no-store"
    opened: delivery.DeliveryDisclosures = request.app.state.registry.delivery_disclosures
    return await opened.people(actor_of(caller), body.person_ids, body.recipient)


@router.post(
    "/persons/{id}/erasure",
    response_model=schemas.ErasureOutcome,
    responses=problems(404, 410),
    tags=["persons"],
)
async def erase_person(
    request: Request,
    person_id: Id,
    body: schemas.ErasureRequest,
    caller: Annotated[Caller, Depends(_erase)],
    key: Annotated[CommandKey, Depends(command_key(_erase))],
) -> Response:
    """Make a person's name, number, contact and evidence unreadable for good, here and in every backup.

    What they earned stays in the log under an id that leads to nobody. The same number collected again is a new
    person.
    """
    command = ErasePerson(
        by=actor_of(caller), person_id=UUID(person_id), reason=body.reason, authority=body.authority
    )
    erasures: erasure.Erasures = request.app.state.registry.erasures
    return (await erasures.erase(command, key)).response()


@router.get("/audit", response_model=schemas.AuditPage, tags=["audit"])
@reads_personal_data("audit")
async def list_audit(
    request: Request,
    response: Response,
    caller: Annotated[Caller, Depends(_audit)],
    before: Annotated[str | None, Query(pattern=_UUID)] = None,
    limit: Annotated[int, Query(ge=1, le=PAGE_MAX), IN_DIGITS] = 100,
) -> Any:
    """Who read personal data of people of the caller's place, what for and with which result, newest first.

    Reading this is put on record too.
    """
    response.headers["Cache-Control"] = "no-store"
    cursor = None if before is None else UUID(before)
    records = await request.app.state.registry.audit.of_place(actor_of(caller), before=cursor, limit=limit)
    full = len(records) == limit
    return {"records": records, "next_before": records[-1]["disclosure_id"] if full else None}
