"""The credit year of study (所属年度): the year that is stated, or that of the day of completing."""

from collections.abc import Iterator
from datetime import datetime
from typing import Literal

from msgspec import Struct

from services.ledger.policy.language.days import day_at
from services.ledger.policy.language.facts import Rejected
from services.ledger.policy.language.findings import Kind
from services.ledger.policy.language.rule import Mode, by_mode
from services.ledger.policy.language.settings import Settings
from services.ledger.policy.language.target import PERSONS, TargetedRule
from services.ledger.policy.language.words import RejectionWords


class CreditYear(TargetedRule, frozen=True, tag="credit_year"):
    """所属年度: stated 按申报年度 (B-04), completion 按学完日期所在年度, 补学除外。The credit year of study, by mode."""

    by: Literal["stated", "completion"]
    modes: tuple[Mode, ...] = ()

    def settings(self) -> Iterator[tuple[str, object]]:
        """A setting for each mode."""
        yield from by_mode("credit_year", self.modes, self.by)


class CreditYearTerms(Struct, frozen=True):
    """The clause by which study counts for the year of completing it."""

    clause: str

    def refusal(self, completed_at: datetime, year: int) -> Rejected | None:
        """The refusal of a completion whose own calendar year in China is not the stated one; None when it is."""
        return other_year(day_at(completed_at).year, year, self.clause)


def terms_of(settings: Settings, mode: str) -> CreditYearTerms | None:
    """Of a mode; None where the stated year counts (B-04)."""
    found = settings.of_mode("credit_year", mode)
    return CreditYearTerms(found.clause) if found is not None and found.value == "completion" else None


def other_year(counted: int, year: int, clause: str | None) -> Rejected | None:
    """The refusal when what counts for one year is reported for another."""
    if counted == year:
        return None
    return Rejected("activity-of-other-year", clause, {"counted": str(counted), "year": str(year)})


KIND = Kind(
    rule=CreditYear,
    selectors=PERSONS | {"categories", "courses"},
    mode_terms=terms_of,
    by_mode=True,
    rejections={
        "activity-of-other-year": RejectionWords(
            "属于其他年度",
            "The activity belongs to another year",
            "该事项计入 {counted} 年度，不计入 {year} 年度。",
            "The activity counts for {counted}, not for {year}.",
        ),
    },
)
