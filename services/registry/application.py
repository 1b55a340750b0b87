"""The registry's commands: each rebuilds an aggregate, lets it decide, and stores rows, answer and events
at once.

Raises, for every command, the idempotency problems, BusyError when others kept being first, and
NotFoundError for an id that is not there; what an aggregate refuses is named with its method.
"""

from datetime import datetime

from services.kit.database import Connection
from services.kit.idempotency import CommandKey, StoredAnswer
from services.registry import organization as organizations
from services.registry.client import Client, hash_of_secret, new_secret
from services.registry.commands import (
    AccreditProvider,
    DisqualifyProvider,
    RegisterClient,
    RegisterOrganization,
)
from services.registry.once import Commands, Decided
from services.registry.organization import Organization
from services.registry.problems import OrganizationExistsError
from services.registry.tables import LOG

_KEEP_HASH = "insert into client_secrets (log, client_id, secret_hash, label) values ($1, $2, $3, $4)"


class RegistryApplication(Commands):
    """Carries out the commands on organizations and clients."""

    async def register_organization(self, command: RegisterOrganization, key: CommandKey) -> StoredAnswer:
        """Register. Raises OutsidePlaceError, OrganizationExistsError."""

        async def decide(conn: Connection, now: datetime) -> Decided:
            identity = organizations.identity_of(command.uscc)
            found = await self._store.by_identity(conn, LOG, [identity])
            if found:
                raise OrganizationExistsError(found[identity].stream_id)
            organization = Organization.register(
                name=command.name,
                uscc=command.uscc,
                kind=command.kind,
                place=command.place,
                by=command.by,
                at=now,
            )
            return Decided(organization, 201, {"organization_id": str(organization.id)})

        return await self._once(key, decide)

    async def accredit_provider(self, command: AccreditProvider, key: CommandKey) -> StoredAnswer:
        """Accredit. Raises what `Organization.accredit` does."""

        async def decide(conn: Connection, now: datetime) -> Decided:
            organization = await self._get(conn, Organization, command.organization_id)
            organization.accredit(
                place=command.place,
                years=command.years,
                modes=command.modes,
                published=command.published,
                by=command.by,
                at=now,
            )
            return Decided(organization, 201, {"organization_id": str(organization.id)})

        return await self._once(key, decide)

    async def disqualify_provider(self, command: DisqualifyProvider, key: CommandKey) -> StoredAnswer:
        """Disqualify. Raises what `Organization.disqualify` does."""

        async def decide(conn: Connection, now: datetime) -> Decided:
            organization = await self._get(conn, Organization, command.organization_id)
            organization.disqualify(
                place=command.place,
                from_date=command.from_date,
                reason=command.reason,
                by=command.by,
                at=now,
            )
            return Decided(organization, 201, {"organization_id": str(organization.id)})

        return await self._once(key, decide)

    async def register_client(
        self, command: RegisterClient, key: CommandKey
    ) -> tuple[StoredAnswer, str | None]:
        """Register a client; the secret is given once, and None on a repeat: it is stored nowhere.

        Raises what `Client.register` does.
        """
        secret = new_secret()

        async def decide(conn: Connection, now: datetime) -> Decided:
            organization = None
            if command.organization_id is not None:
                organization = await self._get(conn, Organization, command.organization_id)
            client = Client.register(
                scopes=command.scopes,
                place=command.place,
                organization=organization,
                by=command.by,
                at=now,
            )
            await conn.execute(_KEEP_HASH, LOG, str(client.id), hash_of_secret(secret), command.label)
            return Decided(client, 201, {"client_id": str(client.id), "scopes": sorted(client.scopes)})

        answer = await self._once(key, decide)
        return answer, None if answer.replayed else secret
