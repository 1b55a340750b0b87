"""A unit's view of its people over HTTP (S0-24)."""

from typing import Annotated, get_args

import msgspec
from fastapi import APIRouter, Depends, Path, Query, Response

from services.kit.audit import AuditedRoute, reads
from services.kit.auth import Caller, require
from services.kit.openapi import struct_answer
from services.kit.parts import part
from services.kit.schemas import Day
from services.ledger.answers.api import CreditYear, viewer_of
from services.ledger.answers.units import UnitAnswer, Units
from services.ledger.policy import Status
from services.ledger.store.people import Cursor, Employers

router = APIRouter(route_class=AuditedRoute)
EmployersPart = Annotated[Employers, Depends(part(Employers))]
UnitsPart = Annotated[Units, Depends(part(Units))]
_encode = msgspec.json.Encoder().encode

EmployeeReader = require("employee:read")
Uscc = Annotated[
    str,
    Path(
        pattern=r"^[0-9A-HJ-NP-RTUW-Y]{18}$",
        description="The employer's unified social credit code, 18 signs.",
    ),
]
After = Annotated[
    str | None,
    Query(
        pattern=r"^[1-9][0-9]{5}~[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$", description="`next` of the page before."
    ),
]


@router.get(
    "/v1/employers/{uscc}/compliance/{year}",
    operation_id="get_unit_compliance",
    **struct_answer(UnitAnswer, "A page of the employer's people.", refusals=(403, 422)),
)
@reads("unit")
async def get_unit_compliance(
    units: UnitsPart,
    employers: EmployersPart,
    uscc: Uscc,
    year: CreditYear,
    caller: Annotated[Caller, Depends(EmployeeReader)],
    on: Annotated[
        Day | None, Query(description="Judge as of the end of this day; today when left out.")
    ] = None,
    status: Annotated[
        list[Status] | None, Query(max_length=len(get_args(Status)), description="Only these statuses.")
    ] = None,
    after: After = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> Response:
    """A unit's people and what each still misses for the year, by when; an official sees those of their place (S3A-04)."""
    viewer = await viewer_of(caller, employers)
    answer = await units.get_unit(
        uscc, year, viewer, on=on, statuses=status or (), after=_cursor(after), limit=limit
    )
    return Response(_encode(answer), media_type="application/json")


def _cursor(after: str | None) -> Cursor:
    return Cursor(*after.split("~", 1)) if after else Cursor()
