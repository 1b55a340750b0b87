"""Claims over HTTP: submitted for a person, reviewed by officials of their place."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Path, Query, Response

from contracts.divisions import is_known
from services.kit.auth import Caller, require
from services.kit.errors import FieldError, InvalidRequestError
from services.kit.idempotency import CommandKey, command_key
from services.kit.openapi import problems, struct_answer
from services.kit.parts import part
from services.kit.views import view
from services.ledger.cases.claims import MODE, Claims
from services.ledger.cases.commands import Actor, SubmitClaim
from services.ledger.cases.schemas import (
    ClaimAmendment,
    ClaimApproval,
    ClaimBody,
    ClaimDecision,
    ClaimRequest,
)
from services.ledger.cases.views import ClaimAnswer, ClaimQueue
from services.ledger.policy import STUDY
from services.ledger.streams.claim import OPEN, Evidence
from services.ledger.streams.problems import NotAnOfficialError, OutsidePlaceError, UnknownPlaceError

router = APIRouter(prefix="/v1/claims")
ClaimsPart = Annotated[Claims, Depends(part(Claims))]
_encode = msgspec.json.Encoder().encode

Submitter = require("claim:submit")
Reviewer = require("claim:review")
Anybody = require("claim:submit", "claim:review")
ClaimId = Annotated[str, Path(pattern=r"^[0-9a-f-]{36}$")]
SubmitKey = Annotated[CommandKey, Depends(command_key(Submitter))]
ReviewKey = Annotated[CommandKey, Depends(command_key(Reviewer))]
_START = (datetime(1, 1, 1, tzinfo=UTC), "")
_STEPS = problems(400, 403, 404, 409, 422)


def actor_of(caller: Caller) -> Actor:
    """Who asks, as far as decisions need to know."""
    return Actor(subject=caller.subject, place=caller.place, organization=caller.organization)


def command_of(person_id: str, body: ClaimBody) -> SubmitClaim:
    """The command that a body asks for."""
    if body.form == STUDY and (body.mode is None or body.category is None):
        missing = "/mode" if body.mode is None else "/category"
        raise InvalidRequestError(
            [FieldError(missing, "missing", "证明的学习须填写此项", "Proven study needs this")]
        )
    return SubmitClaim(
        person_id=person_id,
        year=body.year,
        form=body.form,
        happened_on=body.happened_on,
        result_on=body.result_on,
        document_on=body.document_on,
        score=Decimal(body.score) if body.score is not None else None,
        sat_in=_division(body.sat_in),
        role=body.role,
        quantity=Decimal(body.quantity),
        mode=body.mode if body.form == STUDY and body.mode else MODE,
        studied=body.category if body.form == STUDY else None,
        special_reason=body.special_reason,
        facts=body.fact,
        evidence=tuple(Evidence(item.sha256, item.media_type) for item in body.evidence),
    )


def _division(code: str | None) -> str | None:
    if code is not None and not is_known(code):
        raise UnknownPlaceError(pointer="/sat_in")
    return code


@router.post("", operation_id="submit_claim", status_code=201, responses=_STEPS)
async def submit_claim(
    claims: ClaimsPart,
    body: ClaimRequest,
    caller: Annotated[Caller, Depends(Submitter)],
    key: SubmitKey,
) -> Response:
    """Claim credits for an activity; the answer says how many the policy awards, by which clause (S0-12, S1-12)."""
    answer = await claims.submit(command_of(body.person_id, body), actor_of(caller), key)
    return answer.response()


@router.get(
    "",
    operation_id="list_claims",
    **struct_answer(ClaimQueue, "The queue of a place, in order of submission.", refusals=(403, 422)),
)
async def list_claims(
    claims: ClaimsPart,
    place: Annotated[str, Query(pattern=r"^[1-9][0-9]{5}$")],
    caller: Annotated[Caller, Depends(Reviewer)],
    status: Annotated[list[str] | None, Query(max_length=6)] = None,
    after: Annotated[str | None, Query(max_length=100, description="`next` of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Response:
    """The claims of a place and all under it; those that are open when no status is named."""
    if not is_known(place):
        raise UnknownPlaceError
    actor = actor_of(caller)
    if actor.place is None:
        raise NotAnOfficialError
    if not actor.covers(place):
        raise OutsidePlaceError
    found = await claims.queue(place, status or sorted(OPEN), _cursor(after), limit)
    following = f"{found[-1].submitted_at.isoformat()}~{found[-1].claim_id}" if len(found) == limit else None
    page = ClaimQueue(results=[view(ClaimAnswer, claim) for claim in found], next=following)
    return Response(_encode(page), media_type="application/json")


@router.get(
    "/{claim_id}",
    operation_id="get_claim",
    **struct_answer(ClaimAnswer, "The claim as it stands.", refusals=(404,)),
)
async def get_claim(
    claims: ClaimsPart, claim_id: ClaimId, caller: Annotated[Caller, Depends(Anybody)]
) -> Response:
    """Where a claim stands: for whoever submitted it, and for officials of its place."""
    entry = await claims.find(claim_id, actor_of(caller))
    return Response(_encode(view(ClaimAnswer, entry.state)), media_type="application/json")


@router.post("/{claim_id}/amendment", operation_id="amend_claim", responses=_STEPS)
async def amend_claim(
    claims: ClaimsPart,
    claim_id: ClaimId,
    body: ClaimAmendment,
    caller: Annotated[Caller, Depends(Submitter)],
    key: SubmitKey,
) -> Response:
    """Change a claim until a reviewer accepts it, or after it was returned; it goes to the end of the queue."""
    command = command_of(body.person_id, body)
    answer = await claims.amend(claim_id, command, actor_of(caller), key)
    return answer.response()


@router.post("/{claim_id}/withdrawal", operation_id="withdraw_claim", responses=_STEPS)
async def withdraw_claim(
    claims: ClaimsPart, claim_id: ClaimId, caller: Annotated[Caller, Depends(Submitter)], key: SubmitKey
) -> Response:
    """Take a claim back before it is decided."""
    return (await claims.withdraw(claim_id, actor_of(caller), key)).response()


@router.post("/{claim_id}/acceptance", operation_id="accept_claim", responses=_STEPS)
async def accept_claim(
    claims: ClaimsPart, claim_id: ClaimId, caller: Annotated[Caller, Depends(Reviewer)], key: ReviewKey
) -> Response:
    """Take a claim on for review; never one's own."""
    return (await claims.accept(claim_id, actor_of(caller), key)).response()


@router.post("/{claim_id}/approval", operation_id="approve_claim", responses=_STEPS)
async def approve_claim(
    claims: ClaimsPart,
    claim_id: ClaimId,
    caller: Annotated[Caller, Depends(Reviewer)],
    key: ReviewKey,
    body: ClaimApproval | None = None,
) -> Response:
    """Approve an accepted claim; its credits are in the account when the answer comes.

    In a closed year a claim is approved as a correction, with a reason (B-07).
    """
    correction = body.correction if body is not None else None
    answer = await claims.approve(claim_id, actor_of(caller), key, correction)
    return answer.response()


@router.post("/{claim_id}/return", operation_id="return_claim", responses=_STEPS)
async def return_claim(
    claims: ClaimsPart,
    claim_id: ClaimId,
    body: ClaimDecision,
    caller: Annotated[Caller, Depends(Reviewer)],
    key: ReviewKey,
) -> Response:
    """Send a claim back with a reason; it may be amended and comes back."""
    return (await claims.return_(claim_id, body.reason, actor_of(caller), key)).response()


@router.post("/{claim_id}/refusal", operation_id="refuse_claim", responses=_STEPS)
async def refuse_claim(
    claims: ClaimsPart,
    claim_id: ClaimId,
    body: ClaimDecision,
    caller: Annotated[Caller, Depends(Reviewer)],
    key: ReviewKey,
) -> Response:
    """Refuse a claim for good, with a reason."""
    return (await claims.refuse(claim_id, body.reason, actor_of(caller), key)).response()


def _cursor(after: str | None) -> tuple[datetime, str]:
    if after is None:
        return _START
    moment, _, claim_id = after.partition("~")
    try:
        return datetime.fromisoformat(moment).astimezone(UTC), claim_id
    except (ValueError, OverflowError):
        raise InvalidRequestError(
            [FieldError("", "invalid_cursor", "应为上一页的 next", "Must be `next` of a page", "after")]
        ) from None
