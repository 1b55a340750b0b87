"""Followers of the ledger's logs, those alone that have moved, and of the registry for what mends a parked delivery."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import httpx
import structlog

from contracts.registry import InfoChanged
from services.kit.clock import Clock
from services.kit.database import Connection, Database
from services.kit.events import UnknownEventError
from services.kit.feed import CloudEvent
from services.kit.follower import (
    AheadOfFeedError,
    FeedFollower,
    InOneTransaction,
    TokenError,
    must_be_let_in,
)
from services.kit.histories import Mark
from services.kit.projection import Checkpoints
from services.sync.delivering.queue import release_person
from services.sync.recording.facts import facts_of

CHECKPOINT, WEBHOOKS = "deliveries", "webhooks"
"""The names positions are saved under, for ever: of what the targets are told, and of what organizations are."""
REGISTRY = "registry"

_SIDE_BY_SIDE_MAX = 4
_ROUND_SECONDS = 0.5
_PAUSE_SECONDS_MAX = 30.0
_log = structlog.stdlib.get_logger("services.sync.following")


_SEEN = """
insert into following (log, head, error, seen_at) values ($1, $2, $3, now())
on conflict (log) do update set head = excluded.head, error = excluded.error, seen_at = now()
"""
_SAVE_SECONDS = 5.0


class Records(Protocol):
    """Writes the effects of a batch."""

    async def record(self, conn: Connection, log: str, events: Sequence[CloudEvent]) -> None:
        """In the transaction that moves the checkpoint. Raises UnknownEventError, which stops the log."""


@dataclass
class LogPosition:
    """How following stands with one log: the head last heard of, the position saved, and what stops or delays it."""

    position: int = 0
    head: int = 0
    error: str | None = None
    halted: bool = False
    refused: bool = False
    restored: bool = False
    """The log has another history than the one our position belongs to."""

    @property
    def lag(self) -> int:
        """How many positions are not followed yet."""
        return max(0, self.head - self.position)

    @property
    def stopped(self) -> bool:
        """Whether somebody has to put it right."""
        return self.halted or self.refused


class LedgerFollowing:
    """Asks the ledger for the heads of its logs, and reads the feeds of those that have moved on.

    A log that cannot be read stops alone, its error kept; several workers may follow the same: they take turns.
    """

    def __init__(
        self,
        database: Database,
        client: httpx.AsyncClient,
        recorder: Records,
        logs: Sequence[str],
        *,
        checkpoint: str = CHECKPOINT,
    ) -> None:
        self._database = database
        self._client = client
        self._recorder = recorder
        self._checkpoint = checkpoint
        self._checkpoints = Checkpoints(checkpoint)
        self.status = {log: LogPosition() for log in logs}
        self._followers = {log: self._follower(log) for log in logs}
        self._save_at = 0.0

    async def run(self) -> None:
        """Follow until cancelled; a ledger that does not answer is asked again, ever more slowly."""
        failures = 0
        while True:
            try:
                moved = await self.step()
                failures = 0
            except Exception as error:
                failures += 1
                moved = False
                self._say(error)
            if not moved:
                await asyncio.sleep(min(_ROUND_SECONDS * 2.0**failures, _PAUSE_SECONDS_MAX))

    def _say(self, error: Exception) -> None:
        """Log what delays all logs, and show it in each; a token that is not taken once, and by its file."""
        refused = isinstance(error, TokenError)
        told = str(error) if refused else type(error).__name__
        if refused and any(told != status.error for status in self.status.values()):
            _log.error("following.token", error=told)
        elif not refused:
            _log.warning("following.delayed", error=told)
        for status in self.status.values():
            status.error, status.refused = told, refused

    async def step(self) -> bool:
        """One round over every log that has moved on; whether any had. Raises what the ledger or the database does."""
        await self._look()
        behind = [
            log
            for log, status in self.status.items()
            if (status.head > status.position or status.restored) and not status.halted
        ]
        gate = asyncio.Semaphore(_SIDE_BY_SIDE_MAX)
        await asyncio.gather(*(self._catch_up(log, gate) for log in behind))
        await self._save()
        return bool(behind) and all(self.status[log].error is None for log in behind)

    async def _look(self) -> None:
        response = await self._client.get("/v1/logs")
        must_be_let_in(response, self._client)
        response.raise_for_status()
        heads = {each["log"]: Mark(int(each["head"]), each["history"]) for each in response.json()["items"]}
        async with self._database.acquire() as conn:
            for log, status in self.status.items():
                head = heads.get(log, Mark(0))
                status.head = head.position
                if not status.halted:
                    status.error, status.refused = None, False
                if status.head != status.position:
                    kept = await self._checkpoints.mark(conn, log, log)
                    status.position = kept.position
                    status.restored = bool(kept.history) and kept.history != head.history

    async def _save(self) -> None:
        """Keep where the heads are, so that everybody can see how far behind we are; now and then is enough."""
        now = asyncio.get_running_loop().time()
        if now < self._save_at or self._checkpoint != CHECKPOINT:
            return
        self._save_at = now + _SAVE_SECONDS
        rows = [
            (log, status.head, status.error) for log, status in sorted(self.status.items()) if status.head
        ]
        async with self._database.acquire() as conn:
            await conn.executemany(_SEEN, rows)

    async def _catch_up(self, log: str, gate: asyncio.Semaphore) -> None:
        status = self.status[log]
        async with gate:
            try:
                await self._followers[log].step()
                status.position = self._followers[log].status().position
                status.restored = False
                status.error = None
            except (AheadOfFeedError, UnknownEventError) as error:
                status.error, status.halted = repr(error), True
                _log.critical("following.stopped", log=log, error=repr(error))
            except Exception as error:
                status.error = type(error).__name__
                _log.warning("following.failed", log=log, error=type(error).__name__)

    def _follower(self, log: str) -> FeedFollower:
        async def apply(conn: Connection, events: Sequence[CloudEvent]) -> None:
            await self._recorder.record(conn, log, events)

        once = InOneTransaction(self._database, self._checkpoint, log=log, source=log, apply=apply)
        return FeedFollower(self._client, log, once, limit=1000)


def follow_registry(database: Database, client: httpx.AsyncClient, clock: Clock) -> FeedFollower:
    """Follows the registry: who was corrected may now match at the systems outside, so their parked deliveries go again."""

    async def apply(conn: Connection, events: Sequence[CloudEvent]) -> None:
        for fact in facts_of(events):
            if isinstance(fact.event, InfoChanged):
                await release_person(conn, fact.event.person_id, clock())

    once = InOneTransaction(database, CHECKPOINT, log=REGISTRY, source=REGISTRY, apply=apply)
    return FeedFollower(client, REGISTRY, once)
