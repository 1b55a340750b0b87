"""Commands on the transfer service's log, of people under a key and of the worker under none: a case is rebuilt, decides,
and is stored with its rows.

Raises, for every command, BusyError when others kept being first, and NotFoundError for an id that is not there; under a
key the idempotency problems; what a case refuses is named with its method.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Any, TypeVar
from uuid import UUID, uuid5

from contracts.divisions import authority_of
from services.kit.aggregates import Aggregates, AggregateUnit
from services.kit.clock import local_date
from services.kit.command import Question, Unprepared, WritePath
from services.kit.database import Connection, Databases
from services.kit.errors import Problem
from services.kit.event_store import EventStore
from services.kit.idempotency import CommandKey, StoredAnswer
from services.transfer.cases.arrival import Arrival
from services.transfer.cases.case import Case
from services.transfer.cases.commands import Actor, EvidenceFile, RefuseTransfer, RequestTransfer
from services.transfer.cases.departure import Departure
from services.transfer.cases.transfer import Transfer
from services.transfer.peers import (
    DepartureHasEndedError,
    DepartureIsBlockedError,
    LedgerCalls,
    PeerRefusedError,
    PeerUnavailableError,
)
from services.transfer.places import OpenedAuthorities, ProfileHome
from services.transfer.problems import (
    DepartureBlockedError,
    LedgerUnavailableError,
    PersonMergedError,
    PersonNotCollectedError,
    TransferOpenError,
)
from services.transfer.projection import project
from services.transfer.queries import load_case
from services.transfer.tables import LOG
from services.transfer.views import REFUSAL_TEXT, TransferReceipt, evidence_part

OPEN_TRANSFER = Question(
    "transfers", "transfer_id", {"person_id": "text"}, "kind <> 'in' and ended_at is null"
)

_DEPARTURES = UUID("5f0ddc3a-6c1d-5e3b-8a54-9c1a3a6f2b77")
_GUARDS_MAX = 5
"""How many guards one command may try: one that lapsed before the departure was stored cannot be had again."""

# The row is locked so that the profile does not move while somebody asks where it is to go.
_HOME = """
select person_id, place, employer, version, transfer_id, away, merged_into from homes
 where log = $1 and person_id = $2 for update
"""
_MERGED_INTO = "select merged_into from homes where log = $1 and person_id = $2"
_USCC = "select uscc from organizations where log = $1 and organization_id = $2"
_REMARK = "insert into remarks (log, transfer_id, part, content) values ($1, $2, $3, $4)"

C = TypeVar("C", bound=Case)


class Guard:
    """A guard of the ledger over one account, under the id that the departure will have (S2C-14).

    The id follows from the command's key: a command that is sent again after a crash has its own guard, and not somebody
    else's in the way.
    """

    def __init__(self, ledger: LedgerCalls, command: RequestTransfer, key: CommandKey) -> None:
        self._ledger = ledger
        self._command = command
        self._key = key
        self._number = 0
        self.held = False

    @property
    def transfer_id(self) -> UUID:
        """The id of the departure."""
        key = self._key
        return uuid5(_DEPARTURES, "\n".join((key.caller, key.key, key.fingerprint, str(self._number))))

    async def take(self) -> None:
        """Ask the ledger. Raises DepartureBlockedError and LedgerUnavailableError."""
        command = self._command
        while not self.held:
            try:
                await guarded(self._ledger, self.transfer_id, command.person_id, command.to_place)
                self.held = True
            except DepartureHasEndedError:
                self._number += 1
                if self._number == _GUARDS_MAX:
                    raise _ledger_unavailable() from None

    async def lift(self) -> None:
        """Give it up, if it is held: nothing came of it, and otherwise it would lapse."""
        if self.held:
            with suppress(PeerUnavailableError, PeerRefusedError):
                await self._ledger.lift(str(self.transfer_id))


async def guarded(ledger: LedgerCalls, transfer_id: UUID, person_id: str, to_place: str) -> None:
    """Have the ledger guard an account; harmless to repeat.

    Raises DepartureBlockedError, LedgerUnavailableError, and DepartureHasEndedError for a guard that was lifted or lapsed.
    """
    try:
        await ledger.guard(str(transfer_id), person_id, to_place)
    except DepartureIsBlockedError as error:
        raise DepartureBlockedError(clause="S2C-14", blockers=error.blockers) from None
    except (PeerUnavailableError, PeerRefusedError):
        raise _ledger_unavailable() from None


class TransferApplication:
    """Carries out commands on the transfer service's log."""

    def __init__(
        self,
        databases: Databases,
        store: EventStore,
        path: WritePath[AggregateUnit],
        *,
        opened: OpenedAuthorities,
        ledger: LedgerCalls,
    ) -> None:
        self._database = databases.of(LOG)
        self._path = path
        self._aggregates = Aggregates(store, LOG)
        self._opened = opened
        self._ledger = ledger

    async def request_transfer(self, command: RequestTransfer, actor: Actor, key: CommandKey) -> StoredAnswer:
        """Ask for a transfer. When the person asks to go to another authority, the ledger is asked for a guard before
        anything is stored (S2C-14); nobody else can have an account guarded before the origin accepts.

        Raises PersonNotCollectedError, PersonMergedError, TransferOpenError, what `request_of` does, and to another
        authority DepartureBlockedError and LedgerUnavailableError.
        """
        guard = Guard(self._ledger, command, key)

        async def decide(unit: AggregateUnit) -> tuple[int, Any]:
            home, uscc = await _home_of(unit.conn, command.person_id), await _uscc_of(unit.conn, actor)
            opened = self._opened.have_opened(home.place, command.to_place, local_date(unit.now))
            case: Case
            if authority_of(home.place) == authority_of(command.to_place):
                case = Transfer.request(command, actor, home, uscc=uscc, now=unit.now)
            else:
                case = Departure.request(
                    command,
                    actor,
                    home,
                    transfer_id=guard.transfer_id,
                    uscc=uscc,
                    opened=opened,
                    now=unit.now,
                )
            other = await unit.find(OPEN_TRANSFER, command.person_id)
            if other is not None:
                raise TransferOpenError(transfer_id=other)
            if isinstance(case, Departure) and case.asked_by_person and opened and not guard.held:
                raise Unprepared(guard.take)
            await _keep(unit.conn, case.id, _evidence_names(command.evidence))
            return 201, _kept(unit, case)

        try:
            return await self._path.execute(LOG, key, decide)
        except Problem:
            # What is refused now was allowed a moment ago: somebody else was quicker, and nobody needs this guard.
            await guard.lift()
            raise

    async def take(self, step: str, transfer_id: UUID, actor: Actor, key: CommandKey) -> StoredAnswer:
        """Take a step of a case; to another authority the account is guarded from its acceptance on, if not before (S2C-14).

        Raises what the case's `decide` does; an acceptance to another authority DepartureBlockedError and
        LedgerUnavailableError.
        """
        held = False

        async def decide(unit: AggregateUnit) -> tuple[int, Any]:
            case = await unit.get(Case, transfer_id)
            case.decide(step, actor, unit.now)
            if step == "accept" and isinstance(case, Departure) and not held:
                raise Unprepared(partial(guard, case.person_id, case.to_place))
            return 200, _kept(unit, case)

        async def guard(person_id: str, to_place: str) -> None:
            nonlocal held
            # A guard that is lost is told when the person leaves: the departure goes back, to be asked for again.
            with suppress(DepartureHasEndedError):
                await guarded(self._ledger, transfer_id, person_id, to_place)
            held = True

        return await self._path.execute(LOG, key, decide)

    async def refuse(
        self, transfer_id: UUID, command: RefuseTransfer, actor: Actor, key: CommandKey
    ) -> StoredAnswer:
        """Refuse, which returns the transfer to the origin. Raises what the case's `decide` does."""

        async def decide(unit: AggregateUnit) -> tuple[int, Any]:
            case = await unit.get(Case, transfer_id)
            case.decide("refuse", actor, unit.now, reason=command.reason)
            await _keep(unit.conn, case.id, [] if command.text is None else [(REFUSAL_TEXT, command.text)])
            return 200, _kept(unit, case)

        return await self._path.execute(LOG, key, decide)

    async def load(self, transfer_id: UUID) -> Case:
        """The case as it stands. Raises NotFoundError."""
        async with self._database.acquire() as conn:
            return await load_case(conn, self._aggregates, transfer_id)

    async def change(self, kind: type[C], transfer_id: UUID, decide: Callable[[C, datetime], None]) -> None:
        """Let a case of this kind decide, and store what comes of it, if anything. What is heard twice, late or out of
        order decides nothing new: the case knows how far it is.
        """

        async def attempt(unit: AggregateUnit) -> None:
            case = await unit.get(kind, transfer_id)
            decide(case, unit.now)
            unit.keep(case)

        await self._path.store(LOG, attempt)

    async def receive(self, arrival_id: UUID, make: Callable[[datetime], Arrival]) -> None:
        """Store an arrival, unless it was received before."""

        async def attempt(unit: AggregateUnit) -> None:
            if await unit.get_if_any(Arrival, arrival_id) is None:
                unit.keep(make(unit.now))

        await self._path.store(LOG, attempt)


async def begin(conn: Connection, store: EventStore, log: str, now: datetime) -> AggregateUnit:
    """The unit of work of one attempt; its rows are those of the read models."""
    return AggregateUnit(conn, store, log, now, project)


def _kept(unit: AggregateUnit, case: Case) -> dict[str, Any]:
    unit.keep(case)
    return TransferReceipt.of(case).model_dump(mode="json")


def _ledger_unavailable() -> LedgerUnavailableError:
    problem = LedgerUnavailableError()
    problem.headers = {"Retry-After": "5"}
    return problem


def _evidence_names(evidence: Sequence[EvidenceFile]) -> list[tuple[str, str]]:
    return [(evidence_part(number), file.name) for number, file in enumerate(evidence)]


async def _keep(conn: Connection, transfer_id: UUID, remarks: Sequence[tuple[str, str]]) -> None:
    await conn.executemany(_REMARK, [(LOG, str(transfer_id), part, content) for part, content in remarks])


async def _home_of(conn: Connection, person_id: str) -> ProfileHome:
    row = await conn.fetchrow(_HOME, LOG, person_id)
    if row is None:
        raise PersonNotCollectedError(pointer="/person_id")
    home = ProfileHome(**row)
    if home.merged_into is None:
        return home
    kept = home.merged_into
    while (further := await conn.fetchval(_MERGED_INTO, LOG, kept)) is not None:
        kept = further
    raise PersonMergedError(pointer="/person_id", merged_into=kept)


async def _uscc_of(conn: Connection, actor: Actor) -> str | None:
    """The code of the organization the actor is bound to, None when there is none or the registry has not said yet."""
    if actor.organization is None:
        return None
    uscc: str | None = await conn.fetchval(_USCC, LOG, actor.organization)
    return uscc
