"""Pages by keys: the people of a place with their accounts of a year, for worklists and extracts; and cases."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

import msgspec

from contracts.divisions import AUTHORITIES, authority_of
from services.kit.database import Connection, Databases
from services.kit.review import Place
from services.kit.rows import StateRows
from services.ledger.policy import Account
from services.ledger.store.profiles import reach_of
from services.ledger.streams.profile import Profile

_decode_profile = msgspec.json.Decoder(Profile).decode
_decode_account = msgspec.json.Decoder(Account).decode
S = TypeVar("S")

_PAGE = """
select l.position, p.state, a.version, a.state from logs l
  left join lateral (
       select person_id, place, state from profiles
        where log = l.log and place between $2 and $3 and (place, person_id) > ($4, $5)
        order by place, person_id limit $6) p on true
  left join accounts a on a.log = l.log and a.person_id = p.person_id and a.year = $7
 where l.log = $1 order by p.place, p.person_id
"""
CURSOR = r"^[1-9][0-9]{5}~[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$"
"""How the place and person up to whom a walk has come are written."""


class PersonYear(NamedTuple):
    """One person on the way; `account` is None and `version` 0 when nothing was ever recorded for the year."""

    profile: Profile
    version: int
    account: Account | None


class Page(NamedTuple):
    """What one step found, as of a position of the log; `next` continues it, None at the end."""

    position: int
    people: list[PersonYear]
    next: str | None


async def page_of_people(
    conn: Connection, log: str, place: str, year: int, after: str | None, limit: int
) -> Page:
    """The next people of a place and all under it, at most `limit`, after one of them by place and id."""
    from_place, _, person_id = (after or "~").partition("~")
    rows = await conn.fetch(_PAGE, log, *reach_of(place), from_place, person_id, limit, year)
    people = [
        PersonYear(_decode_profile(row[1]), row[2] or 0, _decode_account(row[3]) if row[3] else None)
        for row in rows
        if row[1] is not None
    ]
    last = people[-1].profile.person if len(people) == limit else None
    following = f"{last.place}~{last.person_id}" if last is not None else None
    return Page(rows[0][0] if rows else 0, people, following)


async def cases_of_place(
    databases: Databases,
    rows: StateRows[S],
    place: str,
    states: Sequence[str],
    after: Place,
    limit: int,
    *,
    at: str = "submitted_at",
) -> list[S]:
    """The cases of a place and all under it that are in one of the states, in order of the column `at`."""
    log = authority_of(place)
    condition = "status = any($2::text[]) and place between $3 and $4"
    async with databases.of(log).acquire() as conn:
        return await rows.page(
            conn, [log], condition, states, *reach_of(place), at=at, after=after, limit=limit
        )


async def cases_of(
    databases: Databases,
    rows: StateRows[S],
    column: str,
    value: str,
    after: Place,
    limit: int,
    *,
    cursor: Callable[[S], Place],
    at: str = "submitted_at",
) -> list[S]:
    """The cases of an organization or a person in all places, by the column that names it and in order of the column `at`;
    `cursor` gives a case's place in it."""
    found: list[S] = []
    for database, logs in databases.grouped(AUTHORITIES).items():
        async with database.acquire() as conn:
            found += await rows.page(conn, logs, f"{column} = $2", value, at=at, after=after, limit=limit)
    return sorted(found, key=cursor)[:limit]
