"""Is this person compliant for this year: a pure function of policy, account, person and day, with its reasons.

Nothing here reads a clock, a file or a locale, and nothing depends on the order of credits. What follows from the policy
and the day alone is kept in the policy (`view_of`), so one more person costs a few microseconds.
"""

from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from msgspec import Struct

from services.ledger.policy.account import Account, Category, Credit, Person, Waiting
from services.ledger.policy.days import ends
from services.ledger.policy.policy import Duty, Policy
from services.ledger.policy.view import Deadline, MakeUp, View, view_of
from services.ledger.policy.wording import (
    WHY,
    compliant_words,
    exempt_words,
    no_policy_words,
    not_required_words,
    short_words,
)

Status = Literal["compliant", "in_progress", "deficient", "not_required", "exempt", "no_policy"]
WhyNot = Literal["below_total", "exam_pending", "withdrawn", "revoked", "completed_later"]
_ZERO = Decimal("0.00")


class Requirement(Struct, frozen=True, gc=False):
    """A minimum of the year, what was earned towards it, and the clause that sets it."""

    kind: Literal["total", "category"]
    category: Category | None
    minimum: Decimal
    earned: Decimal
    met: bool
    clause: str
    document: str
    text_zh: str


class Missing(Struct, frozen=True, gc=False):
    """Credits still missing in all (`category` None) or in one category. The two overlap: they do not add up."""

    category: Category | None
    credits: Decimal


class NotCounted(Struct, frozen=True, gc=False):
    """A completion that does not count for the year on this day, and why."""

    completion_id: str
    provider_id: str | None
    credits: Decimal
    why: WhyNot
    why_zh: str
    why_en: str
    clause: str | None


class Assessment(Struct, frozen=True, kw_only=True):
    """The answer. `on` is the last day whose completions count; every statement cites the clause it follows."""

    status: Status
    year: int
    place: str
    on: date
    total: Decimal
    by_category: dict[str, Decimal]
    requirements: tuple[Requirement, ...] = ()
    missing: tuple[Missing, ...] = ()
    excess: Decimal = _ZERO
    deadlines: tuple[Deadline, ...] = ()
    make_up: MakeUp | None = None
    not_counted: tuple[NotCounted, ...] = ()
    first_obliged_year: int | None = None
    explanation_zh: str = ""
    explanation_en: str = ""
    clauses: tuple[str, ...] = ()
    policy: str | None = None


class Sums(Struct):
    """Credits of an account that count on a day, and those that do not."""

    professional: Decimal
    public: Decimal
    not_counted: list[NotCounted]
    to_fill: dict[tuple[Category, ...], Decimal] = {}


def assess(policy: Policy | None, account: Account | None, person: Person, year: int, on: date) -> Assessment:
    """Judge one person's year as of the end of a day in Shanghai. Total: it answers for whatever it is given."""
    view = view_of(policy, on) if policy is not None else None
    sums = _count(policy, account, view.counted_until if view is not None else ends(on))
    total = sums.professional + sums.public
    by_category = {"professional": sums.professional, "public": sums.public}
    if sums.to_fill:
        total += sum(sums.to_fill.values(), _ZERO)
        _fill(by_category, sums.to_fill, policy)
    not_counted = tuple(sums.not_counted)
    if policy is None or view is None:
        zh, en = no_policy_words(year)
        return Assessment(
            status="no_policy",
            year=year,
            place=person.place,
            on=on,
            total=total,
            by_category=by_category,
            not_counted=not_counted,
            explanation_zh=zh,
            explanation_en=en,
        )
    first = first_obliged_year(policy.duty, person)
    if first is None or first > year or (account is not None and account.exempt is not None):
        exempt = account.exempt.reason if account is not None and account.exempt is not None else None
        owes = first is not None and first <= year
        words = (
            exempt_words(year, exempt) if owes and exempt else not_required_words(year, first, person.student)
        )
        return Assessment(
            status="exempt" if owes else "not_required",
            year=year,
            place=person.place,
            on=on,
            total=total,
            by_category=by_category,
            not_counted=not_counted,
            first_obliged_year=first,
            explanation_zh=words[0],
            explanation_en=words[1],
            clauses=view.duty_clauses,
            policy=policy.hash,
        )
    return _judge(policy, view, person, by_category, total, not_counted, first)


def _judge(
    policy: Policy,
    view: View,
    person: Person,
    by_category: dict[str, Decimal],
    total: Decimal,
    not_counted: tuple[NotCounted, ...],
    first: int,
) -> Assessment:
    requirements, missing = [], []
    for terms in policy.requirements:
        earned = total if terms.category is None else by_category[terms.category]
        met = earned >= terms.minimum
        requirements.append(
            Requirement(
                terms.kind,
                terms.category,
                terms.minimum,
                earned,
                met,
                terms.clause,
                terms.document,
                terms.text,
            )
        )
        if not met:
            missing.append(Missing(terms.category, terms.minimum - earned))
    if missing:
        status: Status = view.when_short
        zh, en = short_words(policy.year, total, [(m.category, m.credits) for m in missing], view)
    else:
        status = "compliant"
        zh, en = compliant_words(policy.year, total, by_category)
    return Assessment(
        status=status,
        year=policy.year,
        place=person.place,
        on=view.on,
        total=total,
        by_category=by_category,
        requirements=tuple(requirements),
        missing=tuple(missing),
        excess=total - policy.total if total > policy.total else _ZERO,
        deadlines=view.deadlines,
        make_up=view.make_up,
        not_counted=not_counted,
        first_obliged_year=first,
        explanation_zh=zh,
        explanation_en=en,
        clauses=view.clauses,
        policy=policy.hash,
    )


def first_obliged_year(duty: Duty, person: Person) -> int | None:
    """The first credit year the person owes (S0-04, S0-05); None for who has no ground, and for students (B-09)."""
    if person.student and not duty.students:
        return None
    qualified = working = None
    if person.qualified_on is not None and duty.qualified_offset is not None:
        qualified = person.qualified_on.year + duty.qualified_offset
    if person.working_since is not None and duty.working_offset is not None:
        working = person.working_since.year + duty.working_offset
    if qualified is None or working is None:
        return working if qualified is None else qualified
    return min(qualified, working) if duty.both_earlier else max(qualified, working)


def _count(policy: Policy | None, account: Account | None, until: datetime) -> Sums:
    sums = Sums(_ZERO, _ZERO, [], {})
    if account is None:
        return sums
    for credit in account.credits:
        if credit.state != "registered":
            sums.not_counted.append(_not_counted(credit, credit.state, None))
        elif credit.completed_at >= until:
            sums.not_counted.append(_not_counted(credit, "completed_later", None))
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


def _fill(
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
