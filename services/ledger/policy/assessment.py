"""Is this person compliant for this year: a pure function of policy, account, person and day, with its reasons.

Nothing here reads a clock, a file or a locale, and nothing depends on the order of credits. What follows from the policy
and the day alone is kept in the policy (`view_of`), so one more person costs a few microseconds.
"""

from datetime import date
from decimal import Decimal
from typing import Literal

from msgspec import Struct

from services.ledger.policy.account import Account, Category, Deferral, Exemption, Person
from services.ledger.policy.counting import NotCounted, count, fill
from services.ledger.policy.days import ends
from services.ledger.policy.policy import Duty, Policy
from services.ledger.policy.reliefs import deferral_on, deferred_deadline, exemption_on
from services.ledger.policy.view import Deadline, MakeUp, View, view_of
from services.ledger.policy.wording import (
    compliant_words,
    deferred_words,
    exempt_words,
    no_policy_words,
    not_required_words,
    short_words,
)

Status = Literal["compliant", "in_progress", "deficient", "not_required", "exempt", "no_policy"]
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
    exempt: Exemption | None = None
    deferred: Deferral | None = None
    explanation_zh: str = ""
    explanation_en: str = ""
    clauses: tuple[str, ...] = ()
    policy: str | None = None


def assess(policy: Policy | None, account: Account | None, person: Person, year: int, on: date) -> Assessment:
    """Judge one person's year as of the end of a day in Shanghai. Total: it answers for whatever it is given."""
    view = view_of(policy, on) if policy is not None else None
    sums = count(policy, account, view.counted_until if view is not None else ends(on))
    total = sums.professional + sums.public
    by_category = {"professional": sums.professional, "public": sums.public}
    if sums.to_fill:
        total += sum(sums.to_fill.values(), _ZERO)
        fill(by_category, sums.to_fill, policy)
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
    exempt = exemption_on(account, on)
    if first is None or first > year or exempt is not None:
        owes = first is not None and first <= year
        words = (
            exempt_words(year, exempt.reason)
            if owes and exempt is not None
            else not_required_words(year, first, person.student)
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
            exempt=exempt if owes else None,
            policy=policy.hash,
        )
    deferred = deferral_on(account, on)
    return _judge(policy, view, person, by_category, total, not_counted, first, deferred)


def _judge(
    policy: Policy,
    view: View,
    person: Person,
    by_category: dict[str, Decimal],
    total: Decimal,
    not_counted: tuple[NotCounted, ...],
    first: int,
    deferred: Deferral | None,
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
        status: Status = view.when_short if deferred is None else "in_progress"
        short = [(m.category, m.credits) for m in missing]
        zh, en = short_words(
            policy.year,
            total,
            short,
            view,
            deferred_words(deferred.until, deferred.reason) if deferred else None,
        )
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
        deadlines=view.deadlines
        if deferred is None
        else (*view.deadlines, deferred_deadline(deferred, view.on)),
        make_up=view.make_up,
        not_counted=not_counted,
        first_obliged_year=first,
        deferred=deferred,
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
