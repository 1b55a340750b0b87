"""The process that ties the two ends of a transfer together: the worker looks for what is next, again and again.

It remembers nothing. What is next follows from the log alone, so any worker goes on where another was killed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg
import structlog

from services.kit.clock import Clock
from services.kit.database import OUTCOME_UNKNOWN, Database
from services.kit.errors import Problem
from services.kit.notifications import notified
from services.kit.observability import describe_exception
from services.transfer.application import TransferApplication
from services.transfer.cases.case import Case
from services.transfer.cases.departure import Departure
from services.transfer.cases.states import limits_over
from services.transfer.peers import Peers, PeerUnavailableError
from services.transfer.places import OpenedAuthorities
from services.transfer.process.mail import Mail
from services.transfer.process.worker_steps import Leases, WorkerSteps, told_of
from services.transfer.tables import LOG

AT_ONCE_MAX = 8
"""Steps carried at the same time by one worker."""

SUPPLEMENTS_LATEST_DAYS = 500
"""How long after a departure anything may still come: a year's study, its make-up, and some more."""
PAUSE_SECONDS_MIN = 60
_AGE_SHARE = 100
"""A departure is looked at again after a hundredth of its age: in the first hour by the minute, later once a day."""
_BATCH_MAX = 200

_MAY_PASS: tuple[type[BaseException], ...] = (Problem, asyncpg.PostgresError, *OUTCOME_UNKNOWN)

_log = structlog.stdlib.get_logger("services.transfer.process")

# What is on the relay is recalled there instead, by a step of the worker.
_OVER = """
select t.transfer_id from transfers t
  join unnest($2::text[], $3::text[], $4::timestamptz[]) as limited (kind, state, before)
    on limited.kind = t.kind and limited.state = t.state and t.since < limited.before
 where t.log = $1 and t.next_step is null and t.ended_at is null order by t.since limit $5
"""
_DUE = """
select t.transfer_id from transfers t left join leases l on l.log = t.log and l.transfer_id = t.transfer_id
 where t.log = $1 and t.kind = 'out' and t.state in ('handed_over', 'completed') and t.since > $2
   and (l.free_at is null or l.free_at <= $3)
 order by l.free_at nulls first, t.transfer_id limit $4
"""


class Deadlines:
    """Lets every case decide whose last day has passed, exact to the working day (S2C-05, S2C-16)."""

    def __init__(self, database: Database, application: TransferApplication) -> None:
        self._database = database
        self._application = application

    async def strike(self, now: datetime) -> int:
        """Return what is over; how many that was. Two workers may do so at once: each case decides once."""
        struck = 0
        while True:
            async with self._database.acquire() as conn:
                rows = await conn.fetch(_OVER, LOG, *limits_over(now), _BATCH_MAX)
            for row in rows:
                await self._application.change(Case, UUID(row[0]), lambda case, at: case.expire(at))
            struck += len(rows)
            if len(rows) < _BATCH_MAX:
                return struck


class Supplements:
    """Passes on what came to years that have moved: late study of before the day of leaving.

    The ledger counts the parts, the relay takes each once, and the departure knows the last one it has passed on.
    """

    def __init__(
        self, database: Database, application: TransferApplication, leases: Leases, peers: Peers
    ) -> None:
        self._database = database
        self._application = application
        self._leases = leases
        self._peers = peers

    async def pass_on(self, now: datetime) -> int:
        """Pass on what there is; how many parts. Raises PeerUnavailableError."""
        oldest = now - timedelta(days=SUPPLEMENTS_LATEST_DAYS)
        async with self._database.acquire() as conn:
            rows = await conn.fetch(_DUE, LOG, oldest, now, _BATCH_MAX)
        passed = 0
        for row in rows:
            case = await self._application.load(UUID(row[0]))
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
            for each in found.items:
                await self._peers.relay.hand_over(each)
                await self._note(case.id, each.sequence)
                after = each.sequence
            more = found.next is not None and bool(found.items)
        return after - case.supplements

    async def _note(self, transfer_id: UUID, sequence: int) -> None:
        await self._application.change(
            Departure, transfer_id, lambda case, now: case.supplement(sequence, now)
        )


def pause_at(age: timedelta) -> timedelta:
    """How long until a departure of this age is looked at again."""
    return max(timedelta(seconds=PAUSE_SECONDS_MIN), age / _AGE_SHARE)


class Process:
    """One worker's share of the process."""

    def __init__(
        self,
        database: Database,
        application: TransferApplication,
        peers: Peers,
        *,
        authorities: Sequence[str],
        opened: Callable[[], OpenedAuthorities],
        clock: Clock,
    ) -> None:
        self._clock = clock
        self._leases = Leases(database)
        self._worker_steps = WorkerSteps(application, self._leases, peers, opened=opened, clock=clock)
        self._mail = Mail(application, peers, authorities)
        self._deadlines = Deadlines(database, application)
        self._supplements = Supplements(database, application, self._leases, peers)

    async def run_worker_steps(self) -> int:
        """Carry out everything that is due; how many steps were done."""
        done = 0
        while True:
            taken = await self._leases.take(self._clock(), limit=AT_ONCE_MAX)
            if not taken:
                return done
            done += sum(await asyncio.gather(*(self._worker_steps.carry(each) for each in taken)))

    async def read_mail(self) -> int:
        """Take in what the relay holds for us; how many exchanges. Raises PeerUnavailableError."""
        return await self._mail.read()

    async def strike_deadlines(self) -> int:
        """Return what is over; how many cases."""
        now = self._clock()
        await self._leases.sweep(now)
        return await self._deadlines.strike(now)

    async def pass_on_supplements(self) -> int:
        """Pass on what came to years that have moved; how many parts. Raises PeerUnavailableError."""
        return await self._supplements.pass_on(self._clock())

    async def step(self) -> int:
        """Once around: deadlines, steps, mail, supplements; how much was done. For tests, which say when.

        Raises PeerUnavailableError when the relay cannot be asked for mail.
        """
        done = await self.strike_deadlines()
        done += await self.run_worker_steps()
        done += await self.read_mail()
        return done + await self.pass_on_supplements()


async def keep_doing(
    what: str,
    work: Callable[[], Awaitable[int]],
    *,
    pause_seconds: float,
    growth: asyncio.Event | None = None,
) -> None:
    """Work again and again until cancelled, with a pause when there was nothing to do or something went wrong.

    The `growth` ends the pause: the log has grown, and there may be something to do.
    """
    growth = growth or asyncio.Event()
    while True:
        done = 0
        growth.clear()
        try:
            done = await work()
        except PeerUnavailableError as error:
            _log.warning("waiting", what=what, why=str(error))
        except _MAY_PASS as error:
            _log.warning("trying again", what=what, **describe_exception(error))
        if not done:
            await notified(growth, pause_seconds)
