"""What somebody who arrived from another authority still has to do: complete their information by the new place's rules.

A to-do and no block (S2C-19): it is there from the arrival until an approved change, and stops nothing meanwhile.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from contracts.divisions import chain_of
from services.kit.database import Connection, Database
from services.registry.actors import Actor
from services.registry.read_model import ReadModel
from services.registry.tables import LOG

_TABLE = (
    """
create table to_complete (
    log text collate "C" not null,
    person_id text collate "C" not null,
    transfer_id text collate "C" not null,
    place text collate "C" not null,
    chain text[] not null,
    arrived_at timestamptz not null,
    primary key (log, person_id)
)""",
    "create index to_complete_of_place on to_complete using gin (chain)",
)
_ENTER = """
insert into to_complete (log, person_id, transfer_id, place, chain, arrived_at) values ($1, $2, $3, $4, $5, $6)
on conflict (log, person_id) do update
   set transfer_id = excluded.transfer_id, place = excluded.place, chain = excluded.chain,
       arrived_at = excluded.arrived_at
"""
_FOLLOW = "update to_complete set place = $3, chain = $4 where log = $1 and person_id = $2"
_LEAVE = "delete from to_complete where log = $1 and person_id = $2"
_OF_PLACE = """
select person_id, transfer_id, place, arrived_at from to_complete
 where log = $1 and chain @> array[$2::text]
   and ($3::text is null or (arrived_at, person_id) >
        (select arrived_at, person_id from to_complete where log = $1 and person_id = $3))
 order by arrived_at, person_id limit $4
"""
_OWN = "select person_id, transfer_id, place, arrived_at from to_complete where log = $1 and person_id = $2"


class ToComplete(NamedTuple):
    """Whose information is to be completed, at which place, since when."""

    person_id: str
    transfer_id: str
    place: str
    arrived_at: datetime


class Completing:
    """Reads the to-dos."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of_place(
        self, by: Actor, place: str, *, after: UUID | None, limit: int
    ) -> Sequence[ToComplete]:
        """The to-dos of a place and all under it, in order of arrival, those after a person's. Raises OutsidePlaceError."""
        by.must_cover(place)
        cursor = None if after is None else str(after)
        async with self._database.acquire() as conn:
            return [ToComplete(*row) for row in await conn.fetch(_OF_PLACE, LOG, place, cursor, limit)]

    async def own(self, by: Actor) -> Sequence[ToComplete]:
        """The caller's own; a person's token carries their id."""
        async with self._database.acquire() as conn:
            return [ToComplete(*row) for row in await conn.fetch(_OWN, LOG, by.subject)]


async def _moved(conn: Connection, log: str, event: Any) -> None:
    person_id, chain = str(event.originator_id), list(chain_of(event.place))
    if event.arrived:
        await conn.execute(_ENTER, log, person_id, event.transfer_id, event.place, chain, event.timestamp)
    else:
        await conn.execute(_FOLLOW, log, person_id, event.place, chain)


async def _completed(conn: Connection, log: str, event: Any) -> None:
    await conn.execute(_LEAVE, log, str(event.originator_id))


def completing_read_model() -> ReadModel:
    """The rows of what is to be completed."""
    return ReadModel(
        "to_complete",
        {
            "registry.ProfileMoved": _moved,
            "registry.InfoChanged": _completed,
            "registry.ProfileDeparted": _completed,
            "registry.PersonErased": _completed,
        },
    )


def completing_tables_sql() -> list[str]:
    """The statements that add the table of to-dos."""
    return list(_TABLE)
