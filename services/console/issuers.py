"""Issuers as the console meets them: the address people are sent to, and the identity token their code is good for.

OpenID Connect, authorization code with PKCE (RFC 7636); the parameters are Authlib's, the token is checked by joserfc.
"""

import secrets
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import httpx
from authlib.oauth2.rfc6749.errors import OAuth2Error
from authlib.oauth2.rfc6749.parameters import (
    parse_authorization_code_response,
    prepare_grant_uri,
    prepare_token_request,
)
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from contracts.sign_in import SignInIssuer
from services.console.sessions import Attempt
from services.kit.auth import OUTSIDE_ALGORITHMS, Issuer, TokenVerifier
from services.kit.errors import NotAuthenticatedError
from services.kit.http_client import PatientClient
from services.kit.key_sets import FetchedKeys

_SECONDS_MAX = 3.0

Clients = Callable[[], httpx.AsyncClient]


class SignInRefusedError(Exception):
    """A sign-in that came to nothing: the issuer refused, or its answer is not to a question of ours."""


class Grant(NamedTuple):
    """What an issuer grants: the identity token, and what it renews the sign-in for, if it renews any."""

    identity_token: str
    refresh: str | None


class Issuers:
    """The issuers of a deployment, by key."""

    def __init__(
        self,
        issuers: Sequence[SignInIssuer],
        *,
        returning: str,
        now: Callable[[], float],
        clients: Clients = lambda: PatientClient(timeout=_SECONDS_MAX, trust_env=False),
    ) -> None:
        self.by_key: Mapping[str, SignInIssuer] = {each.key: each for each in issuers}
        self._returning = returning
        self._clients = clients
        self._verifiers = {
            each.key: TokenVerifier(
                [Issuer(each.issuer, FetchedKeys(each.jwks_url, client=self._clients), OUTSIDE_ALGORITHMS)],
                audience=each.client_id,
                now=now,
            )
            for each in issuers
        }

    def attempt(self, key: str, following: str) -> Attempt:
        """A new attempt to sign in with an issuer. Raises KeyError for one that there is not."""
        return Attempt(
            issuer=self.by_key[key].key,
            state=secrets.token_urlsafe(24),
            nonce=secrets.token_urlsafe(24),
            code_verifier=secrets.token_urlsafe(48),
            following=following,
        )

    def address(self, attempt: Attempt) -> str:
        """Where the browser is sent."""
        issuer = self.by_key[attempt.issuer]
        address: str = prepare_grant_uri(
            issuer.authorization_url,
            client_id=issuer.client_id,
            response_type="code",
            redirect_uri=self._returning,
            scope=issuer.scope,
            state=attempt.state,
            nonce=attempt.nonce,
            code_challenge=create_s256_code_challenge(attempt.code_verifier),
            code_challenge_method="S256",
        )
        return address

    async def grant(self, attempt: Attempt, returned: str) -> Grant:
        """The grant for the code in the address that the issuer sent the browser back to.

        Raises SignInRefusedError.
        """
        issuer = self.by_key.get(attempt.issuer)
        if issuer is None:
            raise SignInRefusedError("the issuer is not known any more")
        try:
            code = parse_authorization_code_response(returned, state=attempt.state)["code"]
        except OAuth2Error as error:
            raise SignInRefusedError(str(error)) from None
        body = prepare_token_request(
            "authorization_code",
            redirect_uri=self._returning,
            code=code,
            code_verifier=attempt.code_verifier,
            client_id=issuer.client_id,
        )
        granted, claims = await self._granted(issuer, body)
        if not secrets.compare_digest(str(claims.get("nonce", "")), attempt.nonce):
            raise SignInRefusedError("the identity token is of another attempt")
        return granted

    async def renewed(self, key: str, refresh: str) -> Grant:
        """A new grant for somebody who is signed in, as the issuer knows them now (OpenID Connect Core, 12).

        Raises SignInRefusedError.
        """
        issuer = self.by_key.get(key)
        if issuer is None:
            raise SignInRefusedError("the issuer is not known any more")
        body = prepare_token_request("refresh_token", refresh_token=refresh, client_id=issuer.client_id)
        granted, _ = await self._granted(issuer, body)
        # An issuer that gives no new one goes on with the old one.
        return granted if granted.refresh else Grant(granted.identity_token, refresh)

    async def _granted(self, issuer: SignInIssuer, body: str) -> tuple[Grant, Mapping[str, object]]:
        answer = await self._ask(issuer, body)
        token, refresh = answer.get("id_token"), answer.get("refresh_token")
        if not isinstance(token, str):
            raise SignInRefusedError("the issuer gives no identity token")
        try:
            claims = await self._verifiers[issuer.key].claims(token)
        except NotAuthenticatedError:
            raise SignInRefusedError("the identity token is not good") from None
        return Grant(token, refresh if isinstance(refresh, str) else None), claims

    async def _ask(self, issuer: SignInIssuer, body: str) -> Mapping[str, object]:
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        secret = _secret(issuer.client_secret_file)
        auth = None if secret is None else httpx.BasicAuth(issuer.client_id, secret)
        try:
            async with self._clients() as client:
                response = await client.post(
                    issuer.token_url, content=body, headers=headers, auth=auth or httpx.Auth()
                )
            answer = response.json() if response.is_success else None
        except (httpx.HTTPError, ValueError):
            answer = None
        if not isinstance(answer, dict):
            raise SignInRefusedError("the issuer grants nothing")
        return answer


def _secret(file: Path | None) -> str | None:
    return None if file is None else file.read_text(encoding="utf-8").strip()
