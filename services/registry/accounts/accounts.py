"""Carries out the commands on accounts: asked for, issued with a secret shown once, rotated, revoked."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.kit.database import Connection
from services.kit.errors import NotFoundError
from services.kit.idempotency import CommandKey, StoredAnswer
from services.registry.accounts.account_request import AccountRequest
from services.registry.accounts.client import Client, hash_of_secret, new_secret
from services.registry.actors import Actor
from services.registry.once import Commands, Decided
from services.registry.organizations.commands import (
    GrantAccount,
    RefuseAccount,
    RegisterClient,
    RequestAccount,
    RevokeClient,
    RotateSecret,
)
from services.registry.organizations.organization import Organization
from services.registry.tables import LOG
from services.registry.worklists.holding import end_hold, must_not_be_held

_KEEP_HASH = "insert into client_secrets (log, client_id, secret_hash, label) values ($1, $2, $3, $4)"
_ROTATE = """
update client_secrets set previous_hash = secret_hash, previous_until = $4, secret_hash = $3
 where log = $1 and client_id = $2
"""
_FORGET = """
update client_secrets set secret_hash = '', previous_hash = null, previous_until = null
 where log = $1 and client_id = $2
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
