"""Awards of claims: the policy of the person's place converts what is claimed, and says whether it may be claimed at
all."""

from datetime import datetime
from decimal import Decimal
from typing import ClassVar

from services.kit.clock import local_date, start_of_day
from services.kit.errors import Problem
from services.ledger.cases.commands import Actor, SubmitClaim
from services.ledger.policy import (
    STUDY,
    Account,
    Activity,
    Award,
    Person,
    Policy,
    PolicyBook,
    ProvenStudy,
    Rejected,
    Reporter,
    award,
    award_study,
    may_bring,
    registered_directly,
    used_up,
)
from services.ledger.policy.judging.requirements import time_given
from services.ledger.policy.language.target import Learning
from services.ledger.streams.account_events import CreditEarned
from services.ledger.streams.claim import Claim, ClaimApproved
from services.ledger.streams.facts import FactCountedError
from services.ledger.streams.problems import refusal_of


def award_of(
    book: PolicyBook,
    claimed: SubmitClaim | Claim,
    person: Person,
    account: Account,
    now: datetime,
    allowed: Decimal | None = None,
) -> tuple[Policy, Award]:
    """The policy of the person's place and the year, and what it awards; `allowed` are credits that a reviewer allows where
    the notice leaves them to the reviewer. Raises its refusal."""
    policy = book.policy_for(person, claimed.year)
    awarded = _convert(policy, claimed, person, account, now, allowed)
    if isinstance(awarded, Rejected) and isinstance(claimed, Claim):
        # What a notice of later refuses was applied for, and would have been approved, under those of its day (B-08, B-20).
        policy_then = book.policy_then(person, claimed.year, claimed.submitted_at)
        then = _convert(policy_then, claimed, person, account, now, allowed) if policy_then else awarded
        if not isinstance(then, Rejected):
            policy, awarded = policy_then, then
    if isinstance(awarded, Rejected):
        raise refusal_of(awarded)
    assert policy is not None, "nothing is awarded where no policy is"
    return policy, awarded


class AllowanceNeededError(Problem):
    """The notice leaves the credits of this form to the reviewer within bounds: give `allowance`, with its reason."""

    code: ClassVar[str] = "allowance-needed"
    status: ClassVar[int] = 422
    title_zh: ClassVar[str] = "须核定学分并写明理由"
    title_en: ClassVar[str] = "The reviewer has to say how many credits, and why"


def is_discretionary(policy: Policy, form: str) -> bool:
    """Whether the notice leaves the credits of the form to the reviewer within bounds."""
    said = policy.settings.get(f"equivalence.{form}")
    return said is not None and said.value.between is not None


def must_be_open_to(policy: Policy, command: SubmitClaim, actor: Actor) -> None:
    """Raises the refusal of what an authority registers itself (S0-13), or of a route that the form does not go by."""
    direct = registered_directly(policy, command.form, command.sat_in)
    if direct is not None:
        raise refusal_of(Rejected("registered-directly", direct.clause))
    refused = [may_bring(policy, command.form, reporter) for reporter in reporters_of(actor)]
    first = refused[0]
    if first is not None and None not in refused:
        raise refusal_of(first)


def reporters_of(actor: Actor) -> tuple[Reporter, ...]:
    """As which reporter of a notice somebody claims: an employer that applies for its people applies for one or for many."""
    return ("employer", "collective") if actor.organization is not None else ("person",)


def must_be_left(policy: Policy, form: str, account: Account) -> None:
    """Raises FactCountedError when a conversion was used as often as its clause allows in a year (B-17)."""
    used = used_up(policy, form, account)
    if used is not None:
        raise FactCountedError(credit_id=used.credit_id)


def _convert(
    policy: Policy | None,
    claimed: SubmitClaim | Claim,
    person: Person,
    account: Account,
    now: datetime,
    allowed: Decimal | None,
) -> Award | Rejected:
    # A deadline for an application is met by submitting it (B-08).
    moment = claimed.submitted_at if isinstance(claimed, Claim) else now
    if claimed.form == STUDY and claimed.studied is not None:
        study = ProvenStudy(
            mode=claimed.mode,
            category=claimed.studied,
            credits=claimed.quantity,
            completed_on=claimed.happened_on,
            special_reason=claimed.special_reason,
            qualification=person.qualification,
        )
        return award_study(policy, study, person.place, claimed.year, moment, account)
    activity = Activity(
        form=claimed.form,
        happened_on=claimed.happened_on,
        result_on=claimed.result_on,
        document_on=claimed.document_on,
        role=claimed.role,
        quantity=claimed.quantity,
        score=claimed.score,
        sat_in=claimed.sat_in,
        allowed=allowed,
    )
    refused = None
    if policy is not None:
        asked = Learning(mode=claimed.mode, form=claimed.form, route="claim")
        windows = policy.of_learning(asked).terms_of(claimed.mode).windows
        refused = windows.outside("apply", moment, time_given(account))
    return refused or award(policy, activity, person.place, claimed.year, local_date(now))


def earned(
    claim: Claim, approved: ClaimApproved, awarded: Award, place: str, correction: str | None
) -> CreditEarned:
    """The credit of an approved claim; `correction` says why it enters a closed year."""
    return CreditEarned(
        credit_id=approved.credit_id,
        person_id=claim.person_id,
        year=claim.year,
        category=awarded.category,
        credits=awarded.credits,
        mode=claim.mode,
        make_up=awarded.make_up,
        completion_id=claim.claim_id,
        completed_at=start_of_day(claim.happened_on),
        content=claim.fact,
        route="claim",
        form=claim.form,
        fill=awarded.fill,
        decided_by=approved.by,
        fact=claim.fact,
        place=place,
        clause=awarded.clause,
        policy=approved.policy,
        registered_at=approved.at,
        correction=correction,
        provisional=approved.provisional,
    )
