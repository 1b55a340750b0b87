"""How the synchronisation stands: what is open, parked and late, by target and by the places below the one asked about."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from pydantic import Field

from contracts.divisions import AUTHORITIES, NATION, authority_of, chain_of, contains
from services.kit.clock import Clock, local_date
from services.kit.database import Connection, Database
from services.kit.schemas import StrictModel
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
    ) -> dict[str, dict[str, list[Any]]]:
        """Rows of open deliveries and of tallies, by target and by the place just below the one asked about."""
        found: dict[str, dict[str, list[Any]]] = defaultdict(lambda: defaultdict(list))
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
    open_rows: dict[str, list[Any]] = defaultdict(list)
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
