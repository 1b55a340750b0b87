"""Sign-ins of people: an identity token of an issuer that a deployment trusts, exchanged for a token of ours (RFC 8693).

An issuer's `sub` is its own business. A professional's verified number leads to the person the registry has collected, from
whichever issuer it comes; an organization's clerk acts for the organization of that credit code.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from joserfc.jwk import OKPKey

from contracts.divisions import is_known
from contracts.identifiers import IdType
from contracts.identity import IdentityHashers
from contracts.sign_in import GRANT_TYPE, ID_TOKEN_TYPE, Role, SignInIssuer, claim_of
from services.kit.auth import OUTSIDE_ALGORITHMS, Issuer, TokenVerifier
from services.kit.database import Database
from services.kit.errors import NotAuthenticatedError
from services.kit.key_sets import FetchedKeys, KeySource
from services.kit.signing import sign_token
from services.registry.accounts.schemas import SignInAnswer
from services.registry.accounts.tokens import TokenRefusedError
from services.registry.store.tables import LOG
from services.registry.streams.account import OFFICIAL_SCOPES, SCOPES_OF_KIND
from services.registry.streams.organization import EMPLOYER

_REVIEWING = frozenset(
    {
        "collection:submit", "collection:review", "organization:write", "client:write", "claim:review", "filing:review",
        "anomaly:review", "credit:recognise", "attestation:issue", "attestation:check", "transfer:request",
        "transfer:review", "identity:check", "compliance:read", "transcript:read", "statistics:read",
    }
)  # fmt: skip
_OWN = frozenset(
    {
        "collection:own", "compliance:own", "transcript:own", "attestation:own", "audit:own", "claim:submit",
        "transfer:request",
    }
)  # fmt: skip

ROLE_SCOPES: Mapping[Role, frozenset[str]] = {
    "person": _OWN,
    "employer": frozenset(),
    "provider": frozenset(),
    "reviewer": _REVIEWING,
    "supervisor": OFFICIAL_SCOPES - {"feed:read", "person:erase", "attestation:current", "sync:repair"},
    "viewer": frozenset({"statistics:read"}),
    "operator": frozenset({"sync:read", "sync:repair", "audit:read", "client:write", "statistics:read"}),
}
"""What a role lets somebody do. Of an organization's clerks its kind decides (`SCOPES_OF_KIND`); its employees are shown to
clerks of the role `employer` alone, where the registry knows it as an employer: by its kind, or as somebody's on record."""

OFFICIALS: frozenset[Role] = frozenset({"reviewer", "supervisor", "viewer", "operator"})
CLERKS: frozenset[Role] = frozenset({"employer", "provider"})

_AGE_SECONDS_MAX = 600
_PERSON = """
select person_id from documents where log = $1 and identity_hash = any($2::text[]) and state <> 'released' limit 1
"""
_ORGANIZATION = "select organization_id, kind from organizations where log = $1 and uscc = $2"
_EMPLOYS = "select exists (select from people where log = $1 and employer = $2)"

KeysOf = Callable[[SignInIssuer], KeySource]


@dataclass(frozen=True)
class _Bound:
    """Whom a sign-in speaks for, and what it may do."""

    subject: str
    scopes: frozenset[str]
    place: str | None = None
    organization: str | None = None
    person_id: str | None = None
    document: str | None = None


class SignIns:
    """Exchanges identity tokens for tokens of ours."""

    def __init__(
        self,
        database: Database,
        issuers: Sequence[SignInIssuer],
        *,
        hashers: IdentityHashers,
        key: OKPKey,
        issuer: str,
        lifetime_seconds: int,
        now: Callable[[], float] = time.time,
        keys_of: KeysOf = lambda each: FetchedKeys(each.jwks_url),
    ) -> None:
        self._database = database
        self._issuers = {each.issuer: each for each in issuers}
        self._verifiers = {
            each.issuer: TokenVerifier(
                [Issuer(each.issuer, keys_of(each), OUTSIDE_ALGORITHMS)], audience=each.client_id, now=now
            )
            for each in issuers
        }
        self._hashers = hashers
        self._key = key
        self._issuer = issuer
        self._lifetime_seconds = lifetime_seconds
        self._now = now

    async def exchange(self, form: Mapping[str, str]) -> SignInAnswer:
        """A token for whom the identity token names. Raises TokenRefusedError, in the words of RFC 6749, 5.2."""
        if form.get("subject_token_type") != ID_TOKEN_TYPE:
            raise TokenRefusedError("invalid_request", "subject_token_type must be that of an ID token")
        issuer, claims = await self._claims(form.get("subject_token", ""))
        roles = _roles_of(issuer, claims)
        bound = await self._bind(issuer, claims, roles)
        token = sign_token(
            self._key,
            issuer=self._issuer,
            subject=bound.subject,
            scopes=bound.scopes,
            place=bound.place,
            organization=bound.organization,
            document=bound.document,
            lifetime_seconds=self._lifetime_seconds,
            now=self._now,
        )
        return SignInAnswer(
            access_token=token,
            token_type="Bearer",  # noqa: S106 - the kind of token
            issued_token_type="urn:ietf:params:oauth:token-type:access_token",  # noqa: S106 - likewise
            expires_in=self._lifetime_seconds,
            scope=" ".join(sorted(bound.scopes)),
            subject=bound.subject,
            name=_text(claim_of(claims, issuer.claims.name)) or bound.subject,
            roles=sorted(roles),
            place=bound.place,
            organization_id=bound.organization,
            person_id=bound.person_id,
        )

    async def _claims(self, token: str) -> tuple[SignInIssuer, Mapping[str, object]]:
        for name, verifier in self._verifiers.items():
            try:
                claims = await verifier.claims(token)
            except NotAuthenticatedError:
                continue
            issued = claims.get("iat")
            if not isinstance(issued, int) or self._now() - issued > _AGE_SECONDS_MAX:
                raise TokenRefusedError("invalid_request", "the ID token is not fresh")
            return self._issuers[name], claims
        raise TokenRefusedError("invalid_request", "the ID token is of no issuer people may sign in with")

    async def _bind(
        self, issuer: SignInIssuer, claims: Mapping[str, object], roles: frozenset[Role]
    ) -> _Bound:
        subject = f"{issuer.key}:{claims['sub']}"
        if roles & OFFICIALS:
            return self._official(issuer, claims, roles, subject)
        if roles & CLERKS:
            return await self._clerk(issuer, claims, roles, subject)
        if "person" in roles:
            return await self._person(issuer, claims, subject)
        raise TokenRefusedError("unauthorized_client", "none of the roles is known here")

    def _official(
        self, issuer: SignInIssuer, claims: Mapping[str, object], roles: frozenset[Role], subject: str
    ) -> _Bound:
        place = _text(claim_of(claims, issuer.claims.place))
        if place is None or not is_known(place):
            raise TokenRefusedError("unauthorized_client", "an official is bound to a place that there is")
        scopes = frozenset[str]().union(*(ROLE_SCOPES[role] for role in roles & OFFICIALS))
        return _Bound(subject, scopes, place=place)

    async def _clerk(
        self, issuer: SignInIssuer, claims: Mapping[str, object], roles: frozenset[Role], subject: str
    ) -> _Bound:
        code = _text(claim_of(claims, issuer.claims.organization))
        async with self._database.acquire() as conn:
            row = await conn.fetchrow(_ORGANIZATION, LOG, code) if code else None
            employs = row is not None and (
                row["kind"] == EMPLOYER or await conn.fetchval(_EMPLOYS, LOG, code)
            )
        if row is None:
            raise TokenRefusedError(
                "unauthorized_client", "no organization of this credit code is registered"
            )
        scopes = SCOPES_OF_KIND.get(row["kind"], frozenset()) - {"employee:read"}
        if employs and "employer" in roles:
            scopes |= {"employee:read"}
        return _Bound(subject, scopes, organization=row["organization_id"])

    async def _person(self, issuer: SignInIssuer, claims: Mapping[str, object], subject: str) -> _Bound:
        number = _text(claim_of(claims, issuer.claims.id_number))
        id_type = _text(claim_of(claims, issuer.claims.id_type)) or IdType.RESIDENT_ID.value
        if number is None:
            raise TokenRefusedError("unauthorized_client", "a professional signs in with a verified number")
        async with self._database.acquire() as conn:
            person_id = await conn.fetchval(_PERSON, LOG, list(self._hashers.persons(id_type, number)))
        scopes, document = ROLE_SCOPES["person"], f"{id_type}:{number}"
        return _Bound(person_id or subject, scopes, person_id=person_id, document=document)


def _roles_of(issuer: SignInIssuer, claims: Mapping[str, object]) -> frozenset[Role]:
    told = claim_of(claims, issuer.claims.roles)
    names = told.split() if isinstance(told, str) else told if isinstance(told, list) else []
    return frozenset(issuer.roles[name] for name in names if isinstance(name, str) and name in issuer.roles)


def _text(claim: object) -> str | None:
    return claim if isinstance(claim, str) and 0 < len(claim) <= 200 and claim.isprintable() else None


def asks_for_exchange(form: Mapping[str, str]) -> bool:
    """Whether a form at the token's address asks for an exchange."""
    return form.get("grant_type") == GRANT_TYPE
