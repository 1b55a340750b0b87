"""Bounded carry-over (结转): what a year had above its requirement may count in the next one, once, up to a limit.

No notice allows it unless it says so (S1-04); credits that were carried are never carried again.
"""

from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from msgspec import Struct

from services.ledger.policy.judging.counting import count, fill
from services.ledger.policy.judging.requirements import measure
from services.ledger.policy.language.categories import Category
from services.ledger.policy.language.facts import Account
from services.ledger.policy.policy import Policy
from services.ledger.policy.rules.carry_over import CarryTerms

_ZERO = Decimal("0.00")


class Earlier(NamedTuple):
    """The year before: its policy and its account, either of which may not be there."""

    policy: Policy | None
    account: Account | None


class Carried(Struct, frozen=True):
    """Credits of the year before that count in this one, by category, and the clause that lets them."""

    from_year: int
    credits: Decimal
    by_category: dict[Category, Decimal]
    clause: str


def carried_in(terms: CarryTerms | None, earlier: Earlier | None, until: datetime) -> Carried | None:
    """What the year before had above its requirement, as far as the clause lets it in; None when it is nothing.

    Only a year that was met has anything above it. The categories are served in the clause's order, each from what it had
    above its own minimum, all together from what the total had above its own.
    """
    if terms is None or earlier is None or earlier.policy is None or earlier.account is None:
        return None
    counted = count(earlier.policy, earlier.account, until)
    total = counted.total()
    if counted.to_fill:
        fill(counted, earlier.policy)
    requirements, missing = measure(earlier.policy.requirements, counted, total)
    if missing:
        return None
    left = min(terms.most, total - earlier.policy.total)
    above: dict[Category, Decimal] = {
        one.category: one.earned - one.minimum for one in requirements if one.category
    }
    given: dict[Category, Decimal] = {}
    for category in terms.categories:
        amount = min(left, above.get(category, counted.of(category)))
        if amount > 0:
            given[category] = amount
            left -= amount
    if not given:
        return None
    return Carried(earlier.policy.year, sum(given.values(), _ZERO), given, terms.clause)
