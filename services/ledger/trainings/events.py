"""The stored events of filings (备案) and rosters. People appear by keyed hash or opaque id; reasons are codes."""

from datetime import date, datetime
from decimal import Decimal
from typing import ClassVar, Literal

from msgspec import Struct

from services.kit.events import Event
from services.ledger.policy import Category

Reporter = Literal["provider", "employer"]
RowOutcome = Literal["registered", "held", "refused"]


class Session(Struct, frozen=True, kw_only=True):
    """A planned session: its moments in UTC, its hours, and the credits it is worth where hours are not converted."""

    starts_at: datetime
    ends_at: datetime
    hours: Decimal
    credits: Decimal | None = None


class Filed(Event, frozen=True, kw_only=True):
    """What is planned. `place` is that of the bureau; `conversion` names the policy's own rule for the hours."""

    filing_id: str
    organization_id: str
    place: str
    year: int
    title: str
    mode: str
    category: Category
    sessions: tuple[Session, ...]
    conversion: str | None = None
    expected: int
    courses: tuple[str, ...] = ()
    by: str
    at: datetime


class FilingSubmitted(Filed, frozen=True, kw_only=True):
    """A training was filed before it is held (S1-14, S3B-10)."""

    TOPIC: ClassVar[str] = "ledger.FilingSubmitted"


class FilingAmended(Filed, frozen=True, kw_only=True):
    """A returned filing came back corrected, at the end of the queue."""

    TOPIC: ClassVar[str] = "ledger.FilingAmended"


class FilingStep(Event, frozen=True, kw_only=True):
    """What every later step says."""

    filing_id: str
    organization_id: str
    place: str
    year: int
    by: str
    at: datetime


class FilingApproved(FilingStep, frozen=True, kw_only=True):
    """The bureau approved the training; only what begins after this moment may be reported (B-15)."""

    TOPIC: ClassVar[str] = "ledger.FilingApproved"


class FilingReturned(FilingStep, frozen=True, kw_only=True):
    """The filing went back for correction."""

    TOPIC: ClassVar[str] = "ledger.FilingReturned"

    reason: str


class FilingRefused(FilingStep, frozen=True, kw_only=True):
    """The filing was refused for good."""

    TOPIC: ClassVar[str] = "ledger.FilingRefused"

    reason: str


class FilingWithdrawn(FilingStep, frozen=True, kw_only=True):
    """The organization took the filing back before the training began."""

    TOPIC: ClassVar[str] = "ledger.FilingWithdrawn"


class RosterRow(Struct, frozen=True, kw_only=True):
    """One reported person. `sessions` count the planned ones from 1; `content` tells a repeat from a conflict."""

    row_id: str
    identity_hash: str
    name_hash: str
    content: str
    sessions: tuple[int, ...]
    hours: Decimal | None = None


class RosterUploaded(Event, frozen=True, kw_only=True):
    """The persons of a training were reported (S1-15); `late` with the reason given, shown to the reviewer (A-16)."""

    TOPIC: ClassVar[str] = "ledger.RosterUploaded"

    roster_id: str
    filing_id: str
    organization_id: str
    reporter: Reporter
    place: str
    year: int
    rows: tuple[RosterRow, ...]
    due: date | None = None
    late: bool = False
    late_reason: str | None = None
    clause: str | None = None
    by: str
    at: datetime


class RowDecision(Struct, frozen=True, kw_only=True):
    """What became of a row: its credits, what it waits for, or why it was refused."""

    row_id: str
    outcome: RowOutcome
    reason: str | None = None
    clause: str | None = None
    credit_ids: tuple[str, ...] = ()


class RosterReviewed(Event, frozen=True, kw_only=True):
    """An official decided rows of a roster; the credits of approved rows are earned in the same transaction."""

    TOPIC: ClassVar[str] = "ledger.RosterReviewed"

    roster_id: str
    filing_id: str
    organization_id: str
    place: str
    year: int
    rows: tuple[RowDecision, ...]
    by: str
    at: datetime


class RosterRowsReleased(Event, frozen=True, kw_only=True):
    """Approved rows that waited for their person were registered, or refused after all."""

    TOPIC: ClassVar[str] = "ledger.RosterRowsReleased"

    roster_id: str
    rows: tuple[RowDecision, ...]
    at: datetime
