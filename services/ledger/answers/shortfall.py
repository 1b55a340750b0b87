"""The shortfall of a year, by category, once what waits or is to be recognised has come in."""

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from services.ledger.policy import Account, Assessment, Missing

_ZERO = Decimal(0)


class Shortfall(NamedTuple):
    """Credits still to be earned in a category; None is any category. Shortfalls do not overlap: they add up."""

    category: str | None
    credits: Decimal


def shortfalls(answer: Assessment, account: Account | None) -> list[Shortfall]:
    """What is missing, taken apart: each category's own part, then what the total asks beyond them.

    `Assessment.missing` overlaps: 30 public credits are missing from the total, too. What waits, for whatever reason, or is
    registered and awaits recognition, is on its way and not asked for again.
    """
    coming = _coming(answer, account)
    missing = [item for item in answer.missing if item.course is None and not item.modes]
    left = [(item.category, max(_ZERO, item.credits - _within(coming, item.category))) for item in missing]
    found: dict[str | None, Decimal] = {}
    for category, credits in sorted(left, key=lambda pair: _depth(pair[0]), reverse=True):
        inside = sum((part for inner, part in found.items() if _holds(category, inner)), _ZERO)
        found[category] = max(_ZERO, credits - inside)
    return [
        Shortfall(item.category, found[item.category]) for item in _in_order(missing) if found[item.category]
    ]


def _coming(answer: Assessment, account: Account | None) -> list[tuple[str, Decimal]]:
    held = [(item.category, item.credits) for item in answer.held]
    if account is None:
        return held
    recognised_later = {
        item.completion_id for item in answer.not_counted if item.why == "awaiting_recognition"
    }
    return held + [
        (credit.category, credit.credits)
        for credit in account.credits
        if credit.completion_id in recognised_later and credit.state == "registered"
    ]


def _within(coming: Sequence[tuple[str, Decimal]], category: str | None) -> Decimal:
    return sum((credits for inner, credits in coming if _holds(category, inner) or inner == category), _ZERO)


def _holds(outer: str | None, inner: str | None) -> bool:
    """Whether a category lies inside another one: any lies inside None, `professional/ethics` inside `professional`."""
    if inner is None or inner == outer:
        return False
    return outer is None or inner.startswith(f"{outer}/")


def _depth(category: str | None) -> int:
    return 0 if category is None else 1 + category.count("/")


def _in_order(missing: Sequence[Missing]) -> list[Missing]:
    """Categories as the policy lists them, the total last: it asks only for what they leave."""
    return sorted(missing, key=lambda item: item.category is None)
