"""A plan of the next year, or the report at a year's end, that a training organization owes (S3B-13, S3B-14).

What is written in them may name teachers, so that it is kept beside the log; the events carry its hash.
"""

from datetime import datetime

from eventsourcing.domain import event

from contracts.divisions import authority_of
from services.kit.aggregates import Aggregate
from services.kit.review import Case, Role, Step
from services.registry.streams.actor import Actor
from services.registry.streams.organization import MODES_OF_KIND, Organization, organization_of
from services.registry.streams.problems import (
    NotAccreditedError,
    NotAProviderError,
    NotOwnOrganizationError,
    OwnSubmissionError,
    YearlyDocumentExistsError,
    YearlyDocumentNotPendingError,
)

PLAN, REPORT = "plan", "report"
SUBMITTED, RETURNED, ACCEPTED = "submitted", "returned", "accepted"

DECIDER = Role("organization:write")
CASE: Case[object] = Case(
    "document",
    (
        Step("accept", "acceptance", frozenset({SUBMITTED}), ACCEPTED, DECIDER, never_own=True),
        Step("return", "return", frozenset({SUBMITTED}), RETURNED, DECIDER, never_own=True),
    ),
    wrong_state=YearlyDocumentNotPendingError,
    own=OwnSubmissionError,
    waiting=frozenset({SUBMITTED}),
    decider=DECIDER,
)
"""The steps of a plan or report that was handed in."""


class YearlyDocument(Aggregate):
    """One plan or report of one organization for a year, a mode and a place: submitted, returned with a reason and
    submitted again, or accepted.
    """

    TOPIC = "registry.YearlyDocument"

    @classmethod
    def submit(
        cls,
        organization: Organization,
        *,
        kind: str,
        mode: str,
        place: str,
        year: int,
        content_hash: str,
        by: Actor,
        at: datetime,
    ) -> "YearlyDocument":
        """The first submission. Raises NotOwnOrganizationError, NotAProviderError, NotAccreditedError."""
        if organization_of(by.organization) != organization.id:
            raise NotOwnOrganizationError
        if organization.kind not in MODES_OF_KIND:
            raise NotAProviderError
        if not organization.trains(place, mode):
            raise NotAccreditedError(pointer="/place")
        return cls(
            identity=identity_of(str(organization.id), kind, mode, place, year),
            organization_id=str(organization.id),
            kind=kind,
            mode=mode,
            place=place,
            reader=reader_of(mode, place),
            year=year,
            content_hash=content_hash,
            submitted_by=by.subject,
            timestamp=at,
        )

    @event("YearlyDocumentSubmitted", topic="registry.YearlyDocumentSubmitted")
    def __init__(
        self,
        *,
        identity: str,
        organization_id: str,
        kind: str,
        mode: str,
        place: str,
        reader: str,
        year: int,
        content_hash: str,
        submitted_by: str,
        timestamp: datetime,
    ) -> None:
        self.organization_id = organization_id
        self.kind = kind
        self.mode = mode
        self.place = place
        self.reader = reader
        self.year = year
        self.state = SUBMITTED
        self.submitted_by = submitted_by

    def resubmit(self, *, content_hash: str, by: Actor, at: datetime) -> None:
        """Hand in again after a return. Raises NotOwnOrganizationError, YearlyDocumentExistsError."""
        if by.organization != self.organization_id:
            raise NotOwnOrganizationError
        if self.state != RETURNED:
            raise YearlyDocumentExistsError(str(self.id), self.state)
        self._resubmitted(content_hash=content_hash, submitted_by=by.subject, timestamp=at)

    @event("YearlyDocumentResubmitted", topic="registry.YearlyDocumentResubmitted")
    def _resubmitted(self, *, content_hash: str, submitted_by: str, timestamp: datetime) -> None:
        self.state = SUBMITTED
        self.submitted_by = submitted_by

    def accept(self, *, by: Actor, at: datetime) -> None:
        """Take it as it is. Raises OutsidePlaceError, OwnSubmissionError, YearlyDocumentNotPendingError."""
        by.must_cover(self.reader)
        CASE.must_allow("accept", self, by.subject)
        self._accepted(accepted_by=by.subject, timestamp=at)

    @event("YearlyDocumentAccepted", topic="registry.YearlyDocumentAccepted")
    def _accepted(self, *, accepted_by: str, timestamp: datetime) -> None:
        self.state = ACCEPTED

    def return_to_submitter(self, *, reason: str, by: Actor, at: datetime) -> None:
        """Send it back with a reason. Raises as `accept` does."""
        by.must_cover(self.reader)
        CASE.must_allow("return", self, by.subject)
        self._returned(reason=reason, returned_by=by.subject, timestamp=at)

    @event("YearlyDocumentReturned", topic="registry.YearlyDocumentReturned")
    def _returned(self, *, reason: str, returned_by: str, timestamp: datetime) -> None:
        self.state = RETURNED


def reader_of(mode: str, place: str) -> str:
    """Whose bureau takes it: the province's for online training (S3B-13), else the one that filed the training (S3B-14)."""
    return authority_of(place) if mode == "online" else place


def identity_of(organization_id: str, kind: str, mode: str, place: str, year: int) -> str:
    """One plan and one report for each organization, mode, place and year, for ever."""
    return f"{kind}:{organization_id}:{mode}:{place}:{year}"
