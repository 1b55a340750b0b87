"""The queues of deliveries in SQL: taken under a lease with locked rows skipped, settled by who still holds the lease."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from contracts.divisions import AUTHORITIES, NATION
from services.kit.clock import Clock
from services.kit.database import Connection, Database
from services.kit.idempotency import CommandKey, StoredAnswer, claim, remember
from services.sync.problems import OutsidePlaceError, UnknownTargetError
from services.sync.targets import Targets

FAR = timedelta(days=36_500)

_CLAIM = """
with picked as (
    select log, person_id from queues
     where target = $1 and state = 'ready' and next_at <= $2
     order by next_at limit $3 for update skip locked)
update queues q set lease = $4, next_at = $5
  from picked p where q.log = p.log and q.target = $1 and q.person_id = p.person_id
returning q.log, q.person_id, q.failures, q.failed_at
"""
_OLDEST = """
select d.log, d.person_id, d.subject, d.revision, d.year, d.place, d.action, d.content, d.reason, d.state
  from unnest($1::text[], $2::text[]) as q (log, person_id)
  cross join lateral (
    select * from deliveries d
     where d.log = q.log and d.target = $3 and d.person_id = q.person_id
       and d.state in ('pending', 'refused', 'unsynced')
     order by d.position, d.subject, d.revision limit 1) d
"""
_HELD = """
select log, person_id from queues
 where target = $1 and lease = $2 and log = any($3::text[]) and person_id = any($4::text[])
 order by log, target, person_id for update
"""
# The states are said by what they are not, so that no plan looks for the row among all that are open.
_SETTLE = """
update deliveries set state = $5, reason = coalesce($6, case when action = 'end' then reason end), reference = $7,
                      settled_at = $8
 where log = $1 and target = $2 and subject = $3 and revision = $4 and state <> 'delivered' and state <> 'withdrawn'
"""
_ENDED = """
update deliveries set state = 'withdrawn'
 where log = $1 and target = $2 and subject = $3 and revision < $4 and state = 'delivered'
"""
# One probe for each person, and rows by their key: joined to a set, both would read the whole backlog for every batch.
_MORE = """
select mine.log, mine.person_id from unnest($2::text[], $3::text[]) as mine (log, person_id)
 cross join lateral (
    select from deliveries d where d.log = mine.log and d.target = $1 and d.person_id = mine.person_id
       and d.state in ('pending', 'refused', 'unsynced') limit 1) as more
"""
_NEXT = """
update queues set lease = null, failures = 0, failed_at = null, next_at = $4, state = 'ready'
 where log = $1 and target = $2 and person_id = $3
"""
_EMPTY = "delete from queues where log = $1 and target = $2 and person_id = $3"
_PARK = """
update queues set state = 'parked', lease = null, failures = 0, failed_at = null, next_at = $4
 where log = $1 and target = $2 and person_id = $3
"""
_PUT_OFF = """
update queues set lease = null, failures = failures + $5, failed_at = case when $5 > 0 then $6 else failed_at end,
                  next_at = $7
 where target = $1 and lease = $2 and log = $3 and person_id = $4
"""
_TALLY = """
insert into tallies (log, target, place, hour, outcome, records) values ($1, $2, $3, $4, $5, $6)
on conflict (log, target, place, hour, outcome) do update set records = tallies.records + excluded.records
"""


class Leased(NamedTuple):
    """The oldest open delivery of somebody, ours until the lease ends, and how often sending it has failed."""

    log: str
    person_id: str
    subject: str
    revision: int
    year: int
    place: str
    action: str
    content: Mapping[str, str | None]
    reason: str | None
    failures: int
    failed_at: datetime | None

    @property
    def key(self) -> str:
        """What makes the record the same record on the other side."""
        return f"{self.subject}.{self.revision}"


class Settled(NamedTuple):
    """How a delivery ended for now: delivered with a reference, refused or unsynced with a reason."""

    delivery: Leased
    state: str
    reason: str | None = None
    reference: str | None = None


class Queue:
    """The queues of one target."""

    def __init__(self, database: Database, target: str, lease_seconds: int) -> None:
        self._database = database
        self._target = target
        self._lease = timedelta(seconds=lease_seconds)

    async def take(self, limit: int, now: datetime) -> tuple[uuid.UUID, list[Leased]]:
        """Lease the oldest open delivery of at most `limit` people whose turn it is."""
        lease = uuid.uuid4()
        async with self._database.transaction() as conn:
            rows = await conn.fetch(_CLAIM, self._target, now, limit, lease, now + self._lease)
            if not rows:
                return lease, []
            failed = {(row["log"], row["person_id"]): (row["failures"], row["failed_at"]) for row in rows}
            logs, people = [key[0] for key in failed], [key[1] for key in failed]
            found = await conn.fetch(_OLDEST, logs, people, self._target)
            taken = [_leased(row, failed) for row in found if row["state"] == "pending"]
            waiting = {(row["log"], row["person_id"]) for row in found if row["state"] != "pending"}
            there = {(each.log, each.person_id) for each in taken}
            for log, person in sorted(waiting):
                await conn.execute(_PARK, log, self._target, person, now + FAR)
            await self._empty(conn, failed.keys() - there - waiting)
        return lease, taken

    async def settle(
        self, lease: uuid.UUID, settled: Sequence[Settled], now: datetime, retry_at: datetime
    ) -> int:
        """Store what became of leased deliveries and hand their people on; how many were still ours.

        What the lease has passed on is left to its new holder, who sends it again and is answered the same.
        """
        by_person = {(each.delivery.log, each.delivery.person_id): each for each in settled}
        async with self._database.transaction() as conn:
            logs, people = [log for log, _ in by_person], [person for _, person in by_person]
            held = await conn.fetch(_HELD, self._target, lease, logs, people)
            ours = [by_person[row["log"], row["person_id"]] for row in held]
            await conn.executemany(
                _SETTLE,
                [
                    (
                        each.delivery.log,
                        self._target,
                        each.delivery.subject,
                        each.delivery.revision,
                        each.state,
                        each.reason,
                        each.reference,
                        now,
                    )
                    for each in ours
                ],
            )
            await self._hand_on(conn, ours, now, retry_at)
            await self._tally(conn, ours, now)
        return len(ours)

    async def _hand_on(
        self, conn: Connection, ours: Sequence[Settled], now: datetime, retry_at: datetime
    ) -> None:
        ends = [each.delivery for each in ours if each.state == "delivered" and each.delivery.action == "end"]
        await conn.executemany(_ENDED, [(d.log, self._target, d.subject, d.revision) for d in ends])
        parked = [
            (
                each.delivery.log,
                self._target,
                each.delivery.person_id,
                retry_at if each.state == "unsynced" else now + FAR,
            )
            for each in ours
            if each.state != "delivered"
        ]
        await conn.executemany(_PARK, parked)
        done = {(each.delivery.log, each.delivery.person_id) for each in ours if each.state == "delivered"}
        logs, people = [log for log, _ in done], [person for _, person in done]
        rows = await conn.fetch(_MORE, self._target, logs, people)
        going_on = {(row["log"], row["person_id"]) for row in rows}
        await conn.executemany(_NEXT, [(log, self._target, person, now) for log, person in sorted(going_on)])
        await self._empty(conn, done - going_on)

    async def _empty(self, conn: Connection, queues: set[tuple[str, str]]) -> None:
        """Delete queues that nothing waits in any more; the caller holds them."""
        await conn.executemany(_EMPTY, [(log, self._target, person) for log, person in sorted(queues)])

    async def _tally(self, conn: Connection, ours: Sequence[Settled], now: datetime) -> None:
        hour = now.replace(minute=0, second=0, microsecond=0)
        counts: dict[tuple[str, str, str], int] = {}
        for each in ours:
            key = (each.delivery.log, each.delivery.place, each.state)
            counts[key] = counts.get(key, 0) + 1
        await conn.executemany(
            _TALLY,
            [
                (log, self._target, place, hour, state, count)
                for (log, place, state), count in sorted(counts.items())
            ],
        )

    async def put_off(
        self,
        lease: uuid.UUID,
        deliveries: Sequence[Leased],
        now: datetime,
        until: Sequence[datetime],
        failed: bool,
    ) -> None:
        """Give leased deliveries back, each to be taken again at its moment; `failed` counts a failure of each."""
        rows = [
            (self._target, lease, each.log, each.person_id, int(failed), now, at)
            for each, at in sorted(zip(deliveries, until, strict=True), key=lambda pair: pair[0][:2])
        ]
        async with self._database.transaction() as conn:
            await conn.executemany(_PUT_OFF, rows)


def _leased(row: Any, failed: Mapping[tuple[str, str], tuple[int, datetime | None]]) -> Leased:
    failures, failed_at = failed[row["log"], row["person_id"]]
    return Leased(
        log=row["log"],
        person_id=row["person_id"],
        subject=row["subject"],
        revision=row["revision"],
        year=row["year"],
        place=row["place"],
        action=row["action"],
        content=json.loads(row["content"]),
        reason=row["reason"],
        failures=failures,
        failed_at=failed_at,
    )


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
