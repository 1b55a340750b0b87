"""How far the counts of each log have come: the position, how many events are behind it, and the day they are of."""

from collections.abc import Sequence
from datetime import date

from msgspec import Struct

from services.kit.database import Connection

_REACHED = """
select l.log, coalesce(c.position, 0), greatest(l.position - coalesce(c.position, 0), 0)
  from logs l left join checkpoints c on c.log = l.log and c.name = $2 and c.source = l.log
 where l.log = any($1::text[]) order by l.log
"""
_JUDGED = """
select p.log, p.judged_on,
       exists (select from standing_sweeps s where s.log = p.log)
       or exists (select from standings t where t.log = p.log and t.turns_on <= p.judged_on)
  from standing_progress p where p.log = any($1::text[])
"""


class Reached(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The position of a log up to which everything is counted, and how many events are `lag` behind it.

    Of standings, `judged_on` is the day they are judged by, and `judging` says that a notice or a new day is still being
    taken in: until then some of the log's people are counted as they were before it.
    """

    log: str
    position: int
    lag: int
    judged_on: date | None = None
    judging: bool = False


async def reached_by(conn: Connection, projection: str, logs: Sequence[str]) -> list[Reached]:
    """How far a projection has come in each log that holds anything."""
    rows = await conn.fetch(_REACHED, logs, projection)
    return [Reached(log=row[0], position=row[1], lag=row[2]) for row in rows if row[1] or row[2]]


async def judged_by(conn: Connection, projection: str, logs: Sequence[str]) -> list[Reached]:
    """The same of standings, with the day."""
    days = {row[0]: (row[1], row[2]) for row in await conn.fetch(_JUDGED, logs)}
    return [
        Reached(
            log=each.log,
            position=each.position,
            lag=each.lag,
            judged_on=days[each.log][0] if each.log in days else None,
            judging=days[each.log][1] if each.log in days else True,
        )
        for each in await reached_by(conn, projection, logs)
    ]
