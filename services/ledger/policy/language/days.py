"""Days of the rules as moments: a window is open from the first moment of a day in Shanghai to 24:00 of another (A-11).

Every function here is total over `datetime.date`, so that no date a caller writes can make a judgement fail.
"""

import re
from calendar import monthrange
from datetime import UTC, date, datetime, timedelta, timezone
from functools import lru_cache
from typing import Literal

from msgspec import Struct

from services.kit.clock import SHANGHAI, end_of_day, start_of_day

ALWAYS = datetime.min.replace(tzinfo=UTC)
NEVER = datetime.max.replace(tzinfo=UTC)

_AHEAD = timedelta(hours=8)
_CHINA = timezone(_AHEAD)
_RELATIVE = re.compile(r"Y([+-][0-9]{1,2})?-([0-9]{2})-([0-9]{2}|end)", re.ASCII)
_END_OF_MONTH = re.compile(r"([0-9]{4})-([0-9]{2})-end", re.ASCII)
_SINCE_ISSUE = re.compile(r"issue\+([0-9]{1,3})d", re.ASCII)
_SINCE = re.compile(r"(enrolment|completion)\+([0-9]{1,3})d", re.ASCII)
_ABSOLUTE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


class Span(Struct, frozen=True):
    """Days of an act, both included, with the clause that sets each end; `begins` and `ends` are the moments."""

    act: str
    mode: str | None
    since: date | None
    until: date | None
    begins: datetime
    ends: datetime
    since_clause: str | None
    until_clause: str | None


def day_of(text: str, year: int, issued: date | None = None) -> date | None:
    """The date that a notice's day means for a credit year (`Y+1-03-31`, `2025-03-31`, `Y+1-02-end`); None where there is
    none.

    `issue+30d` counts from the day the notice is dated, that day being day 0.
    """
    try:
        if (since := _SINCE_ISSUE.fullmatch(text)) is not None:
            return issued + timedelta(days=int(since[1])) if issued is not None else None
        if (relative := _RELATIVE.fullmatch(text)) is not None:
            offset, month, day = relative.groups()
            return _day(year + int(offset or 0), int(month), day)
        if (absolute := _END_OF_MONTH.fullmatch(text)) is not None:
            return _day(int(absolute[1]), int(absolute[2]), "end")
        return date.fromisoformat(text) if _ABSOLUTE.fullmatch(text) else None
    except (ValueError, OverflowError):
        return None


def _day(year: int, month: int, day: str) -> date:
    return date(year, month, monthrange(year, month)[1] if day == "end" else int(day))


def days_after(what: Literal["enrolment", "completion"], text: str) -> int | None:
    """The days that `enrolment+180d` or `completion+90d` gives; None for a day of the calendar, or after the other."""
    found = _SINCE.fullmatch(text)
    return int(found[2]) if found is not None and found[1] == what else None


def is_personal(text: str) -> bool:
    """Whether a day is counted from what a person did."""
    return _SINCE.fullmatch(text) is not None


def later(day: date, days: int) -> date:
    """The day so many days after, day 0 being the day itself; the last day a calendar can hold is the last."""
    try:
        return day + timedelta(days=days)
    except OverflowError:
        return date.max


def day_at(moment: datetime) -> date:
    """The calendar day in China at a moment, whatever zone it is written in."""
    try:
        # Adding the hours is a tenth of the cost of changing the zone, and nearly every moment is in UTC.
        return (moment + _AHEAD if moment.tzinfo is UTC else moment.astimezone(_CHINA)).date()
    except OverflowError:
        return moment.date()


@lru_cache(maxsize=8192)
def begins(day: date | None) -> datetime:
    """The first moment of the day in Shanghai, in UTC; no day, or one no clock can express, begins always."""
    try:
        return start_of_day(day) if day is not None else ALWAYS
    except OverflowError:
        return ALWAYS


@lru_cache(maxsize=8192)
def ends(day: date | None) -> datetime:
    """The first moment after the day in Shanghai (24:00), in UTC: in time is `moment < ends(day)`. No day never ends."""
    try:
        return end_of_day(day) if day is not None else NEVER
    except OverflowError:
        return NEVER


@lru_cache(maxsize=8192)
def last_second(day: date) -> datetime:
    """The last whole second of the day, written in Shanghai time: what a deadline shows to people."""
    return datetime(day.year, day.month, day.day, 23, 59, 59, tzinfo=SHANGHAI)


def day_after(day: date) -> date:
    """The next day; the last day a calendar can hold is followed by itself."""
    return day + timedelta(days=1) if day < date.max else day
