"""A change of a collected person's information (信息变更, S2C-09): item by item, reviewed once, returned or approved.

The events name the items and carry what the ledger may know; names, numbers and contact, old and new, are in the vault.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from eventsourcing.domain import event

from services.kit.aggregates import Aggregate
from services.registry.actors import Actor
from services.registry.people.review_problems import ChangeNotPendingError
from services.registry.problems import OwnSubmissionError

SUBMITTED = "submitted"
RETURNED = "returned"
APPROVED = "approved"
WITHDRAWN = "withdrawn"
REVERSED = "reversed"

REVERSAL, SEPARATION = "reversal", "separation"
"""The two ways to undo an approved change: take it back, or give the second document to a person of their own."""

IDENTITY_ITEMS = frozenset({"name", "id_document"})
"""A name's hash is bound to the number, so these two stand and fall together."""


class Change(Aggregate):
    """One case of change. A person has one at a time: its first event claims the person's next number of cases."""

    TOPIC = "registry.Change"

    @classmethod
    def submit(
        cls,
        *,
        person_id: UUID,
        number: int,
        place: str,
        employer: str | None,
        items: Sequence[str],
        values: dict[str, Any],
        evidence: Sequence[str],
        by: Actor,
        at: datetime,
    ) -> "Change":
        """A new case; `values` holds what is not personal, and keyed hashes."""
        return cls(
            identity=f"change:{person_id}:{number}",
            person_id=str(person_id),
            number=number,
            place=place,
            employer=employer,
            items=sorted(items),
            values=values,
            evidence=list(evidence),
            submitted_by=by.subject,
            timestamp=at,
        )

    @event("ChangeSubmitted", topic="registry.ChangeSubmitted")
    def __init__(
        self,
        *,
        identity: str,
        person_id: str,
        number: int,
        place: str,
        employer: str | None,
        items: list[str],
        values: dict[str, Any],
        evidence: list[str],
        submitted_by: str,
        timestamp: datetime,
    ) -> None:
        self.person_id = person_id
        self.number = number
        self.former: dict[str, Any] = {}
        self._await_review(items, values, submitted_by)

    def resubmit(
        self,
        *,
        place: str,
        employer: str | None,
        items: Sequence[str],
        values: dict[str, Any],
        evidence: Sequence[str],
        by: Actor,
        at: datetime,
    ) -> None:
        """Submit again after a return, corrected (S2C-09). Raises ChangeNotPendingError in any other state."""
        if self.state != RETURNED:
            raise ChangeNotPendingError(self.state)
        self._resubmitted(
            person_id=self.person_id,
            place=place,
            employer=employer,
            items=sorted(items),
            values=values,
            evidence=list(evidence),
            submitted_by=by.subject,
            timestamp=at,
        )

    @event("ChangeResubmitted", topic="registry.ChangeResubmitted")
    def _resubmitted(
        self,
        *,
        person_id: str,
        place: str,
        employer: str | None,
        items: list[str],
        values: dict[str, Any],
        evidence: list[str],
        submitted_by: str,
        timestamp: datetime,
    ) -> None:
        self._await_review(items, values, submitted_by)

    def _await_review(self, items: list[str], values: dict[str, Any], submitted_by: str) -> None:
        self.state = SUBMITTED
        self.items = tuple(items)
        self.values = values
        self.submitted_by = submitted_by
        self.submitted_version = self.version

    def approve(self, *, place: str, former: dict[str, Any], by: Actor, at: datetime) -> None:
        """Accept it; `former` is what it replaces, for a reversal.

        Raises OutsidePlaceError, OwnSubmissionError, ChangeNotPendingError.
        """
        self._must_be_reviewable(place, by)
        self._approved(person_id=self.person_id, former=former, approved_by=by.subject, timestamp=at)

    @event("ChangeApproved", topic="registry.ChangeApproved")
    def _approved(
        self, *, person_id: str, former: dict[str, Any], approved_by: str, timestamp: datetime
    ) -> None:
        self.state = APPROVED
        self.former = former

    def return_to_submitter(self, *, place: str, reason: str, by: Actor, at: datetime) -> None:
        """Send it back with a reason (S2C-09). Raises as `approve` does."""
        self._must_be_reviewable(place, by)
        self._returned(person_id=self.person_id, reason=reason, returned_by=by.subject, timestamp=at)

    @event("ChangeReturned", topic="registry.ChangeReturned")
    def _returned(self, *, person_id: str, reason: str, returned_by: str, timestamp: datetime) -> None:
        self.state = RETURNED

    def withdraw(self, *, by: Actor, at: datetime) -> None:
        """Give it up before it is decided. Raises ChangeNotPendingError."""
        if self.state not in (SUBMITTED, RETURNED):
            raise ChangeNotPendingError(self.state)
        self._withdrawn(person_id=self.person_id, withdrawn_by=by.subject, timestamp=at)

    @event("ChangeWithdrawn", topic="registry.ChangeWithdrawn")
    def _withdrawn(self, *, person_id: str, withdrawn_by: str, timestamp: datetime) -> None:
        self.state = WITHDRAWN

    def reverse(
        self, *, place: str, cause: str, reason: str, separated_id: UUID | None, by: Actor, at: datetime
    ) -> None:
        """Undo an approved change that was wrong, by whose authority and why; nothing is deleted.

        Raises OutsidePlaceError, OwnSubmissionError, ChangeNotPendingError.
        """
        by.must_cover(place)
        if by.subject == self.submitted_by:
            raise OwnSubmissionError
        if self.state != APPROVED:
            raise ChangeNotPendingError(self.state)
        self._reversed(
            person_id=self.person_id,
            cause=cause,
            reason=reason,
            separated_id=None if separated_id is None else str(separated_id),
            authority=by.place or place,
            reversed_by=by.subject,
            timestamp=at,
        )

    @event("ChangeReversed", topic="registry.ChangeReversed")
    def _reversed(
        self,
        *,
        person_id: str,
        cause: str,
        reason: str,
        separated_id: str | None,
        authority: str,
        reversed_by: str,
        timestamp: datetime,
    ) -> None:
        self.state = REVERSED

    def _must_be_reviewable(self, place: str, by: Actor) -> None:
        by.must_cover(place)
        if by.subject == self.submitted_by:
            raise OwnSubmissionError
        if self.state != SUBMITTED:
            raise ChangeNotPendingError(self.state)
