"""The carrying out of a command once: load, decide, then rows, answer and events in one transaction.

Raises, for every command, the idempotency problems, BusyError when others kept being first, and NotFoundError
for an id that is not there.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from services.kit.aggregates import Aggregate, Aggregates
from services.kit.clock import Clock
from services.kit.database import Connection, Database
from services.kit.errors import BusyError, NotFoundError
from services.kit.event_store import EventStore
from services.kit.failures import LOST_RACE, NOTHING_STORED
from services.kit.idempotency import CommandKey, StoredAnswer, claim, remember
from services.registry.store.people import read_models
from services.registry.store.tables import LOG

ATTEMPTS_MAX = 5

A = TypeVar("A", bound=Aggregate)


@dataclass(frozen=True)
class Decided:
    """What a command came to: the aggregates that changed, in order, and the answer, which is kept without
    personal data.
    """

    aggregate: Aggregate | None
    status: int
    body: dict[str, Any]
    also: tuple[Aggregate, ...] = ()


Decide = Callable[[Connection, datetime], Awaitable[Decided]]


class Commands:
    """Base of whatever carries out commands on the registry's log."""

    def __init__(self, database: Database, store: EventStore, *, clock: Clock) -> None:
        self._database = database
        self._store = store
        self._aggregates = Aggregates(store, LOG)
        self._clock = clock
        self._read_models = read_models()

    async def _once(self, key: CommandKey, decide: Decide) -> StoredAnswer:
        return await self._tried(key, decide)

    async def _repeatable(self, decide: Decide) -> StoredAnswer:
        """Of a command that changes nothing when it comes again: it needs no key, and its answer is not kept."""
        return await self._tried(None, decide)

    async def _tried(self, key: CommandKey | None, decide: Decide) -> StoredAnswer:
        lost: Exception = BusyError()
        for _ in range(ATTEMPTS_MAX):
            try:
                return await self._attempt(key, decide)
            except LOST_RACE as error:
                lost = error
        raise BusyError if isinstance(lost, NOTHING_STORED) else lost

    async def _attempt(self, key: CommandKey | None, decide: Decide) -> StoredAnswer:
        async with self._database.transaction() as conn:
            stored = None if key is None else await claim(conn, LOG, key)
            if stored is not None:
                return stored
            decided = await decide(conn, self._clock())
            changed = [each for each in (decided.aggregate, *decided.also) if each is not None]
            for aggregate in changed:
                events = tuple(aggregate.pending_events)
                for model in self._read_models:
                    await model.apply_decided(conn, LOG, events)
            answer = StoredAnswer.of(decided.status, decided.body)
            if key is not None:
                await remember(conn, LOG, key, answer)
            await self._aggregates.save(conn, *changed)
        self._store.notifications.notify(self._database, LOG)
        return answer

    async def _get(self, conn: Connection, cls: type[A], aggregate_id: UUID) -> A:
        found = await self._find(conn, cls, aggregate_id)
        if found is None:
            raise NotFoundError
        return found

    async def _find(self, conn: Connection, cls: type[A], aggregate_id: UUID) -> A | None:
        found = (await self._aggregates.get_all(conn, Aggregate, [aggregate_id])).get(aggregate_id)
        return found if isinstance(found, cls) else None
