"""Requirements of a year and what was earned towards them: minima of all credits, of a category, of a named course,
in a mode."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Literal

from msgspec import Struct

from services.ledger.policy.judging.counting import Counted, count, fill
from services.ledger.policy.language.categories import Category
from services.ledger.policy.language.days import NEVER
from services.ledger.policy.language.facts import Account
from services.ledger.policy.language.minima import RequirementTerms
from services.ledger.policy.policy import Policy

_ZERO = Decimal("0.00")


class RequirementResult(Struct, frozen=True, gc=False, omit_defaults=True):
    """A minimum of the year, what was earned towards it, and the clause that sets it.

    A `course` with a minimum of zero is met once it was completed.
    """

    kind: Literal["total", "category", "course", "mode"]
    category: Category | None
    minimum: Decimal
    earned: Decimal
    met: bool
    clause: str
    document: str
    text_zh: str
    course: str | None = None
    modes: tuple[str, ...] = ()


class Missing(Struct, frozen=True, gc=False, omit_defaults=True):
    """Credits still missing: in all, in one `category`, in one `course`, or in `modes`. They overlap: they do not add up.

    Of a course that has only to be completed, no credits are named.
    """

    category: Category | None
    credits: Decimal
    course: str | None = None
    modes: tuple[str, ...] = ()


def measure(
    asked: Iterable[RequirementTerms], counted: Counted, total: Decimal
) -> tuple[tuple[RequirementResult, ...], tuple[Missing, ...]]:
    """Every minimum with what was earned towards it, and what is missing."""
    roots = counted.by_path
    requirements, missing = [], []
    for terms in asked:
        category, minimum = terms.category, terms.minimum
        if category is not None:
            earned = counted.of(category) if counted.nested else roots.get(category, _ZERO)
            met = earned >= minimum
        elif (name := terms.singled) is None:
            earned, met = total, total >= minimum
        else:
            earned = counted.singled.get(name, _ZERO)
            met = earned >= minimum and name in counted.singled
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
            )
        )
        if not met:
            missing.append(Missing(category, max(_ZERO, minimum - earned), terms.course, terms.modes))
    return tuple(requirements), tuple(missing)


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
