"""Commands on accounts: imperative records, checked for form, not yet decided."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from services.registry.streams.actor import Actor


@dataclass(frozen=True)
class RequestAccount:
    """Ask the issuing bureau for an account (S1-13, S3B-09)."""

    by: Actor
    organization_id: UUID
    scopes: list[str]


@dataclass(frozen=True)
class RefuseAccount:
    """Refuse a request with a reason."""

    by: Actor
    request_id: UUID
    reason: str


@dataclass(frozen=True)
class GrantAccount:
    """Issue the account that was asked for."""

    by: Actor
    request_id: UUID


@dataclass(frozen=True)
class RegisterClient:
    """Let a program sign in for a place or for an organization."""

    by: Actor
    scopes: list[str]
    place: str | None
    organization_id: UUID | None
    label: str | None


@dataclass(frozen=True)
class RotateSecret:
    """Give an account a new secret; the old one stays good for a while."""

    by: Actor
    client_id: UUID
    overlap: timedelta


@dataclass(frozen=True)
class RevokeClient:
    """Let an account sign in no more."""

    by: Actor
    client_id: UUID
    reason: str
