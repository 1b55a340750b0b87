"""The registry's worker: its read models need none, being written with their events; old command keys do."""

import asyncio

import structlog

from services.kit.database import OUTCOME_UNKNOWN, Database
from services.registry.composition import connect
from services.registry.settings import RegistrySettings
from services.registry.tables import LOG

PAUSE_SECONDS = 3600.0
BATCH_MAX = 1000

_FORGET = """
delete from idempotency_keys
 where log = $1 and (caller, key) in (
       select caller, key from idempotency_keys
        where log = $1 and recorded_at < now() - make_interval(days => $2) limit $3)
"""
_log = structlog.stdlib.get_logger("services.registry.worker")


async def run(settings: RegistrySettings | None = None) -> None:
    """Look after the registry's tables until cancelled."""
    told = settings or RegistrySettings.load()
    database = await connect(told, "worker", size_max=2)
    try:
        while True:
            try:
                forgotten = await forget_old_keys(database, days=told.idempotency_days)
                if forgotten:
                    _log.info("old command keys forgotten", count=forgotten)
            except OUTCOME_UNKNOWN:
                _log.warning("database lost, trying again later")
            await asyncio.sleep(PAUSE_SECONDS)
    finally:
        await database.close()


async def forget_old_keys(database: Database, *, days: int) -> int:
    """Delete keys of commands older than `days`, in small transactions; answers how many."""
    forgotten = 0
    while True:
        async with database.transaction() as conn:
            count = int((await conn.execute(_FORGET, LOG, days, BATCH_MAX)).rpartition(" ")[2])
        forgotten += count
        if count < BATCH_MAX:
            return forgotten
