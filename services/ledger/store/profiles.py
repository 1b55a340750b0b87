"""Profiles as rows: read, written in the transaction of their events, walked through place by place, or by employer."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from contracts.divisions import NATION
from services.kit.command import UnitOfWork
from services.kit.database import Connection
from services.ledger.policy import PolicyBook
from services.ledger.streams.profile import Profile
from services.ledger.streams.who_judges import (
    DepartureUnderWayError,
    must_judge,
)

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Profile).decode

_READ = "select person_id, version, state from profiles where log = $1 and person_id = any($2::text[])"
_WRITE = """
insert into profiles (log, person_id, place, employer, identity_hash, version, state, left_at)
select $1, new.*
  from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::int[], $7::bytea[], $8::timestamptz[]) as new
on conflict (log, person_id) do update
   set place = excluded.place, employer = excluded.employer, identity_hash = excluded.identity_hash,
       version = excluded.version, state = excluded.state, left_at = excluded.left_at
"""
_WALK = """
select state from profiles
 where log = $1 and place between $2 and $3 and (place, person_id) > ($4, $5) and (left_at is null or $7)
 order by place, person_id limit $6
"""


class Reach(NamedTuple):
    """The codes of a place and all under it, both ends included; in the logs of its authority that is all of them."""

    first: str
    last: str


def reach_of(place: str) -> Reach:
    """The codes of the place and of all under it. Separately planned cities lie between, in logs of their own."""
    if place == NATION:
        return Reach("000000", "999999")
    if place.endswith("0000"):
        return Reach(place, f"{place[:2]}9999")
    return Reach(place, f"{place[:4]}99") if place.endswith("00") else Reach(place, place)


async def read_profiles(
    conn: Connection, log: str, person_ids: Sequence[str]
) -> dict[str, tuple[int, Profile]]:
    """The profiles of persons with their versions; who is not in the log is absent."""
    return {row[0]: (row[1], _decode(row[2])) for row in await conn.fetch(_READ, log, person_ids)}


async def write_profiles(conn: Connection, log: str, rows: Sequence[tuple[int, Profile]]) -> None:
    """Write profiles with their versions, in this order: who gives a number up comes before who takes it."""
    await conn.execute(
        _WRITE,
        log,
        [profile.person.person_id for _, profile in rows],
        [profile.person.place for _, profile in rows],
        [profile.employer for _, profile in rows],
        [profile.identity_hash for _, profile in rows],
        [version for version, _ in rows],
        [_encode(profile) for _, profile in rows],
        [profile.left.left_at if profile.left is not None else None for _, profile in rows],
    )


async def walk_profiles(
    conn: Connection, log: str, reach: Reach, after: tuple[str, str], limit: int, *, left: bool = False
) -> list[Profile]:
    """The next profiles that live in the log, in order of place and person, after one of them; empty at the end.

    With `left` those who lived there are walked past, too.
    """
    return [_decode(row[0]) for row in await conn.fetch(_WALK, log, *reach, *after, limit, left)]


def must_stay(unit: UnitOfWork, persons: Iterable[tuple[str, int]], book: PolicyBook) -> None:
    """Confirm, while the log is held, that nothing begins that blocks a departure under way (S2C-14), for persons and the
    years it begins in: whoever guards a departure holds the log, too, so one of the two sees the other.

    The confirmation raises DepartureUnderWayError, and as `must_judge`.
    """
    years = sorted(set(persons))

    async def stay() -> bool:
        found = await read_profiles(unit.conn, unit.log, sorted({person_id for person_id, _ in years}))
        for person_id, year in years:
            if person_id in found:
                _must_stay(found[person_id][1], year, book)
        return True

    if years:
        unit.confirm(stay)


def _must_stay(profile: Profile, year: int, book: PolicyBook) -> None:
    if profile.departing is not None:
        raise DepartureUnderWayError(transfer_id=profile.departing.transfer_id, clause="S2C-14")
    must_judge(profile, year, book)
