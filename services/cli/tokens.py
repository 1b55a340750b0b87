"""Tokens signed on the command line, with the issuer's own key: for the demo, for first steps and for workers."""

from collections.abc import Iterable

from joserfc.jwk import OKPKey

from contracts.divisions import is_known
from services.kit.settings import SettingsError
from services.kit.signing import sign_token

SERVICE_SCOPES = frozenset({"feed:read", "identity:check", "compliance:read"})
"""What a service may ask of another."""
CARRIER_SCOPES = SERVICE_SCOPES | {"transfer:carry"}
"""The transfer service's: it carries people from one ledger's log to another's."""

SYNC_SCOPES = frozenset(
    {"feed:read", "archive:read", "person:deliver", "registration:write", "credit:revoke"}
)
"""What the synchronisation asks of the others: feeds, who people are as it sends, imports and their corrections."""

WORKER_SCOPES = {"transfer": CARRIER_SCOPES, "sync": SYNC_SCOPES}
"""What a service's worker may ask of the others, where that is more than every service's."""

SCOPES = {
    "provider": frozenset(
        {"completion:write", "enrolment:write", "filing:submit", "identity:check", "compliance:read"}
    ),
    "official": frozenset(
        {
            "collection:submit",
            "collection:review",
            "organization:write",
            "completion:write",
            "enrolment:write",
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
            "employee:read",
            "transcript:read",
            "statistics:read",
            "transfer:request",
            "transfer:review",
            "sync:read",
            "sync:repair",
        }
    ),
    "person": frozenset(
        {"collection:own", "compliance:own", "transcript:own", "attestation:own", "audit:own"}
    ),
    "employer": frozenset({"employee:read", "filing:submit", "claim:submit", "compliance:read"}),
    "dashboard": frozenset({"compliance:read", "statistics:read", "sync:read"}),
    "sync": SYNC_SCOPES,
    "service": SERVICE_SCOPES,
    "carrier": CARRIER_SCOPES,
    "portal": frozenset({"transfer:request", "transfer:confirm"}),
    "operator": frozenset({"client:write", "organization:write", "policy:write", "feed:read"}),
}
"""The scopes each kind of caller usually has."""


OTHER_SCOPES = frozenset(
    {"attestation:current", "audit:read", "person:erase", "person:unmask", "plan:submit"}
)
"""What routes ask for besides, and no kind of caller has without being told."""

DAYS_MAX = 366.0
"""No token of the command line is good for longer than a year."""

_SUBJECT_LENGTH_MAX = 200


def check(
    scopes: Iterable[str], *, place: str | None, organization: str | None, subject: str, days: float
) -> None:
    """Refuse a token that no service could use. Raises SettingsError, naming everything at fault."""
    known = OTHER_SCOPES.union(*SCOPES.values())
    faults = [f"there is no scope {scope!r}" for scope in sorted(set(scopes) - known)]
    if place is not None and not is_known(place):
        faults.append(f"there is no place {place!r}: --place takes a division code such as 210000")
    if not 0 < days <= DAYS_MAX:
        faults.append(f"--days takes more than 0 and at most {DAYS_MAX:.0f}")
    for option, text in (("--subject", subject), ("--organization", organization)):
        if text is not None and not (0 < len(text) <= _SUBJECT_LENGTH_MAX and text.isprintable()):
            faults.append(f"{option} takes 1 to {_SUBJECT_LENGTH_MAX} characters that can be printed")
    if faults:
        raise SettingsError("; ".join(faults))


def sign(
    key: OKPKey,
    *,
    issuer: str,
    subject: str,
    scopes: frozenset[str],
    place: str | None = None,
    organization: str | None = None,
    days: float = 1.0,
) -> str:
    """A token signed with the issuer's key, good for so many days."""
    return sign_token(
        key,
        issuer=issuer,
        subject=subject,
        scopes=scopes,
        place=place,
        organization=organization,
        lifetime_seconds=int(days * 86_400),
    )
