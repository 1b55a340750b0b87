"""Health of a worker: what it has to do, how far it has come, and whether it gets on; readiness and metrics of its own.

A process that runs need not get on: a batch may fail for ever, a token may be refused. So whatever follows a log is watched
here, and what has something to do and makes no progress for a while is told by name.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Protocol

from prometheus_client import CollectorRegistry, Gauge, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from services.kit.errors import NotReadyError
from services.kit.events import UnknownEventError
from services.kit.follower import AheadOfFeedError, FeedFollower

STALLED_SECONDS = 60.0
_LOOK_SECONDS = 2.0


class Standing(Protocol):
    """How work on one log stands: the position reached, what is left, what delays it, and whether that needs somebody."""

    @property
    def position(self) -> int:
        """The position reached."""

    @property
    def lag(self) -> int:
        """How many positions are left."""

    @property
    def error(self) -> str | None:
        """What went wrong the last time."""

    @property
    def stopped(self) -> bool:
        """Whether it goes on only when somebody has looked."""


Look = Callable[[], Mapping[str, Standing]]
"""How work stands, log by log."""


class WorkerHealth:
    """What one worker does, looked at every few seconds."""

    def __init__(
        self, *, stalled_seconds: float = STALLED_SECONDS, now: Callable[[], float] = time.monotonic
    ) -> None:
        self.stalled_seconds = stalled_seconds
        self._now = now
        self._works: dict[str, Look] = {}
        self._needs: list[Callable[[], Awaitable[None]]] = []
        self._followers: dict[str, FeedFollower] = {}
        self._moved: dict[tuple[str, str], tuple[int, float]] = {}
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        labels = ("work", "log")
        self._lag = Gauge("xuefen_worker_lag", "Positions left to do.", labels, registry=self._registry)
        self._stalled = Gauge(
            "xuefen_worker_stalled", "1 where there is something to do and no progress.", labels,
            registry=self._registry,
        )  # fmt: skip

    def watch(self, work: str, look: Look) -> None:
        """Watch work under a name."""
        self._works[work] = look

    def need(self, check: Callable[[], Awaitable[None]]) -> None:
        """Ask this, too, before saying that the worker is ready; it raises when not."""
        self._needs.append(check)

    async def follow(self, follower: FeedFollower) -> None:
        """Watch a follower and run it until cancelled; what only somebody can put right stops it alone, and is shown."""
        self._followers[follower.log] = follower
        self.watch("follow", lambda: {log: each.status() for log, each in self._followers.items()})
        try:
            await follower.run()
        except (AheadOfFeedError, UnknownEventError):
            await asyncio.Event().wait()

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            self.look()
            await asyncio.sleep(_LOOK_SECONDS)

    def look(self) -> list[str]:
        """See what has moved; what has not, though there is something to do, each in a few words."""
        now, stalled = self._now(), []
        for work, log, standing in self._standings():
            key = work, log
            position, since = self._moved.get(key, (-1, now))
            waits = bool(standing.lag or standing.error)
            if standing.position != position or not waits:
                since = now
            self._moved[key] = standing.position, since
            stands = standing.stopped or (waits and now - since >= self.stalled_seconds)
            self._lag.labels(work, log).set(standing.lag)
            self._stalled.labels(work, log).set(int(stands))
            if stands:
                stalled.append(f"{work} {log}: {standing.error or f'{standing.lag} to do'}")
        return stalled

    async def readiness(self) -> dict[str, Any]:
        """How everything stands. Raises NotReadyError that names what does not get on."""
        for check in self._needs:
            await check()
        stalled = self.look()
        if stalled:
            raise NotReadyError(
                f"后台处理没有进展：{'；'.join(stalled)}", f"The worker does not get on: {'; '.join(stalled)}"
            )
        return {
            "works": {f"{work} {log}": standing.lag for work, log, standing in self._standings()},
        }

    def exposition(self) -> tuple[bytes, str]:
        """The text Prometheus reads, and its content type."""
        return generate_latest(self._registry), CONTENT_TYPE_PLAIN_0_0_4

    def app(self) -> Starlette:
        """What `operations_app` shows at the operator's port."""

        async def healthz(_: Request) -> JSONResponse:
            return JSONResponse({"status": "ok"})

        app = Starlette(routes=[Route("/healthz", healthz)])
        app.state.metrics, app.state.readiness = self, self.readiness
        return app

    def _standings(self) -> Iterable[tuple[str, str, Standing]]:
        for work, look in self._works.items():
            for log, standing in sorted(look().items()):
                yield work, log, standing
