"""Views of cases as they are shown; who decided is not."""

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from msgspec import Struct

from services.kit.errors import ProblemBody
from services.ledger.streams.claim import Evidence
from services.ledger.streams.filing import Session


class ClaimAnswer(Struct, frozen=True, kw_only=True):
    """A claim as it stands; `provisional` while the nation's rule converts it, before a notice of the year is out (B-20)."""

    claim_id: str
    person_id: str
    place: str
    year: int
    form: str
    happened_on: date
    result_on: date | None
    document_on: date | None
    score: Decimal | None
    sat_in: str | None
    role: str | None
    quantity: Decimal
    mode: str
    studied: str | None
    special_reason: bool
    credits: Decimal
    category: str
    clause: str
    provisional: bool
    make_up: bool
    state: str
    reason: str | None
    submitted_at: datetime
    decided_at: datetime | None
    credit_id: str | None
    evidence: tuple[Evidence, ...]


class ClaimConversion(Struct, frozen=True, kw_only=True):
    """What the policy would award for a claim if it were handed in now, by which clause; nothing was stored.
    `discretionary`: the notice leaves the credits to the reviewer, and these are the least."""

    credits: Decimal
    category: str
    clause: str
    make_up: bool
    provisional: bool
    discretionary: bool


class ClaimOutcome(Struct, omit_defaults=True, frozen=True, kw_only=True):
    """What a command made of a claim: what the policy awards when it is handed in or approved, why it was sent back."""

    claim_id: str
    state: str
    reason: str | None = None
    credits: Decimal | None = None
    category: str | None = None
    clause: str | None = None
    credit_id: str | None = None


class ClaimQueue(Struct, frozen=True, kw_only=True):
    """A page of a queue; `next` continues it, null at the end."""

    items: list[ClaimAnswer]
    next: str | None


class ListedClaims(Struct, frozen=True, kw_only=True):
    """The claims of one list; they are one page."""

    items: list[ClaimAnswer]
    next: str | None = None
    total: int


RowWord = Literal["accepted", "held", "duplicate", "conflict", "rejected"]


class RowAnswer(Struct, omit_defaults=True, kw_only=True):
    """What became of one row of an upload.

    `row` is its number: from 1 in JSON, the line of the sheet in a file. `accepted` (for the reviewer), `held` (likewise,
    but its person is not known here yet: `reason`), `duplicate` (uploaded before, same content, in `roster_id`), `conflict`
    (uploaded before, other content), `rejected`; for the last two `problem` says why, and `column` where in a file.
    """

    row: int
    id: str | None
    outcome: RowWord
    reason: str | None = None
    clause: str | None = None
    roster_id: str | None = None
    column: str | None = None
    problem: ProblemBody | None = None


class FileColumn(Struct, frozen=True, kw_only=True):
    """A column of a file that was read: what the form calls it, its header, and its letter in a spreadsheet."""

    name: str
    header: str
    letter: str


class RosterAnswer(Struct, omit_defaults=True, kw_only=True):
    """The answer to an upload: `results` mirrors the rows. `roster_id` is what was stored, or was before.

    Of a file, `columns` are those read, `not_taken` the letters of the others.
    """

    roster_id: str | None = None
    late: bool = False
    due: date | None = None
    clause: str | None = None
    results: list[RowAnswer]
    summary: dict[str, int]
    columns: list[FileColumn] = []
    not_taken: list[str] = []


class Registration(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of one line, by its index: `clause` registers it, `rate_clause` says what it is worth."""

    index: int
    outcome: str
    person_id: str | None = None
    credit_id: str | None = None
    credits: Decimal | None = None
    clause: str | None = None
    rate_clause: str | None = None
    claim_id: str | None = None
    problem: ProblemBody | None = None


class RegisteredLines(Struct, frozen=True, kw_only=True):
    """What became of a list, line by line."""

    results: list[Registration]


class FilingAnswer(Struct, frozen=True, kw_only=True):
    """A filing as it stands. `due` is the last day for the bureau's decision where the notice sets one; `in_time` says
    whether an approval came before the first hour (B-15), `provisional` that no notice of its year was out (B-20)."""

    filing_id: str
    organization_id: str
    place: str
    year: int
    title: str
    mode: str
    category: str
    sessions: tuple[Session, ...]
    conversion: str | None
    expected: int
    courses: tuple[str, ...]
    provisional: bool
    state: str
    reason: str | None
    submitted_at: datetime
    decided_at: datetime | None
    due: date | None
    overdue: bool
    due_unknown_year: int | None
    in_time: bool | None


class FilingOutcome(Struct, frozen=True, kw_only=True):
    """What a command made of a filing; `in_time` as in the filing, null until it is approved (B-15)."""

    filing_id: str
    state: str
    reason: str | None
    in_time: bool | None
    begins_on: date


class FilingQueue(Struct, frozen=True, kw_only=True):
    """A page of filings; `next` continues it, null at the end."""

    items: list[FilingAnswer]
    next: str | None


class RosterRowAnswer(Struct, frozen=True, kw_only=True):
    """A row as it stands: open, registered, held or refused; no person is named."""

    row_id: str
    sessions: tuple[int, ...]
    hours: Decimal | None
    state: str
    reason: str | None
    clause: str | None
    credit_ids: list[str]


class RosterView(Struct, frozen=True, kw_only=True):
    """A roster as it stands; `late` and `late_reason` are for the reviewer (A-16)."""

    roster_id: str
    filing_id: str
    organization_id: str
    reporter: str
    place: str
    year: int
    state: str
    uploaded_at: datetime
    due: date | None
    late: bool
    late_reason: str | None
    clause: str | None
    rows: list[RosterRowAnswer]


class RosterQueue(Struct, frozen=True, kw_only=True):
    """A page of rosters; `next` continues it, null at the end."""

    items: list[RosterView]
    next: str | None


class ReviewedRow(Struct, frozen=True, kw_only=True):
    """What a decision made of a row."""

    row_id: str
    outcome: str
    reason: str | None
    clause: str | None
    credit_ids: list[str]


class RosterReview(Struct, frozen=True, kw_only=True):
    """The answer to a reviewer: the rows that were decided."""

    roster_id: str
    state: str
    results: list[ReviewedRow]


def summary_of(answers: Sequence[RowAnswer]) -> dict[str, int]:
    """How many rows had each outcome."""
    return dict(Counter(answer.outcome for answer in answers))
