"""What may be asked of the ledger besides posting records: imperative, immutable, complete."""

from typing import Literal

from msgspec import Struct

WithdrawalReason = Literal["reported_in_error", "wrong_person", "wrong_year", "wrong_credits", "refunded"]
RevocationReason = Literal["cheating", "proxy_study", "wrong_record", "false_proof", "provider_disqualified"]
ExemptionReason = Literal["illness", "childbirth", "abroad", "retired", "left_accounting", "other"]


class WithdrawRecord(Struct, frozen=True, kw_only=True):
    """A provider takes back a record of its own, registered or held."""

    kind: Literal["completion", "enrolment"]
    log: str
    provider_id: str
    record_id: str
    reason: WithdrawalReason


class RevokeCredit(Struct, frozen=True, kw_only=True):
    """An authority revokes a credit of a person it answers for (S1-21)."""

    person_id: str
    year: int
    credit_id: str
    reason: RevocationReason
    authority: str
    decided_by: str


class GrantExemption(Struct, frozen=True, kw_only=True):
    """An authority frees a person of a year (A-14)."""

    person_id: str
    year: int
    reason: ExemptionReason
    authority: str
    decided_by: str
