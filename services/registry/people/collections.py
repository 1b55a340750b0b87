"""Collections (信息采集): handed in, reviewed twice, returned or taken as the person's information (S2C-01, S2C-08)."""

import uuid
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from contracts.identity import IdentityHasher
from services.kit.clock import Clock
from services.kit.database import Connection, Database
from services.kit.errors import NotFoundError
from services.kit.event_store import EventStore
from services.kit.idempotency import CommandKey, StoredAnswer
from services.registry.people.commands import ReviewCollection, SubmitCollection
from services.registry.personal_data.evidence import require_evidence
from services.registry.personal_data.vault import Vault
from services.registry.store.commands import Commands, Decided
from services.registry.store.tables import LOG
from services.registry.streams import organization as organizations
from services.registry.streams import person as people
from services.registry.streams.actor import Actor
from services.registry.streams.organization import Organization
from services.registry.streams.person import Person
from services.registry.streams.problems import NotEmployerError
from services.registry.streams.profile import Profile
from services.registry.worklists.worklists import end_hold, must_not_be_held

DETAILS = "details"
"""The sealed field that holds contact, education and certificates."""

_PERSON_OF = "select person_id from collections where log = $1 and collection_id = $2"
_DOCUMENT = "select person_id, state, generation from documents where log = $1 and identity_hash = $2"


class PersonalCommands(Commands):
    """Base of the commands on persons: who may speak for them, and which documents are claimed."""

    def __init__(
        self, database: Database, store: EventStore, *, vault: Vault, hasher: IdentityHasher, clock: Clock
    ) -> None:
        super().__init__(database, store, clock=clock)
        self._vault = vault
        self._hasher = hasher

    async def must_speak_for(self, conn: Connection, by: Actor, place: str, employer: str | None) -> None:
        """An official for the people of the place, an employer for its own, or a person for themselves.

        Raises OutsidePlaceError, NotEmployerError.
        """
        if by.speaks_for_self:
            return
        if by.organization is None:
            by.must_cover(place, pointer="/place")
            return
        stream = organizations.organization_of(by.organization)
        own = None if stream is None else await self._find(conn, Organization, stream)
        if own is None or employer is None or own.uscc != employer:
            raise NotEmployerError(pointer="/employer")

    async def document(self, conn: Connection, identity_hash: str) -> tuple[UUID | None, str]:
        """Whose the document is, and what it would be claimed under by whom it becomes."""
        row = await conn.fetchrow(_DOCUMENT, LOG, identity_hash)
        if row is None:
            return None, people.identity_of(identity_hash)
        if row["state"] == "released":
            return None, people.identity_of(identity_hash, row["generation"] + 1)
        return UUID(row["person_id"]), people.identity_of(identity_hash, row["generation"])


class Collections(PersonalCommands):
    """Carries out what is asked about collections."""

    async def submit(self, command: SubmitCollection, key: CommandKey) -> StoredAnswer:
        """Submit, or submit again after a return. Raises CollectionExistsError, OutsidePlaceError,
        NotEmployerError, UnknownEvidenceError.
        """

        async def decide(conn: Connection, now: datetime) -> Decided:
            person = await self.submitted(conn, command, now)
            return Decided(person, 201, collection_body(person))

        return await self._once(key, decide)

    async def submitted(self, conn: Connection, command: SubmitCollection, now: datetime) -> Person:
        """The person after a submission, decided and sealed but not yet saved."""
        await self.must_speak_for(conn, command.by, command.place, command.employer)
        person = await self._decide(conn, command, now)
        await require_evidence(conn, command.evidence, command.by, person_id=person.id)
        await self._vault.seal_identity(conn, person.id, person.version, command.identity)
        details = msgspec.json.encode(command.details | {"evidence": list(command.evidence)}).decode()
        await self._vault.seal_texts(conn, person.id, person.version, {DETAILS: details})
        return person

    async def _decide(self, conn: Connection, command: SubmitCollection, now: datetime) -> Person:
        identity = command.identity
        identity_hash, name_hash = self._hasher.person_and_name(
            identity.id_type, identity.id_number, identity.name
        )
        profile = Profile(
            name_hash=name_hash,
            place=command.place,
            employer=command.employer,
            student=command.student,
            student_since=command.student_since,
            qualifications=command.qualifications,
            jobs=command.jobs,
            working_since=command.working_since,
        )
        known, claim = await self.document(conn, identity_hash)
        if known is not None:
            person = await self._get(conn, Person, known)
            person.resubmit(profile=profile, by=command.by, at=now)
            return person
        return Person.submit(
            collection_id=uuid.uuid4(),
            identity_hash=identity_hash,
            claim=claim,
            profile=profile,
            by=command.by,
            at=now,
        )

    async def review(self, command: ReviewCollection, key: CommandKey) -> StoredAnswer:
        """Pass a step, or return with a reason. Raises what `Person.pass_review` does, and CaseHeldError."""

        async def decide(conn: Connection, now: datetime) -> Decided:
            person = await self._person_of(conn, command.collection_id)
            if command.reason is None:
                person.pass_review(command.step, by=command.by, at=now)
            else:
                person.return_to_submitter(command.step, reason=command.reason, by=command.by, at=now)
            await must_not_be_held(conn, str(command.collection_id), command.by, now)
            if command.note is not None:
                await self._vault.seal_note(conn, person.id, person.version, command.note)
            await end_hold(conn, str(command.collection_id))
            return Decided(person, 200, collection_body(person))

        return await self._once(key, decide)

    async def _person_of(self, conn: Connection, collection_id: UUID) -> Person:
        person_id = await conn.fetchval(_PERSON_OF, LOG, str(collection_id))
        if person_id is None:
            raise NotFoundError
        return await self._get(conn, Person, UUID(person_id))


def collection_body(person: Person) -> dict[str, Any]:
    """Where a collection stands, without personal data."""
    return {"collection_id": person.collection_id, "person_id": str(person.id), "state": person.state}
