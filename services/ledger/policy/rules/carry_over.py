"""Bounded carry-over (结转): what a year had above its requirement may count in the next one, once, up to a limit."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Annotated

from msgspec import Meta, Struct

from services.ledger.policy.language.facts import Category
from services.ledger.policy.language.findings import At, Finding, Kind
from services.ledger.policy.language.rule import CategoryPath, Credits
from services.ledger.policy.language.settings import Settings
from services.ledger.policy.language.target import PERSONS, TargetedRule

_CENT = Decimal("0.01")


class CarryOver(TargetedRule, frozen=True, tag="carry_over"):
    """结转: 学分是否结转以后年度, 是否全国有效。Whether credits outlive their year or their province.

    With `up_to`, what the year before had above its requirement counts here, once, in the `categories` named, in that order;
    with `by_category` no more in each than it says, and with `unmet` also of a year that was not met: what its categories
    had above their own minima.
    """

    allowed: bool
    nationwide: bool | None = None
    up_to: Credits | None = None
    categories: tuple[CategoryPath, ...] = ()
    by_category: Annotated[dict[CategoryPath, Credits], Meta(min_length=1)] | None = None
    unmet: bool = False


class CarryTerms(Struct, frozen=True):
    """How much of what the year before had above its requirement counts in this one, and in which categories."""

    most: Decimal
    categories: tuple[Category, ...]
    clause: str
    each: Mapping[Category, Decimal] = {}
    unmet: bool = False


def terms_of(settings: Settings) -> CarryTerms | None:
    """How much is carried; None where nothing is, as no notice allows it unless it says so (S1-04)."""
    said = settings.get("carry_over")
    if said is None or not said.value.allowed:
        return None
    rule: CarryOver = said.value
    each = {category: most.quantize(_CENT) for category, most in (rule.by_category or {}).items()}
    most = rule.up_to.quantize(_CENT) if rule.up_to is not None else sum(each.values(), Decimal(0))
    categories = tuple(dict.fromkeys((*rule.categories, *each)))
    return CarryTerms(most, categories, said.clause, each, rule.unmet) if most else None


def faults(rule: CarryOver, at: At) -> Iterator[Finding]:
    """An amount without the permission, or without categories."""
    if rule.up_to is not None and not (rule.allowed and (rule.categories or rule.by_category)):
        yield at.found(
            "up_to",
            "carry_over",
            "“up_to”须与“allowed: true”和“categories”同写",
            "up_to goes with allowed: true and with categories",
        )


KIND = Kind(rule=CarryOver, selectors=PERSONS, terms=terms_of, faults=faults)
