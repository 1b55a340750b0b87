"""Openings of a year for one person: what can be done towards it, in which mode, from when until when, by which clause.

Nothing is concluded here. The functions that decide records are asked about a course as the person could complete it, on
each day on which their answer can change; what they would refuse is no opening. So a promise and its keeping cannot differ.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from datetime import date, timedelta
from functools import partial
from typing import Literal

from msgspec.structs import replace

from services.ledger.policy.judging.make_up_gates import gate_of, has_special_reason
from services.ledger.policy.judging.policy_day import MAKE_UP_ACTS, MakeUpResult, PersonOpening
from services.ledger.policy.judging.probes import Found, Probe
from services.ledger.policy.language.days import begins, day_after, later
from services.ledger.policy.language.facts import (
    Account,
    Category,
    Person,
    Rejected,
)
from services.ledger.policy.language.words import STUDY_MODES
from services.ledger.policy.policy import Policy
from services.ledger.policy.rules.enrolment import EnrolmentTerms
from services.ledger.policy.rules.prerequisite import PrerequisiteTerms
from services.ledger.policy.rules.provider_choice import ProviderChoiceTerms

CLAIMED_MODES = frozenset({"equivalence"})
"""Modes in which nobody studies: what is converted is claimed."""
_LAST = date.max - timedelta(days=366)


def make_up_for(
    make_up: MakeUpResult | None, open_: Iterable[PersonOpening], on: date
) -> MakeUpResult | None:
    """The make-up of the year as it is open to one person: closed where its conditions leave the person out."""
    if make_up is None:
        return None
    now = [one for one in open_ if one.act in MAKE_UP_ACTS and one.since <= on]
    if not now:
        return replace(make_up, open=False, channel=None, until=None, study_until=None, registers=False)
    # By itself before by application, and what lasts longest.
    best = max(now, key=lambda one: (one.act == "make_up_study", one.until or date.max))
    channel: Literal["automatic", "application"] = (
        "automatic" if best.act == "make_up_study" else "application"
    )
    return replace(
        make_up,
        open=True,
        channel=channel,
        until=best.until,
        clause=best.clause,
        study_until=best.study_until,
        registers=best.registers,
    )


def openings(
    policy: Policy,
    person: Person,
    account: Account | None,
    on: date,
    categories: Sequence[Category | None],
) -> tuple[PersonOpening, ...]:
    """What the person can do on the day or later towards what is missing in these categories; None stands for any.

    Days that nobody can reach any more, and those past the calendar, are left out. Ordered by mode as the policy names
    them, an enrolment before study, study before make-up.
    """
    key = (on, person.qualification, tuple(categories), _bearing(policy, account))
    found: tuple[PersonOpening, ...] | None = policy.openings.get(key)
    if found is None:
        desk = Probe(policy, person, account)
        modes = modes_of_study(policy)
        found = tuple(one for mode in modes for one in _of_mode(desk, mode, on, categories))
        if len(policy.openings) >= KEPT_MAX:
            policy.openings.clear()
        policy.openings[key] = found
    return found


KEPT_MAX = 2000
"""Answers remembered per policy: people in whom admission sees nothing different share one."""


def refusal_today(
    policy: Policy, person: Person, account: Account | None, on: date, category: Category | None
) -> Rejected | None:
    """Why a window of make-up that is open on the day is not for this person; None where none is open to anybody."""
    open_ = [w for w in policy.make_up if w.begins <= begins(on) < w.ends]
    desk = Probe(policy, person, account)
    for window in open_:
        for mode in modes_of_study(policy):
            if window.modes is not None and mode not in window.modes:
                continue
            for code in desk.codes(category):
                refused = desk.refused(window, mode, code, on)
                if refused is not None and refused.problem.startswith(("make-up-", "special-reason")):
                    return refused
    return None


def modes_of_study(policy: Policy) -> tuple[str, ...]:
    """The modes in which anybody can study for the year, or make it up: those a clause names, and the usual ones where
    the notice leaves the mode open."""
    named = {mode for each in policy.branches for mode in each.modes if mode not in CLAIMED_MODES}
    named |= {mode for window in policy.make_up for mode in window.modes or ()}
    open_ = any(each.any_mode.allowed for each in policy.branches)
    return tuple(sorted(named | set(STUDY_MODES) if open_ else named))


def _bearing(policy: Policy, account: Account | None) -> Hashable:
    """All that admission looks at in an account, in this policy: people who are alike in it are told alike."""
    if account is None:
        return None
    modes = [policy.terms_of(mode) for mode in modes_of_study(policy)]
    choice = any(terms.get(ProviderChoiceTerms) is not None for terms in modes)
    gated = any(w.conditions or w.once or w.prerequisite_category for w in policy.make_up)
    enrolled: Hashable = None
    if account.enrolments and (
        choice or gated or any(terms.get(EnrolmentTerms) or "enrol" in terms.acts for terms in modes)
    ):
        enrolled = frozenset((e.mode, e.provider, e.enrolled_on, e.paid_on) for e in account.enrolments)
    deferred = account.deferred
    first = {code: _prerequisite_of(policy, account, code) for code in sorted(policy.categories.codes)}
    return (
        tuple(code for code, refused in first.items() if refused),
        (deferred.until, deferred.clause) if deferred is not None else None,
        has_special_reason(account),
        enrolled,
        _taken(account) if choice else None,
        _gates(policy, account) if gated else None,
    )


def _prerequisite_of(policy: Policy, account: Account, category: Category) -> bool:
    """Whether another category comes before this one, and is not studied yet."""
    branches = (each.get(PrerequisiteTerms) for each in policy.branches)
    return any(terms is not None and terms.refusal(account, category) is not None for terms in branches)


def _taken(account: Account) -> Hashable:
    """With whom somebody studies whose year is with one provider (A-10)."""
    credits = (
        c for c in account.credits if c.state == "registered" and not c.make_up and c.route == "provider"
    )
    return (
        frozenset((credit.mode, credit.provider) for credit in credits),
        frozenset((item.mode, item.provider) for item in account.waiting),
    )


def _gates(policy: Policy, account: Account) -> Hashable:
    """What each make-up window answers the account, by category and channel."""
    answers = (
        gate_of(policy, window, code, account, special_reason=applied, by_application=applied)
        for window in policy.make_up
        for code in sorted(policy.categories.codes)
        for applied in (False, True)
    )
    return tuple(refused.problem if refused is not None else None for refused in answers)


def _of_mode(
    desk: "Probe", mode: str, on: date, categories: Sequence[Category | None]
) -> Iterator[PersonOpening]:
    days = list(_days(desk.policy, mode, desk.account, on))
    yield from _spans(desk, mode, None, days, partial(desk.enrolling, mode, days))
    for category in categories:
        found = [
            (
                code,
                (
                    *_spans(desk, mode, category, days, partial(desk.studying, mode, code, days)),
                    *_spans(desk, mode, category, days, partial(desk.applying, mode, code)),
                ),
            )
            for code in desk.codes(category)
        ]
        if category is not None or all(one == found[0][1] for _, one in found):
            yield from found[0][1] if found else ()
        else:
            yield from (replace(one, category=code) for code, made in found for one in made)


def _days(policy: Policy, mode: str, account: Account | None, on: date) -> Iterable[date]:
    """The day asked about, and every later day on which an answer of admission can change."""
    terms, year = policy.terms_of(mode), policy.year
    of_each = [branch.terms_of(mode) for branch in policy.branches]
    spans = [
        span for each in of_each for span in (each.study, *each.acts.values(), each.windows.firm) if span
    ]
    windows = [window for branch in policy.branches for window in branch.make_up]
    since = [span.since for span in spans] + [window.since for window in windows]
    until = [span.until for span in spans]
    until += [day for window in windows for day in (window.until, window.study_until)]
    since += [date(each, 1, 1) for each in (year - 1, year, year + 1)]
    asked = terms.get(EnrolmentTerms)
    if account is not None:
        until += [account.deferred.until] if account.deferred is not None else []
        for enrolled in account.enrolments:
            since.append(enrolled.enrolled_on)
            if asked is not None and asked.days is not None:
                until.append(later(enrolled.enrolled_on, asked.days.value))
    turns = {day for day in since if day} | {day_after(day) for day in until if day and day < _LAST}
    return sorted({on, *(day for day in turns if day > on)})


def _spans(
    desk: "Probe",
    mode: str,
    category: Category | None,
    days: Sequence[date],
    ask: Callable[[date], Found | None],
) -> Iterator[PersonOpening]:
    answers = [(day, ask(day)) for day in days]
    start: date | None = None
    for index, (day, found) in enumerate(answers):
        if found is None:
            continue
        start = start or day
        after = answers[index + 1] if index + 1 < len(answers) else None
        if after is not None and after[1] == found:
            continue
        until = after[0] - timedelta(days=1) if after is not None else None
        yield PersonOpening(
            act=found.act,
            mode=mode,
            category=category,
            since=start,
            until=until,
            clause=desk.clause_of(found, mode, category, until),
            enrol=found.enrol,
            paid=found.paid,
            conditions=found.conditions,
            study_until=found.study_until,
            registers=found.registers,
        )
        start = None
