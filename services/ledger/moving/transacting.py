"""One step of a move in one transaction of one log. Its identity is the transfer's id, so it needs no key of its own."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from services.kit.clock import Clock
from services.kit.database import Connection, Databases
from services.kit.event_store import EventStore, WrongExpectedVersion
from services.ledger.store.unit import GroupState

T = TypeVar("T")
ATTEMPTS_MAX = 5

StillRight = Callable[[], Awaitable[bool]]
"""Looks once more, while the log is held, whether what was decided on is still so."""
Act = Callable[[Connection, GroupState], Awaitable[tuple[T, StillRight | None]]]
"""Reads, decides, adds events to the state and writes rows of its own; the answer, and what must still be right."""


async def transact(databases: Databases, store: EventStore, clock: Clock, log: str, act: Act[T]) -> T:
    """Carry out one step; decided again when somebody else was faster.

    Raises WrongExpectedVersion when others are faster every time, and what the step refuses.
    """
    for attempt in range(ATTEMPTS_MAX):
        try:
            async with databases.of(log).transaction() as conn:
                state = GroupState(log, clock())
                answer, still_right = await act(conn, state)
                await state.write(conn)
                if still_right is not None:
                    await store.lock(conn, log)
                    if not await still_right():
                        raise WrongExpectedVersion(log)
                if state.new_events:
                    await store.append(conn, log, state.new_events)
                else:
                    await store.touch(conn)
        except WrongExpectedVersion:
            if attempt + 1 == ATTEMPTS_MAX:
                raise
        else:
            store.notifications.notify(databases.of(log), log)
            return answer
    raise AssertionError("the last attempt returns or raises")
