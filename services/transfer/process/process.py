"""The process that ties the two ends of a transfer together: the worker looks for what is next, again and again.

It remembers nothing. What is next follows from the log alone, so any worker goes on where another was killed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import asyncpg
import structlog

from services.kit.clock import Clock
from services.kit.database import OUTCOME_UNKNOWN, Database
from services.kit.errors import Problem
from services.kit.notifications import notified
from services.kit.observability import describe_exception
from services.transfer.casebook import CaseBook
from services.transfer.opened_authorities import OpenedAuthorities
from services.transfer.peers.calls import PeerUnavailableError
from services.transfer.peers.peers import Peers
from services.transfer.process.deadlines import Deadlines
from services.transfer.process.leases import Leases
from services.transfer.process.mail import Mail
from services.transfer.process.supplements import Supplements
from services.transfer.process.worker_steps import WorkerSteps

AT_ONCE_MAX = 8
"""Steps carried at the same time by one worker."""

_MAY_PASS: tuple[type[BaseException], ...] = (Problem, asyncpg.PostgresError, *OUTCOME_UNKNOWN)

_log = structlog.stdlib.get_logger("services.transfer.process")


class Process:
    """One worker's share of the process."""

    def __init__(
        self,
        database: Database,
        cases: CaseBook,
        peers: Peers,
        *,
        authorities: Sequence[str],
        opened: Callable[[], OpenedAuthorities],
        clock: Clock,
    ) -> None:
        self._clock = clock
        self._leases = Leases(database)
        self._worker_steps = WorkerSteps(cases, self._leases, peers, opened=opened, clock=clock)
        self._mail = Mail(cases, peers, authorities)
        self._deadlines = Deadlines(database, cases)
        self._supplements = Supplements(database, cases, self._leases, peers)

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
