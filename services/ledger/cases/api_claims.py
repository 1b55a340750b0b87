"""Claims over HTTP: submitted for a person, reviewed by officials of their place."""

from decimal import Decimal
from typing import Annotated, Any

import msgspec
from fastapi import Depends, Path, Query, Response

from contracts.divisions import is_known
from services.kit.audit import AuditedRoute, about, reads
from services.kit.auth import Caller, require
from services.kit.errors import FieldError, InvalidRequestError
from services.kit.idempotency import CommandKey, StoredAnswer
from services.kit.openapi import struct_answer
from services.kit.parts import part
from services.kit.pydantic_models import view
from services.kit.review import Place, Queue, Role, Step, add_queue, add_steps
from services.kit.routers import Router
from services.kit.schemas import IN_DIGITS
from services.ledger.cases.claim_forms import ClaimForms
from services.ledger.cases.claims import MODE, Claims, place_in_queue
from services.ledger.cases.commands import Actor, ClaimAmendment, ClaimBody, ClaimRequest, SubmitClaim
from services.ledger.cases.views import ClaimAnswer, ClaimConversion, ClaimOutcome, ClaimQueue
from services.ledger.policy import STUDY
from services.ledger.streams.claim import CLAIMS, SUBMITTER, Claim, Evidence
from services.ledger.streams.problems import NotAnOfficialError, OutsidePlaceError, UnknownPlaceError

router = Router(prefix="/v1/claims", route_class=AuditedRoute)
conversions = Router(prefix="/v1/claim-conversions", route_class=AuditedRoute)
ClaimsPart = Annotated[Claims, Depends(part(Claims))]
_encode = msgspec.json.Encoder().encode

Anybody = require("claim:submit", "claim:review")
ClaimId = Annotated[str, Path(pattern=r"^[0-9a-f-]{36}$")]
SubmitKey = Annotated[CommandKey, Depends(SUBMITTER.key)]
_REFUSALS = (400, 403, 404, 409, 422)
_OUTCOME = struct_answer(ClaimOutcome, "The claim after it.", refusals=_REFUSALS)


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


@router.post(
    "",
    operation_id="submit_claim",
    status_code=201,
    **struct_answer(ClaimOutcome, "The claim as it was handed in.", status=201, refusals=_REFUSALS),
)
async def submit_claim(
    claims: ClaimsPart,
    body: ClaimRequest,
    caller: Annotated[Caller, Depends(SUBMITTER.caller)],
    key: SubmitKey,
) -> Response:
    """Claim credits for an activity; the answer says how many the policy awards, by which clause (S0-12, S1-12)."""
    answer = await claims.submit(command_of(body.person_id, body), actor_of(caller), key)
    return answer.response()


@conversions.post(
    "",
    operation_id="convert_claim",
    **struct_answer(ClaimConversion, "What the policy would award.", refusals=(400, 403, 404, 409, 422)),
)
@reads("claim")
async def convert_claim(
    claims: ClaimsPart,
    body: ClaimRequest,
    caller: Annotated[Caller, Depends(SUBMITTER.caller)],
    claim_id: Annotated[
        str | None, Query(pattern=r"^[0-9a-f-]{36}$", description="The claim that this would change.")
    ] = None,
) -> Response:
    """Say what handing this claim in would come to, credits and clause, or why it would be refused; nothing is stored."""
    command = command_of(body.person_id, body)
    about(command.person_id, None)
    answer = await claims.convert(command, actor_of(caller), claim_id)
    return Response(_encode(answer), media_type="application/json")


@router.get(
    "/forms",
    operation_id="list_claim_forms",
    **struct_answer(ClaimForms, "The forms, with what a claim of each has to say.", refusals=(403, 404, 422)),
)
@reads("claim")
async def list_claim_forms(
    claims: ClaimsPart,
    person_id: Annotated[str, Query(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$")],
    year: Annotated[int, Query(ge=2000, le=2100), IN_DIGITS],
    caller: Annotated[Caller, Depends(SUBMITTER.caller)],
) -> Response:
    """What may be claimed for a person and a year, by the policy of their place; none where no policy judges the year."""
    about(person_id, None)
    answer = await claims.forms(person_id, year, actor_of(caller))
    return Response(_encode(answer), media_type="application/json")


async def _list(
    cases: Claims, caller: Caller, place: str | None, states: list[str], after: Place, limit: int
) -> tuple[list[Claim], list[ClaimAnswer]]:
    actor = actor_of(caller)
    if place is None and actor.place is None:
        found = await cases.own(actor, after, limit)
    else:
        place = place or actor.place or ""
        if not is_known(place):
            raise UnknownPlaceError
        if actor.place is None:
            raise NotAnOfficialError
        if not actor.covers(place):
            raise OutsidePlaceError
        found = await cases.queue(place, states, after, limit)
    for claim in found:
        about(claim.person_id, claim.place)
    return found, [view(ClaimAnswer, claim) for claim in found]


_QUEUE = Queue(
    page=ClaimQueue,
    answer_words="The queue of a place, in order of submission.",
    words=(
        "The claims of a place and all under it, those that are open when no state is named; or all that an organization\n"
        "handed in, or that were handed in for the person who asks."
    ),
    cursor=place_in_queue,
    by=Role("claim:submit", "claim:review"),
    place=Annotated[str | None, Query(pattern=r"^[1-9][0-9]{5}$")],
    place_optional=True,
    reads="claims",
    after_max=100,
)
add_queue(router, CLAIMS, _QUEUE, _list, cases=ClaimsPart)


@router.get(
    "/{claim_id}",
    operation_id="get_claim",
    **struct_answer(ClaimAnswer, "The claim as it stands.", refusals=(404,)),
)
@reads("claim")
async def get_claim(
    claims: ClaimsPart, claim_id: ClaimId, caller: Annotated[Caller, Depends(Anybody)]
) -> Response:
    """Where a claim stands: for whoever handed it in, its person, and officials of its place."""
    entry = await claims.find(claim_id, actor_of(caller))
    about(entry.state.person_id, entry.state.place)
    return Response(_encode(view(ClaimAnswer, entry.state)), media_type="application/json")


@router.post("/{claim_id}/amendment", operation_id="amend_claim", **_OUTCOME)
async def amend_claim(
    claims: ClaimsPart,
    claim_id: ClaimId,
    body: ClaimAmendment,
    caller: Annotated[Caller, Depends(SUBMITTER.caller)],
    key: SubmitKey,
) -> Response:
    """Change a claim until a reviewer accepts it, or after it was returned; it goes to the end of the queue.

    `fact` may be left out where neither form, year, day nor quantity changes: it stays as it was.
    """
    command = command_of(body.person_id, body)
    answer = await claims.amend(claim_id, command, actor_of(caller), key)
    return answer.response()


async def _take(
    step: Step, claims: Claims, claim_id: str, caller: Caller, key: CommandKey, body: Any
) -> StoredAnswer:
    if step.name == "approve":
        correction, allowance = (body.correction, body.allowance) if body is not None else (None, None)
        return await claims.approve(claim_id, actor_of(caller), key, correction, allowance)
    fields = {"reason": body.reason} if body is not None else {}
    return await claims.take(step, claim_id, actor_of(caller), key, **fields)


add_steps(router, CLAIMS, _take, cases=ClaimsPart, id_type=ClaimId, answers=_OUTCOME)
