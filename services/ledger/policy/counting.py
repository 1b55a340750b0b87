"""Which credits of an account count on a day, for which category, and why the others do not."""

from datetime import datetime
from decimal import Decimal
from typing import Literal

from msgspec import Struct

from services.ledger.policy.account import Account, Category, Credit, Waiting
from services.ledger.policy.policy import Policy
from services.ledger.policy.recognition import awaits
from services.ledger.policy.wording import WHY

WhyNot = Literal[
    "below_total",
    "exam_pending",
    "evaluation_pending",
    "enrolment_pending",
    "withdrawn",
    "revoked",
    "completed_later",
    "awaiting_recognition",
]
_ZERO = Decimal("0.00")


class NotCounted(Struct, frozen=True, gc=False):
    """A completion that does not count for the year on this day, and why."""

    completion_id: str
    provider_id: str | None
    credits: Decimal
    why: WhyNot
    why_zh: str
    why_en: str
    clause: str | None


class Sums(Struct):
    """Credits of an account that count on a day, and those that do not."""

    professional: Decimal
    public: Decimal
    not_counted: list[NotCounted]
    to_fill: dict[tuple[Category, ...], Decimal] = {}


def count(policy: Policy | None, account: Account | None, until: datetime) -> Sums:
    """The credits that count by the moment, and what does not count with its reason; no order of credits matters."""
    sums = Sums(_ZERO, _ZERO, [], {})
    if account is None:
        return sums
    recognised = policy.recognition if policy is not None else ()
    for credit in account.credits:
        if credit.state != "registered":
            sums.not_counted.append(_not_counted(credit, credit.state, None))
        elif credit.completed_at >= until:
            sums.not_counted.append(_not_counted(credit, "completed_later", None))
        elif recognised and credit.recognised_at is None and (clause := awaits(recognised, credit)):
            sums.not_counted.append(_not_counted(credit, "awaiting_recognition", clause))
        elif credit.category == "professional":
            sums.professional += credit.credits
        elif credit.category == "public":
            sums.public += credit.credits
        else:
            sums.to_fill[credit.fill] = sums.to_fill.get(credit.fill, _ZERO) + credit.credits
    for waiting in account.waiting:
        clause = waiting.clause or (
            policy.terms_of(waiting.mode).style_clause if policy is not None else None
        )
        sums.not_counted.append(_not_counted(waiting, waiting.reason, clause))
    if len(sums.not_counted) > 1:
        sums.not_counted.sort(key=lambda item: (item.completion_id, item.provider_id or "", item.why))
    return sums


def fill(
    by_category: dict[str, Decimal], to_fill: dict[tuple[Category, ...], Decimal], policy: Policy | None
) -> None:
    """Let credits that cover any category count for what is missing, in their order, the rest for the total (B-01).

    Fixed credits are counted before, so the order of arrival never matters; what is left shows as "any".
    """
    minima = {terms.category: terms.minimum for terms in policy.requirements} if policy is not None else {}
    for order in sorted(to_fill):
        left = to_fill[order]
        for category in order:
            given = min(left, max(_ZERO, minima.get(category, _ZERO) - by_category[category]))
            by_category[category] += given
            left -= given
        if left:
            by_category["any"] = by_category.get("any", _ZERO) + left


def _not_counted(item: Credit | Waiting, why: WhyNot, clause: str | None) -> NotCounted:
    zh, en = WHY[why]
    return NotCounted(item.completion_id, item.provider, item.credits, why, zh, en, clause)
