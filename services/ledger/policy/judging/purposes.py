"""What a purpose asks beyond the year itself: a title review of the last three years, an exam entry of the year before.

A purpose that no notice speaks of asks for the year alone (S0-21): it must be met, or not be owed.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from services.ledger.policy.judging.assessment import Assessment, Status
from services.ledger.policy.judging.wording import Words, plain, purpose_words
from services.ledger.policy.language.categories import Category
from services.ledger.policy.language.rule import CategoryRoot, Code, Credits, Rule
from services.ledger.policy.policy import Policy

_CENT = Decimal("0.01")
NOTHING_OWED = frozenset({"compliant", "exempt", "not_required"})
"""The statuses under which a year stands in nobody's way."""


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

    def settings(self) -> Iterator[tuple[str, Any]]:
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


class PurposeYear(Struct, frozen=True):
    """One of the years a purpose looks at; `passes` is None where no notice governs it, so that nobody can say."""

    year: int
    status: Status
    passes: bool | None
    total: Decimal
    policy: str | None


class PurposeSum(Struct, frozen=True):
    """Credits asked over the years together, in all or in one category."""

    category: Category | None
    minimum: Decimal
    earned: Decimal
    met: bool
    clause: str


class PurposeAssessment(Struct, frozen=True, kw_only=True):
    """Whether a person fulfils a purpose on a day. `fulfilled` is None when it hangs on a year that no notice governs.

    `named_by` are the clauses that say what the purpose asks, `clauses` those and the ones the years follow.
    """

    purpose: str
    year: int
    on: date
    fulfilled: bool | None
    at_least: int
    years: tuple[PurposeYear, ...]
    sums: tuple[PurposeSum, ...] = ()
    named_by: tuple[str, ...] = ()
    explanation_zh: str
    explanation_en: str
    clauses: tuple[str, ...] = ()


def purpose_terms(policy: Policy | None, purpose: str, year: int) -> PurposeTerms:
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


def assess_purpose(
    terms: PurposeTerms, answers: Mapping[int, Assessment], year: int, on: date
) -> PurposeAssessment:
    """Whether a person fulfils a purpose, from the answers for its years, each judged on the same day. Pure and total.

    `answers` are those of `terms.years`; one that is left out counts as a year that no notice governs.
    """
    years = tuple(_year(terms, number, answers.get(number)) for number in terms.years)
    sums = tuple(_sum(category, minimum, clause, years, answers) for category, minimum, clause in terms.sums)
    passed = sum(one.passes is True for one in years)
    unknown = sum(one.passes is None for one in years)
    fulfilled: bool | None = passed >= terms.at_least
    if not all(one.met for one in sums):
        fulfilled = False
    elif not fulfilled and passed + unknown >= terms.at_least:
        fulfilled = None
    zh, en = _words(terms, years, sums, fulfilled)
    cited = (clause for number in terms.years if number in answers for clause in answers[number].clauses)
    return PurposeAssessment(
        purpose=terms.purpose,
        year=year,
        on=on,
        fulfilled=fulfilled,
        at_least=terms.at_least,
        years=years,
        sums=sums,
        named_by=terms.clauses,
        explanation_zh=zh,
        explanation_en=en,
        clauses=tuple(dict.fromkeys((*terms.clauses, *cited))),
    )


def _year(terms: PurposeTerms, year: int, answer: Assessment | None) -> PurposeYear:
    if answer is None:
        return PurposeYear(year, "no_policy", None, Decimal("0.00"), None)
    passes: bool | None = answer.status in NOTHING_OWED or (
        terms.unfinished and answer.status == "in_progress"
    )
    if answer.status == "no_policy":
        passes = None
    return PurposeYear(year, answer.status, passes, answer.total, answer.policy)


def _sum(
    category: Category | None,
    minimum: Decimal,
    clause: str,
    years: tuple[PurposeYear, ...],
    answers: Mapping[int, Assessment],
) -> PurposeSum:
    looked_at = [answers[one.year] for one in years if one.year in answers]
    earned = sum(
        (a.total if category is None else a.by_category.get(category, Decimal(0)) for a in looked_at),
        Decimal("0.00"),
    )
    return PurposeSum(category, minimum, earned, earned >= minimum, clause)


def _words(
    terms: PurposeTerms, years: tuple[PurposeYear, ...], sums: tuple[PurposeSum, ...], fulfilled: bool | None
) -> Words:
    open_years = [one.year for one in years if one.passes is not True]
    short = [(one.category, plain(one.minimum - one.earned)) for one in sums if not one.met]
    return purpose_words((terms.years[0], terms.years[-1]), terms.at_least, open_years, short, fulfilled)
