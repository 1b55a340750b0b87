"""Working days by the State Council's calendar, swapped workdays included, as far as it has been announced.

A year's calendar is announced in the autumn before it. A question that reaches into a year without one is
answered with `UnknownYear`, never with a guess, which would move a legal limit by days.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import chinese_calendar

_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class UnknownYear:
    """The working days of this year have not been announced, or are older than the calendar reaches."""

    year: int


def is_working_day(day: date) -> bool | UnknownYear:
    """Whether offices work on this day: weekdays but for holidays, and the weekend days worked instead.

    Compare with `is True` where an unknown year must not pass for a working day.
    """
    try:
        return bool(chinese_calendar.is_workday(day))
    except NotImplementedError:
        return UnknownYear(day.year)


def add_working_days(day: date, n: int) -> date | UnknownYear:
    """The n-th working day after `day`; the day itself is day 0, working or not (B-18).

    A limit of n working days counted from `day` ends with the day returned, at 24:00. ValueError when n < 0.
    """
    if n < 0:
        raise ValueError("working days are counted forward")
    while n:
        if day == date.max:
            return UnknownYear(day.year + 1)
        day += _ONE_DAY
        working = is_working_day(day)
        if isinstance(working, UnknownYear):
            return working
        n -= working
    return day


def working_days_between(start: date, end: date) -> int | UnknownYear:
    """How many working days lie after `start`, up to and with `end`; 0 when `end` is not after `start`."""
    count = 0
    while start < end:
        start += _ONE_DAY
        working = is_working_day(start)
        if isinstance(working, UnknownYear):
            return working
        count += working
    return count
