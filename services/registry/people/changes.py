"""Changes of information (信息变更, S2C-09): submit, review, withdraw, undo what was wrongly approved."""

import uuid
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from services.kit.database import Connection
from services.kit.errors import NotFoundError
from services.kit.idempotency import CommandKey, StoredAnswer
from services.registry.people.collections import DETAILS, PersonalCommands
from services.registry.people.commands import ReverseChange, ReviewChange, SubmitChange
from services.registry.personal_data.evidence import require_evidence
from services.registry.store.commands import Decided
from services.registry.store.tables import LOG
from services.registry.streams import person as people
from services.registry.streams.actor import Actor
from services.registry.streams.change import (
    IDENTITY_ITEMS,
    REVERSAL,
    SEALED_ITEMS,
    SEPARATION,
    Change,
    facts_of_items,
    identity_with,
    on_record,
    restored_facts,
    sealed_field,
)
from services.registry.streams.person import Person
from services.registry.streams.problems import (
    ChangeOvertakenError,
    ChangePendingError,
    DocumentTakenError,
    NotCollectedError,
    NotEmployerError,
    NothingChangesError,
    NothingToSeparateError,
    OutsidePlaceError,
    PersonErasedError,
)
from services.registry.streams.profile import Identity, Profile, facts_of, profile_of
from services.registry.worklists.worklists import end_hold, must_not_be_held

_OPEN = """
select change_id, state from changes
 where log = $1 and person_id = $2 and state in ('submitted', 'returned')
"""
_COUNT = "select count(*) from changes where log = $1 and person_id = $2"
_LATER = """
select change_id from changes
 where log = $1 and person_id = $2 and number > $3 and state = 'approved' and items && $4::text[]
 order by number desc limit 1
"""
_GENERATION = "select generation from documents where log = $1 and identity_hash = $2"

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, Any]).decode


class Changes(PersonalCommands):
    """Carries out what is asked about changes of information."""

    async def submit(self, command: SubmitChange, key: CommandKey) -> StoredAnswer:
        """Ask for a change. Raises NotFoundError for a person the caller does not speak for, NotCollectedError,
        ChangePendingError, NothingChangesError, DocumentTakenError, UnknownEvidenceError.
        """

        async def decide(conn: Connection, now: datetime) -> Decided:
            person = await self._spoken_for(conn, command.person_id, command.by)
            # Counted before: a case that is stored between the two either shows here or holds the same number.
            number = 1 + await conn.fetchval(_COUNT, LOG, str(person.id))
            pending = await conn.fetchrow(_OPEN, LOG, str(person.id))
            if pending is not None:
                raise ChangePendingError(pending["change_id"], pending["state"])
            items, sealed = await self._asked(conn, person, command)
            change = Change.submit(
                person_id=person.id,
                number=number,
                place=person.profile.place,
                employer=person.profile.employer,
                items=sorted(items),
                values=facts_of_items(items),
                evidence=command.evidence,
                by=command.by,
                at=now,
            )
            await self._seal_case(conn, change, sealed)
            return Decided(change, 201, change_body(change))

        return await self._once(key, decide)

    async def resubmit(self, change_id: UUID, command: SubmitChange, key: CommandKey) -> StoredAnswer:
        """Submit a returned change again, corrected. Raises as `submit`, and ChangeNotPendingError."""

        async def decide(conn: Connection, now: datetime) -> Decided:
            change = await self._get(conn, Change, change_id)
            person = await self._spoken_for(conn, UUID(change.person_id), command.by)
            items, sealed = await self._asked(conn, person, command)
            change.resubmit(
                place=person.profile.place,
                employer=person.profile.employer,
                items=sorted(items),
                values=facts_of_items(items),
                evidence=command.evidence,
                by=command.by,
                at=now,
            )
            await self._seal_case(conn, change, sealed)
            return Decided(change, 200, change_body(change))

        return await self._once(key, decide)

    async def withdraw(self, change_id: UUID, by: Actor, key: CommandKey) -> StoredAnswer:
        """Give a change up before it is decided. Raises NotFoundError, ChangeNotPendingError."""

        async def decide(conn: Connection, now: datetime) -> Decided:
            change = await self._get(conn, Change, change_id)
            await self._spoken_for(conn, UUID(change.person_id), by)
            change.withdraw(by=by, at=now)
            await end_hold(conn, str(change.id))
            return Decided(change, 200, change_body(change))

        return await self._once(key, decide)

    async def review(self, command: ReviewChange, key: CommandKey) -> StoredAnswer:
        """Approve, or return with a reason. Raises OutsidePlaceError, OwnSubmissionError, ChangeNotPendingError,
        CaseHeldError, and DocumentTakenError when the new document was claimed meanwhile.
        """

        async def decide(conn: Connection, now: datetime) -> Decided:
            change = await self._get(conn, Change, command.change_id)
            person = await self._get(conn, Person, UUID(change.person_id))
            place, case_id = person.profile.place, str(change.id)
            if command.reason is not None:
                change.return_to_submitter(place=place, reason=command.reason, by=command.by, at=now)
                await self._seal_note(conn, change, command.note)
                also: tuple[Person, ...] = ()
            else:
                former = {"identity_hash": person.identity_hash, "profile": facts_of(person.profile)}
                change.approve(place=place, former=former, by=command.by, at=now)
                await self._apply(conn, change, person, by=command.by, at=now)
                also = (person,)
            await must_not_be_held(conn, case_id, command.by, now)
            await end_hold(conn, case_id)
            return Decided(change, 200, change_body(change), also)

        return await self._once(key, decide)

    async def reverse(self, command: ReverseChange, key: CommandKey) -> StoredAnswer:
        """Undo an approved change that was wrong; with `separate`, its new document and what is on record now go to a
        person of their own.

        Raises OutsidePlaceError, OwnSubmissionError, ChangeNotPendingError, ChangeOvertakenError,
        NothingToSeparateError.
        """

        async def decide(conn: Connection, now: datetime) -> Decided:
            change = await self._get(conn, Change, command.change_id)
            person = await self._get(conn, Person, UUID(change.person_id))
            other_id = None
            cause = SEPARATION if command.separate else REVERSAL
            was = change.former.get("identity_hash", person.identity_hash)
            if command.separate and was == person.identity_hash and change.former:
                raise NothingToSeparateError
            await self._must_be_latest(conn, change)
            identity, details = await self._personal(conn, person)
            identity_hash, profile = person.identity_hash, person.profile
            other = None
            if command.separate and change.former:
                other = await self._separated(conn, identity_hash, profile, by=command.by, at=now)
                other_id = other.id
            change.reverse(
                place=profile.place,
                cause=cause,
                reason=command.reason,
                separated_id=other_id,
                by=command.by,
                at=now,
            )
            await self._restore(conn, change, person, cause, by=command.by, at=now)
            if other is not None:
                await self._vault.seal_identity(conn, other.id, other.version, identity)
                await self._seal_details(conn, other, details)
            await self._seal_note(conn, change, command.note)
            body = change_body(change) | {"separated_person_id": other_id and str(other_id)}
            return Decided(change, 200, body, (person,) if other is None else (person, other))

        return await self._once(key, decide)

    async def _asked(
        self, conn: Connection, person: Person, command: SubmitChange
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """The items that differ from what is on record, and what is to be sealed of the case."""
        if person.state != people.COLLECTED:
            raise NotCollectedError
        identity, details = await self._personal(conn, person)
        old = on_record(person.profile, identity, details)
        items = {item: value for item, value in command.items.items() if old[item] != value}
        if not items:
            raise NothingChangesError(pointer="/items")
        await self._identity_after(conn, person, identity, items)
        await require_evidence(conn, command.evidence, command.by, person_id=person.id)
        sealed = {
            "old": {item: old[item] for item in items},
            "new": items,
            "evidence": list(command.evidence),
        }
        return items, sealed

    async def _identity_after(
        self, conn: Connection, person: Person, identity: Identity, items: dict[str, Any]
    ) -> tuple[Identity, str, str, str | None]:
        """The identity after a change, its two hashes, and the claim of a document that is new to the person."""
        after = identity_with(identity, items)
        identity_hash, name_hash = self._hasher.person_and_name(after.id_type, after.id_number, after.name)
        claim = None
        if identity_hash != person.identity_hash:
            owner, claim = await self.document(conn, identity_hash)
            if owner == person.id:
                claim = None
            elif owner is not None:
                raise DocumentTakenError(pointer="/items/id_document")
        return after, identity_hash, name_hash, claim

    async def _apply(
        self, conn: Connection, change: Change, person: Person, *, by: Actor, at: datetime
    ) -> None:
        """Put what was asked for on record."""
        items = (await self._sealed_case(conn, change))["new"]
        identity, details = await self._personal(conn, person)
        after, identity_hash, name_hash, claim = await self._identity_after(conn, person, identity, items)
        facts = facts_of(person.profile) | change.values | {"name_hash": name_hash}
        person.change_info(
            change_id=change.id,
            cause="change",
            items=change.items,
            identity_hash=identity_hash,
            claim=claim,
            profile=profile_of(facts),
            by=by,
            at=at,
        )
        await self._seal_after(conn, person, after, details, items)

    async def _restore(
        self, conn: Connection, change: Change, person: Person, cause: str, *, by: Actor, at: datetime
    ) -> None:
        """Put back what the change replaced, and leave everything else."""
        items = (await self._sealed_case(conn, change))["old"]
        identity, details = await self._personal(conn, person)
        before = identity_with(identity, items)
        _, name_hash = self._hasher.person_and_name(before.id_type, before.id_number, before.name)
        facts = restored_facts(person.profile, change.former["profile"], change.items)
        person.change_info(
            change_id=change.id,
            cause=cause,
            items=change.items,
            identity_hash=change.former["identity_hash"]
            if "id_document" in change.items
            else person.identity_hash,
            claim=None,
            profile=profile_of(facts | {"name_hash": name_hash}),
            by=by,
            at=at,
        )
        await self._seal_after(conn, person, before, details, items)

    async def _separated(
        self, conn: Connection, identity_hash: str, profile: Profile, *, by: Actor, at: datetime
    ) -> Person:
        """The person that the second document belongs to, with what is on record under it now."""
        generation = await conn.fetchval(_GENERATION, LOG, identity_hash)
        return Person.separate(
            collection_id=uuid.uuid4(),
            identity_hash=identity_hash,
            claim=people.identity_of(identity_hash, generation + 1),
            profile=profile,
            by=by,
            at=at,
        )

    async def _must_be_latest(self, conn: Connection, change: Change) -> None:
        items = set(change.items) | (IDENTITY_ITEMS if IDENTITY_ITEMS & set(change.items) else set())
        later = await conn.fetchval(_LATER, LOG, change.person_id, change.number, sorted(items))
        if later is not None:
            raise ChangeOvertakenError(later)

    async def _spoken_for(self, conn: Connection, person_id: UUID, by: Actor) -> Person:
        """The person, when the caller may speak for them. Raises NotFoundError otherwise."""
        person = await self._get(conn, Person, person_id)
        if by.speaks_for_self:
            if person.submitted_by != by.subject:
                raise NotFoundError
            return person
        try:
            await self.must_speak_for(conn, by, person.profile.place, person.profile.employer)
        except (OutsidePlaceError, NotEmployerError):
            raise NotFoundError from None
        return person

    async def _personal(self, conn: Connection, person: Person) -> tuple[Identity, dict[str, Any]]:
        identity = await self._vault.open_identity(conn, person.id)
        if identity is None:
            raise PersonErasedError
        texts = await self._vault.open_texts(conn, person.id, [DETAILS])
        return identity, _decode(texts[DETAILS]) if DETAILS in texts else {}

    async def _seal_after(
        self,
        conn: Connection,
        person: Person,
        identity: Identity,
        details: dict[str, Any],
        items: dict[str, Any],
    ) -> None:
        if IDENTITY_ITEMS & set(items):
            await self._vault.seal_identity(conn, person.id, person.version, identity)
        sealed = {item: value for item, value in items.items() if item in SEALED_ITEMS}
        if sealed:
            await self._seal_details(conn, person, details | sealed)

    async def _seal_details(self, conn: Connection, person: Person, details: dict[str, Any]) -> None:
        await self._vault.seal_texts(conn, person.id, person.version, {DETAILS: _encode(details).decode()})

    async def _seal_case(self, conn: Connection, change: Change, sealed: dict[str, Any]) -> None:
        texts = {sealed_field(change.id): _encode(sealed).decode()}
        await self._vault.seal_texts(conn, UUID(change.person_id), change.version, texts)

    async def _sealed_case(self, conn: Connection, change: Change) -> dict[str, Any]:
        field = sealed_field(change.id)
        texts = await self._vault.open_texts(conn, UUID(change.person_id), [field])
        if field not in texts:
            raise PersonErasedError
        return _decode(texts[field])

    async def _seal_note(self, conn: Connection, change: Change, note: str | None) -> None:
        if note is not None:
            texts = {f"{sealed_field(change.id)}:note": note}
            await self._vault.seal_texts(conn, UUID(change.person_id), change.version, texts)


def change_body(change: Change) -> dict[str, Any]:
    """Where a change stands, without personal data."""
    return {"change_id": str(change.id), "person_id": change.person_id, "state": change.state}
