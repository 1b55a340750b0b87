"""A collection (信息采集) as a case: the states of a person's record, and the steps an official takes."""

from services.kit.review import Case, Role, Step
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
DEPARTED = "departed"
"""The profile is kept by an authority of another deployment; what happened here stays readable."""

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
)
"""The two reviews of a collection, by different officials, neither of them the submitter (S2C-08); an official ends one
that is in somebody else's number.
"""
