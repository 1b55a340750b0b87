"""A credit year of a place: open, then closed once and for all. Decisions are pure."""

from collections.abc import Iterable
from datetime import date, datetime

from msgspec import Struct

from services.kit.events import Event
from services.ledger.policy import Policy
from services.ledger.policy.language.days import ends
from services.ledger.years.events import YearClosed
from services.ledger.years.problems import YearAlreadyClosedError, YearNotOverError


class Closure(Struct, frozen=True, kw_only=True):
    """A year that was closed at a place and all under it: when, by whom, and by which clause."""

    place: str
    year: int
    last_day: date
    clause: str | None
    policy: str
    decided_by: str
    closed_at: datetime


def stream_of(place: str, year: int) -> str:
    """The stream of one year of a place in the log of its authority."""
    return f"year:{place}:{year}"


def evolve(closure: Closure | None, event: Event) -> Closure | None:
    """The year after one more event: None while it is open."""
    match event:
        case YearClosed():
            return Closure(
                place=event.place,
                year=event.year,
                last_day=event.last_day,
                clause=event.clause,
                policy=event.policy,
                decided_by=event.decided_by,
                closed_at=event.closed_at,
            )
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

    Raises YearAlreadyClosedError, and YearNotOverError with the day.
    """
    if closed_before is not None:
        raise YearAlreadyClosedError(place=closed_before.place, closed_at=closed_before.closed_at.isoformat())
    last_day = last_day_of((policy, *under))
    if now < ends(last_day):
        raise YearNotOverError(
            f"{policy.year} 年度的学习和登记至 {last_day.isoformat()} 为止，此后方可关闭。",
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
