"""Which employer an organization's account stands for, by the credit code (统一社会信用代码) that profiles name, and who
works there."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from contracts.divisions import NATION
from services.kit.database import Databases
from services.ledger.accounts.people import Home
from services.ledger.accounts.profile import Profile
from services.ledger.accounts.profile_rows import Reach
from services.ledger.accounts.provider import Provider
from services.ledger.policy import Account

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
_decode_profile = msgspec.json.Decoder(Profile).decode
_decode_account = msgspec.json.Decoder(Account).decode


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
    ) -> list[Home]:
        """The next persons of an employer in order of log and id, each with one year's account."""
        found: list[Home] = []
        for database, there in self._databases.grouped(logs).items():
            async with database.acquire() as conn:
                rows = await conn.fetch(_EMPLOYED, there, employer, *reach, *after, year, limit)
            found += [
                Home(
                    row[0],
                    row[1],
                    _decode_profile(row[2]),
                    _decode_account(row[3]) if row[3] is not None else None,
                )
                for row in rows
            ]
        return sorted(found, key=lambda home: (home.log, home.person_id))[:limit]
