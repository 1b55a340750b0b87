"""Finding the log that holds a person. An official's place says which; a caller bound to no place makes the ledger ask
every log, and the process remembers the answer as a hint that the row itself confirms."""

from collections import OrderedDict
from collections.abc import Sequence

import msgspec
from msgspec import Struct

from contracts.divisions import AUTHORITIES, NATION, authority_of
from services.kit.database import Databases
from services.ledger.accounts.profile import Profile
from services.ledger.policy import Account
from services.ledger.problems import UnknownPersonError

_HINTS_MAX = 200_000

_decode_profile = msgspec.json.Decoder(Profile).decode
_decode_account = msgspec.json.Decoder(Account).decode

_BY_ID = """
select p.log, p.person_id, p.identity_hash, p.state, l.position, a.state
  from profiles p
  join logs l on l.log = p.log
  left join accounts a on a.log = p.log and a.person_id = p.person_id and a.year = $3
 where p.log = any($1::text[]) and p.person_id = any($2::text[])
"""
_BY_IDENTITY = _BY_ID.replace("p.person_id = any", "p.identity_hash = any")


class Home(Struct, frozen=True):
    """A person where they live: the log, its position when it was read, the profile, and one year's account."""

    log: str
    position: int
    profile: Profile
    account: Account | None

    @property
    def person_id(self) -> str:
        """The person's opaque id."""
        return self.profile.person.person_id


class People:
    """Reads persons by id or keyed hash from the logs that a caller's place leaves open."""

    def __init__(self, databases: Databases) -> None:
        self._databases = databases
        self._hints: OrderedDict[str, str] = OrderedDict()

    async def home_of(self, person_id: str, place: str | None, year: int = 0) -> Home:
        """One person and one year's account. Raises UnknownPersonError, also for a person of another authority."""
        homes = await self.by_id([person_id], place, year)
        home = homes.get(person_id)
        if home is None:
            raise UnknownPersonError
        return home

    async def by_id(self, person_ids: Sequence[str], place: str | None, year: int) -> dict[str, Home]:
        """Persons by id; those that no log open to the place holds are absent."""
        return await self._find(_BY_ID, 1, person_ids, place, year)

    async def by_identity(self, hashes: Sequence[str], place: str | None, year: int) -> dict[str, Home]:
        """Persons by the keyed hash of their ID number."""
        return await self._find(_BY_IDENTITY, 2, hashes, place, year)

    async def _find(
        self, statement: str, column: int, keys: Sequence[str], place: str | None, year: int
    ) -> dict[str, Home]:
        found: dict[str, Home] = {}
        if place is not None and place != NATION:
            await self._ask([authority_of(place)], statement, column, keys, year, found)
            return found
        by_hint: dict[str, list[str]] = {}
        for key in keys:
            if (log := self._hints.get(key)) is not None:
                by_hint.setdefault(log, []).append(key)
        for log, hinted in by_hint.items():
            await self._ask([log], statement, column, hinted, year, found)
        missing = [key for key in keys if key not in found]
        if missing:
            await self._ask(AUTHORITIES, statement, column, missing, year, found)
            for key in missing:
                if key in found:
                    self._remember(key, found[key].log)
        return found

    async def _ask(
        self,
        logs: Sequence[str],
        statement: str,
        column: int,
        keys: Sequence[str],
        year: int,
        found: dict[str, Home],
    ) -> None:
        for database, there in self._databases.grouped(logs).items():
            async with database.acquire() as conn:
                rows = await conn.fetch(statement, there, keys, year)
            for row in rows:
                found[row[column]] = Home(
                    row[0],
                    row[4],
                    _decode_profile(row[3]),
                    _decode_account(row[5]) if row[5] is not None else None,
                )

    def _remember(self, key: str, log: str) -> None:
        self._hints[key] = log
        if len(self._hints) > _HINTS_MAX:
            self._hints.popitem(last=False)
