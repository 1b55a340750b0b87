"""The handover of people between registries: opened for the offer, taken in, collected when it is completed, let go.

Whoever is known by the keyed hash of the number stays the same person, also when both ends are here and when somebody
comes back (S2C-17). Until the transfer is completed a new person counts for nothing but that the number is taken.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID, uuid5

from contracts.handover import ArrivingProfile
from contracts.identity import IdentityHashers, pair_like
from contracts.registry import FormerIdentity
from contracts.relay import ArrivingPerson, TravellingPerson
from services.kit.aggregates import Aggregate, Aggregates
from services.kit.audit import Audit
from services.kit.budgets import Budgets
from services.kit.clock import Clock
from services.kit.command import Question
from services.kit.database import Database
from services.kit.errors import NotFoundError
from services.kit.event_store import EventStore
from services.kit.pydantic_models import view
from services.registry.people.personal_commands import PersonalCommands
from services.registry.personal_data.erasure import Erasures
from services.registry.personal_data.vault import Vault
from services.registry.store.commands import Unit
from services.registry.store.merge_chains import must_not_be_merged
from services.registry.store.tables import LOG
from services.registry.streams.actor import Actor
from services.registry.streams.collection import ARRIVING, COLLECTED, DEPARTED
from services.registry.streams.person import Person
from services.registry.streams.problems import CollectionExistsError, NotCollectedError, PersonErasedError
from services.registry.streams.profile import FIELDS, Identity, Profile, moved_to

WHAT = "person-departing"
PURPOSE = "transfer"
"""调转: the purpose under which the reading is on record."""


class Departures:
    """Opens what the destination's registry needs to know, at the moment it is offered."""

    def __init__(self, store: EventStore, *, vault: Vault, audit: Audit) -> None:
        self._aggregates = Aggregates(store, LOG)
        self._vault = vault
        self._audit = audit

    async def travelling(self, by: Actor, person_id: UUID) -> TravellingPerson:
        """Who leaves. Raises NotFoundError, NotCollectedError for whoever is not kept here, PersonErasedError, and
        PersonMergedError.
        """
        async with self._audit.reading(by, WHAT, person_id, purpose=PURPOSE) as reading:
            found = (await self._aggregates.get_all(reading.conn, Aggregate, [person_id])).get(person_id)
            if not isinstance(found, Person):
                raise NotFoundError
            reading.record.about(person_id, found.profile.place)
            await must_not_be_merged(reading.conn, person_id, found.merged_into)
            if found.state != COLLECTED:
                raise NotCollectedError
            identity = await self._vault.open_identity(reading.conn, person_id)
            if identity is None:
                raise PersonErasedError
            reading.record.fields = FIELDS
        return travelling_of(identity, found.profile)


def travelling_of(identity: Identity, profile: Profile) -> TravellingPerson:
    return view(TravellingPerson, identity, profile)


_COLLECTIONS = UUID("6d3c7d0e-9f0a-5d0f-8d53-6c1f1f0a7a60")
ARRIVING_BY = Question("arrivals", "person_id", {"transfer_id": "text"})
"""Who arrives by a transfer, or arrived."""


class Arrivals(PersonalCommands):
    """Takes people in, and lets them go; each is harmless to repeat under the transfer's id."""

    def __init__(
        self,
        database: Database,
        store: EventStore,
        *,
        vault: Vault,
        hashers: IdentityHashers,
        budgets: Budgets,
        erasures: Erasures,
        clock: Clock,
    ) -> None:
        super().__init__(database, store, vault=vault, hashers=hashers, budgets=budgets, clock=clock)
        self._erasures = erasures

    async def take_in(self, by: Actor, transfer_id: str, arriving: ArrivingPerson) -> ArrivingProfile:
        """The person as this registry knows them. Raises CollectionExistsError while a collection of theirs is open."""

        async def decide(unit: Unit) -> Person:
            known = await unit.find(ARRIVING_BY, transfer_id)
            if known is not None:
                return await unit.get(Person, UUID(known))
            person = await self._taken_in(unit, by, transfer_id, arriving)
            unit.keep(person)
            return person

        return arriving_profile(await self.path.store(LOG, decide), transfer_id)

    async def arriving(self, transfer_id: str) -> ArrivingProfile:
        """Whom a transfer brings, as they were taken in. Raises NotFoundError."""

        async def look(unit: Unit) -> Person:
            known = await unit.find(ARRIVING_BY, transfer_id)
            if known is None:
                raise NotFoundError
            return await unit.get(Person, UUID(known))

        return arriving_profile(await self.path.store(LOG, look), transfer_id)

    async def let_go(self, transfer_id: str) -> None:
        """Forget an arrival that came to nothing, and with it the name and number of whoever was taken in for it alone."""

        async def decide(unit: Unit) -> None:
            known = await unit.find(ARRIVING_BY, transfer_id)
            if known is None:
                return
            person = await unit.get(Person, UUID(known))
            if person.state == ARRIVING:
                await self._vault.destroy(unit.conn, [known])
            person.drop(transfer_id=transfer_id, at=unit.now)
            unit.keep(person)

        await self.path.store(LOG, decide)
        await self._erasures.finish()

    async def _taken_in(self, unit: Unit, by: Actor, transfer_id: str, arriving: ArrivingPerson) -> Person:
        told = arriving.person
        identity = Identity(told.id_type, told.id_number, told.name)
        pairs = self._hashers.pairs(*vars(identity).values())
        person_id, claim = await self.document(unit, [number for number, _ in pairs])
        if person_id is None:
            identity_hash, name_hash = pairs[0]
            profile = told_profile(arriving, name_hash)
            person = Person.submit(
                transfer_id=transfer_id,
                collection_id=uuid5(_COLLECTIONS, transfer_id),
                identity_hash=identity_hash,
                claim=claim,
                profile=profile,
                by=by,
                at=unit.now,
            )
            await self._vault.seal_identity(unit.conn, person.id, person.version, identity)
        else:
            person = await unit.get(Person, person_id)
            _, name_hash = pair_like(pairs, person.identity_hash)
            profile = told_profile(arriving, name_hash)
            if person.state not in (COLLECTED, DEPARTED):
                raise CollectionExistsError(person.state)
            if person.state == COLLECTED:
                # Both ends are here, or the person is on record at both: what is known here is what counts.
                profile = moved_to(person.profile, arriving.place, arriving.employer)
            elif person.profile.name_hash != name_hash:
                await self._vault.seal_identity(unit.conn, person.id, person.version, identity)
        person.expect(transfer_id=transfer_id, profile=profile, at=unit.now)
        await self.renew_if_rotating(unit, person)
        return person


def told_profile(arriving: ArrivingPerson, name_hash: str) -> Profile:
    profile = view(Profile, arriving.person, arriving, name_hash=name_hash)
    return moved_to(profile, arriving.place, arriving.employer)


def arriving_profile(person: Person, transfer_id: str) -> ArrivingProfile:
    """What the ledger has to know of whoever arrives; once they have arrived, as they are now."""
    profile = person.expected.get(transfer_id, person.profile)
    first = profile.first_qualification
    return view(
        ArrivingProfile,
        profile,
        person_id=str(person.id),
        identity_hash=person.identity_hash,
        former=tuple(FormerIdentity(**each) for each in person.former),
        qualified_on=None if first is None else first.obtained_on,
        qualification=None if first is None else first.level,
    )


_OF_PLACE = """
select person_id, transfer_id, place, arrived_at from to_complete
 where log = $1 and chain @> array[$2::text]
   and ($3::text is null or (arrived_at, person_id) >
        (select arrived_at, person_id from to_complete where log = $1 and person_id = $3))
 order by arrived_at, person_id limit $4
"""
_OWN = "select person_id, transfer_id, place, arrived_at from to_complete where log = $1 and person_id = $2"


class ToComplete(NamedTuple):
    """Whose information is to be completed, at which place, since when."""

    person_id: str
    transfer_id: str
    place: str
    arrived_at: datetime


class Completing:
    """Reads the to-dos."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of_place(
        self, by: Actor, place: str, *, after: UUID | None, limit: int
    ) -> Sequence[ToComplete]:
        """The to-dos of a place and all under it, in order of arrival, those after a person's. Raises OutsidePlaceError."""
        by.must_cover(place)
        cursor = None if after is None else str(after)
        async with self._database.acquire() as conn:
            return [ToComplete(*row) for row in await conn.fetch(_OF_PLACE, LOG, place, cursor, limit)]

    async def own(self, by: Actor) -> Sequence[ToComplete]:
        """The caller's own; a person's token carries their id."""
        async with self._database.acquire() as conn:
            return [ToComplete(*row) for row in await conn.fetch(_OWN, LOG, by.subject)]
