"""Bodies and answers of what providers post and take back."""

from typing import Literal

from msgspec import Struct

from services.kit.schemas import StrictModel
from services.ledger.intake.outcomes import Outcome
from services.ledger.web.fields import Adcode

WithdrawalReason = Literal["reported_in_error", "wrong_person", "wrong_year", "wrong_credits", "refunded"]


class WithdrawRecord(Struct, frozen=True, kw_only=True):
    """A provider takes back a record of its own, registered or held."""

    kind: Literal["completion", "enrolment"]
    log: str
    provider_id: str
    record_id: str
    reason: WithdrawalReason


class Withdrawal(StrictModel):
    """Why a provider takes a record back; `authority` where it reports to several."""

    reason: WithdrawalReason
    authority: Adcode | None = None


class BatchAnswer(Struct, frozen=True):
    """The answer to a batch: `results` mirrors the batch, `summary` counts the outcomes."""

    results: list[Outcome]
    summary: dict[str, int]
