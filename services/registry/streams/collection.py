"""A collection (信息采集) as a case, and the exam enrolment (考试报名) that lets one pass first."""

from collections.abc import Sequence
from datetime import date, datetime

from eventsourcing.domain import event

from contracts.divisions import chain_of
from services.kit.aggregates import Aggregate
from services.kit.review import Case, Role, Step
from services.registry.streams.actor import Actor
from services.registry.streams.problems import CollectionNotPendingError, OwnSubmissionError

SUBMITTED = "submitted"
INITIALLY_PASSED = "initially_passed"
RETURNED = "returned"
COLLECTED = "collected"
ERASED = "erased"
ENDED = "ended"
"""Ended by an official before it was collected, as it is not the person's own: the document is free again."""
ARRIVING = "arriving"
"""Taken in for a transfer from another authority that is not completed yet (S2C-17)."""
DROPPED = "dropped"
"""Taken in for a transfer that came to nothing: nobody is on record."""
MERGED = "merged"
"""Another profile of the same person, which this one is part of now."""
DEPARTED = "departed"
"""The profile is kept by an authority of another deployment; what happened here stays readable."""

REHASHED = frozenset({SUBMITTED, INITIALLY_PASSED, RETURNED, COLLECTED, ARRIVING, MERGED, DEPARTED})
"""Whose hashes are derived anew: everybody who is, may become or may again become somebody on record."""

INITIAL, FINAL = "initial", "final"
"""The two steps of a review, 初审 and 复审 (S2C-08)."""

REVIEWER = Role("collection:review")


def _review(name: str, how: str, before: str, to: str) -> Step:
    operation = f"review_collection_{how}"
    path = f"{name}-review"
    return Step(name, path, frozenset({before}), to, REVIEWER, never_own=True, operation=operation)


CASE: Case[object] = Case(
    "collection",
    (
        _review(INITIAL, "initially", SUBMITTED, INITIALLY_PASSED),
        _review(FINAL, "finally", INITIALLY_PASSED, COLLECTED),
        Step("end", "end", frozenset({SUBMITTED, INITIALLY_PASSED, RETURNED}), ENDED, REVIEWER),
    ),
    wrong_state=CollectionNotPendingError,
    own=OwnSubmissionError,
    waiting=frozenset({SUBMITTED, INITIALLY_PASSED}),
    decider=REVIEWER,
)
"""The two reviews of a collection, by different officials, neither of them the submitter (S2C-08); an official ends one
that is in somebody else's number.
"""

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
