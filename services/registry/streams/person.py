"""A person of the accounting profession, from the first submission of their information (信息采集) on.

The events hold opaque ids, keyed hashes, places and dates; the name and the number are in the vault.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from eventsourcing.domain import event

from services.kit.aggregates import Aggregate
from services.registry.streams.actor import Actor
from services.registry.streams.change import REHASH
from services.registry.streams.collection import (
    ARRIVING,
    CASE,
    COLLECTED,
    DEPARTED,
    DROPPED,
    ENDED,
    ERASED,
    INITIAL,
    INITIALLY_PASSED,
    MERGED,
    RETURNED,
    SUBMITTED,
)
from services.registry.streams.problems import (
    CollectionContestedError,
    CollectionExistsError,
    NotCollectedError,
    PersonErasedError,
    SameReviewerError,
)
from services.registry.streams.profile import (
    Profile,
    claimant_of,
    facts_of,
    identity_of,
    moved_to,
    profile_of,
)


class Person(Aggregate):
    """One person. Their collection is submitted, passes two reviews by different officials, or is returned with a
    reason and submitted again (S2C-01, S2C-08); later their information changes (S2C-09).
    """

    TOPIC = "registry.Person"

    @classmethod
    def submit(
        cls,
        *,
        collection_id: UUID,
        identity_hash: str,
        profile: Profile,
        by: Actor,
        at: datetime,
        claim: str | None = None,
        transfer_id: str | None = None,
    ) -> "Person":
        """The first submission for this identity; `claim` is what the document is claimed under, when not for the
        first time. By a transfer it is somebody whom nobody here knows and who is about to arrive (S2C-17).
        """
        return cls(
            identity=claim or identity_of(identity_hash),
            identity_hash=identity_hash,
            collection_id=str(collection_id),
            profile=facts_of(profile),
            submitted_by=by.subject,
            transfer_id=transfer_id,
            timestamp=at,
        )

    @event("CollectionSubmitted", topic="registry.CollectionSubmitted")
    def __init__(
        self,
        *,
        identity: str,
        identity_hash: str,
        collection_id: str,
        profile: dict[str, Any],
        submitted_by: str,
        transfer_id: str | None,
        timestamp: datetime,
    ) -> None:
        self.identity_hash = identity_hash
        self.contested_by = claimant_of(identity)
        self.collection_id = collection_id
        self.transfers: frozenset[str] = frozenset()
        self.expected: dict[str, Profile] = {}
        self.reason: str | None = None
        self.returns: list[dict[str, Any]] = []
        self.former: list[dict[str, object]] = []
        self.merged_into: str | None = None
        self._await_review(profile, submitted_by, timestamp)
        if transfer_id is not None:
            self.state = ARRIVING

    @property
    def contested(self) -> bool:
        """Whether the collection claims no document, as somebody else has it."""
        return self.contested_by is not None

    def resubmit(self, *, profile: Profile, by: Actor, at: datetime) -> None:
        """Submit again after a return (S2C-08). Raises CollectionExistsError in any other state."""
        if self.state != RETURNED:
            raise CollectionExistsError(self.state)
        self._resubmitted(
            collection_id=self.collection_id, profile=facts_of(profile), submitted_by=by.subject, timestamp=at
        )

    @event("CollectionResubmitted", topic="registry.CollectionResubmitted")
    def _resubmitted(
        self, *, collection_id: str, profile: dict[str, object], submitted_by: str, timestamp: datetime
    ) -> None:
        self._await_review(profile, submitted_by, timestamp)

    def _await_review(self, profile: dict[str, object], submitted_by: str, at: datetime) -> None:
        self.state = SUBMITTED
        self.profile = profile_of(profile)
        self.submitted_by = submitted_by
        self.submitted_at = at
        self.reviewed_by: str | None = None
        self.reviewed_at: datetime | None = None

    def pass_review(self, step: str, *, by: Actor, at: datetime) -> None:
        """Pass the initial review, or the final one, which takes the submission as the person's information (S2C-08).

        Raises OutsidePlaceError, OwnSubmissionError, CollectionNotPendingError, CollectionContestedError and, at the final
        review, SameReviewerError.
        """
        self._must_be_reviewable(step, by)
        if self.contested:
            raise CollectionContestedError
        if step == INITIAL:
            self._passed_initial_review(passed_by=by.subject, timestamp=at)
            return
        self._collect(self.profile, by.subject, at)

    def _collect(self, profile: Profile, approved_by: str, at: datetime) -> None:
        self._collected(
            identity_hash=self.identity_hash,
            collection_id=self.collection_id,
            profile=facts_of(profile),
            approved_by=approved_by,
            timestamp=at,
        )

    @event("InitialReviewPassed", topic="registry.InitialReviewPassed")
    def _passed_initial_review(self, *, passed_by: str, timestamp: datetime) -> None:
        self.state = INITIALLY_PASSED
        self.reviewed_by, self.reviewed_at = passed_by, timestamp

    @event("InfoCollected", topic="registry.InfoCollected")
    def _collected(
        self,
        *,
        identity_hash: str,
        collection_id: str,
        profile: dict[str, object],
        approved_by: str,
        timestamp: datetime,
    ) -> None:
        self.state = COLLECTED
        self.merged_into = None
        self.profile = profile_of(profile)

    def return_to_submitter(self, step: str, *, reason: str, by: Actor, at: datetime) -> None:
        """Send the submission back with a reason at either step (S2C-08). Raises as `pass_review` does."""
        self._must_be_reviewable(step, by)
        self._returned(step=step, reason=reason, returned_by=by.subject, timestamp=at)

    @event("CollectionReturned", topic="registry.CollectionReturned")
    def _returned(self, *, step: str, reason: str, returned_by: str, timestamp: datetime) -> None:
        self.state = RETURNED
        self.reason = reason
        by = {"by": returned_by, "at": timestamp, "version": self.version + 1}
        self.returns = [*self.returns, {"step": step, "reason": reason} | by]

    def end(self, *, reason: str, by: Actor, at: datetime) -> None:
        """End the collection before it is taken as anybody's information; whoever has the document may hand in theirs.

        Raises OutsidePlaceError, CollectionNotPendingError.
        """
        by.must_cover(self.profile.place)
        CASE.must_allow("end", self, by.subject)
        self._ended(reason=reason, ended_by=by.subject, timestamp=at)

    @event("CollectionEnded", topic="registry.CollectionEnded")
    def _ended(self, *, reason: str, ended_by: str, timestamp: datetime) -> None:
        self.state = ENDED
        self.reason = reason

    def stand_alone(self, *, by: Actor, at: datetime) -> None:
        """Somebody who was on record as part of another is on record by themselves from now on, collected already."""
        self._collect(self.profile, by.subject, at)

    def merge_into(self, other_id: UUID, *, change_id: UUID, by: Actor, at: datetime) -> None:
        """Become part of another profile of the same person, which the change is of."""
        self._merged(
            person_id=str(other_id),
            change_id=str(change_id),
            place=self.profile.place,
            decided_by=by.subject,
            timestamp=at,
        )

    @event("ProfileMerged", topic="registry.ProfileMerged")
    def _merged(
        self, *, person_id: str, change_id: str, place: str, decided_by: str, timestamp: datetime
    ) -> None:
        self.state = MERGED
        self.merged_into = person_id

    def change_info(
        self,
        *,
        change_id: UUID,
        cause: str,
        items: Sequence[str],
        identity_hash: str,
        claim: str | None,
        former: Sequence[dict[str, object]],
        profile: Profile,
        by: Actor,
        at: datetime,
    ) -> None:
        """Record what holds from now on: after an approved change, or after one was reversed (S2C-09).

        `claim` is set when another ID document is claimed; `former` are the names and numbers they had, whole (B-24).
        Raises NotCollectedError.
        """
        if self.state != COLLECTED and not (self.state == DEPARTED and cause == REHASH):
            raise NotCollectedError
        self._changed(
            identity=claim,
            change_id=str(change_id),
            cause=cause,
            items=list(items),
            former_hash=self.identity_hash,
            identity_hash=identity_hash,
            former=list(former),
            profile=facts_of(profile),
            decided_by=by.subject,
            timestamp=at,
        )

    @event("InfoChanged", topic="registry.InfoChanged")
    def _changed(
        self,
        *,
        identity: str | None,
        change_id: str,
        cause: str,
        items: list[str],
        former_hash: str,
        identity_hash: str,
        former: list[dict[str, object]],
        profile: dict[str, object],
        decided_by: str,
        timestamp: datetime,
    ) -> None:
        if cause == REHASH:
            self._renew(former, identity_hash, profile)
        else:
            self.former, self.identity_hash, self.profile = former, identity_hash, profile_of(profile)

    @event("IdentityRehashed", topic="registry.IdentityRehashed")
    def rehash(
        self,
        *,
        identity: str | None,
        former_hash: str,
        identity_hash: str,
        former: list[dict[str, object]],
        profile: dict[str, object],
        timestamp: datetime,
    ) -> None:
        """Record the hashes of now of somebody who is not on record yet, or as part of another; `identity` is the claim."""
        self._renew(former, identity_hash, profile)

    def _renew(self, former: list[dict[str, object]], identity_hash: str, profile: dict[str, object]) -> None:
        """Who is about to arrive has both hashes under the same key."""
        self.former, self.identity_hash, self.profile = former, identity_hash, profile_of(profile)
        under = self.profile.name_hash
        self.expected = {each: replace(told, name_hash=under) for each, told in self.expected.items()}

    @event("FormerDocumentsAdded", topic="registry.FormerDocumentsAdded")
    def add_former_documents(self, *, hashes: list[str], timestamp: datetime) -> None:
        """Let the numbers that the person had be found under these hashes, too: by the rows, which alone keep them."""

    def expect(self, *, transfer_id: str, profile: Profile, at: datetime) -> None:
        """Note that the profile is about to arrive by a transfer, as what; nothing when that is known."""
        if transfer_id not in self.expected and transfer_id not in self.transfers:
            self._expected(transfer_id=transfer_id, profile=facts_of(profile), timestamp=at)

    @event("ArrivalExpected", topic="registry.ArrivalExpected")
    def _expected(self, *, transfer_id: str, profile: dict[str, object], timestamp: datetime) -> None:
        self.expected = self.expected | {transfer_id: profile_of(profile)}

    def drop(self, *, transfer_id: str, at: datetime) -> None:
        """Forget an arrival that came to nothing; whoever was taken in for it alone is on record no longer."""
        if transfer_id in self.expected and transfer_id not in self.transfers:
            self._dropped(transfer_id=transfer_id, forgotten=self.state == ARRIVING, timestamp=at)

    @event("ArrivalDropped", topic="registry.ArrivalDropped")
    def _dropped(self, *, transfer_id: str, forgotten: bool, timestamp: datetime) -> None:
        self.expected = {each: profile for each, profile in self.expected.items() if each != transfer_id}
        if forgotten:
            self.state = DROPPED

    def move(
        self,
        *,
        transfer_id: str,
        place: str,
        employer: str | None,
        at: datetime,
        arrived: bool = False,
    ) -> None:
        """Keep the profile at another place from now on, as a transfer was completed there (S2C-12, S2C-18).

        Both desks have decided, so there is nothing left to refuse; a transfer heard of before changes nothing. Whoever was
        taken in for it is collected from now on. Who `arrived` came from another authority.
        """
        if transfer_id in self.transfers or self.state == MERGED:
            return
        if self.state == ARRIVING:
            self._collect(self.expected[transfer_id], f"transfer:{transfer_id}", at)
        told = self.expected.get(transfer_id) if self.state == DEPARTED else None
        self._moved(
            transfer_id=transfer_id,
            place=place,
            employer=employer,
            profile=None if told is None else facts_of(told),
            arrived=arrived,
            timestamp=at,
        )

    @event("ProfileMoved", topic="registry.ProfileMoved")
    def _moved(
        self,
        *,
        transfer_id: str,
        place: str,
        employer: str | None,
        profile: dict[str, object] | None,
        arrived: bool,
        timestamp: datetime,
    ) -> None:
        self.transfers |= {transfer_id}
        if self.state == DEPARTED:
            self.state = COLLECTED
        if profile is not None:
            self.profile = profile_of(profile)
        self.profile = moved_to(self.profile, place, employer)

    def depart(self, *, transfer_id: str, to_place: str, at: datetime) -> None:
        """Give the profile up to an authority of another deployment; nothing when it has arrived here, too."""
        if transfer_id not in self.transfers and self.state != MERGED:
            self._departed(transfer_id=transfer_id, to_place=to_place, timestamp=at)

    @event("ProfileDeparted", topic="registry.ProfileDeparted")
    def _departed(self, *, transfer_id: str, to_place: str, timestamp: datetime) -> None:
        self.transfers |= {transfer_id}
        self.state = DEPARTED

    def erase(self, *, reason: str, authority: str, by: Actor, at: datetime) -> None:
        """Make the person unreadable for good. Raises OutsidePlaceError, PersonErasedError."""
        by.must_cover(self.profile.place)
        by.must_cover(authority, pointer="/authority")
        if self.state == ERASED:
            raise PersonErasedError
        self._erased(
            reason=reason, authority=authority, place=self.profile.place, erased_by=by.subject, timestamp=at
        )

    @event("PersonErased", topic="registry.PersonErased")
    def _erased(
        self, *, reason: str, authority: str, place: str, erased_by: str, timestamp: datetime
    ) -> None:
        self.state = ERASED

    def _must_be_reviewable(self, step: str, by: Actor) -> None:
        by.must_cover(self.profile.place)
        CASE.must_allow(step, self, by.subject)
        if by.subject == self.reviewed_by:
            raise SameReviewerError
