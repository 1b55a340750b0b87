"""What is over is returned, exact to the working day (S2C-05, S2C-16): found by one comparison, decided by the case."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from services.kit.database import Database
from services.transfer.casebook import CaseBook
from services.transfer.cases.limits import LIMITS, ON_THE_RELAY, ended_before
from services.transfer.cases.states import Kind, State
from services.transfer.tables import LOG

BATCH_MAX = 200

_OVER = """
select transfer_id from transfers
 where log = $1 and kind = $2 and state = $3 and since < $4 and ended_at is null order by since limit $5
"""


class Deadlines:
    """Lets every case decide whose last day has passed. What is on the relay is recalled there instead."""

    def __init__(self, database: Database, cases: CaseBook) -> None:
        self._database = database
        self._cases = cases

    async def strike(self, now: datetime) -> int:
        """Return what is over; how many that was. Two workers may do so at once: each case decides once."""
        struck = 0
        for (kind, state), limit in LIMITS.items():
            if (kind, state) in ON_THE_RELAY:
                continue
            before = ended_before(limit.days, now)
            while True:
                ids = await self._over(kind, state, before)
                for each in ids:
                    await self._cases.change(each, lambda case, at: case.expire(at))
                struck += len(ids)
                if len(ids) < BATCH_MAX:
                    break
        return struck

    async def _over(self, kind: Kind, state: State, before: datetime) -> list[UUID]:
        async with self._database.acquire() as conn:
            rows = await conn.fetch(_OVER, LOG, kind.value, state.value, before, BATCH_MAX)
        return [UUID(row[0]) for row in rows]
