"""Anomalies as a projection: on a day on which thousands of records came, one more costs as much as on any other."""

import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import FrameType

from services.ledger.counting.anomaly_projection import DaySums
from services.ledger.store.anomalies import StudyDay
from services.ledger.streams.account_events import CreditEarned
from services.ledger.streams.anomaly import Studied
from services.ledger.streams.filing_terms import Courses
from tests.ledger.policy.builders import credit

NOON = datetime(2025, 5, 6, 4, tzinfo=UTC)
FEW, MANY = 100, 6_000
"""An event calls some twenty functions; to look at every record of even the smaller day would take more than there are."""


def calls(act: Callable[[], object]) -> int:
    """How many functions an act calls, those written in C included."""
    counted = 0

    def count(_frame: FrameType, event: str, _arg: object) -> None:
        nonlocal counted
        counted += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        act()
    finally:
        sys.setprofile(None)
    return counted


def day_of(size: int) -> DaySums:
    """A day of far more study than a day has hours, some of it in the same minute."""
    studied = [
        Studied(f"c{n}", f"provider-{n % 7}", NOON + timedelta(minutes=n % 60), Decimal(1), Decimal(8))
        for n in range(size)
    ]
    return DaySums("210000", ("person-1", NOON.date()), StudyDay("210102", studied), {})


def earned(number: int) -> CreditEarned:
    return CreditEarned(
        completion_id=f"r{number}",
        credit_id=f"new-{number}",
        person_id="person-1",
        year=2025,
        provider_id="provider-1",
        place="210102",
        clause="S1-07",
        policy="p",
        category="professional",
        credits=Decimal(1),
        mode="online",
        completed_at=NOON,
        registered_at=NOON,
    )


def test_an_event_costs_the_same_however_much_was_studied_that_day() -> None:
    few, many = day_of(FEW), day_of(MANY)
    few.add(earned(1), NOON)
    many.add(earned(1), NOON)
    for size, day in ((FEW, few), (MANY, many)):
        assert calls(lambda day=day: day.add(earned(2), NOON)) < FEW, size
        assert calls(lambda day=day: day.remove("c5", NOON)) < FEW, size


def test_a_day_is_written_once_with_all_that_it_is_about() -> None:
    day = day_of(FEW)
    for number in range(3):
        day.add(earned(number), NOON)
    day.remove("c5", NOON)
    day.write()
    assert len(day.as_stored().studied) == FEW + 2
    for anomaly in day.noticed():
        assert "new-2" in anomaly.credit_ids
        assert "c5" not in anomaly.credit_ids
        assert anomaly.minutes > 0


def test_a_record_is_looked_for_among_those_of_its_course_alone() -> None:
    """Whether a course was studied already is asked of every record that is posted."""
    few, many = Courses(), Courses()
    held = {size: [credit(number=str(n), course=f"K{n}") for n in range(size)] for size in (FEW, MANY)}
    assert [each.course for each in few.of(held[FEW], "K7")] == ["K7"]
    assert [each.course for each in many.of(held[MANY], "K7")] == ["K7"]
    for size in (FEW, MANY):
        held[size].append(credit(number="again", course="K7"))
    assert calls(lambda: many.of(held[MANY], "K7")) == calls(lambda: few.of(held[FEW], "K7"))
    assert len(many.of(held[MANY], "K7")) == 2
    assert many.of([], "K7") == []
