"""People of the logs: which log holds a person, and who works where. An official's place says which; a caller bound
to no place makes the ledger ask all logs and remember the answer as a hint."""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from contracts.divisions import AUTHORITIES, NATION, authority_of
from services.kit.database import Databases
from services.ledger.policy import Account
from services.ledger.store.profiles import Reach
from services.ledger.streams.merge import PersonMergedError
from services.ledger.streams.problems import UnknownPersonError
from services.ledger.streams.profile import Profile
from services.ledger.streams.provider import Provider
from services.ledger.streams.waiting import WaitingRoom

_HINTS_MAX = 200_000

_decode_profile = msgspec.json.Decoder(Profile).decode
_decode_account = msgspec.json.Decoder(Account).decode
_decode_room = msgspec.json.Decoder(WaitingRoom).decode

_BY_ID = """
select p.log, p.person_id, p.identity_hash, p.state, l.position, a.state, p.left_at,
       exists (select from waiting w where w.identity_hash = p.identity_hash)
       or exists (select from former_identities f join waiting w on w.identity_hash = f.identity_hash
                   where f.log = p.log and f.person_id = p.person_id)
  from profiles p
  join logs l on l.log = p.log
  left join accounts a on a.log = p.log and a.person_id = p.person_id and a.year = $3
 where p.log = any($1::text[]) and p.person_id = any($2::text[])
"""
_ROOMS = "select log, identity_hash, state from waiting where identity_hash = any($1::text[])"
_LOGS = "select log, left_at from profiles where log = any($1::text[]) and person_id = $2"
_BY_IDENTITY = _BY_ID.replace("p.person_id = any", "p.identity_hash = any")
_BY_FORMER = (
    _BY_ID.replace("p.identity_hash, p.state", "f.identity_hash, p.state")
    .replace(
        """  join logs l on l.log = p.log
""",
        """  join former_identities f on f.log = p.log and f.person_id = p.person_id
  join logs l on l.log = p.log
""",
    )
    .replace("p.person_id = any", "f.identity_hash = any")
)


Room = tuple[str, str, WaitingRoom]
"""What waits for a keyed hash: in which log, and for which."""


class Keeper(Struct, frozen=True):
    """A person where they live: the log, its position when it was read, the profile, and one year's account.

    `waits` is whether a waiting room was ever made for them, `rooms` what is in them where that was read, in any log.
    """

    log: str
    position: int
    profile: Profile
    account: Account | None
    waits: bool = False
    rooms: tuple[Room, ...] = ()

    @property
    def person_id(self) -> str:
        """The person's opaque id."""
        return self.profile.person.person_id

    @property
    def left_at(self) -> datetime | None:
        """When the person left this log; None when this is where they live."""
        return self.profile.left.left_at if self.profile.left is not None else None


Sight = Callable[[Keeper], bool]
"""Whether somebody may be told of a person."""


class People:
    """Reads persons by id or keyed hash from the logs that a caller's place leaves open."""

    def __init__(self, databases: Databases) -> None:
        self._databases = databases
        self._hints: OrderedDict[str, str] = OrderedDict()

    async def home_of(
        self, person_id: str, place: str | None, year: int = 0, *, may_see: Sight | None = None
    ) -> Keeper:
        """One person and one year's account. Raises UnknownPersonError, also for a person of another authority; and of a
        profile that is part of another one PersonMergedError, to whom that other `may_see` be shown to.
        """
        home = await self._home_of(person_id, place, year)
        if home.profile.merged is not None:
            kept = await self.life_of(person_id, place, year)
            if may_see is not None and not may_see(kept):
                raise UnknownPersonError
            raise PersonMergedError(merged_into=kept.person_id)
        return home

    async def life_of(self, person_id: str, place: str | None, year: int = 0) -> Keeper:
        """The same, of a merged profile the one that it is part of now. Raises UnknownPersonError."""
        home = await self._home_of(person_id, place, year)
        while home.profile.merged is not None:
            home = await self._home_of(home.profile.merged.into, place, year)
        return home

    async def _home_of(self, person_id: str, place: str | None, year: int) -> Keeper:
        home = (await self.by_id([person_id], place, year)).get(person_id)
        if home is None:
            raise UnknownPersonError
        return home

    async def keeper_of(
        self, person_id: str, place: str | None, year: int = 0, *, may_see: Sight | None = None
    ) -> Keeper:
        """The log in which an official of a place acts for a person: their own authority's, also when the person has left
        it, as it goes on judging the years that stayed; else where the person lives. Raises as `home_of`.
        """
        if place is not None and place != NATION:
            own: dict[str, Keeper] = {}
            await self._ask([authority_of(place)], _BY_ID, 1, [person_id], year, own)
            if person_id in own and own[person_id].profile.merged is None:
                return own[person_id]
        return await self.home_of(person_id, place, year, may_see=may_see)

    async def by_id(self, person_ids: Sequence[str], place: str | None, year: int) -> dict[str, Keeper]:
        """Persons by id; those that no log open to the place holds are absent."""
        return await self._find(_BY_ID, 1, person_ids, place, year)

    async def by_identity(self, hashes: Sequence[str], place: str | None, year: int) -> dict[str, Keeper]:
        """Persons by the keyed hash of their ID number, or of one they had before (B-24)."""
        found = await self._find(_BY_IDENTITY, 2, hashes, place, year)
        others = [each for each in hashes if each not in found]
        return found | (await self._find(_BY_FORMER, 2, others, place, year) if others else {})

    async def with_rooms(self, homes: Mapping[str, Keeper]) -> dict[str, Keeper]:
        """The same with all that waits for each person in the logs of their database, also under what they were before."""
        keyed = {
            identity: key for key, home in homes.items() if home.waits for identity in home.profile.identities
        }
        if not keyed:
            return dict(homes)
        found: dict[str, list[Room]] = {}
        for database in self._databases.grouped([homes[key].log for key in keyed.values()]):
            async with database.acquire() as conn:
                for row in await conn.fetch(_ROOMS, sorted(keyed)):
                    found.setdefault(keyed[row[1]], []).append((row[0], row[1], _decode_room(row[2])))
        return {
            key: replace(home, rooms=tuple(sorted(found[key], key=lambda room: room[:2])))
            if key in found
            else home
            for key, home in homes.items()
        }

    async def logs_of(self, person_id: str) -> dict[str, datetime | None]:
        """Every log that holds or has held the person, with the moment they left it."""
        found: dict[str, datetime | None] = {}
        for database, logs in self._databases.grouped(AUTHORITIES).items():
            async with database.acquire() as conn:
                found |= {row[0]: row[1] for row in await conn.fetch(_LOGS, logs, person_id)}
        return found

    async def _find(
        self, statement: str, column: int, keys: Sequence[str], place: str | None, year: int
    ) -> dict[str, Keeper]:
        found: dict[str, Keeper] = {}
        own = authority_of(place) if place is not None and place != NATION else None
        if own is not None:
            await self._ask([own], statement, column, keys, year, found)
        else:
            await self._ask_by_hint(statement, column, keys, year, found)
            missing = [key for key in keys if key not in found]
            if missing:
                await self._ask(AUTHORITIES, statement, column, missing, year, found)
                for key in missing:
                    if key in found:
                        self._remember(key, found[key].log)
        await self._follow(statement, column, year, own, found)
        return found

    async def _ask_by_hint(
        self, statement: str, column: int, keys: Sequence[str], year: int, found: dict[str, Keeper]
    ) -> None:
        by_hint: dict[str, list[str]] = {}
        for key in keys:
            if (log := self._hints.get(key)) is not None:
                by_hint.setdefault(log, []).append(key)
        for log, hinted in by_hint.items():
            await self._ask([log], statement, column, hinted, year, found)

    async def _follow(
        self, statement: str, column: int, year: int, own: str | None, found: dict[str, Keeper]
    ) -> None:
        """Who left is looked for where they went; until they have arrived, the log they left last answers for them."""
        gone = [key for key, home in found.items() if home.left_at is not None]
        if not gone:
            return
        anywhere: dict[str, Keeper] = {}
        await self._ask(AUTHORITIES, statement, column, gone, year, anywhere)
        for key in gone:
            home = anywhere.get(key, found[key])
            if own is not None and home.log != own:
                del found[key]
            else:
                found[key] = home
                self._remember(key, home.log)

    async def _ask(
        self,
        logs: Sequence[str],
        statement: str,
        column: int,
        keys: Sequence[str],
        year: int,
        found: dict[str, Keeper],
    ) -> None:
        for database, there in self._databases.grouped(logs).items():
            async with database.acquire() as conn:
                rows = await conn.fetch(statement, there, keys, year)
            for row in rows:
                other = found.get(row[column])
                if other is not None and not is_later(row[6], other.left_at):
                    continue
                found[row[column]] = Keeper(
                    row[0],
                    row[4],
                    _decode_profile(row[3]),
                    _decode_account(row[5]) if row[5] is not None else None,
                    row[7],
                )

    def _remember(self, key: str, log: str) -> None:
        self._hints[key] = log
        if len(self._hints) > _HINTS_MAX:
            self._hints.popitem(last=False)


def is_later(left_at: datetime | None, other: datetime | None) -> bool:
    """Whether a log that was left then, or is not left, is more a person's home than another."""
    return left_at is None or (other is not None and left_at > other)


_ORGANIZATION = "select state from providers where log = $1 and organization_id = $2"
_EMPLOYED = """
select p.log, l.position, p.state, a.state
  from profiles p
  join logs l on l.log = p.log
  left join accounts a on a.log = p.log and a.person_id = p.person_id and a.year = $7
 where p.log = any($1::text[]) and p.employer = $2 and p.place between $3 and $4 and p.left_at is null
   and (p.log, p.person_id) > ($5, $6)
 order by p.log, p.person_id limit $8
"""
_decode_provider = msgspec.json.Decoder(Provider).decode


class Cursor(NamedTuple):
    """Behind whom a page begins: a log and a person of it; both empty at the start."""

    log: str = ""
    person_id: str = ""


class Employers:
    """Reads who works where, and which code an organization has."""

    def __init__(self, databases: Databases) -> None:
        self._databases = databases

    async def code_of(self, organization_id: str) -> str | None:
        """The credit code of an organization; None for one that the registry has not told us of."""
        async with self._databases.of(NATION).acquire() as conn:
            state = await conn.fetchval(_ORGANIZATION, NATION, organization_id)
        return _decode_provider(state).uscc if state is not None else None

    async def employed(
        self, employer: str, logs: Sequence[str], reach: Reach, year: int, after: Cursor, limit: int
    ) -> list[Keeper]:
        """The next persons of an employer in order of log and id, each with one year's account."""
        found: list[Keeper] = []
        for database, there in self._databases.grouped(logs).items():
            async with database.acquire() as conn:
                rows = await conn.fetch(_EMPLOYED, there, employer, *reach, *after, year, limit)
            found += [
                Keeper(
                    row[0],
                    row[1],
                    _decode_profile(row[2]),
                    _decode_account(row[3]) if row[3] is not None else None,
                )
                for row in rows
            ]
        return sorted(found, key=lambda home: (home.log, home.person_id))[:limit]
