"""Recognition over HTTP: what awaits it in a place, and the act itself, by officials."""

from typing import Annotated

import msgspec
from fastapi import Depends, Query, Request, Response
from pydantic import Field

from contracts.divisions import contains, is_known
from services.kit.audit import AuditedRoute, about, reads
from services.kit.auth import Caller, require
from services.kit.errors import language_of
from services.kit.idempotency import CommandKey, command_key
from services.kit.openapi import struct_answer
from services.kit.parts import part
from services.kit.routers import Router
from services.kit.schemas import IN_DIGITS, StrictModel
from services.ledger.officials.recognition import (
    AwaitingWorklist,
    NamedCredit,
    RecogniseCredits,
    RecogniseWorklist,
    RecognitionAnswer,
    Recognitions,
)
from services.ledger.store.paging import CURSOR
from services.ledger.streams.problems import OutsidePlaceError, UnknownPlaceError
from services.ledger.web import Adcode, CreditYear, OpaqueId, place_of

router = Router(prefix="/v1/recognitions", route_class=AuditedRoute)
RecognitionsPart = Annotated[Recognitions, Depends(part(Recognitions))]
_encode = msgspec.json.Encoder().encode

Recogniser = require("credit:recognise")
RecogniseKey = Annotated[CommandKey, Depends(command_key(Recogniser))]
_PEOPLE = Field(ge=1, le=500, description="How many people to look at.")
Cursor = Annotated[str | None, Field(pattern=CURSOR, description="`next` of the page before.")]


class CreditToRecognise(StrictModel):
    """A credit, and the person and year it is of."""

    person_id: OpaqueId
    year: CreditYear
    credit_id: OpaqueId


class RecognitionRequest(StrictModel):
    """The credits to recognise."""

    credits: Annotated[list[CreditToRecognise], Field(min_length=1, max_length=500)]


class WorklistRecognition(StrictModel):
    """The place and year of which all that awaits recognition is recognised, piece by piece."""

    place: Adcode
    year: CreditYear
    after: Cursor = None
    limit: Annotated[int, _PEOPLE] = 200


def _must_cover(caller: Caller, place: str) -> str:
    official = place_of(caller)
    if not is_known(place):
        raise UnknownPlaceError
    if not contains(official, place):
        raise OutsidePlaceError
    return official


@router.get(
    "",
    operation_id="list_awaiting_recognition",
    **struct_answer(AwaitingWorklist, "What awaits recognition.", refusals=(403, 422)),
)
@reads("recognitions")
async def list_awaiting_recognition(
    recognitions: RecognitionsPart,
    caller: Annotated[Caller, Depends(Recogniser)],
    place: Annotated[str, Query(pattern=r"^[1-9][0-9]{5}$")],
    year: Annotated[int, Query(ge=2000, le=2100), IN_DIGITS],
    after: Annotated[str | None, Query(pattern=CURSOR, description="`next` of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=500, description="How many people to look at.")] = 200,
) -> Response:
    """The registered credits of a place and all under it that count only once recognised (S4-03, B-11)."""
    _must_cover(caller, place)
    page = await recognitions.worklist(place, year, after, limit)
    for credit in page.items:
        about(credit.person_id, credit.place)
    return Response(_encode(page), media_type="application/json")


@router.post(
    "",
    operation_id="recognise_credits",
    **struct_answer(RecognitionAnswer, "Every credit answered.", refusals=(400, 403, 422)),
)
async def recognise_credits(
    request: Request,
    recognitions: RecognitionsPart,
    body: RecognitionRequest,
    caller: Annotated[Caller, Depends(Recogniser)],
    key: RecogniseKey,
) -> Response:
    """Recognise up to 500 credits, of one person or of many; each is answered, and counts from now on (S4-03)."""
    command = RecogniseCredits(
        credits=tuple(
            NamedCredit(person_id=each.person_id, year=each.year, credit_id=each.credit_id)
            for each in body.credits
        ),
        authority=place_of(caller),
        decided_by=caller.subject,
    )
    answer = await recognitions.recognise_named(command, key, language_of(request.headers))
    return answer.response()


@router.post(
    "/worklist",
    operation_id="recognise_worklist",
    **struct_answer(RecognitionAnswer, "What was recognised; `next` goes on.", refusals=(400, 403, 422)),
)
async def recognise_worklist(
    recognitions: RecognitionsPart,
    body: WorklistRecognition,
    caller: Annotated[Caller, Depends(Recogniser)],
    key: RecogniseKey,
) -> Response:
    """Recognise all that awaits it in a place and year, piece by piece: repeat with `after`, and a key of its own, until
    `next` is null (S4-03)."""
    official = _must_cover(caller, body.place)
    command = RecogniseWorklist(
        place=body.place,
        year=body.year,
        after=body.after,
        limit=body.limit,
        authority=official,
        decided_by=caller.subject,
    )
    return (await recognitions.recognise_worklist(command, key)).response()
