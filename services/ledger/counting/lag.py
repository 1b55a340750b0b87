"""Lag of the read models that the worker keeps: for readiness, as gauges for Prometheus, and as the position that
counts have reached."""

import asyncio
from collections.abc import Sequence
from datetime import date

import structlog
from msgspec import Struct
from prometheus_client import CollectorRegistry, Gauge

from contracts.divisions import AUTHORITIES
from services.kit.clock import Clock, local_date
from services.kit.database import OUTCOME_UNKNOWN, Connection, Databases

REFRESH_SECONDS = 15.0
_log = structlog.stdlib.get_logger(__name__)

_LAGS = """
select wanted.name, l.log, greatest(l.position - coalesce(c.position, 0), 0)
  from logs l cross join unnest($2::text[]) as wanted (name)
  left join checkpoints c on c.log = l.log and c.name = wanted.name and c.source = l.log
 where l.log = any($1::text[]) and l.position > 0
"""
_DAYS = "select log, judged_on from standing_progress where log = any($1::text[])"
_SWEEPS = "select log, count(*) from standing_sweeps where log = any($1::text[]) group by log"


class Lag(Struct, frozen=True):
    """How many events of a log are not in a read model yet."""

    projection: str
    log: str
    events: int


async def read_lags(databases: Databases, projections: Sequence[str]) -> list[Lag]:
    """The lag of each read model in each log that holds anything."""
    lags: list[Lag] = []
    for database, logs in databases.grouped(AUTHORITIES).items():
        async with database.acquire() as conn:
            lags += [Lag(*row) for row in await conn.fetch(_LAGS, logs, projections)]
    return lags


async def behind_by_projection(databases: Databases, projections: Sequence[str]) -> dict[str, int]:
    """How many events each read model is behind, over all logs."""
    behind = dict.fromkeys(projections, 0)
    for lag in await read_lags(databases, projections):
        behind[lag.projection] += lag.events
    return behind


class LagMetrics:
    """Gauges of what the worker keeps, read now and then by the process that serves metrics."""

    def __init__(self, registry: CollectorRegistry, projections: Sequence[str]) -> None:
        self._projections = projections
        self._lag = Gauge(
            "ledger_projection_lag",
            "Events of a log that a read model does not hold yet.",
            ["projection", "log"],
            registry=registry,
        )
        self._days = Gauge(
            "ledger_standings_days_behind",
            "Days by which the day that standings are judged by is behind today.",
            ["log"],
            registry=registry,
        )
        self._sweeps = Gauge(
            "ledger_standings_sweeps",
            "Notices and new years that are still being taken in.",
            ["log"],
            registry=registry,
        )

    async def refresh(self, databases: Databases, clock: Clock) -> None:
        """Set every gauge anew."""
        for lag in await read_lags(databases, self._projections):
            self._lag.labels(lag.projection, lag.log).set(lag.events)
        today = local_date(clock())
        for database, logs in databases.grouped(AUTHORITIES).items():
            async with database.acquire() as conn:
                days = await conn.fetch(_DAYS, logs)
                sweeps = {row[0]: row[1] for row in await conn.fetch(_SWEEPS, logs)}
            for log, judged_on in days:
                self._days.labels(log).set((today - judged_on).days)
                self._sweeps.labels(log).set(sweeps.get(log, 0))

    async def keep_fresh(self, databases: Databases, clock: Clock) -> None:
        """Refresh until cancelled; a database that is lost is asked again."""
        while True:
            try:
                await self.refresh(databases, clock)
            except OUTCOME_UNKNOWN as error:
                _log.warning("metrics.database_lost", error=type(error).__name__)
            await asyncio.sleep(REFRESH_SECONDS)


_REACHED = """
select l.log, coalesce(c.position, 0), greatest(l.position - coalesce(c.position, 0), 0)
  from logs l left join checkpoints c on c.log = l.log and c.name = $2 and c.source = l.log
 where l.log = any($1::text[]) order by l.log
"""
_JUDGED = """
select p.log, p.judged_on,
       exists (select from standing_sweeps s where s.log = p.log)
       or exists (select from standings t where t.log = p.log and t.turns_on <= p.judged_on)
  from standing_progress p where p.log = any($1::text[])
"""


class Reached(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The position of a log up to which everything is counted, and how many events are `lag` behind it.

    Of standings, `judged_on` is the day they are judged by, and `judging` says that a notice or a new day is still being
    taken in: until then some of the log's people are counted as they were before it.
    """

    log: str
    position: int
    lag: int
    judged_on: date | None = None
    judging: bool = False


async def reached_by(conn: Connection, projection: str, logs: Sequence[str]) -> list[Reached]:
    """How far a projection has come in each log that holds anything."""
    rows = await conn.fetch(_REACHED, logs, projection)
    return [Reached(log=row[0], position=row[1], lag=row[2]) for row in rows if row[1] or row[2]]


async def judged_by(conn: Connection, projection: str, logs: Sequence[str]) -> list[Reached]:
    """The same of standings, with the day."""
    days = {row[0]: (row[1], row[2]) for row in await conn.fetch(_JUDGED, logs)}
    return [
        Reached(
            log=each.log,
            position=each.position,
            lag=each.lag,
            judged_on=days[each.log][0] if each.log in days else None,
            judging=days[each.log][1] if each.log in days else True,
        )
        for each in await reached_by(conn, projection, logs)
    ]
