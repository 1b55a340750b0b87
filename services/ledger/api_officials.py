"""What officials do with policies: publish notices of their place, and see what is in force."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query

from contracts.divisions import is_known
from services.kit.auth import Caller, require
from services.kit.errors import FieldError, InvalidRequestError
from services.kit.openapi import problems
from services.kit.parts import part
from services.kit.schemas import IN_DIGITS
from services.ledger.answers.policy_answers import PolicyAnswer, policy_answer
from services.ledger.policy import NoticeError, parse_notice
from services.ledger.problems import NoPolicyHereError, NotAnOfficialError, UnknownPlaceError
from services.ledger.publication.publisher import PolicyPublisher
from services.ledger.publication.shelf import PolicyShelf
from services.ledger.schemas import PolicyPublication

router = APIRouter()
PolicyPublisherPart = Annotated[PolicyPublisher, Depends(part(PolicyPublisher))]
PolicyShelfPart = Annotated[PolicyShelf, Depends(part(PolicyShelf))]

Publisher = require("policy:write")
Reader = require("compliance:read", "policy:write")
PersonId = Annotated[str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$")]


def place_of(caller: Caller) -> str:
    """The place an official answers for. Raises NotAnOfficialError for anybody else."""
    if caller.place is None or not is_known(caller.place):
        raise NotAnOfficialError
    return caller.place


@router.post("/v1/policies", operation_id="publish_policy", responses=problems(403, 422))
async def publish_policy(
    publisher: PolicyPublisherPart, body: PolicyPublication, caller: Annotated[Caller, Depends(Publisher)]
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
    published = await publisher.publish_policy(notice, within=place)
    return {"id": notice.id, "place": notice.place, "document": notice.label, "published": published}


@router.get("/v1/policies/{place}/{year}", operation_id="get_policy", responses=problems(404, 422))
async def get_policy(
    shelf: PolicyShelfPart,
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
    policy = shelf.book.resolve(place, year)
    if policy is None:
        raise NoPolicyHereError
    return policy_answer(policy, prefix)
