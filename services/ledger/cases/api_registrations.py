"""Lists that an authority registers itself: exam passes and the like, and the history another system held."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal

from fastapi import Depends, Query, Request, Response
from pydantic import Field, model_validator

from contracts.divisions import AUTHORITIES, NATION, is_known
from contracts.identifiers import IdType, check_id_number
from contracts.identity import IdentityHasher, IdentityHashers
from services.kit.auth import Caller, require
from services.kit.clock import local_date
from services.kit.errors import FieldError, InvalidRequestError, language_of
from services.kit.field_errors import refuse
from services.kit.idempotency import CommandKey, command_key
from services.kit.openapi import struct_answer
from services.kit.parts import Now, part
from services.kit.routers import Router
from services.kit.schemas import StrictModel
from services.ledger.cases.api_claims import actor_of
from services.ledger.cases.registrations import (
    HistoricCredit,
    Line,
    ListedActivity,
    ListedTraining,
    Registrations,
    is_at_authority,
)
from services.ledger.cases.views import RegisteredLines
from services.ledger.streams.problems import NotAnOfficialError, OutsidePlaceError, UnknownPlaceError
from services.ledger.streams.year import CorrectionReason
from services.ledger.web import (
    CategoryText,
    CreditYear,
    DocumentDay,
    IdentityNumber,
    PlausibleDay,
    SatIn,
    Score,
)

router = Router(prefix="/v1/registrations")
RegistrationsPart = Annotated[Registrations, Depends(part(Registrations))]
IdentityHashersPart = Annotated[IdentityHashers, Depends(part(IdentityHashers))]

LINES_MAX = 1_000

Registrar = require("registration:write")
RegistrarKey = Annotated[CommandKey, Depends(command_key(Registrar))]
_LINES = struct_answer(RegisteredLines, "What became of each line.", refusals=(400, 403, 409, 422))
Correction = Annotated[
    CorrectionReason | None,
    Field(description="Why lines of closed years are registered all the same (B-07)."),
]
_Code = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,59}$")]


class ListedPerson(IdentityNumber):
    """A person as on their document."""

    name: Annotated[str, Field(min_length=1, max_length=50, pattern=r"^[^\x00-\x1f\x7f]+$")]


class OrganisedTraining(StrictModel):
    """How a training was held, of which category, and what it is worth."""

    mode: Literal["online", "face_to_face", "other"]
    category: CategoryText
    credits: Annotated[str, Field(pattern=r"^(?:0|[1-9][0-9]{0,3})(?:\.[0-9]{1,2})?$")]

    def listed(self) -> ListedTraining:
        """The training as it is registered."""
        credits = Decimal(self.credits).quantize(Decimal("0.01"))
        return ListedTraining(mode=self.mode, category=self.category, credits=credits)


class ListedLine(StrictModel):
    """An activity the authority knows of itself; `fact` holds what tells it from another, by form.

    A training that the authority organised itself is of form `authority_training` (N-11): `happened_on` is its last day,
    `started_on` its first where it had several, and `training` says how it was held and what it is worth.
    """

    person: ListedPerson
    year: CreditYear
    form: Annotated[_Code, Field(examples=["exam_subject"])]
    happened_on: PlausibleDay
    result_on: PlausibleDay | None = None
    document_on: DocumentDay = None
    score: Score = None
    sat_in: SatIn = None
    role: Literal["sole", "first", "lead", "other"] | None = None
    quantity: Annotated[str, Field(pattern=r"^(?:0|[1-9][0-9]{0,3})(?:\.[0-9]{1,2})?$")] = "1"
    started_on: PlausibleDay | None = None
    training: OrganisedTraining | None = None
    fact: Annotated[
        dict[Annotated[str, Field(pattern=r"^[a-z_]{1,40}$")], Annotated[str, Field(max_length=200)]],
        Field(max_length=10),
    ]

    @model_validator(mode="after")
    def _begins_before_it_ends(self) -> "ListedLine":
        if self.started_on is not None and self.started_on > self.happened_on:
            raise refuse("out_of_range", "起始日不得晚于结束日", "It begins no later than it ends")
        return self


class HistoricLine(StrictModel):
    """A credit as another system holds it (S4-06)."""

    person: ListedPerson
    year: CreditYear
    category: CategoryText
    credits: Annotated[str, Field(pattern=r"^(?:0|[1-9][0-9]{0,3})(?:\.[0-9]{1,2})?$")]
    mode: Literal["online", "face_to_face", "other"]
    completed_on: PlausibleDay
    system: _Code
    record_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$")]


class ListedBatch(StrictModel):
    """Up to 1,000 lines."""

    records: Annotated[list[ListedLine], Field(min_length=1, max_length=LINES_MAX)]
    correction: Correction = None


class HistoricBatch(StrictModel):
    """Up to 1,000 lines."""

    records: Annotated[list[HistoricLine], Field(min_length=1, max_length=LINES_MAX)]
    correction: Correction = None


@router.post("/direct", operation_id="register_list", **_LINES)
async def register_list(
    request: Request,
    registrations: RegistrationsPart,
    hashers: IdentityHashersPart,
    now: Now,
    body: ListedBatch,
    caller: Annotated[Caller, Depends(Registrar)],
    key: RegistrarKey,
) -> Response:
    """Register activities that nobody applies for, by the first-level authority; every line is answered (S0-13, S2B-09).

    `duplicate` names the credit that the same fact has already; an open claim of the fact is closed as satisfied.
    """
    check_numbers(now, [line.person for line in body.records])
    for index, line in enumerate(body.records):
        if line.sat_in is not None and not is_known(line.sat_in):
            raise UnknownPlaceError(pointer=f"/records/{index}/sat_in")
    lines: list[Line] = [
        ListedActivity(
            **hashes_of(hashers.current, line.person),
            year=line.year,
            form=line.form,
            happened_on=line.happened_on,
            result_on=line.result_on,
            document_on=line.document_on,
            score=Decimal(line.score) if line.score is not None else None,
            sat_in=line.sat_in,
            role=line.role,
            quantity=Decimal(line.quantity),
            started_on=line.started_on,
            training=line.training.listed() if line.training is not None else None,
            facts=line.fact,
        )
        for line in body.records
    ]
    return await _register(request, registrations, lines, caller, key, body.correction)


@router.post("/history", operation_id="import_history", **_LINES)
async def import_history(
    request: Request,
    registrations: RegistrationsPart,
    hashers: IdentityHashersPart,
    now: Now,
    body: HistoricBatch,
    caller: Annotated[Caller, Depends(Registrar)],
    key: RegistrarKey,
    authority: Annotated[
        str | None,
        Query(
            pattern=r"^[1-9][0-9]{5}$",
            description="Whose people they are, when the nation's own service asks.",
        ),
    ] = None,
) -> Response:
    """Take over credits that another system held, each under that system's id, so that none is doubled (S4-06)."""
    check_numbers(now, [line.person for line in body.records])
    lines: list[Line] = [
        HistoricCredit(
            **hashes_of(hashers.current, line.person),
            year=line.year,
            category=line.category,
            credits=Decimal(line.credits).quantize(Decimal("0.01")),
            mode=line.mode,
            completed_on=line.completed_on,
            system=line.system,
            record_id=line.record_id,
        )
        for line in body.records
    ]
    if authority in AUTHORITIES and caller.place == NATION:
        caller = replace(caller, place=authority)
    return await _register(request, registrations, lines, caller, key, body.correction)


async def _register(
    request: Request,
    registrations: Registrations,
    lines: list[Line],
    caller: Caller,
    key: CommandKey,
    correction: CorrectionReason | None,
) -> Response:
    actor = actor_of(caller)
    if actor.place is None:
        raise NotAnOfficialError
    if not is_at_authority(actor):
        raise OutsidePlaceError("由省级财政部门登记。", "Registered by the first-level authority.")
    language = language_of(request.headers)
    return (await registrations.register(lines, actor, key, language, correction)).response()


def check_numbers(now: datetime, persons: list[ListedPerson]) -> None:
    """Refuse a list with wrong ID numbers whole, naming every one of them: nothing of it is half-applied."""
    today = local_date(now)
    faults = []
    for index, person in enumerate(persons):
        fault = check_id_number(IdType(person.id_type), person.id_number, on=today)
        if fault is not None:
            pointer = f"/records/{index}/person/id_number"
            faults.append(FieldError(pointer, f"id_number_{fault.value}", fault.text_zh, fault.text_en))
    if faults:
        raise InvalidRequestError(faults)


def hashes_of(hasher: IdentityHasher, person: ListedPerson) -> dict[str, str]:
    """The keyed hashes of a listed person's number and name."""
    return {
        "identity_hash": hasher.person(person.id_type, person.id_number),
        "name_hash": hasher.name(person.id_type, person.id_number, person.name),
    }
