"""Attestations over HTTP: issued for a person, taken back, printed, checked by whoever was handed the reference."""

from typing import Annotated

import msgspec
from fastapi import Depends, Path, Request, Response
from pydantic import Field

from contracts.identity import IdentityHashers
from services.kit.audit import AuditedRoute, reads
from services.kit.auth import Caller, require
from services.kit.budgets import Budgets, address_of, who_pays, within
from services.kit.idempotency import CommandKey, command_key
from services.kit.openapi import struct_answer
from services.kit.parts import part
from services.kit.routers import Router
from services.kit.schemas import StrictModel
from services.ledger.answers.api import viewer_of
from services.ledger.answers.attestations import (
    Attestations,
    Attested,
    Checked,
    RevokedAttestation,
    Statement,
    Verified,
)
from services.ledger.answers.purposes import PurposeCode
from services.ledger.store.people import Employers
from services.ledger.streams.attestation import RevokeReason, UnknownAttestationError
from services.ledger.web import (
    CHECKS,
    VERIFICATIONS,
    VERIFYING_ADDRESSES,
    CreditYear,
    Identity,
    OpaqueId,
    place_of,
)

router = Router(prefix="/v1/attestations", route_class=AuditedRoute)
AttestationsPart = Annotated[Attestations, Depends(part(Attestations))]
BudgetsPart = Annotated[Budgets, Depends(part(Budgets))]
EmployersPart = Annotated[Employers, Depends(part(Employers))]
IdentityHashersPart = Annotated[IdentityHashers, Depends(part(IdentityHashers))]
_encode = msgspec.json.Encoder().encode

TODAY = "attestation:current"
"""The scope that also tells whether what was attested still holds."""
Issuer = require("attestation:issue", "attestation:own")
Revoker = require("attestation:issue")
Checker = require("attestation:check", TODAY)
OPEN_PATHS = frozenset({"/v1/attestations/verification"})
_REFERENCE = r"^[1-9][0-9]{5}-[0-9a-f]{24}$"
Reference = Annotated[str, Path(pattern=_REFERENCE)]


class AttestationRequest(StrictModel):
    """Whose year is to be attested, and what for."""

    person_id: OpaqueId
    year: CreditYear
    purpose: PurposeCode


class AttestationRevocation(StrictModel):
    """Why an attestation is taken back."""

    reason: RevokeReason


class AttestationCheck(Identity):
    """A reference, and the person who handed it over, as on their document."""

    reference: Annotated[str, Field(pattern=_REFERENCE)]


class AttestationVerification(StrictModel):
    """A reference, and the last four characters of the number of the person it is of."""

    reference: Annotated[str, Field(pattern=_REFERENCE)]
    last_four: Annotated[str, Field(pattern=r"^[0-9A-Za-z]{4}$")]


@router.post(
    "",
    operation_id="issue_attestation",
    status_code=201,
    **struct_answer(Attested, "What is attested.", status=201, refusals=(400, 403, 404, 409, 422)),
)
async def issue_attestation(
    attestations: AttestationsPart,
    employers: EmployersPart,
    hashers: IdentityHashersPart,
    body: AttestationRequest,
    caller: Annotated[Caller, Depends(Issuer)],
    key: Annotated[CommandKey, Depends(command_key(Issuer))],
) -> Response:
    """Attest whether a person owes anything for a year: yes or no, and a reference (S0-21).

    For an official of the person's place, or, with `attestation:own`, for the person. One that somebody has asked for whose
    token names their document can be verified by anybody (`POST /v1/attestations/verification`).
    """
    viewer = await viewer_of(caller, employers)
    number = (caller.document or "").partition(":")[2]
    suffix_hash = hashers.current.suffix(body.person_id, number) if viewer.person_id and number else None
    answer = await attestations.issue(
        body.person_id, body.year, body.purpose, viewer, caller.subject, key, suffix_hash=suffix_hash
    )
    return answer.response()


@router.post(
    "/check",
    operation_id="check_attestation",
    dependencies=[Depends(within(CHECKS, Checker))],
    **struct_answer(Checked, "What was attested.", refusals=(404, 422, 429)),
)
@reads("attestation-check")
async def check_attestation(
    hashers: IdentityHashersPart,
    attestations: AttestationsPart,
    budgets: BudgetsPart,
    body: AttestationCheck,
    caller: Annotated[Caller, Depends(Checker)],
) -> Response:
    """Check a reference against the person who handed it over; the same answer for a wrong reference and a wrong person.

    With `attestation:current` the answer also says whether the same would be attested today.
    """
    identity_hash, name_hash = hashers.current.person_and_name(body.id_type, body.id_number, body.name)
    try:
        found = await attestations.check(
            body.reference, identity_hash, name_hash, today=TODAY in caller.scopes
        )
    except UnknownAttestationError:
        await budgets.spend_or_refuse(CHECKS, who_pays(caller), 1)
        raise
    return Response(_encode(found), media_type="application/json")


@router.post(
    "/verification",
    operation_id="verify_attestation",
    **struct_answer(Verified, "Whether it stands.", refusals=(404, 422, 429)),
)
async def verify_attestation(
    hashers: IdentityHashersPart,
    request: Request,
    attestations: AttestationsPart,
    budgets: BudgetsPart,
    body: AttestationVerification,
) -> Response:
    """Verify a reference by the last four characters of its person's number; needs no token, and tells one word (S0-21).

    The same answer for a wrong reference and wrong characters. An address that guesses too often, at one reference or at
    many, is answered no more; nobody else is kept from verifying.
    """
    address = address_of(request)
    guessed = f"{address} {body.reference}"
    await budgets.check(VERIFYING_ADDRESSES, address)
    await budgets.check(VERIFICATIONS, guessed)
    try:
        found = await attestations.verify(
            body.reference, lambda person_id: hashers.suffixes(person_id, body.last_four)
        )
    except UnknownAttestationError:
        await budgets.spend_or_refuse(VERIFYING_ADDRESSES, address, 1)
        await budgets.spend_or_refuse(VERIFICATIONS, guessed, 1)
        raise
    return Response(_encode(found), media_type="application/json")


@router.get(
    "/{reference}",
    operation_id="get_attestation",
    **struct_answer(Statement, "The statement to print.", refusals=(403, 404, 422)),
)
@reads("attestation")
async def get_attestation(
    attestations: AttestationsPart,
    employers: EmployersPart,
    reference: Reference,
    caller: Annotated[Caller, Depends(Issuer)],
) -> Response:
    """The attestation as a statement to print, with the notices it follows and its place in the log.

    For officials of the place it was issued at, and for its person.
    """
    found = await attestations.get_statement(reference, await viewer_of(caller, employers))
    return Response(_encode(found), media_type="application/json")


@router.post(
    "/{reference}/revocation",
    operation_id="revoke_attestation",
    **struct_answer(RevokedAttestation, "The attestation after it.", refusals=(400, 403, 404, 409, 422)),
)
async def revoke_attestation(
    attestations: AttestationsPart,
    reference: Reference,
    body: AttestationRevocation,
    caller: Annotated[Caller, Depends(Revoker)],
    key: Annotated[CommandKey, Depends(command_key(Revoker))],
) -> Response:
    """Take an attestation back, with a reason; a check says so from then on (A-12)."""
    answer = await attestations.revoke(reference, body.reason, place_of(caller), caller.subject, key)
    return answer.response()
