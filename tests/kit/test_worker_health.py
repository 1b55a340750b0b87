"""Health of a worker: what does not get on is told by name, in its readiness and its metrics."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from structlog.testing import capture_logs

from services.kit.errors import NotReadyError
from services.kit.follower import FeedFollower, TokenFile
from services.kit.histories import Mark
from services.kit.observability import operations_app
from services.kit.worker_health import WorkerHealth
from tests.kit.http import calling
from tests.kit.test_follower import Collected, until

Client = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


@dataclass
class Stands:
    """Work on one log."""

    position: int = 0
    lag: int = 0
    error: str | None = None
    stopped: bool = False


class Watched:
    """A worker with one work, and a clock that is told."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.stands = Stands()
        self.health = WorkerHealth(stalled_seconds=60, now=lambda: self.seconds)
        self.health.watch("counts", lambda: {"210000": self.stands})

    async def is_ready(self) -> bool:
        try:
            await self.health.readiness()
        except NotReadyError:
            return False
        return True


class TestProgress:
    async def test_work_that_has_something_to_do_and_does_not_move_is_not_ready(self) -> None:
        watched = Watched()
        watched.stands.lag = 7
        assert await watched.is_ready()
        watched.seconds = 59
        assert await watched.is_ready()
        watched.seconds = 61
        with pytest.raises(NotReadyError) as stalled:
            await watched.health.readiness()
        assert "counts 210000: 7 to do" in stalled.value.detail_en
        watched.stands.position = 1
        assert await watched.is_ready()

    async def test_work_that_has_nothing_to_do_may_stand_still(self) -> None:
        watched = Watched()
        for watched.seconds in (0, 100, 200):
            assert await watched.is_ready()

    async def test_an_error_may_pass_and_one_that_stays_is_told(self) -> None:
        watched = Watched()
        watched.stands.error = "the batch failed"
        assert await watched.is_ready()
        watched.seconds = 61
        with pytest.raises(NotReadyError) as stalled:
            await watched.health.readiness()
        assert "the batch failed" in stalled.value.detail_en

    async def test_what_somebody_has_to_put_right_is_told_at_once(self) -> None:
        watched = Watched()
        watched.stands.stopped = True
        assert not await watched.is_ready()

    async def test_what_else_the_worker_needs_is_asked(self) -> None:
        watched = Watched()

        async def away() -> None:
            raise NotReadyError

        watched.health.need(away)
        assert not await watched.is_ready()

    async def test_the_operators_port_shows_it(self) -> None:
        watched = Watched()
        watched.stands.lag = 3
        async with calling(operations_app(watched.health.app())) as operator:
            assert (await operator.get("/healthz")).status_code == 200
            assert (await operator.get("/readyz")).json() == {
                "status": "ready",
                "works": {"counts 210000": 3},
            }
            watched.seconds = 61
            assert (await operator.get("/readyz")).status_code == 503
            metrics = (await operator.get("/metrics")).text
        assert 'xuefen_worker_lag{log="210000",work="counts"} 3.0' in metrics
        assert 'xuefen_worker_stalled{log="210000",work="counts"} 1.0' in metrics
        assert "process_resident_memory_bytes" in metrics


class Counted(Collected):
    """A consumer that counts how often it was asked how far it has come."""

    tries = 0

    async def load_checkpoint(self) -> Mark:
        self.tries += 1
        return await super().load_checkpoint()


class TestTokens:
    @pytest.mark.parametrize("token", [None, "refused"])
    async def test_one_that_is_missing_or_refused_is_named_in_one_line_and_not_ready(
        self, client: Client, log: str, tmp_path: Path, token: str | None
    ) -> None:
        file = tmp_path / "worker.token"
        if token is not None:
            file.write_text(token, encoding="utf-8")
        health, consumer = WorkerHealth(), Counted()
        async with client() as http:
            http.auth = TokenFile(file)
            following = FeedFollower(http, log, consumer)
            with capture_logs() as logs:
                running = asyncio.create_task(health.follow(following))
                await until(lambda: following.status().stopped)
                first = following.status().error
                await until(lambda: consumer.tries >= 3)
                running.cancel()
                await asyncio.wait([running])
        assert [each["error"] for each in logs if each["event"] == "follower.token"] == [first]
        assert str(file) in (first or "")
        with pytest.raises(NotReadyError) as refused:
            await health.readiness()
        assert str(file) in refused.value.detail_en

    async def test_a_follower_that_stopped_ends_nothing_else(self, client: Client, log: str) -> None:
        health, consumer = WorkerHealth(), Collected()
        consumer.mark = consumer.mark._replace(position=7)
        async with client("feed:read") as http:
            following = FeedFollower(http, log, consumer)
            running = asyncio.create_task(health.follow(following))
            await until(lambda: following.status().stopped)
            assert not running.done()
            running.cancel()
            await asyncio.wait([running])
