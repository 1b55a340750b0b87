"""Tokens signed on the command line, with the issuer's own key: for the demo, for first steps and for workers."""

from pathlib import Path

from services.kit.auth import sign_token
from services.kit.key_sets import signing_key_from
from services.kit.settings import SettingsError

SERVICE_SCOPES = frozenset({"feed:read", "identity:check", "compliance:read"})
"""What a service may ask of another."""

SCOPES = {
    "provider": frozenset({"completion:write", "enrolment:write", "identity:check", "compliance:read"}),
    "official": frozenset(
        {
            "collection:submit",
            "collection:review",
            "organization:write",
            "completion:write",
            "enrolment:write",
            "credit:revoke",
            "exemption:write",
            "policy:write",
            "compliance:read",
            "transcript:read",
            "statistics:read",
            "transfer:request",
            "transfer:review",
        }
    ),
    "dashboard": frozenset({"compliance:read", "statistics:read"}),
    "sync": frozenset({"feed:read"}),
    "service": SERVICE_SCOPES,
    "operator": frozenset({"client:write", "organization:write", "policy:write", "feed:read"}),
}
"""The scopes each kind of caller usually has."""


def sign(
    key_file: Path,
    *,
    issuer: str,
    subject: str,
    scopes: frozenset[str],
    place: str | None = None,
    organization: str | None = None,
    days: float = 1.0,
) -> str:
    """A token signed with the key in a file. Raises SettingsError when the key cannot be used."""
    try:
        key = signing_key_from(key_file.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"the signing key {key_file} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise SettingsError(f"{key_file}: {error}") from None
    return sign_token(
        key,
        issuer=issuer,
        subject=subject,
        scopes=scopes,
        place=place,
        organization=organization,
        lifetime_seconds=int(days * 86_400),
    )
