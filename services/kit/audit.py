"""The audit: a record of every reading of personal data, and of every refusal, before anything is answered.

Where the record cannot be written nothing is read. A record is written in the transaction that reads (`Audit.reading`), or
after it and before the answer (`AuditedRoute`), together with those of every other request that waits. The service's role
may add records and change none; `audit_records.py` finds what somebody else has changed.
"""

import re
import secrets
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any, NamedTuple, Protocol, TypeVar

import asyncpg
import msgspec
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.types import Scope

from services.kit.audit_records import INSERT, SHOWN, AuditRecord, stored_form
from services.kit.clock import Clock
from services.kit.database import Connection, Database, Databases
from services.kit.errors import InvalidRequestError, Problem
from services.kit.gathering import Gathering

ROUTINE = "routine"
"""The purpose of a reading for which none has to be stated."""
NOT_FOR_ITS_FORM = InvalidRequestError.code

_PLACES_MAX = 10_000
_KIND = "__reads__"
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
_NUMBER = re.compile(r"\d(?:[\W_]*\d){5}|[^ -~]")

F = TypeVar("F", bound=Callable[..., Any])


class AuditUnavailableError(Problem):
    """The reading cannot be put on record, so nothing is read."""

    code = "audit-unavailable"
    status = 503
    title_zh = "暂时无法登记查阅记录，未予查阅"
    title_en = "The reading cannot be put on record, so nothing is read"


class Reader(Protocol):
    """Who asks, as a token says."""

    @property
    def subject(self) -> str: ...

    @property
    def place(self) -> str | None: ...

    @property
    def organization(self) -> str | None: ...


class Whereabouts(NamedTuple):
    """Where a record belongs: its log, and every place whose auditors see it, the widest among them."""

    log: str
    chain: Sequence[str]


class Reading:
    """A reading that is going on: who asks for what, and, once that is known, whose data it is."""

    def __init__(self, by: Reader, kind: str, asked: object = None, *, purpose: str = ROUTINE) -> None:
        self.kind = kind
        self.asked = None if asked is None else str(asked)
        self.purpose = purpose
        self.result = SHOWN
        self.fields: Sequence[str] = ()
        self.count: int | None = None
        # Until it is known whose data it is, the record is for whoever watches over the caller.
        self.place = by.place if by.organization is None else None
        self.put = False
        self._by = by
        self._whose: dict[tuple[str | None, str | None], dict[str, None]] = {}

    def about(
        self, subject: object, place: str | None, fields: Sequence[str] = (), *, result: str | None = None
    ) -> None:
        """Say whose data it is, and where they belong; `result` when they alone were refused."""
        self._whose.setdefault((place, result), {})[str(subject)] = None
        self.fields = fields or self.fields

    def records(self, at: datetime) -> list[AuditRecord]:
        """What goes on record: a record for every place, so that nobody sees people of another."""
        whose = self._whose or {(self.place, None): {}}
        return [
            AuditRecord(
                record_id=new_record_id(),
                at=at,
                caller=self._by.subject,
                organization=self._by.organization,
                kind=self.kind,
                asked=self.asked,
                purpose=self.purpose,
                subjects=list(subjects),
                fields=self.fields,
                count=len(subjects) if self.count is None or len(whose) > 1 else self.count,
                place=place,
                result=self.result if self.result != SHOWN else (result or SHOWN),
            )
            for (place, result), subjects in whose.items()
        ]


_going_on: ContextVar[Reading | None] = ContextVar("reading", default=None)


def about(subject: object, place: str | None, *, result: str | None = None) -> None:
    """Say whose data the request that is being served reads; says nothing where no such request is."""
    reading = _going_on.get()
    if reading is not None:
        reading.about(subject, place, result=result)


def how_many(count: int) -> None:
    """Say of how many people the request reads, where they are not named."""
    reading = _going_on.get()
    if reading is not None:
        reading.count = count


def new_record_id() -> str:
    """An id that is later than those made before, to the microsecond."""
    return f"{time.time_ns() // 1000:014x}{secrets.token_hex(9)}"


class OpenReading(NamedTuple):
    """A reading in a transaction: the connection to read on, and what will be on record of it."""

    conn: Connection
    record: Reading


class Audit:
    """The records of readings of one service; `where` says where those of a place belong."""

    def __init__(
        self,
        databases: Databases,
        clock: Clock,
        *,
        key: bytes,
        where: Callable[[str | None], Whereabouts],
    ) -> None:
        self.databases = databases
        self.clock = clock
        self.where = where
        self.key = key
        self._groups: dict[Database, Gathering[list[bytes], None]] = {}
        self._whereabouts: dict[str | None, Whereabouts] = {}

    async def write(self, *readings: Reading) -> None:
        """Put readings on record, in the same statement as those of other requests. Raises AuditUnavailableError."""
        rows: dict[Database, list[bytes]] = {}
        for log, row in self._rows(readings):
            rows.setdefault(self.databases.of(log), []).append(row)
        for database, own in rows.items():
            group = self._groups.get(database)
            if group is None:
                group = self._groups[database] = _group(database)
            await group.ask(own)

    @asynccontextmanager
    async def reading(
        self, by: Reader, kind: str, asked: object = None, *, purpose: str = ROUTINE
    ) -> AsyncIterator[OpenReading]:
        """A transaction whose last statement is the record. A problem raised inside is put on record, then raised on.

        Answer only after the block. Raises AuditUnavailableError.
        """
        refused: Problem | None = None
        reading = Reading(by, kind, asked, purpose=purpose)
        async with self._one_database().transaction() as conn:
            try:
                yield OpenReading(conn, reading)
            except Problem as problem:
                refused = problem
                reading.result = problem.code
            await self._write_within(conn, [reading])
        if refused is not None:
            raise refused

    @asynccontextmanager
    async def readings(
        self, by: Reader, kind: str, asked: Sequence[object], *, purpose: str
    ) -> AsyncIterator[tuple[Connection, list[Reading]]]:
        """A transaction whose last statement records a reading of each that is asked for, in order.

        Answer only after the block. Raises AuditUnavailableError.
        """
        readings = [Reading(by, kind, each, purpose=purpose) for each in asked]
        async with self._one_database().transaction() as conn:
            yield conn, readings
            await self._write_within(conn, readings)

    async def _write_within(self, conn: Connection, readings: Iterable[Reading]) -> None:
        try:
            await conn.execute(INSERT, _listed([row for _, row in self._rows(readings)]))
        except asyncpg.PostgresError:
            raise AuditUnavailableError from None
        served = _going_on.get()
        if served is not None:
            served.put = True

    def _rows(self, readings: Iterable[Reading]) -> Iterable[tuple[str, bytes]]:
        at = self.clock()
        for reading in readings:
            for record in reading.records(at):
                log, chain = self._whereabouts.get(record.place) or self._where(record.place)
                values = (log, *msgspec.structs.astuple(record), list(chain))
                yield log, stored_form(self.key, values)

    def _where(self, place: str | None) -> Whereabouts:
        found = self.where(place)
        if len(self._whereabouts) < _PLACES_MAX:
            self._whereabouts[place] = found
        return found

    def _one_database(self) -> Database:
        [database] = self.databases.all()
        return database


def _group(database: Database) -> Gathering[list[bytes], None]:
    """Records that wait for one database; a statement takes all of them."""

    async def store(waiting: Sequence[list[bytes]]) -> Sequence[Exception | None]:
        if await _inserted(database, [row for rows in waiting for row in rows]):
            return [None] * len(waiting)
        # One record that cannot be stored keeps nobody else from reading.
        alone = len(waiting) == 1
        return [
            None if not alone and await _inserted(database, rows) else AuditUnavailableError()
            for rows in waiting
        ]

    return Gathering(store)


async def _inserted(database: Database, rows: Sequence[bytes]) -> bool:
    try:
        async with database.acquire() as conn:
            await conn.execute(INSERT, _listed(rows))
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
        return False
    return True


def _listed(rows: Sequence[bytes]) -> str:
    return "[" + b",".join(rows).decode() + "]"


def reads(kind: str) -> Callable[[F], F]:
    """Mark a route whose answer is about people: it leaves a record of the kind, whatever it answers."""

    def mark(endpoint: F) -> F:
        setattr(endpoint, _KIND, kind)
        return endpoint

    return mark


class AuditedRoute(APIRoute):
    """A route that leaves a record when it is marked with `reads`, of `app.state.audit`, before it answers."""

    @property
    def reads(self) -> str | None:
        """The kind of what is read, None for a route that is about nobody."""
        kind: str | None = getattr(self.endpoint, _KIND, None)
        return kind

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The route's handler, with the record around it."""
        handle = super().get_route_handler()
        kind = self.reads
        if kind is None:
            return handle

        async def audited(request: Request) -> Response:
            caller = getattr(request.state, "caller", None)
            if caller is None:
                return await handle(request)
            reading = Reading(caller, kind, next(iter(request.path_params.values()), None))
            audit: Audit = request.app.state.audit
            going_on = _going_on.set(reading)
            try:
                response = await handle(request)
            except (Problem, RequestValidationError) as refused:
                await _write_refusal(audit, reading, refused)
                raise
            finally:
                _going_on.reset(going_on)
            if not reading.put:
                await audit.write(reading)
            return response

        return audited


async def _write_refusal(audit: Audit, reading: Reading, refused: Exception) -> None:
    if reading.put or isinstance(refused, AuditUnavailableError):
        return
    reading.result = refused.code if isinstance(refused, Problem) else NOT_FOR_ITS_FORM
    if reading.asked is not None and not _UUID.fullmatch(reading.asked) and _NUMBER.search(reading.asked):
        # What was refused before its form was looked at may be somebody's number.
        reading.asked = None
    await audit.write(reading)


async def record_refused_body(scope: Scope, problem: Problem) -> None:
    """Put on record that a body was refused before a route saw it, when the route would have read personal data.

    Raises AuditUnavailableError.
    """
    caller, app = scope.get("state", {}).get("caller"), scope["app"]
    audit: Audit | None = getattr(app.state, "audit", None)
    if caller is None or audit is None:
        return
    for method, path, kind in audited_paths(app.router.routes):
        if method == scope["method"] and re.fullmatch(re.sub(r"\{[^/{}]*\}", "[^/]+", path), scope["path"]):
            reading = Reading(caller, kind)
            reading.result = problem.code
            await audit.write(reading)
            return


def audited_paths(routes: Iterable[Any]) -> Iterator[tuple[str, str, str]]:
    """Method, path and kind of every route that leaves a record, in routers within routers."""
    for route in routes:
        kind = getattr(getattr(route, "endpoint", None), _KIND, None)
        if kind is not None:
            yield from ((method, route.path, kind) for method in sorted(route.methods))
