"""Credits of one row of a roster, by the days of its training."""

from datetime import UTC, date, datetime
from decimal import Decimal

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from services.ledger.cases.roster_credits import TrainingDay, days_of
from services.ledger.policy import Policy
from services.ledger.streams.filing import Session, TrainingFiling
from tests.ledger.filled import filled
from tests.ledger.policy.builders import BEIJING
from tests.ledger.policy.drafts import book, draft

UNITS = {"kind": "units", "hour_credits": 3}


def policy() -> Policy:
    found = book(draft(UNITS)).resolve(BEIJING, 2030)
    assert found is not None
    return found


def training(*hours: int) -> TrainingFiling:
    """A training from 2 June on, of so many hours a day, whose hours the policy converts."""
    sessions = tuple(
        Session(
            starts_at=datetime(2030, 6, day, 0, tzinfo=UTC),
            ends_at=datetime(2030, 6, day, 10, tzinfo=UTC),
            hours=Decimal(number),
        )
        for day, number in enumerate(hours, start=2)
    )
    filing = filled(TrainingFiling)
    return msgspec.structs.replace(
        filing, sessions=sessions, conversion=None, mode="face_to_face", place=BEIJING, year=2030
    )


def days(filing: TrainingFiling, hours: str) -> tuple[TrainingDay, ...]:
    return days_of(filing, (), Decimal(hours), policy(), date(2030, 7, 1))


class TestHoursToldAsOneSum:
    """B-22: they are spread over the days of the training, so that a day's cap is each day's own."""

    def test_are_of_all_its_days(self):
        earned = days(training(6, 6, 6, 6, 6), "30")
        assert [(one.day.day, one.credits) for one in earned] == [(day, Decimal(18)) for day in range(2, 7)]

    @given(st.lists(st.integers(1, 9), min_size=1, max_size=6), st.data())
    def test_no_day_has_more_than_was_planned_and_nothing_is_lost(
        self, planned: list[int], data: st.DataObject
    ):
        hours = data.draw(st.decimals(Decimal("0.01"), sum(planned), places=2))
        earned = days(training(*planned), str(hours))
        assert sum(one.credits for one in earned) == hours * 3
        assert all(one.credits <= planned[one.day.day - 2] * 3 + Decimal("0.03") for one in earned)
