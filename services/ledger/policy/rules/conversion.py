"""Conversion (学时折算): so many hours of study elsewhere become so many credits, at a threshold or in proportion (A-07)."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated, Literal

from msgspec import Meta

from services.ledger.policy.language.facts import Rejected
from services.ledger.policy.language.findings import At, Finding, Kind, OwnClauses
from services.ledger.policy.language.rule import CategoryPath, Code, Credits, Text
from services.ledger.policy.language.settings import Sourced, YearTerms
from services.ledger.policy.language.target import PERSONS, TargetedRule
from services.ledger.policy.language.words import RejectionWords
from services.ledger.policy.rules.categories import not_known
from services.ledger.policy.rules.equivalence import Award
from services.ledger.policy.rules.units import stepped


class Conversion(TargetedRule, frozen=True, tag="conversion"):
    """学时折算: 若干学时折合若干学分。Hours into credits: at a threshold, or in proportion (A-07).

    With `step` the credits are rounded down to a multiple of it.
    """

    name: Code
    hours: Credits
    credits: Credits
    category: CategoryPath
    style: Literal["threshold", "proportional"] = "threshold"
    step: Credits | None = None
    per_year: Annotated[int, Meta(ge=1)] = 1
    source: Text | None = None
    evidence: tuple[Text, ...] = ()

    def settings(self) -> Iterator[tuple[str, object]]:
        """A setting for each named conversion."""
        yield f"conversion.{self.name}", self


def worth(rule: Sourced[Conversion], hours: Decimal) -> Award | Rejected:
    """The credits of so many hours."""
    value = rule.value
    if value.style == "threshold":
        # A-07, B-17: all or nothing, and more hours earn no more.
        if hours < value.hours:
            return Rejected("hours-below-threshold", rule.clause, {"hours": str(value.hours)})
        credits = value.credits
    else:
        credits = hours * value.credits / value.hours
    return Award(credits=stepped(credits, value.step), category=value.category, fill=(), clause=rule.clause)


def warnings(rule: Conversion, at: At) -> Iterator[Finding]:
    """Hours that need not be studied."""
    if rule.hours == 0:
        yield at.found("hours", "no-hours", "0 学时即可折算", "no hours are needed to be converted")


def year_warnings(policy: YearTerms, own: OwnClauses) -> Iterator[Finding]:
    """Credits in a category that the year's set does not have."""
    for name, sourced in policy.settings.items():
        if name.startswith("conversion."):
            yield from not_known(policy, own, name, sourced, (sourced.value.category,))


KIND = Kind(
    rule=Conversion,
    selectors=PERSONS,
    warnings=warnings,
    year_warnings=year_warnings,
    rejections={
        "hours-below-threshold": RejectionWords(
            "学时未达到折算要求",
            "Too few hours to be converted",
            "须完成 {hours} 学时方可折算。",
            "Conversion needs {hours} hours.",
        ),
    },
)
