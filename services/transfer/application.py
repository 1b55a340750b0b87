"""The transfer service's commands: each rebuilds a case, lets it decide, and stores rows, answer and events at once.

Raises, for every command, the idempotency problems, BusyError when others kept being first, and NotFoundError for
an id that is not there; what a case refuses is named with its method.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from contracts.divisions import authority_of
from services.kit.aggregates import Aggregates
from services.kit.calendar import UnknownYear
from services.kit.clock import Clock, local_date
from services.kit.database import Connection, Database
from services.kit.errors import Problem
from services.kit.event_store import EventStore
from services.kit.idempotency import CommandKey, StoredAnswer, claim, remember
from services.transfer.actors import Actor
from services.transfer.casebook import until_stored
from services.transfer.cases.any_case import AnyCase, load_case
from services.transfer.cases.departure import Departure
from services.transfer.cases.transfer import Transfer
from services.transfer.commands import (
    AcceptTransfer,
    ApproveTransfer,
    ConfirmArrival,
    Evidence,
    RefuseTransfer,
    RequestTransfer,
    WithdrawTransfer,
)
from services.transfer.opened_authorities import OpenedAuthorities
from services.transfer.peers.calls import PeerRefusedError, PeerUnavailableError
from services.transfer.peers.ledger import DepartureHasEndedError, DepartureIsBlockedError, LedgerCalls
from services.transfer.problems import (
    DepartureBlockedError,
    LedgerUnavailableError,
    PersonNotCollectedError,
    TransferOpenError,
)
from services.transfer.profile_home import ProfileHome
from services.transfer.projections import project
from services.transfer.tables import LOG

REFUSAL_TEXT = "refusal"
"""The part of `remarks` that explains a refusal."""

_DEPARTURES = UUID("5f0ddc3a-6c1d-5e3b-8a54-9c1a3a6f2b77")

# The row is the person's lock: two requests for one person decide one after the other.
_HOME = """
select person_id, place, employer, version, transfer_id, away from homes
 where log = $1 and person_id = $2 for update
"""
_USCC = "select uscc from organizations where log = $1 and organization_id = $2"
_OPEN = """
select transfer_id from transfers where log = $1 and person_id = $2 and kind <> 'in' and ended_at is null
"""
_REMARK = "insert into remarks (log, transfer_id, part, content) values ($1, $2, $3, $4)"

Decide = Callable[[Connection, datetime], Awaitable[AnyCase]]


_GUARDS_MAX = 5
"""How many guards one command may try: one that lapsed before the departure was stored cannot be had again."""


class _GuardNeededError(Exception):
    """Everything here allows the departure; the ledger has to be asked before it is stored."""


@dataclass
class _Guard:
    """A guard of the ledger, under the id that the departure will have."""

    transfer_id: UUID
    held: bool = False


class TransferApplication:
    """Carries out commands on the transfer service's log."""

    def __init__(
        self,
        database: Database,
        store: EventStore,
        *,
        opened: OpenedAuthorities,
        ledger: LedgerCalls,
        clock: Clock,
    ) -> None:
        self._database = database
        self._store = store
        self._aggregates = Aggregates(store, LOG)
        self._opened = opened
        self._ledger = ledger
        self._clock = clock

    async def request_transfer(self, command: RequestTransfer, key: CommandKey) -> StoredAnswer:
        """Ask for a transfer. To another authority the ledger is asked for a guard before anything is stored (S2C-14).

        Raises PersonNotCollectedError, TransferOpenError, what `must_be_askable` does, and to another authority
        DepartureBlockedError and LedgerUnavailableError.
        """
        for number in range(_GUARDS_MAX):
            guard = _Guard(_departure_id(key, number))
            try:
                return await self._once(key, 201, self._request(command, guard))
            except _GuardNeededError:
                pass
            with suppress(DepartureHasEndedError):
                await self._guard(guard, command)
                return await self._guarded(command, key, guard)
        raise _ledger_unavailable()

    async def _guarded(self, command: RequestTransfer, key: CommandKey, guard: _Guard) -> StoredAnswer:
        try:
            return await self._once(key, 201, self._request(command, guard))
        except Problem:
            # What is refused now was allowed a moment ago: somebody else was quicker, and nobody needs this guard.
            with suppress(PeerUnavailableError, PeerRefusedError):
                await self._ledger.lift(str(guard.transfer_id))
            raise

    def _request(self, command: RequestTransfer, guard: _Guard) -> Decide:
        async def decide(conn: Connection, now: datetime) -> AnyCase:
            home = await _home_of(conn, command.person_id)
            uscc = await _uscc_of(conn, command.actor)
            case: Transfer | Departure
            if authority_of(home.place) == authority_of(command.to_place):
                case = Transfer.request(command, home, uscc=uscc, now=now)
            else:
                opened = self._opened.have_opened(home.place, command.to_place, local_date(now))
                case = Departure.request(
                    command, home, transfer_id=guard.transfer_id, uscc=uscc, opened=opened, now=now
                )
            open_id = await conn.fetchval(_OPEN, LOG, command.person_id)
            if open_id is not None:
                raise TransferOpenError(transfer_id=open_id)
            if isinstance(case, Departure) and opened and not guard.held:
                raise _GuardNeededError
            await _keep(conn, case.id, _evidence_names(command.evidence))
            return case

        return decide

    async def _guard(self, guard: _Guard, command: RequestTransfer) -> None:
        try:
            await self._ledger.guard(str(guard.transfer_id), command.person_id, command.to_place)
        except DepartureIsBlockedError as error:
            raise DepartureBlockedError(clause="S2C-14", blockers=error.blockers) from None
        except (PeerUnavailableError, PeerRefusedError):
            raise _ledger_unavailable() from None
        guard.held = True

    async def accept_transfer(self, command: AcceptTransfer, key: CommandKey) -> StoredAnswer:
        """Accept at the origin. Raises what the case's `accept` does."""
        return await self._change(command.transfer_id, key, lambda t, now: t.accept(command.actor, now))

    async def approve_transfer(self, command: ApproveTransfer, key: CommandKey) -> StoredAnswer:
        """Approve at the destination. Raises what the case's `approve` does."""
        return await self._change(command.transfer_id, key, lambda t, now: t.approve(command.actor, now))

    async def refuse_transfer(self, command: RefuseTransfer, key: CommandKey) -> StoredAnswer:
        """Refuse, which returns the transfer to the origin. Raises what the case's `refuse` does."""

        async def decide(conn: Connection, now: datetime) -> AnyCase:
            case = await load_case(conn, self._aggregates, command.transfer_id)
            case.refuse(command.actor, command.reason, now)
            if command.text is not None:
                await _keep(conn, case.id, [(REFUSAL_TEXT, command.text)])
            return case

        return await self._once(key, 200, decide)

    async def withdraw_transfer(self, command: WithdrawTransfer, key: CommandKey) -> StoredAnswer:
        """Withdraw before the origin has accepted. Raises what the case's `withdraw` does."""
        return await self._change(command.transfer_id, key, lambda t, now: t.withdraw(command.actor, now))

    async def confirm_arrival(self, command: ConfirmArrival, key: CommandKey) -> StoredAnswer:
        """The person confirms an approved arrival by looking it up (S2C-18). Raises what the case's `confirm` does."""
        return await self._change(command.transfer_id, key, lambda t, now: t.confirm(command.actor, now))

    async def _change(
        self, transfer_id: UUID, key: CommandKey, change: Callable[[AnyCase, datetime], None]
    ) -> StoredAnswer:
        async def decide(conn: Connection, now: datetime) -> AnyCase:
            case = await load_case(conn, self._aggregates, transfer_id)
            change(case, now)
            return case

        return await self._once(key, 200, decide)

    async def _once(self, key: CommandKey, status: int, decide: Decide) -> StoredAnswer:
        return await until_stored(lambda: self._attempt(key, status, decide))

    async def _attempt(self, key: CommandKey, status: int, decide: Decide) -> StoredAnswer:
        """One command in one transaction: its key, its decision, its rows, its answer, its events."""
        async with self._database.transaction() as conn:
            stored = await claim(conn, LOG, key)
            if stored is not None:
                return stored
            case = await decide(conn, self._clock())
            await project(conn, LOG, tuple(case.pending_events))
            answer = StoredAnswer.of(status, receipt(case))
            await remember(conn, LOG, key, answer)
            await self._aggregates.save(conn, case)
        self._store.notifications.notify(self._database, LOG)
        return answer


def receipt(case: AnyCase) -> dict[str, Any]:
    """The answer to a command, which is kept: where the transfer stands now, without a word that people typed."""
    due = case.due
    return {
        "transfer_id": str(case.id),
        "kind": case.kind.value,
        "state": case.state.value,
        "desk": case.desk,
        "due": None if due is None or isinstance(due, UnknownYear) else due.isoformat(),
    }


def _departure_id(key: CommandKey, number: int) -> UUID:
    """The same for a command that is sent again after a crash: its guard is its own, and not somebody else's in the way."""
    return uuid5(_DEPARTURES, "\n".join((key.caller, key.key, key.fingerprint, str(number))))


def _ledger_unavailable() -> LedgerUnavailableError:
    problem = LedgerUnavailableError()
    problem.headers = {"Retry-After": "5"}
    return problem


def evidence_part(number: int) -> str:
    """The part of `remarks` that holds the name of the evidence at this place of the list, from 0."""
    return f"evidence:{number}"


def _evidence_names(evidence: Sequence[Evidence]) -> list[tuple[str, str]]:
    return [(evidence_part(number), file.name) for number, file in enumerate(evidence)]


async def _keep(conn: Connection, transfer_id: UUID, remarks: Sequence[tuple[str, str]]) -> None:
    await conn.executemany(_REMARK, [(LOG, str(transfer_id), part, content) for part, content in remarks])


async def _home_of(conn: Connection, person_id: str) -> ProfileHome:
    row = await conn.fetchrow(_HOME, LOG, person_id)
    if row is None:
        raise PersonNotCollectedError(pointer="/person_id")
    return ProfileHome(**row)


async def _uscc_of(conn: Connection, actor: Actor) -> str | None:
    """The code of the organization the actor is bound to, None when there is none or the registry has not said yet."""
    if actor.organization is None:
        return None
    uscc: str | None = await conn.fetchval(_USCC, LOG, actor.organization)
    return uscc
