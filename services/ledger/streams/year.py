"""A credit year of a place: open, then closed once and for all; and what still enters it afterwards (B-07). Decisions
are pure.

A close raises the log's generation. A writer decides under the closures it knows and names their generation when it
appends: when a year was closed in between, nothing is stored and it decides again. So a close and a batch that meet
are one before the other, at no cost to the batch."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import ClassVar, Literal

from msgspec import Struct

from contracts.divisions import chain_of, contains
from services.kit.clock import local_date
from services.kit.errors import Problem
from services.kit.events import Event
from services.kit.pydantic_models import view
from services.ledger.policy import Account, Policy, Rejected
from services.ledger.policy.judging.requirements import deferral_on
from services.ledger.policy.language.days import ends
from services.ledger.policy.language.words import day_zh
from services.ledger.streams.problems import refusal_of


class YearNotOverError(Problem):
    """Windows of the place, or of a place under it, are still open; `last_day` is the last of them."""

    code: ClassVar[str] = "year-not-over"
    status: ClassVar[int] = 409
    title_zh: ClassVar[str] = "该年度尚未结束"
    title_en: ClassVar[str] = "The year is not over"


class YearAlreadyClosedError(Problem):
    """The year was closed before, at `place`: here, or above."""

    code: ClassVar[str] = "year-already-closed"
    status: ClassVar[int] = 409
    title_zh: ClassVar[str] = "该年度已关闭"
    title_en: ClassVar[str] = "The year is closed already"


class YearUndecidedError(Problem):
    """No notice of the year is published yet, nor has the authority said that none will come: nothing closes it (B-20)."""

    code: ClassVar[str] = "year-undecided"
    status: ClassVar[int] = 409
    title_zh: ClassVar[str] = "该年度通知尚未公布"
    title_en: ClassVar[str] = "The notice of the year is not published yet"


class YearNotClosedError(Problem):
    """The year is still open: its archive does not exist yet, and what is missing comes in by the ordinary ways."""

    code: ClassVar[str] = "year-not-closed"
    status: ClassVar[int] = 409
    title_zh: ClassVar[str] = "该年度尚未关闭"
    title_en: ClassVar[str] = "The year is not closed yet"


class Closure(Struct, frozen=True, kw_only=True):
    """A year that was closed at a place and all under it: when, by whom, and by which clause.

    `last_day` is the last day of study or registration that any notice of the place set; `clause` the one that speaks of
    what follows, None where the notice is silent.
    """

    place: str
    year: int
    last_day: date
    clause: str | None
    policy: str
    decided_by: str
    closed_at: datetime


class YearClosed(Closure, Event, frozen=True, kw_only=True):
    """An authority closed a credit year for a place and all under it (S2A-08, B-07)."""

    TOPIC: ClassVar[str] = "ledger.YearClosed"


def stream_of(place: str, year: int) -> str:
    """The stream of one year of a place in the log of its authority."""
    return f"year:{place}:{year}"


def evolve(closure: Closure | None, event: Event) -> Closure | None:
    """The year after one more event: None while it is open."""
    match event:
        case YearClosed():
            return view(Closure, event)
        case _:
            return closure


def last_day_of(policies: Iterable[Policy]) -> date:
    """The last day on which any of the policies lets somebody study, or register what was studied, in the year itself."""
    days = [
        span.until
        for policy in policies
        for span in (policy.any_mode.study, *policy.spans)
        if span.act in ("study", "register") and span.until is not None
    ]
    return max(days)


def close(
    policy: Policy,
    under: Iterable[Policy],
    closed_before: Closure | None,
    *,
    decided_by: str,
    now: datetime,
) -> YearClosed:
    """Close the year of the policy's place, once every window of it and of the places under it has ended.

    Raises YearAlreadyClosedError, YearUndecidedError, and YearNotOverError with the day.
    """
    if closed_before is not None:
        raise YearAlreadyClosedError(place=closed_before.place, closed_at=closed_before.closed_at.isoformat())
    if policy.provisional:
        raise YearUndecidedError
    last_day = last_day_of((policy, *under))
    if now < ends(last_day):
        raise YearNotOverError(
            f"{policy.year}年度的学习和登记至{day_zh(last_day)}为止，此后方可关闭。",
            f"Study and registration for {policy.year} last until {last_day.isoformat()}; it may be closed afterwards.",
            last_day=last_day.isoformat(),
        )
    archive = policy.settings.get("archive")
    return YearClosed(
        place=policy.place,
        year=policy.year,
        last_day=last_day,
        clause=archive.clause if archive is not None else None,
        policy=policy.hash,
        decided_by=decided_by,
        closed_at=now,
    )


class Closures(Struct, frozen=True):
    """Which years are closed in one log, by year and place, and the generation of the log that this holds for.

    Without a generation nothing is known, and no append depends on it.
    """

    generation: int | None = None
    by_year: Mapping[int, Mapping[str, Closure]] = {}

    def find(self, place: str, year: int) -> Closure | None:
        """The close that binds a place in a year: its own, or the nearest above it; None while the year is open."""
        places = self.by_year.get(year)
        if places is None:
            return None
        return next((places[code] for code in chain_of(place) if code in places), None)

    def within(self, place: str, year: int) -> Closure | None:
        """The close that binds a place in a year, or else the first one of a place under it."""
        found = self.find(place, year)
        if found is not None:
            return found
        under = (
            closure for code, closure in sorted(self.by_year.get(year, {}).items()) if contains(place, code)
        )
        return next(under, None)

    def over(self, place: str, account: Account, now: datetime) -> Closure | None:
        """The close that binds an account now; None too for somebody who was given more time (A-14)."""
        if not self.by_year:
            return None
        closure = self.find(place, account.year)
        if closure is None or account.deferred is None:
            return closure
        return None if deferral_on(account, local_date(now)) is not None else closure


OPEN = Closures()


def year_closed(closure: Closure) -> Rejected:
    """Why nothing but make-up and corrections enters any more (B-07)."""
    details = {
        "place": closure.place,
        "year": str(closure.year),
        "closed_on": local_date(closure.closed_at).isoformat(),
    }
    return Rejected("year-closed", closure.clause, details)


def make_up_is_open(policy: Policy | None, mode: str, now: datetime) -> bool:
    """Whether the year may be made up by study that providers report now, so that enrolments and exams still matter."""
    return policy is not None and any(
        window.channel == "automatic"
        and (window.modes is None or mode in window.modes)
        and window.begins <= now < window.ends
        for window in policy.make_up
    )


CorrectionReason = Literal[
    "handed_in_before_close", "reported_late", "wrong_record", "objection_upheld", "other"
]
"""Why an official changes a closed year."""


def correction_in(
    closures: Closures,
    place: str,
    account: Account,
    now: datetime,
    *,
    make_up: bool,
    correction: CorrectionReason | None,
) -> CorrectionReason | None:
    """The reason with which credits that come now are marked: None while the year is open, and for make-up.

    Raises the refusal `year-closed` when the year is closed and nobody gives a reason.
    """
    closure = closures.over(place, account, now)
    if closure is None or make_up:
        return None
    if correction is None:
        raise refusal_of(year_closed(closure))
    return correction
