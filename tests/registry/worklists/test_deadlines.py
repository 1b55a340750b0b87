"""Five and ten working days by the State Council's calendar, swapped workdays included (S2C-02, S2C-04, B-18)."""

from datetime import UTC, date, datetime, timedelta

import pytest

from services.kit.clock import UnknownYear
from services.registry.worklists.worklists import KINDS, due_of, due_on, late_before


def at(text: str) -> datetime:
    """A moment in Shanghai."""
    return datetime.fromisoformat(f"{text}+08:00").astimezone(UTC)


class TestDueOn:
    @pytest.mark.parametrize(
        ("kind", "submitted", "due"),
        [
            # An ordinary week: the day of submission is day 0.
            ("collection", "2026-03-02T09:00", date(2026, 3, 9)),
            ("collection", "2026-03-02T23:59", date(2026, 3, 9)),
            ("collection", "2026-03-03T00:00", date(2026, 3, 10)),
            # National Day 2024: 1-7 October off, Sunday 29 September and Saturday 12 October worked.
            ("collection", "2024-09-27T10:00", date(2024, 10, 10)),
            ("collection", "2024-10-08T10:00", date(2024, 10, 14)),
            # Spring Festival 2025: 28 January to 4 February off, 26 January and 8 February worked.
            ("collection", "2025-01-24T10:00", date(2025, 2, 7)),
            ("collection", "2025-02-05T10:00", date(2025, 2, 11)),
            # National Day and Mid-Autumn 2025: 1-8 October off, 28 September and 11 October worked.
            ("collection", "2025-09-26T10:00", date(2025, 10, 10)),
            ("collection", "2025-10-09T10:00", date(2025, 10, 15)),
            # Spring Festival 2026: 15-23 February off, 14 and 28 February worked.
            ("collection", "2026-02-11T10:00", date(2026, 2, 25)),
            ("change", "2026-02-11T10:00", date(2026, 3, 3)),
            ("change", "2026-03-02T09:00", date(2026, 3, 16)),
        ],
    )
    def test_counts_working_days(self, kind: str, submitted: str, due: date) -> None:
        assert due_on(kind, at(submitted)) == due

    def test_an_unannounced_calendar_is_an_answer_of_its_own(self) -> None:
        assert due_on("collection", at("2035-12-29T10:00")) == UnknownYear(2035)
        due = due_of("change", at("2026-12-28T10:00"), at("2026-12-28T11:00"))
        assert (due["on"], due["unknown_year"], due["late"]) == (None, 2027, False)


class TestLate:
    def test_the_last_day_ends_at_midnight(self) -> None:
        submitted = at("2026-03-02T09:00")
        assert due_of("collection", submitted, at("2026-03-09T23:59"))["late"] is False
        assert due_of("collection", submitted, at("2026-03-10T00:00"))["late"] is True

    @pytest.mark.parametrize("kind", ["collection", "change"])
    def test_one_moment_parts_the_late_from_the_rest(self, kind: str) -> None:
        """What dashboards count is what each case says of itself, on every day of a year with its holidays."""
        for day in range(0, 330, 3):
            now = at("2025-02-01T12:00") + timedelta(days=day)
            cut = late_before(kind, now)
            for hours in range(0, 24 * 25, 7):
                submitted = now - timedelta(hours=hours)
                assert (submitted < cut) is due_of(kind, submitted, now)["late"]

    def test_a_kind_without_a_limit_is_never_late(self) -> None:
        assert late_before("plan", at("2026-03-02T09:00")).year == 1970


class TestEveryKindOnTheList:
    def test_waits_by_its_own_table_of_steps_for_whoever_decides_it(self):
        for kind, case in KINDS.items():
            deciding = [
                step.by for step in case.steps if step.by is case.decider and step.from_ & case.waiting
            ]

            assert deciding, kind
