"""Requirements of a year and what was earned towards them: minima of all credits, of a category, of a named course,
in a mode."""

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Literal, NamedTuple

from msgspec import Struct

from services.ledger.policy.judging.counting import Counted, count, fill
from services.ledger.policy.judging.policy_day import Deadline
from services.ledger.policy.language.days import ALWAYS, NEVER, begins, ends, last_second
from services.ledger.policy.language.facts import Account, Category, Deferral, Exemption
from services.ledger.policy.language.selector import RequirementKind, RequirementTerms
from services.ledger.policy.policy import Policy
from services.ledger.policy.rules.carry_over import CarryTerms
from services.ledger.policy.rules.minimum import share_of

_ZERO = Decimal("0.00")


class RequirementResult(Struct, frozen=True, gc=False, omit_defaults=True):
    """A minimum of the year, what was earned towards it, and the clause that sets it.

    A `course` with a minimum of zero is met once it was completed.
    """

    kind: RequirementKind
    category: Category | None
    minimum: Decimal
    earned: Decimal
    met: bool
    clause: str
    document: str
    text_zh: str
    course: str | None = None
    modes: tuple[str, ...] = ()
    choice: str | None = None


class Missing(Struct, frozen=True, gc=False, omit_defaults=True):
    """Credits still missing: in all, in one `category`, in one `course`, in `modes`, or for a `choice` of minima: of the
    one that is nearest. They overlap: they do not add up.

    Of a course that has only to be completed, no credits are named.
    """

    category: Category | None
    credits: Decimal
    course: str | None = None
    modes: tuple[str, ...] = ()
    choice: str | None = None


class PeriodResult(Struct, frozen=True, kw_only=True, gc=False):
    """A period that contains a day of the year: its days, both included, its minima and what is missing, as of the day asked
    about; short, it is in progress until its last day."""

    name: str
    since: date
    until: date
    status: Literal["compliant", "in_progress", "deficient"]
    requirements: tuple[RequirementResult, ...]
    missing: tuple[Missing, ...]
    clause: str


def measure(
    asked: Iterable[RequirementTerms], counted: Counted, total: Decimal
) -> tuple[tuple[RequirementResult, ...], tuple[Missing, ...]]:
    """Every minimum with what was earned towards it, and what is missing."""
    roots, nested = counted.by_path, counted.nested
    requirements, missing = [], []
    for one in asked:
        terms = one
        category, minimum = terms.category, terms.minimum
        if category is not None:
            earned = counted.of(category) if nested else roots.get(category, _ZERO)
            met = earned >= minimum
        elif terms.kind == "total":
            earned, met = total, total >= minimum
        else:
            terms, minimum, earned, met = _nearest(terms, counted, total)
            met = met or counted.covers_year
        requirements.append(
            RequirementResult(
                terms.kind,
                category,
                minimum,
                earned,
                met,
                terms.clause,
                terms.document,
                terms.text,
                terms.course,
                terms.modes,
                terms.choice,
            )
        )
        if not met:
            short = max(_ZERO, minimum - earned)
            missing.append(Missing(category, short, terms.course, terms.modes, terms.choice))
    return tuple(requirements), tuple(missing)


_Measured = tuple[RequirementTerms, Decimal, Decimal, bool]
"""A minimum, how much it asks, what was earned towards it, and whether it is met."""


def _nearest(terms: RequirementTerms, counted: Counted, total: Decimal) -> _Measured:
    """Of several minima the first that is met, else the one of which least is missing."""
    found = [_measured(each, counted, total) for each in terms.any_of or (terms,)]
    return next((one for one in found if one[3]), None) or min(found, key=lambda one: one[1] - one[2])


def _measured(terms: RequirementTerms, counted: Counted, total: Decimal) -> _Measured:
    minimum, earned, any_ = terms.minimum, total, total > 0
    if (name := terms.singled) is not None:
        earned, any_ = counted.singled.get(name, _ZERO), name in counted.singled
    elif terms.of.categories:
        earned = sum((credits for path, credits in counted.by_path.items() if terms.of.takes(path)), _ZERO)
        any_ = earned > 0
    if terms.share is not None:
        minimum = max(minimum, share_of(total, terms.share))
    return terms, minimum, earned, any_ and earned >= minimum


def registered_sum(account: Account | None) -> Decimal:
    """All credits of the account that stand."""
    reached = _ZERO
    for credit in account.credits if account is not None else ():
        if credit.state == "registered":
            reached += credit.credits
    return reached


def has_made_up(account: Account | None) -> bool:
    """Whether anything of the year was made up."""
    return account is not None and any(
        credit.make_up and credit.state == "registered" for credit in account.credits
    )


def measure_made_up(
    policy: Policy, counted: Counted, total: Decimal
) -> tuple[tuple[RequirementResult, ...], tuple[Missing, ...]]:
    """By the minima of a make-up where it has its own (A-08): the first window's that are met, else the first's."""
    measured = [measure(asked, counted, total) for asked in policy.made_up_by]
    return next((one for one in measured if not one[1]), measured[0])


def is_met(policy: Policy, account: Account) -> bool:
    """Whether all that is in the account, whenever it was completed, reaches every minimum of the year."""
    counted = count(policy, account, NEVER)
    total = counted.total()
    if counted.to_fill:
        fill(counted, policy)
    return not measure(policy.requirements, counted, total)[1]


def exemption_on(account: Account | None, on: date) -> Exemption | None:
    """The exemption that holds on the day: up to its last day, that day included, or for good where it has none."""
    granted = account.exempt if account is not None else None
    if granted is None or (granted.until is not None and on > granted.until):
        return None
    return granted


def deferral_on(account: Account | None, on: date) -> Deferral | None:
    """The deferral whose new last day has not passed: until then the year is in progress, whatever its window says."""
    granted = account.deferred if account is not None else None
    return granted if granted is not None and on <= granted.until else None


def time_given(account: Account | None) -> datetime:
    """The end of the time that a deferral gives for every act of the year: to enrol and pay, to study, to apply and to
    register; before all time where there is none."""
    granted = account.deferred if account is not None else None
    return ends(granted.until) if granted is not None else ALWAYS


def deferred_deadline(deferral: Deferral, on: date) -> Deadline:
    """The deferral as a deadline beside those of the policy."""
    return Deadline(
        act="deferral",
        mode=None,
        since=deferral.granted_on,
        until=deferral.until,
        at=last_second(deferral.until),
        open=begins(on) < ends(deferral.until),
        clause=deferral.clause,
    )


class EarlierYear(NamedTuple):
    """The year before: its policy and its account, either of which may not be there."""

    policy: Policy | None
    account: Account | None


class Carried(Struct, frozen=True):
    """Credits of the year before that count in this one, by category, and the clause that lets them."""

    from_year: int
    credits: Decimal
    by_category: dict[Category, Decimal]
    clause: str


def carried_in(terms: CarryTerms | None, earlier: EarlierYear | None, until: datetime) -> Carried | None:
    """What the year before had above its requirement, as far as the clause lets it in; None when it is nothing.

    Only a year that was met has anything above it, unless the clause takes what the categories of an unmet one had. The
    categories are served in the clause's order, each from what it had
    above its own minimum, all together from what the total had above its own.
    """
    if terms is None or earlier is None or earlier.policy is None or earlier.account is None:
        return None
    counted = count(earlier.policy, earlier.account, until)
    total = counted.total()
    if counted.to_fill:
        fill(counted, earlier.policy)
    requirements, missing = measure(earlier.policy.requirements, counted, total)
    if missing and not terms.unmet:
        return None
    left = min(terms.most, total - earlier.policy.total) if not missing else terms.most
    above: dict[Category, Decimal] = {
        one.category: one.earned - one.minimum for one in requirements if one.category
    }
    given: dict[Category, Decimal] = {}
    for category in terms.categories:
        amount = min(left, above.get(category, counted.of(category)), terms.each.get(category, left))
        if amount > 0:
            given[category] = amount
            left -= amount
    if not given:
        return None
    return Carried(earlier.policy.year, sum(given.values(), _ZERO), given, terms.clause)
