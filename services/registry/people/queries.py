"""Queries about people and their cases. Whoever may not see a thing is told that it is not there."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

import asyncpg
import msgspec
from pydantic import Field

from contracts.identity import IdentityHashers
from contracts.registry import Level
from services.kit.aggregates import Aggregate, Aggregates
from services.kit.audit import ROUTINE, Audit, OpenReading
from services.kit.budgets import Budgets
from services.kit.clock import Clock, local_date
from services.kit.database import Connection, Database
from services.kit.errors import NotFoundError
from services.kit.event_store import EventStore
from services.kit.pydantic_models import fields_of
from services.kit.schemas import Day, StrictModel, WholeList
from services.registry.people.schemas import ChangeView, CollectionState, PersonView
from services.registry.personal_data.vault import DETAILS, Vault
from services.registry.store.merge_chains import must_not_be_merged
from services.registry.store.tables import LOG
from services.registry.streams import organization as organizations
from services.registry.streams.actor import Actor
from services.registry.streams.change import SealedCase, masked, sealed_field
from services.registry.streams.organization import Organization
from services.registry.streams.person import Person
from services.registry.streams.problems import PersonErasedError
from services.registry.streams.profile import FIELDS, Identity
from services.registry.web.routes import UUID_FORM
from services.registry.worklists.schemas import Due, Lane
from services.registry.worklists.worklists import due_of, lane_of


class InitialReview(StrictModel):
    """When the initial review (初审) was passed, and by which official; null to whoever is none."""

    by: str | None
    at: datetime


class CollectionReturn(StrictModel):
    """One return of a collection: at which step, why, with which note, when, by whom (null to whoever is no official)."""

    step: str
    reason: str
    note: str | None
    at: datetime
    by: str | None


class ReviewedQualification(StrictModel):
    """A qualification as it is reviewed; its certificate's number is masked."""

    level: Level
    obtained_on: Day
    certificate_number: str | None


class ReviewedEducation(StrictModel):
    """An education as it is reviewed; its certificate's number is masked."""

    school: str
    level: str
    degree: str
    mode: str
    major: str | None
    entered_on: Day | None
    graduated_on: Day | None
    certificate_number: str | None


class ReviewedContact(StrictModel):
    """How to reach a person, masked."""

    phone: str | None
    email: str | None
    address: str | None


class Collection(StrictModel):
    """A collection case with all that is reviewed: the personal parts masked, and null once the person's key is
    destroyed. `returns` is what came of it before, in order.
    """

    collection_id: str
    person_id: str
    state: CollectionState
    place: str
    employer: str | None
    name: str | None
    id_type: str | None
    id_number: str | None
    student: bool
    student_since: date | None
    jobs: list[str]
    working_since: date | None
    qualifications: list[ReviewedQualification] | None
    education: list[ReviewedEducation] | None
    contact: ReviewedContact | None
    contested: bool | None
    """Whether the number is somebody else's already, which a reviewer alone is told (null to others)."""
    initial_review: InitialReview | None
    returns: list[CollectionReturn]
    submitted_at: datetime
    due: Due
    lane: Lane
    decided_at: datetime | None
    step: Annotated[str | None, Field(description="The step at which it was returned.")]
    reason: str | None
    note: str | None
    evidence: Annotated[list[str], Field(description="Ids of the files it names.")]


class MaskedPeopleRequest(StrictModel):
    """Whom a list names."""

    person_ids: Annotated[list[Annotated[str, Field(pattern=UUID_FORM)]], Field(min_length=1, max_length=200)]


class MaskedPerson(StrictModel):
    """Somebody as a list shows them."""

    person_id: str
    id_type: str | None
    id_number: str | None
    name: str | None


class MaskedPeople(WholeList):
    """Those of the people asked about who may be shown."""

    items: list[MaskedPerson]


IDENTITY_CHECKS = "identity-checks"
"""The budget of checks that find nobody under this number and name."""
Check = Literal["match", "mismatch", "former", "unknown"]

_COLLECTION = "select * from collections where log = $1 and collection_id = $2"
_PERSON = "select * from people where log = $1 and person_id = $2"
_NAMES = (
    "select identity_hash, name_hash, place from people where log = $1 and identity_hash = any($2::text[])"
)
_MASKED = """
select person_id, place, employer, null::text as submitted_by from people
 where log = $1 and person_id = any($2::text[])
union all
select distinct on (c.person_id) c.person_id, c.place, c.employer, c.submitted_by from collections c
 where c.log = $1 and c.person_id = any($2::text[])
   and not exists (select from people p where p.log = c.log and p.person_id = c.person_id)
"""
_CHANGE = "select * from changes where log = $1 and change_id = $2"
_FORMER = """
select d.identity_hash, p.place from documents d join people p using (log, person_id)
 where d.log = $1 and d.identity_hash = any($2::text[]) and d.state = 'former'
"""


class PeopleQueries:
    """Reads; every reading of personal data is put on record, in the transaction that reads."""

    def __init__(
        self,
        database: Database,
        store: EventStore,
        *,
        vault: Vault,
        hashers: IdentityHashers,
        budgets: Budgets,
        audit: Audit,
        clock: Clock,
    ) -> None:
        self._budgets = budgets
        self._database = database
        self._aggregates = Aggregates(store, LOG)
        self._vault = vault
        self._hashers = hashers
        self._audit = audit
        self._clock = clock

    async def get_collection(self, by: Actor, collection_id: UUID) -> dict[str, object]:
        """A collection case with all that is reviewed, masked where it identifies. Who reviewed is shown to officials.

        Raises NotFoundError, PersonErasedError, PersonMergedError.
        """
        async with self._audit.reading(by, "collection", collection_id) as reading:
            conn = reading.conn
            row = await self._seen(reading, by, await conn.fetchrow(_COLLECTION, LOG, str(collection_id)))
            person_id = UUID(row["person_id"])
            identity = await self._identity(conn, person_id)
            person = await self._aggregates.get(conn, Person, person_id)
            await must_not_be_merged(conn, person_id, person.merged_into)
            note = await self._vault.open_note(conn, person_id, version=row["version"])
            notes = [
                await self._vault.open_note(conn, person_id, version=each["version"])
                for each in person.returns
            ]
            texts = await self._vault.open_texts(conn, person_id, [DETAILS])
            now = self._clock()
            lane = await lane_of(conn, "collection", row["place"], local_date(now))
            reading.record.fields = [*FIELDS, "note", DETAILS]
        details = msgspec.json.decode(texts[DETAILS]) if DETAILS in texts else {}
        official = by.covers(row["place"])
        return fields_of(
            Collection,
            {name: masked(name, details.get(name)) for name in ("qualifications", "education", "contact")},
            _masked(identity),
            dict(row),
            person.profile,
            jobs=list(person.profile.jobs),
            contested=person.contested if official else None,
            initial_review=_initial_review(person, official=official),
            returns=[
                fields_of(CollectionReturn, each, note=said, by=each["by"] if official else None)
                for each, said in zip(person.returns, notes, strict=True)
            ],
            due=due_of("collection", row["submitted_at"], row["decided_at"] or now),
            lane=lane,
            note=note if row["state"] == "returned" else None,
            evidence=details.get("evidence", []),
        )

    async def get_person(self, by: Actor, person_id: UUID) -> dict[str, object]:
        """A collected person with masked identity. Raises NotFoundError, PersonErasedError, PersonMergedError."""
        async with self._audit.reading(by, "person", person_id) as reading:
            row = await self._seen(reading, by, await reading.conn.fetchrow(_PERSON, LOG, str(person_id)))
            await must_not_be_merged(reading.conn, person_id, row["merged_into"])
            identity = await self._identity(reading.conn, person_id)
            reading.record.fields = FIELDS
        qualifications = zip(row["levels"], row["obtained"], strict=True)
        return fields_of(
            PersonView,
            _masked(identity),
            dict(row),
            qualifications=[{"level": level, "obtained_on": day} for level, day in qualifications],
        )

    async def mask_people(self, by: Actor, person_ids: Sequence[str]) -> dict[str, object]:
        """Name and number of each, masked; who is nobody of the caller's, or was erased, is left out."""
        async with self._audit.reading(by, "person") as reading:
            rows = await reading.conn.fetch(_MASKED, LOG, list(dict.fromkeys(person_ids)))
            own = await self._own(reading.conn, by)
            seen = [row for row in rows if _sees(by, row, own)]
            for row in seen:
                reading.record.about(row["person_id"], row["place"], FIELDS)
            known = await self._vault.open_identities(reading.conn, [UUID(row["person_id"]) for row in seen])
        return {"items": [_masked(identity) | {"person_id": str(each)} for each, identity in known.items()]}

    async def check_identities(self, by: Actor, identities: Sequence[Identity]) -> list[Check]:
        """Whether each is collected under this name; compares keyed hashes, opens nothing (S0-23).

        Officials of the person's place and providers accredited there are told a mismatch and a former number from an
        unknown one. Others learn that number and name fit, or nothing; an official of another place learns nothing at all.
        Raises BudgetSpentError.
        """
        asked = [self._hashers.pairs(*vars(each).values()) for each in identities]
        hashes = [number for pairs in asked for number, _ in pairs]
        async with self._audit.reading(by, "identity-check") as reading:
            provider = await self._own(reading.conn, by)
            known = {row[0]: row for row in await reading.conn.fetch(_NAMES, LOG, hashes)}
            former = {row[0]: row for row in await reading.conn.fetch(_FORMER, LOG, hashes)}
            reading.record.count = len(identities)
        today = local_date(self._clock())

        def checked(pairs: Sequence[tuple[str, str]]) -> Check:
            found = next((pair for rows in (known, former) for pair in pairs if pair[0] in rows), None)
            if found is None:
                return "unknown"
            number, name = found
            row = known.get(number) or former[number]
            told = by.covers(row["place"]) or (
                provider is not None and provider.trains_people_of(row["place"], today)
            )
            if number not in known:
                return "former" if told else "unknown"
            if row["name_hash"] == name and (told or by.place is None or by.organization is not None):
                return "match"
            return "mismatch" if told else "unknown"

        checks = [checked(pairs) for pairs in asked]
        misses = sum(check != "match" for check in checks)
        await self._budgets.spend_or_refuse(IDENTITY_CHECKS, by.organization or by.subject, misses)
        return checks

    async def _may_see(self, conn: Connection, by: Actor, row: asyncpg.Record) -> bool:
        return _sees(by, row, await self._own(conn, by) if row["employer"] is not None else None)

    async def _own(self, conn: Connection, by: Actor) -> Organization | None:
        """The organization the caller acts for."""
        own = organizations.organization_of(by.organization)
        if own is None:
            return None
        found = (await self._aggregates.get_all(conn, Aggregate, [own])).get(own)
        return found if isinstance(found, Organization) else None

    async def _seen(self, reading: OpenReading, by: Actor, row: asyncpg.Record | None) -> asyncpg.Record:
        """The row, when the caller may see it; whose it is goes on record either way."""
        if row is None:
            raise NotFoundError
        reading.record.about(row["person_id"], row["place"])
        if not await self._may_see(reading.conn, by, row):
            raise NotFoundError
        return row

    async def _identity(self, conn: Connection, person_id: UUID) -> Identity:
        """Who somebody is; of whom was erased nothing is shown, not their life either. Raises PersonErasedError."""
        identity = await self._vault.open_identity(conn, person_id)
        if identity is None:
            raise PersonErasedError
        return identity

    async def get_change(self, by: Actor, change_id: UUID) -> dict[str, object]:
        """A change with masked values. Raises NotFoundError, PersonErasedError."""
        return await self._change(by, change_id, ROUTINE)

    async def get_change_in_full(self, by: Actor, change_id: UUID, purpose: str) -> dict[str, object]:
        """A change with its values, for a purpose that is put on record. Raises NotFoundError, PersonErasedError."""
        return await self._change(by, change_id, purpose)

    async def _change(self, by: Actor, change_id: UUID, purpose: str) -> dict[str, object]:
        field = sealed_field(change_id)
        async with self._audit.reading(by, "change", change_id, purpose=purpose) as reading:
            conn = reading.conn
            row = await self._seen(reading, by, await conn.fetchrow(_CHANGE, LOG, str(change_id)))
            if purpose != ROUTINE and not by.covers(row["place"]):
                raise NotFoundError
            note = f"{field}:note"
            texts = await self._vault.open_texts(conn, UUID(row["person_id"]), [field, note])
            if field not in texts:
                raise PersonErasedError
            reading.record.fields = [*row["items"], "note"]
        case = msgspec.json.decode(texts[field], type=SealedCase)
        returned = row["state"] in ("returned", "reversed")
        return fields_of(
            ChangeView,
            dict(row),
            items=_items(row["items"], case, in_full=purpose != ROUTINE),
            evidence=case.evidence,
            due=due_of("change", row["submitted_at"], row["decided_at"] or self._clock()),
            note=texts.get(note) if returned else None,
        )


def _sees(by: Actor, row: asyncpg.Record, own: Organization | None) -> bool:
    """Whether a person or their case is shown to an official of the place, their employer, or to them themselves."""
    if by.covers(row["place"]):
        return True
    if by.speaks_for_self:
        return bool(row.get("submitted_by") == by.subject)
    return own is not None and row["employer"] is not None and own.uscc == row["employer"]


def _masked(identity: Identity) -> dict[str, object]:
    """Who somebody is, as shown."""
    return {"id_type": identity.id_type, "id_number": identity.masked_number, "name": identity.masked_name}


def _initial_review(person: Person, *, official: bool) -> dict[str, object] | None:
    if person.reviewed_at is None:
        return None
    return {"by": person.reviewed_by if official else None, "at": person.reviewed_at}


def _items(names: list[str], case: SealedCase, *, in_full: bool) -> list[dict[str, object]]:
    shown = []
    for name in names:
        old, new = case.old[name], case.new[name]
        if not in_full:
            old, new = masked(name, old), masked(name, new)
        shown.append({"item": name, "old": old, "new": new})
    return shown
