"""Time is handed in, never taken: services get a `Clock`; rules speak Shanghai time, storage speaks UTC."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

Clock = Callable[[], datetime]

SHANGHAI = ZoneInfo("Asia/Shanghai")


def utc_now() -> datetime:
    """The clock of a running service: this moment, aware, in UTC."""
    return datetime.now(UTC)


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
