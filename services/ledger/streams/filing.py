"""A filed training (备案): submitted before it is held, approved, returned or refused by its bureau. Decisions are
pure."""

import hashlib
from datetime import UTC, datetime
from decimal import Decimal
from typing import ClassVar, Literal

from msgspec import Struct

from services.kit.errors import Problem
from services.kit.events import Event
from services.kit.pydantic_models import fields_of
from services.kit.review import Case, Role, Step
from services.kit.schemas import StrictModel
from services.ledger.policy import Category
from services.ledger.streams.facts import normal


class UnknownFilingError(Problem):
    """No filing has this id, or it is not for this caller."""

    code: ClassVar[str] = "filing-unknown"
    status: ClassVar[int] = 404
    title_zh: ClassVar[str] = "未找到该培训备案"
    title_en: ClassVar[str] = "No such filing"


class FilingStateError(Problem):
    """The filing is in a state (`state`) that does not allow this."""

    code: ClassVar[str] = "filing-state"
    status: ClassVar[int] = 409
    title_zh: ClassVar[str] = "培训备案当前状态不允许此操作"
    title_en: ClassVar[str] = "The filing is in a state that does not allow this"


class OwnFilingError(Problem):
    """Nobody reviews what they, or their organization, submitted."""

    code: ClassVar[str] = "own-filing"
    status: ClassVar[int] = 403
    title_zh: ClassVar[str] = "不得审核本人或本单位提交的备案、名单"
    title_en: ClassVar[str] = "Nobody reviews a filing or roster of their own"


class FilingTooLateError(Problem):
    """The first hour of the training has begun: a training is filed before it is held (S1-14, S3B-10)."""

    code: ClassVar[str] = "filing-too-late"
    status: ClassVar[int] = 422
    title_zh: ClassVar[str] = "培训已经开始，须在培训前办理"
    title_en: ClassVar[str] = "The training has begun; this is done before it"


class FilingDuplicateError(Problem):
    """The organization has filed this training with this bureau before; `filing_id` names it (B-27)."""

    code: ClassVar[str] = "filing-duplicate"
    status: ClassVar[int] = 409
    title_zh: ClassVar[str] = "该培训已备案或正在备案"
    title_en: ClassVar[str] = "This training is filed already"


class HoursBeyondClockError(Problem):
    """A session has more hours than its clock time holds, by the notice's length of an hour."""

    code: ClassVar[str] = "hours-beyond-clock"
    status: ClassVar[int] = 422
    title_zh: ClassVar[str] = "学时超过场次时长"
    title_en: ClassVar[str] = "More hours than the session lasts"


class FilingWorthUnclearError(Problem):
    """Every session says its credits, or the filing names a conversion of the policy for the hours; one of the two."""

    code: ClassVar[str] = "filing-worth-unclear"
    status: ClassVar[int] = 422
    title_zh: ClassVar[str] = "须逐场填写学分，或填写政策规定的学时折算"
    title_en: ClassVar[str] = "Say the credits of each session, or the policy's conversion of the hours"


class Session(Struct, frozen=True, kw_only=True):
    """A planned session: its moments in UTC, its hours, and the credits it is worth where hours are not converted."""

    starts_at: datetime
    ends_at: datetime
    hours: Decimal
    credits: Decimal | None = None


class PlannedTraining(Struct, frozen=True, kw_only=True):
    """What is planned. `place` is that of the bureau; `conversion` names the policy's own rule for the hours."""

    place: str
    year: int
    title: str
    mode: str
    category: Category
    sessions: tuple[Session, ...]
    conversion: str | None = None
    expected: int
    courses: tuple[str, ...] = ()


class OrganizedTraining(PlannedTraining, frozen=True, kw_only=True):
    """A planned training, and who files it under which id. `provisional`: taken before a notice of its year was out
    (B-20)."""

    filing_id: str
    organization_id: str
    provisional: bool = False

    @property
    def fact(self) -> str:
        """The digest of what makes it the same training again: who trains, with which bureau, its title, and the moments
        and hours of its sessions (B-27)."""
        sessions = sorted(
            (session.starts_at.astimezone(UTC), session.ends_at.astimezone(UTC), session.hours)
            for session in self.sessions
        )
        parts = [self.organization_id, self.place, normal(self.title)]
        for starts_at, ends_at, hours in sessions:
            parts += [starts_at.isoformat(), ends_at.isoformat(), format(hours.normalize(), "f")]
        return hashlib.blake2b("\x1f".join(parts).encode(), digest_size=16).hexdigest()


class Filed(OrganizedTraining, Event, frozen=True, kw_only=True):
    """A planned training, by whom it was handed in and when."""

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
FilingState = Literal["submitted", "returned", "refused", "withdrawn", "approved"]
OPEN: frozenset[FilingState] = frozenset({"submitted"})


class TrainingFiling(OrganizedTraining, frozen=True, kw_only=True):
    """A filing as it stands. `submitted_at` is its latest submission, its place in the queue."""

    submitted_by: str
    submitted_at: datetime
    state: FilingState = "submitted"
    reviewer: str | None = None
    reason: str | None = None
    decided_at: datetime | None = None

    @property
    def begins_at(self) -> datetime:
        """The first hour of the training."""
        return min(session.starts_at for session in self.sessions)

    @property
    def ends_at(self) -> datetime:
        """The end of its last hour."""
        return max(session.ends_at for session in self.sessions)

    @property
    def counted_by_hours(self) -> bool:
        """Whether the policy makes the credits from the hours of each day, as the filing states neither."""
        return self.conversion is None and self.sessions[0].credits is None

    @property
    def hours(self) -> Decimal:
        """All planned hours."""
        return sum((session.hours for session in self.sessions), Decimal(0))


def stream_of(filing_id: str) -> str:
    """The stream of one filing in the log of its place."""
    return f"filing:{filing_id}"


def evolve(filing: TrainingFiling | None, event: Event) -> TrainingFiling | None:
    """The filing after one more event."""
    if isinstance(event, Filed):
        return _filed(event)
    return None if filing is None else FILINGS.evolve(filing, event)


def _filed(event: Filed) -> TrainingFiling:
    return TrainingFiling(**fields_of(OrganizedTraining, event), submitted_by=event.by, submitted_at=event.at)


def withdraw(filing: TrainingFiling, *, by: str, at: datetime) -> FilingWithdrawn:
    """Take the filing back before the training begins. Raises FilingStateError and FilingTooLateError."""
    withdrawn: FilingWithdrawn = FILINGS.decide("withdraw", filing, by=by, at=at)
    if filing.state != "returned" and at >= filing.begins_at:
        raise FilingTooLateError
    return withdrawn


class FilingDecision(StrictModel):
    """Why a filing goes back or is refused."""

    reason: FilingReason


SUBMITTER, REVIEWER = Role("filing:submit"), Role("filing:review")

FILINGS: Case[TrainingFiling] = Case(
    noun="filing",
    subject=("filing_id", "organization_id", "place", "year"),
    waiting=OPEN,
    wrong_state=lambda state: FilingStateError(state=state),
    own=OwnFilingError,
    steps=(
        Step("amend", from_=frozenset({"returned"}), to="submitted", by=SUBMITTER),
        Step(
            "withdraw",
            path="withdrawal",
            from_=frozenset({"submitted", "returned", "approved"}),
            to="withdrawn",
            by=SUBMITTER,
            event=FilingWithdrawn,
            marks=("decided_at",),
            words="Take a filing back before the training begins.",
        ),
        Step(
            "approve",
            path="approval",
            from_=OPEN,
            to="approved",
            by=REVIEWER,
            never_own=True,
            event=FilingApproved,
            marks=("reviewer", "reason", "decided_at"),
            words="Approve a training; what began before this moment may not be reported (B-15).",
        ),
        Step(
            "return",
            path="return",
            from_=OPEN,
            to="returned",
            by=REVIEWER,
            never_own=True,
            event=FilingReturned,
            marks=("reviewer", "reason", "decided_at"),
            body=FilingDecision,
            words="Send a filing back with a reason; it may be amended and comes back.",
        ),
        Step(
            "refuse",
            path="refusal",
            from_=OPEN,
            to="refused",
            by=REVIEWER,
            never_own=True,
            event=FilingRefused,
            marks=("reviewer", "reason", "decided_at"),
            body=FilingDecision,
            words="Refuse a filing for good, with a reason.",
        ),
    ),
)
"""How a filing is reviewed."""
