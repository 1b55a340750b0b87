"""Is this person compliant for this year: a pure function of policy, account, person and day, with its reasons.

Nothing here reads a clock, a file or a locale, and nothing depends on the order of credits. What follows from the policy
and the day alone is kept in the policy (`view_of`), so one more person costs a few microseconds.
"""

from datetime import date
from decimal import Decimal
from typing import Literal

from msgspec import Struct

from services.ledger.policy.account import Account, Deferral, Exemption, Person
from services.ledger.policy.counting import Counted, NotCounted, count, fill
from services.ledger.policy.days import ends
from services.ledger.policy.policy import Duty, Policy
from services.ledger.policy.reliefs import deferral_on, deferred_deadline, exemption_on
from services.ledger.policy.requirements import (
    Missing,
    Requirement,
    has_made_up,
    measure,
    measure_made_up,
)
from services.ledger.policy.view import Deadline, MakeUp, View, view_of
from services.ledger.policy.wording import (
    Words,
    compliant_words,
    course_short_words,
    deferred_words,
    exempt_words,
    missing_words,
    no_policy_words,
    not_required_words,
    short_words,
    tail_words,
)

Status = Literal["compliant", "in_progress", "deficient", "not_required", "exempt", "no_policy"]
_ZERO = Decimal("0.00")


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
    counted = count(policy, account, view.counted_until if view is not None else ends(on))
    total = counted.total()
    if counted.to_fill:
        fill(counted, policy)
    if policy is None or view is None:
        zh, en = no_policy_words(year)
        return Assessment(
            status="no_policy",
            year=year,
            place=person.place,
            on=on,
            total=total,
            by_category=counted.by_root(),
            not_counted=tuple(counted.not_counted),
            explanation_zh=zh,
            explanation_en=en,
        )
    first = first_obliged_year(policy.duty, person)
    if first is None or first > year:
        words = not_required_words(year, first, person.student)
        return _nothing_owed("not_required", words, policy, view, person, counted, total, first, None)
    exempt = exemption_on(account, on)
    if exempt is not None:
        words = exempt_words(year, exempt.reason)
        return _nothing_owed("exempt", words, policy, view, person, counted, total, first, exempt)
    made_up = bool(policy.made_up_by) and has_made_up(account)
    return _judge(policy, view, person, counted, total, first, deferral_on(account, on), made_up)


def _nothing_owed(
    status: Status,
    words: Words,
    policy: Policy,
    view: View,
    person: Person,
    counted: Counted,
    total: Decimal,
    first: int | None,
    exempt: Exemption | None,
) -> Assessment:
    return Assessment(
        status=status,
        year=policy.year,
        place=person.place,
        on=view.on,
        total=total,
        by_category=counted.by_root(),
        not_counted=tuple(counted.not_counted),
        first_obliged_year=first,
        exempt=exempt,
        explanation_zh=words[0],
        explanation_en=words[1],
        clauses=view.duty_clauses,
        policy=policy.hash,
    )


def _judge(
    policy: Policy,
    view: View,
    person: Person,
    counted: Counted,
    total: Decimal,
    first: int,
    deferred: Deferral | None,
    made_up: bool,
) -> Assessment:
    by_category = counted.by_root()
    requirements, missing = measure(policy.requirements, counted, total)
    if missing and made_up:
        requirements, missing = measure_made_up(policy, counted, total)
    if missing:
        status: Status = view.when_short if deferred is None else "in_progress"
        tail = deferred_words(deferred.until, deferred.reason) if deferred is not None else tail_words(view)
        zh, en = short_words(policy.year, total, [_short(one, policy) for one in missing], status, tail)
    else:
        status = "compliant"
        zh, en = compliant_words(policy.year, total, by_category, policy.categories.names)
    deadlines = view.deadlines
    if deferred is not None:
        deadlines = (*deadlines, deferred_deadline(deferred, view.on))
    return Assessment(
        status=status,
        year=policy.year,
        place=person.place,
        on=view.on,
        total=total,
        by_category=by_category,
        requirements=requirements,
        missing=missing,
        excess=total - policy.total if total > policy.total else _ZERO,
        deadlines=deadlines,
        make_up=view.make_up,
        not_counted=tuple(counted.not_counted),
        first_obliged_year=first,
        deferred=deferred,
        explanation_zh=zh,
        explanation_en=en,
        clauses=view.clauses,
        policy=policy.hash,
    )


def _short(missing: Missing, policy: Policy) -> Words:
    if missing.course is not None:
        return course_short_words(missing.course, policy.course_name(missing.course), missing.credits)
    return missing_words(missing.category, missing.credits, policy.categories.names)


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
