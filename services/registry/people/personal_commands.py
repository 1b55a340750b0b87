"""Commands on persons: who may speak for them, which documents are claimed, and by which hashes they are found.

While the identity key is rotated two are held. A person is found under both, by what they are called now and by what they
were called before, so that nobody becomes a stranger, or somebody else, on the way.
"""

import uuid
from collections.abc import Iterable, Sequence
from datetime import date
from itertools import chain, product
from typing import Any
from uuid import UUID
from weakref import WeakSet

from msgspec import Struct

from contracts.identity import IdentityHasher, IdentityHashers, normalise_id_number
from services.kit.budgets import Budgets
from services.kit.clock import Clock, local_date
from services.kit.command import Question
from services.kit.database import Database
from services.kit.event_store import EventStore
from services.kit.key_checks import IDENTITY_KEY, must_hold_all
from services.registry.personal_data.vault import Vault
from services.registry.store.commands import Commands, Unit
from services.registry.store.merge_chains import parts_of
from services.registry.store.tables import LOG
from services.registry.streams.actor import Actor
from services.registry.streams.change import REHASH
from services.registry.streams.collection import COLLECTED, DEPARTED, MERGED, REHASHED
from services.registry.streams.organization import Organization, organization_of
from services.registry.streams.person import Person
from services.registry.streams.problems import NotEmployerError
from services.registry.streams.profile import (
    Identity,
    contested_by,
    facts_of,
    identity_of,
    profile_of,
)

HOLDER = Question("documents", "person_id", {"identity_hash": "text"}, "state <> 'released'")
"""Whose an ID document is."""
FORMER_MAX = 100
"""Former names and numbers that are kept of one person, the latest."""

_GENERATIONS = """
select identity_hash, generation + (state = 'released')::int as generation from documents
 where log = $1 and identity_hash = any($2::text[])
"""

BY = Actor(subject="rehash")
"""Who derives hashes anew."""

Former = dict[str, Any]
"""A former name and number as an event stores it: `identity_hash`, `name_hash` and `until`."""


class Collision(Struct, frozen=True):
    """Two people on record who would have one hash: an authority has to say whose the number is."""

    person_id: str
    other_id: str


class PersonalCommands(Commands):
    """Base of the commands on persons: who may speak for them, and which documents are claimed."""

    def __init__(
        self,
        database: Database,
        store: EventStore,
        *,
        vault: Vault,
        hashers: IdentityHashers,
        budgets: Budgets,
        clock: Clock,
    ) -> None:
        super().__init__(database, store, clock=clock)
        self._budgets = budgets
        self._vault = vault
        self._guarded: WeakSet[Unit] = WeakSet()
        self._hashers = hashers

    async def must_speak_for(self, unit: Unit, by: Actor, place: str, employer: str | None) -> None:
        """An official for the people of the place, an employer for its own, or a person for themselves.

        Raises OutsidePlaceError, NotEmployerError.
        """
        must_speak_for(by, place, employer, await self.own_code(unit, by))

    async def own_code(self, unit: Unit, by: Actor) -> str | None:
        """The credit code of the organization the caller acts for."""
        stream = organization_of(by.organization)
        own = None if stream is None else await unit.get_if_any(Organization, stream)
        return None if own is None else own.uscc

    async def holders(self, unit: Unit, hashes: Iterable[str]) -> dict[str, UUID]:
        """Whose the documents are, by hash. Raises NotReadyError while this process lacks a key that is in use."""
        if unit not in self._guarded:
            await must_hold_all(unit.conn, LOG, IDENTITY_KEY, self._hashers.checks)
            self._guarded.add(unit)
        found = await unit.find_all(HOLDER, [(each,) for each in hashes])
        return {str(identity_hash): UUID(name) for (identity_hash,), name in found.items()}

    async def claim_of(self, unit: Unit, identity_hash: str) -> str:
        """What a document would be claimed under, by whom it becomes."""
        return (await self._claims_of(unit, [identity_hash]))[identity_hash]

    async def _claims_of(self, unit: Unit, hashes: Sequence[str]) -> dict[str, str]:
        rows = await unit.conn.fetch(_GENERATIONS, LOG, hashes)
        generations: dict[str, int] = {row["identity_hash"]: row["generation"] for row in rows}
        return {each: identity_of(each, generations.get(each, 0)) for each in hashes}

    async def document(self, unit: Unit, hashes: Sequence[str]) -> tuple[UUID | None, str]:
        """Whose the document of these hashes is, and what it would be claimed under: the first of them."""
        return (await self.documents(unit, [hashes]))[hashes[0]]

    async def documents(
        self, unit: Unit, hashes_of_each: Sequence[Sequence[str]]
    ) -> dict[str, tuple[UUID | None, str]]:
        """The same of many documents, by the first hash of each."""
        holders = await self.holders(unit, dict.fromkeys(chain.from_iterable(hashes_of_each)))
        claims = await self._claims_of(unit, [hashes[0] for hashes in hashes_of_each])
        return {
            hashes[0]: (next((holders[each] for each in hashes if each in holders), None), claims[hashes[0]])
            for hashes in hashes_of_each
        }

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
        return bool(id_number) and identity_hash in self._hashers.persons(id_type, id_number)

    async def former_identities(
        self, unit: Unit, after: Identity, now: tuple[str, str], *people: Person
    ) -> list[Former]:
        """Every name and number of the profiles, as keyed hashes, once they are those of the one person `after` (B-24), on
        record as `now`.

        Each number that was theirs with each name is among them: not every platform learns of every change, or at once.
        """
        return (await self._former(unit, after, now, *people))[0]

    async def _former(
        self, unit: Unit, after: Identity, now: tuple[str, str], *people: Person
    ) -> tuple[list[Former], set[str]]:
        """The same, and the hashes of the numbers among them that are not that of `after`."""
        until = local_date(unit.now)
        found: dict[tuple[str, str], Former] = {}
        known = [after]
        parts = [each for person in people for each in await parts_of(unit.conn, person.id)]
        for person in (*[await unit.get(Person, each) for each in parts], *people):
            own: dict[tuple[str, str], Former] = {_pair_of(each): each for each in person.former}
            before = person.identity_hash, person.profile.name_hash
            # A number or a name that was theirs by mistake, and was put back, is none of them.
            theirs = {*own, before}
            stored = await self._vault.open_every_identity(unit.conn, person.id)
            known += [
                each for each in stored if not theirs.isdisjoint(self._hashers.pairs(*vars(each).values()))
            ]
            found |= {before: _as_former(before, until)} | found | own
        documents = dict.fromkeys((each.id_type, each.id_number) for each in reversed(known))
        names = dict.fromkeys(each.name for each in reversed(known))
        numbers, present = set[str](), (after.id_type, normalise_id_number(after.id_number))
        for (id_type, id_number), name in product(documents, names):
            pairs = self._hashers.pairs(id_type, id_number, name)
            for pair in pairs:
                found.setdefault(pair, _as_former(pair, until))
            if (id_type, normalise_id_number(id_number)) != present:
                numbers |= {number for number, _ in pairs}
        found.pop(now, None)
        return list(found.values())[-FORMER_MAX:], numbers

    async def renew(
        self, unit: Unit, person: Person, *, under: IdentityHasher | None = None, once_more: bool = False
    ) -> Collision | bool:
        """Let a person be found under every key that is held; whether anything changed, or who has the number already.

        On record they are under a key of those held: under that of `under` where one is named. `once_more` says it again
        where nothing changes.
        """
        identity = await self._vault.open_identity(unit.conn, person.id)
        if identity is None or person.state not in REHASHED:
            return False
        merged, pairs = person.state == MERGED, self._hashers.pairs(*vars(identity).values())
        before = person.identity_hash, person.profile.name_hash
        now = before if before in pairs else pairs[0]
        if under is not None:
            now = under.person_and_name(*vars(identity).values())
        former, documents = await self._former(unit, identity, now, person)
        known = {_pair_of(each) for each in person.former}
        missing = {_pair_of(each) for each in former} - known
        if now == before and not once_more and (not missing or len(known) == FORMER_MAX):
            return False
        holders = await self.holders(unit, {now[0], *(number for number, _ in pairs)})
        others = {} if merged or person.contested_by else holders
        other = next((each for each in others.values() if each != person.id), None)
        if other is not None:
            return Collision(str(person.id), str(other))
        claim = None
        if person.contested_by is not None:
            claim = contested_by(now[0], person.contested_by)
        elif now[0] != before[0] and now[0] not in holders and not merged:
            claim = await self.claim_of(unit, now[0])
        self._rehash(unit, person, now, claim, former)
        if documents:
            person.add_former_documents(hashes=sorted(documents), timestamp=unit.now)
        return True

    async def renew_if_rotating(self, unit: Unit, *people: Person) -> None:
        """Let people be found under every key while there are several, and tell it to those who follow; with one they are
        already."""
        if len(self._hashers.held) > 1:
            for each in people:
                await self.renew(unit, each, once_more=True)

    def _rehash(
        self, unit: Unit, person: Person, now: tuple[str, str], claim: str | None, former: list[Former]
    ) -> None:
        before = person.identity_hash, person.profile.name_hash
        profile = profile_of(facts_of(person.profile) | {"name_hash": now[1]})
        if person.state not in (COLLECTED, DEPARTED):
            person.rehash(
                identity=claim if now[0] != before[0] else None,
                former_hash=before[0],
                identity_hash=now[0],
                former=former,
                profile=facts_of(profile),
                timestamp=unit.now,
            )
            return
        items = (("id_document", before[0] != now[0]), ("name", before[1] != now[1]))
        person.change_info(
            change_id=uuid.uuid4(),
            cause=REHASH,
            items=[item for item, changed in items if changed] or ["id_document"],
            identity_hash=now[0],
            claim=claim,
            former=former,
            profile=profile,
            by=BY,
            at=unit.now,
        )


def must_speak_for(by: Actor, place: str, employer: str | None, own: str | None) -> None:
    """An official for the people of the place, an employer, whose code is `own`, for its own, or a person for themselves.

    Raises OutsidePlaceError, NotEmployerError.
    """
    if by.speaks_for_self:
        return  # of whom, the caller has looked at
    if by.organization is None:
        by.must_cover(place, pointer="/place")
    elif own is None or own != employer:
        raise NotEmployerError(pointer="/employer")


def _pair_of(each: Former) -> tuple[str, str]:
    return each["identity_hash"], each["name_hash"]


def _as_former(pair: tuple[str, str], until: date) -> Former:
    return {"identity_hash": pair[0], "name_hash": pair[1], "until": until}
