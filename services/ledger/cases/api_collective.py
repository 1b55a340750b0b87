"""Collective claims over HTTP: handed in by an employer, decided by officials of the place as one or row by row."""

from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import Field

from contracts.divisions import is_known
from contracts.identity import IdentityHasher
from services.kit.auth import Caller
from services.kit.errors import language_of
from services.kit.idempotency import CommandKey
from services.kit.openapi import struct_answer
from services.kit.parts import Now, part
from services.kit.schemas import StrictModel
from services.kit.views import view
from services.ledger.cases.api_claims import Anybody, SubmitKey, actor_of, command_of
from services.ledger.cases.api_registrations import ListedPerson, check_numbers, hashes_of
from services.ledger.cases.collective import (
    CollectiveClaims,
    ListedClaim,
    ListedOutcomes,
    ReviewList,
    SubmitList,
)
from services.ledger.cases.schemas import ClaimBody
from services.ledger.cases.views import ClaimAnswer, ClaimQueue
from services.ledger.streams.claim import REVIEWER, SUBMITTER, ClaimReason
from services.ledger.streams.problems import UnknownPlaceError
from services.ledger.streams.year import CorrectionReason
from services.ledger.web import Adcode

ROWS_MAX = 200

ReviewKey = Annotated[CommandKey, Depends(REVIEWER.key)]
router = APIRouter(prefix="/v1/collective-claims")
IdentityHasherPart = Annotated[IdentityHasher, Depends(part(IdentityHasher))]
CollectiveClaimsPart = Annotated[CollectiveClaims, Depends(part(CollectiveClaims))]
_encode = msgspec.json.Encoder().encode

CollectiveId = Annotated[str, Path(pattern=r"^[0-9a-f-]{36}$")]
ClaimIds = Annotated[
    list[Annotated[str, Field(pattern=r"^[0-9a-f-]{36}$")]] | None,
    Field(min_length=1, max_length=ROWS_MAX, description="The claims meant; all when left out."),
]
_REVIEW = struct_answer(ListedOutcomes, "What became of each claim.", refusals=(400, 403, 404, 422))


class ClaimRow(ClaimBody):
    """One person's claim; `id` is the employer's own number of the row."""

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
    person: ListedPerson


class CollectiveRequest(StrictModel):
    """Claims of people of one authority, named by the employer's place."""

    place: Adcode
    records: Annotated[list[ClaimRow], Field(min_length=1, max_length=ROWS_MAX)]


class ListAcceptance(StrictModel):
    """The claims to accept."""

    claims: ClaimIds = None


class ListApproval(StrictModel):
    """The claims to approve; `correction` says why, where their year is closed (B-07)."""

    claims: ClaimIds = None
    correction: CorrectionReason | None = None


class ListRefusal(StrictModel):
    """The claims to refuse, and why."""

    reason: ClaimReason
    claims: ClaimIds = None


@router.post(
    "",
    operation_id="submit_collective_claims",
    status_code=201,
    **struct_answer(ListedOutcomes, "Every row answered, in order.", status=201, refusals=(400, 403, 422)),
)
async def submit_collective_claims(
    request: Request,
    collective_claims: CollectiveClaimsPart,
    hasher: IdentityHasherPart,
    now: Now,
    body: CollectiveRequest,
    caller: Annotated[Caller, Depends(SUBMITTER.caller)],
    key: SubmitKey,
) -> Response:
    """Hand in up to 200 people's claims at once, each with its own evidence and its own outcome (S0-12, S1-12).

    An employer claims for its own people. Rows that cannot be taken are answered with the problem, the others are claims.
    """
    if not is_known(body.place):
        raise UnknownPlaceError(pointer="/place")
    check_numbers(now, [row.person for row in body.records])
    command = SubmitList(
        place=body.place,
        rows=tuple(
            ListedClaim(row_id=row.id, command=command_of("", row), **hashes_of(hasher, row.person))
            for row in body.records
        ),
    )
    answer = await collective_claims.submit(command, actor_of(caller), key, language_of(request.headers))
    return answer.response()


@router.get(
    "/{collective_id}",
    operation_id="get_collective_claims",
    **struct_answer(ClaimQueue, "The claims of the list.", refusals=(404,)),
)
async def get_collective_claims(
    collective_claims: CollectiveClaimsPart,
    collective_id: CollectiveId,
    caller: Annotated[Caller, Depends(Anybody)],
) -> Response:
    """Where each claim of a list stands: for who handed it in, and for officials of its place."""
    found = await collective_claims.find(collective_id, actor_of(caller))
    page = ClaimQueue(results=[view(ClaimAnswer, claim) for claim in found], next=None)
    return Response(_encode(page), media_type="application/json")


@router.post("/{collective_id}/acceptance", operation_id="accept_collective_claims", **_REVIEW)
async def accept_collective_claims(
    request: Request,
    collective_claims: CollectiveClaimsPart,
    collective_id: CollectiveId,
    body: ListAcceptance,
    caller: Annotated[Caller, Depends(REVIEWER.caller)],
    key: ReviewKey,
) -> Response:
    """Take a list on for review as one, or the claims named; never one's own."""
    return await _review(request, collective_claims, collective_id, "acceptance", body.claims, caller, key)


@router.post("/{collective_id}/approval", operation_id="approve_collective_claims", **_REVIEW)
async def approve_collective_claims(
    request: Request,
    collective_claims: CollectiveClaimsPart,
    collective_id: CollectiveId,
    body: ListApproval,
    caller: Annotated[Caller, Depends(REVIEWER.caller)],
    key: ReviewKey,
) -> Response:
    """Approve a list as one, or the claims named; their credits are in the accounts when the answer comes."""
    return await _review(
        request,
        collective_claims,
        collective_id,
        "approval",
        body.claims,
        caller,
        key,
        correction=body.correction,
    )


@router.post("/{collective_id}/refusal", operation_id="refuse_collective_claims", **_REVIEW)
async def refuse_collective_claims(
    request: Request,
    collective_claims: CollectiveClaimsPart,
    collective_id: CollectiveId,
    body: ListRefusal,
    caller: Annotated[Caller, Depends(REVIEWER.caller)],
    key: ReviewKey,
) -> Response:
    """Refuse a list as one, or the claims named, with a reason."""
    return await _review(
        request, collective_claims, collective_id, "refusal", body.claims, caller, key, reason=body.reason
    )


async def _review(
    request: Request,
    collective_claims: CollectiveClaims,
    collective_id: str,
    step: str,
    claim_ids: list[str] | None,
    caller: Caller,
    key: CommandKey,
    *,
    reason: str | None = None,
    correction: CorrectionReason | None = None,
) -> Response:
    command = ReviewList(
        collective=collective_id,
        step=step,
        claim_ids=tuple(claim_ids) if claim_ids is not None else None,
        reason=reason,
        correction=correction,
    )
    answer = await collective_claims.review(command, actor_of(caller), key, language_of(request.headers))
    return answer.response()
