"""Collective claims over HTTP: handed in by an employer, decided by officials of the place as one or row by row."""

from typing import Annotated, Any, NamedTuple

import msgspec
from fastapi import Depends, Path, Request, Response
from pydantic import Field

from contracts.divisions import is_known
from contracts.identity import IdentityHashers
from services.kit.audit import AuditedRoute, about, reads
from services.kit.auth import Caller
from services.kit.budgets import Budgets, who_pays, within
from services.kit.errors import Language, language_of
from services.kit.idempotency import CommandKey, StoredAnswer
from services.kit.openapi import struct_answer
from services.kit.parts import Now, part
from services.kit.pydantic_models import view
from services.kit.review import Step, add_steps
from services.kit.routers import Router
from services.kit.schemas import StrictModel
from services.ledger.cases.api_claims import Anybody, SubmitKey, actor_of, command_of
from services.ledger.cases.api_registrations import ListedPerson, check_numbers, hashes_of
from services.ledger.cases.collective import (
    CollectiveClaims,
    ListedClaim,
    ListedOutcomes,
    ReviewList,
    SubmitList,
)
from services.ledger.cases.commands import ClaimBody
from services.ledger.cases.views import ClaimAnswer, ListedClaims
from services.ledger.streams.claim import COLLECTIVE_CLAIMS, LISTED_MAX, SUBMITTER
from services.ledger.streams.problems import UnknownPlaceError
from services.ledger.web import LISTS, Adcode, misses_of

BudgetsPart = Annotated[Budgets, Depends(part(Budgets))]
router = Router(prefix="/v1/collective-claims", route_class=AuditedRoute)
IdentityHashersPart = Annotated[IdentityHashers, Depends(part(IdentityHashers))]
CollectiveClaimsPart = Annotated[CollectiveClaims, Depends(part(CollectiveClaims))]
_encode = msgspec.json.Encoder().encode

CollectiveId = Annotated[str, Path(pattern=r"^[0-9a-f-]{36}$")]


class ClaimRow(ClaimBody):
    """One person's claim; `id` is the employer's own number of the row."""

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
    person: ListedPerson


class CollectiveRequest(StrictModel):
    """Claims of people of one authority, named by the employer's place."""

    place: Adcode
    records: Annotated[list[ClaimRow], Field(min_length=1, max_length=LISTED_MAX)]


@router.post(
    "",
    operation_id="submit_collective_claims",
    status_code=201,
    dependencies=[Depends(within(LISTS, SUBMITTER.caller))],
    **struct_answer(
        ListedOutcomes, "Every row answered, in order.", status=201, refusals=(400, 403, 422, 429)
    ),
)
async def submit_collective_claims(
    request: Request,
    collective_claims: CollectiveClaimsPart,
    budgets: BudgetsPart,
    hashers: IdentityHashersPart,
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
            ListedClaim(row_id=row.id, command=command_of("", row), **hashes_of(hashers.current, row.person))
            for row in body.records
        ),
    )
    answer = await collective_claims.submit(command, actor_of(caller), key, language_of(request.headers))
    await budgets.spend(LISTS, who_pays(caller), misses_of(answer))
    return answer.response()


@router.get(
    "/{collective_id}",
    operation_id="get_collective_claims",
    **struct_answer(ListedClaims, "The claims of the list.", refusals=(404,)),
)
@reads("claims")
async def get_collective_claims(
    collective_claims: CollectiveClaimsPart,
    collective_id: CollectiveId,
    caller: Annotated[Caller, Depends(Anybody)],
) -> Response:
    """Where each claim of a list stands: for who handed it in, and for officials of its place."""
    found = await collective_claims.find(collective_id, actor_of(caller))
    for claim in found:
        about(claim.person_id, claim.place)
    page = ListedClaims(items=[view(ClaimAnswer, claim) for claim in found], total=len(found))
    return Response(_encode(page), media_type="application/json")


class InLanguage(NamedTuple):
    """The lists, and the language in which a refused row is explained to who asks."""

    claims: CollectiveClaims
    language: Language


def _in_language(request: Request, claims: CollectiveClaimsPart) -> InLanguage:
    return InLanguage(claims, language_of(request.headers))


async def _take(
    step: Step, lists: InLanguage, collective_id: str, caller: Caller, key: CommandKey, body: Any
) -> StoredAnswer:
    command = ReviewList(collective=collective_id, step=step.name, **dict(body))
    return await lists.claims.review(command, actor_of(caller), key, lists.language)


add_steps(
    router,
    COLLECTIVE_CLAIMS,
    _take,
    cases=Annotated[InLanguage, Depends(_in_language)],
    id_type=CollectiveId,
    id_name="collective_id",
    answers=struct_answer(ListedOutcomes, "What became of each claim.", refusals=(400, 403, 404, 422)),
)
