"""Rehash: the keyed hashes of everybody on record derived anew from what is sealed, after the normaliser has changed.

A person whose hashes are as they would be made now is passed over, so that a run that stopped goes on where it was. For the
others what holds from now on is an event like a change of information, with the hashes before among the former ones: the
ledger follows it by the registry's feed, and what was reported under them is taken (B-24).
"""

import uuid
from collections.abc import Callable
from functools import partial
from uuid import UUID

from msgspec import Struct

from services.kit.clock import local_date
from services.kit.database import Connection
from services.registry.people.collections import FORMER_MAX, PersonalCommands
from services.registry.store.commands import Unit
from services.registry.store.tables import LOG
from services.registry.streams.actor import Actor
from services.registry.streams.change import REHASH
from services.registry.streams.collection import COLLECTED
from services.registry.streams.person import Person
from services.registry.streams.profile import Identity, facts_of, profile_of

PAGE_MAX = 500
BY = Actor(subject="rehash")

_COUNT = "select count(*) from people where log = $1 and identity_hash is not null and departed_to is null"
_NEXT = """
select person_id, identity_hash, name_hash from people
 where log = $1 and person_id > $2 and identity_hash is not null and departed_to is null
 order by person_id limit $3
"""

Progress = Callable[[int, int], None]
"""Told how many people have been looked at, and how many there are."""


class Collision(Struct, frozen=True):
    """Two people on record who would have one hash: an authority has to say whose the number is."""

    person_id: str
    other_id: str


class Rehashed(Struct, frozen=True):
    """What a run did: people looked at, those whose hashes are new, those who are unreadable, and who was left as they were
    because somebody else has the hash."""

    looked_at: int
    rehashed: int
    unreadable: int
    collisions: tuple[Collision, ...]


class Rehash(PersonalCommands):
    """Derives hashes anew, a person a transaction."""

    async def run(self, progress: Progress = lambda done, total: None) -> Rehashed:
        """Go through everybody who was collected and is here; nobody whose hash another has is changed."""
        async with self._database.acquire() as conn:
            total: int = await conn.fetchval(_COUNT, LOG)
        looked_at = rehashed = unreadable = 0
        collisions: list[Collision] = []
        after = ""
        progress(0, total)
        while True:
            async with self._database.acquire() as conn:
                rows = await conn.fetch(_NEXT, LOG, after, PAGE_MAX)
                identities = await self._identities(conn, [UUID(row["person_id"]) for row in rows])
            for row in rows:
                identity = identities.get(UUID(row["person_id"]))
                if identity is None:
                    unreadable += 1
                elif self._hashes_of(identity) != (row["identity_hash"], row["name_hash"]):
                    found = await self.path.store(LOG, partial(self._renew, person_id=UUID(row["person_id"])))
                    collisions += [found] if isinstance(found, Collision) else []
                    rehashed += found is True
            looked_at += len(rows)
            progress(looked_at, max(total, looked_at))
            if len(rows) < PAGE_MAX:
                return Rehashed(looked_at, rehashed, unreadable, tuple(collisions))
            after = rows[-1]["person_id"]

    async def _identities(self, conn: Connection, people: list[UUID]) -> dict[UUID, Identity]:
        return await self._vault.open_identities(conn, people) if people else {}

    def _hashes_of(self, identity: Identity) -> tuple[str, str]:
        return self._hasher.person_and_name(*vars(identity).values())

    async def _renew(self, unit: Unit, person_id: UUID) -> Collision | bool:
        """Put the hashes of one person right; whether anything changed, or who has the number's hash already."""
        person = await unit.get(Person, person_id)
        identity = await self._vault.open_identity(unit.conn, person_id)
        if identity is None or person.state != COLLECTED:
            return False
        before = person.identity_hash, person.profile.name_hash
        identity_hash, name_hash = now = self._hashes_of(identity)
        if before == now:
            return False
        claim = None
        if identity_hash != person.identity_hash:
            owner, claim = await self.document(unit, identity_hash)
            if owner is not None and owner != person.id:
                return Collision(str(person.id), str(owner))
            claim = None if owner == person.id else claim
        had = {"identity_hash": before[0], "name_hash": before[1], "until": local_date(unit.now)}
        kept = [
            each for each in person.former if (each["identity_hash"], each["name_hash"]) not in (now, before)
        ]
        person.change_info(
            change_id=uuid.uuid4(),
            cause=REHASH,
            items=[
                item
                for item, changed in (("id_document", before[0] != now[0]), ("name", before[1] != now[1]))
                if changed
            ],
            identity_hash=identity_hash,
            claim=claim,
            former=[*kept, had][-FORMER_MAX:],
            profile=profile_of(facts_of(person.profile) | {"name_hash": name_hash}),
            by=BY,
            at=unit.now,
        )
        unit.keep(person)
        return True
