"""Windows of the acts of a year (时间): to study, enrol, pay, apply and register; each is enforced where its act happens.

A window is of a mode or of all, absolute, relative to the credit year, or so many days after the notice's issue; a last day
may also be so many days after the person's own enrolment, and then the earlier of the two ends holds.
"""

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any, Literal

from msgspec import Struct

from services.ledger.policy.language.days import (
    ALWAYS,
    Span,
    begins,
    day_at,
    day_of,
    days_after,
    ends,
    later,
)
from services.ledger.policy.language.facts import Enrolled, Rejected
from services.ledger.policy.language.findings import At, Finding, Kind, OwnClauses, day_faults
from services.ledger.policy.language.rule import Act, ClosingDay, Mode, OpeningDay, by_mode
from services.ledger.policy.language.settings import Settings, Sourced, YearTerms
from services.ledger.policy.language.target import PERSONS, TargetedRule
from services.ledger.policy.language.words import ACTS as ACT_WORDS
from services.ledger.policy.language.words import MODES, RejectionWords, day_zh, label

ByRecord = Literal["enrol", "pay", "apply"]
ACTS: tuple[Act, ...] = ("register", "enrol", "pay", "apply")
"""The acts that have a window where a clause gives them one; study always has."""


class Window(TargetedRule, frozen=True, tag="window", rename={"since": "from"}):
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
            enrolled, completed = days_after("enrolment", self.until), days_after("completion", self.until)
            end = "days" if enrolled is not None else "until" if completed is None else "completed"
            days = enrolled if enrolled is not None else completed
            yield from by_mode(f"window.{self.act}.{end}", self.modes, self.until if days is None else days)
        if self.firm is not None:
            yield from by_mode(f"window.{self.act}.firm", self.modes, self.firm)


class WindowTerms(Struct, frozen=True):
    """The windows of a mode; `acts` are those of other acts than study.

    From `register_ends` on a registration is late; outside `firm`, where there is one, nothing is registered. `pay_days`
    are the days a person has to pay from the day of enrolment, `register_days` those to register from the day of completing.
    """

    study: Span
    acts: Mapping[str, Span]
    register_ends: datetime
    register_clause: str | None
    firm: Span | None
    pay_days: Sourced[int] | None
    register_days: Sourced[int] | None = None
    register_firmly: bool = False

    def outside(self, act: ByRecord, moment: datetime, given: datetime = ALWAYS) -> Rejected | None:
        """Why the act may not be done at this moment: its window has not opened, or has closed; None when it may.

        `given` is the end of the time that a deferral gives (A-14), here and below.
        """
        return refusal(self.acts.get(act), moment, given)

    def not_registered(
        self, completed: datetime, moment: datetime, given: datetime = ALWAYS
    ) -> Rejected | None:
        """Why what was completed then is not registered at this moment; None when it is."""
        if self.register_days is not None and self.register_firmly and self.is_late(completed, moment, given):
            last = later(day_at(completed), self.register_days.value)
            return Rejected("register-closed", self.register_days.clause, {"until": last.isoformat()})
        return refusal(self.firm, moment, given)

    def is_late(self, completed: datetime, moment: datetime, given: datetime = ALWAYS) -> bool:
        """Whether what was completed then is registered late at this moment."""
        if moment >= max(self.register_ends, given):
            return True
        if self.register_days is None:
            return False
        return moment >= max(ends(later(day_at(completed), self.register_days.value)), given)

    def not_paid(self, enrolled: Enrolled, given: datetime = ALWAYS) -> Rejected | None:
        """Why a fee was paid too early or too late for the enrolment; None when it was not, or was in time."""
        paid = enrolled.paid_on
        if paid is None:
            return None
        if self.pay_days is not None:
            last = later(enrolled.enrolled_on, self.pay_days.value)
            if paid > last:
                return Rejected("pay-closed", self.pay_days.clause, {"until": last.isoformat()})
        return self.outside("pay", begins(paid), given)


def terms_of(settings: Settings, mode: str) -> WindowTerms:
    """The windows of a mode; study without any lasts the calendar year."""
    study, register = _span(settings, "study", mode), _span(settings, "register", mode)
    firm, pay_days = settings.of_mode("window.register.firm", mode), settings.of_mode("window.pay.days", mode)
    completed = settings.of_mode("window.register.completed", mode)
    spans = {act: _span(settings, act, mode) for act in ACTS}
    return WindowTerms(
        study=study,
        acts={act: span for act, span in spans.items() if span.since or span.until},
        register_ends=register.ends if register.until else study.ends,
        register_clause=register.until_clause or study.until_clause,
        firm=register if firm is not None and firm.value and register.until is not None else None,
        pay_days=pay_days if pay_days is not None and pay_days.value > 0 else None,
        register_days=completed if completed is not None and completed.value > 0 else None,
        register_firmly=firm is not None and firm.value,
    )


def _span(settings: Settings, act: str, mode: str) -> Span:
    since, until = settings.of_mode(f"window.{act}.from", mode), settings.of_mode(f"window.{act}.until", mode)
    first = day_of(since.value, settings.year) if since else None
    last = day_of(until.value, settings.year) if until else None
    if act == "study":
        first, last = first or date(settings.year, 1, 1), last or date(settings.year, 12, 31)
    return Span(
        act=act,
        mode=None if mode == "*" else mode,
        since=first,
        until=last,
        begins=begins(first),
        ends=ends(last),
        since_clause=since.clause if since else None,
        until_clause=until.clause if until else None,
    )


def refusal(span: Span | None, moment: datetime, given: datetime = ALWAYS) -> Rejected | None:
    """The words for a moment outside the span of an act other than study; None inside it, and where there is no span."""
    if span is None or span.begins <= moment < max(span.ends, given):
        return None
    if moment < span.begins:
        clause = span.since_clause or span.until_clause
        return Rejected(f"{span.act}-not-yet-open", clause, {"since": _day(span.since)})
    return Rejected(f"{span.act}-closed", span.until_clause or span.since_clause, {"until": _day(span.until)})


def _day(day: date | None) -> str:
    return day.isoformat() if day is not None else ""


def faults(rule: Window, at: At) -> Iterator[Finding]:
    """Days that do not exist, and what only some acts can have."""
    yield from day_faults(rule.since, rule.until, at)
    if rule.until is not None and days_after("completion", rule.until) is not None and rule.act != "register":
        yield at.found(
            "until", "act", "学完后若干天只用于登记", "days after a completion are for act: register alone"
        )
    relative = rule.until is not None and days_after("enrolment", rule.until) is not None
    if relative and rule.act not in ("study", "pay"):
        yield at.found(
            "until",
            "act",
            "报名后若干天只用于学习和缴费",
            "days after an enrolment are for study and pay alone",
        )
    if rule.firm is not None and rule.act != "register":
        yield at.found(
            "firm", "act", "“firm”只用于登记（“act: register”）", "firm is for act: register alone"
        )


def year_warnings(policy: YearTerms, own: OwnClauses) -> Iterator[Finding]:
    """A window that ends before it opens, and study that is never registered."""
    if not policy.ordinary:
        return
    found = {mode: terms.of(WindowTerms) for mode, terms in policy.modes.items()}
    spans = [*policy.spans, *(span for terms in found.values() for span in terms.acts.values())]
    for span in dict.fromkeys(spans):
        pointer = own.pointer(span.until_clause, span.since_clause)
        if pointer is None or span.since is None or span.until is None or span.since <= span.until:
            continue
        act_zh, act = label(ACT_WORDS, span.act)
        how_zh, how = label(MODES, span.mode) if span.mode else ("", "")
        yield Finding(
            pointer,
            "never-open",
            f"{policy.year}年度{how_zh}{act_zh}截止日{day_zh(span.until)}早于起始日{day_zh(span.since)}（{span.since_clause}）",
            f"in {policy.year} the window to {act} {how} ends on {span.until}, before it opens on {span.since} "
            f"({span.since_clause})",
        )
    for mode, terms in found.items():
        firm, last = terms.firm.until if terms.firm is not None else None, terms.study.until
        pointer = own.pointer(terms.firm.until_clause) if terms.firm is not None else None
        if firm is not None and pointer is not None and last is not None and firm < last:
            zh, en = label(MODES, mode) if mode != "*" else ("各种方式", "every mode")
            yield Finding(
                pointer,
                "study-not-registered",
                f"{zh}：{day_zh(firm)}之后的学习不予登记，而学习到{day_zh(last)}为止",
                f"{en}: study after {firm} is never registered, though study lasts to {last}",
            )


KIND = Kind(
    rule=Window,
    selectors=PERSONS | {"categories", "forms", "courses", "routes"},
    mode_terms=terms_of,
    by_mode=True,
    faults=faults,
    year_warnings=year_warnings,
    rejections={
        "not-yet-open": RejectionWords(
            "学习时间尚未开始",
            "The study window is not yet open",
            "{year} 年度的学习自 {since} 起。",
            "Study for {year} opens on {since}.",
        ),
        "window-closed": RejectionWords(
            "学习时间已截止",
            "The study window is closed",
            "{year} 年度的学习已于 {until} 截止（含当日）。",
            "Study for {year} closed on {until}, that day included.",
        ),
        "enrol-not-yet-open": RejectionWords(
            "报名尚未开始",
            "Enrolment is not yet open",
            "报名自 {since} 起。",
            "Enrolment opens on {since}.",
        ),
        "enrol-closed": RejectionWords(
            "报名已截止",
            "Enrolment is closed",
            "报名已于 {until} 截止（含当日）。",
            "Enrolment closed on {until}, that day included.",
        ),
        "pay-not-yet-open": RejectionWords(
            "缴费尚未开始",
            "Payment is not yet open",
            "缴费自 {since} 起。",
            "Payment opens on {since}.",
        ),
        "pay-closed": RejectionWords(
            "缴费已截止",
            "Payment is closed",
            "缴费已于 {until} 截止（含当日）。",
            "Payment closed on {until}, that day included.",
        ),
        "apply-not-yet-open": RejectionWords(
            "申请尚未开始",
            "Application is not yet open",
            "申请自 {since} 起。",
            "Application opens on {since}.",
        ),
        "apply-closed": RejectionWords(
            "申请已截止",
            "Application is closed",
            "申请已于 {until} 截止（含当日）。",
            "Application closed on {until}, that day included.",
        ),
        "register-not-yet-open": RejectionWords(
            "登记尚未开始",
            "Registration is not yet open",
            "登记自 {since} 起。",
            "Registration opens on {since}.",
        ),
        "register-closed": RejectionWords(
            "登记已截止",
            "Registration is closed",
            "登记已于 {until} 截止（含当日）。",
            "Registration closed on {until}, that day included.",
        ),
    },
)
