"""Accounts: asked for, issued with a secret shown once, rotated, revoked."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from uuid import UUID, uuid4

import asyncpg
import msgspec
from fastapi import Response
from joserfc.jwk import OKPKey

from services.kit.aggregates import Aggregate
from services.kit.clock import Clock
from services.kit.command import Question
from services.kit.database import Database
from services.kit.errors import NotFoundError
from services.kit.event_store import EventStore
from services.kit.idempotency import CommandKey, StoredAnswer
from services.kit.signing import ED25519, HMAC, SigningKey
from services.registry.accounts.schemas import (
    AccountRefusal,
    AccountRequestBody,
    ClientRequest,
    RevocationRequest,
    RotationRequest,
    SigningKeyRequest,
)
from services.registry.organizations.organizations import OrganizationQueries
from services.registry.store.commands import Commands, Unit, command
from services.registry.store.tables import LOG
from services.registry.streams.account import AccountRequest, Client, hash_of_secret, new_secret
from services.registry.streams.actor import Actor
from services.registry.streams.organization import Organization, organization_of
from services.registry.worklists.worklists import end_hold, must_not_be_held

ASKED_FOR = Question(
    "account_requests", "request_id", {"organization_id": "text", "scope": "text"}, "state = 'requested'"
)
"""An organization's request for the same scopes that is not decided."""

Body = dict[str, object]

_KEEP_HASH = "insert into client_secrets (log, client_id, secret_hash, label) values ($1, $2, $3, $4)"
_ROTATE = """
update client_secrets set previous_hash = secret_hash, previous_until = $4, secret_hash = $3
 where log = $1 and client_id = $2
"""
_FORGET = """
update client_secrets set secret_hash = '', previous_hash = null, previous_until = null
 where log = $1 and client_id = $2
"""

_ACCOUNTS = """
select a.client_id, s.label, a.scopes, a.state, a.registered_at, a.rotated_at, a.overlap_until, a.revoked_at
  from accounts a left join client_secrets s using (log, client_id)
 where log = $1 and organization_id = $2 order by a.registered_at, a.client_id
"""


@dataclass(frozen=True)
class WithSecret:
    """An answer and the secret beside it: None on a repeat, for it is stored nowhere."""

    answer: StoredAnswer
    secret: str | None

    def response(self) -> Response:
        """The answer as it is sent, kept by nobody on the way."""
        body = msgspec.json.decode(self.answer.body) | {"client_secret": self.secret}
        sent = StoredAnswer(self.answer.status, msgspec.json.encode(body).decode(), self.answer.replayed)
        response = sent.response()
        response.headers["Cache-Control"] = "no-store"
        return response


class Accounts(Commands):
    """Carries out the commands on accounts; of a secret its digest by the algorithm of the profile is kept."""

    def __init__(self, database: Database, store: EventStore, *, digest: str, clock: Clock) -> None:
        super().__init__(database, store, clock=clock)
        self._digest = digest

    async def _with_secret(self, carry_out: Callable[[str], Awaitable[StoredAnswer]]) -> WithSecret:
        secret = new_secret()
        answer = await carry_out(hash_of_secret(secret, self._digest))
        return WithSecret(answer, None if answer.replayed else secret)

    async def register(self, key: CommandKey, by: Actor, body: ClientRequest) -> WithSecret:
        """Issue an account of a place or an organization. Raises what `Client.register` does."""
        return await self._with_secret(partial(self._register, key, by, body))

    @command(201)
    async def _register(self, unit: Unit, by: Actor, body: ClientRequest, secret_hash: str) -> Body:
        organization = await _organization(unit, body.organization_id)
        client = Client.register(
            scopes=body.scopes, place=body.place, organization=organization, by=by, at=unit.now
        )
        return await _issue(unit, client, secret_hash, body.label)

    @command(201)
    async def request(self, unit: Unit, by: Actor, organization_id: UUID, body: AccountRequestBody) -> Body:
        """Ask for an account; asked again while it is not decided, the same request is answered.

        Raises what `AccountRequest.make` does.
        """
        organization = await unit.get(Organization, organization_id)
        request = AccountRequest.make(organization, scopes=body.scopes, by=by, at=unit.now)
        known = await unit.find(ASKED_FOR, str(organization_id), " ".join(request.scopes))
        if known is not None:
            return _request_body(await unit.get(AccountRequest, UUID(known)))
        unit.keep(request)
        return _request_body(request)

    async def grant(self, key: CommandKey, by: Actor, request_id: UUID) -> WithSecret:
        """Issue what was asked for. Raises what `AccountRequest.grant` and `Client.register` do, and CaseHeldError."""
        return await self._with_secret(partial(self._grant, key, by, request_id))

    @command(201)
    async def _grant(self, unit: Unit, by: Actor, request_id: UUID, secret_hash: str) -> Body:
        request = await unit.get(AccountRequest, request_id)
        organization = await _organization(unit, request.organization_id)
        client = Client.register(
            scopes=request.scopes, place=None, organization=organization, by=by, at=unit.now
        )
        request.grant(client_id=str(client.id), by=by, at=unit.now)
        await _end_hold(unit, request, by)
        body = await _issue(unit, client, secret_hash, None)
        unit.keep(request)
        return body

    @command()
    async def refuse(self, unit: Unit, by: Actor, request_id: UUID, body: AccountRefusal) -> Body:
        """Refuse a request. Raises what `AccountRequest.refuse` does, and CaseHeldError."""
        request = await unit.get(AccountRequest, request_id)
        request.refuse(reason=body.reason, by=by, at=unit.now)
        await _end_hold(unit, request, by)
        unit.keep(request)
        return _request_body(request)

    async def rotate(self, key: CommandKey, by: Actor, client_id: UUID, body: RotationRequest) -> WithSecret:
        """Give a new secret; of several old ones the youngest alone stays good. Raises what `Client.rotate_secret` does."""
        return await self._with_secret(partial(self._rotate, key, by, client_id, body))

    @command()
    async def _rotate(
        self, unit: Unit, by: Actor, client_id: UUID, body: RotationRequest, secret_hash: str
    ) -> Body:
        client = await unit.get(Client, client_id)
        organization = await _organization(unit, client.organization)
        until = unit.now + timedelta(hours=body.overlap_hours)
        client.rotate_secret(overlap_until=until, organization=organization, by=by, at=unit.now)
        await unit.conn.execute(_ROTATE, LOG, str(client.id), secret_hash, until)
        unit.keep(client)
        return {"client_id": str(client.id), "scopes": sorted(client.scopes), "old_secret_until": until}

    @command()
    async def sign_by(self, unit: Unit, by: Actor, client_id: UUID, body: SigningKeyRequest) -> Body:
        """Have a client's requests signed by a key, or by none any more. Raises what `Client.sign_by` does."""
        client = await unit.get(Client, client_id)
        organization = await _organization(unit, client.organization)
        key = None if body.algorithm is None else _signing_key(body)
        client.sign_by(key, organization=organization, by=by, at=unit.now)
        unit.keep(client)
        return {
            "client_id": str(client.id),
            "algorithm": body.algorithm,
            "key_id": key.key_id if key is not None else None,
            "required": key is not None and key.required,
        }

    @command()
    async def revoke(self, unit: Unit, by: Actor, client_id: UUID, body: RevocationRequest) -> Body:
        """Revoke, and forget the secrets. Raises what `Client.revoke` does."""
        client = await unit.get(Client, client_id)
        organization = await _organization(unit, client.organization)
        client.revoke(reason=body.reason, organization=organization, by=by, at=unit.now)
        await unit.conn.execute(_FORGET, LOG, str(client.id))
        unit.keep(client)
        return {"client_id": str(client.id), "state": "revoked"}


def _signing_key(body: SigningKeyRequest) -> SigningKey:
    """A key with its id: that of a public key is its thumbprint (RFC 7638), that of a secret is new."""
    if body.public_key is None:
        return SigningKey(HMAC, uuid4().hex, None, body.required)
    thumbprint = OKPKey.import_key({"kty": "OKP", "crv": "Ed25519", "x": body.public_key}).thumbprint()
    return SigningKey(ED25519, thumbprint, body.public_key, body.required)


async def _issue(unit: Unit, client: Client, secret_hash: str, label: str | None) -> Body:
    await unit.conn.execute(_KEEP_HASH, LOG, str(client.id), secret_hash, label)
    unit.keep(client)
    return {"client_id": str(client.id), "scopes": sorted(client.scopes)}


async def _end_hold(unit: Unit, request: AccountRequest, by: Actor) -> None:
    """Raises CaseHeldError when another official works on it."""
    await must_not_be_held(unit.conn, str(request.id), by, unit.now)
    await end_hold(unit.conn, str(request.id))


async def _organization(unit: Unit, organization_id: str | None) -> Organization | None:
    return None if organization_id is None else await unit.get(Organization, UUID(organization_id))


def _request_body(request: AccountRequest) -> Body:
    return {"request_id": str(request.id), "state": request.state, "place": request.place}


class AccountQueries(OrganizationQueries):
    """Reads accounts and the requests for them."""

    async def list_accounts(self, by: Actor, organization_id: UUID) -> list[dict[str, object]]:
        """The accounts of an organization, for itself, its bureau and the one that issues. Raises NotFoundError."""
        organization = await self.get(by, organization_id)
        if by.organization is None and not (
            by.covers(organization.place) or by.place == organization.issuing_place
        ):
            raise NotFoundError
        async with self._database.acquire() as conn:
            rows = await conn.fetch(_ACCOUNTS, LOG, str(organization_id))
        return [_account(row) for row in rows]

    async def get_account_request(self, by: Actor, request_id: UUID) -> AccountRequest:
        """A request for an account, for its organization, its bureau and the one that decides. Raises NotFoundError."""
        async with self._database.acquire() as conn:
            found = (await self._aggregates.get_all(conn, Aggregate, [request_id])).get(request_id)
            if not isinstance(found, AccountRequest):
                raise NotFoundError
            organization = await self.organization(conn, UUID(found.organization_id))
        own = organization_of(by.organization) == organization.id
        if not (own or by.covers(found.place) or by.covers(organization.place)):
            raise NotFoundError
        return found


def _account(row: asyncpg.Record) -> dict[str, object]:
    shown = dict(row)
    return shown | {"old_secret_until": shown.pop("overlap_until")}
