"""Departures as rows, by the transfer's id: who leaves, where to, and where that stands."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from msgspec import Struct

from services.kit import events as codec
from services.kit.database import Connection
from services.kit.event_store import EventStore, RecordedEvent, table_sql
from services.ledger.streams import account as accounts
from services.ledger.streams.account_events import AccountArrived, AccountLeft, HeldCompletionWithdrawn
from services.ledger.streams.profile_events import (
    DepartureCompleted,
    DepartureConfirmed,
    DepartureGuarded,
    DepartureLifted,
    ProfileLeft,
)

Status = Literal["guarded", "confirmed", "lapsed", "lifted", "left", "completed"]
"""`guarded` is provisional; `lapsed` was lifted because the transfer's feed never told of it."""
DepartureEvent = DepartureGuarded | DepartureConfirmed | DepartureLifted | ProfileLeft | DepartureCompleted

_DEPARTURES = """
create table departures (
    log text collate "C" not null,
    transfer_id text collate "C" not null,
    person_id text collate "C" not null,
    to_place text collate "C" not null,
    status text collate "C" not null,
    since timestamptz not null,
    primary key (log, transfer_id)
)"""
_FIND = """
select log, transfer_id, person_id, to_place, status, since from departures
 where log = any($1::text[]) and transfer_id = any($2::text[])
"""
_PROVISIONAL = """
select log, transfer_id, person_id, to_place, status, since from departures
 where log = any($1::text[]) and status = 'guarded' and since <= $2 order by log, since limit $3
"""
_WRITE = """
insert into departures (log, transfer_id, person_id, to_place, status, since) values ($1, $2, $3, $4, $5, $6)
on conflict (log, transfer_id) do update
   set to_place = case when excluded.to_place = '' then departures.to_place else excluded.to_place end,
       status = excluded.status, since = excluded.since
"""


def moving_tables_sql(*, partitions: int = 0) -> list[str]:
    """The statements that create `departures`, with the index of those that stand at one point."""
    return [
        *table_sql("departures", _DEPARTURES, partitions=partitions),
        "create index departures_by_status on departures (log, status, since)",
    ]


class Departure(Struct, frozen=True):
    """One departure from one log; `since` is when it came into its present state."""

    log: str
    transfer_id: str
    person_id: str
    to_place: str
    status: Status
    since: datetime

    @property
    def has_left(self) -> bool:
        """Whether the person is gone under this transfer."""
        return self.status in ("left", "completed")


class DepartureRows:
    """The read model: one row for every transfer that ever guarded or left."""

    name = "departures"
    topics = frozenset(
        {
            DepartureGuarded.TOPIC,
            DepartureConfirmed.TOPIC,
            DepartureLifted.TOPIC,
            ProfileLeft.TOPIC,
            DepartureCompleted.TOPIC,
        }
    )
    tables: Sequence[str] = ("departures",)

    async def apply(self, conn: Connection, log: str, events: Sequence[RecordedEvent]) -> None:
        """Write the rows of these events, in order."""
        for recorded in events:
            event = codec.decode(recorded.topic, recorded.state)
            assert isinstance(event, DepartureEvent), "the topics ask for no other"
            await write_departure(conn, log, event)


async def write_departure(conn: Connection, log: str, event: DepartureEvent) -> None:
    """Write what one event says of its departure."""
    status, since = _standing(event)
    to_place = event.to_place if isinstance(event, DepartureGuarded | ProfileLeft) else ""
    await conn.execute(_WRITE, log, event.transfer_id, event.person_id, to_place, status, since)


async def find_departures(
    conn: Connection, logs: Sequence[str], transfer_ids: Sequence[str]
) -> list[Departure]:
    """The departures of transfers in some logs of one engine."""
    return [Departure(*row) for row in await conn.fetch(_FIND, logs, sorted(set(transfer_ids)))]


async def find_provisional(
    conn: Connection, logs: Sequence[str], until: datetime, limit: int
) -> list[Departure]:
    """Departures guarded at or before a moment of which their transfer's feed has never told."""
    return [Departure(*row) for row in await conn.fetch(_PROVISIONAL, logs, until, limit)]


def _standing(event: DepartureEvent) -> tuple[Status, datetime]:
    match event:
        case DepartureGuarded():
            return "guarded", event.guarded_at
        case DepartureConfirmed():
            return "confirmed", event.confirmed_at
        case DepartureLifted():
            return ("lapsed" if event.reason == "lapsed" else "lifted"), event.lifted_at
        case ProfileLeft():
            return "left", event.left_at
        case DepartureCompleted():
            return "completed", event.completed_at


async def travelled_waiting(
    conn: Connection, store: EventStore, log: str, person_id: str, year: int
) -> set[tuple[str, str]]:
    """The completions, by provider and id, that waited in the account when the person left and were not taken back since."""
    stream_id = accounts.stream_of(person_id, year)
    account, travelled = accounts.empty(person_id, year), set[tuple[str, str]]()
    for recorded in (await store.load(conn, log, [stream_id])).get(stream_id, []):
        event = codec.decode(recorded.topic, recorded.state)
        match event:
            case AccountLeft():
                travelled |= {(item.provider, item.completion_id) for item in account.waiting}
            case AccountArrived():
                travelled.clear()
            case HeldCompletionWithdrawn():
                travelled.discard((event.provider_id, event.completion_id))
            case _:
                pass
        accounts.evolve(account, event)
    return travelled
