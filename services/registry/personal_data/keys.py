"""Keys of people: their rotation under a new key-encryption key, and the check that they are this database's.

Nothing that was sealed is touched. A rotation that stopped goes on where it was: what is wrapped already is passed
over, and both keys open until the last one is done.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from services.kit.database import Connection, Database
from services.kit.key_checks import DIGEST_KEY, IDENTITY_KEY, must_hold_the_keys
from services.kit.key_shares import KeyShares
from services.kit.sealing import DestroyedKeyError, KeyWrapper
from services.kit.settings import SettingsError
from services.registry.store.tables import LOG

_KEEP = "insert into key_stores (log, store_id) values ($1, $2) on conflict do nothing"
_KEPT = "select store_id from key_stores where log = $1"


async def must_fit(
    conn: Connection, shares: KeyShares, identity_checks: Sequence[str], digest_check: str
) -> None:
    """Raise SettingsError for another file of key shares, or another key or algorithm, than this database's.

    Going on with an empty file would make people unreadable; with other hashes everybody would be a stranger.
    """
    await conn.execute(_KEEP, LOG, shares.store_id)
    if await conn.fetchval(_KEPT, LOG) != shares.store_id:
        raise SettingsError("XUEFEN_KEY_SHARES_FILE is not the file that this database was written with")
    await must_hold_the_keys(conn, [LOG], IDENTITY_KEY, identity_checks)
    await must_hold_the_keys(conn, [LOG], DIGEST_KEY, [digest_check])


BATCH_MAX = 500

_COUNT = "select count(*) from person_keys where log = $1"
_LEFT = "select count(*) from person_keys where log = $1 and not starts_with(wrapped_key, $2)"
_NEXT = """
select person_id, wrapped_key from person_keys
 where log = $1 and person_id > $3 and not (starts_with(wrapped_key, $2) and wrapped_key like '%:%:%:%')
 order by person_id limit $4
"""
# Whoever is erased meanwhile has no row any more; nobody gets one back.
_REWRAP = """
update person_keys set wrapped_key = new.wrapped
  from unnest($2::text[], $3::text[], $4::text[]) as new (person_id, old, wrapped)
 where log = $1 and person_keys.person_id = new.person_id and wrapped_key = new.old
"""

Progress = Callable[[int, int], None]
"""Told how many keys have been looked at or were wrapped already, and how many there are."""


@dataclass(frozen=True)
class Rotated:
    """What a rotation did: keys wrapped anew, keys whose share is gone, and keys still under an older one."""

    rewrapped: int
    destroyed: int
    left: int


async def rotate(
    database: Database, wrapper: KeyWrapper, progress: Progress = lambda done, total: None
) -> Rotated:
    """Wrap every key anew that is not yet wrapped by the first key-encryption key, in its algorithm, with a share.

    Raises UnsealableError when a key was wrapped by one that is not held any more.
    """
    current = wrapper.current
    async with database.acquire() as conn:
        total: int = await conn.fetchval(_COUNT, LOG)
        left: int = await conn.fetchval(_LEFT, LOG, current)
    rewrapped = destroyed = 0
    after = ""
    progress(total - left, total)
    while True:
        async with database.transaction() as conn:
            rows = await conn.fetch(_NEXT, LOG, current, after, BATCH_MAX)
            done: list[tuple[str, str, str]] = []
            for row in rows:
                subject, old = row["person_id"], row["wrapped_key"]
                try:
                    done.append((subject, old, wrapper.rewrap(old, subject)))
                except DestroyedKeyError:
                    destroyed += 1
            await conn.execute(_REWRAP, LOG, *([each[i] for each in done] for i in range(3)))
        rewrapped += len(done)
        if len(rows) < BATCH_MAX:
            break
        after = rows[-1]["person_id"]
        progress(min(total, total - left + rewrapped + destroyed), total)
    async with database.acquire() as conn:
        left = await conn.fetchval(_LEFT, LOG, current)
    progress(total - left, total)
    return Rotated(rewrapped, destroyed, left)
