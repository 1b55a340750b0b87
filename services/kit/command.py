"""The one write path: a command is decided and stored in one transaction of one log, and tried again when
somebody else was first.

    claim the key, read, decide, write the rows, take the counter row, confirm, append, answer, notify

A version guards what a decision found; nothing guards what it did *not* find. So there is one way to ask
whether something is there, `UnitOfWork.find`: it keeps the question, and the write path asks it once more
under the log's counter row, where nothing can be stored between the look and the append. Whatever else must
still hold is kept with `UnitOfWork.confirm`. Group commit stores its units of work by the same `commit`.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import asyncpg

from services.kit import events as codec
from services.kit.clock import Clock
from services.kit.errors import BusyError
from services.kit.event_store import Appended, EventStore, NewEvent, WrongExpectedVersion
from services.kit.events import Event
from services.kit.failures import LOST_RACE
from services.kit.idempotency import CommandKey, StoredAnswer, claim, remember

if TYPE_CHECKING:
    from services.kit.database import Connection, Databases

ATTEMPTS_MAX = 5
PREPARATIONS_MAX = 20
_PAUSE_SECONDS = 0.01

T = TypeVar("T")
U = TypeVar("U", bound="UnitOfWork")

Check = Callable[[], Awaitable[bool]]
"""Looks once more, under the counter row, whether what was decided on is still so; it may raise a refusal."""


@dataclass(frozen=True, eq=False)
class Question:
    """Is there a row of `table` with this key? The answer is its column `names`.

    `key` says the columns of the key with their types, `where` a condition that is always the same. The table
    has a column `log`, and its rows are written by the transactions that append the events (not by a follower).

        OPEN_ORDER = Question("orders", "order_id", {"customer": "text", "year": "int"}, "status = 'open'")
    """

    table: str
    names: str
    key: Mapping[str, str]
    where: str = "true"

    async def ask(
        self, conn: Connection, log: str, keys: Sequence[Sequence[object]], *, of_others: bool = False
    ) -> list[tuple[int, str]]:
        """The rows found: the index of the key asked for, and the name. `of_others` leaves out the rows that this
        very transaction has written.
        """
        columns = [[key[index] for key in keys] for index in range(len(self.key))]
        rows = await conn.fetch(self._of_others if of_others else self._of_all, log, *columns)
        return [(row[0] - 1, row[1]) for row in rows]

    @cached_property
    def _of_all(self) -> str:
        return self._select("")

    @cached_property
    def _of_others(self) -> str:
        return self._select("and each.xmin <> pg_current_xact_id()::xid")

    def _select(self, further: str) -> str:
        arrays = ", ".join(f"${number}::{kind}[]" for number, kind in enumerate(self.key.values(), 2))
        same = " and ".join(f"each.{column} = wanted.{column}" for column in self.key)
        return f"""
        select wanted.number, found.name
          from unnest({arrays}) with ordinality as wanted ({", ".join(self.key)}, number)
         cross join lateral (
               select each.{self.names}::text as name from {self.table} as each
                where each.log = $1 and {same} and ({self.where}) {further}) as found
         order by number, name
        """  # noqa: S608 - constants of the code, no input


class Unprepared(Exception):
    """Raised by a decision that first needs something from outside its transaction, as another engine's answer.

    The attempt is rolled back, `prepare` is awaited, and the command is decided again. Whoever holds one
    connection while waiting for another may wait for ever.
    """

    def __init__(self, prepare: Callable[[], Awaitable[None]]) -> None:
        super().__init__()
        self.prepare = prepare


class UnitOfWork:
    """One attempt of a command in its transaction: what it asks, the events it decided on, and its rows."""

    def __init__(self, conn: Connection, store: EventStore, log: str, now: datetime) -> None:
        self.conn = conn
        self.store = store
        self.log = log
        self.now = now
        self.new_events: list[NewEvent] = []
        self.generation: int | None = None
        """The log's generation that the decision stands on; None when nothing that binds matters to it."""
        self.binding = False
        """Whether the new events bind every later decision of the log."""
        self._asked: dict[Question, list[tuple[Any, ...]]] = {}
        self._checks: list[Check] = []

    async def find(self, question: Question, *key: object, besides: str | None = None) -> str | None:
        """The name of a row that is there (other than `besides`), None when there is none.

        None is confirmed: the command is decided again when such a row of somebody else is there by the time of
        the append.
        """
        for _, name in await question.ask(self.conn, self.log, [key]):
            if name != besides:
                return name
        self._asked.setdefault(question, []).append(key)
        return None

    async def find_all(
        self, question: Question, keys: Sequence[tuple[Any, ...]]
    ) -> dict[tuple[Any, ...], str]:
        """The name of a row that is there, for each of the keys that has one; the others are confirmed as by `find`."""
        if not keys:
            return {}
        found = {keys[index]: name for index, name in await question.ask(self.conn, self.log, keys)}
        self._asked.setdefault(question, []).extend(key for key in keys if key not in found)
        return found

    def add(self, stream_id: str, version: int, event: Event, identity: str | None = None) -> None:
        """Store an event as this version of its stream, under an identity if it has one."""
        self.new_events.append(NewEvent(stream_id, version, event.TOPIC, codec.encode(event), identity))

    def confirm(self, check: Check) -> None:
        """Have `check` run under the counter row; when it answers False the command is decided again."""
        self._checks.append(check)

    async def write(self) -> None:
        """Write the rows of what was decided. Runs before the counter row is taken, for subclasses to fill."""

    async def commit(self) -> Appended | None:
        """Write the rows, take the counter row, run every confirmation and append, as the LAST thing before COMMIT.

        None when nothing was decided; something is written even then, so that the answer waits for the standby.
        Raises WrongExpectedVersion when the decision no longer stands, and what a confirmation refuses.
        """
        await self.write()
        if not self.new_events:
            await self.store.touch(self.conn)
            return None
        checks = self.checks()
        if self._asked or checks:
            await self.store.lock(self.conn, self.log)
            await self._confirm(checks)
        return await self.store.append(
            self.conn, self.log, self.new_events, generation=self.generation, binding=self.binding
        )

    def checks(self) -> Sequence[Check]:
        """What is confirmed under the counter row; a subclass adds what it read and must find unchanged."""
        return self._checks

    async def _confirm(self, checks: Sequence[Check]) -> None:
        for question, keys in self._asked.items():
            if await question.ask(self.conn, self.log, keys, of_others=True):
                raise WrongExpectedVersion(self.log)
        for check in checks:
            if not await check():
                raise WrongExpectedVersion(self.log)


class WritePath(Generic[U]):
    """Carries out commands; `begin` makes the unit of work of an attempt, and may read what every command needs."""

    def __init__(
        self,
        databases: Databases,
        store: EventStore,
        clock: Clock,
        begin: Callable[[Connection, EventStore, str, datetime], Awaitable[U]],
    ) -> None:
        self._databases = databases
        self._store = store
        self._clock = clock
        self._begin = begin

    async def execute(
        self, log: str, key: CommandKey, decide: Callable[[U], Awaitable[tuple[int, object]]]
    ) -> StoredAnswer:
        """Carry out a command once: the status and body that `decide` gives (without personal data) are kept
        under the key and given again to a repeat.

        Raises the idempotency problems, BusyError when others were first every time, and what `decide` refuses.
        """

        async def attempt(conn: Connection) -> tuple[StoredAnswer, Appended | None]:
            stored = await claim(conn, log, key)
            if stored is not None:
                return stored, None
            unit = await self._begin(conn, self._store, log, self._clock())
            answer = StoredAnswer.of(*await decide(unit))
            await remember(conn, log, key, answer)
            return answer, await unit.commit()

        return await self._until_stored(log, attempt)

    async def rehearse(self, log: str, decide: Callable[[U], Awaitable[T]]) -> T:
        """What `decide` would give now; nothing of it is stored. Raises what it refuses."""
        async with self._databases.of(log).acquire() as conn:
            transaction = conn.transaction()
            await transaction.start()
            try:
                return await decide(await self._begin(conn, self._store, log, self._clock()))
            finally:
                await transaction.rollback()

    async def store(self, log: str, decide: Callable[[U], Awaitable[T]]) -> T:
        """Carry out a step that is harmless to repeat and needs no key; what `decide` gives.

        Raises BusyError when others were first every time, and what `decide` refuses.
        """

        async def attempt(conn: Connection) -> tuple[T, Appended | None]:
            unit = await self._begin(conn, self._store, log, self._clock())
            return await decide(unit), await unit.commit()

        return await self._until_stored(log, attempt)

    async def _until_stored(
        self, log: str, attempt: Callable[[Connection], Awaitable[tuple[T, Appended | None]]]
    ) -> T:
        database = self._databases.of(log)
        lost: Exception | None = None
        attempts = preparations = 0
        while attempts < ATTEMPTS_MAX and preparations < PREPARATIONS_MAX:
            if lost is not None:
                await asyncio.sleep(random.uniform(0, _PAUSE_SECONDS * 2**attempts))  # noqa: S311 - jitter
            try:
                async with database.transaction() as conn:
                    answer, appended = await attempt(conn)
            except LOST_RACE as error:
                lost = error
                attempts += 1
            except Unprepared as unprepared:
                lost = None
                preparations += 1
                await unprepared.prepare()
            else:
                if appended is not None:
                    self._store.notifications.notify(database, log)
                return answer
        if isinstance(lost, asyncpg.UniqueViolationError):
            # What stands in the way every time is no race: the decision never looks for it. A defect, not "busy".
            raise lost
        raise BusyError from lost
