"""Commands on cases: imperative, immutable, complete."""

from typing import Literal

from msgspec import Struct

from contracts.divisions import contains
from services.ledger.cases.roster_rows import RosterTable
from services.ledger.streams.claim import ClaimedActivity
from services.ledger.streams.filing import PlannedTraining
from services.ledger.streams.roster import RowReason
from services.ledger.streams.year import CorrectionReason


class Actor(Struct, frozen=True, kw_only=True):
    """Who asks: an official of a place, an organization, or the person that `subject` names when bound to neither."""

    subject: str
    place: str | None = None
    organization: str | None = None

    def covers(self, place: str) -> bool:
        """Whether the actor is an official whose place contains this one."""
        return self.place is not None and contains(self.place, place)

    def is_nobody_but(self, person_id: str) -> bool:
        """Whether the actor is bound to no place and no organization, and is somebody else than the person."""
        return self.place is None and self.organization is None and self.subject != person_id


class SubmitClaim(ClaimedActivity, frozen=True, kw_only=True):
    """Claim credits for an activity of a person (S0-12, S1-12). `facts` are the evidence keys of the form."""

    facts: dict[str, str]


LateReason = Literal["force_majeure", "system_failure", "holiday_staffing", "corrected_roster", "other"]


class FileTraining(PlannedTraining, frozen=True, kw_only=True):
    """File a training with the bureau of a place."""


class UploadRoster(Struct, frozen=True, kw_only=True):
    """Report the persons of a training; `partial` stores the good rows of a roster that has others."""

    filing_id: str
    table: RosterTable
    partial: bool
    late_reason: LateReason | None
    language: Literal["zh", "en"]


class ReviewRoster(Struct, frozen=True, kw_only=True):
    """Approve, or refuse with a reason, the rows named, or all that are open; with a correction also in closed years.

    `step` is one of the table's.
    """

    roster_id: str
    step: str
    rows: list[str] | None
    reason: RowReason | None = None
    correction: CorrectionReason | None = None
