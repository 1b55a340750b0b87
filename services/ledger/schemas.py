"""Bodies of the ledger's commands and questions."""

from typing import Annotated, Any, Literal

from pydantic import Field

from services.kit.schemas import Day, StrictModel
from services.ledger.commands import ExemptionReason, RevocationReason, WithdrawalReason

Adcode = Annotated[str, Field(pattern=r"^[1-9][0-9]{5}$", description="GB/T 2260 code.")]
CreditYear = Annotated[int, Field(ge=2000, le=2100)]
OpaqueId = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$")]


class Withdrawal(StrictModel):
    """Why a provider takes a record back; `authority` where it reports to several."""

    reason: WithdrawalReason
    authority: Adcode | None = None


class Revocation(StrictModel):
    """Why an authority revokes a credit (S1-21)."""

    year: CreditYear
    reason: RevocationReason


class ExemptionRequest(StrictModel):
    """The year an authority frees a person of, and why (A-14)."""

    year: CreditYear
    reason: ExemptionReason


class IdentityNumber(StrictModel):
    """An ID document's type and number."""

    id_type: Literal["resident_id", "hk_macau_permit", "taiwan_permit", "passport", "officer_card"]
    id_number: Annotated[str, Field(pattern=r"^[^\x00-\x20\x7f]{4,40}$")]


class ComplianceQuery(StrictModel):
    """Up to 1,000 persons, by id or by ID number; the answers come in the same order."""

    year: CreditYear
    persons: Annotated[list[OpaqueId] | None, Field(min_length=1, max_length=1000)] = None
    identities: Annotated[list[IdentityNumber] | None, Field(min_length=1, max_length=1000)] = None
    on: Day | None = None


class PolicyPublication(StrictModel):
    """A notice as data, as `contracts/policy.schema.json` describes it."""

    notice: dict[str, Any]
