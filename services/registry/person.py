"""A person of the accounting profession, from the first submission of their information (信息采集) on.

The events hold opaque ids, keyed hashes, places and dates; the name and the number are in the vault.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID

from eventsourcing.domain import event

from services.kit.aggregates import Aggregate
from services.registry.actors import Actor
from services.registry.problems import CollectionExistsError, CollectionNotPendingError, OwnSubmissionError

SUBMITTED = "submitted"
RETURNED = "returned"
COLLECTED = "collected"


@dataclass(frozen=True)
class Profile:
    """What is known of a person without naming them (S2C-03): place of work, employer, qualification."""

    name_hash: str
    place: str
    employer: str | None
    student: bool
    level: str | None
    obtained_on: date | None
    working_since: date | None


class Person(Aggregate):
    """One person. Their collection is submitted, then returned with a reason or approved (S2C-01, S2C-08)."""

    TOPIC = "registry.Person"

    @classmethod
    def submit(
        cls, *, collection_id: UUID, identity_hash: str, profile: Profile, by: Actor, at: datetime
    ) -> "Person":
        """The first submission for this identity."""
        return cls(
            identity=identity_of(identity_hash),
            identity_hash=identity_hash,
            collection_id=str(collection_id),
            submitted_by=by.subject,
            timestamp=at,
            **vars(profile),
        )

    @event("CollectionSubmitted", topic="registry.CollectionSubmitted")
    def __init__(
        self,
        *,
        identity: str,
        identity_hash: str,
        collection_id: str,
        name_hash: str,
        place: str,
        employer: str | None,
        student: bool,
        level: str | None,
        obtained_on: date | None,
        working_since: date | None,
        submitted_by: str,
        timestamp: datetime,
    ) -> None:
        self.identity_hash = identity_hash
        self.collection_id = collection_id
        self.state = SUBMITTED
        self.profile = Profile(name_hash, place, employer, student, level, obtained_on, working_since)
        self.submitted_by = submitted_by
        self.submitted_at = timestamp
        self.decided_by: str | None = None
        self.decided_at: datetime | None = None
        self.reason: str | None = None
        self.transfers: frozenset[str] = frozenset()

    def resubmit(self, *, profile: Profile, by: Actor, at: datetime) -> None:
        """Submit again after a return (S2C-08). Raises CollectionExistsError in any other state."""
        if self.state != RETURNED:
            raise CollectionExistsError(self.state)
        self._resubmitted(submitted_by=by.subject, timestamp=at, **vars(profile))

    @event("CollectionResubmitted", topic="registry.CollectionResubmitted")
    def _resubmitted(
        self,
        *,
        name_hash: str,
        place: str,
        employer: str | None,
        student: bool,
        level: str | None,
        obtained_on: date | None,
        working_since: date | None,
        submitted_by: str,
        timestamp: datetime,
    ) -> None:
        self.state = SUBMITTED
        self.profile = Profile(name_hash, place, employer, student, level, obtained_on, working_since)
        self.submitted_by = submitted_by
        self.submitted_at = timestamp
        self.decided_by = self.decided_at = self.reason = None

    def approve(self, *, by: Actor, at: datetime) -> None:
        """Take the submission as the person's information.

        Raises OutsidePlaceError, OwnSubmissionError, CollectionNotPendingError.
        """
        self._must_be_reviewable(by)
        self._collected(
            identity_hash=self.identity_hash,
            collection_id=self.collection_id,
            approved_by=by.subject,
            timestamp=at,
            **vars(self.profile),
        )

    @event("InfoCollected", topic="registry.InfoCollected")
    def _collected(
        self,
        *,
        identity_hash: str,
        collection_id: str,
        name_hash: str,
        place: str,
        employer: str | None,
        student: bool,
        level: str | None,
        obtained_on: date | None,
        working_since: date | None,
        approved_by: str,
        timestamp: datetime,
    ) -> None:
        self.state = COLLECTED
        self.profile = Profile(name_hash, place, employer, student, level, obtained_on, working_since)
        self.decided_by = approved_by
        self.decided_at = timestamp

    def return_to_submitter(self, *, reason: str, by: Actor, at: datetime) -> None:
        """Send the submission back with a reason (S2C-08). Raises as `approve` does."""
        self._must_be_reviewable(by)
        self._returned(reason=reason, returned_by=by.subject, timestamp=at)

    @event("CollectionReturned", topic="registry.CollectionReturned")
    def _returned(self, *, reason: str, returned_by: str, timestamp: datetime) -> None:
        self.state = RETURNED
        self.reason = reason
        self.decided_by = returned_by
        self.decided_at = timestamp

    def move(self, *, transfer_id: str, place: str, employer: str | None, at: datetime) -> None:
        """Keep the profile at another place from now on, as a transfer was completed there (S2C-12).

        Both desks have decided, so there is nothing left to refuse; a transfer heard of before changes nothing.
        """
        if transfer_id not in self.transfers:
            self._moved(transfer_id=transfer_id, place=place, employer=employer, timestamp=at)

    @event("ProfileMoved", topic="registry.ProfileMoved")
    def _moved(self, *, transfer_id: str, place: str, employer: str | None, timestamp: datetime) -> None:
        self.transfers |= {transfer_id}
        # Whoever moves names the new employer, or is a student and has none (S2C-10).
        self.profile = replace(self.profile, place=place, employer=employer, student=employer is None)

    def _must_be_reviewable(self, by: Actor) -> None:
        by.must_cover(self.profile.place)
        if by.subject == self.submitted_by:
            raise OwnSubmissionError
        if self.state != SUBMITTED:
            raise CollectionNotPendingError(self.state)


def identity_of(identity_hash: str) -> str:
    """The identity under which a person's first event is stored: one person for each document, for ever."""
    return f"person:{identity_hash}"
