"""Views of a collection: all that is reviewed, what identifies masked, and what came of it before."""

from datetime import date, datetime
from typing import Annotated

from pydantic import Field

from contracts.registry import Level
from services.kit.schemas import Day, StrictModel
from services.registry.people.schemas import CollectionState
from services.registry.worklists.schemas import Due, Lane


class InitialReview(StrictModel):
    """When the initial review (初审) was passed, and by which official; null to whoever is none."""

    by: str | None
    at: datetime


class CollectionReturn(StrictModel):
    """One return of a collection: at which step, why, with which note, when, by whom (null to whoever is no official)."""

    step: str
    reason: str
    note: str | None
    at: datetime
    by: str | None


class ReviewedQualification(StrictModel):
    """A qualification as it is reviewed; its certificate's number is masked."""

    level: Level
    obtained_on: Day
    certificate_number: str | None


class ReviewedEducation(StrictModel):
    """An education as it is reviewed; its certificate's number is masked."""

    school: str
    level: str
    degree: str
    mode: str
    major: str | None
    entered_on: Day | None
    graduated_on: Day | None
    certificate_number: str | None


class ReviewedContact(StrictModel):
    """How to reach a person, masked."""

    phone: str | None
    email: str | None
    address: str | None


class Collection(StrictModel):
    """A collection case with all that is reviewed: the personal parts masked, and null once the person's key is
    destroyed. `returns` is what came of it before, in order.
    """

    collection_id: str
    person_id: str
    state: CollectionState
    place: str
    employer: str | None
    name: str | None
    id_type: str | None
    id_number: str | None
    student: bool
    student_since: date | None
    jobs: list[str]
    working_since: date | None
    qualifications: list[ReviewedQualification] | None
    education: list[ReviewedEducation] | None
    contact: ReviewedContact | None
    contested: bool | None
    """Whether the number is somebody else's already, which a reviewer alone is told (null to others)."""
    initial_review: InitialReview | None
    returns: list[CollectionReturn]
    submitted_at: datetime
    due: Due
    lane: Lane
    decided_at: datetime | None
    step: Annotated[str | None, Field(description="The step at which it was returned.")]
    reason: str | None
    note: str | None
    evidence: Annotated[list[str], Field(description="Ids of the files it names.")]
