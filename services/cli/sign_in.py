"""Sign-in on one machine: tokens signed with the issuer's own key, and the fictitious people of the stand-in."""

from collections.abc import Iterable
from pathlib import Path

import yaml
from joserfc.jwk import OKPKey

from contracts.divisions import is_known
from contracts.sign_in import Role
from services.cli.settings import StackSettings
from services.cli.state_dir import StateDir, signing_key, write_private
from services.cli.state_dir import issuer_of as own_issuer
from services.kit.settings import SettingsError
from services.kit.signing import sign_token
from services.stand_ins.sign_in.people import SignInPerson, issuer_of, write_people

_PLACES = (
    ("100000", "全国"),
    ("210000", "辽宁省"),
    ("210102", "沈阳市和平区"),
    ("211302", "朝阳市双塔区"),
    ("210200", "大连市"),
    ("140000", "山西省"),
    ("440000", "广东省"),
)
_OFFICIALS: tuple[tuple[Role, str, str], ...] = (
    ("reviewer", "a", "初审"),
    ("reviewer", "b", "复审"),
    ("supervisor", "c", "主管"),
    ("viewer", "d", "统计"),
)


def officials() -> list[SignInPerson]:
    """Officials of some places, two reviewers each, since nobody decides twice; and an operator."""
    found = [
        SignInPerson(
            sub=f"{role}-{letter}-{place}", name=f"{name}{title}员", role=role, note=name, place=place
        )
        for place, name in _PLACES
        for role, letter, title in _OFFICIALS
    ]
    operator = SignInPerson(sub="operator", name="运行值班员", role="operator", note="全国", place="100000")
    return [*found, operator]


def introduce(home: StateDir, cast: Iterable[SignInPerson]) -> None:
    """Let the fictitious people of a stack be signed in as, beside the officials."""
    write_people(home.sign_in_people_file, [*officials(), *cast])


def write_sign_in(home: StateDir, address: str) -> None:
    """Write the files of issuers and of people; people that are there already stay."""
    told = {"issuers": [issuer_of(address).model_dump(mode="json", exclude_none=True)]}
    home.sign_in_issuers_file.write_text(yaml.safe_dump(told, allow_unicode=True), encoding="utf-8")
    if not home.sign_in_people_file.exists():
        write_people(home.sign_in_people_file, officials())


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
        {"collection:own", "compliance:own", "transcript:own", "attestation:own", "audit:own", "claim:submit"}
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

_OF_A_PLACE = ("official", "operator")
"""Kinds whose tokens can do nothing unless they are bound to a place."""
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


def print_token(
    kind: str,
    /,
    *,
    subject: str = "",
    place: str | None = None,
    organization: str | None = None,
    scope: list[str] | None = None,
    days: float = 1.0,
    out: Path | None = None,
) -> None:
    """Print a bearer token signed with the issuer's key of this directory.

    Parameters
    ----------
    kind
        provider, employer, official, person, dashboard, sync, operator or service: sets the scopes.
    subject
        Who the token speaks for; the kind when not given.
    place
        The place an official acts for, a division code such as 210000.
    organization
        The organization a provider is.
    scope
        Other scopes than the kind has; may be given several times.
    days
        How long the token is good.
    out
        Write it to this file, which only we may read, instead.
    """
    if kind not in SCOPES:
        raise SettingsError(f"there is no kind of token {kind!r}; there are {', '.join(SCOPES)}")
    scopes = frozenset(scope) if scope else SCOPES[kind]
    speaks_for = subject or organization or kind
    if kind in _OF_A_PLACE and not place:
        raise SettingsError(f"a token of kind {kind} acts for a bureau: name its place, as in --place 210000")
    check(scopes, place=place, organization=organization, subject=speaks_for, days=days)
    settings = StackSettings.load()
    home = StateDir(settings.home)
    signed = sign(
        signing_key(settings, home),
        issuer=own_issuer(settings, home),
        subject=speaks_for,
        scopes=scopes,
        place=place,
        organization=organization,
        days=days,
    )
    if out is None:
        print(signed)
    else:
        write_private(out, signed)
