"""Profiles as rows: read, written in the transaction of their events, walked through place by place, or by employer."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec

from contracts.divisions import NATION
from services.kit import events as codec
from services.kit.command import UnitOfWork
from services.kit.database import Connection
from services.kit.event_store import RecordedEvent
from services.kit.rows import StateRows
from services.ledger.policy import PolicyBook
from services.ledger.streams import profile as profiles
from services.ledger.streams.profile import Profile
from services.ledger.streams.profile_events import (
    DepartureConfirmed,
    DepartureGuarded,
    DepartureLifted,
    JudgementsArrived,
    ProfileAbsorbed,
    ProfileArrived,
    ProfileChanged,
    ProfileErased,
    ProfileLeft,
    ProfileMerged,
    ProfileMoved,
    ProfileRecorded,
)
from services.ledger.streams.who_judges import DepartureUnderWayError, must_judge

_decode = msgspec.json.Decoder(Profile).decode

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


def _gone_at(profile: Profile) -> datetime | None:
    """Since when nobody lives here under the profile: they left, or it is part of another."""
    if profile.left is not None:
        return profile.left.left_at
    return profile.merged.at if profile.merged is not None else None


PROFILE_ROWS: StateRows[Profile] = StateRows(
    "profiles",
    Profile,
    prefix="profile:",
    key={"person_id": "text"},
    columns={
        "place": ("text", lambda profile: profile.person.place),
        "employer": ("text", lambda profile: profile.person.employer),
        "identity_hash": ("text", lambda profile: profile.identity_hash),
        "left_at": ("timestamptz", _gone_at),
    },
    events=(
        ProfileRecorded,
        ProfileChanged,
        ProfileErased,
        ProfileMoved,
        DepartureGuarded,
        DepartureConfirmed,
        DepartureLifted,
        ProfileLeft,
        ProfileArrived,
        JudgementsArrived,
        ProfileMerged,
        ProfileAbsorbed,
    ),
    evolve=lambda profile, event, _: profiles.evolve(profile, event),
    # Who gives a number up comes before who takes it.
    in_given_order=True,
)

_FORGET = "delete from former_identities where log = $1 and person_id = any($2::text[])"
_REMEMBER = """
insert into former_identities (log, identity_hash, person_id)
select $1, * from unnest($2::text[], $3::text[])
on conflict (log, identity_hash) do update set person_id = excluded.person_id
"""


class FormerIdentityRows:
    """The read model of the numbers that people had before (B-24), by keyed hash; their names are in the profile."""

    name = "former_identities"
    topics = frozenset(
        {
            ProfileChanged.TOPIC,
            ProfileArrived.TOPIC,
            ProfileErased.TOPIC,
            ProfileMerged.TOPIC,
        }
    )
    tables: Sequence[str] = ("former_identities",)

    async def apply(self, conn: Connection, log: str, events: Sequence[RecordedEvent]) -> None:
        """Write the rows of these events, in order."""
        latest: dict[str, Sequence[str]] = {}
        for recorded in events:
            event = codec.decode(recorded.topic, recorded.state)
            if isinstance(event, ProfileErased | ProfileMerged):
                latest[event.person_id] = ()
            elif isinstance(event, ProfileChanged | ProfileArrived):
                latest[event.person_id] = profiles.numbers_before(event.identity_hash, event.former)
        await write_former(conn, log, latest)


async def write_former(conn: Connection, log: str, numbers: Mapping[str, Sequence[str]]) -> None:
    """Write the keyed hashes of the numbers that persons had before."""
    if not numbers:
        return
    rows = sorted((each, person_id) for person_id, had in numbers.items() for each in had)
    await conn.execute(_FORGET, log, sorted(numbers))
    if rows:
        await conn.execute(_REMEMBER, log, [each for each, _ in rows], [person_id for _, person_id in rows])


async def read_profiles(
    conn: Connection, log: str, person_ids: Sequence[str]
) -> dict[str, tuple[int, Profile]]:
    """The profiles of persons with their versions; who is not in the log is absent."""
    found = await PROFILE_ROWS.read(conn, log, [(person_id,) for person_id in person_ids])
    return {person_id: (entry.version, entry.state) for (person_id,), entry in found.items()}


async def write_profiles(conn: Connection, log: str, rows: Sequence[tuple[int, Profile]]) -> None:
    """Write profiles with their versions, in this order: who gives a number up comes before who takes it."""
    await PROFILE_ROWS.write(
        conn,
        log,
        [(profiles.stream_of(profile.person.person_id), version, profile) for version, profile in rows],
    )
    await write_former(
        conn,
        log,
        {
            profile.person.person_id: profiles.numbers_before(profile.identity_hash, profile.former)
            for _, profile in rows
        },
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
