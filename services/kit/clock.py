"""Clock and calendar: time is handed in, never taken; rules speak Shanghai time and its working days, storage speaks UTC."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import chinese_calendar

Clock = Callable[[], datetime]

SHANGHAI = ZoneInfo("Asia/Shanghai")


_MOVED_TO: ContextVar[datetime | None] = ContextVar("moved_to", default=None)


def utc_now() -> datetime:
    """The clock of a running service: this moment, aware, in UTC; in a sandbox the one that the caller moved it to."""
    return _MOVED_TO.get() or datetime.now(UTC)


def moved_to() -> datetime | None:
    """The moment to which the clock was moved for this request; None where it goes as it goes."""
    return _MOVED_TO.get()


@contextmanager
def clock_at(moment: datetime | None) -> Iterator[None]:
    """Move the clock of this task for the time of a block; None leaves it as it goes."""
    before = _MOVED_TO.set(moment)
    try:
        yield
    finally:
        _MOVED_TO.reset(before)


def local_date(moment: datetime) -> date:
    """The calendar day in Shanghai of an aware moment; a naive one is refused with ValueError."""
    if moment.utcoffset() is None:
        raise ValueError("a moment without a zone has no date")
    return moment.astimezone(SHANGHAI).date()


def start_of_day(day: date) -> datetime:
    """Midnight at which the day begins in Shanghai, as an aware UTC moment."""
    return datetime.combine(day, time(), SHANGHAI).astimezone(UTC)


def end_of_day(day: date) -> datetime:
    """The first moment after the day in Shanghai (24:00), as an aware UTC moment.

    Deadlines are inclusive: a moment is in time when `moment < end_of_day(deadline)`.
    """
    return start_of_day(day + timedelta(days=1))


_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class UnknownYear:
    """The working days of this year have not been announced, or are older than the calendar reaches."""

    year: int


SATURDAY = 5


@dataclass(frozen=True)
class AnnouncedYear:
    """A year of a calendar file: the days off that are holidays, and the weekend days that are worked."""

    holidays: frozenset[date]
    workdays: frozenset[date]


_announced: dict[int, AnnouncedYear] = {}


def announce(years: Mapping[int, AnnouncedYear]) -> None:
    """Let these years be known in this process, in the place of what the library says of them; and no others so."""
    _announced.clear()
    _announced.update(years)


def is_working_day(day: date) -> bool | UnknownYear:
    """Whether offices work on this day: weekdays but for holidays, and the weekend days worked instead.

    Compare with `is True` where an unknown year must not pass for a working day.
    """
    announced = _announced.get(day.year)
    if announced is not None:
        return day in announced.workdays or (day.weekday() < SATURDAY and day not in announced.holidays)
    return _in_the_library(day)


@lru_cache(maxsize=10_000)
def _in_the_library(day: date) -> bool | UnknownYear:
    """The library goes through all its holidays at each question, to see how far they reach."""
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
