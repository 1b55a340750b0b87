"""Deliveries to endpoints in SQL: recorded with the feed's checkpoint, taken under a lease in the order of each person and
record, settled by who still holds the lease, looked at, and sent again."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from services.kit.clock import Clock
from services.kit.database import Connection, Database
from services.kit.event_store import table_sql
from services.kit.feed import CloudEvent, event_body
from services.sync.webhooks.endpoint import ENDPOINT_ROWS, Endpoint

LOG = "sync"
"""Whose streams the endpoints are."""
LEASE = timedelta(seconds=60)
"""How long a message belongs to the worker that took it, longer than an endpoint may take to answer."""
KEPT = timedelta(days=30)
"""How long a delivery that is over can be looked at and sent again."""
OWNERS = ("provider_id", "organization_id")

_ENDPOINTS = """
create table webhook_endpoints (
    log text collate "C" not null,
    endpoint_id text collate "C" not null,
    organization_id text collate "C" not null,
    status text collate "C" not null,
    version integer not null,
    state bytea not null,
    primary key (log, endpoint_id)
)"""
_HEALTH = """
create table webhook_health (
    log text collate "C" not null,
    endpoint_id text collate "C" not null,
    failures integer not null default 0,
    failing_since timestamptz,
    succeeded_at timestamptz,
    next_at timestamptz not null,
    primary key (log, endpoint_id)
)"""
_DELIVERIES = """
create table webhook_deliveries (
    log text collate "C" not null,
    endpoint_id text collate "C" not null,
    position bigint not null,
    kind text collate "C" not null,
    person_id text collate "C",
    record_id text collate "C",
    body bytea not null,
    state text collate "C" not null,
    attempts integer not null default 0,
    status integer,
    reason text collate "C",
    failed_at timestamptz,
    recorded_at timestamptz not null,
    next_at timestamptz not null,
    settled_at timestamptz,
    lease uuid,
    primary key (log, endpoint_id, position)
)"""


def webhook_tables_sql(*, partitions: int = 0) -> list[str]:
    """The statements that create the tables, hash-partitioned by log when `partitions` > 0, and their indexes."""
    statements = [
        statement
        for table, ddl in (
            ("webhook_endpoints", _ENDPOINTS),
            ("webhook_health", _HEALTH),
            ("webhook_deliveries", _DELIVERIES),
        )
        for statement in table_sql(table, ddl, partitions=partitions)
    ]
    return [
        *statements,
        "create index webhook_endpoints_of_organization on webhook_endpoints (organization_id)",
        "create index webhooks_due on webhook_deliveries (endpoint_id, next_at, recorded_at, log, position)"
        " where state = 'pending'",
        "create index webhooks_of_person on webhook_deliveries (endpoint_id, person_id, recorded_at, log, position)"
        " where state = 'pending'",
        "create index webhooks_of_record on webhook_deliveries (endpoint_id, record_id, recorded_at, log, position)"
        " where state = 'pending'",
        "create index webhooks_in_time on webhook_deliveries (endpoint_id, recorded_at, log, position)",
        "create index webhooks_settled on webhook_deliveries (settled_at)",
    ]


_ADD = """
insert into webhook_deliveries
       (log, endpoint_id, position, kind, person_id, record_id, body, state, recorded_at, next_at)
values ($1, $2, $3, $4, $5, $6, $7, 'pending', $8, $9) on conflict do nothing
"""
_DUE = """
select e.endpoint_id from webhook_endpoints e
  left join webhook_health h on h.log = e.log and h.endpoint_id = e.endpoint_id
 where e.status = 'active' and (h.next_at is null or h.next_at <= $1)
   and exists (select from webhook_deliveries d
                where d.endpoint_id = e.endpoint_id and d.state = 'pending' and d.next_at <= $1)
 order by e.endpoint_id
"""
# Of each person, and of each record, the oldest goes first: a later one waits until that is settled. Probed in order of an
# index, so that a backlog of thousands costs a batch no more than a short one, whatever the planner knows of it.
_TAKE = """
with picked as (
    select log, endpoint_id, position from webhook_deliveries d
     where d.endpoint_id = $1 and d.state = 'pending' and d.next_at <= $2
       and (d.person_id is null or (d.log, d.position) = (select e.log, e.position from webhook_deliveries e
             where e.endpoint_id = d.endpoint_id and e.state = 'pending' and e.person_id = d.person_id
             order by e.recorded_at, e.log, e.position limit 1))
       and (d.record_id is null or (d.log, d.position) = (select e.log, e.position from webhook_deliveries e
             where e.endpoint_id = d.endpoint_id and e.state = 'pending' and e.record_id = d.record_id
             order by e.recorded_at, e.log, e.position limit 1))
     order by d.next_at, d.recorded_at, d.log, d.position limit $3 for update skip locked)
update webhook_deliveries d set lease = $4, next_at = $5
  from picked p where d.log = p.log and d.endpoint_id = p.endpoint_id and d.position = p.position
returning d.log, d.position, d.body, d.attempts, d.failed_at, d.recorded_at
"""
_SETTLE = """
update webhook_deliveries
   set state = $5, status = $6, reason = $7, attempts = attempts + $8, next_at = $9, settled_at = $10,
       failed_at = case when $5 = 'delivered' then failed_at else $11 end, lease = null
 where endpoint_id = $1 and lease = $2 and log = $3 and position = $4
"""
_WELL = """
insert into webhook_health (log, endpoint_id, failures, failing_since, succeeded_at, next_at)
values ($1, $2, 0, null, $3, $3)
on conflict (log, endpoint_id) do update set failures = 0, failing_since = null, succeeded_at = $3, next_at = $3
"""
_ILL = """
insert into webhook_health as h (log, endpoint_id, failures, failing_since, next_at) values ($1, $2, 1, $3, $4)
on conflict (log, endpoint_id) do update
   set failures = h.failures + 1, failing_since = coalesce(h.failing_since, $3), next_at = $4
"""
_HEALTH_OF = """
select endpoint_id, failures, failing_since, succeeded_at, next_at from webhook_health
 where log = $1 and endpoint_id = any($2::text[])
"""
_LOOK = """
select log, position, kind, state, attempts, status, reason, recorded_at, next_at, settled_at from webhook_deliveries
 where endpoint_id = $1 and ($2::text is null or state = $2) and (recorded_at, log, position) < ($3, $4, $5)
 order by recorded_at desc, log desc, position desc limit $6
"""
_AGAIN = """
update webhook_deliveries
   set state = 'pending', attempts = 0, failed_at = null, next_at = $2, settled_at = null, lease = null
 where endpoint_id = $1 and case when $3::text[] is null
       then recorded_at >= $5 and recorded_at < $6
       else (log, position) in (select * from unnest($3::text[], $4::bigint[])) end
"""
_FORGET = "delete from webhook_deliveries where settled_at < $1"
_HOPE = """
update webhook_health set failures = 0, failing_since = null, next_at = $3 where log = $1 and endpoint_id = $2
"""
_CANCEL = "delete from webhook_deliveries where endpoint_id = $1 and state = 'pending'"


class Taken(NamedTuple):
    """A delivery that is ours until the lease ends: its event's id, the body to send, and how often that has failed."""

    log: str
    position: int
    body: bytes
    attempts: int
    failed_at: datetime | None
    recorded_at: datetime

    @property
    def event_id(self) -> str:
        """The event's id, which is the message's too: the same however often it is sent."""
        return f"{self.log}/{self.position}"


class Result(NamedTuple):
    """What became of one attempt: the state of the delivery now, the status answered, and a reason where it failed."""

    taken: Taken
    state: str
    status: int | None
    reason: str | None
    next_at: datetime


class Health(NamedTuple):
    """How an endpoint does: failures in a row, since when, the last success, and when it is tried again."""

    failures: int = 0
    failing_since: datetime | None = None
    succeeded_at: datetime | None = None
    next_at: datetime | None = None


class WebhookRecorder:
    """Turns the events of a feed into deliveries, in the transaction that moves the checkpoint."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def record(self, conn: Connection, log: str, events: Sequence[CloudEvent]) -> None:
        """A delivery of each event to every endpoint of its organization that wants its kind and was there before it."""
        owners = {owner for event in events if (owner := owner_of(event.data)) is not None}
        if not owners:
            return
        condition = "organization_id = any($2::text[]) and status <> 'removed'"
        endpoints = await ENDPOINT_ROWS.where(conn, [LOG], condition, sorted(owners))
        now = self._clock()
        rows = [
            _row(log, event, entry.state.endpoint_id, now)
            for event in events
            for entry in endpoints
            if _wants(entry.state, event)
        ]
        if rows:
            await conn.executemany(_ADD, rows)


def owner_of(data: Mapping[str, Any]) -> str | None:
    """The organization that reported what an event is about."""
    return next((str(data[name]) for name in OWNERS if data.get(name) is not None), None)


def _wants(endpoint: Endpoint, event: CloudEvent) -> bool:
    return (
        endpoint.organization_id == owner_of(event.data)
        and event.time >= endpoint.registered_at
        and (not endpoint.kinds or event.type in endpoint.kinds)
    )


_RECORDS = ("completion_id", "enrolment_id", "filing_id")


def _row(log: str, event: CloudEvent, endpoint_id: str, now: datetime) -> tuple[object, ...]:
    record = next((event.data[name] for name in _RECORDS if event.data.get(name) is not None), None)
    person = event.data.get("person_id")
    return (log, endpoint_id, event.position, event.type, person, record, event_body(event), event.time, now)


class DeliveryQueue:
    """Deliveries of every endpoint."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def due(self, now: datetime) -> list[str]:
        """The active endpoints for which something waits whose turn it is."""
        async with self._database.acquire() as conn:
            return [row["endpoint_id"] for row in await conn.fetch(_DUE, now)]

    async def take(self, endpoint_id: str, limit: int, now: datetime) -> tuple[uuid.UUID, list[Taken]]:
        """Lease what may go now, of each person and record the oldest."""
        lease = uuid.uuid4()
        async with self._database.transaction() as conn:
            rows = await conn.fetch(_TAKE, endpoint_id, now, limit, lease, now + LEASE)
        return lease, sorted(
            (Taken(*row) for row in rows), key=lambda each: (each.recorded_at, each.log, each.position)
        )

    async def settle(
        self, endpoint_id: str, lease: uuid.UUID, results: Sequence[Result], health: Health, now: datetime
    ) -> None:
        """Store what became of leased deliveries, and how the endpoint does; what the lease has passed on is left alone."""
        rows = [
            (
                endpoint_id,
                lease,
                each.taken.log,
                each.taken.position,
                each.state,
                each.status,
                each.reason,
                1,
                each.next_at,
                None if each.state == "pending" else now,
                now,
            )
            for each in results
        ]
        async with self._database.transaction() as conn:
            await conn.executemany(_SETTLE, rows)
            if health.failing_since is None:
                await conn.execute(_WELL, LOG, endpoint_id, now)
            else:
                await conn.execute(_ILL, LOG, endpoint_id, health.failing_since, health.next_at or now)

    async def health(self, endpoint_ids: Sequence[str]) -> dict[str, Health]:
        """How endpoints do; those that nothing was sent to are absent."""
        async with self._database.acquire() as conn:
            rows = await conn.fetch(_HEALTH_OF, LOG, endpoint_ids)
        return {row["endpoint_id"]: Health(*tuple(row)[1:]) for row in rows}

    async def look(
        self, endpoint_id: str, state: str | None, before: tuple[datetime, str, int], limit: int
    ) -> list[Any]:
        """Deliveries before one of them, the latest first."""
        async with self._database.acquire() as conn:
            return list(await conn.fetch(_LOOK, endpoint_id, state, *before, limit))

    async def forget(self, now: datetime) -> None:
        """Delete what has been over for longer than it is kept."""
        async with self._database.acquire() as conn:
            await conn.execute(_FORGET, now - KEPT)


async def send_again(
    conn: Connection,
    endpoint_id: str,
    now: datetime,
    *,
    events: Sequence[tuple[str, int]] = (),
    since: datetime | None = None,
    until: datetime | None = None,
) -> int:
    """Let deliveries go again, by their events or by when those were recorded; how many."""
    logs = [log for log, _ in events] if events else None
    positions = [position for _, position in events]
    done = await conn.execute(_AGAIN, endpoint_id, now, logs, positions, since, until)
    return int(done.rpartition(" ")[2])


async def cancel(conn: Connection, endpoint_id: str) -> None:
    """Drop what waits for an endpoint that is no more."""
    await conn.execute(_CANCEL, endpoint_id)


async def forget_failures(conn: Connection, endpoint_id: str, now: datetime) -> None:
    """Try an endpoint again at once, as if it had not failed."""
    await conn.execute(_HOPE, LOG, endpoint_id, now)
