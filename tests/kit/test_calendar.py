"""Working days against the State Council's own notices, and the honest answer where there is none yet."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import chinese_calendar.constants
import pytest

from services.kit.calendar import CalendarError, missing_year, read_calendar
from services.kit.clock import UnknownYear, add_working_days, announce, is_working_day, working_days_between

# From the yearly notices on 部分节假日安排: the weekend days that are worked.
SWAPPED = {
    2024: ["02-04", "02-18", "04-07", "04-28", "05-11", "09-14", "09-29", "10-12"],
    2025: ["01-26", "02-08", "04-27", "09-28", "10-11"],
    2026: ["01-04", "02-14", "02-28", "05-09", "09-20", "10-10"],
}
# The weekdays that are not worked.
FREE = {
    2024: ["01-01", "02-12", "02-16", "04-04", "05-01", "06-10", "09-17", "10-07"],
    2025: ["01-01", "01-28", "02-04", "04-04", "05-05", "06-02", "10-01", "10-08"],
    2026: ["01-01", "01-02", "02-16", "02-23", "04-06", "05-05", "06-19", "09-25", "10-07"],
}


def days(year: int, table: dict[int, list[str]]) -> list[date]:
    return [date.fromisoformat(f"{year}-{day}") for day in table[year]]


class TestIsWorkingDay:
    @pytest.mark.parametrize("year", [2024, 2025, 2026])
    def test_the_swapped_weekend_days_are_worked_and_no_other(self, year: int):
        first = date(year, 1, 1)
        every_day = [
            first + timedelta(days=n) for n in range(366) if (first + timedelta(days=n)).year == year
        ]
        worked_weekends = [day for day in every_day if day.weekday() > 4 and is_working_day(day) is True]
        assert worked_weekends == days(year, SWAPPED)

    @pytest.mark.parametrize("year", [2024, 2025, 2026])
    def test_holidays_on_weekdays_are_not_worked(self, year: int):
        for day in days(year, FREE):
            assert day.weekday() <= 4
            assert is_working_day(day) is False, day

    @pytest.mark.parametrize("year", [2024, 2025, 2026])
    def test_agrees_with_the_librarys_own_tables(self, year: int):
        for day in chinese_calendar.constants.workdays:
            if day.year == year:
                assert is_working_day(day) is True
        for day in chinese_calendar.constants.holidays:
            if day.year == year:
                assert is_working_day(day) is False

    def test_the_first_working_days_after_spring_festival(self):
        assert is_working_day(date(2025, 2, 4)) is False
        assert is_working_day(date(2025, 2, 5)) is True
        assert is_working_day(date(2026, 2, 23)) is False
        assert is_working_day(date(2026, 2, 24)) is True

    @pytest.mark.parametrize("year", [1, 2003, 2100, 9999])
    def test_a_year_without_a_calendar_is_said_to_be_unknown(self, year: int):
        assert is_working_day(date(year, 6, 1)) == UnknownYear(year)


class TestAddWorkingDays:
    def test_the_day_of_the_event_is_day_zero(self):
        assert add_working_days(date(2025, 3, 3), 0) == date(2025, 3, 3)
        assert add_working_days(date(2025, 3, 3), 1) == date(2025, 3, 4)

    def test_ten_days_from_a_monday_end_on_the_monday_two_weeks_later(self):
        assert add_working_days(date(2025, 3, 3), 10) == date(2025, 3, 17)

    def test_an_event_on_a_saturday_counts_from_the_monday_after(self):
        assert add_working_days(date(2025, 3, 1), 1) == date(2025, 3, 3)

    def test_a_worked_sunday_counts(self):
        assert add_working_days(date(2025, 1, 24), 1) == date(2025, 1, 26)

    def test_spring_festival_with_both_swapped_days(self):
        # 2025-01-26 (Sunday), 27, then 02-05, 06, 07, 08 (Saturday), 10, 11, 12, 13.
        assert add_working_days(date(2025, 1, 24), 10) == date(2025, 2, 13)

    def test_national_day(self):
        # 2024-09-29 (Sunday), 30, then 10-08 to 11, 12 (Saturday).
        assert add_working_days(date(2024, 9, 27), 7) == date(2024, 10, 12)

    def test_a_limit_that_reaches_into_an_unknown_year_is_unknown(self):
        last = max(chinese_calendar.constants.holidays).year
        assert add_working_days(date(last, 12, 28), 10) == UnknownYear(last + 1)

    def test_a_limit_that_just_stays_inside_is_known(self):
        assert add_working_days(date(2026, 12, 30), 1) == date(2026, 12, 31)

    def test_the_end_of_the_calendar_is_unknown_too(self):
        assert add_working_days(date.max, 1) == UnknownYear(10_000)

    def test_counting_backwards_is_refused(self):
        with pytest.raises(ValueError, match="forward"):
            add_working_days(date(2025, 3, 3), -1)


class TestWorkingDaysBetween:
    def test_is_the_inverse_of_adding(self):
        start = date(2025, 1, 20)
        for n in range(40):
            end = add_working_days(start, n)
            assert isinstance(end, date)
            assert working_days_between(start, end) == n

    def test_a_free_day_adds_nothing(self):
        assert working_days_between(date(2025, 3, 7), date(2025, 3, 9)) == 0

    def test_nothing_lies_before_the_start(self):
        assert working_days_between(date(2025, 3, 7), date(2025, 3, 3)) == 0

    def test_an_unknown_year_is_unknown(self):
        last = max(chinese_calendar.constants.holidays).year
        assert working_days_between(date(last, 12, 30), date(last + 1, 1, 10)) == UnknownYear(last + 1)


@pytest.fixture
def as_it_was() -> Iterator[None]:
    """The years of the library alone, afterwards."""
    yield
    announce({})


@pytest.mark.usefixtures("as_it_was")
class TestFile:
    def written(self, tmp_path: Path, text: str) -> Path:
        file = tmp_path / "calendar.yaml"
        file.write_text(text, encoding="utf-8")
        return file

    def test_makes_a_year_known_and_leaves_the_others_as_they_are(self, tmp_path: Path):
        assert is_working_day(date(2027, 1, 4)) == UnknownYear(2027)
        text = "2027: {holidays: [2027-01-01, 2027-10-01], workdays: [2027-10-09]}"
        announce(read_calendar(self.written(tmp_path, text)).years)
        worked = ["2027-01-01", "2027-01-04", "2027-10-01", "2027-10-09", "2027-10-10"]
        assert [is_working_day(date.fromisoformat(day)) for day in worked] == [
            False,
            True,
            False,
            True,
            False,
        ]
        assert add_working_days(date(2026, 12, 30), 3) == date(2027, 1, 5)
        assert is_working_day(date(2026, 2, 14)) is True
        assert is_working_day(date(2028, 1, 4)) == UnknownYear(2028)

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("2027: {holidays: [2026-01-01]}", "2026-01-01 is in another year"),
            ("2027: {holidays: [1 Jan]}", "a day is expected"),
            ("2027: {holidays: [2027-01-01], workdays: [2027-01-04]}", "2027-01-04 is a weekday"),
            ("2027: {holidays: [2027-10-09], workdays: [2027-10-09]}", "both a holiday and a working day"),
            ("2027: {holidays: []}", "none is named"),
            ("2027: {holiday: [2027-01-01]}", "`holidays` and `workdays` are expected"),
            ("next: {holidays: [2027-01-01]}", "a year is expected"),
            ("2027: {holidays: [", "line 1: not YAML"),
            ("- 2027", "years are expected"),
        ],
    )
    def test_that_is_wrong_says_where(self, tmp_path: Path, text: str, said: str):
        with pytest.raises(CalendarError, match=said):
            read_calendar(self.written(tmp_path, text))

    def test_is_told_from_another_by_its_digest(self, tmp_path: Path):
        one = read_calendar(self.written(tmp_path, "2027: {holidays: [2027-01-01]}")).digest
        other = read_calendar(self.written(tmp_path, "2027: {holidays: [2027-01-02]}")).digest
        assert one != other

    @pytest.mark.parametrize(
        ("day", "missing"), [("2026-10-31", None), ("2026-11-01", 2027), ("2025-12-31", None)]
    )
    def test_is_missed_from_november_on(self, day: str, missing: int | None):
        assert missing_year(date.fromisoformat(day)) == missing
