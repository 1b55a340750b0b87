"""Gauges of the synchronisation for Prometheus, read from its tables now and then."""

from __future__ import annotations

import asyncio

import structlog
from prometheus_client import CollectorRegistry, Gauge

from contracts.divisions import NATION
from services.kit.clock import Clock
from services.kit.database import OUTCOME_UNKNOWN
from services.sync.viewing.status import StatusQueries

REFRESH_SECONDS = 15.0
_log = structlog.stdlib.get_logger("services.sync.metrics")


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
                _log.warning("metrics.database_lost", error=type(error).__name__)
            await asyncio.sleep(REFRESH_SECONDS)
