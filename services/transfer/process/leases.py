"""Which worker carries which step: taken for a minute, given back when it failed, free again after a kill."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from services.kit.database import Database
from services.transfer.cases.limits import LIMITS, ended_before
from services.transfer.cases.next_step import WAITS, WorkerStep
from services.transfer.tables import LOG

LEASE_SECONDS = 60
"""Longer than the calls of a step may take together."""
PAUSE_SECONDS_MAX = 300.0

# Some steps wait until the last day of the state has passed; every other is due at once.
_TAKE = """
with due as (
    select t.transfer_id, t.next_step
      from transfers t left join leases l on l.log = t.log and l.transfer_id = t.transfer_id
     where t.log = $1 and t.next_step is not null
       and (t.next_step <> all ($4::text[]) or exists (
           select from unnest($4, $6::timestamptz[]) as waits (next_step, before)
            where waits.next_step = t.next_step and t.since < waits.before))
       and (l.free_at is null or l.free_at <= $2)
     order by t.since limit $5 for update of t skip locked
), taken as (
    insert into leases (log, transfer_id, free_at, attempts) select $1, transfer_id, $3, 1 from due
    on conflict (log, transfer_id) do update set free_at = excluded.free_at, attempts = leases.attempts + 1
     where leases.free_at <= $2
    returning transfer_id, attempts
)
select transfer_id, next_step, attempts from taken join due using (transfer_id)
"""
_PUT_OFF = """
insert into leases (log, transfer_id, free_at, attempts) values ($1, $2, $3, 1)
on conflict (log, transfer_id) do update set free_at = excluded.free_at
"""
# Where the step is still there the lease stays and runs out: what was done did not help, and is not done at once again.
_DONE = """
delete from leases
 where log = $1 and transfer_id = $2
   and not exists (select from transfers where log = $1 and transfer_id = $2 and next_step = $3)
"""
_SWEEP = """
delete from leases l using transfers t
 where l.log = $1 and t.log = l.log and t.transfer_id = l.transfer_id and t.next_step is null and l.free_at < $2
"""


class Taken(NamedTuple):
    """A step that this worker carries now, for the `attempts`-th time."""

    transfer_id: UUID
    step: WorkerStep
    attempts: int


class Leases:
    """Takes steps so that several workers share them; two never carry the same one for as long as a lease lasts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def take(self, now: datetime, *, limit: int) -> list[Taken]:
        """At most `limit` steps that are due, the oldest first."""
        until = now + timedelta(seconds=LEASE_SECONDS)
        begun = [ended_before(LIMITS[state].days, now) for state in WAITS.values()]
        async with self._database.transaction() as conn:
            rows = await conn.fetch(_TAKE, LOG, now, until, [each.value for each in WAITS], limit, begun)
        return [
            Taken(UUID(row["transfer_id"]), WorkerStep(row["next_step"]), row["attempts"]) for row in rows
        ]

    async def done(self, taken: Taken) -> None:
        """Forget the lease, if what is next for the transfer is another step or none."""
        async with self._database.acquire() as conn:
            await conn.execute(_DONE, LOG, str(taken.transfer_id), taken.step.value)

    async def sweep(self, now: datetime) -> None:
        """Forget leases that ran out and whose transfers have no step any more."""
        async with self._database.acquire() as conn:
            await conn.execute(_SWEEP, LOG, now)

    async def put_off(self, transfer_id: UUID, until: datetime) -> None:
        """Try again later."""
        async with self._database.acquire() as conn:
            await conn.execute(_PUT_OFF, LOG, str(transfer_id), until)


def pause_after(attempts: int, told: float | None) -> timedelta:
    """How long to wait after so many attempts: twice as long each time, up to five minutes, or as long as we were told."""
    own = min(PAUSE_SECONDS_MAX, 2.0 ** min(attempts - 1, 9))
    return timedelta(seconds=max(own, told or 0.0))
