"""Attestations over HTTP: issued for a person, checked by whoever was handed the reference."""

from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field

from services.kit.auth import Caller, require
from services.kit.idempotency import CommandKey, command_key
from services.kit.openapi import problems, struct_answer
from services.kit.schemas import StrictModel
from services.ledger.attestations.attestations import Attested, Purpose
from services.ledger.claims.api import actor_of
from services.ledger.composition import ledger_of
from services.ledger.schemas import CreditYear, IdentityNumber, OpaqueId

router = APIRouter(prefix="/v1/attestations")
_encode = msgspec.json.Encoder().encode

Issuer = require("attestation:issue")
Checker = require("attestation:check")


class AttestationRequest(StrictModel):
    """Whose year is to be attested, and what for."""

    person_id: OpaqueId
    year: CreditYear
    purpose: Purpose


class AttestationCheck(IdentityNumber):
    """A reference, and the person who handed it over, as on their document."""

    reference: Annotated[str, Field(pattern=r"^[1-9][0-9]{5}-[0-9a-f]{24}$")]
    name: Annotated[str, Field(min_length=1, max_length=50, pattern=r"^[^\x00-\x1f\x7f]+$")]


@router.post(
    "", operation_id="issue_attestation", status_code=201, responses=problems(400, 403, 404, 409, 422)
)
async def issue_attestation(
    request: Request,
    body: AttestationRequest,
    caller: Annotated[Caller, Depends(Issuer)],
    key: Annotated[CommandKey, Depends(command_key(Issuer))],
) -> Response:
    """Attest whether a person owes anything for a year: yes or no, and a reference (S0-21)."""
    ledger = ledger_of(request)
    answer = await ledger.attestations.issue(body.person_id, body.year, body.purpose, actor_of(caller), key)
    return answer.response()


@router.post(
    "/check",
    operation_id="check_attestation",
    dependencies=[Depends(Checker)],
    **struct_answer(Attested, "What was attested.", refusals=(404, 422)),
)
async def check_attestation(request: Request, body: AttestationCheck) -> Response:
    """Check a reference against the person who handed it over; the same answer for a wrong reference and a wrong person."""
    ledger = ledger_of(request)
    identity_hash = ledger.hasher.person(body.id_type, body.id_number)
    name_hash = ledger.hasher.name(body.id_type, body.id_number, body.name)
    attested = await ledger.attestations.check(body.reference, identity_hash, name_hash)
    return Response(_encode(attested), media_type="application/json")
