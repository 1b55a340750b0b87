"""Bulk collection: an organization hands in a table of its people, all of them or none.

Every row is answered by its number in the file, the column at fault and the reason; nothing of what a row says is kept
outside the vault.
"""

import asyncio
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

import msgspec

from services.kit.database import Connection
from services.kit.errors import FieldError, NotFoundError, Problem
from services.kit.idempotency import CommandKey
from services.kit.table_reader import Table
from services.registry.bulk.table import Fault, ReadRow, fault_of, read_rows
from services.registry.people.collections import Collections
from services.registry.personal_data.evidence import may_name
from services.registry.personal_data.vault import Texts
from services.registry.store.commands import Unit, command
from services.registry.store.tables import LOG
from services.registry.streams.actor import Actor
from services.registry.streams.person import Person

LATEST_MAX = 100
SUBMITTED, REFUSED, NOT_APPLIED = "submitted", "refused", "not_applied"

_KEEP = """
insert into bulk_collections (log, bulk_id, uploaded_by, organization, place, uploaded_at, applied, results)
values ($1, $2, $3, $4, $5, $6, $7, $8)
"""
_LATEST = """
select bulk_id, applied, uploaded_at, jsonb_array_length(results) as count from bulk_collections
 where log = $1 and organization is not distinct from $3 and ($3::text is not null or uploaded_by = $2)
 order by uploaded_at desc, bulk_id limit $4
"""
_FIND = "select * from bulk_collections where log = $1 and bulk_id = $2"


class BulkRefusedError(Problem):
    """Rows are at fault, so nothing was applied; `rows` says which and why, `bulk_id` where to fetch it as a table."""

    code = "bulk-refused"
    status = 422
    title_zh = "表格中有错误，未导入任何人员"
    title_en = "Rows are at fault, and nobody was imported"


@dataclass(frozen=True)
class RowResult:
    """What became of a row."""

    row: int
    result: str
    collection_id: str | None = None
    person_id: str | None = None
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True)
class BulkResult:
    """What became of a file."""

    bulk_id: str
    applied: bool
    rows: list[RowResult]


class BulkCollections(Collections):
    """Carries out uploads of many collections, one transaction for each file."""

    async def upload(self, by: Actor, table: Table, key: CommandKey, *, partial: bool = False) -> BulkResult:
        """Submit every row, or with `partial` every row without fault; the same key again gets the same result.

        Raises BulkRefusedError when nothing was applied.
        """
        rows = await asyncio.to_thread(read_rows, table)
        refused = _faulty(rows)
        if refused and not partial:
            await self._refuse(by, _results(rows, {}, refused))

        try:
            answer = await self._uploaded(key, by, rows, table, refused, partial=partial)
        except _NothingApplied as refusal:
            await self._refuse(by, refusal.results)
        bulk_id: str = msgspec.json.decode(answer.body)["bulk_id"]
        return await self.result(by, UUID(bulk_id))

    @command(201)
    async def _uploaded(
        self,
        unit: Unit,
        by: Actor,
        rows: Sequence[ReadRow],
        table: Table,
        refused: dict[int, tuple[Fault, ...]],
        *,
        partial: bool,
    ) -> dict[str, str]:
        submitted, more = await self._submit(unit, by, rows, table)
        results = _results(rows, submitted, refused | more)
        if (more and not partial) or not submitted:
            raise _NothingApplied(results)
        bulk_id = str(uuid.uuid4())
        await self._keep(unit.conn, bulk_id, by, unit.now, results, applied=True)
        unit.keep(*submitted.values())
        return {"bulk_id": bulk_id}

    async def result(self, by: Actor, bulk_id: UUID) -> BulkResult:
        """What became of a file, for whoever uploaded it. Raises NotFoundError."""
        async with self._database.acquire() as conn:
            row = await conn.fetchrow(_FIND, LOG, str(bulk_id))
        if row is None or not may_name(by, row["uploaded_by"], row["organization"]):
            raise NotFoundError
        return BulkResult(
            row["bulk_id"], row["applied"], msgspec.json.decode(row["results"], type=list[RowResult])
        )

    async def latest(self, by: Actor) -> list[dict[str, object]]:
        """The files the caller, or their organization, uploaded last, newest first."""
        async with self._database.acquire() as conn:
            rows = await conn.fetch(_LATEST, LOG, by.subject, by.organization, LATEST_MAX)
        return [dict(row) for row in rows]

    async def _submit(
        self, unit: Unit, by: Actor, rows: Sequence[ReadRow], table: Table
    ) -> tuple[dict[int, Person], dict[int, tuple[Fault, ...]]]:
        """The people of the rows without fault, and the faults that only the registry knows of.

        An organization's people are its own when a row names no employer.
        """
        submitted: dict[int, Person] = {}
        refused: dict[int, tuple[Fault, ...]] = {}
        seen: dict[str, int] = {}
        texts: list[Texts] = []
        own = await self.own_code(unit, by)
        filled = [(row, row.body) for row in rows if row.body is not None]
        numbers = [self._hashers.persons(body.person.id_type, body.person.id_number) for _, body in filled]
        documents = await self.documents(unit, numbers)
        for (row, filled_in), (identity, *_) in zip(filled, numbers, strict=True):
            if identity in seen:
                refused[row.number] = (_repeated(row.number, seen[identity], table),)
                continue
            seen[identity] = row.number
            body = filled_in.model_copy(update={"employer": filled_in.employer or own})
            try:
                submission = await self.submitted(unit, by, body, own, documents)
            except Problem as problem:
                refused[row.number] = (_fault(problem, row.number, table),)
            else:
                submitted[row.number] = submission.person
                texts.append(submission.texts)
        await self._vault.seal_all(unit.conn, texts)
        return submitted, refused

    async def _refuse(self, by: Actor, results: list[RowResult]) -> None:
        bulk_id, now = str(uuid.uuid4()), self._clock()
        async with self._database.transaction() as conn:
            await self._keep(conn, bulk_id, by, now, results, applied=False)
        rows = [asdict(each) for each in results if each.faults]
        raise BulkRefusedError(bulk_id=bulk_id, rows=rows)

    async def _keep(
        self,
        conn: Connection,
        bulk_id: str,
        by: Actor,
        now: datetime,
        results: list[RowResult],
        *,
        applied: bool,
    ) -> None:
        kept = msgspec.json.encode(results).decode()
        await conn.execute(_KEEP, LOG, bulk_id, by.subject, by.organization, by.place, now, applied, kept)


class _NothingApplied(Exception):
    """Ends the transaction of a file that is refused."""

    def __init__(self, results: list[RowResult]) -> None:
        super().__init__()
        self.results = results


def _faulty(rows: Sequence[ReadRow]) -> dict[int, tuple[Fault, ...]]:
    return {row.number: row.faults for row in rows if row.faults}


def _results(
    rows: Sequence[ReadRow], submitted: dict[int, Person], refused: dict[int, tuple[Fault, ...]]
) -> list[RowResult]:
    results = []
    for row in rows:
        person = submitted.get(row.number)
        if row.number in refused:
            results.append(RowResult(row.number, REFUSED, faults=refused[row.number]))
        elif person is None:
            results.append(RowResult(row.number, NOT_APPLIED))
        else:
            results.append(RowResult(row.number, SUBMITTED, person.collection_id, str(person.id)))
    return results


def _repeated(row: int, first: int, table: Table) -> Fault:
    zh, en = f"与第{first}行重复，请删除其中一行", f"repeats row {first}; remove one of them"
    return fault_of(table, row, FieldError("/person/id_number", "repeated", zh, en))


def _fault(problem: Problem, row: int, table: Table) -> Fault:
    zh, en = problem.detail_zh or problem.title_zh, problem.detail_en or problem.title_en
    return fault_of(table, row, FieldError(problem.pointer or "/person/id_number", problem.code, zh, en))
