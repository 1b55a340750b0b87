"""Anomalies in one day of study: pure, and the same whatever the order of registration."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ledger.streams.anomaly import Studied, notice, rules_of

NOON = datetime(2025, 6, 1, 4, tzinfo=UTC)
LIAONING, TAIYUAN = rules_of("210102"), rules_of("140105")


def study(
    number: int, credits: str, *, provider: str = "a", minute: int = 0, hours: str | None = None
) -> Studied:
    return Studied(
        f"c-{number}",
        provider,
        NOON.replace(minute=minute, second=number % 60),
        Decimal(credits),
        Decimal(hours) if hours else None,
    )


class TestHours:
    @pytest.mark.parametrize(("credits", "noticed"), [("32.00", []), ("32.02", ["over_hours_per_day"])])
    def test_more_than_a_day_has_is_noticed(self, credits: str, noticed: list[str]):
        """S1-21: 32 class hours of 45 minutes are 24 hours, and no more than that."""
        assert [each.kind for each in notice([study(1, credits)], LIAONING)] == noticed

    def test_hours_that_were_reported_count_as_they_are(self):
        assert list(notice([study(1, "90.00", hours="20")], LIAONING)) == []
        [found] = notice([study(1, "1.00", hours="13"), study(2, "1.00", minute=9, hours="12")], LIAONING)
        assert (found.minutes, found.credit_ids) == (25 * 60, ("c-1", "c-2"))

    def test_a_credit_takes_as_long_as_its_place_says(self):
        """晋财会〔2021〕23号: three credits to a class hour."""
        assert list(notice([study(1, "90.00")], TAIYUAN)) == []
        assert [each.minutes for each in notice([study(1, "96.04")], TAIYUAN)] == [1440]


class TestSameMinute:
    def test_two_providers_at_one_minute_are_noticed(self):
        """S1-21."""
        [found] = notice([study(1, "1"), study(2, "1", provider="b"), study(3, "1", minute=1)], LIAONING)
        assert (found.kind, found.credit_ids) == ("same_minute", ("c-1", "c-2"))

    def test_one_provider_may_report_many_at_once(self):
        assert list(notice([study(1, "1"), study(2, "1")], LIAONING)) == []


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 3), st.integers(1, 40)), max_size=8),
    st.randoms(),
)
def test_the_order_of_registration_does_not_matter(days: list[tuple[str, int, int]], random: st.DataObject):
    told = [
        study(number, str(credits), provider=provider, minute=minute)
        for number, (provider, minute, credits) in enumerate(days)
    ]
    shuffled = list(told)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert list(notice(shuffled, LIAONING)) == list(notice(told, LIAONING))
