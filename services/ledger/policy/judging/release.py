"""Release of what waits: which waiting completions have become credits, or wait for another reason by now.

Total like admission, and by the same checks; who taught and who studied was decided when the completion came.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from msgspec import Struct

from services.ledger.policy.judging.admission import (
    ANYBODY,
    Case,
    Opening,
    enrolment,
    evaluation,
    exam,
    mode,
    window,
)
from services.ledger.policy.judging.requirements import registered_sum
from services.ledger.policy.language.days import ALWAYS, NEVER
from services.ledger.policy.language.facts import (
    Account,
    Decision,
    Held,
    HoldReason,
    Registered,
    Rejected,
    Waiting,
    WaitingReason,
)
from services.ledger.policy.language.rule import Need
from services.ledger.policy.language.target import of_study
from services.ledger.policy.language.words import Words, plain
from services.ledger.policy.policy import Policy
from services.ledger.policy.rules.enrolment import EnrolmentTerms

_NEED_OF: dict[WaitingReason, tuple[Need, ...]] = {
    "enrolment_pending": (),
    "exam_pending": ("exam",),
    "evaluation_pending": ("evaluation",),
    "below_total": ("total",),
}


def release(policy: Policy | None, account: Account, now: datetime) -> list[str]:
    """The waiting completions that become credits now, in order of completion."""
    return [completion_id for _, completion_id in released(policy, account, now)]


def released(policy: Policy | None, account: Account, now: datetime) -> dict[tuple[str, str], Registered]:
    """The waiting completions that become credits now, by provider and id, each with the terms of its registration."""
    return {
        key: answer
        for key, answer in reconsidered(policy, account, now).items()
        if isinstance(answer, Registered)
    }


def reconsidered(policy: Policy | None, account: Account, now: datetime) -> dict[tuple[str, str], Decision]:
    """What is to be said anew of waiting completions, by provider and id: that they are credits, wait for another reason,
    or can never become credits.

    The policy is that of the person. All that wait for the total go together once it is reached, by whatever route (B-05);
    one that waits for the exam goes when the same provider's exam was passed in time.
    """
    if policy is None or not account.waiting:
        return {}
    answers: dict[tuple[str, str], Decision] = {}
    for_total: dict[tuple[str, str], Opening] = {}
    reached = registered_sum(account)
    for waiting in sorted(account.waiting, key=lambda w: (w.completed_at, w.provider, w.completion_id)):
        key = waiting.provider, waiting.completion_id
        own = policy.of_learning(of_study(waiting, route="provider")) if policy.targets else policy
        case = Case(
            policy=own,
            terms=own.terms_of(waiting.mode),
            facts=waiting,
            taught_by=waiting.provider,
            account=account,
            now=now,
        )
        waits = _waits(case)
        if waits is not None:
            answers[key] = waits
        else:
            reached += waiting.credits
            if "total" in case.opening.needs:
                for_total[key] = case.opening
            else:
                answers[key] = case.opening.registered()
    for key, opening in for_total.items():
        below = Held("below_total", opening.clause, opening.make_up)
        answers[key] = opening.registered() if reached >= policy.total else below
    reasons = {(w.provider, w.completion_id): w.reason for w in account.waiting}
    return {
        key: answer
        for key, answer in answers.items()
        if not isinstance(answer, Held) or answer.reason != reasons[key]
    }


def _waits(case: Case) -> Held | Rejected | None:
    """What a waiting completion waits for other than the total; a refusal when that can no longer be met."""
    waiting = case.facts
    answers: list[Held | Rejected | None] = []
    if (window(case) or mode(case)) is None:
        if case.terms.get(EnrolmentTerms) is not None:
            answers.append(enrolment(case))
    elif isinstance(waiting, Waiting):
        # It was accepted under the notices of its day; a later notice does not take that back.
        needs, clause = _NEED_OF[waiting.reason], waiting.clause or ""
        case.opening = Opening(ALWAYS, NEVER, False, False, ANYBODY, needs, clause)
    answers += [exam(case), evaluation(case)]
    refused = next((answer for answer in answers if isinstance(answer, Rejected)), None)
    return refused or next((answer for answer in answers if answer is not None), None)


REASONS: Mapping[HoldReason, Words] = {
    "enrolment_pending": (
        "补全报名缴费后登记",
        "to be registered once the enrolment or its payment is reported",
    ),
    "exam_pending": ("通过考试后登记", "to be registered once the exam is passed"),
    "evaluation_pending": ("通过考核后登记", "to be registered once the evaluation is passed"),
    "below_total": (
        "取得规定总学分后自动登记",
        "to be registered by themselves once the required total is reached",
    ),
    "name_differs": (
        "报送的姓名与信息采集不一致，核对更正后登记",
        "reported under another name, and to be registered once that is set right",
    ),
    "profile_elsewhere": (
        "报送到了其他地区，改报本地后登记",
        "reported to another authority, and to be registered once they are reported to this one",
    ),
}
"""What lets credits wait, in the order in which it is told."""


class HeldCredits(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """Credits of one record that wait: why, and by which clause. `record` is the provider's id of one that waits for its
    person, None of what is in the account already."""

    reason: HoldReason
    category: str
    mode: str
    credits: Decimal
    clause: str | None = None
    record: str | None = None


def held_credits(
    policy: Policy, account: Account | None, parked: Sequence[HeldCredits]
) -> tuple[HeldCredits, ...]:
    """All that waits for a person's year: in the account, and for the person."""
    if account is None or not account.waiting:
        return tuple(parked)
    waiting = (
        HeldCredits(
            reason=item.reason,
            category=item.category,
            mode=item.mode,
            credits=item.credits,
            clause=item.clause or policy.terms_of(item.mode).style_clause,
        )
        for item in account.waiting
    )
    return (*sorted(waiting, key=_in_order), *parked)


def _in_order(held: HeldCredits) -> tuple[str, str, str, Decimal, str]:
    return held.reason, held.category, held.mode, held.credits, held.clause or ""


def held_words(held: Sequence[HeldCredits]) -> Iterator[Words]:
    """A sentence for each reason, with the amount that waits for it."""
    for reason, (zh, en) in REASONS.items():
        amount = sum((each.credits for each in held if each.reason == reason), Decimal(0))
        if amount:
            yield f"另有{plain(amount)}学分待登记：{zh}。", f"{plain(amount)} more credits are {en}."
