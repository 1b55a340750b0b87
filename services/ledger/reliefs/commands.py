"""What may be asked about reliefs: imperative, immutable, complete."""

from datetime import date
from typing import Literal

from msgspec import Struct

ExemptionReason = Literal[
    "illness", "childbirth", "abroad", "age", "retired", "left_accounting", "disaster", "seconded", "other"
]
DeferralReason = Literal["illness", "childbirth", "abroad", "disaster", "seconded", "other"]
EndReason = Literal["returned_to_work", "reason_ceased", "granted_in_error", "withdrawn_by_person", "other"]
Relief = Literal["exemption", "deferral"]


class GrantExemption(Struct, frozen=True, kw_only=True):
    """An authority frees a person of a year, for good or until a day (A-14)."""

    person_id: str
    year: int
    reason: ExemptionReason
    authority: str
    decided_by: str
    until: date | None = None


class GrantDeferral(Struct, frozen=True, kw_only=True):
    """An authority gives a person until a later day for a year (A-14)."""

    person_id: str
    year: int
    reason: DeferralReason
    authority: str
    decided_by: str
    until: date


class EndRelief(Struct, frozen=True, kw_only=True):
    """An authority ends an exemption or a deferral; `until` is the last day it holds, today when left out."""

    kind: Relief
    person_id: str
    year: int
    reason: EndReason
    authority: str
    decided_by: str
    until: date | None = None
