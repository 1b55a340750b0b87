"""Questions to the transfer service: where a transfer stands, and what waits on a place's desk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from services.kit.aggregates import Aggregates
from services.kit.database import Connection, Database
from services.kit.errors import NotFoundError
from services.kit.event_store import EventStore
from services.transfer.actors import Actor
from services.transfer.cases.any_case import AnyCase, load_case
from services.transfer.cases.limits import LIMITS, began_before
from services.transfer.tables import LOG

_REMARKS = "select part, content from remarks where log = $1 and transfer_id = $2"
_REQUESTED_AT = "select requested_at from transfers where log = $1 and transfer_id = $2"
_WORKLIST = """
select t.transfer_id, t.kind, t.person_id, t.from_place, t.to_place, t.state, t.reason, t.requested_at, t.since
  from worklist w join transfers t on t.log = w.log and t.transfer_id = w.transfer_id
 where w.log = $1 and w.place = $2 and w.state = any($3::text[])
   and ($4::timestamptz is null or (w.requested_at, w.transfer_id) > ($4, $5))
   and ($7::text[] is null or exists (
       select from unnest($7, $8::text[], $9::timestamptz[]) as due (kind, state, before)
        where due.kind = t.kind and due.state = t.state and t.since < due.before))
 order by w.requested_at, w.transfer_id
 limit $6
"""
_OF_PERSON = """
select transfer_id from transfers where log = $1 and person_id = $2 order by requested_at desc, transfer_id limit $3
"""
OF_PERSON_MAX = 100


class Found(NamedTuple):
    """A transfer with what people typed about it."""

    transfer: AnyCase
    remarks: Mapping[str, str]


class Listed(NamedTuple):
    """A line of a worklist."""

    transfer_id: str
    kind: str
    person_id: str
    from_place: str
    to_place: str
    state: str
    reason: str | None
    requested_at: datetime
    since: datetime


class TransferQueries:
    """Reads; writes nothing. Both answers include every command that was answered before."""

    def __init__(self, database: Database, store: EventStore) -> None:
        self._database = database
        self._aggregates = Aggregates(store, LOG)

    async def get_transfer(self, transfer_id: UUID, actor: Actor) -> Found:
        """One transfer. Raises NotFoundError, also when the actor may not know of it."""
        async with self._database.acquire() as conn:
            found = await self._found(conn, transfer_id)
        if not found.transfer.may_see(actor):
            raise NotFoundError
        return found

    async def transfers_of(self, person_id: str, actor: Actor) -> list[Found]:
        """A person's transfers, newest first, as far as the actor may see them; at most a hundred."""
        async with self._database.acquire() as conn:
            ids = [UUID(row[0]) for row in await conn.fetch(_OF_PERSON, LOG, person_id, OF_PERSON_MAX)]
            found = [await self._found(conn, each) for each in ids]
        return [each for each in found if each.transfer.may_see(actor)]

    async def _found(self, conn: Connection, transfer_id: UUID) -> Found:
        case = await load_case(conn, self._aggregates, transfer_id)
        rows = await conn.fetch(_REMARKS, LOG, str(transfer_id))
        return Found(case, {row["part"]: row["content"] for row in rows})

    async def list_transfers(
        self,
        actor: Actor,
        place: str,
        states: Sequence[str],
        *,
        after: UUID | None,
        limit: int,
        due_by: date | None = None,
    ) -> list[Listed]:
        """At most `limit` transfers of a place's list, in order of submission, those after `after` (S2C-08); with `due_by`
        only those whose last day is that one or earlier.

        An open transfer stands in the list of the desk whose turn it is, and of the places above; one that is over in
        those of both places. Raises OutsidePlaceError, and NotFoundError for an unknown `after`.
        """
        actor.must_cover(place)
        async with self._database.acquire() as conn:
            since = await _requested_at(conn, after)
            asked = (LOG, place, list(states), since, str(after), limit)
            rows = await conn.fetch(_WORKLIST, *asked, *_due(due_by))
        return [Listed(*row) for row in rows]


def _due(by: date | None) -> tuple[list[str] | None, list[str], list[datetime]]:
    """Before which moment each limited state must have begun to be due by a day; nothing where no day is asked for."""
    if by is None:
        return None, [], []
    begun = [began_before(limit.days, by) for limit in LIMITS.values()]
    return [kind.value for kind, _ in LIMITS], [state.value for _, state in LIMITS], begun


async def _requested_at(conn: Connection, transfer_id: UUID | None) -> datetime | None:
    if transfer_id is None:
        return None
    moment: datetime | None = await conn.fetchval(_REQUESTED_AT, LOG, str(transfer_id))
    if moment is None:
        raise NotFoundError
    return moment
