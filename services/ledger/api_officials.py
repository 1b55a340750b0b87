"""What officials do: revoke, publish notices; all bound to their place."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from contracts.divisions import is_known
from services.kit.auth import Caller, require
from services.kit.errors import FieldError, InvalidRequestError
from services.kit.idempotency import CommandKey, command_key
from services.kit.openapi import problems
from services.kit.schemas import IN_DIGITS
from services.ledger.answers.policy_answers import PolicyAnswer, policy_answer
from services.ledger.commands import RevokeCredit
from services.ledger.composition import ledger_of
from services.ledger.policy import NoticeError, parse_notice
from services.ledger.problems import NoPolicyHereError, NotAnOfficialError, UnknownPlaceError
from services.ledger.schemas import PolicyPublication, Revocation

router = APIRouter()

Revoker = require("credit:revoke")
Publisher = require("policy:write")
Reader = require("compliance:read", "policy:write")
PersonId = Annotated[str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$")]


def place_of(caller: Caller) -> str:
    """The place an official answers for. Raises NotAnOfficialError for anybody else."""
    if caller.place is None or not is_known(caller.place):
        raise NotAnOfficialError
    return caller.place


@router.post(
    "/v1/persons/{person_id}/credits/{credit_id}/revocation",
    operation_id="revoke_credit",
    responses=problems(400, 403, 404, 409, 422),
)
async def revoke_credit(
    request: Request,
    person_id: PersonId,
    credit_id: Annotated[str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$")],
    body: Revocation,
    caller: Annotated[Caller, Depends(Revoker)],
    key: Annotated[CommandKey, Depends(command_key(Revoker))],
) -> Response:
    """Revoke a credit with a reason; the credit stays in the record as revoked (S1-21)."""
    command = RevokeCredit(
        person_id=person_id,
        year=body.year,
        credit_id=credit_id,
        reason=body.reason,
        authority=place_of(caller),
        decided_by=caller.subject,
    )
    return (await ledger_of(request).application.revoke_credit(command, key)).response()


@router.post("/v1/policies", operation_id="publish_policy", responses=problems(403, 422))
async def publish_policy(
    request: Request, body: PolicyPublication, caller: Annotated[Caller, Depends(Publisher)]
) -> dict[str, Any]:
    """Publish a notice; the same content again changes nothing, so no Idempotency-Key is asked for."""
    place = place_of(caller)
    try:
        notice = parse_notice(body.notice, "notice")
    except NoticeError as error:
        raise InvalidRequestError(
            [
                FieldError(f"/notice{fault.field}", fault.code, fault.detail_zh, fault.detail_en)
                for fault in error.faults
            ]
        ) from None
    published = await ledger_of(request).application.publish_policy(notice, within=place)
    return {"id": notice.id, "place": notice.place, "document": notice.label, "published": published}


@router.get("/v1/policies/{place}/{year}", operation_id="get_policy", responses=problems(404, 422))
async def get_policy(
    request: Request,
    place: Annotated[str, Path(pattern=r"^[1-9][0-9]{5}$")],
    year: Annotated[int, Path(ge=2000, le=2100), IN_DIGITS],
    caller: Annotated[Caller, Depends(Reader)],
    prefix: Annotated[
        str | None, Query(pattern=r"^[a-z_.]{1,60}$", description="Settings that begin so.")
    ] = None,
) -> PolicyAnswer:
    """What is in force for a place and year, every value with the clause, document and place it comes from."""
    if not is_known(place):
        raise UnknownPlaceError
    policy = ledger_of(request).shelf.book.resolve(place, year)
    if policy is None:
        raise NoPolicyHereError
    return policy_answer(policy, prefix)
