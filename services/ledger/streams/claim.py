"""A claim (学分申请): submitted, perhaps amended, accepted by a reviewer, then approved, returned or refused. Decisions
are pure; evidence appears by hash, reasons are codes, nobody by name."""

from datetime import date, datetime
from decimal import Decimal
from typing import ClassVar, Literal

from msgspec import Struct

from services.kit.errors import Problem
from services.kit.events import Event
from services.kit.views import fields_of
from services.ledger.policy import Award, Category, CreditCategory
from services.ledger.policy.rules.equivalence import Role


class ClaimStateError(Problem):
    """The claim is in a state (`state`) that does not allow this."""

    code: ClassVar[str] = "claim-state"
    status: ClassVar[int] = 409
    title_zh: ClassVar[str] = "学分申请当前状态不允许此操作"
    title_en: ClassVar[str] = "The claim is in a state that does not allow this"


class OwnClaimError(Problem):
    """Nobody reviews what they submitted."""

    code: ClassVar[str] = "own-claim"
    status: ClassVar[int] = 403
    title_zh: ClassVar[str] = "不得审核本人提交的申请"
    title_en: ClassVar[str] = "Nobody reviews a claim of their own"


class UnknownClaimError(Problem):
    """No claim has this id, or it is not for this caller."""

    code: ClassVar[str] = "claim-unknown"
    status: ClassVar[int] = 404
    title_zh: ClassVar[str] = "未找到该学分申请"
    title_en: ClassVar[str] = "No such claim"


class Evidence(Struct, frozen=True):
    """A file that proves the claim, by its SHA-256 and media type."""

    sha256: str
    media_type: str


class ClaimedActivity(Struct, frozen=True, kw_only=True):
    """What is claimed, in the words of whoever claims it.

    Proven study (form "study") has its mode, its category in `studied`, and its credits in `quantity`. `document_on`,
    `score` and `sat_in` are given where the policy converts by them.
    """

    person_id: str
    year: int
    form: str
    happened_on: date
    evidence: tuple[Evidence, ...]
    quantity: Decimal = Decimal(1)
    mode: str = "equivalence"
    studied: Category | None = None
    special_reason: bool = False
    role: Role | None = None
    result_on: date | None = None
    document_on: date | None = None
    score: Decimal | None = None
    sat_in: str | None = None


class ConvertedClaim(ClaimedActivity, frozen=True, kw_only=True):
    """A claim with what the policy of the person's place makes of it. `fact` is the keyed digest of what makes it the same
    real fact again (A-15); `collective` names the list that it came with, `row` its place there."""

    claim_id: str
    place: str
    fact: str
    make_up: bool = False
    credits: Decimal
    category: CreditCategory
    fill: tuple[Category, ...] = ()
    clause: str
    collective: str | None = None
    row: int | None = None


class Claimed(ConvertedClaim, Event, frozen=True, kw_only=True):
    """What is claimed, by whom and when."""

    by: str
    at: datetime


class ClaimSubmitted(Claimed, frozen=True, kw_only=True):
    """A claim was handed in, with what the policy of that day makes of it (S0-12, S1-12)."""

    TOPIC: ClassVar[str] = "ledger.ClaimSubmitted"


class ClaimAmended(Claimed, frozen=True, kw_only=True):
    """The claim was changed before a reviewer accepted it, or after it was returned."""

    TOPIC: ClassVar[str] = "ledger.ClaimAmended"


class ClaimStep(Event, frozen=True, kw_only=True):
    """What every later step says."""

    claim_id: str
    person_id: str
    by: str
    at: datetime


class ClaimAccepted(ClaimStep, frozen=True, kw_only=True):
    """A reviewer took the claim on; from now on it may not be amended."""

    TOPIC: ClassVar[str] = "ledger.ClaimAccepted"


class ClaimReturned(ClaimStep, frozen=True, kw_only=True):
    """The claim went back for correction."""

    TOPIC: ClassVar[str] = "ledger.ClaimReturned"

    reason: str


class ClaimRefused(ClaimStep, frozen=True, kw_only=True):
    """The claim was refused for good."""

    TOPIC: ClassVar[str] = "ledger.ClaimRefused"

    reason: str


class ClaimWithdrawn(ClaimStep, frozen=True, kw_only=True):
    """Whoever submitted the claim took it back."""

    TOPIC: ClassVar[str] = "ledger.ClaimWithdrawn"


class ClaimSatisfied(ClaimStep, frozen=True, kw_only=True):
    """An authority registered the same fact from its own list: the claim has got what it asked for (A-15)."""

    TOPIC: ClassVar[str] = "ledger.ClaimSatisfied"

    credit_id: str


class ClaimApproved(ClaimStep, frozen=True, kw_only=True):
    """The claim was approved; `credits` are what the policy of that moment awards, earned in the same transaction."""

    TOPIC: ClassVar[str] = "ledger.ClaimApproved"

    year: int
    form: str
    credit_id: str
    credits: Decimal
    category: CreditCategory
    clause: str
    policy: str


ClaimState = Literal["submitted", "accepted", "returned", "refused", "withdrawn", "approved", "satisfied"]
OPEN: frozenset[ClaimState] = frozenset({"submitted", "accepted", "returned"})


class Claim(ConvertedClaim, frozen=True, kw_only=True):
    """A claim as it stands."""

    submitted_by: str
    submitted_at: datetime
    state: ClaimState = "submitted"
    reviewer: str | None = None
    reason: str | None = None
    decided_at: datetime | None = None
    credit_id: str | None = None


def stream_of(claim_id: str) -> str:
    """The stream of one claim in the log of the person's authority."""
    return f"claim:{claim_id}"


def evolve(claim: Claim | None, event: Event) -> Claim | None:
    """The claim after one more event. Its place in the queue is that of its latest submission."""
    match event:
        case ClaimSubmitted() | ClaimAmended():
            return _claimed(event)
        case _ if claim is None:
            return None
        case ClaimAccepted():
            return _with(claim, state="accepted", reviewer=event.by, reason=None)
        case ClaimReturned():
            return _with(claim, state="returned", reviewer=event.by, reason=event.reason, decided_at=event.at)
        case ClaimRefused():
            return _with(claim, state="refused", reviewer=event.by, reason=event.reason, decided_at=event.at)
        case ClaimWithdrawn():
            return _with(claim, state="withdrawn", decided_at=event.at)
        case ClaimSatisfied():
            return _with(
                claim, state="satisfied", reason=None, decided_at=event.at, credit_id=event.credit_id
            )
        case ClaimApproved():
            return _with(
                claim,
                state="approved",
                reviewer=event.by,
                reason=None,
                decided_at=event.at,
                credit_id=event.credit_id,
                credits=event.credits,
                category=event.category,
                clause=event.clause,
            )
        case _:
            return claim


def _claimed(event: Claimed) -> Claim:
    return Claim(**fields_of(ConvertedClaim, event), submitted_by=event.by, submitted_at=event.at)


def _with(claim: Claim, **changes: object) -> Claim:
    return Claim(**fields_of(Claim, claim) | changes)


def amend(claim: Claim, amended: ClaimAmended) -> ClaimAmended:
    """Change what is claimed, as long as no reviewer has accepted it. Raises ClaimStateError."""
    _must_be(claim, "submitted", "returned")
    return amended


def withdraw(claim: Claim, *, by: str, at: datetime) -> ClaimWithdrawn:
    """Take the claim back before it is decided. Raises ClaimStateError."""
    _must_be(claim, "submitted", "accepted", "returned")
    return ClaimWithdrawn(claim_id=claim.claim_id, person_id=claim.person_id, by=by, at=at)


def accept(claim: Claim, *, by: str, at: datetime) -> ClaimAccepted:
    """Take the claim on for review. Raises ClaimStateError and OwnClaimError."""
    _must_be(claim, "submitted")
    _must_be_somebody_elses(claim, by)
    return ClaimAccepted(claim_id=claim.claim_id, person_id=claim.person_id, by=by, at=at)


def return_(claim: Claim, *, reason: str, by: str, at: datetime) -> ClaimReturned:
    """Send the claim back for correction. Raises ClaimStateError and OwnClaimError."""
    _must_be(claim, "submitted", "accepted")
    _must_be_somebody_elses(claim, by)
    return ClaimReturned(claim_id=claim.claim_id, person_id=claim.person_id, by=by, at=at, reason=reason)


def refuse(claim: Claim, *, reason: str, by: str, at: datetime) -> ClaimRefused:
    """Refuse the claim for good. Raises ClaimStateError and OwnClaimError."""
    _must_be(claim, "submitted", "accepted")
    _must_be_somebody_elses(claim, by)
    return ClaimRefused(claim_id=claim.claim_id, person_id=claim.person_id, by=by, at=at, reason=reason)


def approve(
    claim: Claim, award: Award, *, credit_id: str, policy: str, by: str, at: datetime
) -> ClaimApproved:
    """Approve the claim for what the policy awards now. Raises ClaimStateError and OwnClaimError."""
    _must_be(claim, "accepted")
    _must_be_somebody_elses(claim, by)
    return ClaimApproved(
        claim_id=claim.claim_id,
        person_id=claim.person_id,
        by=by,
        at=at,
        year=claim.year,
        form=claim.form,
        credit_id=credit_id,
        credits=award.credits,
        category=award.category,
        clause=award.clause,
        policy=policy,
    )


def _must_be(claim: Claim, *states: ClaimState) -> None:
    if claim.state not in states:
        raise ClaimStateError(state=claim.state)


def _must_be_somebody_elses(claim: Claim, by: str) -> None:
    if claim.submitted_by == by:
        raise OwnClaimError
