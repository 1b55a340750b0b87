"""Decisions on what is not there. A record waits because its person is not in the log, and a person who arrives looks
for what waits; neither writes a row or a version that the other would collide with. So both look once more while they
hold the log, where nothing can be stored between the look and the append."""

from collections.abc import Sequence

import msgspec

from services.kit.database import Connection
from services.kit.event_store import EventStore, WrongExpectedVersion
from services.ledger.store.unit import GroupState
from services.ledger.streams.profile import Profile

_PROFILES = "select identity_hash, state from profiles where log = $1 and identity_hash = any($2::text[])"
_ROOMS = "select identity_hash, version from waiting where log = $1 and identity_hash = any($2::text[])"
_decode_profile = msgspec.json.Decoder(Profile).decode


async def confirm_absent(conn: Connection, store: EventStore, state: GroupState) -> None:
    """Hold the log, and make sure that what was put into waiting rooms still has to wait.

    Raises WrongExpectedVersion when a person has arrived, or has another name: decide again.
    """
    hashes = state.rooms_changed()
    if not hashes:
        return
    await store.lock(conn, state.log)
    for identity_hash, profile_state in await conn.fetch(_PROFILES, state.log, hashes):
        known, now = state.profiles.get(identity_hash), _decode_profile(profile_state)
        if known is None or (known.name_hash, known.left) != (now.name_hash, now.left):
            raise WrongExpectedVersion(state.log)


async def confirm_staying(conn: Connection, store: EventStore, state: GroupState) -> None:
    """Hold the log, and make sure that nobody who was enrolled has begun to leave (S2C-14).

    Raises WrongExpectedVersion when somebody has: decide again.
    """
    hashes = sorted(state.enrolled)
    if not hashes:
        return
    await store.lock(conn, state.log)
    for identity_hash, profile_state in await conn.fetch(_PROFILES, state.log, hashes):
        known, now = state.profiles.get(identity_hash), _decode_profile(profile_state)
        if known is not None and (known.departing, known.left) != (now.departing, now.left):
            raise WrongExpectedVersion(state.log)


async def confirm_rooms(
    conn: Connection, store: EventStore, state: GroupState, hashes: Sequence[str]
) -> None:
    """Hold the log, and make sure that nothing more waits for the people who have arrived.

    Raises WrongExpectedVersion when something does: decide again.
    """
    if not hashes:
        return
    await store.lock(conn, state.log)
    for identity_hash, version in await conn.fetch(_ROOMS, state.log, hashes):
        if version != state.room(identity_hash).version:
            raise WrongExpectedVersion(state.log)
