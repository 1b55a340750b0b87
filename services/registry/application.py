"""The registry's commands: each rebuilds an aggregate, lets it decide, and stores rows, answer and events
at once.

Raises, for every command, the idempotency problems, BusyError when others kept being first, and
NotFoundError for an id that is not there; what an aggregate refuses is named with its method.
"""

import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from contracts.identity import IdentityHasher
from services.kit.aggregates import Aggregate, Aggregates
from services.kit.clock import Clock
from services.kit.database import Connection, Database
from services.kit.errors import BusyError, NotFoundError
from services.kit.event_store import EventStore
from services.kit.failures import LOST_RACE, NOTHING_STORED
from services.kit.idempotency import CommandKey, StoredAnswer, claim, remember
from services.registry import organization as organizations
from services.registry import person as people
from services.registry.actors import Actor
from services.registry.client import Client, hash_of_secret, new_secret
from services.registry.commands import (
    AccreditProvider,
    ApproveCollection,
    DisqualifyProvider,
    RegisterClient,
    RegisterOrganization,
    ReturnCollection,
    SubmitCollection,
)
from services.registry.organization import Organization
from services.registry.person import Person, Profile
from services.registry.problems import NotEmployerError, OrganizationExistsError
from services.registry.projections import read_models
from services.registry.tables import LOG
from services.registry.vault import Vault

ATTEMPTS_MAX = 5

A = TypeVar("A", bound=Aggregate)

_PERSON_OF = "select person_id from collections where log = $1 and collection_id = $2"
_KEEP_HASH = "insert into client_secrets (log, client_id, secret_hash, label) values ($1, $2, $3, $4)"


@dataclass(frozen=True)
class Decided:
    """What a command came to: the aggregate that changed, and the answer, which is kept without personal
    data.
    """

    aggregate: Aggregate
    status: int
    body: dict[str, Any]


Decide = Callable[[Connection, datetime], Awaitable[Decided]]


class RegistryApplication:
    """Carries out commands on the registry's log."""

    def __init__(
        self, database: Database, store: EventStore, *, vault: Vault, hasher: IdentityHasher, clock: Clock
    ) -> None:
        self._database = database
        self._store = store
        self._aggregates = Aggregates(store, LOG)
        self._vault = vault
        self._hasher = hasher
        self._clock = clock
        self._read_models = read_models()

    async def submit_collection(self, command: SubmitCollection, key: CommandKey) -> StoredAnswer:
        """Submit, or submit again after a return. Raises CollectionExistsError, OutsidePlaceError,
        NotEmployerError.
        """

        async def decide(conn: Connection, now: datetime) -> Decided:
            await self._must_speak_for(conn, command.by, command.place, command.employer)
            person = await self._submitted(conn, command, now)
            await self._vault.seal_identity(conn, person.id, person.version, command.identity)
            return Decided(person, 201, _collection_body(person))

        return await self._once(key, decide)

    async def approve_collection(self, command: ApproveCollection, key: CommandKey) -> StoredAnswer:
        """Approve. Raises what `Person.approve` does."""

        async def decide(conn: Connection, now: datetime) -> Decided:
            person = await self._person_of(conn, command.collection_id)
            person.approve(by=command.by, at=now)
            return Decided(person, 200, _collection_body(person))

        return await self._once(key, decide)

    async def return_collection(self, command: ReturnCollection, key: CommandKey) -> StoredAnswer:
        """Return with a reason. Raises what `Person.return_to_submitter` does."""

        async def decide(conn: Connection, now: datetime) -> Decided:
            person = await self._person_of(conn, command.collection_id)
            person.return_to_submitter(reason=command.reason, by=command.by, at=now)
            if command.note is not None:
                await self._vault.seal_note(conn, person.id, person.version, command.note)
            return Decided(person, 200, _collection_body(person))

        return await self._once(key, decide)

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

    async def _once(self, key: CommandKey, decide: Decide) -> StoredAnswer:
        lost: Exception = BusyError()
        for _ in range(ATTEMPTS_MAX):
            try:
                return await self._attempt(key, decide)
            except LOST_RACE as error:
                lost = error
        raise BusyError if isinstance(lost, NOTHING_STORED) else lost

    async def _attempt(self, key: CommandKey, decide: Decide) -> StoredAnswer:
        async with self._database.transaction() as conn:
            stored = await claim(conn, LOG, key)
            if stored is not None:
                return stored
            decided = await decide(conn, self._clock())
            events = tuple(decided.aggregate.pending_events)
            for model in self._read_models:
                await model.apply_decided(conn, LOG, events)
            answer = StoredAnswer.of(decided.status, decided.body)
            await remember(conn, LOG, key, answer)
            await self._aggregates.save(conn, decided.aggregate)
        self._store.hints.announce(self._database, LOG)
        return answer

    async def _submitted(self, conn: Connection, command: SubmitCollection, now: datetime) -> Person:
        identity = command.identity
        identity_hash = self._hasher.person(identity.id_type, identity.id_number)
        profile = Profile(
            name_hash=self._hasher.name(identity.id_type, identity.id_number, identity.name),
            place=command.place,
            employer=command.employer,
            student=command.student,
            level=command.level,
            obtained_on=command.obtained_on,
            working_since=command.working_since,
        )
        known = await self._store.by_identity(conn, LOG, [people.identity_of(identity_hash)])
        for event in known.values():
            person = await self._get(conn, Person, UUID(event.stream_id))
            person.resubmit(profile=profile, by=command.by, at=now)
            return person
        return Person.submit(
            collection_id=uuid.uuid4(), identity_hash=identity_hash, profile=profile, by=command.by, at=now
        )

    async def _must_speak_for(self, conn: Connection, by: Actor, place: str, employer: str | None) -> None:
        if by.organization is None:
            by.must_cover(place, pointer="/place")
            return
        stream = organizations.organization_of(by.organization)
        own = None if stream is None else await self._find(conn, Organization, stream)
        if own is None or employer is None or own.uscc != employer:
            raise NotEmployerError(pointer="/employer")

    async def _person_of(self, conn: Connection, collection_id: UUID) -> Person:
        person_id = await conn.fetchval(_PERSON_OF, LOG, str(collection_id))
        if person_id is None:
            raise NotFoundError
        return await self._get(conn, Person, UUID(person_id))

    async def _get(self, conn: Connection, cls: type[A], aggregate_id: UUID) -> A:
        found = await self._find(conn, cls, aggregate_id)
        if found is None:
            raise NotFoundError
        return found

    async def _find(self, conn: Connection, cls: type[A], aggregate_id: UUID) -> A | None:
        found = (await self._aggregates.get_all(conn, Aggregate, [aggregate_id])).get(aggregate_id)
        return found if isinstance(found, cls) else None


def _collection_body(person: Person) -> dict[str, Any]:
    return {"collection_id": person.collection_id, "person_id": str(person.id), "state": person.state}
