"""Release of what waits: which waiting completions have become credits, or wait for another reason by now.

Total like admission, and by the same checks; who taught and who studied was decided when the completion came.
"""

from datetime import datetime

from services.ledger.policy.judging.admission import (
    ANYBODY,
    Case,
    Opening,
    enrolment,
    evaluation,
    exam,
    mode,
    registered_sum,
    window,
)
from services.ledger.policy.language.days import ALWAYS, NEVER
from services.ledger.policy.language.decisions import Decision, Held, Registered, Rejected
from services.ledger.policy.language.facts import Account, Waiting, WaitingReason
from services.ledger.policy.language.rule import Need
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

    All that wait for the total go together once it is reached, by whatever route (B-05); one that waits for the exam
    goes when the same provider's exam was passed in time.
    """
    if policy is None or not account.waiting:
        return {}
    answers: dict[tuple[str, str], Decision] = {}
    for_total: dict[tuple[str, str], Opening] = {}
    reached = registered_sum(account)
    for waiting in sorted(account.waiting, key=lambda w: (w.completed_at, w.provider, w.completion_id)):
        key = waiting.provider, waiting.completion_id
        case = Case(
            policy=policy,
            terms=policy.terms_of(waiting.mode),
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
