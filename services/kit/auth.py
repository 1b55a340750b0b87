"""Callers: OAuth 2 bearer tokens, checked against the key sets of the issuers a deployment trusts."""

import hashlib
import json
import time
import warnings
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import Request, Security
from fastapi.openapi.models import OAuth2, OAuthFlowClientCredentials, OAuthFlows
from fastapi.security import SecurityScopes
from fastapi.security.base import SecurityBase
from joserfc import jws, jwt
from joserfc.errors import InvalidKeyIdError, JoseError, SecurityWarning
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from services.kit.errors import InsufficientScopeError, NotAuthenticatedError, Problem, problem_response
from services.kit.key_sets import FetchedKeys, KeySource
from services.kit.personal_numbers import holds_personal_number
from services.kit.settings import ServiceSettings
from services.kit.signing import (
    ALGORITHM,
    AUDIENCE,
    CLAIM_DOCUMENT,
    CLAIM_ORGANIZATION,
    CLAIM_PLACE,
    SigningKey,
)

_REALM = 'Bearer realm="xuefen"'
_TOKEN_LENGTH_MAX = 4096
_CLAIM_LENGTH_MAX = 200
LEEWAY_SECONDS = 30
"""By which the clocks of several hosts may differ, unless the settings say otherwise."""


class UnknownClaimsError(Problem):
    """The token is good, but the place it names is none that there is."""

    code = "unknown-claims"
    status = 403
    title_zh = "令牌所写的地区不存在"
    title_en = "The token names a place that there is not"


class PersonalSubjectError(Problem):
    """The token is good, but its `sub` is the number of a document or a telephone: and would be kept."""

    code = "personal-subject"
    status = 403
    title_zh = "令牌的主体是证件号码或电话号码"
    title_en = "The token's sub is the number of a document or a telephone"


@dataclass(frozen=True)
class Caller:
    """Somebody whose token was good. `place`, `organization` and `document` are claims the kit does not interpret; the
    last is in no log.
    """

    subject: str
    scopes: frozenset[str]
    place: str | None = None
    organization: str | None = None
    document: str | None = field(default=None, repr=False)
    signing: SigningKey | None = None
    """The key that the caller's requests are signed with."""


@dataclass(frozen=True)
class Issuer:
    """A party whose tokens are taken: its `iss`, its keys, and the signature algorithms it may use."""

    name: str
    keys: KeySource
    algorithms: Sequence[str] = (ALGORITHM, "EdDSA")


class TokenVerifier:
    """Checks tokens, and remembers good ones until they expire or `cache_seconds` pass, whichever is sooner.

    `leeway_seconds` is by how much the clocks of issuer and service may differ, in both directions.
    """

    def __init__(
        self,
        issuers: Iterable[Issuer],
        *,
        audience: str = AUDIENCE,
        now: Callable[[], float] = time.time,
        leeway_seconds: int = LEEWAY_SECONDS,
        cache_size_max: int = 10_000,
        cache_seconds: int = 300,
    ) -> None:
        self._issuers = {issuer.name: issuer for issuer in issuers}
        self._audience = audience
        self._now = now
        self.leeway = leeway_seconds
        self._cache_size_max = cache_size_max
        self._cache_seconds = cache_seconds
        self._verified: OrderedDict[bytes, tuple[Caller, float, KeySource]] = OrderedDict()

    async def verify(self, token: str) -> Caller:
        """The caller the token speaks for.

        Raises NotAuthenticatedError for a token that is not good, and NotReadyError when an issuer's keys
        cannot be had.
        """
        if len(token) > _TOKEN_LENGTH_MAX:
            raise _invalid_token()
        digest = hashlib.sha256(token.encode()).digest()
        known = self._verified.get(digest)
        if known is not None and self._now() < known[1]:
            self._verified.move_to_end(digest)
            caller, _, keys = known
            await keys.current()
        else:
            claims = await self.claims(token)
            caller, keys = _caller(claims), self._issuers[claims["iss"]].keys
            self._remember(digest, caller, float(claims["exp"]), keys)
        if caller.subject in keys.revoked:
            raise _invalid_token()
        return caller

    def _remember(self, digest: bytes, caller: Caller, expires: float, keys: KeySource) -> None:
        until = min(expires + self.leeway, self._now() + self._cache_seconds)
        self._verified[digest] = (caller, until, keys)
        self._verified.move_to_end(digest)
        while len(self._verified) > self._cache_size_max:
            self._verified.popitem(last=False)

    async def must_have_keys(self) -> None:
        """Raises NotReadyError while the keys of an issuer cannot be had: every one of its tokens would be answered so."""
        for issuer in self._issuers.values():
            await issuer.keys.current()

    async def claims(self, token: str) -> Mapping[str, Any]:
        """All that a good token says. Raises as `verify` does."""
        try:
            unverified = jws.extract_compact(token.encode("ascii"))
            issuer = self._issuers[_unverified_issuer(unverified.payload)]
            kid = unverified.headers().get("kid")
            claims = await self._verified_claims(token, issuer, kid if isinstance(kid, str) else None)
            self._rules(issuer).validate(claims)
        except (JoseError, ValueError, KeyError, TypeError, RecursionError):
            raise _invalid_token() from None
        return claims

    async def _verified_claims(self, token: str, issuer: Issuer, kid: str | None) -> dict[str, Any]:
        keys = await issuer.keys.current()
        try:
            key = keys.get_by_kid(kid)
        except InvalidKeyIdError:
            key = (await issuer.keys.refreshed()).get_by_kid(kid)
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore", SecurityWarning
            )  # outside issuers still sign with the older "EdDSA"
            return jwt.decode(token, key, algorithms=list(issuer.algorithms)).claims

    def _rules(self, issuer: Issuer) -> jwt.JWTClaimsRegistry:
        return jwt.JWTClaimsRegistry(
            now=int(self._now()),
            leeway=self.leeway,
            iss={"essential": True, "value": issuer.name},
            aud={"essential": True, "value": self._audience},
            exp={"essential": True},
            sub={"essential": True},
        )


def _unverified_issuer(payload: bytes) -> str:
    claims = json.loads(payload)
    return str(claims["iss"])


def _caller(claims: Mapping[str, Any]) -> Caller:
    scope = claims.get("scope", "")
    texts = [claims["sub"], *(claims.get(name) for name in (CLAIM_PLACE, CLAIM_ORGANIZATION, CLAIM_DOCUMENT))]
    if not isinstance(scope, str) or any(not _is_claim(text) for text in texts if text is not None):
        raise _invalid_token()
    try:
        signing = SigningKey.of_claims(claims)
    except (ValueError, KeyError, TypeError):
        raise _invalid_token() from None
    subject, place, organization, document = texts
    return Caller(subject, frozenset(scope.split()), place, organization, document, signing)


def _is_claim(text: object) -> bool:
    return isinstance(text, str) and 0 < len(text) <= _CLAIM_LENGTH_MAX and text.isprintable()


def _invalid_token() -> NotAuthenticatedError:
    problem = NotAuthenticatedError("令牌无效或已过期", "The token is invalid or has expired")
    problem.headers = {"WWW-Authenticate": f'{_REALM}, error="invalid_token"'}
    return problem


def _no_token() -> NotAuthenticatedError:
    problem = NotAuthenticatedError("请求须带令牌", "A bearer token is required")
    problem.headers = {"WWW-Authenticate": _REALM}
    return problem


class AuthenticationMiddleware:
    """Lets nobody in without a good token, except to the open paths; runs before a body is read."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        verifier: TokenVerifier,
        open_paths: frozenset[str],
        claims: Callable[[Caller], bool] = lambda _: True,
    ) -> None:
        self.app = app
        self.verifier = verifier
        self.open_paths = open_paths
        self.claims = claims

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Put the caller into the request's state, or answer 401."""
        if scope["type"] != "http" or scope["path"] in self.open_paths:
            await self.app(scope, receive, send)
            return
        try:
            kind, _, token = Headers(scope=scope).get("authorization", "").partition(" ")
            if kind.lower() != "bearer" or not token.strip():
                raise _no_token()
            caller = await self.verifier.verify(token.strip())
            if not self.claims(caller):
                raise UnknownClaimsError
            if holds_personal_number(caller.subject):
                raise PersonalSubjectError
        except Problem as problem:
            await problem_response(problem, scope)(scope, receive, send)
            return
        scope.setdefault("state", {})["caller"] = caller
        await self.app(scope, receive, send)


class _Bearer(SecurityBase):
    """Describes the tokens in the OpenAPI document and hands the authenticated caller to a route."""

    def __init__(self) -> None:
        flow = OAuthFlowClientCredentials(tokenUrl="/oauth/token", scopes={})
        self.model = OAuth2(flows=OAuthFlows(clientCredentials=flow))
        self.scheme_name = "oauth2"

    async def __call__(self, request: Request, security_scopes: SecurityScopes) -> Caller:
        caller: Caller | None = getattr(request.state, "caller", None)
        if caller is None:
            raise _no_token()
        if security_scopes.scopes and caller.scopes.isdisjoint(security_scopes.scopes):
            raise _insufficient_scope(security_scopes.scopes)
        return caller


_bearer = _Bearer()


def _insufficient_scope(scopes: Sequence[str]) -> InsufficientScopeError:
    names = " ".join(scopes)
    problem = InsufficientScopeError(f"需要权限范围“{names}”", f"Needs the scope {names}")
    problem.headers = {"WWW-Authenticate": f'{_REALM}, error="insufficient_scope", scope="{names}"'}
    return problem


def require(*scopes: str) -> Callable[[Caller], Awaitable[Caller]]:
    """A dependency that gives the caller, or refuses one whose token has none of the scopes (401, 403)."""

    # Not a plain function: FastAPI would send every request through a thread for it.
    async def authorized(caller: Annotated[Caller, Security(_bearer, scopes=list(scopes))]) -> Caller:
        return caller

    return authorized


OUTSIDE_ALGORITHMS = ("Ed25519", "EdDSA", "ES256", "PS256", "RS256")
"""What an outside OpenID Connect issuer may sign with; never a shared secret."""


def verifier_of(
    settings: ServiceSettings, *, own: KeySource | None = None, now: Callable[[], float] = time.time
) -> TokenVerifier:
    """What checks the tokens of these issuers, with the leeway of the settings. `own` is as for `issuers_of`."""
    return TokenVerifier(issuers_of(settings, own=own), now=now, leeway_seconds=settings.clock_leeway_seconds)


def issuers_of(settings: ServiceSettings, *, own: KeySource | None = None) -> list[Issuer]:
    """The issuers by the settings. `own` is the key set of a service that signs tokens itself."""
    issuers = [Issuer(settings.issuer, own or _fetched(settings, settings.key_set_url))]
    if settings.outside_issuer and settings.outside_jwks_url:
        keys = _fetched(settings, settings.outside_jwks_url)
        issuers.append(Issuer(settings.outside_issuer, keys, OUTSIDE_ALGORITHMS))
    return issuers


def _fetched(settings: ServiceSettings, address: str) -> FetchedKeys:
    name = hashlib.sha256(address.encode()).hexdigest()[:16]
    return FetchedKeys(address, kept_in=settings.key_sets_dir / f"{name}.json")
