"""The count of an account's credits on a day: which count, for which category, and why the others do not."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import product
from typing import Literal

from msgspec import Struct

from services.ledger.policy.judging.caps import Capped, count_capped
from services.ledger.policy.judging.wording import WHY
from services.ledger.policy.language.facts import ANY, Account, Category, Credit, Waiting, lies_under, root_of
from services.ledger.policy.language.selector import RequirementTerms
from services.ledger.policy.policy import Policy
from services.ledger.policy.rules.cap import Bucket, binding
from services.ledger.policy.rules.categories import USUAL

WhyNot = Literal[
    "below_total",
    "exam_pending",
    "evaluation_pending",
    "enrolment_pending",
    "withdrawn",
    "revoked",
    "duplicate",
    "completed_later",
    "awaiting_recognition",
    "above_cap",
    "above_day",
    "below_floor",
]
_ZERO = Decimal("0.00")
_NOTHING: Mapping[Category, Decimal] = {}


class NotCounted(Struct, frozen=True, gc=False):
    """A completion that does not count for the year on this day, and why."""

    completion_id: str
    provider_id: str | None
    credits: Decimal
    why: WhyNot
    why_zh: str
    why_en: str
    clause: str | None


class Counted(Struct):
    """Credits of an account that count on a day, by the category they were awarded in, and what does not count.

    `to_fill` are those that count for what is missing, by the order in which they do; `singled` those that a minimum
    singles out, by its name. `covers_year`: one of them fills the year, named courses and all.
    """

    by_path: dict[Category, Decimal]
    not_counted: list[NotCounted]
    to_fill: dict[tuple[Category, ...], Decimal] = {}
    singled: dict[str, Decimal] = {}
    nested: bool = False
    covers_year: bool = False

    def take(self, credit: Credit, singled: Sequence[RequirementTerms]) -> None:
        """Count a credit in its category, or as one that fills what is missing, and for what singles it out."""
        if credit.category == ANY:
            self.to_fill[credit.fill] = self.to_fill.get(credit.fill, _ZERO) + credit.credits
        else:
            self.add({credit.category: credit.credits})
        for terms in singled:
            if terms.of.matches(credit) and terms.of.takes(credit.category):
                name = terms.singled or ""
                self.singled[name] = self.singled.get(name, _ZERO) + credit.credits

    def add(self, credits: Mapping[Category, Decimal]) -> None:
        """Count more credits in categories."""
        for category, amount in credits.items():
            self.by_path[category] = self.by_path.get(category, _ZERO) + amount
            self.nested = self.nested or "/" in category

    def total(self) -> Decimal:
        """All that counts."""
        total = sum(self.by_path.values(), _ZERO)
        return sum(self.to_fill.values(), total) if self.to_fill else total

    def of(self, category: Category) -> Decimal:
        """What counts in a category and everything under it."""
        if not self.nested:
            return self.by_path.get(category, _ZERO)
        return sum((c for path, c in self.by_path.items() if lies_under(path, category)), _ZERO)

    def by_root(self) -> dict[Category, Decimal]:
        """What counts, each path under its root: their sum is the total."""
        if not self.nested:
            return self.by_path
        rolled: dict[Category, Decimal] = {}
        for path, credits in self.by_path.items():
            root = root_of(path)
            rolled[root] = rolled.get(root, _ZERO) + credits
        return rolled


def count(
    policy: Policy | None,
    account: Account | None,
    until: datetime,
    already: Mapping[Category, Decimal] = _NOTHING,
) -> Counted:
    """The credits that count by the moment, and what does not count with its reason; no order of credits matters.

    `already` counts beside them, by category: what was carried over from the year before.
    """
    by_path = (policy.categories if policy is not None else USUAL).nothing.copy()
    uncounted: list[NotCounted] = []
    counted = Counted(by_path, uncounted, {}, {})
    if already:
        counted.add(already)
    if account is None:
        return counted
    recognition, singly = None, False
    if policy is not None:
        recognition, singly = _recognition(policy), policy.counts_singly
    counting: list[Credit] = []
    for credit in account.credits:
        if credit.state != "registered":
            uncounted.append(not_counted(credit, credit.state, credit.ended_clause))
        elif credit.completed_at >= until:
            uncounted.append(not_counted(credit, "completed_later", None))
        elif recognition and credit.recognised_at is None and (clause := recognition(credit)):
            uncounted.append(not_counted(credit, "awaiting_recognition", clause))
        else:
            category = credit.category
            if singly or category not in by_path:
                counting.append(credit)
            else:
                by_path[category] += credit.credits
    if counting:
        _count_singly(counted, policy, counting, already)
    _add_waiting(counted, policy, account)
    _add_cut(counted, account, until)
    if len(uncounted) > 1:
        uncounted.sort(key=_in_order)
    return counted


def _recognition(policy: Policy) -> Callable[[Credit], str | None] | None:
    """The clause for which a credit waits to be recognised; None where no credit does."""
    if policy.targets is None:
        return policy.recognition.awaits if policy.recognition is not None else None
    return policy.awaits


def _above_floors(counted: Counted, policy: Policy, credits: list[Credit]) -> list[Credit]:
    """The credits without those that are below a floor."""
    below = policy.floors.below(credits) if policy.floors is not None else {}
    counted.not_counted += [not_counted(credits[n], "below_floor", clause) for n, clause in below.items()]
    return [credit for n, credit in enumerate(credits) if n not in below] if below else credits


def _count_singly(
    counted: Counted, policy: Policy | None, credits: list[Credit], already: Mapping[Category, Decimal]
) -> None:
    """Count credits one by one: under caps, for what a minimum singles out, in nested categories, or for what is missing."""
    if policy is not None and (policy.floors is not None or policy.whole_forms):
        credits = _above_floors(counted, policy, credits)
        counted.covers_year = any(credit.form in policy.whole_forms for credit in credits)
    buckets = binding(policy.caps.caps, credits) if policy is not None and policy.caps else []
    if policy is None or not buckets:
        singled = policy.singled if policy is not None else ()
        for credit in credits:
            counted.take(credit, singled)
        return
    capped = _capped(policy, credits, buckets, already)
    counted.add(capped.by_path)
    counted.singled = capped.singled
    for above in capped.above:
        counted.not_counted.append(not_counted(above.credit, "above_cap", above.clause, above.credits))


def _capped(
    policy: Policy, credits: list[Credit], buckets: list[Bucket], already: Mapping[Category, Decimal]
) -> Capped:
    """Under caps that bind, to the person's best: of minima that are reached in one way or another, the ways in which least
    is missing, the first of those that are alike."""
    ways = product(*(terms.any_of or (terms,) for terms in policy.requirements))
    found = (count_capped(credits, buckets, way, already) for way in ways)
    return min(found, key=lambda one: one.missing)


def _add_waiting(counted: Counted, policy: Policy | None, account: Account) -> None:
    for waiting in account.waiting:
        clause = waiting.clause or (
            policy.terms_of(waiting.mode).style_clause if policy is not None else None
        )
        counted.not_counted.append(not_counted(waiting, waiting.reason, clause))


def _add_cut(counted: Counted, account: Account, until: datetime) -> None:
    """What hours beyond the most of a day would have earned."""
    for credit in account.credits:
        if credit.cut is not None and credit.state == "registered" and credit.completed_at < until:
            counted.not_counted.append(not_counted(credit, "above_day", credit.rate_clause, credit.cut))


def _in_order(item: NotCounted) -> tuple[str, str, str, Decimal]:
    return item.completion_id, item.provider_id or "", item.why, item.credits


def fill(counted: Counted, policy: Policy | None) -> None:
    """Let credits that cover any category count for what is missing, in their order, the rest for the total (B-01).

    Fixed credits are counted before, so the order of arrival never matters; what is left shows as "any". What fills a
    category counts for those above it too, and not for those under it.
    """
    minima = {terms.category: terms.minimum for terms in policy.requirements} if policy is not None else {}
    for order in sorted(counted.to_fill, key=lambda order: (len(order), order)):
        left = counted.to_fill[order]
        for category in order:
            given = min(left, max(_ZERO, minima.get(category, _ZERO) - counted.of(category)))
            if given:
                counted.nested = counted.nested or "/" in category
                counted.by_path[category] = counted.by_path.get(category, _ZERO) + given
                left -= given
        if left:
            counted.by_path[ANY] = counted.by_path.get(ANY, _ZERO) + left
    counted.to_fill = {}


def not_counted(
    item: Credit | Waiting, why: WhyNot, clause: str | None, credits: Decimal | None = None
) -> NotCounted:
    """A credit or a waiting completion as one that does not count, wholly or so many credits of it."""
    zh, en = WHY[why]
    amount = item.credits if credits is None else credits
    return NotCounted(item.completion_id, item.provider, amount, why, zh, en, clause)
