"""The record of every reading of personal data, and of every refusal, before anything is answered.

Where the record cannot be written nothing is read: both are in one transaction.
"""

import uuid
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import asyncpg
from fastapi import Request, Response
from fastapi.routing import APIRoute

from contracts.divisions import chain_of, is_known
from services.kit.clock import Clock
from services.kit.database import Connection, Database
from services.kit.errors import Problem
from services.registry.store.tables import LOG
from services.registry.streams.actor import Actor
from services.registry.web.routes import actor_of

SHOWN = "shown"
ROUTINE = "routine"
"""The purpose of a masked reading, which needs none to be stated."""
PAGE_MAX = 500

_MARK = "__reads_personal_data__"

F = TypeVar("F", bound=Callable[..., object])


class AuditUnavailableError(Problem):
    """The reading cannot be put on record, so nothing is read."""

    code = "audit-unavailable"
    status = 503
    title_zh = "暂时无法登记查阅记录，未予查阅"
    title_en = "The reading cannot be put on record, so nothing is read"


@dataclass
class Disclosure:
    """A reading of personal data: by whom, of what and whose, for which purpose, and what came of it.

    `subject` is the id that was asked for, `place` where the person belongs; `count` is of how many people, when it
    is of nobody in particular.
    """

    caller: str
    purpose: str
    at: datetime
    person_id: UUID | None = None
    fields: Sequence[str] = ()
    count: int = 1
    what: str = ""
    subject: str | None = None
    organization: str | None = None
    place: str | None = None
    result: str = SHOWN

    def about(self, person_id: UUID | str, place: str | None, fields: Sequence[str] = ()) -> None:
        """Say whose data it is, once that is known."""
        self.person_id = UUID(str(person_id))
        self.place = place
        self.fields = fields


async def record(conn: Connection, *disclosures: Disclosure) -> None:
    """Put readings on record; commit them before anything that was read is answered.

    Raises AuditUnavailableError.
    """
    try:
        await conn.executemany(_RECORD, [_row(each) for each in disclosures])
    except asyncpg.PostgresError:
        raise AuditUnavailableError from None


def _row(it: Disclosure) -> tuple[Any, ...]:
    person_id = None if it.person_id is None else str(it.person_id)
    chain = list(chain_of(it.place)) if it.place is not None and is_known(it.place) else []
    values = (it.at, it.caller, it.purpose, person_id, list(it.fields), it.count)
    more = (it.what, it.subject, it.organization, it.place, chain, it.result)
    return (LOG, str(uuid.uuid4()), *values, *more)


@dataclass(frozen=True)
class Reading:
    """A reading that is going on: the connection to read on, and the record that will be written of it."""

    conn: Connection
    record: Disclosure = field(repr=False)


class Audit:
    """Readings on the registry's database, and what is on record of them."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    @asynccontextmanager
    async def reading(
        self, by: Actor, what: str, subject: UUID | str | None = None, *, purpose: str = ROUTINE
    ) -> AsyncIterator[Reading]:
        """A transaction whose last statement is the record. A problem raised inside is put on record, then raised on.

        Answer only after the block. Raises AuditUnavailableError.
        """
        refused: Problem | None = None
        async with self._database.transaction() as conn:
            reading = Reading(conn, self._new(by, what, subject, purpose))
            try:
                yield reading
            except Problem as problem:
                refused = problem
                reading.record.result = problem.code
            await record(conn, reading.record)
        if refused is not None:
            setattr(refused, _MARK, True)
            raise refused

    @asynccontextmanager
    async def readings(
        self, by: Actor, what: str, subjects: Sequence[UUID | str], *, purpose: str
    ) -> AsyncIterator[tuple[Connection, list[Disclosure]]]:
        """A transaction whose last statement records a reading of each subject, in order.

        Answer only after the block. Raises AuditUnavailableError.
        """
        records = [self._new(by, what, subject, purpose) for subject in subjects]
        async with self._database.transaction() as conn:
            yield conn, records
            await record(conn, *records)

    async def refused(self, by: Actor, what: str, subject: str | None, problem: Problem) -> None:
        """Put a refusal on record that came before anything could be read. Raises AuditUnavailableError."""
        if getattr(problem, _MARK, False):
            return
        disclosure = self._new(by, what, subject, ROUTINE)
        disclosure.result = problem.code
        async with self._database.transaction() as conn:
            await record(conn, disclosure)

    async def of_place(self, by: Actor, *, before: UUID | None, limit: int) -> list[dict[str, object]]:
        """What is on record of people of the caller's place, newest first; itself put on record."""
        async with self.reading(by, "audit") as reading:
            by.must_cover(by.place or "")
            reading.record.place = by.place
            rows = await reading.conn.fetch(_OF_PLACE, LOG, by.place, before and str(before), limit)
            reading.record.count = len(rows)
        return [dict(row) for row in rows]

    def _new(self, by: Actor, what: str, subject: UUID | str | None, purpose: str) -> Disclosure:
        return Disclosure(
            caller=by.subject,
            purpose=purpose,
            at=self._clock(),
            what=what,
            subject=None if subject is None else str(subject),
            organization=by.organization,
            # Until it is known whose data it is, the record is for whoever watches over the caller.
            place=by.place if by.organization is None else None,
        )


def reads_personal_data(what: str) -> Callable[[F], F]:
    """Mark a route that shows personal data, or tells whether it is there: its refusals are put on record."""

    def mark(endpoint: F) -> F:
        setattr(endpoint, _MARK, what)
        return endpoint

    return mark


class AuditedRoute(APIRoute):
    """A route whose refusals are on record when it reads personal data (`reads_personal_data`)."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[object, object, Response]]:
        """The route's handler with the record of refusals around it."""
        handle = super().get_route_handler()
        what: str | None = getattr(self.endpoint, _MARK, None)
        if what is None:
            return handle

        async def audited(request: Request) -> Response:
            try:
                return await handle(request)
            except Problem as problem:
                await _refused(request, what, problem)
                raise

        return audited


async def _refused(request: Request, what: str, problem: Problem) -> None:
    caller = getattr(request.state, "caller", None)
    if caller is None or isinstance(problem, AuditUnavailableError):
        return
    by = actor_of(caller)
    audit: Audit = request.app.state.parts[Audit]
    await audit.refused(by, what, _id(request.path_params.get("id")), problem)


def _id(given: Any) -> str | None:
    """The id that was asked for, or None for what is no id and could be somebody's number."""
    try:
        return str(UUID(given))
    except (ValueError, TypeError, AttributeError):
        return None


_RECORD = """
insert into disclosures
    (log, disclosure_id, at, caller, purpose, person_id, fields, count, what, subject, organization, place, chain,
     result)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
"""
_OF_PLACE = """
select disclosure_id, at, caller, organization, what, subject, purpose, person_id, fields, count, place, result
  from disclosures
 where log = $1 and chain @> array[$2::text]
   and ($3::text is null or (at, disclosure_id) <
        (select at, disclosure_id from disclosures where log = $1 and disclosure_id = $3))
 order by at desc, disclosure_id desc limit $4
"""
