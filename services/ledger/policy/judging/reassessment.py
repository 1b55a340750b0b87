"""The day on which a judgement changes by nothing but the passing of days: what has to be judged again when a day begins."""

from collections.abc import Iterator
from datetime import date

from services.ledger.policy.judging.assessment import Assessment
from services.ledger.policy.language.days import NEVER, day_after, day_at, ends
from services.ledger.policy.language.facts import Account
from services.ledger.policy.policy import Policy


def next_change_on(
    policy: Policy | None, account: Account | None, judged: Assessment, earlier: Account | None = None
) -> date | None:
    """The first day after `judged.on` on which the same account may be judged otherwise; None when no day can do that.

    Status, sums and what is counted stay as they are until then. What turns with the days: the end of the year's study
    for who is short, or of a deferral that is later; the end of an exemption; a completion dated later than the judgement,
    also of the year before (`earlier`) where its credits carry over.
    """
    return min(_turns(policy, account, judged, earlier), default=None)


def _turns(
    policy: Policy | None, account: Account | None, judged: Assessment, earlier: Account | None
) -> Iterator[date]:
    if policy is not None and judged.status == "in_progress" and policy.study_ends != NEVER:
        over = day_at(policy.study_ends)
        yield over if judged.deferred is None else max(over, day_after(judged.deferred.until))
    if judged.exempt is not None and judged.exempt.until is not None:
        yield day_after(judged.exempt.until)
    carried_from = earlier if policy is not None and policy.carries is not None else None
    counted_until = ends(judged.on)
    for held in (account, carried_from):
        for credit in held.credits if held is not None else ():
            if credit.state == "registered" and credit.completed_at >= counted_until:
                yield day_at(credit.completed_at)
