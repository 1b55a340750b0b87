"""Hours into credits: the length of an hour, its rate, the most of a day, and what a day is worth."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ledger.policy import HourCredits, Rejected, credits_of_hours, hours_within
from services.ledger.policy.rules.units import UnitTerms
from tests.ledger.policy.builders import BEIJING, policy
from tests.ledger.policy.drafts import book, draft


def terms(**fields: Any) -> UnitTerms:
    found = policy(BEIJING, 2030, book(draft({"kind": "units", **fields}))).terms_of("online").units
    assert found is not None
    return found


class TestRates:
    @pytest.mark.parametrize(
        ("rate", "hours", "credits"),
        [
            (1, "30", "30.00"),
            ("2.5", "12", "30.00"),
            (3, "10", "30.00"),
            ("1.11", "0.5", "0.56"),
            ("0.33", "0.5", "0.17"),
            (3, "0.01", "0.03"),
        ],
    )
    def test_an_hour_is_worth_its_rate_with_two_places_halves_up(self, rate: Any, hours: str, credits: str):
        """C-09: hours and credits are different units."""
        answer = credits_of_hours(terms(hour_credits=rate), Decimal(hours), 1, "online")
        assert answer == HourCredits(Decimal(credits), "T-01")

    @pytest.mark.parametrize(
        ("hours", "days", "credits", "cut"),
        [("10", 1, "30.00", None), ("11", 1, "30.00", "3.00"), ("25", 2, "60.00", "15.00")],
    )
    def test_hours_beyond_the_most_of_a_day_are_not_converted_and_said(
        self, hours: str, days: int, credits: str, cut: str | None
    ):
        """晋财会〔2021〕23号: three credits an hour of 45 minutes, ten hours a day at most."""
        shanxi = terms(hour_minutes=45, hour_credits=3, day_hours_max=10)
        left_out = Decimal(cut) if cut is not None else None
        answer = credits_of_hours(shanxi, Decimal(hours), days, "online")
        assert answer == HourCredits(Decimal(credits), "T-01", left_out)

    def test_a_day_may_have_its_credits_whatever_its_hours(self):
        answer = credits_of_hours(terms(day_credits=18), Decimal("5.5"), 2, "online")
        assert answer == HourCredits(Decimal("36.00"), "T-01")

    def test_hours_that_no_clause_converts_are_refused(self):
        assert credits_of_hours(None, Decimal(6), 1, "online") == Rejected(
            "hours-not-converted", None, {"mode": "online"}
        )
        only_length = terms(hour_minutes=45)
        answer = credits_of_hours(only_length, Decimal(6), 1, "online")
        assert answer == Rejected("hours-not-converted", "T-01", {"mode": "online"})

    def test_no_hours_are_no_credits(self):
        answer = credits_of_hours(terms(hour_credits=3), Decimal(0), 1, "online")
        assert answer == Rejected("credits-not-positive")

    @pytest.mark.parametrize(("minutes", "most"), [(45, "4"), (50, "3.6"), (60, "3")])
    def test_three_hours_of_the_clock_hold_so_many_hours_of_study(self, minutes: int, most: str):
        assert hours_within(terms(hour_minutes=minutes), 180) == Decimal(most)
        assert hours_within(None, 180) is None

    def test_each_number_is_inherited_by_itself_and_by_mode(self):
        wide = draft({"kind": "units", "hour_minutes": 45, "hour_credits": 3})
        narrow = draft(
            {"kind": "units", "modes": ["face_to_face"], "hour_credits": 2},
            name="beijing-2030-more",
            issued_on="2030-02-01",
        )
        here = policy(BEIJING, 2030, book(wide, narrow))
        online, taught = here.terms_of("online").units, here.terms_of("face_to_face").units
        assert online is not None
        assert taught is not None
        assert (online.hour_credits, taught.hour_credits) == (Decimal(3), Decimal(2))
        assert taught.hour_minutes == 45


class TestProperties:
    @given(st.decimals("0.01", "999", places=2), st.integers(1, 30), st.decimals("0.01", "10", places=2))
    def test_more_hours_are_never_fewer_credits(self, hours: Decimal, days: int, rate: Decimal):
        shanxi = UnitTerms(45, rate, Decimal(10), None, "T-01")
        few, more = (credits_of_hours(shanxi, h, days, "online") for h in (hours, hours + 1))
        assert isinstance(few, HourCredits)
        assert isinstance(more, HourCredits)
        assert few.credits <= more.credits <= Decimal(10) * days * rate
