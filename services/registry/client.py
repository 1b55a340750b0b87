"""A client of the services: what a program signs in as, with which scopes, bound to whom.

The events say what was granted by whom; the hash of the secret is a row beside them, as a secret may be
changed.
"""

import hashlib
import hmac
import secrets
from datetime import datetime

from eventsourcing.domain import event

from services.kit.aggregates import Aggregate
from services.registry.actors import Actor
from services.registry.problems import ScopeNotGrantableError

ORGANIZATION_SCOPES = frozenset(
    {
        "collection:submit",
        "identity:check",
        "completion:write",
        "enrolment:write",
        "compliance:read",
        "transcript:read",
        "transfer:request",
    }
)
"""What a client that acts for an organization may be given."""

OFFICIAL_SCOPES = frozenset(
    {
        "collection:submit",
        "collection:review",
        "identity:check",
        "organization:write",
        "client:write",
        "credit:revoke",
        "exemption:write",
        "policy:write",
        "compliance:read",
        "transcript:read",
        "feed:read",
        "statistics:read",
        "transfer:request",
        "transfer:review",
    }
)
"""What a client that acts for the finance bureau of a place may be given."""

SCOPES = ORGANIZATION_SCOPES | OFFICIAL_SCOPES


class Client(Aggregate):
    """One client; its id is what it signs in with."""

    TOPIC = "registry.Client"

    @classmethod
    def register(
        cls, *, scopes: list[str], place: str | None, organization: str | None, by: Actor, at: datetime
    ) -> "Client":
        """A new client of a place or of an organization.

        Raises OutsidePlaceError for a place beyond the official's own, and ScopeNotGrantableError for scopes
        that do not fit the client, or that the official does not hold.
        """
        if place is not None:
            by.must_cover(place, pointer="/place")
        grantable = OFFICIAL_SCOPES & by.scopes if organization is None else ORGANIZATION_SCOPES
        refused = sorted(set(scopes) - grantable)
        if refused:
            raise ScopeNotGrantableError(refused)
        return cls(
            scopes=sorted(set(scopes)),
            place=place,
            organization=organization,
            registered_by=by.subject,
            timestamp=at,
        )

    @event("ClientRegistered", topic="registry.ClientRegistered")
    def __init__(
        self,
        *,
        scopes: list[str],
        place: str | None,
        organization: str | None,
        registered_by: str,
        timestamp: datetime,
    ) -> None:
        self.scopes = frozenset(scopes)
        self.place = place
        self.organization = organization
        self.registered_at = timestamp


def new_secret() -> str:
    """A secret of 256 random bits; shown once and never stored."""
    return secrets.token_urlsafe(32)


def hash_of_secret(secret: str) -> str:
    """What is stored of a secret. It is random, so that a plain hash cannot be searched."""
    return f"sha256:{hashlib.sha256(secret.encode()).hexdigest()}"


def is_secret(secret: str, stored: str | None) -> bool:
    """Whether the secret is the stored one, in the same time for a client that does not exist."""
    return hmac.compare_digest(hash_of_secret(secret), stored or "") and stored is not None
