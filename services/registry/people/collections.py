"""Collections (信息采集): handed in, reviewed twice, returned or taken as the person's information (S2C-01, S2C-08)."""

import uuid
from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

import msgspec

from contracts.identity import pair_like
from services.kit.errors import NotFoundError
from services.registry.people.personal_commands import PersonalCommands, must_speak_for
from services.registry.people.schemas import CollectionRequest, EndingRequest, ReviewRequest
from services.registry.personal_data.evidence import require_evidence
from services.registry.personal_data.vault import DETAILS, Texts, fields_of_identity
from services.registry.store.commands import Unit, command
from services.registry.store.tables import LOG
from services.registry.streams.actor import Actor
from services.registry.streams.collection import COLLECTED
from services.registry.streams.person import Person
from services.registry.streams.problems import NotOwnDocumentError
from services.registry.streams.profile import contested_identity_of
from services.registry.worklists.worklists import end_hold, must_not_be_held

COLLECTIONS = "collections"
"""The budget of submissions under a document that is somebody else's."""
_PERSON_OF = "select person_id from collections where log = $1 and collection_id = $2"


class Submission(NamedTuple):
    """A collection that was decided: the person after it, and what of it is to be sealed."""

    person: Person
    texts: Texts


class Collections(PersonalCommands):
    """Carries out what is asked about collections."""

    @command(201)
    async def submit(self, unit: Unit, by: Actor, body: CollectionRequest) -> dict[str, str]:
        """Submit, or submit again after a return. Under a document that is somebody's of whom the caller may not know it
        goes to a reviewer like any other, and claims no document.

        Raises CollectionExistsError, OutsidePlaceError, NotEmployerError, NotOwnDocumentError, UnknownEvidenceError.
        """
        identity = body.person.identity()
        hashes = self._hashers.persons(identity.id_type, identity.id_number)
        own = await self.own_code(unit, by)
        submission = await self.submitted(unit, by, body, own, await self.documents(unit, [hashes]))
        await self._vault.seal_all(unit.conn, [submission.texts])
        unit.keep(submission.person)
        return _outcome(submission.person)

    async def submitted(
        self,
        unit: Unit,
        by: Actor,
        body: CollectionRequest,
        own: str | None,
        documents: Mapping[str, tuple[UUID | None, str]],
    ) -> Submission:
        """The person after a submission, decided but not yet sealed and kept; `own` is the code of who hands it in,
        `documents` whose they are.
        """
        must_speak_for(by, body.place, body.employer, own)
        identity = body.person.identity()
        pairs = self._hashers.pairs(*vars(identity).values())
        hashes = [number for number, _ in pairs]
        if by.speaks_for_self and not self.signed_in_by(by, hashes[0]):
            raise NotOwnDocumentError(pointer="/person/id_number")
        known, claim = documents[hashes[0]]
        if known is not None and not await self.may_know(unit, by, await unit.get(Person, known)):
            await self._budgets.spend(COLLECTIONS, by.organization or by.subject, 1, conn=unit.conn)
            claims = [contested_identity_of(each, by.organization or by.subject) for each in hashes]
            claim, known = claims[0], await self._contested(unit, claims)
        if known is None:
            collection_id = uuid.uuid4()
            person = Person.submit(
                collection_id=collection_id,
                identity_hash=hashes[0],
                claim=claim,
                profile=body.profile(pairs[0][1]),
                by=by,
                at=unit.now,
            )
        else:
            person = await unit.get(Person, known)
            _, name_hash = pair_like(pairs, person.identity_hash)
            person.resubmit(profile=body.profile(name_hash), by=by, at=unit.now)
        await require_evidence(unit.conn, body.evidence, by, person_id=person.id)
        details = msgspec.json.encode(body.details() | {"evidence": body.evidence}).decode()
        texts = fields_of_identity(identity) | {DETAILS: details}
        return Submission(person, Texts(str(person.id), person.version, texts))

    async def _contested(self, unit: Unit, claims: Sequence[str]) -> UUID | None:
        """What the claimant has handed in under this document before."""
        found = await unit.store.by_identity(unit.conn, LOG, claims)
        return next((UUID(found[each].stream_id) for each in claims if each in found), None)

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
        if person.state == COLLECTED:
            await self.renew_if_rotating(unit, person)
        unit.keep(person)
        return _outcome(person)


def _outcome(person: Person) -> dict[str, str]:
    """Where a collection stands, without personal data."""
    return {"collection_id": person.collection_id, "person_id": str(person.id), "state": person.state}
