"""What came to years that have moved is passed on to where they are: late study of before the day of leaving.

The ledger counts the parts, the relay takes each once, and the departure knows the last one it has passed on.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import structlog

from services.kit.database import Database
from services.transfer.casebook import CaseBook
from services.transfer.cases.departure import Departure
from services.transfer.peers.calls import PeerUnavailableError
from services.transfer.peers.peers import Peers
from services.transfer.process.leases import Leases
from services.transfer.process.worker_steps import told_of
from services.transfer.tables import LOG

LATEST_DAYS = 500
"""How long after a departure anything may still come: a year's study, its make-up, and some more."""
PAUSE_SECONDS_MIN = 60
_AGE_SHARE = 100
"""A departure is looked at again after a hundredth of its age: in the first hour by the minute, later once a day."""
_AT_ONCE_MAX = 200

_log = structlog.stdlib.get_logger("services.transfer.process")

_DUE = """
select t.transfer_id from transfers t left join leases l on l.log = t.log and l.transfer_id = t.transfer_id
 where t.log = $1 and t.kind = 'out' and t.state in ('handed_over', 'completed') and t.since > $2
   and (l.free_at is null or l.free_at <= $3)
 order by l.free_at nulls first, t.transfer_id limit $4
"""


class Supplements:
    """Asks the ledger for what came late, and puts it on the relay."""

    def __init__(self, database: Database, cases: CaseBook, leases: Leases, peers: Peers) -> None:
        self._database = database
        self._cases = cases
        self._leases = leases
        self._peers = peers

    async def pass_on(self, now: datetime) -> int:
        """Pass on what there is; how many parts. Raises PeerUnavailableError."""
        oldest = now - timedelta(days=LATEST_DAYS)
        async with self._database.acquire() as conn:
            rows = await conn.fetch(_DUE, LOG, oldest, now, _AT_ONCE_MAX)
        passed = 0
        for row in rows:
            case = await self._cases.load(UUID(row[0]))
            assert isinstance(case, Departure), "what goes out is a departure"
            try:
                passed += await self._pass_on(case)
            except PeerUnavailableError:
                raise
            except Exception as error:
                # One departure that cannot be asked about must not keep the others from being asked about.
                _log.error("supplements left", transfer=str(case.id), **told_of(error))
            await self._leases.put_off(case.id, now + pause_at(now - case.since))
        return passed

    async def _pass_on(self, case: Departure) -> int:
        after, more = case.supplements, True
        while more:
            found = await self._peers.ledger.supplements(str(case.id), after)
            for each in found.supplements:
                await self._peers.relay.hand_over(each)
                await self._note(case.id, each.sequence)
                after = each.sequence
            more = found.more and bool(found.supplements)
        return after - case.supplements

    async def _note(self, transfer_id: UUID, sequence: int) -> None:
        def decide(case: object, now: datetime) -> None:
            assert isinstance(case, Departure)
            case.supplement(sequence, now)

        await self._cases.change(transfer_id, decide)


def pause_at(age: timedelta) -> timedelta:
    """How long until a departure of this age is looked at again."""
    return max(timedelta(seconds=PAUSE_SECONDS_MIN), age / _AGE_SHARE)
