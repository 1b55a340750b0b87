"""What the registry is asked to do: imperative records, checked for form, not yet decided."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from services.registry.actors import Actor
from services.registry.vault import Identity


@dataclass(frozen=True)
class SubmitCollection:
    """Hand in a person's information (信息采集, S2C-01, S2C-03)."""

    by: Actor
    identity: Identity
    place: str
    employer: str | None
    student: bool
    level: str | None
    obtained_on: date | None
    working_since: date | None


@dataclass(frozen=True)
class ApproveCollection:
    """Take a submission as the person's information (S2C-08)."""

    by: Actor
    collection_id: UUID


@dataclass(frozen=True)
class ReturnCollection:
    """Send a submission back with a reason, and a note that only people read (S2C-08)."""

    by: Actor
    collection_id: UUID
    reason: str
    note: str | None


@dataclass(frozen=True)
class RegisterOrganization:
    """Give an organization a place in the registry (S1-13)."""

    by: Actor
    name: str
    uscc: str
    kind: str
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
class DisqualifyProvider:
    """Take a provider's standing at a place from a day on (S0-25)."""

    by: Actor
    organization_id: UUID
    place: str
    from_date: date
    reason: str


@dataclass(frozen=True)
class RegisterClient:
    """Let a program sign in for a place or for an organization."""

    by: Actor
    scopes: list[str]
    place: str | None
    organization_id: UUID | None
    label: str | None
