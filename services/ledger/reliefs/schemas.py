"""Bodies of the commands about exemptions and deferrals."""

from typing import Annotated

from pydantic import Field

from services.kit.schemas import StrictModel
from services.ledger.reliefs.commands import DeferralReason, EndReason, ExemptionReason
from services.ledger.schemas import CreditYear, PlausibleDay


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


class ReliefEnd(StrictModel):
    """The year whose exemption or deferral ends, and why."""

    year: CreditYear
    reason: EndReason
    until: Annotated[
        PlausibleDay | None, Field(description="The last day it holds; today when left out.")
    ] = None
