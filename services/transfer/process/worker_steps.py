"""The steps of the worker, one function each: ask, then store what the answer means.

A worker may be killed between the two. The lease runs out, another asks the same again, and gets the same answer.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import httpx
import structlog

from contracts.relay import EvidenceDigest, Exchange, Offer
from services.kit.clock import Clock, local_date
from services.kit.observability import describe_exception
from services.transfer.casebook import CaseBook
from services.transfer.cases.any_case import AnyCase
from services.transfer.cases.arrival import Arrival
from services.transfer.cases.departure import BLOCKED, Departure
from services.transfer.cases.next_step import WorkerStep
from services.transfer.cases.states import State
from services.transfer.opened_authorities import OpenedAuthorities
from services.transfer.peers.calls import PeerRefusedError, PeerUnavailableError
from services.transfer.peers.ledger import DepartureHasEndedError, DepartureIsBlockedError
from services.transfer.peers.peers import Peers
from services.transfer.process.leases import Leases, Taken, pause_after

SUSPENDED_PAUSE = timedelta(minutes=5)
"""How often a suspended departure is looked at again."""
FAILED_PAUSE_SECONDS = 60.0
"""How long to wait after what should not be: somebody has to look, and the step is not lost."""

_log = structlog.stdlib.get_logger("services.transfer.process")


class PutOff(Exception):
    """There is nothing to do yet: look again after a pause."""

    def __init__(self, pause: timedelta) -> None:
        super().__init__("put off")
        self.pause = pause


class WorkerSteps:
    """Carries steps out, each from where its case stands now, whoever began."""

    def __init__(
        self,
        cases: CaseBook,
        leases: Leases,
        peers: Peers,
        *,
        opened: Callable[[], OpenedAuthorities],
        clock: Clock,
    ) -> None:
        """`opened` answers the list as it stands now: it is maintained while the worker runs."""
        self._cases = cases
        self._leases = leases
        self._peers = peers
        self._opened = opened
        self._clock = clock
        self._do: dict[WorkerStep, Callable[[AnyCase], Awaitable[None]]] = {
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
            await self._do[taken.step](await self._cases.load(taken.transfer_id))
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

    async def _resume(self, case: AnyCase) -> None:
        """Both authorities have opened: the account is guarded and the departure goes on, or it is returned (S2C-13)."""
        if not isinstance(case, Departure) or case.state is not State.SUSPENDED:
            return
        if not self._opened().have_opened(case.from_place, case.to_place, local_date(self._clock())):
            raise PutOff(SUSPENDED_PAUSE)
        try:
            await self._peers.ledger.guard(str(case.id), case.person_id, case.to_place)
        except (DepartureIsBlockedError, DepartureHasEndedError) as error:
            await self._block(case, error)
            return
        await self._cases.change(case.id, lambda c, now: _departure(c).resume(now))

    async def _offer(self, case: AnyCase) -> None:
        """Name and number are asked for at this moment, go to the relay and are not kept (S2C-15)."""
        if not isinstance(case, Departure) or case.state is not State.ACCEPTED:
            return
        person = await self._peers.registry.travelling(case.person_id)
        assert case.accepted_at is not None
        origin, destination = case.authorities
        offer = Offer(
            transfer_id=str(case.id),
            from_authority=origin,
            from_place=case.from_place,
            to_authority=destination,
            to_place=case.to_place,
            employer=case.employer,
            student=case.student,
            evidence=tuple(EvidenceDigest.model_validate(each) for each in case.evidence),
            accepted_at=case.accepted_at,
            person=person,
        )
        await self._hear(case, await self._peers.relay.offer(offer))

    async def _recall(self, case: AnyCase) -> None:
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
            await self._cases.change(case.id, lambda c, now: _departure(c).hear("recalled", None, now))
            return
        await self._hear(case, exchange)

    async def _cancel(self, case: AnyCase) -> None:
        """Fetched, and not answered for longer than desk and person have: taken back, unless it was just confirmed."""
        if not isinstance(case, Departure) or case.state is not State.FETCHED:
            return
        reason = case.late_reason(self._clock())
        if reason is not None:
            await self._hear(case, await self._peers.relay.step(str(case.id), "cancellation", reason=reason))

    async def _leave(self, case: AnyCase) -> None:
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

    async def _refuse(self, case: AnyCase) -> None:
        """The refusal goes back to the origin with its reason; who was taken in for it is forgotten (S2C-18)."""
        if not isinstance(case, Arrival) or case.state is not State.REFUSED:
            return
        await self._peers.registry.let_go(case.transfer_id)
        await self._peers.relay.step(case.transfer_id, "refusal", reason=case.reason)
        await self._cases.change(case.id, lambda c, now: _arrival(c).note_told(now))

    async def _confirm(self, case: AnyCase) -> None:
        """The origin is told that the person has confirmed; its handover comes with the mail (S2C-18)."""
        if not isinstance(case, Arrival) or case.state is not State.CONFIRMED:
            return
        await self._peers.relay.step(case.transfer_id, "confirmation")
        await self._cases.change(case.id, lambda c, now: _arrival(c).note_told(now))

    async def _block(self, case: Departure, error: DepartureIsBlockedError | DepartureHasEndedError) -> None:
        blockers = error.blockers if isinstance(error, DepartureIsBlockedError) else []
        await self._cases.change(case.id, lambda c, now: _departure(c).block(blockers, now))

    async def _hear(self, case: Departure, exchange: Exchange) -> None:
        def decide(found: AnyCase, now: datetime) -> None:
            _departure(found).hear(exchange.state, exchange.reason, now)

        await self._cases.change(case.id, decide)


def told_of(error: Exception) -> dict[str, Any]:
    """What a log line says of a failure: an answer of a peer by its code, anything else without its text."""
    return {"why": str(error)} if isinstance(error, PeerRefusedError) else describe_exception(error)


def _departure(case: AnyCase) -> Departure:
    assert isinstance(case, Departure)
    return case


def _arrival(case: AnyCase) -> Arrival:
    assert isinstance(case, Arrival)
    return case
