"""Commands on the registry's log: carried out once under their key, by the one write path of the services.

Raises, for every command, the idempotency problems, BusyError when others kept being first, and NotFoundError
for an id that is not there.
"""

from collections.abc import Awaitable, Callable, Coroutine
from datetime import datetime
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from services.kit.aggregates import AggregateUnit
from services.kit.clock import Clock
from services.kit.command import WritePath
from services.kit.database import Connection, Database, Databases
from services.kit.event_store import EventStore
from services.kit.idempotency import CommandKey, StoredAnswer
from services.registry.store.projection import project
from services.registry.store.tables import LOG

Unit = AggregateUnit

C = TypeVar("C", bound="Commands")
P = ParamSpec("P")


class Commands:
    """Base of whatever carries out commands on the registry's log."""

    def __init__(self, database: Database, store: EventStore, *, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self.path = WritePath(Databases(database), store, clock, begin)


def command(
    status: int = 200,
) -> Callable[
    [Callable[Concatenate[C, Unit, P], Awaitable[object]]],
    Callable[Concatenate[C, CommandKey, P], Coroutine[object, object, StoredAnswer]],
]:
    """Make a decision a command: it takes a key in place of the unit of work it decides in.

    The body it decides on, without personal data, is kept with the status and answered again to a repeat.
    """

    def made(
        decide: Callable[Concatenate[C, Unit, P], Awaitable[object]],
    ) -> Callable[Concatenate[C, CommandKey, P], Coroutine[Any, object, StoredAnswer]]:
        @wraps(decide)
        async def carry_out(self: C, key: CommandKey, /, *args: P.args, **kwargs: P.kwargs) -> StoredAnswer:
            async def attempt(unit: Unit) -> tuple[int, object]:
                return status, await decide(self, unit, *args, **kwargs)

            return await self.path.execute(LOG, key, attempt)

        return carry_out

    return made


async def begin(conn: Connection, store: EventStore, log: str, now: datetime) -> Unit:
    """The unit of work of one attempt; its rows are those of the read models."""
    return Unit(conn, store, log, now, project)
