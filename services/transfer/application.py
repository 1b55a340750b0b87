"""The transfer service's commands: each rebuilds a transfer, lets it decide, and stores rows, answer and events at once.

Raises, for every command, the idempotency problems, BusyError when others kept being first, and NotFoundError for
an id that is not there; what a transfer refuses is named with its method.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from services.kit.aggregates import AggregateNotFoundError, Aggregates
from services.kit.calendar import UnknownYear
from services.kit.clock import Clock
from services.kit.database import Connection, Database
from services.kit.errors import BusyError, NotFoundError
from services.kit.event_store import EventStore
from services.kit.failures import LOST_RACE, NOTHING_STORED
from services.kit.idempotency import CommandKey, StoredAnswer, claim, remember
from services.transfer.actors import Actor
from services.transfer.commands import (
    AcceptTransfer,
    ApproveTransfer,
    Evidence,
    RefuseTransfer,
    RequestTransfer,
    WithdrawTransfer,
)
from services.transfer.home import Home
from services.transfer.opened import OpenedAuthorities
from services.transfer.problems import PersonNotCollectedError, TransferOpenError
from services.transfer.projections import project
from services.transfer.tables import LOG
from services.transfer.transfer import Transfer, due_on

ATTEMPTS_MAX = 5
REFUSAL_TEXT = "refusal"
"""The part of `remarks` that explains a refusal."""

# The row is the person's lock: two requests for one person decide one after the other.
_HOME = """
select person_id, place, employer, version, transfer_id from homes where log = $1 and person_id = $2 for update
"""
_USCC = "select uscc from organizations where log = $1 and organization_id = $2"
_OPEN = """
select transfer_id from transfers where log = $1 and person_id = $2 and state in ('requested', 'accepted')
"""
_REMARK = "insert into remarks (log, transfer_id, part, content) values ($1, $2, $3, $4)"

Decide = Callable[[Connection, datetime], Awaitable[Transfer]]


class TransferApplication:
    """Carries out commands on the transfer service's log."""

    def __init__(
        self, database: Database, store: EventStore, *, opened: OpenedAuthorities, clock: Clock
    ) -> None:
        self._database = database
        self._store = store
        self._aggregates = Aggregates(store, LOG)
        self._opened = opened
        self._clock = clock

    async def request_transfer(self, command: RequestTransfer, key: CommandKey) -> StoredAnswer:
        """Ask for a transfer. Raises PersonNotCollectedError, TransferOpenError and what `Transfer.request` does."""

        async def decide(conn: Connection, now: datetime) -> Transfer:
            home = await _home_of(conn, command.person_id)
            uscc = await _uscc_of(conn, command.actor)
            transfer = Transfer.request(command, home, uscc=uscc, opened=self._opened, now=now)
            open_id = await conn.fetchval(_OPEN, LOG, command.person_id)
            if open_id is not None:
                raise TransferOpenError(transfer_id=open_id)
            await _keep(conn, transfer.id, _evidence_names(command.evidence))
            return transfer

        return await self._once(key, 201, decide)

    async def accept_transfer(self, command: AcceptTransfer, key: CommandKey) -> StoredAnswer:
        """Accept at the origin. Raises what `Transfer.accept` does."""
        return await self._change(command.transfer_id, key, lambda t, now: t.accept(command.actor, now))

    async def approve_transfer(self, command: ApproveTransfer, key: CommandKey) -> StoredAnswer:
        """Approve at the destination, which completes the transfer. Raises what `Transfer.approve` does."""
        return await self._change(command.transfer_id, key, lambda t, now: t.approve(command.actor, now))

    async def refuse_transfer(self, command: RefuseTransfer, key: CommandKey) -> StoredAnswer:
        """Refuse, which returns the transfer to the origin. Raises what `Transfer.refuse` does."""

        async def decide(conn: Connection, now: datetime) -> Transfer:
            transfer = await self._get(conn, command.transfer_id)
            transfer.refuse(command.actor, command.reason, now)
            if command.text is not None:
                await _keep(conn, transfer.id, [(REFUSAL_TEXT, command.text)])
            return transfer

        return await self._once(key, 200, decide)

    async def withdraw_transfer(self, command: WithdrawTransfer, key: CommandKey) -> StoredAnswer:
        """Withdraw before the origin has accepted. Raises what `Transfer.withdraw` does."""
        return await self._change(command.transfer_id, key, lambda t, now: t.withdraw(command.actor, now))

    async def _change(
        self, transfer_id: UUID, key: CommandKey, change: Callable[[Transfer, datetime], None]
    ) -> StoredAnswer:
        async def decide(conn: Connection, now: datetime) -> Transfer:
            transfer = await self._get(conn, transfer_id)
            change(transfer, now)
            return transfer

        return await self._once(key, 200, decide)

    async def _once(self, key: CommandKey, status: int, decide: Decide) -> StoredAnswer:
        lost: Exception = BusyError()
        for _ in range(ATTEMPTS_MAX):
            try:
                return await self._attempt(key, status, decide)
            except LOST_RACE as error:
                lost = error
        raise BusyError if isinstance(lost, NOTHING_STORED) else lost

    async def _attempt(self, key: CommandKey, status: int, decide: Decide) -> StoredAnswer:
        """One command in one transaction: its key, its decision, its rows, its answer, its events."""
        async with self._database.transaction() as conn:
            stored = await claim(conn, LOG, key)
            if stored is not None:
                return stored
            transfer = await decide(conn, self._clock())
            await project(conn, LOG, tuple(transfer.pending_events))
            answer = StoredAnswer.of(status, receipt(transfer))
            await remember(conn, LOG, key, answer)
            await self._aggregates.save(conn, transfer)
        self._store.hints.announce(self._database, LOG)
        return answer

    async def _get(self, conn: Connection, transfer_id: UUID) -> Transfer:
        try:
            return await self._aggregates.get(conn, Transfer, transfer_id)
        except AggregateNotFoundError:
            raise NotFoundError from None


def receipt(transfer: Transfer) -> dict[str, Any]:
    """The answer to a command, which is kept: where the transfer stands now, without a word that people typed."""
    due = due_on(transfer.since) if transfer.desk is not None else None
    return {
        "transfer_id": str(transfer.id),
        "state": transfer.state.value,
        "desk": transfer.desk,
        "due": None if due is None or isinstance(due, UnknownYear) else due.isoformat(),
    }


def evidence_part(number: int) -> str:
    """The part of `remarks` that holds the name of the evidence at this place of the list, from 0."""
    return f"evidence:{number}"


def _evidence_names(evidence: Sequence[Evidence]) -> list[tuple[str, str]]:
    return [(evidence_part(number), file.name) for number, file in enumerate(evidence)]


async def _keep(conn: Connection, transfer_id: UUID, remarks: Sequence[tuple[str, str]]) -> None:
    await conn.executemany(_REMARK, [(LOG, str(transfer_id), part, content) for part, content in remarks])


async def _home_of(conn: Connection, person_id: str) -> Home:
    row = await conn.fetchrow(_HOME, LOG, person_id)
    if row is None:
        raise PersonNotCollectedError(pointer="/person_id")
    return Home(**row)


async def _uscc_of(conn: Connection, actor: Actor) -> str | None:
    """The code of the organization the actor is bound to, None when there is none or the registry has not said yet."""
    if actor.organization is None:
        return None
    uscc: str | None = await conn.fetchval(_USCC, LOG, actor.organization)
    return uscc
