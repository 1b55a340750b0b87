"""Deadlines of reviews: working days by the State Council's calendar, the day of submission being day 0 (B-18)."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from services.kit.calendar import UnknownYear, add_working_days
from services.kit.clock import end_of_day, local_date, start_of_day

NEVER = datetime(1970, 1, 1, tzinfo=UTC)
"""Nothing was submitted before it."""
_LOOK_BACK_DAYS = 120
_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Limit:
    """So many working days, and the clause that says so (B-16)."""

    working_days: int
    clause: str


LIMITS = {"collection": Limit(5, "S2C-02"), "change": Limit(10, "S2C-04")}
"""By kind of case; of plans, reports and accounts the notices set none."""


def due_on(kind: str, submitted_at: datetime) -> date | UnknownYear:
    """The last day of the limit; UnknownYear when it reaches into a year whose calendar is not announced."""
    return add_working_days(local_date(submitted_at), LIMITS[kind].working_days)


def due_of(kind: str, submitted_at: datetime, now: datetime) -> dict[str, object]:
    """The limit of one case, and whether it has passed: it ends with its last day, at 24:00."""
    day, limit = due_on(kind, submitted_at), LIMITS[kind]
    unknown = isinstance(day, UnknownYear)
    return {
        "on": None if unknown else day,
        "working_days": limit.working_days,
        "clause": limit.clause,
        "unknown_year": day.year if isinstance(day, UnknownYear) else None,
        "late": not isinstance(day, UnknownYear) and now >= end_of_day(day),
    }


def late_before(kind: str, now: datetime) -> datetime:
    """Whatever was submitted before this moment is late; what was submitted since is not, as far as one can know."""
    today = local_date(now)
    if kind not in LIMITS:
        return NEVER
    for back in range(_LOOK_BACK_DAYS):
        day = today - back * _ONE_DAY
        due = add_working_days(day, LIMITS[kind].working_days)
        if not isinstance(due, UnknownYear) and due < today:
            return end_of_day(day)
    return start_of_day(today - _LOOK_BACK_DAYS * _ONE_DAY)
