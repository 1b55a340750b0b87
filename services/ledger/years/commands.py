"""What may be asked about a year: close it, and correct what is in it afterwards. Imperative, immutable, complete."""

from datetime import date
from decimal import Decimal

from msgspec import Struct

from services.ledger.policy import Category
from services.ledger.years.admitting import CorrectionReason


class CloseYear(Struct, frozen=True, kw_only=True):
    """Close a credit year for a place and all under it (S2A-08)."""

    place: str
    year: int
    decided_by: str


class CorrectYear(Struct, frozen=True, kw_only=True):
    """Register credits in a person's closed year, on an official's word (B-07).

    `reference` is the number of the decision or file it rests on, by which a repeat is told; `corrects` the ended credit it
    stands for, where there is one.
    """

    person_id: str
    year: int
    category: Category
    credits: Decimal
    mode: str
    completed_on: date
    reason: CorrectionReason
    reference: str
    authority: str
    decided_by: str
    corrects: str | None = None
