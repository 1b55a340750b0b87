"""Who works on a case right now: an official holds it for a while, so that two do not do the same work."""

from datetime import datetime

from services.kit.database import Connection
from services.registry.actors import Actor
from services.registry.people.review_problems import CaseHeldError
from services.registry.tables import LOG

_WAIT = "select from worklist where log = $1 and case_id = $2 for update"
_HELD = "select held_by, held_until from case_claims where log = $1 and case_id = $2 for update"
_END = "delete from case_claims where log = $1 and case_id = $2"
_HOLD = """
insert into case_claims (log, case_id, held_by, held_since, held_until) values ($1, $2, $3, $4, $5)
on conflict (log, case_id) do update
   set held_by = excluded.held_by, held_until = excluded.held_until,
       held_since = case when case_claims.held_by = excluded.held_by and case_claims.held_until > excluded.held_since
                         then case_claims.held_since else excluded.held_since end
 where case_claims.held_until <= excluded.held_since or case_claims.held_by = excluded.held_by
returning held_since, held_until
"""


async def hold(
    conn: Connection, case_id: str, by: Actor, now: datetime, until: datetime
) -> tuple[datetime, datetime]:
    """Hold a case, or hold it longer; since when and until when. Raises CaseHeldError while another does."""
    row = await conn.fetchrow(_HOLD, LOG, case_id, by.subject, now, until)
    if row is None:
        await must_not_be_held(conn, case_id, by, now)
        raise CaseHeldError(until)
    return row["held_since"], row["held_until"]


async def must_not_be_held(conn: Connection, case_id: str, by: Actor, now: datetime) -> None:
    """Raise CaseHeldError while somebody else holds the case; from now on nobody takes hold of it before we are done."""
    await conn.execute(_WAIT, LOG, case_id)
    row = await conn.fetchrow(_HELD, LOG, case_id)
    if row is not None and row["held_by"] != by.subject and row["held_until"] > now:
        raise CaseHeldError(row["held_until"])


async def end_hold(conn: Connection, case_id: str) -> None:
    """Nobody holds the case any more."""
    await conn.execute(_END, LOG, case_id)
