"""A read model: rows written from events in the command's own transaction, so that an answer is fresh."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from services.kit.aggregates import domain_event
from services.kit.database import Connection
from services.kit.event_store import RecordedEvent

Change = Callable[[Connection, str, Any], Awaitable[None]]


class ReadModel:
    """Tables that events change, one event at a time: the registry's writes are few."""

    def __init__(self, name: str, changes: Mapping[str, Change]) -> None:
        self.name = name
        self.tables: Sequence[str] = (name,)
        self.topics = frozenset(changes)
        self._changes = changes

    async def apply(self, conn: Connection, log: str, events: Sequence[RecordedEvent]) -> None:
        """Change the rows by stored events."""
        await self.apply_decided(conn, log, [domain_event(event) for event in events])

    async def apply_decided(self, conn: Connection, log: str, events: Sequence[Any]) -> None:
        """Change the rows by events just decided, before they are appended in the same transaction."""
        for event in events:
            change = self._changes.get(event.TOPIC)
            if change is not None:
                await change(conn, log, event)
