"""Compliance of a person for a year: a pure function of policy, account, person and day, with its reasons.

Nothing here reads a clock, a file or a locale, and nothing depends on the order of credits. What follows from the policy
and the day alone is kept in the policy (`policy_on`), so one more person costs a few microseconds.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from services.ledger.policy.judging.counting import Counted, NotCounted, count, fill
from services.ledger.policy.judging.openings import make_up_for, openings, refusal_today
from services.ledger.policy.judging.policy_day import (
    Deadline,
    MakeUpResult,
    PersonOpening,
    PolicyDay,
    policy_on,
)
from services.ledger.policy.judging.release import HeldCredits, held_credits, held_words
from services.ledger.policy.judging.requirements import (
    Carried,
    EarlierYear,
    Missing,
    PeriodResult,
    RequirementResult,
    carried_in,
    deferral_on,
    deferred_deadline,
    exemption_on,
    has_made_up,
    measure,
    measure_made_up,
)
from services.ledger.policy.judging.wording import (
    BASIS,
    UNDECIDED,
    CountedWord,
    aside_words,
    carried_words,
    choice_short_words,
    compliant_words,
    course_short_words,
    deferred_words,
    duty_ended_words,
    exempt_words,
    missing_words,
    mode_short_words,
    no_policy_words,
    not_required_words,
    short_words,
    tail_words,
)
from services.ledger.policy.language.days import NEVER, day_after, day_at, ends
from services.ledger.policy.language.facts import Account, Category, Deferral, Exemption, Person, Rejected
from services.ledger.policy.language.words import Words
from services.ledger.policy.policy import Basis, Policy
from services.ledger.policy.rules.categories import Names
from services.ledger.policy.rules.obligation import binding_clauses, first_obliged_year, last_obliged_year

Status = Literal["compliant", "in_progress", "deficient", "not_required", "exempt", "undecided", "no_policy"]
_ZERO = Decimal("0.00")


class Assessment(Struct, frozen=True, kw_only=True):
    """The answer. `on` is the last day whose completions count; every statement cites the clause it follows.

    `openings` is what the person can do about what is missing, and `make_up` whether it is open to this person; `held` is
    what was studied and waits, for whatever reason.
    `basis` is what the year is judged by, None where nothing judges it; `provisional` says that a notice may still come
    (B-20): a year that is short when it is over is then `undecided`. `periods` are those that contain a day of the year, and
    have a say in its status.
    """

    status: Status
    year: int
    place: str
    on: date
    total: Decimal
    by_category: dict[str, Decimal]
    requirements: tuple[RequirementResult, ...] = ()
    missing: tuple[Missing, ...] = ()
    held: tuple[HeldCredits, ...] = ()
    excess: Decimal = _ZERO
    deadlines: tuple[Deadline, ...] = ()
    openings: tuple[PersonOpening, ...] = ()
    make_up: MakeUpResult | None = None
    not_counted: tuple[NotCounted, ...] = ()
    first_obliged_year: int | None = None
    exempt: Exemption | None = None
    deferred: Deferral | None = None
    last_obliged_year: int | None = None
    carried: Carried | None = None
    periods: tuple[PeriodResult, ...] = ()
    basis: Basis | None = None
    provisional: bool = False
    explanation_zh: str = ""
    explanation_en: str = ""
    clauses: tuple[str, ...] = ()
    policy: str | None = None


def assess(
    policy: Policy | None,
    account: Account | None,
    person: Person,
    year: int,
    on: date,
    earlier: EarlierYear | None = None,
    *,
    parked: Sequence[HeldCredits] = (),
    worded: bool = True,
) -> Assessment:
    """Judge one person's year as of the end of a day in Shanghai. Total: it answers for whatever it is given.

    `earlier` is the year before; it is looked at where the policy carries credits over (`Policy.carries`), and only there.
    `parked` are credits that wait for the person outside the account. Without `worded` the explanation of a year that is
    judged is left empty, and so are the openings and what waits: whoever judges a million reads none.
    """
    if policy is not None and policy.targets is not None:
        policy = policy.of_person(person)
    today = policy_on(policy, on) if policy is not None else None
    until = today.counted_until if today is not None else ends(on)
    carried = None
    if policy is None or policy.carries is None:
        counted = count(policy, account, until)
    else:
        carried = carried_in(policy.carries, earlier, until)
        counted = count(policy, account, until, carried.by_category if carried is not None else {})
    total = counted.total()
    if counted.to_fill:
        fill(counted, policy)
    if policy is None or today is None:
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
        return _nothing_owed("not_required", words, policy, today, person, counted, total, first, None)
    last = last_obliged_year(policy.duty, person) if policy.duty_ends else None
    if last is not None and year > last:
        words = duty_ended_words(year, last)
        ended = _nothing_owed("not_required", words, policy, today, person, counted, total, first, None)
        return replace(
            ended,
            last_obliged_year=last,
            clauses=tuple(dict.fromkeys((*ended.clauses, policy.duty.end_clause or ""))),
        )
    exempt = exemption_on(account, on)
    if exempt is not None:
        words = exempt_words(year, exempt.reason)
        return _nothing_owed("exempt", words, policy, today, person, counted, total, first, exempt)
    made_up = bool(policy.made_up_by) and has_made_up(account)
    judged = _judge(
        policy, today, person, account, counted, total, first, deferral_on(account, on), made_up, worded
    )
    if carried is not None:
        judged = _with_carried(judged, carried)
    return _with_asides(judged, policy, account, counted, parked) if worded else judged


def _nothing_owed(
    status: Status,
    words: Words,
    policy: Policy,
    today: PolicyDay,
    person: Person,
    counted: Counted,
    total: Decimal,
    first: int | None,
    exempt: Exemption | None,
) -> Assessment:
    zh, en = _explained(words, policy)
    return Assessment(
        status=status,
        year=policy.year,
        place=person.place,
        on=today.on,
        total=total,
        by_category=counted.by_root(),
        not_counted=tuple(counted.not_counted),
        first_obliged_year=first,
        exempt=exempt,
        basis=policy.basis,
        provisional=policy.provisional,
        explanation_zh=zh,
        explanation_en=en,
        clauses=binding_clauses(policy.duty, person, policy.year),
        policy=policy.hash,
    )


def _others(cited: tuple[str, ...], duty: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(clause for clause in cited if clause not in duty)


def _with_asides(
    judged: Assessment,
    policy: Policy,
    account: Account | None,
    counted: Counted,
    parked: Sequence[HeldCredits],
) -> Assessment:
    """The answer with what its verdict leaves unsaid, by clause: what waits, is above a maximum, or more than is asked."""
    held = held_credits(policy, account, parked)
    above = [item for item in counted.not_counted if item.why in ("above_cap", "above_day")]
    recognised = [item for item in counted.not_counted if item.why == "awaiting_recognition"]
    if not held and not above and not recognised and not judged.excess:
        return judged
    carry = policy.settings.get("carry_over") if judged.excess else None
    waits, over = (sum((item.credits for item in items), _ZERO) for items in (recognised, above))
    asides = aside_words(waits, over, judged.excess, carries=policy.carries is not None)
    words = [*held_words(held), *asides]
    cited = [item.clause for item in held]
    cited += [item.clause for item in (*recognised, *above)]
    cited += [carry.clause] if carry is not None else []
    return replace(
        judged,
        held=held,
        explanation_zh="".join([judged.explanation_zh, *(zh for zh, _ in words)]),
        explanation_en=" ".join([judged.explanation_en, *(en for _, en in words)]),
        clauses=tuple(dict.fromkeys((*judged.clauses, *(clause for clause in cited if clause)))),
    )


def _with_carried(judged: Assessment, carried: Carried) -> Assessment:
    zh, en = carried_words(carried.from_year, carried.credits)
    return replace(
        judged,
        carried=carried,
        explanation_zh=judged.explanation_zh + zh,
        explanation_en=f"{judged.explanation_en} {en}",
        clauses=tuple(dict.fromkeys((*judged.clauses, carried.clause))),
    )


def _judge(
    policy: Policy,
    today: PolicyDay,
    person: Person,
    account: Account | None,
    counted: Counted,
    total: Decimal,
    first: int,
    deferred: Deferral | None,
    made_up: bool,
    worded: bool,
) -> Assessment:
    by_category = counted.by_root()
    requirements, missing = measure(policy.requirements, counted, total)
    if missing and made_up:
        requirements, missing = measure_made_up(policy, counted, total)
    status: Status = "compliant"
    zh = en = ""
    open_: tuple[PersonOpening, ...] = ()
    make_up = today.make_up
    if missing:
        status = today.when_short if deferred is None else "in_progress"
        if worded:
            open_ = openings(policy, person, account, today.on, _categories(missing))
            make_up = make_up_for(make_up, open_, today.on)
            tail = tail_words(today, open_, make_up, _why_not(policy, person, account, today, open_, missing))
            if status == "undecided":
                tail = UNDECIDED
            if deferred is not None:
                tail = deferred_words(deferred.until, deferred.reason)
            zh, en = short_words(
                policy.year,
                total,
                [_short(one, policy) for one in missing],
                status,
                tail,
                counted=_word(policy),
            )
    elif worded:
        zh, en = compliant_words(
            policy.year, total, by_category, policy.categories.names, counted=_word(policy)
        )
    if worded:
        zh, en = _explained((zh, en), policy)
    deadlines = today.deadlines
    if deferred is not None:
        deadlines = (*deadlines, deferred_deadline(deferred, today.on))
    return Assessment(
        status=status,
        year=policy.year,
        place=person.place,
        on=today.on,
        total=total,
        by_category=by_category,
        requirements=requirements,
        missing=missing,
        excess=total - policy.total if total > policy.total else _ZERO,
        deadlines=deadlines,
        make_up=make_up,
        openings=open_,
        not_counted=tuple(counted.not_counted),
        first_obliged_year=first,
        deferred=deferred,
        basis=policy.basis,
        provisional=policy.provisional,
        explanation_zh=zh,
        explanation_en=en,
        clauses=(*(duty := binding_clauses(policy.duty, person, policy.year)), *_others(today.cited, duty)),
        policy=policy.hash,
    )


def _categories(missing: Sequence[Missing]) -> list[Category | None]:
    return list(dict.fromkeys(item.category for item in missing))


def _why_not(
    policy: Policy,
    person: Person,
    account: Account | None,
    today: PolicyDay,
    open_: Sequence[PersonOpening],
    missing: Sequence[Missing],
) -> Rejected | None:
    if open_ or today.make_up is None or not today.make_up.open:
        return None
    found = (refusal_today(policy, person, account, today.on, one) for one in _categories(missing))
    return next((refused for refused in found if refused is not None), None)


def _word(policy: Policy) -> CountedWord:
    return "registered" if policy.recognition is None else "counted"


def _explained(words: Words, policy: Policy) -> Words:
    """The explanation; of a year that the nation's framework judges it says so."""
    if policy.basis != "national":
        return words
    basis = BASIS[policy.provisional]
    return f"{words[0]}{basis[0]}", f"{words[1]} {basis[1]}"


def short_of(missing: Missing, names: Names, title: str | None = None) -> Words:
    """What is missing, as a part of a sentence; `title` is what the notice calls the course, or the choice."""
    if missing.course is not None:
        return course_short_words(missing.course, title, missing.credits)
    if missing.choice is not None:
        return choice_short_words(missing.choice, title, missing.credits)
    if missing.modes:
        return mode_short_words(missing.modes, missing.credits)
    return missing_words(missing.category, missing.credits, names)


def _short(missing: Missing, policy: Policy) -> Words:
    return short_of(missing, policy.categories.names, policy.title_of(missing.course, missing.choice))


def next_change_on(
    policy: Policy | None, account: Account | None, judged: Assessment, beside: Iterable[Account | None] = ()
) -> date | None:
    """The first day after `judged.on` on which the same account may be judged otherwise; None when no day can do that.

    Status, sums and what is counted stay as they are until then. What turns with the days: the end of the year's study
    for who is short, or of a deferral that is later; the end of an exemption, and of a period that is short; a completion
    dated later than the judgement, also in the accounts `beside` it that have a say.
    """
    return min(_turns(policy, account, judged, beside), default=None)


def _turns(
    policy: Policy | None, account: Account | None, judged: Assessment, beside: Iterable[Account | None]
) -> Iterator[date]:
    short = judged.status == "in_progress" and bool(judged.missing)
    if policy is not None and short and policy.study_ends != NEVER:
        over = day_at(policy.study_ends)
        yield over if judged.deferred is None else max(over, day_after(judged.deferred.until))
    if judged.exempt is not None and judged.exempt.until is not None:
        yield day_after(judged.exempt.until)
    for period in judged.periods:
        if period.status == "in_progress":
            yield day_after(period.until)
    counted_until = ends(judged.on)
    for held in (account, *beside):
        for credit in held.credits if held is not None else ():
            if credit.state == "registered" and credit.completed_at >= counted_until:
                yield day_at(credit.completed_at)
