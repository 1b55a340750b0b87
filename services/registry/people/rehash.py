"""Rehash: the keyed hashes of everybody derived anew from what is sealed, after the normaliser has changed, and while the
identity key is rotated.

A person whose hashes are as they would be made now is passed over, so that a run that stopped goes on where it was. For the
others what holds from now on is an event like a change of information, with the hashes before among the former ones: the
ledger follows it by the registry's feed, and what was reported under them is taken (B-24).
"""

from collections.abc import Callable, Sequence
from functools import partial
from uuid import UUID

from msgspec import Struct

from contracts.identity import IdentityHasher
from services.kit.database import Connection
from services.registry.people.personal_commands import Collision, PersonalCommands
from services.registry.store.commands import Unit
from services.registry.store.tables import LOG
from services.registry.streams.collection import REHASHED
from services.registry.streams.person import Person
from services.registry.streams.profile import Identity

PAGE_MAX = 500

_COUNT = "select count(*) from collections where log = $1 and state = any($2::text[])"
_NEXT = """
select c.person_id, p.identity_hash, p.name_hash
  from collections c left join people p on p.log = c.log and p.person_id = c.person_id
 where c.log = $1 and c.person_id > $3 and c.state = any($2::text[]) order by c.person_id limit $4
"""

_ON_RECORD = """
select person_id, identity_hash from people
 where log = $1 and person_id > $2 and identity_hash is not null and departed_to is null order by person_id limit $3
"""

Progress = Callable[[int, int], None]
"""Told how many people have been looked at, and how many there are."""


class Rehashed(Struct, frozen=True):
    """What a run did: people looked at, those whose hashes are new, those who are unreadable, and who was left as they were
    because somebody else has the hash."""

    looked_at: int
    rehashed: int
    unreadable: int
    collisions: tuple[Collision, ...]


class Rehash(PersonalCommands):
    """Derives hashes anew, a person a transaction."""

    async def run(
        self, progress: Progress = lambda done, total: None, *, under: IdentityHasher | None = None
    ) -> Rehashed:
        """Go through everybody who is, or may become, on record, under the first key unless told another that is held;
        nobody whose hash another has is changed.
        """
        under, states = under or self._hashers.current, sorted(REHASHED)
        async with self._database.acquire() as conn:
            total: int = await conn.fetchval(_COUNT, LOG, states)
        looked_at = rehashed = unreadable = 0
        collisions: list[Collision] = []
        after = ""
        progress(0, total)
        while True:
            async with self._database.acquire() as conn:
                rows = await conn.fetch(_NEXT, LOG, states, after, PAGE_MAX)
                identities = await self._identities(conn, [UUID(row["person_id"]) for row in rows])
            for row in rows:
                person_id = UUID(row["person_id"])
                identity = identities.get(person_id)
                if identity is None:
                    unreadable += 1
                elif under.person_and_name(*vars(identity).values()) != (
                    row["identity_hash"],
                    row["name_hash"],
                ):
                    found = await self.path.store(
                        LOG, partial(self._renewed, person_id=person_id, under=under)
                    )
                    collisions += [found] if isinstance(found, Collision) else []
                    rehashed += found is True
            looked_at += len(rows)
            progress(looked_at, max(total, looked_at))
            if len(rows) < PAGE_MAX:
                return Rehashed(looked_at, rehashed, unreadable, tuple(collisions))
            after = rows[-1]["person_id"]

    async def announce(self, people: Sequence[str]) -> None:
        """Publish the hashes of people once more, for whoever has them otherwise after all was followed."""
        for each in people:
            renewed = partial(self._renewed, person_id=UUID(each), under=None, once_more=True)
            await self.path.store(LOG, renewed)

    async def on_record(self, after: str = "") -> dict[str, str]:
        """The hash of each collected person who is here, a page of them in order of their ids; none left is an empty one."""
        async with self._database.acquire() as conn:
            rows = await conn.fetch(_ON_RECORD, LOG, after, PAGE_MAX)
        return {row["person_id"]: row["identity_hash"] for row in rows}

    async def numbers(self, person_id: str) -> set[tuple[str, str]]:
        """The type and number of every document that was ever stored of a person; none of whoever was erased."""
        async with self._database.acquire() as conn:
            stored = await self._vault.open_every_identity(conn, UUID(person_id))
        return {(each.id_type, each.id_number) for each in stored}

    async def _identities(self, conn: Connection, people: list[UUID]) -> dict[UUID, Identity]:
        return await self._vault.open_identities(conn, people) if people else {}

    async def _renewed(
        self, unit: Unit, person_id: UUID, under: IdentityHasher | None, *, once_more: bool = False
    ) -> Collision | bool:
        person = await unit.get(Person, person_id)
        found = await self.renew(unit, person, under=under, once_more=once_more)
        if found is True:
            unit.keep(person)
        return found
