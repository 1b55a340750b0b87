"""Days begin and end in Shanghai; moments are kept in UTC."""

from datetime import UTC, date, datetime, timedelta

import pytest

from services.kit.clock import end_of_day, local_date, start_of_day, utc_now


def test_the_clock_speaks_utc():
    assert utc_now().utcoffset() == timedelta(0)


def test_a_day_in_shanghai_begins_at_16_the_day_before_in_utc():
    assert local_date(datetime(2025, 12, 31, 15, 59, 59, tzinfo=UTC)) == date(2025, 12, 31)
    assert local_date(datetime(2025, 12, 31, 16, tzinfo=UTC)) == date(2026, 1, 1)


def test_a_deadline_is_inclusive_to_24_hours():
    deadline = date(2025, 12, 31)

    assert end_of_day(deadline) == datetime(2025, 12, 31, 16, tzinfo=UTC) == start_of_day(date(2026, 1, 1))
    assert local_date(end_of_day(deadline) - timedelta(microseconds=1)) == deadline
    assert local_date(end_of_day(deadline)) > deadline


def test_a_moment_without_a_zone_has_no_date():
    with pytest.raises(ValueError, match="zone"):
        local_date(datetime(2025, 12, 31))  # noqa: DTZ001 - what must be refused
