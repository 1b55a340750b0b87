"""The questions: is a person compliant and why, for one and for many; the transcript; the statistics."""

import re
from collections.abc import Sequence
from typing import Annotated, cast, get_args

import msgspec
from fastapi import Depends, Path, Query, Request, Response

from contracts.identifiers import IdType, check_id_number
from contracts.identity import IdentityHashers
from services.kit.audit import AuditedRoute, Reading, reads
from services.kit.auth import Caller, require
from services.kit.budgets import Budgets, who_pays, within
from services.kit.clock import local_date
from services.kit.errors import Problem
from services.kit.hot_routes import HotRoute, part_of
from services.kit.openapi import struct_answer
from services.kit.parts import Now, part
from services.kit.routers import Router
from services.kit.schemas import IN_DIGITS, AddressMoment, Day
from services.ledger.answers.details import Detail
from services.ledger.answers.purposes import PurposeCode
from services.ledger.answers.queries import LedgerQueries
from services.ledger.answers.units import UnitAnswer, Units
from services.ledger.answers.viewers import Viewer
from services.ledger.answers.views import Absent, ComplianceAnswer, ComplianceQuery, ComplianceQueryAnswer
from services.ledger.policy import Status
from services.ledger.policy.language.facts import ACCOUNTING
from services.ledger.store.people import Cursor, Employers
from services.ledger.streams.problems import (
    ImplausibleIdentityError,
    NotAnOfficialError,
    QueryUnclearError,
)
from services.ledger.web import QUERIES, PersonId, RegimeCode, place_of

BudgetsPart = Annotated[Budgets, Depends(part(Budgets))]
router = Router(route_class=AuditedRoute)
EmployersPart = Annotated[Employers, Depends(part(Employers))]
IdentityHashersPart = Annotated[IdentityHashers, Depends(part(IdentityHashers))]
LedgerQueriesPart = Annotated[LedgerQueries, Depends(part(LedgerQueries))]
_encode = msgspec.json.Encoder().encode

OWN_SCOPES = frozenset({"compliance:own", "transcript:own", "attestation:own"})
"""What a portal that signs people in gives a person: their own answers alone."""

COMPLIANCE_SCOPES = ("compliance:read", "compliance:own")
ComplianceReader = require(*COMPLIANCE_SCOPES)
ManyReader = require("compliance:read")
CreditYear = Annotated[int, Path(ge=2000, le=2100), IN_DIGITS]


async def viewer_of(caller: Caller, employers: Employers) -> Viewer:
    """An official by place; an organization by its id and the code by which it employs; a person by the token's subject,
    which names the person's id where the scopes are of one's own data.

    Raises NotAnOfficialError for a token bound to none of them.
    """
    if caller.place is not None:
        return Viewer(place=place_of(caller))
    if caller.organization is not None:
        employer = await employers.code_of(caller.organization)
        return Viewer(organization=caller.organization, employer=employer)
    if caller.scopes.isdisjoint(OWN_SCOPES):
        raise NotAnOfficialError
    return Viewer(person_id=caller.subject)


def _json(answer: object) -> Response:
    return Response(_encode(answer), media_type="application/json")


@router.get(
    "/v1/persons/{person_id}/compliance/{year}",
    operation_id="get_compliance",
    **struct_answer(ComplianceAnswer, "The answer, with its reasons.", refusals=(403, 404, 422)),
)
@reads("compliance")
async def get_compliance(
    queries: LedgerQueriesPart,
    employers: EmployersPart,
    person_id: PersonId,
    year: CreditYear,
    caller: Annotated[Caller, Depends(ComplianceReader)],
    on: Annotated[
        Day | None, Query(description="Judge as of the end of this day; today when left out.")
    ] = None,
    as_of: Annotated[
        AddressMoment | None, Query(description="Answer with what the ledger knew at this moment.")
    ] = None,
    purpose: Annotated[PurposeCode | None, Query(description="What the year is to serve (S0-21).")] = None,
    include: Annotated[
        list[Detail] | None, Query(max_length=4, description="What else to say; may be given several times.")
    ] = None,
    regime: RegimeCode = ACCOUNTING,
) -> Response:
    """Is this person compliant for the year, and why: every requirement with its clause.

    `include=credits` adds where each credit that counts comes from, `include=next_steps` what to do next and by when.
    """
    viewer = await viewer_of(caller, employers)
    answer = await queries.get_compliance(
        person_id,
        year,
        viewer,
        on=on,
        as_of=as_of,
        details=frozenset(include or ()),
        purpose=purpose,
        regime=regime,
    )
    return _json(answer)


@router.post(
    "/v1/compliance/query",
    operation_id="query_compliance",
    dependencies=[Depends(within(QUERIES, ManyReader))],
    **struct_answer(ComplianceQueryAnswer, "An answer for every person, in order.", refusals=(403, 422, 429)),
)
@reads("compliance")
async def query_compliance(
    hashers: IdentityHashersPart,
    queries: LedgerQueriesPart,
    employers: EmployersPart,
    budgets: BudgetsPart,
    now: Now,
    body: ComplianceQuery,
    caller: Annotated[Caller, Depends(ManyReader)],
) -> Response:
    """The same for up to 1,000 persons, by id, or by ID number and name (in the body, never in an address).

    Somebody of another name is answered like somebody who is not there. Who finds too few is refused for a while.
    """
    if (body.persons is None) == (body.identities is None):
        raise QueryUnclearError
    if body.persons is not None:
        keys, names = body.persons, None
    else:
        today = local_date(now)
        keys, names = [], []
        for index, identity in enumerate(body.identities or []):
            fault = check_id_number(IdType(identity.id_type), identity.id_number, on=today)
            if fault is not None:
                raise ImplausibleIdentityError(
                    fault.text_zh, fault.text_en, pointer=f"/identities/{index}/id_number"
                )
            number, name = hashers.current.person_and_name(
                identity.id_type, identity.id_number, identity.name
            )
            keys.append(number)
            names.append(name)
    answers = await queries.query_compliance(
        keys,
        body.year,
        await viewer_of(caller, employers),
        names=names,
        on=body.on,
        details=frozenset(body.include),
        purpose=body.purpose,
    )
    absent = [
        Absent(index=index, problem=answer.code, merged_into=answer.extensions.get("merged_into"))
        for index, answer in enumerate(answers)
        if isinstance(answer, Problem)
    ]
    if names is not None:
        await budgets.spend_or_refuse(QUERIES, who_pays(caller), len(absent))
    # Raw JSON may stand where an answer is encoded.
    results = [None if isinstance(answer, Problem) else answer for answer in answers]
    return _json(ComplianceQueryAnswer(cast("list[ComplianceAnswer | None]", results), absent))


async def _answer_plainly(
    request: Request, caller: Caller, told: Reading, values: Sequence[str]
) -> bytes | None:
    if caller.place is None:
        return None
    person_id, year = values
    queries = part_of(request, LedgerQueries)
    return await queries.plain_answer(person_id, int(year), place_of(caller), told)


HOT = (
    HotRoute(
        path="/v1/persons/{person_id}/compliance/{year}",
        pattern=re.compile(
            r"/v1/persons/([A-Za-z0-9][A-Za-z0-9._:-]{0,63})/compliance/(20[0-9]{2})", re.ASCII
        ),
        scopes=frozenset(COMPLIANCE_SCOPES),
        reads="compliance",
        answer=_answer_plainly,
    ),
)
"""Answered ahead of the framework: what an official of a place asks, without anything beside."""


UnitsPart = Annotated[Units, Depends(part(Units))]

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
