"""Parked deliveries go again: when who they are about was corrected, when their time has come, when an operator says so."""

from __future__ import annotations

from datetime import datetime

from contracts.divisions import AUTHORITIES, NATION
from services.kit.clock import Clock
from services.kit.database import Connection, Database
from services.kit.idempotency import CommandKey, StoredAnswer, claim, remember
from services.sync.problems import OutsidePlaceError, UnknownTargetError
from services.sync.targets import Targets

# Queues first, always: whoever changes a person's deliveries holds their queue.
_PARKED_OF_PERSON = """
select log, target from queues where person_id = $1 and state = 'parked' order by log, target for update
"""
_PARKED = """
select log, target, person_id from queues
 where target = $1 and state = 'parked' and ($2::text is null or log = $2) and ($3::timestamptz is null or next_at <= $3)
 order by log, target, person_id limit $4 for update skip locked
"""
_PENDING = """
update deliveries set state = 'pending', reason = case when action = 'end' then reason end
 where log = $1 and target = $2 and person_id = $3 and state = any($4::text[])
"""
_READY = """
update queues set state = 'ready', next_at = $4, failures = 0, failed_at = null
 where log = $1 and target = $2 and person_id = $3
"""

UNSYNCED = ("unsynced",)
EVERYTHING = ("unsynced", "refused")
_AT_ONCE_MAX = 1_000


async def release_person(conn: Connection, person_id: str, now: datetime) -> int:
    """Let a person's unsynced deliveries go again, at every target; how many queues that freed (S4-09)."""
    rows = await conn.fetch(_PARKED_OF_PERSON, person_id)
    for row in rows:
        await _release(conn, row["log"], row["target"], person_id, UNSYNCED, now)
    return len(rows)


async def release_due(conn: Connection, target: str, now: datetime) -> int:
    """Let the unsynced go again whose time has come: their account may have been mended on the other side."""
    rows = await conn.fetch(_PARKED, target, None, now, _AT_ONCE_MAX)
    for row in rows:
        await _release(conn, row["log"], target, row["person_id"], UNSYNCED, now)
    return len(rows)


async def release_all(conn: Connection, target: str, log: str | None, now: datetime) -> int:
    """Let everything that is parked go again, refused ones too, at most 1,000 people; how many."""
    rows = await conn.fetch(_PARKED, target, log, None, _AT_ONCE_MAX)
    for row in rows:
        await _release(conn, row["log"], target, row["person_id"], EVERYTHING, now)
    return len(rows)


async def release_queue(conn: Connection, log: str, target: str, person_id: str, now: datetime) -> None:
    """Let everything of one person at one target go again; the caller holds their queue."""
    await _release(conn, log, target, person_id, EVERYTHING, now)


async def _release(
    conn: Connection, log: str, target: str, person_id: str, states: tuple[str, ...], now: datetime
) -> None:
    await conn.execute(_PENDING, log, target, person_id, list(states))
    await conn.execute(_READY, log, target, person_id, now)


class Releases:
    """Releases on behalf of operators."""

    def __init__(self, database: Database, targets: Targets, clock: Clock) -> None:
        self._database = database
        self._targets = targets
        self._clock = clock

    async def release(self, target: str, place: str, key: CommandKey) -> StoredAnswer:
        """Let what is parked of an authority go again, of every authority for the nation.

        Raises UnknownTargetError, OutsidePlaceError for a place below an authority, and the idempotency problems.
        """
        if target not in self._targets.all:
            raise UnknownTargetError
        if place not in AUTHORITIES:
            raise OutsidePlaceError("由省级财政部门处理。", "For the first-level authority to do.")
        log = None if place == NATION else place
        async with self._database.transaction() as conn:
            stored = await claim(conn, place, key)
            if stored is not None:
                return stored
            people = await release_all(conn, target, log, self._clock())
            answer = StoredAnswer.of(200, {"people": people})
            await remember(conn, place, key, answer)
        return answer
