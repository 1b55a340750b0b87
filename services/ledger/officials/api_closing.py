"""Years over HTTP: closed by officials, corrected by officials, shown to officials."""

from decimal import Decimal
from typing import Annotated, Literal

import msgspec
from fastapi import Depends, Path, Response
from pydantic import Field

from contracts.divisions import contains, is_known
from services.kit.auth import Caller, require
from services.kit.idempotency import CommandKey, command_key
from services.kit.openapi import struct_answer
from services.kit.parts import part
from services.kit.routers import Router
from services.kit.schemas import IN_DIGITS, StrictModel
from services.ledger.officials.closing import (
    ClosedYear,
    CloseYear,
    CorrectedYear,
    CorrectYear,
    YearActs,
    YearAnswer,
)
from services.ledger.streams.problems import OutsidePlaceError, UnknownPlaceError
from services.ledger.streams.year import CorrectionReason, last_day_of
from services.ledger.web import CategoryText, CreditYear, OpaqueId, PersonId, PlausibleDay, place_of

_CENT = Decimal("0.01")


class CorrectionRequest(StrictModel):
    """Credits that belong into a closed year, why, and the decision or file they rest on (B-07)."""

    year: CreditYear
    category: CategoryText
    credits: Annotated[str, Field(pattern=r"^(?:0|[1-9][0-9]{0,3})(?:\.[0-9]{1,2})?$", examples=["30.00"])]
    mode: Literal["online", "face_to_face", "other"]
    completed_on: PlausibleDay
    reason: CorrectionReason
    reference: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$")]
    corrects: Annotated[OpaqueId | None, Field(description="The ended credit that these stand for.")] = None

    def command(self, person_id: str, *, authority: str, decided_by: str) -> CorrectYear:
        """The command of an official of an authority."""
        return CorrectYear(
            person_id=person_id,
            year=self.year,
            category=self.category,
            credits=Decimal(self.credits).quantize(_CENT),
            mode=self.mode,
            completed_on=self.completed_on,
            reason=self.reason,
            reference=self.reference,
            authority=authority,
            decided_by=decided_by,
            corrects=self.corrects,
        )


router = Router()
YearsPart = Annotated[YearActs, Depends(part(YearActs))]
_encode = msgspec.json.Encoder().encode

Closer = require("year:close")
Reader = require("year:close", "compliance:read")
Corrector = require("credit:correct")
Place = Annotated[str, Path(pattern=r"^[1-9][0-9]{5}$")]
Year = Annotated[int, Path(ge=2000, le=2100), IN_DIGITS]


def must_cover(caller: Caller, place: str) -> None:
    """Raises UnknownPlaceError, NotAnOfficialError and OutsidePlaceError."""
    if not is_known(place):
        raise UnknownPlaceError
    if not contains(place_of(caller), place):
        raise OutsidePlaceError


@router.post(
    "/v1/years/{place}/{year}/close",
    operation_id="close_year",
    status_code=201,
    **struct_answer(ClosedYear, "The year as it was closed.", status=201, refusals=(400, 403, 404, 409, 422)),
)
async def close_year(
    years: YearsPart,
    place: Place,
    year: Year,
    caller: Annotated[Caller, Depends(Closer)],
    key: Annotated[CommandKey, Depends(command_key(Closer))],
) -> Response:
    """Close a credit year for a place and all under it, once their windows have ended (S2A-08, B-07).

    Afterwards only make-up, in its windows, and corrections by an official enter the accounts of that place and year.
    """
    must_cover(caller, place)
    command = CloseYear(place=place, year=year, decided_by=caller.subject)
    return (await years.close(command, key)).response()


@router.get(
    "/v1/years/{place}/{year}",
    operation_id="get_year",
    **struct_answer(YearAnswer, "How the year stands.", refusals=(403, 404, 422)),
)
async def get_year(
    years: YearsPart, place: Place, year: Year, caller: Annotated[Caller, Depends(Reader)]
) -> Response:
    """Whether a place's year is open or closed, and until when its notices let people study and register."""
    must_cover(caller, place)
    policy = years.policy_of(place, year)
    closure = await years.closure(place, year)
    if closure is None:
        answer = YearAnswer(
            place=place,
            year=year,
            state="open",
            last_day=last_day_of([policy]),
            basis=policy.basis,
            provisional=policy.provisional,
        )
    else:
        answer = YearAnswer(
            place=place,
            year=year,
            state="closed",
            last_day=closure.last_day,
            basis=policy.basis,
            provisional=policy.provisional,
            clause=closure.clause,
            closed_at_place=closure.place,
            closed_at=closure.closed_at,
        )
    return Response(_encode(answer), media_type="application/json")


@router.post(
    "/v1/persons/{person_id}/corrections",
    operation_id="correct_year",
    status_code=201,
    **struct_answer(CorrectedYear, "What was registered.", status=201, refusals=(400, 403, 404, 409, 422)),
)
async def correct_year(
    years: YearsPart,
    person_id: PersonId,
    body: CorrectionRequest,
    caller: Annotated[Caller, Depends(Corrector)],
    key: Annotated[CommandKey, Depends(command_key(Corrector))],
) -> Response:
    """Register credits in a person's closed year, with a reason and the decision they rest on (B-07)."""
    command = body.command(person_id, authority=place_of(caller), decided_by=caller.subject)
    return (await years.correct(command, key)).response()
