"""The registry's read models: written from events in the command's own transaction, so that an answer is
fresh.

A rebuild replays the log through the same code, and its rows come out identical.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from services.kit.aggregates import domain_event
from services.kit.database import Connection
from services.kit.event_store import RecordedEvent
from services.registry.person import COLLECTED, RETURNED, SUBMITTED

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


_SUBMIT = """
insert into collections
    (log, collection_id, person_id, version, state, place, employer, submitted_by, submitted_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""
_RESUBMIT = """
update collections
   set version = $3, state = $4, place = $5, employer = $6, submitted_by = $7, submitted_at = $8,
       decided_at = null, reason = null
 where log = $1 and person_id = $2
"""
_DECIDE = """
update collections set version = $3, state = $4, decided_at = $5, reason = $6
 where log = $1 and person_id = $2
"""
_COLLECT = """
insert into people
    (log, person_id, version, identity_hash, name_hash, place, employer, student, level, obtained_on,
     working_since, collected_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
"""
_MOVE = """
update people set version = $3, place = $4, employer = $5, student = $5::text is null where log = $1 and person_id = $2
"""


async def _on_submitted(conn: Connection, log: str, event: Any) -> None:
    await conn.execute(
        _SUBMIT,
        log,
        event.collection_id,
        str(event.originator_id),
        event.originator_version,
        SUBMITTED,
        event.place,
        event.employer,
        event.submitted_by,
        event.timestamp,
    )


async def _on_resubmitted(conn: Connection, log: str, event: Any) -> None:
    await conn.execute(
        _RESUBMIT,
        log,
        str(event.originator_id),
        event.originator_version,
        SUBMITTED,
        event.place,
        event.employer,
        event.submitted_by,
        event.timestamp,
    )


async def _decide(conn: Connection, log: str, event: Any, state: str, reason: str | None) -> None:
    person_id = str(event.originator_id)
    await conn.execute(_DECIDE, log, person_id, event.originator_version, state, event.timestamp, reason)


async def _on_returned(conn: Connection, log: str, event: Any) -> None:
    await _decide(conn, log, event, RETURNED, event.reason)


async def _on_approved(conn: Connection, log: str, event: Any) -> None:
    await _decide(conn, log, event, COLLECTED, None)


async def _on_collected(conn: Connection, log: str, event: Any) -> None:
    await conn.execute(
        _COLLECT,
        log,
        str(event.originator_id),
        event.originator_version,
        event.identity_hash,
        event.name_hash,
        event.place,
        event.employer,
        event.student,
        event.level,
        event.obtained_on,
        event.working_since,
        event.timestamp,
    )


async def _on_moved(conn: Connection, log: str, event: Any) -> None:
    person_id = str(event.originator_id)
    await conn.execute(_MOVE, log, person_id, event.originator_version, event.place, event.employer)


def read_models() -> list[ReadModel]:
    """Every read model of the registry: collection cases with their states, and the people collected, where they
    are now."""
    return [
        ReadModel(
            "collections",
            {
                "registry.CollectionSubmitted": _on_submitted,
                "registry.CollectionResubmitted": _on_resubmitted,
                "registry.CollectionReturned": _on_returned,
                "registry.InfoCollected": _on_approved,
            },
        ),
        ReadModel("people", {"registry.InfoCollected": _on_collected, "registry.ProfileMoved": _on_moved}),
    ]
