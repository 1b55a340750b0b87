"""Accounts: a client of the services, with its scopes and whom it is bound to, and a unit's request for one (S1-13, S3B-09).

The events say what was granted by whom; the hash of the secret is a row beside them, as a secret may be changed.
"""

import hmac
import secrets
from collections.abc import Mapping
from datetime import datetime

from cryptography.hazmat.primitives import hashes
from eventsourcing.domain import event

from services.kit.aggregates import Aggregate
from services.kit.review import Case, Role, Step
from services.kit.signing import SigningKey
from services.registry.streams.actor import Actor
from services.registry.streams.organization import (
    EMPLOYER,
    ORGANISER,
    PROVIDER,
    Organization,
    organization_of,
)
from services.registry.streams.problems import (
    AccountRequestClosedError,
    AccountRevokedError,
    NotIssuingAuthorityError,
    OutsidePlaceError,
    OwnSubmissionError,
    ScopeNotGrantableError,
)

_ANSWERS = frozenset({"compliance:read", "transcript:read"})
_UNIT = _ANSWERS | {
    "collection:submit",
    "claim:submit",
    "attestation:check",
    "transfer:request",
    "filing:submit",
}
"""Every organization employs people, and hands in what concerns them."""
_TRAINER = _UNIT | {"identity:check", "completion:write", "enrolment:write", "plan:submit", "statistics:read"}

SCOPES_OF_KIND: Mapping[str, frozenset[str]] = {
    PROVIDER: _TRAINER,
    ORGANISER: _TRAINER - {"enrolment:write"},
    EMPLOYER: _UNIT | {"identity:check", "employee:read"},
    "school": _UNIT,
    "authority": _UNIT,
}
"""What an account of an organization may be given, by the kind of organization: employers report no completions
and see their employees, providers see their own figures, and no organization reviews."""

ORGANIZATION_SCOPES = frozenset[str]().union(*SCOPES_OF_KIND.values())
"""What an account of any organization may be given."""

OFFICIAL_SCOPES = frozenset(
    {
        "collection:submit",
        "collection:review",
        "person:unmask",
        "person:erase",
        "audit:read",
        "identity:check",
        "organization:write",
        "client:write",
        "claim:submit",
        "claim:review",
        "filing:review",
        "attestation:issue",
        "attestation:check",
        "registration:write",
        "credit:revoke",
        "credit:correct",
        "credit:recognise",
        "anomaly:review",
        "archive:read",
        "year:close",
        "exemption:write",
        "policy:write",
        "compliance:read",
        "transcript:read",
        "feed:read",
        "statistics:read",
        "transfer:request",
        "transfer:review",
        "attestation:current",
        "sync:read",
        "sync:repair",
    }
)
"""What a client that acts for the finance bureau of a place may be given."""

SCOPES = ORGANIZATION_SCOPES | OFFICIAL_SCOPES


class Client(Aggregate):
    """One client; its id is what it signs in with."""

    TOPIC = "registry.Client"

    @classmethod
    def register(
        cls,
        *,
        scopes: list[str],
        place: str | None,
        organization: Organization | None,
        by: Actor,
        at: datetime,
    ) -> "Client":
        """A new client of a place or of an organization.

        Raises OutsidePlaceError for a place beyond the official's own, NotIssuingAuthorityError for an organization
        whose accounts another bureau issues, and ScopeNotGrantableError for scopes that do not fit the client, or
        that the official does not hold.
        """
        if place is not None:
            by.must_cover(place, pointer="/place")
            _must_be_among(scopes, OFFICIAL_SCOPES & by.scopes)
        if organization is not None:
            _must_issue_for(organization.issuing_place, by)
            must_be_issuable_to(organization, scopes)
        return cls(
            scopes=sorted(set(scopes)),
            place=place,
            organization=None if organization is None else str(organization.id),
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
        self.revoked = False
        self.signing: SigningKey | None = None

    def sign_by(
        self, key: SigningKey | None, *, organization: Organization | None, by: Actor, at: datetime
    ) -> None:
        """Have the client's requests signed by a key, or by none any more; its tokens say so from the next one on.

        Raises as `revoke` does.
        """
        self._must_be_kept_by(organization, by)
        self._signing_key_set(
            algorithm=key.algorithm if key is not None else None,
            key_id=key.key_id if key is not None else None,
            public=key.public if key is not None else None,
            required=key is not None and key.required,
            set_by=by.subject,
            timestamp=at,
        )

    @event("ClientSigningKeySet", topic="registry.ClientSigningKeySet")
    def _signing_key_set(
        self,
        *,
        algorithm: str | None,
        key_id: str | None,
        public: str | None,
        required: bool,
        set_by: str,
        timestamp: datetime,
    ) -> None:
        self.signing = None
        if algorithm is not None and key_id is not None:
            self.signing = SigningKey(algorithm, key_id, public, required)

    def rotate_secret(
        self, *, overlap_until: datetime, organization: Organization | None, by: Actor, at: datetime
    ) -> None:
        """Sign in with a new secret; the old one is good until a moment. Raises as `revoke` does."""
        self._must_be_kept_by(organization, by)
        self._secret_rotated(overlap_until=overlap_until, rotated_by=by.subject, timestamp=at)

    @event("ClientSecretRotated", topic="registry.ClientSecretRotated")
    def _secret_rotated(self, *, overlap_until: datetime, rotated_by: str, timestamp: datetime) -> None:
        pass

    def revoke(self, *, reason: str, organization: Organization | None, by: Actor, at: datetime) -> None:
        """No more tokens from now on; those already issued end with their lifetime.

        Raises OutsidePlaceError, NotIssuingAuthorityError, AccountRevokedError.
        """
        self._must_be_kept_by(organization, by)
        self._revoked(reason=reason, revoked_by=by.subject, timestamp=at)

    @event("ClientRevoked", topic="registry.ClientRevoked")
    def _revoked(self, *, reason: str, revoked_by: str, timestamp: datetime) -> None:
        self.revoked = True

    def _must_be_kept_by(self, organization: Organization | None, by: Actor) -> None:
        if organization is not None:
            _must_issue_for(organization.issuing_place, by)
        elif self.place is None:
            raise OutsidePlaceError
        else:
            by.must_cover(self.place)
        if self.revoked:
            raise AccountRevokedError


def must_be_issuable_to(organization: Organization, scopes: list[str]) -> None:
    """Raise ScopeNotGrantableError for scopes that no account of this kind of organization may have."""
    _must_be_among(scopes, SCOPES_OF_KIND.get(organization.kind, frozenset()))


def _must_be_among(scopes: list[str], grantable: frozenset[str]) -> None:
    refused = sorted(set(scopes) - grantable)
    if refused:
        raise ScopeNotGrantableError(refused)


def _must_issue_for(place: str, by: Actor) -> None:
    if by.organization is not None or by.place != place:
        raise NotIssuingAuthorityError(place)


def new_secret() -> str:
    """A secret of 256 random bits; shown once and never stored."""
    return secrets.token_urlsafe(32)


def hash_of_secret(secret: str, algorithm: str = "sha256") -> str:
    """What is stored of a secret, by `sha256` or `sm3` (GB/T 32905). It is random: a plain hash cannot be searched."""
    digest = hashes.Hash(hashes.SM3() if algorithm == "sm3" else hashes.SHA256())
    digest.update(secret.encode())
    return f"{algorithm}:{digest.finalize().hex()}"


def is_secret(secret: str, stored: str | None) -> bool:
    """Whether the secret is the stored one, in the same time for a client that does not exist."""
    algorithm = (stored or "sha256:").partition(":")[0]
    return hmac.compare_digest(hash_of_secret(secret, algorithm), stored or "") and stored is not None


REQUESTED, GRANTED, REFUSED = "requested", "granted", "refused"

ISSUER = Role("client:write")
CASE: Case[object] = Case(
    "account",
    (
        Step("grant", "grant", frozenset({REQUESTED}), GRANTED, ISSUER),
        Step("refuse", "refusal", frozenset({REQUESTED}), REFUSED, ISSUER),
    ),
    wrong_state=AccountRequestClosedError,
    own=OwnSubmissionError,
    waiting=frozenset({REQUESTED}),
    decider=ISSUER,
)
"""The steps of a request; who asked at the counter may grant it: the procedure names no second pair of eyes."""


class AccountRequest(Aggregate):
    """One request: granted, which makes the account, or refused with a reason."""

    TOPIC = "registry.AccountRequest"

    @classmethod
    def make(
        cls, organization: Organization, *, scopes: list[str], by: Actor, at: datetime
    ) -> "AccountRequest":
        """Asked by the organization itself or by an official of its place, who takes it at the counter.

        Raises OutsidePlaceError, ScopeNotGrantableError.
        """
        if organization_of(by.organization) != organization.id and not by.covers(organization.place):
            raise OutsidePlaceError
        must_be_issuable_to(organization, scopes)
        return cls(
            organization_id=str(organization.id),
            place=organization.issuing_place,
            scopes=sorted(scopes),
            requested_by=by.subject,
            timestamp=at,
        )

    @event("AccountRequested", topic="registry.AccountRequested")
    def __init__(
        self, *, organization_id: str, place: str, scopes: list[str], requested_by: str, timestamp: datetime
    ) -> None:
        self.organization_id = organization_id
        self.place = place
        self.scopes = scopes
        self.state = REQUESTED
        self.submitted_by = requested_by

    def grant(self, *, client_id: str, by: Actor, at: datetime) -> None:
        """The account was issued. Raises NotIssuingAuthorityError, AccountRequestClosedError."""
        self._must_be_decidable("grant", by)
        self._granted(client_id=client_id, granted_by=by.subject, timestamp=at)

    @event("AccountGranted", topic="registry.AccountGranted")
    def _granted(self, *, client_id: str, granted_by: str, timestamp: datetime) -> None:
        self.state = GRANTED

    def refuse(self, *, reason: str, by: Actor, at: datetime) -> None:
        """No account. Raises as `grant` does."""
        self._must_be_decidable("refuse", by)
        self._refused(reason=reason, refused_by=by.subject, timestamp=at)

    @event("AccountRefused", topic="registry.AccountRefused")
    def _refused(self, *, reason: str, refused_by: str, timestamp: datetime) -> None:
        self.state = REFUSED

    def _must_be_decidable(self, step: str, by: Actor) -> None:
        if by.organization is not None or by.place != self.place:
            raise NotIssuingAuthorityError(self.place)
        CASE.must_allow(step, self, by.subject)
