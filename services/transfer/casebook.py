"""How a case is carried on by the service itself: load, decide, then rows and events in one transaction, no key of a caller.

What is heard twice, late or out of order decides nothing new: the aggregate knows how far it is.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from services.kit.aggregates import Aggregates
from services.kit.clock import Clock
from services.kit.database import Connection, Database
from services.kit.errors import BusyError
from services.kit.event_store import EventStore
from services.kit.failures import LOST_RACE, NOTHING_STORED
from services.transfer.cases.any_case import AnyCase, find_arrival, load_case
from services.transfer.cases.arrival import Arrival
from services.transfer.projections import project
from services.transfer.tables import LOG

ATTEMPTS_MAX = 5

T = TypeVar("T")


async def until_stored(attempt: Callable[[], Awaitable[T]]) -> T:
    """The result of a transaction that is tried again as often as somebody else was first, up to five times.

    Raises BusyError when others kept being first, and whatever the attempt refuses.
    """
    lost: Exception = BusyError()
    for _ in range(ATTEMPTS_MAX):
        try:
            return await attempt()
        except LOST_RACE as error:
            lost = error
    raise BusyError if isinstance(lost, NOTHING_STORED) else lost


class CaseBook:
    """The cases of this service's log, for the worker."""

    def __init__(self, database: Database, store: EventStore, *, clock: Clock) -> None:
        self._database = database
        self._store = store
        self._aggregates = Aggregates(store, LOG)
        self._clock = clock

    async def load(self, transfer_id: UUID) -> AnyCase:
        """The case as it stands. Raises NotFoundError."""
        async with self._database.acquire() as conn:
            return await load_case(conn, self._aggregates, transfer_id)

    async def find_arrival(self, arrival_id: UUID) -> Arrival | None:
        """The arrival of this id, None when nothing was received under it."""
        async with self._database.acquire() as conn:
            return await find_arrival(conn, self._aggregates, arrival_id)

    async def change(self, transfer_id: UUID, decide: Callable[[AnyCase, datetime], None]) -> AnyCase:
        """Let a case decide, and store what comes of it, if anything. Raises NotFoundError and BusyError."""

        async def attempt() -> AnyCase:
            async with self._database.transaction() as conn:
                case = await load_case(conn, self._aggregates, transfer_id)
                decide(case, self._clock())
                await self._save(conn, case)
            return case

        case = await until_stored(attempt)
        self._store.notifications.notify(self._database, LOG)
        return case

    async def receive(self, arrival_id: UUID, make: Callable[[datetime], Arrival]) -> Arrival:
        """Store an arrival, unless it was received before. Raises BusyError."""

        async def attempt() -> Arrival:
            async with self._database.transaction() as conn:
                known = await find_arrival(conn, self._aggregates, arrival_id)
                if known is not None:
                    return known
                arrival = make(self._clock())
                await self._save(conn, arrival)
            return arrival

        arrival = await until_stored(attempt)
        self._store.notifications.notify(self._database, LOG)
        return arrival

    async def _save(self, conn: Connection, case: AnyCase) -> None:
        events = tuple(case.pending_events)
        if events:
            await project(conn, LOG, events)
            await self._aggregates.save(conn, case)
