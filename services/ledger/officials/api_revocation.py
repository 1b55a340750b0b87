"""Revocations over HTTP: by officials, in their place."""

from typing import Annotated, Literal

from fastapi import Depends, Path, Response
from pydantic import Field

from contracts.divisions import contains, is_known
from services.kit.auth import Caller, require
from services.kit.idempotency import CommandKey, command_key
from services.kit.openapi import struct_answer
from services.kit.parts import part
from services.kit.routers import Router
from services.kit.schemas import StrictModel
from services.ledger.officials.revocation import (
    RevocationReason,
    Revocations,
    RevokeCredit,
    RevokedCredit,
    RevokedOfProvider,
    RevokeOfProvider,
)
from services.ledger.store.paging import CURSOR
from services.ledger.streams.problems import OutsidePlaceError, UnknownPlaceError
from services.ledger.web import Adcode, CreditYear, OpaqueId, PersonId, PlausibleDay, place_of

router = Router()
RevocationsPart = Annotated[Revocations, Depends(part(Revocations))]

Revoker = require("credit:revoke")
RevokeKey = Annotated[CommandKey, Depends(command_key(Revoker))]


class Revocation(StrictModel):
    """Why an authority revokes a credit (S1-21)."""

    year: CreditYear
    reason: RevocationReason


class ProviderRevocation(StrictModel):
    """Whose credits are revoked, for which year, of studies completed on which days; all when none are named (A-12)."""

    provider_id: OpaqueId
    place: Adcode
    year: CreditYear
    reason: Literal["provider_disqualified"] = "provider_disqualified"
    completed_from: PlausibleDay | None = None
    completed_until: PlausibleDay | None = None
    after: Annotated[str | None, Field(pattern=CURSOR, description="`next` of the piece before.")] = None
    limit: Annotated[int, Field(ge=1, le=1000, description="How many people to look at.")] = 500


@router.post(
    "/v1/persons/{person_id}/credits/{credit_id}/revocation",
    operation_id="revoke_credit",
    **struct_answer(RevokedCredit, "The credit after it.", refusals=(400, 403, 404, 409, 422)),
)
async def revoke_credit(
    revocations: RevocationsPart,
    person_id: PersonId,
    credit_id: Annotated[str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$")],
    body: Revocation,
    caller: Annotated[Caller, Depends(Revoker)],
    key: RevokeKey,
) -> Response:
    """Revoke a credit with a reason; the credit stays in the record as revoked (S1-21)."""
    command = RevokeCredit(
        person_id=person_id,
        year=body.year,
        credit_id=credit_id,
        reason=body.reason,
        authority=place_of(caller),
        decided_by=caller.subject,
    )
    return (await revocations.revoke(command, key)).response()


@router.post(
    "/v1/revocations",
    operation_id="revoke_credits_of_provider",
    **struct_answer(RevokedOfProvider, "What was revoked; `next` goes on.", refusals=(400, 403, 409, 422)),
)
async def revoke_credits_of_provider(
    revocations: RevocationsPart,
    body: ProviderRevocation,
    caller: Annotated[Caller, Depends(Revoker)],
    key: RevokeKey,
) -> Response:
    """Revoke what a disqualified provider reported for a year, one event for each credit (A-12).

    A disqualification by itself takes nothing back. The people of a place are gone through piece by piece: repeat with
    `after`, and a key of its own for each piece, until `next` is null.
    """
    official = place_of(caller)
    if not is_known(body.place):
        raise UnknownPlaceError(pointer="/place")
    if not contains(official, body.place):
        raise OutsidePlaceError
    command = RevokeOfProvider(
        provider_id=body.provider_id,
        place=body.place,
        year=body.year,
        completed_from=body.completed_from,
        completed_until=body.completed_until,
        after=body.after,
        limit=body.limit,
        decided_by=caller.subject,
    )
    return (await revocations.revoke_of_provider(command, key)).response()
