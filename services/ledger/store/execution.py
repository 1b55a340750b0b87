"""Execution of one command in one transaction of one log: its key, its decision, its rows, its events."""

from collections.abc import Awaitable, Callable
from typing import Any

from services.kit.clock import Clock
from services.kit.database import Connection, Databases
from services.kit.event_store import EventStore, WrongExpectedVersion
from services.kit.idempotency import CommandKey, StoredAnswer, claim, remember
from services.ledger.store.unit import GroupState
from services.ledger.store.years import ClosedYears

ATTEMPTS_MAX = 5

Act = Callable[[Connection, GroupState], Awaitable[tuple[int, Any]]]
"""Reads what it needs, decides, adds events to the state; answers with a status and a body without personal data."""


class Execution:
    """Carries out commands that take an Idempotency-Key."""

    def __init__(self, databases: Databases, store: EventStore, clock: Clock) -> None:
        self._databases = databases
        self._store = store
        self._clock = clock
        self._closed = ClosedYears(store)

    async def execute(self, log: str, key: CommandKey, act: Act) -> StoredAnswer:
        """One command in one transaction: its key, its decision, its rows, its events."""
        for attempt in range(ATTEMPTS_MAX):
            try:
                async with self._databases.of(log).transaction() as conn:
                    stored = await claim(conn, log, key)
                    if stored is not None:
                        return stored
                    state = GroupState(log, self._clock(), await self._closed.of(conn, log))
                    status, body = await act(conn, state)
                    answer = StoredAnswer.of(status, body)
                    await remember(conn, log, key, answer)
                    await state.write(conn)
                    if state.new_events:
                        await state.store(conn, self._store)
                    else:
                        await self._store.touch(conn)
                self._store.notifications.notify(self._databases.of(log), log)
                return answer
            except WrongExpectedVersion:
                if attempt + 1 == ATTEMPTS_MAX:
                    raise
        raise AssertionError("the last attempt returns or raises")
