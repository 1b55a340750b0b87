"""Days of the rules as moments: a window is open from the first moment of a day in Shanghai to 24:00 of another (A-11).

Every function here is total over `datetime.date`, so that no date a caller writes can make a judgement fail.
"""

import re
from datetime import UTC, date, datetime, timedelta, timezone
from functools import lru_cache

from services.kit.clock import SHANGHAI, end_of_day, start_of_day

ALWAYS = datetime.min.replace(tzinfo=UTC)
NEVER = datetime.max.replace(tzinfo=UTC)

_CHINA = timezone(timedelta(hours=8))
_RELATIVE = re.compile(r"Y([+-][0-9]{1,2})?-([0-9]{2})-([0-9]{2})", re.ASCII)
_ABSOLUTE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


def day_of(text: str, year: int) -> date | None:
    """The date that a notice's day means for a credit year (`Y+1-03-31`, `2025-03-31`); None when there is none."""
    try:
        if (relative := _RELATIVE.fullmatch(text)) is not None:
            offset, month, day = relative.groups()
            return date(year + int(offset or 0), int(month), int(day))
        return date.fromisoformat(text) if _ABSOLUTE.fullmatch(text) else None
    except ValueError:
        return None


def day_at(moment: datetime) -> date:
    """The calendar day in China at a moment, whatever zone it is written in."""
    try:
        return moment.astimezone(_CHINA).date()
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
