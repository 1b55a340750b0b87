"""What may be asked about filings and rosters: imperative, immutable, complete."""

from typing import Literal

from msgspec import Struct

from services.ledger.policy import Category
from services.ledger.trainings.events import Session
from services.ledger.trainings.roster_rows import RosterTable
from services.ledger.years.admitting import CorrectionReason

FilingReason = Literal[
    "plan_incomplete",
    "content_not_suitable",
    "teachers_not_suitable",
    "wrong_place",
    "wrong_year",
    "credits_not_justified",
    "organization_not_suitable",
    "other",
]
LateReason = Literal["force_majeure", "system_failure", "holiday_staffing", "corrected_roster", "other"]
RowReason = Literal[
    "not_attended", "proof_missing", "wrong_person", "wrong_credits", "counted_already", "other"
]


class FileTraining(Struct, frozen=True, kw_only=True):
    """File a training with the bureau of a place."""

    place: str
    year: int
    title: str
    mode: str
    category: Category
    sessions: tuple[Session, ...]
    conversion: str | None
    expected: int
    courses: tuple[str, ...]


class UploadRoster(Struct, frozen=True, kw_only=True):
    """Report the persons of a training; `partial` stores the good rows of a roster that has others."""

    filing_id: str
    table: RosterTable
    partial: bool
    late_reason: LateReason | None
    language: Literal["zh", "en"]


class ReviewRoster(Struct, frozen=True, kw_only=True):
    """Approve, or refuse with a reason, the rows named, or all that are open; with a correction also in closed years."""

    roster_id: str
    rows: list[str] | None
    reason: RowReason | None = None
    correction: CorrectionReason | None = None
