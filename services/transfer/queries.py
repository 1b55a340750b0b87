"""Questions to the transfer service: where a transfer stands, what waits on a place's desk, and how transfers go there.

Lists and counts are read from the rows of transfers; the log is not read.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from services.kit.aggregates import Aggregate, Aggregates
from services.kit.audit import about
from services.kit.clock import Clock, end_of_day, local_date, start_of_day
from services.kit.database import Connection, Database
from services.kit.errors import NotFoundError
from services.kit.event_store import EventStore
from services.transfer.cases.case import Case
from services.transfer.cases.commands import Actor
from services.transfer.cases.states import (
    OPEN_STATES,
    last_day_within,
    limits_on,
    limits_over,
)
from services.transfer.problems import OutsidePlaceError
from services.transfer.tables import LOG
from services.transfer.views import (
    EndedCount,
    InFlightCount,
    ListedTransfer,
    MedianDays,
    OwnTransfers,
    TransferCounts,
    TransferView,
    Worklist,
)

OF_PERSON_MAX = 100
PERIOD_DAYS = 365

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
_AT_PLACE = """
with listed as (
    select distinct on (t.transfer_id) t.*,
           case when t.kind = 'in' or (t.kind = 'within' and t.state = 'accepted') then t.to_place
                else t.from_place end as desk
      from worklist w join transfers t on t.log = w.log and t.transfer_id = w.transfer_id
     where w.log = $1 and w.place = $2
)
{question}
"""
_IN_FLIGHT = _AT_PLACE.format(
    question="""
select desk as place, kind, state, count(*) as number,
       count(*) filter (where exists (
           select from unnest($3::text[], $4::text[], $5::timestamptz[]) as over (kind, state, before)
            where over.kind = listed.kind and over.state = listed.state and listed.since < over.before)) as late
  from listed where ended_at is null group by 1, 2, 3 order by 1, 2, 3
"""
)
_ENDED = _AT_PLACE.format(
    question="""
select desk as place, kind, state, reason, count(*) as number
  from listed where ended_at >= $3 and ended_at < $4 group by 1, 2, 3, 4 order by 1, 2, 3, 4 nulls first
"""
)
_DAYS = _AT_PLACE.format(
    question="""
select desk,
       percentile_cont(0.5) within group (order by extract(epoch from ended_at - requested_at) / 86400) as days
  from listed where state = 'completed' and ended_at >= $3 and ended_at < $4
 group by grouping sets ((desk), ()) order by desk nulls first
"""
)


class TransferQueries:
    """Reads; writes nothing. Every answer includes every command that was answered before."""

    def __init__(self, database: Database, store: EventStore, clock: Clock) -> None:
        self._database = database
        self._aggregates = Aggregates(store, LOG)
        self._clock = clock

    async def get_transfer(self, transfer_id: UUID, actor: Actor) -> TransferView:
        """One transfer. Raises NotFoundError, also when the actor may not know of it."""
        async with self._database.acquire() as conn:
            case = await load_case(conn, self._aggregates, transfer_id)
            about(case.person_id, case.home)
            if not case.may_see(actor):
                raise NotFoundError
            return await self._view(conn, case, actor)

    async def transfers_of(self, person_id: str, actor: Actor) -> OwnTransfers:
        """A person's transfers, newest first, as far as the actor may see them; at most a hundred."""
        async with self._database.acquire() as conn:
            ids = [UUID(row[0]) for row in await conn.fetch(_OF_PERSON, LOG, person_id, OF_PERSON_MAX)]
            cases = [await load_case(conn, self._aggregates, each) for each in ids]
            for case in cases:
                about(person_id, case.home, result=None if case.may_see(actor) else OutsidePlaceError.code)
            views = [await self._view(conn, case, actor) for case in cases if case.may_see(actor)]
        return OwnTransfers(items=views)

    async def _view(self, conn: Connection, case: Case, actor: Actor) -> TransferView:
        rows = await conn.fetch(_REMARKS, LOG, str(case.id))
        return TransferView.of(case, {row["part"]: row["content"] for row in rows}, actor, self._clock())

    async def list_transfers(
        self,
        actor: Actor,
        place: str | None,
        states: Sequence[str] | None,
        *,
        after: UUID | None,
        limit: int,
        due_within: int | None,
    ) -> Worklist:
        """At most `limit` transfers of a place's list (the actor's own when None, the open ones without `states`), in order
        of submission, those after `after` (S2C-08); with `due_within` only those that are due within so many working days.

        An open transfer stands in the list of the desk whose turn it is, and of the places above; one that is over in
        those of both places. Raises OutsidePlaceError, and NotFoundError for an unknown `after`.
        """
        place, now = _place_of(actor, place), self._clock()
        due_by = None if due_within is None else last_day_within(due_within, now)
        due = (None, [], []) if due_by is None else limits_on(due_by)
        wanted = states or [each.value for each in OPEN_STATES]
        async with self._database.acquire() as conn:
            since = await _requested_at(conn, after)
            rows = await conn.fetch(_WORKLIST, LOG, place, wanted, since, str(after), limit + 1, *due)
        items = [ListedTransfer.of(row, now) for row in rows[:limit]]
        for item in items:
            about(item.person_id, place)
        return Worklist(items=items, next=items[-1].transfer_id if len(rows) > limit else None)

    async def count_transfers(
        self, actor: Actor, place: str | None, *, since: date | None, until: date | None
    ) -> TransferCounts:
        """The transfers of a place (the actor's own when None) and all under it; what ended is counted from `since` (a year
        ago when None) to `until` (today), both included. Raises OutsidePlaceError.
        """
        place, now = _place_of(actor, place), self._clock()
        until = until or local_date(now)
        since = since or until - timedelta(days=PERIOD_DAYS)
        period = (start_of_day(since), end_of_day(until))
        async with self._database.acquire() as conn:
            in_flight = await conn.fetch(_IN_FLIGHT, LOG, place, *limits_over(now))
            ended = await conn.fetch(_ENDED, LOG, place, *period)
            rows = await conn.fetch(_DAYS, LOG, place, *period)
        days = {row["desk"]: float(row["days"]) for row in rows if row["days"] is not None}
        return TransferCounts(
            place=place,
            since=since,
            until=until,
            in_flight=[InFlightCount(**row) for row in in_flight],
            ended=[EndedCount(**row) for row in ended],
            median_days=days.get(None),
            median_days_by_place=[MedianDays(place=desk, days=each) for desk, each in days.items() if desk],
        )


async def load_case(conn: Connection, aggregates: Aggregates, transfer_id: UUID) -> Case:
    """The case as its events left it. Raises NotFoundError."""
    found = (await aggregates.get_all(conn, Aggregate, [transfer_id])).get(transfer_id)
    if not isinstance(found, Case):
        raise NotFoundError
    return found


def _place_of(actor: Actor, place: str | None) -> str:
    wanted = place or actor.place
    if wanted is None:
        raise OutsidePlaceError
    actor.must_cover(wanted)
    return wanted


async def _requested_at(conn: Connection, transfer_id: UUID | None) -> datetime | None:
    if transfer_id is None:
        return None
    moment: datetime | None = await conn.fetchval(_REQUESTED_AT, LOG, str(transfer_id))
    if moment is None:
        raise NotFoundError
    return moment
