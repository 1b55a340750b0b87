"""Windows of the acts of a year: to study, enrol, pay, apply and register; each is enforced where its act happens.

A window is of a mode or of all, absolute, relative to the credit year, or so many days after the notice's issue; a last day
may also be so many days after the person's own enrolment, and then the earlier of the two ends holds.
"""

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any, Literal

from services.ledger.policy.language.days import days_after_enrolment
from services.ledger.policy.language.decisions import Rejected
from services.ledger.policy.language.rule import Act, ClosingDay, Mode, OpeningDay, Rule, by_mode
from services.ledger.policy.policy import Span, Terms

ByRecord = Literal["enrol", "pay", "apply"]


class Window(Rule, frozen=True, tag="window", rename={"since": "from"}):
    """时间: 报名、缴费、学习、申请、登记的起止日, 均含当日。Both days are included; an end left out is inherited.

    `until: enrolment+180d` gives each person that many days, the day of enrolment being day 0; 0 lifts an inherited number.
    A deadline for registering marks what comes later as late; with `firm` it is refused.
    """

    act: Act = "study"
    modes: tuple[Mode, ...] = ()
    since: OpeningDay | None = None
    until: ClosingDay | None = None
    firm: bool | None = None

    def settings(self) -> Iterator[tuple[str, Any]]:
        """Start and end are separate settings for each mode, so that a city may move one and inherit the other."""
        if self.since is not None:
            yield from by_mode(f"window.{self.act}.from", self.modes, self.since)
        if self.until is not None:
            days = days_after_enrolment(self.until)
            end = "until" if days is None else "days"
            yield from by_mode(f"window.{self.act}.{end}", self.modes, self.until if days is None else days)
        if self.firm is not None:
            yield from by_mode(f"window.{self.act}.firm", self.modes, self.firm)


def outside(terms: Terms, act: ByRecord, moment: datetime) -> Rejected | None:
    """Why the act may not be done at this moment: its window has not opened, or has closed; None when it may."""
    span = terms.acts.get(act)
    if span is None or span.begins <= moment < span.ends:
        return None
    return refusal(span, moment)


def refusal(span: Span, moment: datetime) -> Rejected:
    """The words for a moment outside the span of an act other than study."""
    if moment < span.begins:
        return Rejected(
            f"{span.act}-not-yet-open",
            span.since_clause or span.until_clause,
            {"since": _day(span.since)},
        )
    return Rejected(f"{span.act}-closed", span.until_clause or span.since_clause, {"until": _day(span.until)})


def _day(day: date | None) -> str:
    return day.isoformat() if day is not None else ""
