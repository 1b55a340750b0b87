"""Tokens for clients: client credentials checked against what is registered (RFC 6749, 4.4), and signed."""

import asyncio
import base64
import binascii
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote_plus
from uuid import UUID

from joserfc.jwk import OKPKey

from services.kit.aggregates import Aggregate, Aggregates
from services.kit.database import OUTCOME_UNKNOWN, Database
from services.kit.event_store import EventStore
from services.kit.key_sets import REVOKED, FixedKeys
from services.kit.signing import public_key_set, sign_token
from services.registry.accounts.schemas import TokenAnswer
from services.registry.store.tables import LOG
from services.registry.streams.account import Client, is_secret

UNKNOWN_CLIENT = "unknown"
_FIELDS_MAX = 20
_CLOCKS_APART_SECONDS = 300
_REVOKED_PAUSE_SECONDS = 30.0
_SECRETS = """
select secret_hash, case when previous_until > to_timestamp($3) then previous_hash end as previous_hash
  from client_secrets where log = $1 and client_id = $2
"""
_REVOKED = """
select client_id::text from accounts where log = $1 and revoked_at > to_timestamp($2) order by 1
"""


class TokenRefusedError(Exception):
    """Why there is no token, in the words of RFC 6749, 5.2."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(error)
        self.error = error
        self.description = description
        self.status = status


@dataclass(frozen=True)
class TokenRequest:
    """What a client sends: who it is, and the scopes it wants now, all of its own when none are named."""

    client_id: str
    client_secret: str
    scopes: frozenset[str]

    @classmethod
    def read(cls, authorization: str, body: bytes) -> "TokenRequest":
        """Read the form and, if given, HTTP Basic. Raises TokenRefusedError."""
        form = read_form(body)
        if form.get("grant_type") is None:
            raise TokenRefusedError("invalid_request", "grant_type is missing")
        if form["grant_type"] != "client_credentials":
            raise TokenRefusedError("unsupported_grant_type", "only client_credentials and token-exchange")
        basic = _basic(authorization)
        if basic is not None and "client_secret" in form:
            raise TokenRefusedError("invalid_request", "use one way to authenticate")
        client_id, client_secret = basic or (form.get("client_id", ""), form.get("client_secret", ""))
        return cls(client_id, client_secret, frozenset(form.get("scope", "").split()))


class TokenIssuer:
    """Signs tokens for clients of the registry."""

    def __init__(
        self,
        database: Database,
        store: EventStore,
        *,
        key: OKPKey,
        issuer: str,
        lifetime_seconds: int,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._aggregates = Aggregates(store, LOG)
        self._key = key
        self._issuer = issuer
        self._lifetime_seconds = lifetime_seconds
        self._now = now

    async def issue(self, request: TokenRequest) -> TokenAnswer:
        """A token for the client. Raises TokenRefusedError when the secret or the scopes are not its own."""
        client = await self._client(request)
        scopes = request.scopes or client.scopes
        if not scopes <= client.scopes:
            raise TokenRefusedError("invalid_scope", "the client does not have all of these scopes")
        token = sign_token(
            self._key,
            issuer=self._issuer,
            subject=str(client.id),
            scopes=scopes,
            place=client.place,
            organization=client.organization,
            signing=client.signing,
            lifetime_seconds=self._lifetime_seconds,
            now=self._now,
        )
        return TokenAnswer(
            access_token=token,
            token_type="Bearer",  # noqa: S106 - the kind of token
            expires_in=self._lifetime_seconds,
            scope=" ".join(sorted(scopes)),
        )

    async def _client(self, request: TokenRequest) -> Client:
        client_id = _client_id(request.client_id)
        async with self._database.acquire() as conn:
            stored = await conn.fetchrow(_SECRETS, LOG, str(client_id), self._now())
            now, before = (None, None) if stored is None else tuple(stored)
            known = is_secret(request.client_secret, now) | is_secret(request.client_secret, before)
            if not known or client_id is None:
                raise TokenRefusedError("invalid_client", "the client or its secret is not known", 401)
            found = await self._aggregates.get_all(conn, Aggregate, [client_id])
        client = found[client_id]
        assert isinstance(client, Client)
        if client.revoked:
            raise TokenRefusedError("invalid_client", "the client or its secret is not known", 401)
        return client

    async def key_set(self) -> Mapping[str, object]:
        """The public keys, as a JWK Set, and the clients whose tokens are taken no more."""
        return {**public_key_set(self._key), REVOKED: sorted(await self.revoked())}

    async def revoked(self) -> frozenset[str]:
        """The clients revoked so lately that a token of theirs may not have expired."""
        since = self._now() - self._lifetime_seconds - _CLOCKS_APART_SECONDS
        async with self._database.acquire() as conn:
            return frozenset(row[0] for row in await conn.fetch(_REVOKED, LOG, since))

    async def keep_revoked(self, keys: FixedKeys) -> None:
        """Tell this process's own keys who was revoked, also by other processes, until cancelled."""
        while True:
            with suppress(*OUTCOME_UNKNOWN):
                keys.revoked = await self.revoked()
            await asyncio.sleep(_REVOKED_PAUSE_SECONDS)


def read_form(body: bytes) -> dict[str, str]:
    """The fields of a form, each once. Raises TokenRefusedError."""
    try:
        pairs = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, max_num_fields=_FIELDS_MAX, errors="strict"
        )
    except ValueError:
        raise TokenRefusedError("invalid_request", "the body is not a form") from None
    form = dict(pairs)
    if len(form) != len(pairs):
        raise TokenRefusedError("invalid_request", "a field is repeated")
    return form


def _basic(authorization: str) -> tuple[str, str] | None:
    kind, _, encoded = authorization.partition(" ")
    if kind.lower() != "basic":
        return None
    try:
        client_id, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        raise TokenRefusedError("invalid_client", "the client or its secret is not known", 401) from None
    return unquote_plus(client_id), unquote_plus(secret)


def client_named(authorization: str, body: bytes) -> str:
    """The client that a request names, as far as it names one in a client's form; else `unknown`."""
    try:
        basic = _basic(authorization)
        named = basic[0] if basic is not None else read_form(body).get("client_id", "")
    except TokenRefusedError:
        named = ""
    found = _client_id(named)
    return UNKNOWN_CLIENT if found is None else str(found)


def _client_id(text: str) -> UUID | None:
    try:
        return UUID(text) if len(text) == 36 else None
    except ValueError:
        return None
