"""Commands on organizations and their yearly documents: imperative records, checked for form, not yet decided."""

from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from services.registry.streams.actor import Actor


@dataclass(frozen=True)
class RegisterOrganization:
    """Give an organization a place in the registry (S1-13)."""

    by: Actor
    name: str
    uscc: str
    kind: str
    affiliation: str
    place: str


@dataclass(frozen=True)
class AccreditProvider:
    """File a provider for a place, years and modes (S1-22, S2B-14)."""

    by: Actor
    organization_id: UUID
    place: str
    years: list[int]
    modes: list[str]
    published: bool


@dataclass(frozen=True)
class PublishAccreditation:
    """Publish what was filed (S2B-14, S3B-12)."""

    by: Actor
    organization_id: UUID
    number: int


@dataclass(frozen=True)
class EndAccreditation:
    """End a filing from a day on."""

    by: Actor
    organization_id: UUID
    number: int
    from_date: date
    reason: str


@dataclass(frozen=True)
class DisqualifyProvider:
    """Take a provider's standing at a place from a day on (S0-25)."""

    by: Actor
    organization_id: UUID
    place: str
    from_date: date
    reason: str


@dataclass(frozen=True)
class ReinstateProvider:
    """Give the standing back from a day on."""

    by: Actor
    organization_id: UUID
    place: str
    from_date: date
    reason: str


@dataclass(frozen=True)
class EvaluateProvider:
    """Score a training organization over a period (S2B-15)."""

    by: Actor
    organization_id: UUID
    place: str
    period_from: date
    period_to: date
    scores: list[dict[str, Any]]


@dataclass(frozen=True)
class CorrectEvaluation:
    """Say what the scores should have been, and why."""

    by: Actor
    evaluation_id: UUID
    scores: list[dict[str, Any]]
    reason: str


@dataclass(frozen=True)
class SubmitYearlyDocument:
    """Hand in a plan or a report, or hand it in again after a return (S3B-13, S3B-14)."""

    by: Actor
    organization_id: UUID
    kind: str
    mode: str
    place: str
    year: int
    content: dict[str, Any]


@dataclass(frozen=True)
class DecideYearlyDocument:
    """Accept a plan or report, or return it with a reason."""

    by: Actor
    document_id: UUID
    reason: str | None = None
