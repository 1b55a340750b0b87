"""Projections: read models kept up to date from a log, rows and checkpoint in one transaction.

What a projection cannot read stops it, for that log, and is shown; nothing is ever skipped.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import structlog

from services.kit.database import OUTCOME_UNKNOWN
from services.kit.event_store import EventStore, RecordedEvent
from services.kit.events import UnknownEventError, is_known
from services.kit.histories import Mark
from services.kit.notifications import notified

if TYPE_CHECKING:
    from services.kit.database import Connection, Database, Databases

_OPEN = """
insert into checkpoints (log, name, source, position) values ($1, $2, $3, 0) on conflict do nothing
"""
_GET = "select position from checkpoints where log = $1 and name = $2 and source = $3"
_MARK = "select position, history from checkpoints where log = $1 and name = $2 and source = $3"
_ADVANCE = """
update checkpoints set position = $4, history = case when $5 = '' then history else $5 end
 where log = $1 and name = $2 and source = $3 and position < $4
"""
_GO_BACK = """
update checkpoints set position = least(position, $4), history = $5 where log = $1 and name = $2 and source = $3
"""
_REWIND = "update checkpoints set position = 0 where log = $1 and name = $2 and source = $3"


class CheckpointError(Exception):
    """A checkpoint was asked to stand still or go back: somebody else has applied the same events."""


class Checkpoints:
    """The saved positions of one reader.

    A checkpoint lives in the `log` its effects are written to and counts positions of a `source`: the same
    log for a projection, the followed log of another service for a follower.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    async def get(self, conn: Connection, log: str, source: str) -> int:
        """The position reached, 0 before the first."""
        position: int | None = await conn.fetchval(_GET, log, self.name, source)
        return position or 0

    async def mark(self, conn: Connection, log: str, source: str) -> Mark:
        """The position reached, with its history."""
        row = await conn.fetchrow(_MARK, log, self.name, source)
        return Mark(0) if row is None else Mark(*row)

    async def lock_for(self, conn: Connection, log: str, source: str, history: str) -> int | None:
        """`lock`, for what was read of a history; None when we have gone over to another one meanwhile."""
        position = await self.lock(conn, log, source)
        kept = (await self.mark(conn, log, source)).history
        return position if not kept or not history or kept == history else None

    async def lock(self, conn: Connection, log: str, source: str) -> int:
        """The position reached, kept from others until the transaction ends; two workers take turns."""
        position = await conn.fetchval(f"{_GET} for update", log, self.name, source)
        if position is None:
            await conn.execute(_OPEN, log, self.name, source)
            position = await conn.fetchval(f"{_GET} for update", log, self.name, source)
        assert isinstance(position, int)
        return position

    async def advance(
        self, conn: Connection, log: str, source: str, position: int, history: str = ""
    ) -> None:
        """Move on to a position, of a history where the source is another's log. CheckpointError when that is not ahead."""
        for _ in range(2):
            if await conn.execute(_ADVANCE, log, self.name, source, position, history) == "UPDATE 1":
                return
            await conn.execute(_OPEN, log, self.name, source)
        raise CheckpointError(f"{self.name} in {log} has already reached {position} of {source}")

    async def go_back(self, conn: Connection, log: str, source: str, mark: Mark) -> None:
        """Go back to where another history of the source begins, and over to it; stay where that is ahead of us."""
        await conn.execute(_GO_BACK, log, self.name, source, *mark)

    async def rewind(self, conn: Connection, log: str, source: str) -> None:
        """Go back to the beginning, in the transaction that empties what was built."""
        await conn.execute(_REWIND, log, self.name, source)


_log = structlog.get_logger(__name__)

_SIDE_BY_SIDE_MAX = 4
_PAUSE_SECONDS_MAX = 30.0


class Projection(Protocol):
    """A read model and how events change it.

    `topics` are the events it wants, empty for all. `tables` are the tables it alone writes, each keyed by a
    first column `log`: they are emptied by a rewind and replaced by a rebuild. `apply` names them without a
    schema, writes rows of the one log only, and gives the same rows for the same events.
    """

    @property
    def name(self) -> str:
        """Its name for ever: the checkpoint is saved under it."""

    @property
    def topics(self) -> frozenset[str]:
        """The topics it wants, empty for all."""

    @property
    def tables(self) -> Sequence[str]:
        """The tables it alone writes."""

    async def apply(self, conn: Connection, log: str, events: Sequence[RecordedEvent]) -> None:
        """Change the rows of the log by these events, which come in position order."""


@dataclass(frozen=True)
class ProjectionStatus:
    """How far a projection has come in a log, the log's head when last seen, and what stops or delays it."""

    position: int
    head: int
    error: str | None = None
    stopped: bool = False

    @property
    def lag(self) -> int:
        """How many events are not in the read model yet."""
        return max(0, self.head - self.position)


class ProjectionRunner:
    """Keeps one projection up with its logs. Several runners may share the work: they take turns."""

    def __init__(
        self,
        databases: Databases,
        store: EventStore,
        projection: Projection,
        logs: Callable[[], Sequence[str]],
        *,
        batch_max: int = 500,
        poll_seconds: float = 0.5,
        gate: asyncio.Semaphore | None = None,
    ) -> None:
        """`gate` is shared by runners that may not take all connections of a process together."""
        self.projection = projection
        self._gate = gate or asyncio.Semaphore(_SIDE_BY_SIDE_MAX)
        self._sizes: dict[str, int] = {}
        self._databases = databases
        self._store = store
        self._logs = logs
        self._batch_max = batch_max
        self._poll_seconds = poll_seconds
        self._checkpoints = Checkpoints(projection.name)
        self._status: dict[str, ProjectionStatus] = {}
        self._resting: dict[str, tuple[int, float]] = {}

    async def run_once(self, log: str) -> int:
        """Apply the next batch of the log in one transaction; answers how many events it covered, 0 at the
        head.

        Raises UnknownEventError when the very next event has a topic that nobody registered.
        """
        async with self._databases.of(log).transaction() as conn:
            after = await self._checkpoints.lock(conn, log, log)
            events = await self._store.read(conn, log, after=after, limit=self._size_of(log))
            if not events:
                self._note(log, position=after)
                return 0
            covered = await apply_events(conn, self.projection, log, events)
            await self._checkpoints.advance(conn, log, log, covered[-1].position)
        self._note(log, position=covered[-1].position)
        return len(covered)

    async def catch_up(self, log: str) -> int:
        """Apply batches until the head is reached; answers the position. Errors are raised, not kept."""
        while await self.run_once(log):
            pass
        return await self.reached(log)

    async def reached(self, log: str) -> int:
        """The position up to which every event of the log is in the read model, as saved."""
        async with self._databases.of(log).acquire() as conn:
            return await self._checkpoints.get(conn, log, log)

    def status(self) -> dict[str, ProjectionStatus]:
        """How this runner stands with each log it has looked at; for readiness and metrics."""
        return dict(self._status)

    async def run(self) -> None:
        """Keep up with every log until cancelled. A log that cannot be read stops alone, error kept."""
        async with asyncio.TaskGroup() as engines:
            for database in self._databases.all():
                engines.create_task(self._keep_up(database))

    async def rewind(self, log: str) -> None:
        """Empty the log's rows and its checkpoint together, and forget what stopped it."""
        async with self._databases.of(log).transaction() as conn:
            await self._checkpoints.lock(conn, log, log)
            for table in self.projection.tables:
                await conn.execute(f"delete from {table} where log = $1", log)  # noqa: S608 - our own table names
            await self._checkpoints.rewind(conn, log, log)
        self._status.pop(log, None)

    async def _keep_up(self, database: Database) -> None:
        losses = 0
        with self._store.notifications.subscribe(self._logs()) as growth:
            while True:
                growth.clear()
                try:
                    moved = await self._run_round(database)
                    losses = 0
                except OUTCOME_UNKNOWN as error:
                    losses += 1
                    moved = False
                    _log.warning(
                        "projection.database_lost", projection=self.projection.name, error=repr(error)
                    )
                if not moved:
                    await notified(growth, _pause(self._poll_seconds, losses))

    async def _run_round(self, database: Database) -> bool:
        """One batch for every log of the engine that has moved on; whether any was applied."""
        logs = self._databases.grouped(self._logs()).get(database, [])
        async with database.acquire() as conn:
            heads = await self._store.heads(conn, logs)
        for log, head in heads.items():
            self._note(log, head=head)
        behind = [log for log in logs if self._status[log].lag and not self._is_resting(log)]
        results = await asyncio.gather(*(self._run_guarded(log) for log in behind), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result
        return any(results)

    async def _run_guarded(self, log: str) -> bool:
        """Run one batch; keep an error beside the log it belongs to. What failed is tried again by half."""
        async with self._gate:
            try:
                applied = await self.run_once(log)
            except UnknownEventError as error:
                self._note(log, error=str(error), stopped=True)
                _log.critical(
                    "projection.stopped", projection=self.projection.name, log=log, error=str(error)
                )
            except OUTCOME_UNKNOWN as error:
                # Among them: the server ended a transaction that was at work for too long without a word.
                self._halve(log)
                self._note(log, error=repr(error))
                raise
            except Exception as error:
                self._halve(log)
                self._rest(log, repr(error))
            else:
                self._resting.pop(log, None)
                self._sizes[log] = min(self._size_of(log) * 2, self._batch_max)
                return applied > 0
            return False

    def _size_of(self, log: str) -> int:
        return self._sizes.get(log, self._batch_max)

    def _halve(self, log: str) -> None:
        self._sizes[log] = max(1, self._size_of(log) // 2)

    def _rest(self, log: str, error: str) -> None:
        """Leave a log alone for a while: the error may be a lock; if it is a defect, it stays here to be
        seen.
        """
        failures = self._resting[log][0] + 1 if log in self._resting else 1
        until = asyncio.get_running_loop().time() + _pause(self._poll_seconds, failures)
        self._resting[log] = (failures, until)
        self._note(log, error=error)
        _log.error("projection.failed", projection=self.projection.name, log=log, error=error, exc_info=True)

    def _is_resting(self, log: str) -> bool:
        if self._status[log].stopped:
            return True
        resting = self._resting.get(log)
        return resting is not None and asyncio.get_running_loop().time() < resting[1]

    def _note(
        self,
        log: str,
        *,
        position: int | None = None,
        head: int | None = None,
        error: str | None = None,
        stopped: bool = False,
    ) -> None:
        known = self._status.get(log, ProjectionStatus(position=0, head=0))
        self._status[log] = ProjectionStatus(
            position=known.position if position is None else position,
            head=max(known.head, head or 0, position or 0),
            error=error if position is not None or error is not None else known.error,
            stopped=stopped or known.stopped,
        )


def _pause(seconds: float, failures: int) -> float:
    """How long to wait after so many failures in a row, in seconds."""
    return min(seconds * 2.0 ** min(failures, 10), max(seconds, _PAUSE_SECONDS_MAX))


async def apply_events(
    conn: Connection, projection: Projection, log: str, events: Sequence[RecordedEvent]
) -> Sequence[RecordedEvent]:
    """Let a projection apply what it wants of the events; answers those covered: all up to the first unknown
    one.

    UnknownEventError when that is the very first.
    """
    known = next((at for at, event in enumerate(events) if not is_known(event.topic)), len(events))
    if not known:
        raise UnknownEventError(events[0].topic)
    covered = events[:known]
    wanted = (
        [event for event in covered if event.topic in projection.topics] if projection.topics else covered
    )
    if wanted:
        await projection.apply(conn, log, wanted)
    return covered
