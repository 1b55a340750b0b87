"""Purposes (用途): what a title review of the last three years or an exam entry of the year before asks beyond the year.

A purpose that no notice speaks of asks for the year alone (S0-21): it must be met, or not be owed.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct
from msgspec.structs import replace

from services.ledger.policy.language.facts import ANY, Account, Category, Credit, Route, lies_under_any
from services.ledger.policy.language.findings import At, Finding, Kind
from services.ledger.policy.language.rule import CategoryRoot, Code, Credits, Mode, Part
from services.ledger.policy.language.settings import YearTerms
from services.ledger.policy.language.target import PERSONS, TargetedRule

_CENT = Decimal("0.01")


class Without(Part, frozen=True):
    """不计入: 某些途径、形式或方式取得的学分不计入此用途; 写明科目的, 只在该科目不计入。

    Credits that do not count for the purpose: those that came by a route, or are of a form or a mode that is named; with
    `categories` in these alone."""

    routes: tuple[Route, ...] = ()
    forms: tuple[Code, ...] = ()
    modes: tuple[Mode, ...] = ()
    categories: tuple[CategoryRoot, ...] = ()

    def leaves_out(self, credit: Credit) -> bool:
        """Whether the credit came in a way that is named."""
        return credit.route in self.routes or credit.form in self.forms or credit.mode in self.modes

    def counting(self, account: Account) -> Account:
        """The account with what counts for the purpose: a credit that fills what is missing fills the other categories."""
        return replace(
            account, credits=[kept for each in account.credits if (kept := self._kept(each)) is not None]
        )

    def _kept(self, credit: Credit) -> Credit | None:
        if not self.leaves_out(credit):
            return credit
        if not self.categories:
            return None
        if credit.category != ANY:
            return None if lies_under_any(credit.category, frozenset(self.categories)) else credit
        fill = tuple(each for each in credit.fill if not lies_under_any(each, frozenset(self.categories)))
        return replace(credit, fill=fill) if fill else None


class Purpose(TargetedRule, frozen=True, tag="purpose"):
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
    without: Without | None = None

    def settings(self) -> Iterator[tuple[str, object]]:
        """Each part is a setting of its own for each purpose, so that a nearer notice changes one and inherits the rest."""
        for purpose in self.purposes:
            for field in ("years", "last", "at_least", "unfinished", "total", "without"):
                if (value := getattr(self, field)) is not None:
                    yield f"purpose.{purpose}.{field}", value
            for category, minimum in (self.categories or {}).items():
                yield f"purpose.{purpose}.category.{category}", minimum


class PurposeTerms(Struct, frozen=True):
    """What a policy asks for a purpose: `years` from the first to the last, how many must be met, and sums over them, all of
    them without the credits that do not count for it."""

    purpose: str
    years: tuple[int, ...]
    at_least: int
    unfinished: bool
    sums: tuple[tuple[Category | None, Decimal, str], ...]
    clauses: tuple[str, ...]
    without: Without | None = None

    def counting(self, account: Account | None) -> Account | None:
        """The account as the purpose looks at it."""
        return account if account is None or self.without is None else self.without.counting(account)


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
        without=value("without", None),
    )


def faults(rule: Purpose, at: At) -> Iterator[Finding]:
    """More years to be met than are looked at; nothing that would be left out."""
    left_out = rule.without
    if left_out is not None and not (left_out.routes or left_out.forms or left_out.modes):
        yield at.found(
            "without",
            "empty",
            "须写“routes”、“forms”或“modes”之一",
            "give routes, forms or modes that do not count",
        )
    if (rule.at_least or 0) > (rule.years or 20):
        yield at.found("at_least", "order", "不大于“years”", "not more than years")


KIND = Kind(rule=Purpose, selectors=PERSONS, faults=faults)
