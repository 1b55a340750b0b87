"""Purposes judged: whether the years that a title review or an exam entry looks at, and their sums, fulfil it."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from msgspec import Struct

from services.ledger.policy.judging.assessment import Assessment, Status
from services.ledger.policy.judging.wording import purpose_words
from services.ledger.policy.language.facts import Category
from services.ledger.policy.language.words import Words, plain
from services.ledger.policy.rules.purpose import PurposeTerms

NOTHING_OWED = frozenset({"compliant", "exempt", "not_required"})
"""The statuses under which a year stands in nobody's way."""


class PurposeYear(Struct, frozen=True):
    """One of the years a purpose looks at; `passes` is None where nobody can say: nothing judges it, or a notice may still
    come. `provisional`: judged by the nation's rule until then (B-20)."""

    year: int
    status: Status
    passes: bool | None
    total: Decimal
    policy: str | None
    provisional: bool = False


class PurposeSum(Struct, frozen=True):
    """Credits asked over the years together, in all or in one category."""

    category: Category | None
    minimum: Decimal
    earned: Decimal
    met: bool
    clause: str


class PurposeAssessment(Struct, frozen=True, kw_only=True):
    """Whether a person fulfils a purpose on a day. `fulfilled` is None when it hangs on a year of which nobody can say.

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
    if answer.status in ("no_policy", "undecided"):
        passes = None
    return PurposeYear(year, answer.status, passes, answer.total, answer.policy, answer.provisional)


def _sum(
    category: Category | None,
    minimum: Decimal,
    clause: str,
    years: tuple[PurposeYear, ...],
    answers: Mapping[int, Assessment],
) -> PurposeSum:
    earned = Decimal("0.00")
    for one in years:
        if (answer := answers.get(one.year)) is None:
            continue
        earned += answer.total if category is None else answer.by_category.get(category, Decimal(0))
        carried = answer.carried
        if carried is not None and carried.from_year in answers:
            # It was earned in a year that is looked at itself, and counts there.
            earned -= carried.credits if category is None else carried.by_category.get(category, Decimal(0))
    return PurposeSum(category, minimum, earned, earned >= minimum, clause)


def _words(
    terms: PurposeTerms, years: tuple[PurposeYear, ...], sums: tuple[PurposeSum, ...], fulfilled: bool | None
) -> Words:
    in_the_way = (None,) if fulfilled is None else (None, False)
    open_years = [one.year for one in years if one.passes in in_the_way]
    short = [(one.category, plain(one.minimum - one.earned)) for one in sums if not one.met]
    return purpose_words((terms.years[0], terms.years[-1]), terms.at_least, open_years, short, fulfilled)
