"""Counts of transfers by the desks that have them, from the rows of transfers; the log is not read."""

from __future__ import annotations

from datetime import date, datetime
from typing import NamedTuple

from services.kit.clock import Clock, end_of_day, start_of_day
from services.kit.database import Database
from services.transfer.actors import Actor
from services.transfer.cases.limits import LIMITS, ended_before
from services.transfer.tables import LOG

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
select desk, kind, state, count(*) as number,
       count(*) filter (where exists (
           select from unnest($3::text[], $4::text[], $5::timestamptz[]) as over (kind, state, before)
            where over.kind = listed.kind and over.state = listed.state and listed.since < over.before)) as late
  from listed where ended_at is null group by 1, 2, 3 order by 1, 2, 3
"""
)
_ENDED = _AT_PLACE.format(
    question="""
select desk, kind, state, coalesce(reason, '') as reason, count(*) as number
  from listed where ended_at >= $3 and ended_at < $4 group by 1, 2, 3, 4 order by 1, 2, 3, 4
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


class InFlight(NamedTuple):
    """Transfers on their way at one desk, and how many of them are late."""

    place: str
    kind: str
    state: str
    number: int
    late: int


class Ended(NamedTuple):
    """Transfers that ended in the period at one desk: how, and why if they were returned."""

    place: str
    kind: str
    state: str
    reason: str
    number: int


class Counted(NamedTuple):
    """Everything about a place and all under it; `median_days` by desk, and of all together under None."""

    in_flight: list[InFlight]
    ended: list[Ended]
    median_days: dict[str | None, float]


class TransferStatistics:
    """Counts on read. Each transfer is counted once: at the desk that has it, once it is over at its origin, and an
    arrival at its destination.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self.clock = clock

    async def of_place(self, actor: Actor, place: str, *, since: date, until: date, now: datetime) -> Counted:
        """The transfers of a place and all under it; what ended is counted from `since` to `until`, both included.

        Raises OutsidePlaceError.
        """
        actor.must_cover(place)
        over = [ended_before(limit.days, now) for limit in LIMITS.values()]
        limits = ([kind.value for kind, _ in LIMITS], [state.value for _, state in LIMITS], over)
        period = (start_of_day(since), end_of_day(until))
        async with self._database.acquire() as conn:
            in_flight = await conn.fetch(_IN_FLIGHT, LOG, place, *limits)
            ended = await conn.fetch(_ENDED, LOG, place, *period)
            days = await conn.fetch(_DAYS, LOG, place, *period)
        return Counted(
            [InFlight(*row) for row in in_flight],
            [Ended(*row) for row in ended],
            {row["desk"]: float(row["days"]) for row in days if row["days"] is not None},
        )
