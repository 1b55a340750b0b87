"""A claim: submitted, perhaps amended, accepted by a reviewer, then approved, returned or refused. Decisions are pure."""

from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from msgspec import Struct

from services.kit.events import Event
from services.ledger.claims.events import (
    ClaimAccepted,
    ClaimAmended,
    ClaimApproved,
    Claimed,
    ClaimRefused,
    ClaimReturned,
    ClaimSatisfied,
    ClaimSubmitted,
    ClaimWithdrawn,
    Evidence,
)
from services.ledger.policy import Award, Category, CreditCategory
from services.ledger.policy.judging.awards import Role
from services.ledger.problems import ClaimStateError, OwnClaimError

ClaimState = Literal["submitted", "accepted", "returned", "refused", "withdrawn", "approved", "satisfied"]
OPEN: frozenset[ClaimState] = frozenset({"submitted", "accepted", "returned"})


class Claim(Struct, frozen=True, kw_only=True):
    """A claim as it stands."""

    claim_id: str
    person_id: str
    place: str
    year: int
    form: str
    happened_on: date
    fact: str
    evidence: tuple[Evidence, ...]
    quantity: Decimal
    mode: str
    studied: Category | None
    special_reason: bool
    make_up: bool
    role: Role | None
    result_on: date | None
    document_on: date | None
    score: Decimal | None
    sat_in: str | None
    credits: Decimal
    category: CreditCategory
    fill: tuple[Category, ...]
    clause: str
    collective: str | None = None
    row: int | None = None
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
    return Claim(
        claim_id=event.claim_id,
        person_id=event.person_id,
        place=event.place,
        year=event.year,
        form=event.form,
        happened_on=event.happened_on,
        fact=event.fact,
        evidence=event.evidence,
        quantity=event.quantity,
        mode=event.mode,
        studied=event.studied,
        special_reason=event.special_reason,
        make_up=event.make_up,
        role=event.role,
        result_on=event.result_on,
        document_on=event.document_on,
        score=event.score,
        sat_in=event.sat_in,
        credits=event.credits,
        category=event.category,
        fill=event.fill,
        clause=event.clause,
        collective=event.collective,
        row=event.row,
        submitted_by=event.by,
        submitted_at=event.at,
    )


def _with(claim: Claim, **changes: object) -> Claim:
    fields = {name: getattr(claim, name) for name in claim.__struct_fields__}
    return Claim(**(fields | changes))


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
