"""Purposes (用途): what a title review of the last three years or an exam entry of the year before asks beyond the year.

A purpose that no notice speaks of asks for the year alone (S0-21): it must be met, or not be owed.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from services.ledger.policy.language.categories import Category
from services.ledger.policy.language.findings import At, Finding
from services.ledger.policy.language.kind import Kind
from services.ledger.policy.language.rule import CategoryRoot, Code, Credits, Rule
from services.ledger.policy.language.settings import YearTerms

_CENT = Decimal("0.01")


class Purpose(Rule, frozen=True, tag="purpose"):
    """用途: 职称评审 (title_review)、考试报名 (exam_entry) 等看哪几个年度、须几个年度达标、合计多少学分。

    What a purpose asks: how many credit years, up to the one asked about or the one before it, how many of them must be met,
    whether one still in progress passes, and credits over all of them together.
    """

    purposes: Annotated[tuple[Code, ...], Meta(min_length=1)]
    years: Annotated[int, Meta(ge=1, le=20)] | None = None
    last: Literal["asked", "year_before"] | None = None
    at_least: Annotated[int, Meta(ge=0, le=20)] | None = None
    unfinished: Literal["accepted", "refused"] | None = None
    total: Credits | None = None
    categories: Annotated[dict[CategoryRoot, Credits], Meta(min_length=1)] | None = None

    def settings(self) -> Iterator[tuple[str, object]]:
        """Each part is a setting of its own for each purpose, so that a nearer notice changes one and inherits the rest."""
        for purpose in self.purposes:
            for field in ("years", "last", "at_least", "unfinished", "total"):
                if (value := getattr(self, field)) is not None:
                    yield f"purpose.{purpose}.{field}", value
            for category, minimum in (self.categories or {}).items():
                yield f"purpose.{purpose}.category.{category}", minimum


class PurposeTerms(Struct, frozen=True):
    """What a policy asks for a purpose: `years` from the first to the last, how many must be met, and sums over them."""

    purpose: str
    years: tuple[int, ...]
    at_least: int
    unfinished: bool
    sums: tuple[tuple[Category | None, Decimal, str], ...]
    clauses: tuple[str, ...]


def purpose_terms(policy: YearTerms | None, purpose: str, year: int) -> PurposeTerms:
    """What the policy of the year asked about says of a purpose; its years are those whose accounts have to be read."""
    prefix = f"purpose.{purpose}."
    said = (
        {name.removeprefix(prefix): s for name, s in policy.settings.items() if name.startswith(prefix)}
        if policy is not None
        else {}
    )

    def value(name: str, default: Any) -> Any:
        return said[name].value if name in said else default

    last = year - 1 if value("last", "asked") == "year_before" else year
    years = tuple(range(last - value("years", 1) + 1, last + 1))
    sums: list[tuple[Category | None, Decimal, str]] = []
    sums += [(None, said["total"].value, said["total"].clause)] if "total" in said else []
    sums += [
        (name.removeprefix("category."), sourced.value, sourced.clause)
        for name, sourced in sorted(said.items())
        if name.startswith("category.")
    ]
    return PurposeTerms(
        purpose=purpose,
        years=years,
        at_least=min(value("at_least", len(years)), len(years)),
        unfinished=value("unfinished", "refused") == "accepted",
        sums=tuple((category, minimum.quantize(_CENT), clause) for category, minimum, clause in sums),
        clauses=tuple(dict.fromkeys(said[name].clause for name in sorted(said))),
    )


def faults(rule: Purpose, at: At) -> Iterator[Finding]:
    """More years to be met than are looked at."""
    if (rule.at_least or 0) > (rule.years or 20):
        yield at.found("at_least", "order", "不大于 years", "not more than years")


KIND = Kind(rule=Purpose, faults=faults)
