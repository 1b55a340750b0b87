"""An exam's enrolment (考试报名): while one is open at a place, its collections are reviewed before others (S2C-06)."""

from collections.abc import Sequence
from datetime import date, datetime

from eventsourcing.domain import event

from contracts.divisions import chain_of
from services.kit.aggregates import Aggregate
from services.registry.streams.actor import Actor

FAST, ORDINARY = "fast", "ordinary"
FAST_KINDS = ("collection",)
"""The cases that whoever wants to enrol waits for."""


class ExamEnrolment(Aggregate):
    """The days on which an exam can be enrolled for at a place and under it, both included."""

    TOPIC = "registry.ExamEnrolment"

    @classmethod
    def set(cls, *, place: str, from_day: date, until_day: date, by: Actor, at: datetime) -> "ExamEnrolment":
        """An authority says when. Raises OutsidePlaceError."""
        by.must_cover(place, pointer="/place")
        return cls(place=place, from_day=from_day, until_day=until_day, set_by=by.subject, timestamp=at)

    @event("ExamEnrolmentSet", topic="registry.ExamEnrolmentSet")
    def __init__(
        self, *, place: str, from_day: date, until_day: date, set_by: str, timestamp: datetime
    ) -> None:
        self.place = place
        self.from_day = from_day
        self.until_day = until_day


def lane_in(kind: str, place: str, open_at: Sequence[str]) -> str:
    """The lane of a case, given where enrolment is open."""
    open_here = kind in FAST_KINDS and not set(chain_of(place)).isdisjoint(open_at)
    return FAST if open_here else ORDINARY
