"""The steps of the worker, one function each, and who carries them: ask, then store what the answer means.

A step is leased for a minute. A worker may be killed between asking and storing: the lease runs out, another asks the same
again, and gets the same answer.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import httpx
import structlog

from contracts.relay import EvidenceDigest, Exchange, Offer
from services.kit.clock import Clock, local_date
from services.kit.database import Database
from services.kit.observability import describe_exception
from services.kit.pydantic_models import view
from services.transfer.application import TransferApplication
from services.transfer.cases.arrival import Arrival
from services.transfer.cases.case import Case
from services.transfer.cases.departure import BLOCKED, Departure
from services.transfer.cases.states import State, WorkerStep, limits_over
from services.transfer.peers import (
    DepartureHasEndedError,
    DepartureIsBlockedError,
    PeerRefusedError,
    Peers,
    PeerUnavailableError,
)
from services.transfer.places import OpenedAuthorities
from services.transfer.tables import LOG

SUSPENDED_PAUSE = timedelta(minutes=5)
"""How often a suspended departure is looked at again."""
FAILED_PAUSE_SECONDS = 60.0
"""How long to wait after what should not be: somebody has to look, and the step is not lost."""
LEASE_SECONDS = 60
"""Longer than the calls of a step may take together."""
PAUSE_SECONDS_MAX = 300.0

_log = structlog.stdlib.get_logger("services.transfer.process")

# Where the state has a last day the step waits until that has passed; every other is due at once.
_TAKE = """
with due as (
    select t.transfer_id, t.next_step
      from transfers t
      left join leases l on l.log = t.log and l.transfer_id = t.transfer_id
      left join unnest($5::text[], $6::text[], $7::timestamptz[]) as limited (kind, state, before)
             on limited.kind = t.kind and limited.state = t.state
     where t.log = $1 and t.next_step is not null
       and (limited.before is null or t.since < limited.before)
       and (l.free_at is null or l.free_at <= $2)
     order by t.since limit $4 for update of t skip locked
), taken as (
    insert into leases (log, transfer_id, free_at, attempts) select $1, transfer_id, $3, 1 from due
    on conflict (log, transfer_id) do update set free_at = excluded.free_at, attempts = leases.attempts + 1
     where leases.free_at <= $2
    returning transfer_id, attempts
)
select transfer_id, next_step, attempts from taken join due using (transfer_id)
"""
_PUT_OFF = """
insert into leases (log, transfer_id, free_at, attempts) values ($1, $2, $3, 1)
on conflict (log, transfer_id) do update set free_at = excluded.free_at
"""
# Where the step is still there the lease stays and runs out: what was done did not help, and is not done at once again.
_DONE = """
delete from leases
 where log = $1 and transfer_id = $2
   and not exists (select from transfers where log = $1 and transfer_id = $2 and next_step = $3)
"""
_SWEEP = """
delete from leases l using transfers t
 where l.log = $1 and t.log = l.log and t.transfer_id = l.transfer_id and t.next_step is null and l.free_at < $2
"""


class Taken(NamedTuple):
    """A step that this worker carries now, for the `attempts`-th time."""

    transfer_id: UUID
    step: WorkerStep
    attempts: int


class Leases:
    """Takes steps so that several workers share them; two never carry the same one for as long as a lease lasts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def take(self, now: datetime, *, limit: int) -> list[Taken]:
        """At most `limit` steps that are due, the oldest first."""
        until = now + timedelta(seconds=LEASE_SECONDS)
        async with self._database.transaction() as conn:
            rows = await conn.fetch(_TAKE, LOG, now, until, limit, *limits_over(now))
        return [
            Taken(UUID(row["transfer_id"]), WorkerStep(row["next_step"]), row["attempts"]) for row in rows
        ]

    async def done(self, taken: Taken) -> None:
        """Forget the lease, if what is next for the transfer is another step or none."""
        async with self._database.acquire() as conn:
            await conn.execute(_DONE, LOG, str(taken.transfer_id), taken.step.value)

    async def sweep(self, now: datetime) -> None:
        """Forget leases that ran out and whose transfers have no step any more."""
        async with self._database.acquire() as conn:
            await conn.execute(_SWEEP, LOG, now)

    async def put_off(self, transfer_id: UUID, until: datetime) -> None:
        """Try again later."""
        async with self._database.acquire() as conn:
            await conn.execute(_PUT_OFF, LOG, str(transfer_id), until)


def pause_after(attempts: int, told: float | None) -> timedelta:
    """How long to wait after so many attempts: twice as long each time, up to five minutes, or as long as we were told."""
    own = min(PAUSE_SECONDS_MAX, 2.0 ** min(attempts - 1, 9))
    return timedelta(seconds=max(own, told or 0.0))


class PutOff(Exception):
    """There is nothing to do yet: look again after a pause."""

    def __init__(self, pause: timedelta) -> None:
        super().__init__("put off")
        self.pause = pause


class WorkerSteps:
    """Carries steps out, each from where its case stands now, whoever began."""

    def __init__(
        self,
        application: TransferApplication,
        leases: Leases,
        peers: Peers,
        *,
        opened: Callable[[], OpenedAuthorities],
        clock: Clock,
    ) -> None:
        """`opened` answers the list as it stands now: it is maintained while the worker runs."""
        self._application = application
        self._leases = leases
        self._peers = peers
        self._opened = opened
        self._clock = clock
        self._do: dict[WorkerStep, Callable[[Case], Awaitable[None]]] = {
            WorkerStep.RESUME: self._resume,
            WorkerStep.OFFER: self._offer,
            WorkerStep.RECALL: self._recall,
            WorkerStep.CANCEL: self._cancel,
            WorkerStep.LEAVE: self._leave,
            WorkerStep.REFUSE: self._refuse,
            WorkerStep.CONFIRM: self._confirm,
        }

    async def carry(self, taken: Taken) -> bool:
        """Carry one step out; False when it was put off. What nobody foresaw is put off as well, and told."""
        try:
            await self._do[taken.step](await self._application.load(taken.transfer_id))
        except PutOff as later:
            await self._put_off(taken, later.pause)
            return False
        except PeerUnavailableError as error:
            _log.info("step put off", step=taken.step, transfer=str(taken.transfer_id), why=str(error))
            await self._put_off(taken, pause_after(taken.attempts, error.retry_after))
            return False
        except Exception as error:
            # One step that cannot be done must not keep the others from being done.
            _log.error("step failed", step=taken.step, transfer=str(taken.transfer_id), **told_of(error))
            await self._put_off(taken, pause_after(taken.attempts, FAILED_PAUSE_SECONDS))
            return False
        await self._leases.done(taken)
        return True

    async def _put_off(self, taken: Taken, pause: timedelta) -> None:
        await self._leases.put_off(taken.transfer_id, self._clock() + pause)

    async def _resume(self, case: Case) -> None:
        """Both authorities have opened: the account of who asked is guarded and the departure goes on, or it is returned
        (S2C-13).
        """
        if not isinstance(case, Departure) or case.state is not State.SUSPENDED:
            return
        if not self._opened().have_opened(case.from_place, case.to_place, local_date(self._clock())):
            raise PutOff(SUSPENDED_PAUSE)
        try:
            if case.asked_by_person:
                await self._peers.ledger.guard(str(case.id), case.person_id, case.to_place)
        except (DepartureIsBlockedError, DepartureHasEndedError) as error:
            await self._block(case, error)
            return
        await self._application.change(Departure, case.id, lambda c, now: c.resume(now))

    async def _offer(self, case: Case) -> None:
        """Name and number are asked for at this moment, go to the relay and are not kept (S2C-15)."""
        if not isinstance(case, Departure) or case.state is not State.ACCEPTED:
            return
        person = await self._peers.registry.travelling(case.person_id)
        assert case.accepted_at is not None
        origin, destination = case.authorities
        offer = view(
            Offer,
            case,
            transfer_id=str(case.id),
            from_authority=origin,
            to_authority=destination,
            evidence=tuple(EvidenceDigest.model_validate(each) for each in case.evidence),
            person=person,
        )
        await self._hear(case, await self._peers.relay.offer(offer))

    async def _recall(self, case: Case) -> None:
        """Not fetched in time: the relay says whether it was fetched after all, at the last moment (S2C-16).

        What a relay has lost nobody can fetch any more.
        """
        if not isinstance(case, Departure) or case.late_reason(self._clock()) is None:
            return
        try:
            exchange = await self._peers.relay.step(str(case.id), "recall")
        except PeerRefusedError as error:
            if error.status != httpx.codes.NOT_FOUND:
                raise
            await self._application.change(Departure, case.id, lambda c, now: c.hear("recalled", None, now))
            return
        await self._hear(case, exchange)

    async def _cancel(self, case: Case) -> None:
        """Fetched, and not answered for longer than desk and person have: taken back, unless it was just confirmed."""
        if not isinstance(case, Departure) or case.state is not State.FETCHED:
            return
        reason = case.late_reason(self._clock())
        if reason is not None:
            await self._hear(case, await self._peers.relay.step(str(case.id), "cancellation", reason=reason))

    async def _leave(self, case: Case) -> None:
        """The person has confirmed: the accounts leave the ledger and are put on the relay."""
        if not isinstance(case, Departure) or case.state is not State.CONFIRMED:
            return
        assert case.confirmed_at is not None
        try:
            handover = await self._peers.ledger.leave(
                str(case.id), case.person_id, case.to_place, case.confirmed_at
            )
        except (DepartureIsBlockedError, DepartureHasEndedError) as error:
            await self._peers.relay.step(str(case.id), "cancellation", reason=BLOCKED)
            await self._block(case, error)
            return
        await self._hear(case, await self._peers.relay.hand_over(handover))

    async def _refuse(self, case: Case) -> None:
        """The refusal goes back to the origin with its reason; who was taken in for it is forgotten (S2C-18)."""
        if not isinstance(case, Arrival) or case.state is not State.REFUSED:
            return
        await self._peers.registry.let_go(case.transfer_id)
        await self._peers.relay.step(case.transfer_id, "refusal", reason=case.reason)
        await self._application.change(Arrival, case.id, lambda c, now: c.note_told(now))

    async def _confirm(self, case: Case) -> None:
        """The origin is told that the person has confirmed; its handover comes with the mail (S2C-18)."""
        if not isinstance(case, Arrival) or case.state is not State.CONFIRMED:
            return
        await self._peers.relay.step(case.transfer_id, "confirmation")
        await self._application.change(Arrival, case.id, lambda c, now: c.note_told(now))

    async def _block(self, case: Departure, error: DepartureIsBlockedError | DepartureHasEndedError) -> None:
        blockers = error.blockers if isinstance(error, DepartureIsBlockedError) else []
        await self._application.change(Departure, case.id, lambda c, now: c.block(blockers, now))

    async def _hear(self, case: Departure, exchange: Exchange) -> None:
        await self._application.change(
            Departure, case.id, lambda c, now: c.hear(exchange.state, exchange.reason, now)
        )


def told_of(error: Exception) -> dict[str, object]:
    """What a log line says of a failure: an answer of a peer by its code, anything else without its text."""
    return {"why": str(error)} if isinstance(error, PeerRefusedError) else describe_exception(error)
