"""What the registry answers. Whoever may not see a thing is told that it is not there."""

from collections.abc import Sequence
from typing import Any, Literal
from uuid import UUID

import asyncpg

from contracts.identity import IdentityHasher
from services.kit.aggregates import Aggregate, Aggregates
from services.kit.clock import Clock
from services.kit.database import Connection, Database
from services.kit.errors import NotFoundError
from services.kit.event_store import EventStore
from services.registry import organization as organizations
from services.registry.actors import Actor
from services.registry.organization import Organization
from services.registry.tables import LOG
from services.registry.vault import FIELDS, Disclosure, Identity, Vault

Check = Literal["match", "mismatch", "unknown"]

_COLLECTION = "select * from collections where log = $1 and collection_id = $2"
_PERSON = "select * from people where log = $1 and person_id = $2"
_NAMES = "select identity_hash, name_hash from people where log = $1 and identity_hash = any($2::text[])"


class RegistryQueries:
    """Reads; every reading of personal data is put on record, in the transaction that reads."""

    def __init__(
        self, database: Database, store: EventStore, *, vault: Vault, hasher: IdentityHasher, clock: Clock
    ) -> None:
        self._database = database
        self._aggregates = Aggregates(store, LOG)
        self._vault = vault
        self._hasher = hasher
        self._clock = clock

    async def get_collection(self, by: Actor, collection_id: UUID) -> dict[str, Any]:
        """A collection case with masked identity. Raises NotFoundError."""
        async with self._database.transaction() as conn:
            row = await conn.fetchrow(_COLLECTION, LOG, str(collection_id))
            if row is None or not await self._may_see(conn, by, row):
                raise NotFoundError
            person_id = UUID(row["person_id"])
            identity = await self._vault.open_identity(conn, person_id)
            note = await self._vault.open_note(conn, person_id, version=row["version"])
            await self._record(conn, by, "collection", person_id, [*FIELDS, "note"])
        return {
            "collection_id": row["collection_id"],
            "person_id": row["person_id"],
            "state": row["state"],
            "place": row["place"],
            "employer": row["employer"],
            "name": identity and identity.masked_name,
            "id_number": identity and identity.masked_number,
            "submitted_at": row["submitted_at"],
            "decided_at": row["decided_at"],
            "reason": row["reason"],
            "note": note if row["state"] == "returned" else None,
        }

    async def get_person(self, by: Actor, person_id: UUID) -> dict[str, Any]:
        """A collected person with masked identity. Raises NotFoundError."""
        async with self._database.transaction() as conn:
            row = await conn.fetchrow(_PERSON, LOG, str(person_id))
            if row is None or not await self._may_see(conn, by, row):
                raise NotFoundError
            identity = await self._vault.open_identity(conn, person_id)
            await self._record(conn, by, "person", person_id, FIELDS)
        qualification = None
        if row["level"] is not None:
            qualification = {"level": row["level"], "obtained_on": row["obtained_on"]}
        return {
            "person_id": row["person_id"],
            "place": row["place"],
            "employer": row["employer"],
            "student": row["student"],
            "qualification": qualification,
            "working_since": row["working_since"],
            "collected_at": row["collected_at"],
            "id_type": identity and identity.id_type,
            "id_number": identity and identity.masked_number,
            "name": identity and identity.masked_name,
        }

    async def check_identities(self, by: Actor, identities: Sequence[Identity]) -> list[Check]:
        """Whether each is collected under this name; compares keyed hashes, opens nothing (S0-23)."""
        hashes = [self._hasher.person(each.id_type, each.id_number) for each in identities]
        async with self._database.transaction() as conn:
            known = {row["identity_hash"]: row["name_hash"] for row in await conn.fetch(_NAMES, LOG, hashes)}
            disclosure = Disclosure(by.subject, "identity-check", self._clock(), count=len(identities))
            await self._vault.record(conn, disclosure)
        return [self._compare(each, known.get(key)) for each, key in zip(identities, hashes, strict=True)]

    async def get_organization(self, by: Actor, organization_id: UUID) -> Organization:
        """An organization; one that acts for itself sees itself only. Raises NotFoundError."""
        if by.organization is not None and organizations.organization_of(by.organization) != organization_id:
            raise NotFoundError
        async with self._database.acquire() as conn:
            found = await self._organization(conn, organization_id)
        if found is None:
            raise NotFoundError
        return found

    def _compare(self, identity: Identity, name_hash: str | None) -> Check:
        if name_hash is None:
            return "unknown"
        same = self._hasher.name(identity.id_type, identity.id_number, identity.name) == name_hash
        return "match" if same else "mismatch"

    async def _may_see(self, conn: Connection, by: Actor, row: asyncpg.Record) -> bool:
        if by.covers(row["place"]):
            return True
        own = organizations.organization_of(by.organization)
        if own is None or row["employer"] is None:
            return False
        organization = await self._organization(conn, own)
        return organization is not None and organization.uscc == row["employer"]

    async def _organization(self, conn: Connection, organization_id: UUID) -> Organization | None:
        found = (await self._aggregates.get_all(conn, Aggregate, [organization_id])).get(organization_id)
        return found if isinstance(found, Organization) else None

    async def _record(
        self, conn: Connection, by: Actor, purpose: str, person_id: UUID, fields: Sequence[str]
    ) -> None:
        await self._vault.record(conn, Disclosure(by.subject, purpose, self._clock(), person_id, fields))
