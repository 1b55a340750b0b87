"""Information to complete: what somebody who arrived from another authority still has to do by the new place's rules.

A to-do and no block (S2C-19): it is there from the arrival until an approved change, and stops nothing meanwhile.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from services.kit.database import Database
from services.registry.store.tables import LOG
from services.registry.streams.actor import Actor

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
