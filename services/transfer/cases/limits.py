"""Which step of a moving profile has a last day, and when that is over: exact to the working day (S2C-05, S2C-16)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Final, NamedTuple

from services.kit.calendar import UnknownYear, add_working_days
from services.kit.clock import end_of_day, local_date
from services.transfer.cases.states import Kind, State

DESK_WORKING_DAYS = 10
"""How long each desk may take (S2C-05)."""
FETCH_WORKING_DAYS = 10
"""How long a destination may take to fetch what is offered; the clause says "periodically" (S2C-16)."""
CONFIRM_WORKING_DAYS = 20
"""How long the person may take to look the approved transfer up; no clause says (S2C-18)."""

ANSWER_WORKING_DAYS = 60
"""How long the origin waits for a destination that has fetched: longer than its desk and the person have together."""


class Limit(NamedTuple):
    """How many working days a state may last, and why the transfer is returned when they are over."""

    days: int
    reason: str


LIMITS: Final[Mapping[tuple[Kind, State], Limit]] = {
    (Kind.WITHIN, State.REQUESTED): Limit(DESK_WORKING_DAYS, "not_accepted_in_time"),
    (Kind.WITHIN, State.ACCEPTED): Limit(DESK_WORKING_DAYS, "not_decided_in_time"),
    (Kind.OUT, State.REQUESTED): Limit(DESK_WORKING_DAYS, "not_accepted_in_time"),
    (Kind.OUT, State.OFFERED): Limit(FETCH_WORKING_DAYS, "not_fetched_in_time"),
    (Kind.OUT, State.FETCHED): Limit(ANSWER_WORKING_DAYS, "not_answered_in_time"),
    (Kind.IN, State.RECEIVED): Limit(DESK_WORKING_DAYS, "not_decided_in_time"),
    (Kind.IN, State.APPROVED): Limit(CONFIRM_WORKING_DAYS, "not_confirmed_in_time"),
}


def due_on(kind: Kind, state: State, since: datetime) -> date | UnknownYear | None:
    """The last day of a state that began at `since`: None without a limit, UnknownYear when the calendar ends before."""
    limit = LIMITS.get((kind, state))
    return None if limit is None else add_working_days(local_date(since), limit.days)


def is_over(kind: Kind, state: State, since: datetime, now: datetime) -> bool:
    """Whether the last day has passed, to 24:00. A day nobody knows yet has not passed."""
    due = due_on(kind, state, since)
    return isinstance(due, date) and now >= end_of_day(due)


ON_THE_RELAY: Final = frozenset({(Kind.OUT, State.OFFERED), (Kind.OUT, State.FETCHED)})
"""Where the relay has to say whether the time is over: the destination may have been quicker."""


def last_day_within(days: int, now: datetime) -> date | None:
    """The day so many working days from now; None when it lies in a year whose calendar is not announced."""
    day = add_working_days(local_date(now), days)
    return day if isinstance(day, date) else None


@lru_cache(maxsize=256)
def began_before(days: int, last_day: date) -> datetime:
    """The moment before which a state of so many working days must have begun to end on `last_day` or earlier.

    Due days rise with the day of the beginning, so one comparison finds every row that is due.
    """
    day = last_day
    while True:
        due = add_working_days(day, days)
        if isinstance(due, date) and due <= last_day:
            return end_of_day(day)
        day -= timedelta(days=1)


def ended_before(days: int, now: datetime) -> datetime:
    """Steps of so many working days that began before this moment are over now."""
    return began_before(days, local_date(now) - timedelta(days=1))
