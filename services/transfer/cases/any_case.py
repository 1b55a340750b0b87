"""The aggregate behind an id, whichever of the three kinds it is."""

from __future__ import annotations

from uuid import UUID

from services.kit.aggregates import Aggregate, AggregateNotFoundError, Aggregates
from services.kit.database import Connection
from services.kit.errors import NotFoundError
from services.transfer.cases.arrival import Arrival
from services.transfer.cases.departure import Departure
from services.transfer.cases.transfer import Transfer

AnyCase = Transfer | Departure | Arrival


async def load_case(conn: Connection, aggregates: Aggregates, transfer_id: UUID) -> AnyCase:
    """The case as its events left it. Raises NotFoundError."""
    try:
        found = await aggregates.get(conn, Aggregate, transfer_id)
    except AggregateNotFoundError:
        raise NotFoundError from None
    if not isinstance(found, AnyCase):
        raise NotFoundError
    return found


async def find_arrival(conn: Connection, aggregates: Aggregates, arrival_id: UUID) -> Arrival | None:
    """The arrival of this id, None when nothing was received under it."""
    found = (await aggregates.get_all(conn, Aggregate, [arrival_id])).get(arrival_id)
    return found if isinstance(found, Arrival) else None
