"""Accounts: asked for, issued with a secret shown once, rotated, revoked."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from services.kit.aggregates import Aggregate
from services.kit.database import Connection
from services.kit.errors import NotFoundError
from services.kit.idempotency import CommandKey, StoredAnswer
from services.registry.accounts.commands import (
    GrantAccount,
    RefuseAccount,
    RegisterClient,
    RequestAccount,
    RevokeClient,
    RotateSecret,
)
from services.registry.organizations.queries import OrganizationQueries
from services.registry.store.commands import Commands, Decided
from services.registry.store.tables import LOG
from services.registry.streams.account import AccountRequest, Client, hash_of_secret, new_secret
from services.registry.streams.actor import Actor
from services.registry.streams.organization import Organization, organization_of
from services.registry.worklists.worklists import end_hold, must_not_be_held

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


class Accounts(Commands):
    """Carries out the commands on accounts."""

    async def register(self, command: RegisterClient, key: CommandKey) -> WithSecret:
        """Issue an account of a place or an organization. Raises what `Client.register` does."""
        secret = new_secret()

        async def decide(conn: Connection, now: datetime) -> Decided:
            organization = await self._organization(conn, command.organization_id)
            client = Client.register(
                scopes=command.scopes,
                place=command.place,
                organization=organization,
                by=command.by,
                at=now,
            )
            await conn.execute(_KEEP_HASH, LOG, str(client.id), hash_of_secret(secret), command.label)
            return Decided(client, 201, {"client_id": str(client.id), "scopes": sorted(client.scopes)})

        return _with_secret(secret, await self._once(key, decide))

    async def request(self, command: RequestAccount, key: CommandKey) -> StoredAnswer:
        """Ask for an account. Raises what `AccountRequest.make` does."""

        async def decide(conn: Connection, now: datetime) -> Decided:
            organization = await self._get(conn, Organization, command.organization_id)
            request = AccountRequest.make(organization, scopes=command.scopes, by=command.by, at=now)
            return Decided(request, 201, _request_body(request))

        return await self._once(key, decide)

    async def grant(self, command: GrantAccount, key: CommandKey) -> WithSecret:
        """Issue what was asked for. Raises what `AccountRequest.grant` and `Client.register` do."""
        secret = new_secret()

        async def decide(conn: Connection, now: datetime) -> Decided:
            request = await self._get(conn, AccountRequest, command.request_id)
            organization = await self._get(conn, Organization, UUID(request.organization_id))
            client = Client.register(
                scopes=request.scopes, place=None, organization=organization, by=command.by, at=now
            )
            request.grant(client_id=str(client.id), by=command.by, at=now)
            await self._end_hold(conn, request, command.by, now)
            await conn.execute(_KEEP_HASH, LOG, str(client.id), hash_of_secret(secret), None)
            body = {"client_id": str(client.id), "scopes": sorted(client.scopes)}
            return Decided(client, 201, body, also=(request,))

        return _with_secret(secret, await self._once(key, decide))

    async def refuse(self, command: RefuseAccount, key: CommandKey) -> StoredAnswer:
        """Refuse a request. Raises what `AccountRequest.refuse` does."""

        async def decide(conn: Connection, now: datetime) -> Decided:
            request = await self._get(conn, AccountRequest, command.request_id)
            request.refuse(reason=command.reason, by=command.by, at=now)
            await self._end_hold(conn, request, command.by, now)
            return Decided(request, 200, _request_body(request))

        return await self._once(key, decide)

    async def rotate(self, command: RotateSecret, key: CommandKey) -> WithSecret:
        """Give a new secret; of several old ones the youngest alone stays good. Raises what `Client.rotate_secret` does."""
        secret = new_secret()

        async def decide(conn: Connection, now: datetime) -> Decided:
            client = await self._get(conn, Client, command.client_id)
            organization = await self._organization_of(conn, client)
            until = now + command.overlap
            client.rotate_secret(overlap_until=until, organization=organization, by=command.by, at=now)
            await conn.execute(_ROTATE, LOG, str(client.id), hash_of_secret(secret), until)
            body = {"client_id": str(client.id), "scopes": sorted(client.scopes), "old_secret_until": until}
            return Decided(client, 200, body)

        return _with_secret(secret, await self._once(key, decide))

    async def revoke(self, command: RevokeClient, key: CommandKey) -> StoredAnswer:
        """Revoke, and forget the secrets. Raises what `Client.revoke` does."""

        async def decide(conn: Connection, now: datetime) -> Decided:
            client = await self._get(conn, Client, command.client_id)
            organization = await self._organization_of(conn, client)
            client.revoke(reason=command.reason, organization=organization, by=command.by, at=now)
            await conn.execute(_FORGET, LOG, str(client.id))
            return Decided(client, 200, {"client_id": str(client.id), "state": "revoked"})

        return await self._once(key, decide)

    async def _end_hold(self, conn: Connection, request: AccountRequest, by: Actor, now: datetime) -> None:
        """Raises CaseHeldError when another official works on it."""
        await must_not_be_held(conn, str(request.id), by, now)
        await end_hold(conn, str(request.id))

    async def _organization_of(self, conn: Connection, client: Client) -> Organization | None:
        return await self._organization(conn, UUID(client.organization) if client.organization else None)

    async def _organization(self, conn: Connection, organization_id: UUID | None) -> Organization | None:
        if organization_id is None:
            return None
        found = await self._find(conn, Organization, organization_id)
        if found is None:
            raise NotFoundError
        return found


def _with_secret(secret: str, answer: StoredAnswer) -> WithSecret:
    return WithSecret(answer, None if answer.replayed else secret)


def _request_body(request: AccountRequest) -> dict[str, str]:
    return {"request_id": str(request.id), "state": request.state, "place": request.place}


class AccountQueries(OrganizationQueries):
    """Reads accounts and the requests for them."""

    async def list_accounts(self, by: Actor, organization_id: UUID) -> list[dict[str, Any]]:
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


def _account(row: asyncpg.Record) -> dict[str, Any]:
    shown = dict(row)
    return shown | {"old_secret_until": shown.pop("overlap_until")}
