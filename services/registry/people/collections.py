"""Collections (信息采集): handed in, reviewed twice, returned or taken as the person's information (S2C-01, S2C-08)."""

import uuid
from itertools import product
from typing import Any
from uuid import UUID

import msgspec

from contracts.identity import IdentityHasher
from services.kit.budgets import Budgets
from services.kit.clock import Clock, local_date
from services.kit.command import Question
from services.kit.database import Database
from services.kit.errors import NotFoundError
from services.kit.event_store import EventStore
from services.registry.people.schemas import CollectionRequest, EndingRequest, ReviewRequest
from services.registry.personal_data.evidence import require_evidence
from services.registry.personal_data.vault import DETAILS, Vault
from services.registry.store.commands import Commands, Unit, command
from services.registry.store.merge_chains import parts_of
from services.registry.store.tables import LOG
from services.registry.streams.actor import Actor
from services.registry.streams.organization import Organization, organization_of
from services.registry.streams.person import Person
from services.registry.streams.problems import NotEmployerError, NotOwnDocumentError
from services.registry.streams.profile import Identity, contested_identity_of, identity_of
from services.registry.worklists.worklists import end_hold, must_not_be_held

HOLDER = Question("documents", "person_id", {"identity_hash": "text"}, "state <> 'released'")
"""Whose an ID document is."""
COLLECTIONS = "collections"
"""The budget of submissions under a document that is somebody else's."""
FORMER_MAX = 100
"""Former names and numbers that are kept of one person, the latest."""

_PERSON_OF = "select person_id from collections where log = $1 and collection_id = $2"
_GENERATION = """
select generation + (state = 'released')::int from documents where log = $1 and identity_hash = $2
"""


class PersonalCommands(Commands):
    """Base of the commands on persons: who may speak for them, and which documents are claimed."""

    def __init__(
        self,
        database: Database,
        store: EventStore,
        *,
        vault: Vault,
        hasher: IdentityHasher,
        budgets: Budgets,
        clock: Clock,
    ) -> None:
        super().__init__(database, store, clock=clock)
        self._budgets = budgets
        self._vault = vault
        self._hasher = hasher

    async def must_speak_for(self, unit: Unit, by: Actor, place: str, employer: str | None) -> None:
        """An official for the people of the place, an employer for its own, or a person for themselves.

        Raises OutsidePlaceError, NotEmployerError.
        """
        if by.speaks_for_self:
            return  # of whom, the caller has looked at
        if by.organization is None:
            by.must_cover(place, pointer="/place")
            return
        own = await self.own_code(unit, by)
        if own is None or own != employer:
            raise NotEmployerError(pointer="/employer")

    async def own_code(self, unit: Unit, by: Actor) -> str | None:
        """The credit code of the organization the caller acts for."""
        stream = organization_of(by.organization)
        own = None if stream is None else await unit.get_if_any(Organization, stream)
        return None if own is None else own.uscc

    async def document(self, unit: Unit, identity_hash: str) -> tuple[UUID | None, str]:
        """Whose the document is, and what it would be claimed under by whom it becomes."""
        holder = await unit.find(HOLDER, identity_hash)
        generation = await unit.conn.fetchval(_GENERATION, LOG, identity_hash)
        return None if holder is None else UUID(holder), identity_of(identity_hash, generation or 0)

    async def may_know(self, unit: Unit, by: Actor, person: Person) -> bool:
        """Whether the caller may be told that the person is on record: they themselves, whoever handed them in, their
        employer, and officials of their place. For others a submission goes the way of any other, to a reviewer.
        """
        if by.speaks_for_self or by.covers(person.profile.place) or by.subject == person.submitted_by:
            return True
        own = await self.own_code(unit, by)
        return own is not None and own == person.profile.employer

    def signed_in_by(self, by: Actor, identity_hash: str) -> bool:
        """Whether the caller's token names the document of this keyed hash."""
        id_type, _, id_number = (by.document or "").partition(":")
        return bool(id_number) and self._hasher.person(id_type, id_number) == identity_hash

    async def former_identities(self, unit: Unit, after: Identity, *people: Person) -> list[dict[str, Any]]:
        """Every name and number of the profiles, as keyed hashes, once they are those of the one person `after` (B-24).

        Each number that was theirs with each name is among them: not every platform learns of every change, or at once.
        """
        found: dict[tuple[str, str], dict[str, Any]] = {}
        known = [after]
        parts = [each for person in people for each in await parts_of(unit.conn, person.id)]
        for person in (*[await unit.get(Person, each) for each in parts], *people):
            own = {(str(each["identity_hash"]), str(each["name_hash"])): each for each in person.former}
            found |= own
            # A number or a name that was theirs by mistake, and was put back, is none of them.
            theirs = {*own, (person.identity_hash, person.profile.name_hash)}
            stored = await self._vault.open_every_identity(unit.conn, person.id)
            known += [each for each in stored if self._hasher.person_and_name(*vars(each).values()) in theirs]
        until = local_date(unit.now)
        documents = dict.fromkeys((each.id_type, each.id_number) for each in reversed(known))
        for (id_type, id_number), name in product(
            documents, dict.fromkeys(each.name for each in reversed(known))
        ):
            pair = self._hasher.person_and_name(id_type, id_number, name)
            found.setdefault(pair, {"identity_hash": pair[0], "name_hash": pair[1], "until": until})
        found.pop(self._hasher.person_and_name(*vars(after).values()))
        return list(found.values())[-FORMER_MAX:]


class Collections(PersonalCommands):
    """Carries out what is asked about collections."""

    @command(201)
    async def submit(self, unit: Unit, by: Actor, body: CollectionRequest) -> dict[str, str]:
        """Submit, or submit again after a return. Under a document that is somebody's of whom the caller may not know it
        goes to a reviewer like any other, and claims no document.

        Raises CollectionExistsError, OutsidePlaceError, NotEmployerError, NotOwnDocumentError, UnknownEvidenceError.
        """
        person = await self.submitted(unit, by, body)
        unit.keep(person)
        return _outcome(person)

    async def submitted(self, unit: Unit, by: Actor, body: CollectionRequest) -> Person:
        """The person after a submission, decided and sealed but not yet kept."""
        await self.must_speak_for(unit, by, body.place, body.employer)
        identity = body.person.identity()
        identity_hash, name_hash = self._hasher.person_and_name(*vars(identity).values())
        if by.speaks_for_self and not self.signed_in_by(by, identity_hash):
            raise NotOwnDocumentError(pointer="/person/id_number")
        profile = body.profile(name_hash)
        known, claim = await self.document(unit, identity_hash)
        if known is not None and not await self.may_know(unit, by, await unit.get(Person, known)):
            await self._budgets.spend(COLLECTIONS, by.organization or by.subject, 1, conn=unit.conn)
            claim = contested_identity_of(identity_hash, by.organization or by.subject)
            known = await self._contested(unit, claim)
        if known is None:
            collection_id = uuid.uuid4()
            person = Person.submit(
                collection_id=collection_id,
                identity_hash=identity_hash,
                claim=claim,
                profile=profile,
                by=by,
                at=unit.now,
            )
        else:
            person = await unit.get(Person, known)
            person.resubmit(profile=profile, by=by, at=unit.now)
        await require_evidence(unit.conn, body.evidence, by, person_id=person.id)
        await self._vault.seal_identity(unit.conn, person.id, person.version, identity)
        details = msgspec.json.encode(body.details() | {"evidence": body.evidence}).decode()
        await self._vault.seal_texts(unit.conn, person.id, person.version, {DETAILS: details})
        return person

    async def _contested(self, unit: Unit, claim: str) -> UUID | None:
        """What the claimant has handed in under this document before."""
        found = (await unit.store.by_identity(unit.conn, LOG, [claim])).get(claim)
        return None if found is None else UUID(found.stream_id)

    @command()
    async def end(self, unit: Unit, by: Actor, collection_id: UUID, body: EndingRequest) -> dict[str, str]:
        """End a collection that is in somebody else's number. Raises NotFoundError, OutsidePlaceError,
        CollectionNotPendingError.
        """
        person_id = await unit.conn.fetchval(_PERSON_OF, LOG, str(collection_id))
        if person_id is None:
            raise NotFoundError
        person = await unit.get(Person, UUID(person_id))
        person.end(reason=body.reason, by=by, at=unit.now)
        await end_hold(unit.conn, str(collection_id))
        unit.keep(person)
        return _outcome(person)

    @command()
    async def review(
        self, unit: Unit, by: Actor, collection_id: UUID, step: str, body: ReviewRequest
    ) -> dict[str, str]:
        """Pass a step, or return with a reason. Raises what `Person.pass_review` does, and CaseHeldError."""
        person_id = await unit.conn.fetchval(_PERSON_OF, LOG, str(collection_id))
        if person_id is None:
            raise NotFoundError
        person = await unit.get(Person, UUID(person_id))
        if body.reason is None:
            person.pass_review(step, by=by, at=unit.now)
        else:
            person.return_to_submitter(step, reason=body.reason, by=by, at=unit.now)
        await must_not_be_held(unit.conn, str(collection_id), by, unit.now)
        if body.note is not None:
            await self._vault.seal_note(unit.conn, person.id, person.version, body.note)
        await end_hold(unit.conn, str(collection_id))
        unit.keep(person)
        return _outcome(person)


def _outcome(person: Person) -> dict[str, str]:
    """Where a collection stands, without personal data."""
    return {"collection_id": person.collection_id, "person_id": str(person.id), "state": person.state}
