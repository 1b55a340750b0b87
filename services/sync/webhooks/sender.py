"""Sender of webhooks by Standard Webhooks: signed, in the order of each person and record, at least once."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import random
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from services.kit.clock import Clock
from services.kit.database import OUTCOME_UNKNOWN, Database
from services.kit.failures import NOTHING_STORED
from services.kit.sealing import AES, derive
from services.sync.adapters import retry_after
from services.sync.webhooks.address import Answer, NoAnswerError, Poster
from services.sync.webhooks.deliveries import DeliveryQueue, Health, Result, Taken
from services.sync.webhooks.endpoint import Endpoint
from services.sync.webhooks.endpoints import DISABLED_AFTER, Endpoints

AT_ONCE = 16
"""Messages that one worker has on their way to one endpoint."""
IDLE_SECONDS = 0.5
GIVEN_UP_AFTER = 12
"""Failures of one message, while others were taken, after which it is left and what waits behind it goes."""
PAUSE_SECONDS, PAUSE_SECONDS_MAX = 5.0, 3_600.0
_FORGET_SECONDS = 3_600.0
_PASSING: tuple[type[BaseException], ...] = (*OUTCOME_UNKNOWN, *NOTHING_STORED)
_GONE = 410

_log = structlog.stdlib.get_logger("services.sync.webhooks")


def secret_of(key: bytes, endpoint_id: str, rotation: int) -> str:
    """The secret of an endpoint, as its organization holds it. It is derived and stored nowhere."""
    derived = derive(AES, key, f"webhook\n{endpoint_id}\n{rotation}".encode())
    return "whsec_" + base64.b64encode(derived).decode()


def signature(secret: str, message_id: str, at: datetime, body: bytes) -> str:
    """`v1,` and the HMAC-SHA-256 over id, timestamp and body (Standard Webhooks 1.0)."""
    signed = f"{message_id}.{int(at.timestamp())}.".encode() + body
    key = base64.b64decode(secret.removeprefix("whsec_"))
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def headers_of(message_id: str, at: datetime, body: bytes, secrets: Sequence[str]) -> Mapping[str, str]:
    """The headers of a message; while secrets overlap it is signed under each, the newest first."""
    return {
        "Content-Type": "application/cloudevents+json",
        "User-Agent": "Xuefen-Webhooks/1",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signature(each, message_id, at, body) for each in secrets),
    }


class WebhookSender:
    """Delivers to every endpoint from one process; several may run. A slow endpoint holds up nobody else."""

    def __init__(
        self,
        database: Database,
        endpoints: Endpoints,
        poster: Poster,
        key: bytes,
        *,
        clock: Clock,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._queue = DeliveryQueue(database)
        self._endpoints = endpoints
        self._poster = poster
        self._key = key
        self._clock = clock
        self._jitter = jitter
        self._serving: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Deliver until cancelled; what is on its way then is sent again by whoever takes it next."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._forget())
            losses = 0
            while True:
                try:
                    for endpoint_id in await self._queue.due(self._clock()):
                        if endpoint_id not in self._serving:
                            self._serving[endpoint_id] = tasks.create_task(self._guarded(endpoint_id))
                    losses = 0
                except _PASSING as error:
                    losses += 1
                    _log.warning("webhooks.database_lost", error=type(error).__name__)
                await asyncio.sleep(IDLE_SECONDS * 2.0 ** min(losses, 6))

    async def step(self) -> int:
        """See everything through that may go now; how many attempts that were."""
        attempts = 0
        for endpoint_id in await self._queue.due(self._clock()):
            attempts += await self._serve(endpoint_id)
        return attempts

    async def _guarded(self, endpoint_id: str) -> None:
        try:
            await self._serve(endpoint_id)
        except _PASSING as error:
            _log.warning("webhooks.database_lost", error=type(error).__name__)
        finally:
            del self._serving[endpoint_id]

    async def _forget(self) -> None:
        while True:
            try:
                await self._queue.forget(self._clock())
            except _PASSING as error:
                _log.warning("webhooks.database_lost", error=type(error).__name__)
            await asyncio.sleep(_FORGET_SECONDS)

    async def _serve(self, endpoint_id: str) -> int:
        """Send to one endpoint while it takes what it is sent, and something waits; how many attempts."""
        attempts = 0
        while True:
            lease, taken = await self._queue.take(endpoint_id, AT_ONCE, self._clock())
            if not taken:
                return attempts
            attempts += len(taken)
            if not await self._send(endpoint_id, lease, taken):
                return attempts

    async def _send(self, endpoint_id: str, lease: UUID, taken: Sequence[Taken]) -> bool:
        """Send what was taken; whether the endpoint took any of it."""
        endpoint = await self._endpoints.find(endpoint_id)
        before = (await self._queue.health([endpoint_id])).get(endpoint_id, Health())
        answers = await asyncio.gather(*(self._post(endpoint, each) for each in taken))
        now = self._clock()
        well = any(isinstance(each, Answer) and 200 <= each.status < 300 for each in answers)
        pause = _pause(before.failures, self._jitter())
        asked = [
            retry_after(each.retry_after, now)
            for each in answers
            if isinstance(each, Answer) and each.retry_after
        ]
        next_at = now + timedelta(seconds=min(max([pause, *asked]), PAUSE_SECONDS_MAX))
        since = None if well else before.failing_since or now
        health = Health(
            failing_since=since, succeeded_at=now if well else before.succeeded_at, next_at=next_at
        )
        results = [
            self._result(each, answer, health, now) for each, answer in zip(taken, answers, strict=True)
        ]
        await self._queue.settle(endpoint_id, lease, results, health, now)
        if any(isinstance(each, Answer) and each.status == _GONE for each in answers):
            await self._endpoints.disable(endpoint_id, "gone")
        elif since is not None and now - since >= DISABLED_AFTER:
            await self._endpoints.disable(endpoint_id, "failing")
        return well

    async def _post(self, endpoint: Endpoint, taken: Taken) -> Answer | str:
        now = self._clock()
        secrets = [secret_of(self._key, endpoint.endpoint_id, each) for each in endpoint.rotations(now)]
        headers = headers_of(taken.event_id, now, taken.body, secrets)
        try:
            return await self._poster.post(endpoint.url, headers, taken.body)
        except NoAnswerError as error:
            return str(error)

    def _result(self, taken: Taken, answer: Answer | str, health: Health, now: datetime) -> Result:
        status = answer.status if isinstance(answer, Answer) else None
        if status is not None and 200 <= status < 300:
            return Result(taken, "delivered", status, None, now)
        reason = answer if isinstance(answer, str) else f"status_{status}"
        others_went = health.succeeded_at is not None and (
            taken.failed_at is not None and health.succeeded_at > taken.failed_at
        )
        if taken.attempts + 1 >= GIVEN_UP_AFTER and others_went:
            _log.warning("webhooks.given_up", log=taken.log, position=taken.position, reason=reason)
            return Result(taken, "failed", status, reason, now)
        pause = timedelta(seconds=_pause(taken.attempts, self._jitter()))
        return Result(taken, "pending", status, reason, now + pause)


def _pause(failures: int, jitter: float) -> float:
    """Seconds before the next attempt: doubling with every failure to an hour, with jitter downward of half."""
    return min(PAUSE_SECONDS * 2.0 ** min(failures, 12), PAUSE_SECONDS_MAX) * (0.5 + jitter / 2)
