"""A claim (学分申请): submitted, perhaps amended, accepted by a reviewer, then approved, returned or refused. Decisions
are pure; evidence appears by hash, reasons are codes, nobody by name."""

from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import Struct
from pydantic import Field

from services.kit import review
from services.kit.errors import Problem
from services.kit.events import Event
from services.kit.pydantic_models import fields_of
from services.kit.review import Case, Step
from services.kit.schemas import StrictModel
from services.ledger.policy import Award, Category, CreditCategory, Policy
from services.ledger.policy.rules.equivalence import AllowanceReason, Role
from services.ledger.streams.year import CorrectionReason


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
    real fact again (A-15); `organization` is the employer that claims for its own people; `collective` names the list that
    it came with, `row` its place there. `provisional`: converted by the nation's rule, before a notice is out (B-20)."""

    claim_id: str
    place: str
    fact: str
    make_up: bool = False
    credits: Decimal
    category: CreditCategory
    fill: tuple[Category, ...] = ()
    clause: str
    organization: str | None = None
    collective: str | None = None
    row: int | None = None
    provisional: bool = False


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


class ClaimReassigned(Event, frozen=True, kw_only=True):
    """The claim is of the person whose profile took over the one it was made for, `merged_id`, and of their place."""

    TOPIC: ClassVar[str] = "ledger.ClaimReassigned"
    claim_id: str
    person_id: str
    place: str
    merged_id: str
    at: datetime


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
    provisional: bool = False
    allowed_for: AllowanceReason | None = None


ClaimReason = Literal[
    "evidence_missing",
    "evidence_unclear",
    "wrong_year",
    "wrong_form",
    "not_recognised",
    "counted_already",
    "other",
]
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
    if isinstance(event, Claimed):
        return Claim(**fields_of(ConvertedClaim, event), submitted_by=event.by, submitted_at=event.at)
    if claim is not None and isinstance(event, ClaimReassigned):
        return msgspec.structs.replace(claim, person_id=event.person_id, place=event.place)
    return None if claim is None else CLAIMS.evolve(claim, event)


def approve(
    claim: Claim, award: Award, policy: Policy, *, credit_id: str, by: str, at: datetime, **allowed: object
) -> ClaimApproved:
    """Approve the claim for what the policy awards now. Raises ClaimStateError and OwnClaimError."""
    approved: ClaimApproved = CLAIMS.decide(
        "approve",
        claim,
        by=by,
        at=at,
        **{name: getattr(claim, name) for name in ("year", "form")},
        credit_id=credit_id,
        **{name: getattr(award, name) for name in ("credits", "category", "clause")},
        policy=policy.hash,
        provisional=policy.provisional,
        **allowed,
    )
    return approved


class ClaimDecision(StrictModel):
    """Why a claim goes back or is refused."""

    reason: ClaimReason


class Allowance(StrictModel):
    """The credits that a reviewer allows where the notice leaves them to the reviewer within bounds, and why."""

    credits: Annotated[str, Field(pattern=r"^(?:0|[1-9][0-9]{0,3})(?:\.[0-9]{1,2})?$")]
    reason: AllowanceReason


class ClaimApproval(StrictModel):
    """Why a claim is approved although its year is closed; left out while the year is open."""

    correction: CorrectionReason | None = None
    allowance: Allowance | None = None


SUBMITTER, REVIEWER = review.Role("claim:submit"), review.Role("claim:review")

_SATISFIED = ("reason", "decided_at", "credit_id")
CLAIMS: Case[Claim] = Case(
    noun="claim",
    subject=("claim_id", "person_id"),
    waiting=OPEN,
    wrong_state=lambda state: ClaimStateError(state=state),
    own=OwnClaimError,
    steps=(
        Step("amend", from_=frozenset({"submitted", "returned"}), to="submitted", by=SUBMITTER),
        Step("satisfy", from_=OPEN, to="satisfied", event=ClaimSatisfied, marks=_SATISFIED),
        Step(
            "withdraw",
            path="withdrawal",
            from_=OPEN,
            to="withdrawn",
            by=SUBMITTER,
            event=ClaimWithdrawn,
            marks=("decided_at",),
            words="Take a claim back before it is decided.",
        ),
        Step(
            "accept",
            path="acceptance",
            from_=frozenset({"submitted"}),
            to="accepted",
            by=REVIEWER,
            never_own=True,
            event=ClaimAccepted,
            marks=("reviewer", "reason"),
            words="Take a claim on for review; never one's own.",
        ),
        Step(
            "approve",
            path="approval",
            from_=frozenset({"accepted"}),
            to="approved",
            by=REVIEWER,
            never_own=True,
            event=ClaimApproved,
            marks=("reviewer", "reason", "decided_at", "credit_id", "credits", "category", "clause"),
            body=ClaimApproval,
            body_optional=True,
            words="""Approve an accepted claim; its credits are in the account when the answer comes.

            In a closed year a claim is approved as a correction, with a reason (B-07).
            """,
        ),
        Step(
            "return",
            path="return",
            from_=frozenset({"submitted", "accepted"}),
            to="returned",
            by=REVIEWER,
            never_own=True,
            event=ClaimReturned,
            marks=("reviewer", "reason", "decided_at"),
            body=ClaimDecision,
            words="Send a claim back with a reason; it may be amended and comes back.",
        ),
        Step(
            "refuse",
            path="refusal",
            from_=frozenset({"submitted", "accepted"}),
            to="refused",
            by=REVIEWER,
            never_own=True,
            event=ClaimRefused,
            marks=("reviewer", "reason", "decided_at"),
            body=ClaimDecision,
            words="Refuse a claim for good, with a reason.",
        ),
    ),
)
"""How a claim is reviewed."""


LISTED_MAX = 200
"""How many claims a list may have."""
ClaimIds = Annotated[
    list[Annotated[str, Field(pattern=r"^[0-9a-f-]{36}$")]] | None,
    Field(min_length=1, max_length=LISTED_MAX, description="The claims meant; all when left out."),
]


class ListAcceptance(StrictModel):
    """The claims to accept."""

    claims: ClaimIds = None


class ListApproval(StrictModel):
    """The claims to approve; `correction` says why, where their year is closed (B-07)."""

    claims: ClaimIds = None
    correction: CorrectionReason | None = None


class ListRefusal(StrictModel):
    """The claims to refuse, and why."""

    reason: ClaimReason
    claims: ClaimIds = None


def _listed(name: str, body: type[StrictModel], words: str) -> Step:
    return replace(CLAIMS.step(name), body=body, body_optional=False, words=words)


COLLECTIVE_CLAIMS: Case[Claim] = replace(
    CLAIMS,
    noun="collective_claims",
    steps=(
        _listed(
            "accept",
            ListAcceptance,
            "Take a list on for review as one, or the claims named; never one's own.",
        ),
        _listed(
            "approve",
            ListApproval,
            "Approve a list as one, or the claims named; their credits are in the accounts when the answer comes.",
        ),
        _listed("refuse", ListRefusal, "Refuse a list as one, or the claims named, with a reason."),
    ),
)
"""How an employer's list is reviewed: its claims take steps of their own table, together."""
