"""Which credit year study and activities belong to: the year stated, the year of completing, or of an exam, a result, an
admission, a training, a graduation, or years that a notice decrees."""

from collections.abc import Iterator
from datetime import date
from typing import Any, Literal

from services.ledger.policy.language.days import day_at
from services.ledger.policy.language.decisions import Rejected
from services.ledger.policy.language.rule import Day, Mode, Part, Rule, by_mode

CountedFrom = Literal[
    "event", "exam", "training", "publication", "result", "admission", "graduation", "decreed"
]
"""The first four name the day it happened, `result` the day the result was told, the next two the day of a document."""


class Decreed(Part, frozen=True, rename={"since": "from"}):
    """指定期间: 此期间内的事项计入本年度, 首尾均含。The days whose activities count for the year, both included."""

    since: Day
    until: Day


class CreditYear(Rule, frozen=True, tag="credit_year"):
    """所属年度: stated 按申报年度 (B-04), completion 按学完日期所在年度, 补学除外。The credit year of study, by mode."""

    by: Literal["stated", "completion"]
    modes: tuple[Mode, ...] = ()

    def settings(self) -> Iterator[tuple[str, Any]]:
        """A setting for each mode."""
        yield from by_mode("credit_year", self.modes, self.by)


class Dates(Part, frozen=True):
    """The days an activity has: when it happened, when its result was told, the day of its document."""

    happened_on: date
    result_on: date | None = None
    document_on: date | None = None


def other_year(counted: int, year: int, clause: str | None) -> Rejected | None:
    """The refusal when what counts for one year is reported for another."""
    if counted == year:
        return None
    return Rejected("activity-of-other-year", clause, {"counted": str(counted), "year": str(year)})


def counts_in(
    counted_from: CountedFrom | None, dates: Dates, span: tuple[date, date] | None, year: int, clause: str
) -> Rejected | None:
    """Why an activity does not count in the year; None when it does (A-05).

    Without a decreed span, `decreed` leaves the year to whoever reviews. A result or a document's day that is asked for and
    not given is a refusal of its own.
    """
    if span is not None:
        since, until = span
        if since <= dates.happened_on <= until:
            return None
        details = {"since": since.isoformat(), "until": until.isoformat(), "year": str(year)}
        return Rejected("outside-decreed-days", clause, details)
    match counted_from:
        case "decreed":
            return None
        case "result":
            day = dates.result_on
        case "admission" | "graduation":
            day = dates.document_on
        case _:
            day = dates.happened_on
    if day is None:
        return Rejected("day-needed", clause, {"day": str(counted_from)})
    return other_year(day.year, year, clause)


def completed_in(facts_at: Any, year: int, clause: str) -> Rejected | None:
    """The refusal of a completion whose own calendar year in China is not the stated one."""
    return other_year(day_at(facts_at).year, year, clause)
