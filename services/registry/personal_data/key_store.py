"""Whether the keys a process was given are those this database was written with: asked before anything is read."""

from services.kit.database import Connection
from services.kit.key_shares import KeyShares
from services.kit.settings import SettingsError
from services.registry.tables import LOG

_KEEP = "insert into key_stores (log, store_id) values ($1, $2) on conflict do nothing"
_KEPT = "select store_id from key_stores where log = $1"
_HASH = "select identity_hash from people where log = $1 and identity_hash is not null limit 1"


async def must_fit(conn: Connection, shares: KeyShares, hash_algorithm: str) -> None:
    """Raise SettingsError for another file of key shares, or other keyed hashes, than this database's.

    Going on with an empty file would make people unreadable; with other hashes everybody would be a stranger.
    """
    await conn.execute(_KEEP, LOG, shares.store_id)
    if await conn.fetchval(_KEPT, LOG) != shares.store_id:
        raise SettingsError("XUEFEN_KEY_SHARES_FILE is not the file that this database was written with")
    known = await conn.fetchval(_HASH, LOG)
    if known is not None and known.partition(":")[0] != hash_algorithm:
        raise SettingsError(f"XUEFEN_IDENTITY_HASH must be {known.partition(':')[0]}, as in this database")
