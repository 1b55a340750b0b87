"""Places of an organization's own events in the logs: kept by the worker, read by the organization's feed."""

from collections.abc import Mapping, Sequence

from services.kit import events as codec
from services.kit.database import Connection
from services.kit.event_store import RecordedEvent, table_sql
from services.kit.events import Event
from services.ledger.streams.publishing import TOLD

_TABLE = """
create table organization_events (
    log text collate "C" not null,
    organization_id text collate "C" not null,
    position bigint not null,
    primary key (log, organization_id, position)
)"""
_ADD = """
insert into organization_events (log, organization_id, position)
select $1, * from unnest($2::text[], $3::bigint[]) on conflict do nothing
"""
# Each log is probed in its own index, from its own place, as far as a page goes.
_AFTER = """
select e.log, e.position, e.stream_id, e.version, e.topic, e.state, e.identity, e.recorded_at
  from unnest($1::text[], $2::bigint[]) as wanted (log, after)
 cross join lateral (
       select position from organization_events
        where log = wanted.log and organization_id = $3 and position > wanted.after
        order by position limit $4) own
  join events e on e.log = wanted.log and e.position = own.position
 order by e.recorded_at, e.log, e.position limit $4
"""
_OWNERS = ("provider_id", "organization_id")
"""The fields that say whose an event is."""


def organization_event_sql(*, partitions: int = 0) -> list[str]:
    """The statements that create the table, hash-partitioned by log when `partitions` > 0."""
    return table_sql("organization_events", _TABLE, partitions=partitions)


def owner_of(event: Event) -> str | None:
    """The organization that reported what an event is about; None where an authority did, or nobody."""
    for name in _OWNERS:
        owner = getattr(event, name, None)
        if owner is not None:
            return str(owner)
    return None


class OrganizationEvents:
    """Finds the events that are published and have an owner."""

    name = "organization_events"
    topics = frozenset(
        each.stored.TOPIC for each in TOLD if set(_OWNERS) & set(each.stored.__struct_fields__)
    )
    tables: Sequence[str] = ("organization_events",)

    async def apply(self, conn: Connection, log: str, events: Sequence[RecordedEvent]) -> None:
        """Keep where each event is, under its owner."""
        owners = [(owner_of(codec.decode(each.topic, each.state)), each.position) for each in events]
        owned = [(owner, position) for owner, position in owners if owner is not None]
        await conn.execute(_ADD, log, [owner for owner, _ in owned], [position for _, position in owned])


async def events_of(
    conn: Connection, organization_id: str, after: Mapping[str, int], limit: int
) -> list[RecordedEvent]:
    """The next events of an organization, at most `limit`, oldest first, after a position of each log."""
    rows = await conn.fetch(_AFTER, list(after), list(after.values()), organization_id, limit)
    return [RecordedEvent(*row) for row in rows]
