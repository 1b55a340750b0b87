"""Group commit: requests that arrive while a log is being written share its next transaction.

A log takes one transaction at a time (its counter row is locked until COMMIT), so waiting alone for a turn
costs every request a flush to disk. Here one writer per log takes everything that waits; a request that
fails, fails alone. When much waits, a second writer decides its group while PostgreSQL stores the first.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

import asyncpg

from services.kit.clock import clock_at, moved_to
from services.kit.database import OUTCOME_UNKNOWN
from services.kit.errors import Problem
from services.kit.failures import LOST_RACE

W = TypeVar("W")
R = TypeVar("R")

# The log or its server is in trouble, not a work: asking again for each work would only queue up behind the
# trouble.
_EVERYBODYS: tuple[type[BaseException], ...] = (
    *OUTCOME_UNKNOWN,
    asyncpg.LockNotAvailableError,
    asyncpg.QueryCanceledError,
    asyncpg.InsufficientResourcesError,
    asyncpg.ReadOnlySQLTransactionError,
)

_PAUSE_SECONDS = 0.01


class Overloaded(Problem):
    """More work waits for this log than is taken on: nothing was stored; come back after `Retry-After`."""

    code = "overloaded"
    status = 503
    title_zh = "排队请求过多，请稍后重试"
    title_en = "Too much work is waiting: retry shortly"
    retry_after = 1


@dataclass(eq=False, slots=True)
class _Entry(Generic[W, R]):
    work: W
    size: int
    keys: frozenset[str]
    answer: asyncio.Future[R]
    moment: datetime | None = None
    """To which its clock was moved; works of one transaction are decided at one moment."""

    def fail(self, error: BaseException) -> None:
        if not self.answer.done():
            self.answer.set_exception(error)

    def settle(self, result: R | Exception) -> None:
        if isinstance(result, Exception):
            self.fail(result)
        elif not self.answer.done():
            self.answer.set_result(result)


@dataclass(eq=False, slots=True)
class _Queue(Generic[W, R]):
    waiting: deque[_Entry[W, R]] = field(default_factory=deque)
    pending: int = 0
    writing: int = 0
    writers: set[asyncio.Task[None]] = field(default_factory=set)
    held: set[str] = field(default_factory=set)


class GroupCommit(Generic[W, R]):
    """One queue and one writer per log; whoever waits for a log shares its next transaction."""

    def __init__(
        self,
        commit: Callable[[str, list[W]], Awaitable[Sequence[R | Exception]]],
        *,
        size_of: Callable[[W], int],
        keys_of: Callable[[W], frozenset[str]] = lambda _: frozenset(),
        writers_max: int = 1,
        second_writer_at: int = 1,
        size_max: int = 2000,
        pending_max: int = 20_000,
        attempts_max: int = 5,
        commit_seconds_max: float = 30.0,
    ) -> None:
        """`commit(log, works)` loads, decides and writes works in one transaction and answers in their order.

        It may answer an exception for one work. When it raises, everything of it must have been rolled back:
        it is called again, on LOST_RACE with the same works (up to `attempts_max` times), on other
        errors with each work alone. Sizes count whatever `size_of` counts, for instance records: a
        transaction takes up to `size_max` of them, and up to `pending_max` may wait for one log.

        With `writers_max` above 1, works whose `keys_of` have nothing in common may be written side by side;
        another writer starts when works of `second_writer_at` in size wait. Works are taken in the order they
        came.
        """
        self._commit = commit
        self._size_of = size_of
        self._keys_of = keys_of
        self._writers_max = writers_max
        self._second_writer_at = second_writer_at
        self._size_max = size_max
        self._pending_max = pending_max
        self._attempts_max = attempts_max
        self._commit_seconds_max = commit_seconds_max
        self._queues: dict[str, _Queue[W, R]] = {}
        self._closed = False

    async def submit(self, log: str, work: W) -> R:
        """The work's own answer, once its transaction is committed; or the error of the work.

        A submitter that is cancelled stops waiting, its work goes on. Raises Overloaded when too much waits
        for the log, or after `close`; one of OUTCOME_UNKNOWN when nobody knows whether the work was stored.
        """
        size = self._size_of(work)
        queue = self._queues.setdefault(log, _Queue())
        if self._closed or (queue.pending and queue.pending + size > self._pending_max):
            raise Overloaded
        answer: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        answer.add_done_callback(_look_at)
        entry = _Entry(work, size, self._keys_of(work), answer, moved_to())
        queue.waiting.append(entry)
        queue.pending += size
        self._call_writer(log, queue)
        return await asyncio.shield(answer)

    def pending(self) -> dict[str, int]:
        """How much waits or is being written, by log; logs at rest are left out."""
        return {log: queue.pending for log, queue in self._queues.items() if queue.pending}

    async def close(self, seconds: float = 1.0) -> None:
        """Take no more work, and return when everything taken on has been answered; what is not answered after so many
        seconds is given up, and nobody knows whether it was stored.
        """
        self._closed = True
        deadline = asyncio.get_running_loop().time() + seconds
        while writers := [writer for queue in self._queues.values() for writer in queue.writers]:
            left = deadline - asyncio.get_running_loop().time()
            _, late = await asyncio.wait(writers, timeout=max(left, 0.0))
            if late:
                for writer in late:
                    writer.cancel()
                await asyncio.wait(late, timeout=seconds)
                break
        for queue in self._queues.values():
            while queue.waiting:
                queue.waiting.popleft().answer.cancel()

    def _call_writer(self, log: str, queue: _Queue[W, R]) -> None:
        """Start the log's writer when it has none, and another when much waits that has nothing in common with
        what is being written.
        """
        running = len(queue.writers)
        if running and (
            running >= self._writers_max or queue.pending - queue.writing < self._second_writer_at
        ):
            return
        if queue.waiting and queue.waiting[0].keys.isdisjoint(queue.held):
            # A context of its own: the writer serves many requests and must not log under the name of the
            # first.
            writer = asyncio.create_task(self._write(log, queue), context=Context())
            queue.writers.add(writer)

    async def _write(self, log: str, queue: _Queue[W, R]) -> None:
        try:
            while group := self._take(queue):
                await self._write_group(log, queue, group)
        finally:
            writer = asyncio.current_task()
            assert writer is not None
            queue.writers.discard(writer)

    async def _write_group(self, log: str, queue: _Queue[W, R], group: list[_Entry[W, R]]) -> None:
        size = sum(entry.size for entry in group)
        keys = frozenset().union(*(entry.keys for entry in group))
        queue.writing += size
        queue.held |= keys
        self._call_writer(log, queue)
        try:
            with clock_at(group[0].moment):
                await self._settle(log, group)
        finally:
            queue.writing -= size
            queue.pending -= size
            queue.held -= keys

    def _take(self, queue: _Queue[W, R]) -> list[_Entry[W, R]]:
        """The next works to be written together, first come first served; none that another writer's works
        touch.
        """
        group: list[_Entry[W, R]] = []
        size = 0
        while queue.waiting:
            entry = queue.waiting[0]
            if group and size + entry.size > self._size_max:
                break
            if not entry.keys.isdisjoint(queue.held) or (group and entry.moment != group[0].moment):
                break
            size += entry.size
            group.append(queue.waiting.popleft())
        return group

    async def _settle(self, log: str, group: list[_Entry[W, R]]) -> None:
        """Answer every entry of the group: together, or else one by one."""
        error = await self._try(log, group)
        if error is None:
            return
        if len(group) == 1 or isinstance(error, _EVERYBODYS):
            for entry in group:
                entry.fail(error)
            return
        trouble: BaseException | None = None
        for entry in group:
            alone = trouble or await self._try(log, [entry])
            if alone is not None:
                entry.fail(alone)
            if isinstance(alone, _EVERYBODYS):
                trouble = alone

    async def _try(self, log: str, group: list[_Entry[W, R]]) -> BaseException | None:
        """Commit the group and answer its entries; or give the error, with no entry answered."""
        error: BaseException | None = None
        for attempt in range(self._attempts_max):
            if attempt:
                await asyncio.sleep(random.uniform(0, _PAUSE_SECONDS * 2**attempt))  # noqa: S311 - jitter
            try:
                async with asyncio.timeout(self._commit_seconds_max):
                    results = await self._commit(log, [entry.work for entry in group])
            except LOST_RACE as conflict:
                error = conflict
            except Exception as failure:
                return failure
            except BaseException:
                for entry in group:
                    entry.answer.cancel()
                raise
            else:
                _answer(group, results)
                return None
        return error


def _answer(group: Sequence[_Entry[W, R]], results: Sequence[R | Exception]) -> None:
    """Give every entry its result. All is committed by now, so a wrong count must not lead to a retry."""
    if len(results) != len(group):
        for entry in group:
            entry.fail(RuntimeError(f"commit answered {len(results)} of {len(group)} works"))
        return
    for entry, result in zip(group, results, strict=True):
        entry.settle(result)


def _look_at(answer: asyncio.Future[Any]) -> None:
    """Look at an error nobody waits for any more, lest the event loop reports it as lost."""
    if not answer.cancelled():
        answer.exception()
