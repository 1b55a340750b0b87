"""Changes of information (信息变更, S2C-09): submit, review, withdraw, undo what was wrongly approved."""

import uuid
from typing import Any
from uuid import UUID

import msgspec

from contracts.identifiers import birth_month_of
from contracts.identity import pair_like
from services.registry.people.collections import COLLECTIONS
from services.registry.people.merges import OPEN, mergeable, stand_alone
from services.registry.people.personal_commands import PersonalCommands
from services.registry.people.schemas import ChangeRequest, ChangeReversal, ChangeReview
from services.registry.personal_data.evidence import require_evidence
from services.registry.personal_data.vault import DETAILS
from services.registry.store.commands import Unit, command
from services.registry.store.merge_chains import must_not_be_merged
from services.registry.store.tables import LOG
from services.registry.streams.actor import Actor
from services.registry.streams.change import (
    IDENTITY_ITEMS,
    REVERSAL,
    SEALED_ITEMS,
    SEPARATION,
    Change,
    SealedCase,
    facts_of_items,
    identity_with,
    on_record,
    restored_facts,
    sealed_field,
)
from services.registry.streams.collection import COLLECTED
from services.registry.streams.merge import MERGE, joined, taken_by
from services.registry.streams.person import Person
from services.registry.streams.problems import (
    BirthMonthDiffersError,
    ChangeOvertakenError,
    ChangePendingError,
    NotCollectedError,
    NotEmployerError,
    NothingChangesError,
    NothingToSeparateError,
    NotSpokenForError,
    OutsidePlaceError,
    PersonErasedError,
)
from services.registry.streams.profile import Identity, facts_of, identity_of, profile_of
from services.registry.worklists.worklists import end_hold, must_not_be_held

_COUNT = "select count(*) from changes where log = $1 and person_id = $2"
_LATER = """
select change_id from changes
 where log = $1 and person_id = $2 and number > $3 and state = 'approved' and items && $4::text[]
 order by number desc limit 1
"""
_GENERATION = "select generation from documents where log = $1 and identity_hash = $2"

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, object]).decode


class Changes(PersonalCommands):
    """Carries out what is asked about changes of information."""

    @command(201)
    async def submit(self, unit: Unit, by: Actor, person_id: UUID, body: ChangeRequest) -> dict[str, str]:
        """Ask for a change. Raises NotSpokenForError for a person the caller does not speak for, NotCollectedError,
        ChangePendingError, NothingChangesError, UnknownEvidenceError, and DocumentTakenError to an official of the place
        of whoever has the new document: others are told by the review. For a merge OutsidePlaceError and MergeRefusedError.
        """
        person = await self._spoken_for(unit, person_id, by)
        pending = await unit.find(OPEN, str(person.id))
        if pending is not None:
            raise ChangePendingError(pending, (await unit.get(Change, UUID(pending))).state)
        items, sealed = await self._asked(unit, by, person, body)
        change = Change.submit(
            person_id=person.id,
            number=1 + await unit.conn.fetchval(_COUNT, LOG, str(person.id)),
            place=person.profile.place,
            employer=person.profile.employer,
            items=sorted(items),
            values=facts_of_items(items),
            evidence=body.evidence,
            by=by,
            at=unit.now,
        )
        await self._seal_case(unit, change, sealed)
        unit.keep(change)
        return _outcome(change)

    @command()
    async def resubmit(self, unit: Unit, by: Actor, change_id: UUID, body: ChangeRequest) -> dict[str, str]:
        """Submit a returned change again, corrected. Raises as `submit`, and ChangeNotPendingError."""
        change = await unit.get(Change, change_id)
        person = await self._spoken_for(unit, UUID(change.person_id), by)
        items, sealed = await self._asked(unit, by, person, body)
        change.resubmit(
            place=person.profile.place,
            employer=person.profile.employer,
            items=sorted(items),
            values=facts_of_items(items),
            evidence=body.evidence,
            by=by,
            at=unit.now,
        )
        await self._seal_case(unit, change, sealed)
        unit.keep(change)
        return _outcome(change)

    @command()
    async def withdraw(self, unit: Unit, by: Actor, change_id: UUID) -> dict[str, str]:
        """Give a change up before it is decided. Raises NotSpokenForError, ChangeNotPendingError."""
        change = await unit.get(Change, change_id)
        await self._spoken_for(unit, UUID(change.person_id), by)
        change.withdraw(by=by, at=unit.now)
        await end_hold(unit.conn, str(change.id))
        unit.keep(change)
        return _outcome(change)

    @command()
    async def review(self, unit: Unit, by: Actor, change_id: UUID, body: ChangeReview) -> dict[str, str]:
        """Approve, or return with a reason. Raises OutsidePlaceError, OwnSubmissionError, ChangeNotPendingError,
        CaseHeldError, and DocumentTakenError when the new document was claimed meanwhile.
        """
        change = await unit.get(Change, change_id)
        person = await unit.get(Person, UUID(change.person_id))
        place, merged = person.profile.place, list[Person]()
        if body.reason is not None:
            change.return_to_submitter(place=place, reason=body.reason, by=by, at=unit.now)
            await self._seal_note(unit, change, body.note)
        else:
            former = {
                "identity_hash": person.identity_hash,
                "profile": facts_of(person.profile),
                "former": person.former,
            }
            change.approve(place=place, former=former, by=by, at=unit.now)
            merged = await self._apply(unit, change, person, by)
        await must_not_be_held(unit.conn, str(change.id), by, unit.now)
        await end_hold(unit.conn, str(change.id))
        await self.renew_if_rotating(unit, person, *merged)
        unit.keep(change, person, *merged)
        return _outcome(change)

    @command()
    async def reverse(
        self, unit: Unit, by: Actor, change_id: UUID, body: ChangeReversal
    ) -> dict[str, str | None]:
        """Undo an approved change that was wrong; with `separate`, its new document and what is on record now go to a
        person of their own.

        Raises OutsidePlaceError, OwnSubmissionError, ChangeNotPendingError, ChangeOvertakenError,
        NothingToSeparateError, PersonMergedError.
        """
        change = await unit.get(Change, change_id)
        person = await unit.get(Person, UUID(change.person_id))
        await must_not_be_merged(unit.conn, person.id, person.merged_into)
        merged = await self._merged_by(unit, change)
        if body.separate and "id_document" not in change.items and merged is None:
            raise NothingToSeparateError
        await self._must_be_latest(unit, change)
        identity, details = await self._personal(unit, person)
        place, cause = person.profile.place, SEPARATION if body.separate or merged else REVERSAL
        other = None
        if body.separate and change.former and merged is None:
            other = await self._separated(unit, person, by)
        apart = merged or other
        other_id = None if apart is None else apart.id
        change.reverse(
            place=place, cause=cause, reason=body.reason, separated_id=other_id, by=by, at=unit.now
        )
        await self._restore(unit, change, person, cause, by)
        people = [person]
        if merged is not None:
            stand_alone(merged, change, by, unit.now)
            people.append(merged)
        if other is not None:
            await self._vault.seal_identity(unit.conn, other.id, other.version, identity)
            await self._seal_details(unit, other, details)
            people.append(other)
        await self.renew_if_rotating(unit, *people)
        unit.keep(change, *people)
        await self._seal_note(unit, change, body.note)
        return {**_outcome(change), "separated_person_id": None if other_id is None else str(other_id)}

    async def _asked(
        self, unit: Unit, by: Actor, person: Person, body: ChangeRequest
    ) -> tuple[dict[str, object], SealedCase]:
        """The items that differ from what is on record, and what is to be sealed of the case."""
        await must_not_be_merged(unit.conn, person.id, person.merged_into)
        if person.state != COLLECTED:
            raise NotCollectedError
        identity, details = await self._personal(unit, person)
        old = on_record(person.profile, identity, details)
        items = {item: value for item, value in body.items.values().items() if old[item] != value}
        if MERGE in items:
            other = await mergeable(unit, by, person, items)
            items |= joined(old, on_record(other.profile, *await self._personal(unit, other)))
        if not items:
            raise NothingChangesError(pointer="/items")
        after, *_ = await self._identity_after(unit, person, identity, items, asked_by=by)
        if "birth_month" in items and items["birth_month"] != (
            birth_month_of(after.id_type, after.id_number) or items["birth_month"]
        ):
            raise BirthMonthDiffersError(pointer="/items/birth_month")
        await require_evidence(unit.conn, body.evidence, by, person_id=person.id)
        sealed = SealedCase({item: old[item] for item in items}, items, list(body.evidence))
        return items, sealed

    async def _identity_after(
        self,
        unit: Unit,
        person: Person,
        identity: Identity,
        items: dict[str, object],
        *,
        asked_by: Actor | None = None,
    ) -> tuple[Identity, str, str, str | None]:
        """The identity after a change, its two hashes, and the claim of a document that is new to the person.

        Whoever asks for a change learns of nobody else's documents, but what they know; who decides it has to.
        """
        after = identity_with(identity, items)
        pairs = self._hashers.pairs(after.id_type, after.id_number, after.name)
        identity_hash, name_hash = pair_like(pairs, person.identity_hash)
        claim = None
        if identity_hash != person.identity_hash:
            holders = await self.holders(unit, (number for number, _ in pairs))
            owner = next((holders[number] for number, _ in pairs if number in holders), None)
            if identity_hash not in holders:
                claim = await self.claim_of(unit, identity_hash)
            if owner == person.id:
                pass
            elif owner is not None:
                holder = await unit.get(Person, owner)
                if asked_by is None or await self.may_know(unit, asked_by, holder):
                    raise taken_by(holder, asked_by)
                payer = asked_by.organization or asked_by.subject
                await self._budgets.spend(COLLECTIONS, payer, 1, conn=unit.conn)
        return after, identity_hash, name_hash, claim

    async def _merged_by(self, unit: Unit, change: Change) -> Person | None:
        """The profile that a change merged into its person's."""
        if MERGE not in change.items:
            return None
        items: dict[str, Any] = (await self._sealed_case(unit, change)).new
        return await unit.get(Person, UUID(items[MERGE]["person_id"]))

    async def _apply(self, unit: Unit, change: Change, person: Person, by: Actor) -> list[Person]:
        """Put what was asked for on record; the profiles that are part of the person's from now on."""
        items = (await self._sealed_case(unit, change)).new
        identity, details = await self._personal(unit, person)
        after, identity_hash, name_hash, claim = await self._identity_after(unit, person, identity, items)
        merged = [await mergeable(unit, by, person, items)] if MERGE in items else []
        now = identity_hash, name_hash
        former = await self.former_identities(unit, after, now, *merged, person)
        for other in merged:
            other.merge_into(person.id, change_id=change.id, by=by, at=unit.now)
        facts = facts_of(person.profile) | change.values | {"name_hash": name_hash}
        facts["birth_month"] = birth_month_of(after.id_type, after.id_number) or facts["birth_month"]
        person.change_info(
            change_id=change.id,
            cause=MERGE if merged else "change",
            items=change.items,
            identity_hash=identity_hash,
            claim=claim,
            former=former,
            profile=profile_of(facts),
            by=by,
            at=unit.now,
        )
        await self._seal_after(unit, person, after, details, items)
        return merged

    async def _restore(self, unit: Unit, change: Change, person: Person, cause: str, by: Actor) -> None:
        """Put back what the change replaced, and leave everything else."""
        items = (await self._sealed_case(unit, change)).old
        identity, details = await self._personal(unit, person)
        before = identity_with(identity, items)
        pairs = self._hashers.pairs(before.id_type, before.id_number, before.name)
        identity_hash, name_hash = pair_like(pairs, person.identity_hash, change.former["identity_hash"])
        claim = None
        # They may have had it under a key that is held no longer.
        known = identity_hash in (person.identity_hash, change.former["identity_hash"])
        if not known and identity_hash not in await self.holders(unit, [identity_hash]):
            claim = await self.claim_of(unit, identity_hash)
        facts = restored_facts(person.profile, change.former["profile"], change.items)
        person.change_info(
            change_id=change.id,
            cause=cause,
            items=change.items,
            identity_hash=identity_hash,
            claim=claim,
            former=change.former["former"] if IDENTITY_ITEMS & set(change.items) else person.former,
            profile=profile_of(facts | {"name_hash": name_hash}),
            by=by,
            at=unit.now,
        )
        await self._seal_after(unit, person, before, details, items)

    async def _separated(self, unit: Unit, person: Person, by: Actor) -> Person:
        """The person that the second document belongs to, with what is on record under it now."""
        generation = await unit.conn.fetchval(_GENERATION, LOG, person.identity_hash)
        other = Person.submit(
            collection_id=uuid.uuid4(),
            identity_hash=person.identity_hash,
            claim=identity_of(person.identity_hash, generation + 1),
            profile=person.profile,
            by=by,
            at=unit.now,
        )
        other.stand_alone(by=by, at=unit.now)
        return other

    async def _must_be_latest(self, unit: Unit, change: Change) -> None:
        items = set(change.items) | (IDENTITY_ITEMS if IDENTITY_ITEMS & set(change.items) else set())
        later = await unit.conn.fetchval(_LATER, LOG, change.person_id, change.number, sorted(items))
        if later is not None:
            raise ChangeOvertakenError(later)

    async def _spoken_for(self, unit: Unit, person_id: UUID, by: Actor) -> Person:
        """The person, when the caller may speak for them: themselves, their employer, an official of their place. Raises
        NotSpokenForError otherwise, also where there is no such person.
        """
        person = await unit.get_if_any(Person, person_id)
        if person is None:
            raise NotSpokenForError
        if by.speaks_for_self:
            if by.subject not in (person.submitted_by, str(person.id)) and not self.signed_in_by(
                by, person.identity_hash
            ):
                raise NotSpokenForError
            return person
        try:
            await self.must_speak_for(unit, by, person.profile.place, person.profile.employer)
        except (OutsidePlaceError, NotEmployerError):
            raise NotSpokenForError from None
        return person

    async def _personal(self, unit: Unit, person: Person) -> tuple[Identity, dict[str, object]]:
        identity = await self._vault.open_identity(unit.conn, person.id)
        if identity is None:
            raise PersonErasedError
        texts = await self._vault.open_texts(unit.conn, person.id, [DETAILS])
        return identity, _decode(texts[DETAILS]) if DETAILS in texts else {}

    async def _seal_after(
        self,
        unit: Unit,
        person: Person,
        identity: Identity,
        details: dict[str, object],
        items: dict[str, object],
    ) -> None:
        if IDENTITY_ITEMS & set(items):
            await self._vault.seal_identity(unit.conn, person.id, person.version, identity)
        sealed = {item: value for item, value in items.items() if item in SEALED_ITEMS}
        if sealed:
            await self._seal_details(unit, person, details | sealed)

    async def _seal_details(self, unit: Unit, person: Person, details: dict[str, object]) -> None:
        await self._vault.seal_texts(
            unit.conn, person.id, person.version, {DETAILS: _encode(details).decode()}
        )

    async def _seal_case(self, unit: Unit, change: Change, sealed: SealedCase) -> None:
        texts = {sealed_field(change.id): _encode(sealed).decode()}
        await self._vault.seal_texts(unit.conn, UUID(change.person_id), change.version, texts)

    async def _sealed_case(self, unit: Unit, change: Change) -> SealedCase:
        field = sealed_field(change.id)
        texts = await self._vault.open_texts(unit.conn, UUID(change.person_id), [field])
        if field not in texts:
            raise PersonErasedError
        return msgspec.json.decode(texts[field], type=SealedCase)

    async def _seal_note(self, unit: Unit, change: Change, note: str | None) -> None:
        if note is not None:
            texts = {f"{sealed_field(change.id)}:note": note}
            await self._vault.seal_texts(unit.conn, UUID(change.person_id), change.version, texts)


def _outcome(change: Change) -> dict[str, str]:
    """Where a change stands, without personal data."""
    return {"change_id": str(change.id), "person_id": change.person_id, "state": change.state}
