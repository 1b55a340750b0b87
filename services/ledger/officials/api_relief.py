"""Routes of exemptions, deferrals and special reasons."""

from typing import Annotated

from fastapi import Depends, Response
from pydantic import Field

from services.kit.auth import Caller, require
from services.kit.idempotency import CommandKey, command_key
from services.kit.openapi import struct_answer
from services.kit.parts import part
from services.kit.routers import Router
from services.kit.schemas import StrictModel
from services.ledger.officials.relief import (
    ApproveSpecialReason,
    DeferralReason,
    EndReason,
    EndRelief,
    ExemptionReason,
    GrantDeferral,
    GrantExemption,
    Relief,
    ReliefOutcome,
    Reliefs,
)
from services.ledger.web import CreditYear, PersonId, PlausibleDay, place_of


class ExemptionRequest(StrictModel):
    """The year an authority frees a person of, and why (A-14); `until` where it holds for a time only."""

    year: CreditYear
    reason: ExemptionReason
    until: Annotated[PlausibleDay | None, Field(description="The last day it holds.")] = None


class DeferralRequest(StrictModel):
    """The year for which a person gets more time, why, and its new last day (A-14)."""

    year: CreditYear
    reason: DeferralReason
    until: PlausibleDay


class SpecialReasonRequest(StrictModel):
    """The year that a person missed, and the special reason for it, whose proof the official has seen (S0-22, A-06)."""

    year: CreditYear
    reason: DeferralReason


class SpecialReasonWithdrawal(StrictModel):
    """The year whose special reason is approved no longer, and why."""

    year: CreditYear
    reason: EndReason


class ReliefEnd(StrictModel):
    """The year whose exemption or deferral ends, and why."""

    year: CreditYear
    reason: EndReason
    until: Annotated[
        PlausibleDay | None, Field(description="The last day it holds; today when left out.")
    ] = None


router = Router(prefix="/v1/persons/{person_id}")
ReliefsPart = Annotated[Reliefs, Depends(part(Reliefs))]

Granter = require("exemption:write")
GrantKey = Annotated[CommandKey, Depends(command_key(Granter))]
GrantCaller = Annotated[Caller, Depends(Granter)]
_REFUSALS = (400, 403, 404, 409, 422)
_GRANTED = struct_answer(ReliefOutcome, "What is granted.", status=201, refusals=_REFUSALS)
_ENDED = struct_answer(ReliefOutcome, "What has ended.", refusals=_REFUSALS)


@router.post("/exemptions", operation_id="grant_exemption", status_code=201, **_GRANTED)
async def grant_exemption(
    reliefs: ReliefsPart, person_id: PersonId, body: ExemptionRequest, caller: GrantCaller, key: GrantKey
) -> Response:
    """Free a person of a year, with a reason, for good or until a day (A-14)."""
    command = GrantExemption(
        person_id=person_id,
        year=body.year,
        reason=body.reason,
        until=body.until,
        authority=place_of(caller),
        decided_by=caller.subject,
    )
    return (await reliefs.grant_exemption(command, key)).response()


@router.post("/exemptions/end", operation_id="end_exemption", **_ENDED)
async def end_exemption(
    reliefs: ReliefsPart, person_id: PersonId, body: ReliefEnd, caller: GrantCaller, key: GrantKey
) -> Response:
    """End an exemption: from the day after, the year is owed again (A-14)."""
    return await _end(reliefs, "exemption", person_id, body, caller, key)


@router.post("/deferrals", operation_id="grant_deferral", status_code=201, **_GRANTED)
async def grant_deferral(
    reliefs: ReliefsPart, person_id: PersonId, body: DeferralRequest, caller: GrantCaller, key: GrantKey
) -> Response:
    """Give a person more time for a year: until its new last day study for it is taken (A-14)."""
    command = GrantDeferral(
        person_id=person_id,
        year=body.year,
        reason=body.reason,
        until=body.until,
        authority=place_of(caller),
        decided_by=caller.subject,
    )
    return (await reliefs.grant_deferral(command, key)).response()


@router.post("/deferrals/end", operation_id="end_deferral", **_ENDED)
async def end_deferral(
    reliefs: ReliefsPart, person_id: PersonId, body: ReliefEnd, caller: GrantCaller, key: GrantKey
) -> Response:
    """End a deferral early (A-14)."""
    return await _end(reliefs, "deferral", person_id, body, caller, key)


@router.post("/special-reasons", operation_id="approve_special_reason", status_code=201, **_GRANTED)
async def approve_special_reason(
    reliefs: ReliefsPart, person_id: PersonId, body: SpecialReasonRequest, caller: GrantCaller, key: GrantKey
) -> Response:
    """Approve the special reason for which a person missed a year: from now on what providers report in its make-up counts,
    as an application of the person would (S0-22, A-06)."""
    command = ApproveSpecialReason(
        person_id=person_id,
        year=body.year,
        reason=body.reason,
        authority=place_of(caller),
        decided_by=caller.subject,
    )
    return (await reliefs.approve_special_reason(command, key)).response()


@router.post("/special-reasons/end", operation_id="end_special_reason", **_ENDED)
async def end_special_reason(
    reliefs: ReliefsPart,
    person_id: PersonId,
    body: SpecialReasonWithdrawal,
    caller: GrantCaller,
    key: GrantKey,
) -> Response:
    """End the approval of a special reason; what was registered by it stays, to be revoked one by one (A-06)."""
    return await _end(reliefs, "special_reason", person_id, body, caller, key)


async def _end(
    reliefs: Reliefs,
    kind: Relief,
    person_id: str,
    body: ReliefEnd | SpecialReasonWithdrawal,
    caller: Caller,
    key: CommandKey,
) -> Response:
    command = EndRelief(
        kind=kind,
        person_id=person_id,
        year=body.year,
        reason=body.reason,
        until=body.until if isinstance(body, ReliefEnd) else None,
        authority=place_of(caller),
        decided_by=caller.subject,
    )
    return (await reliefs.end(command, key)).response()
