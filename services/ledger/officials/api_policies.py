"""Publication of notices over HTTP, by officials of their place."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends

from services.kit.auth import Caller, require
from services.kit.errors import FieldError, InvalidRequestError
from services.kit.openapi import problems
from services.kit.parts import part
from services.kit.schemas import StrictModel
from services.ledger.officials.publication import PolicyPublisher
from services.ledger.policy import NoticeError, parse_notice
from services.ledger.web import place_of


class PolicyPublication(StrictModel):
    """A notice as data, as `contracts/policy.schema.json` describes it."""

    notice: dict[str, Any]


router = APIRouter()
PolicyPublisherPart = Annotated[PolicyPublisher, Depends(part(PolicyPublisher))]

Publisher = require("policy:write")


@router.post("/v1/policies", operation_id="publish_policy", responses=problems(403, 422))
async def publish_policy(
    publisher: PolicyPublisherPart, body: PolicyPublication, caller: Annotated[Caller, Depends(Publisher)]
) -> dict[str, object]:
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
