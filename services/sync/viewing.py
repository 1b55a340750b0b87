"""Views of the synchronisation: its status by target and place, the deliveries that wait, and gauges for Prometheus."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any, Literal

import structlog
from prometheus_client import CollectorRegistry, Gauge
from pydantic import Field

from contracts.divisions import AUTHORITIES, NATION, authority_of, chain_of, contains
from services.kit.audit import about
from services.kit.clock import Clock, local_date
from services.kit.database import OUTCOME_UNKNOWN, Connection, Database
from services.kit.schemas import StrictModel, WholeList
from services.sync.problems import OutsidePlaceError
from services.sync.recording.following import CHECKPOINT
from services.sync.targets import Targets

_OPEN = """
select target, place, state, reason, count(*) as records, min(recorded_at) as oldest, min(due_on) as due_on
  from deliveries
 where log = any($1::text[]) and state in ('pending', 'refused', 'unsynced')
 group by target, place, state, reason
"""
_TALLIES = """
select target, place, outcome, sum(records)::bigint as records,
       coalesce(sum(records) filter (where hour >= $2), 0)::bigint as lately
  from tallies where log = any($1::text[]) group by target, place, outcome
"""
_LOGS = """
select f.log, f.head, f.error, f.seen_at, coalesce(c.position, 0) as position
  from following f left join checkpoints c on c.log = f.log and c.name = $2 and c.source = f.log
 where f.log = any($1::text[]) order by f.log
"""


class OldestOpen(StrictModel):
    """The oldest delivery that waits, and the last day on which it is in time, where the target sets a limit (S4-04)."""

    recorded_at: datetime
    due_on: date | None
    late: bool


class PlaceStatus(StrictModel):
    """How one target's deliveries of one place and all under it stand; delivered ones are counted each time."""

    place: str
    delivered: int = 0
    delivered_lately: int = 0
    """In this hour and the one before."""
    pending: int = 0
    refused: dict[str, int] = Field(default_factory=dict)
    unsynced: dict[str, int] = Field(default_factory=dict)
    oldest_pending: OldestOpen | None = None
    oldest_unsynced: OldestOpen | None = None


class TargetStatus(StrictModel):
    """One target: whether it is on, what it is sent, and how that stands by place."""

    target: str
    on: bool
    record: str
    places: list[PlaceStatus]


class LogStatus(StrictModel):
    """How far one log of the ledger has been read: `lag` positions are not recorded yet; `error` is what stops it."""

    log: str
    position: int
    head: int
    lag: int
    error: str | None
    seen_at: datetime


class SyncStatus(StrictModel):
    """The synchronisation of a place and all under it."""

    place: str
    targets: list[TargetStatus]
    logs: list[LogStatus]


class StatusQueries:
    """Reads; writes nothing."""

    def __init__(self, database: Database, targets: Targets, clock: Clock) -> None:
        self._database = database
        self._targets = targets
        self._clock = clock

    async def status(self, place: str) -> SyncStatus:
        """How everything at or below a place stands."""
        now = self._clock()
        logs: Sequence[str] = AUTHORITIES if place == NATION else (authority_of(place),)
        async with self._database.acquire() as conn:
            rows = await self._rows(conn, logs, place, now)
            followed = await conn.fetch(_LOGS, logs, CHECKPOINT)
        targets = [
            TargetStatus(
                target=target.name,
                on=target.is_on,
                record=target.record,
                places=[_place(at, found, now) for at, found in sorted(rows[target.name].items())],
            )
            for target in self._targets.all.values()
        ]
        return SyncStatus(place=place, targets=targets, logs=[_log(row) for row in followed])

    async def _rows(
        self, conn: Connection, logs: Sequence[str], place: str, now: datetime
    ) -> dict[str, dict[str, list[object]]]:
        """Rows of open deliveries and of tallies, by target and by the place just below the one asked about."""
        found: dict[str, dict[str, list[object]]] = defaultdict(lambda: defaultdict(list))
        since = (now - timedelta(hours=1)).replace(minute=0, second=0, microsecond=0)
        for row in [*await conn.fetch(_OPEN, logs), *await conn.fetch(_TALLIES, logs, since)]:
            if contains(place, row["place"]):
                found[row["target"]][child_of(place, row["place"])].append(row)
        return found


def child_of(place: str, inner: str) -> str:
    """The place just below `place` that holds the inner one, the place itself when there is none between."""
    if inner == place:
        return place
    chain = chain_of(inner)
    return chain[chain.index(place) - 1]


def _place(place: str, rows: Sequence[Any], now: datetime) -> PlaceStatus:
    counts: dict[str, dict[str, int]] = {"refused": {}, "unsynced": {}}
    open_rows: dict[str, list[object]] = defaultdict(list)
    delivered = lately = pending = 0
    for row in rows:
        if "outcome" in row:
            if row["outcome"] == "delivered":
                delivered += row["records"]
                lately += row["lately"]
            continue
        open_rows[row["state"]].append(row)
        if row["state"] == "pending":
            pending += row["records"]
        else:
            reasons = counts[row["state"]]
            reason = row["reason"] or "unknown"
            reasons[reason] = reasons.get(reason, 0) + row["records"]
    return PlaceStatus(
        place=place,
        delivered=delivered,
        delivered_lately=lately,
        pending=pending,
        refused=counts["refused"],
        unsynced=counts["unsynced"],
        oldest_pending=_oldest(open_rows["pending"], now),
        oldest_unsynced=_oldest(open_rows["unsynced"], now),
    )


def _oldest(rows: Sequence[Any], now: datetime) -> OldestOpen | None:
    if not rows:
        return None
    dues = [row["due_on"] for row in rows if row["due_on"] is not None]
    due = min(dues, default=None)
    return OldestOpen(
        recorded_at=min(row["oldest"] for row in rows),
        due_on=due,
        late=due is not None and due < local_date(now),
    )


def _log(row: Any) -> LogStatus:
    return LogStatus(
        log=row["log"],
        position=row["position"],
        head=row["head"],
        lag=max(0, row["head"] - row["position"]),
        error=row["error"],
        seen_at=row["seen_at"],
    )


State = Literal["pending", "refused", "unsynced", "delivered", "withdrawn"]
OpenState = Literal["pending", "refused", "unsynced"]
OPEN_STATES: tuple[OpenState, ...] = ("pending", "refused", "unsynced")
PAGE_MAX = 200

_FIELDS = """
select log, target, subject, revision, person_id, year, place, action, content, state, reason, reference, recorded_at,
       due_on, settled_at
"""
_WAITING = f"""{_FIELDS}
  from deliveries
 where state = any($1::text[]) and state in ('pending', 'refused', 'unsynced') and ($2::text is null or target = $2)
   and ($3::text is null or log = $3) and place like $4
   and ($5::timestamptz is null or (recorded_at, target, subject, revision) > ($5, $6, $7, $8))
 order by recorded_at, target, subject, revision limit $9
"""
_OF_PERSON = f"""{_FIELDS}
  from deliveries where person_id = $1 and ($2::text is null or log = $2)
 order by target, position, subject, revision limit $3
"""
_CURSOR = """
select recorded_at, target, subject, revision from deliveries
 where target = $1 and subject = $2 and revision = $3 limit 1
"""
_OF_PERSON_MAX = 2_000


class DeliveryView(StrictModel):
    """What a target is, or was, to be told of a subject: never a name or a number."""

    target: str
    key: str
    subject: str
    revision: int
    person_id: str
    year: int
    place: str
    action: str
    content: dict[str, str | None]
    state: State
    reason: str | None
    reference: str | None
    recorded_at: datetime
    due_on: date | None
    settled_at: datetime | None


class DeliveryPage(StrictModel):
    """Deliveries, oldest first; `next` asks for later ones."""

    items: list[DeliveryView]
    next: str | None


class PersonDeliveries(WholeList):
    """Every delivery of one person, in the order in which each target is told."""

    person_id: str
    items: list[DeliveryView]


class DeliveryQueries:
    """Reads; writes nothing."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def waiting(
        self, place: str, states: Sequence[str], target: str | None, after: str | None, limit: int
    ) -> DeliveryPage:
        """At most `limit` open deliveries of a place and all under it, those after the one named by target and key."""
        log = None if place == NATION else authority_of(place)
        async with self._database.acquire() as conn:
            cursor: tuple[object, ...] = (None, None, None, None)
            if after is not None:
                name, subject, revision = _cursor(after)
                found = await conn.fetchrow(_CURSOR, name, subject, revision)
                cursor = cursor if found is None else tuple(found)
            rows = await conn.fetch(_WAITING, list(states), target, log, _pattern(place), *cursor, limit)
        views = [_view(row) for row in rows]
        for each in views:
            about(each.person_id, each.place)
        last = f"{views[-1].target}~{views[-1].key}" if len(views) == limit else None
        return DeliveryPage(items=views, next=last)

    async def of_person(self, person_id: str, place: str) -> PersonDeliveries:
        """What a person's credits are delivered as, as far as they are of the place or under it."""
        async with self._database.acquire() as conn:
            rows = await conn.fetch(_OF_PERSON, person_id, None, _OF_PERSON_MAX)
        for row in rows:
            visible = contains(place, row["place"])
            about(person_id, row["place"], result=None if visible else OutsidePlaceError.code)
        seen = [_view(row) for row in rows if contains(place, row["place"])]
        return PersonDeliveries(person_id=person_id, items=seen)


def _cursor(after: str) -> tuple[str, str, int]:
    target, _, key = after.partition("~")
    subject, _, revision = key.rpartition(".")
    return target, subject, int(revision)


def _pattern(place: str) -> str:
    """What the codes of a place and all under it begin with; separately planned cities are in logs of their own."""
    if place == NATION:
        return "%"
    if place.endswith("0000"):
        return f"{place[:2]}%"
    return f"{place[:4]}%" if place.endswith("00") else place


def _view(row: Any) -> DeliveryView:
    return DeliveryView(
        target=row["target"],
        key=f"{row['subject']}.{row['revision']}",
        subject=row["subject"],
        revision=row["revision"],
        person_id=row["person_id"],
        year=row["year"],
        place=row["place"],
        action=row["action"],
        content=json.loads(row["content"]),
        state=row["state"],
        reason=row["reason"],
        reference=row["reference"],
        recorded_at=row["recorded_at"],
        due_on=row["due_on"],
        settled_at=row["settled_at"],
    )


REFRESH_SECONDS = 15.0
_logger = structlog.stdlib.get_logger("services.sync.metrics")


class SyncMetrics:
    """What is open, how old it is, and how far the feeds have been read, by target and authority."""

    def __init__(self, registry: CollectorRegistry) -> None:
        labels = ["target", "place"]
        self._open = Gauge(
            "sync_open_deliveries", "Deliveries that wait.", [*labels, "state"], registry=registry
        )
        self._delivered = Gauge("sync_delivered", "Deliveries that arrived.", labels, registry=registry)
        self._oldest = Gauge(
            "sync_oldest_seconds",
            "Age of the oldest delivery that waits.",
            [*labels, "state"],
            registry=registry,
        )
        self._lag = Gauge("sync_feed_lag", "Positions of a log not recorded yet.", ["log"], registry=registry)

    async def refresh(self, queries: StatusQueries, clock: Clock) -> None:
        """Set every gauge anew."""
        status = await queries.status(NATION)
        now = clock()
        for target in status.targets:
            for at in target.places:
                where = (target.target, at.place)
                self._open.labels(*where, "pending").set(at.pending)
                self._open.labels(*where, "refused").set(sum(at.refused.values()))
                self._open.labels(*where, "unsynced").set(sum(at.unsynced.values()))
                self._delivered.labels(*where).set(at.delivered)
                for state, oldest in (("pending", at.oldest_pending), ("unsynced", at.oldest_unsynced)):
                    age = 0.0 if oldest is None else (now - oldest.recorded_at).total_seconds()
                    self._oldest.labels(*where, state).set(age)
        for log in status.logs:
            self._lag.labels(log.log).set(log.lag)

    async def keep_fresh(self, queries: StatusQueries, clock: Clock) -> None:
        """Refresh until cancelled; a database that is lost is asked again."""
        while True:
            try:
                await self.refresh(queries, clock)
            except OUTCOME_UNKNOWN as error:
                _logger.warning("metrics.database_lost", error=type(error).__name__)
            await asyncio.sleep(REFRESH_SECONDS)
