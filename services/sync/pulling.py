"""History of systems outside, taken over: records and its corrections, through the ledger's import, each once.

Names and numbers pass through to the ledger and are kept nowhere here; a row says which record became which credit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import uuid4

import httpx
import msgspec
import structlog

from contracts.divisions import authority_of, is_known
from contracts.targets import HistoricRecord, HistoryPage
from services.kit.clock import Clock
from services.kit.database import Connection, Database
from services.kit.projection import Checkpoints
from services.sync.adapters import Adapter
from services.sync.targets import Target

CHECKPOINT = "pulled"
REASON = "wrong_record"
"""Why a credit is revoked whose record the system outside corrected or took back."""
CORRECTION = "reported_late"
"""Why history enters a year that has been closed meanwhile (B-07)."""
TAKEN = ("registered", "duplicate", "ended", "nothing_to_end")
"""Outcomes after which a record is not looked at again."""

_log = structlog.stdlib.get_logger("services.sync.pull")

_KNOWN = """
select record_id, version, outcome, credit_id, year from pulled
 where target = $1 and record_id = any($2::text[])
"""
_KEEP = """
insert into pulled (log, target, record_id, version, year, outcome, credit_id, pulled_at)
values ($1, $2, $3, $4, $5, $6, $7, $8)
on conflict (log, target, record_id, version) do update
   set outcome = excluded.outcome, credit_id = excluded.credit_id, pulled_at = excluded.pulled_at
"""
_PERSON = "select person_id from credits where credit_id = $1"


class ImportUnavailableError(Exception):
    """The ledger did not answer: nobody knows what it took. The same again is harmless."""


class Pulled(NamedTuple):
    """What became of a historic record."""

    record: HistoricRecord
    outcome: str
    credit_id: str | None = None


class Puller:
    """Pulls one target's history."""

    def __init__(
        self, database: Database, target: Target, adapter: Adapter, ledger: httpx.AsyncClient, clock: Clock
    ) -> None:
        """`ledger` carries a token that may import for every authority and revoke what it imported."""
        self._database = database
        self._target = target
        self._adapter = adapter
        self._ledger = ledger
        self._clock = clock
        self._checkpoints = Checkpoints(CHECKPOINT)

    async def rewind(self) -> None:
        """Look at everything again: what was refused, as nobody was collected under its number, may be taken now."""
        async with self._database.transaction() as conn:
            await self._checkpoints.lock(conn, self._target.name, self._target.name)
            await self._checkpoints.rewind(conn, self._target.name, self._target.name)

    async def step(self) -> list[Pulled] | None:
        """Take over one page; what became of it, None when there was nothing new.

        Raises TargetUnavailableError and ImportUnavailableError; the page comes again then.
        """
        name = self._target.name
        async with self._database.acquire() as conn:
            after = await self._checkpoints.get(conn, name, name)
        page: HistoryPage = await self._adapter.history(after)
        if page.next_after <= after:
            return None
        async with self._database.acquire() as conn:
            known = await self._known(conn, page.records)
        pulled = await self._take(page.records, known)
        async with self._database.transaction() as conn:
            await self._checkpoints.lock(conn, name, name)
            if await self._checkpoints.get(conn, name, name) < page.next_after:
                await self._checkpoints.advance(conn, name, name, page.next_after)
        return pulled

    async def _known(
        self, conn: Connection, records: Sequence[HistoricRecord]
    ) -> dict[tuple[str, int], Pulled]:
        by_id = {record.record_id: record for record in records}
        rows = await conn.fetch(_KNOWN, self._target.name, sorted(by_id))
        return {
            (row["record_id"], row["version"]): Pulled(
                by_id[row["record_id"]].model_copy(update={"year": row["year"], "version": row["version"]}),
                row["outcome"],
                row["credit_id"],
            )
            for row in rows
        }

    async def _take(
        self, records: Sequence[HistoricRecord], known: dict[tuple[str, int], Pulled]
    ) -> list[Pulled]:
        """Take records in order: first versions together by authority, corrections one after the other."""
        pulled: list[Pulled] = []
        waiting: dict[str, list[HistoricRecord]] = {}

        async def keep(*taken: Pulled) -> None:
            """At once: a record whose credit a later one ends must not be imported a second time after a kill."""
            async with self._database.transaction() as conn:
                await conn.executemany(_KEEP, [self._row(each) for each in taken])
            for each in taken:
                known[each.record.record_id, each.record.version] = each
            pulled.extend(taken)

        async def import_waiting() -> None:
            for authority, part in waiting.items():
                await keep(*await self._import(authority, part))
            waiting.clear()

        for record in records:
            before = known.get((record.record_id, record.version))
            if before is not None and before.outcome in TAKEN:
                continue
            if not is_known(record.place):
                await keep(Pulled(record, "unknown_place"))
            elif record.version == 1 and record.action == "put":
                waiting.setdefault(authority_of(record.place), []).append(record)
            else:
                await import_waiting()
                await keep(await self._correct(record, known))
        await import_waiting()
        return pulled

    async def _import(self, authority: str, records: Sequence[HistoricRecord]) -> list[Pulled]:
        """Hand records to the ledger; when it refuses the list whole, one by one."""
        path = f"/v1/registrations/history?authority={authority}"
        lines = [self._line(record) for record in records]
        answer = await self._post(path, {"records": lines, "correction": CORRECTION})
        if answer is not None:
            return [
                _pulled(record, result) for record, result in zip(records, answer["results"], strict=True)
            ]
        if len(records) == 1:
            return [Pulled(records[0], "refused")]
        return [each for record in records for each in await self._import(authority, [record])]

    async def _correct(self, record: HistoricRecord, known: dict[tuple[str, int], Pulled]) -> Pulled:
        """End the credit of the version before, and import this one in its place unless it is an end (S4-06, A-12)."""
        versions = [known[key] for key in known if key[0] == record.record_id and key[1] < record.version]
        credits = [each for each in versions if each.credit_id is not None]
        for before in credits:
            await self._revoke(before.credit_id or "", before.record.year)
        if record.action == "end":
            return Pulled(record, "ended" if credits else "nothing_to_end")
        [pulled] = await self._import(authority_of(record.place), [record])
        return pulled

    async def _revoke(self, credit_id: str, year: int) -> None:
        async with self._database.acquire() as conn:
            person_id = await conn.fetchval(_PERSON, credit_id)
        if person_id is None:
            raise ImportUnavailableError("the credit has not come in through the feed yet")
        path = f"/v1/persons/{person_id}/credits/{credit_id}/revocation"
        await self._post(path, {"year": year, "reason": REASON})

    async def _post(self, path: str, body: Any) -> Any:
        """The ledger's answer; None when it refused. Raises ImportUnavailableError.

        A fresh key each time: what makes an import or a revocation harmless to repeat is the record's own id.
        """
        try:
            response = await self._ledger.post(path, json=body, headers={"Idempotency-Key": str(uuid4())})
        except httpx.HTTPError as error:
            raise ImportUnavailableError(type(error).__name__) from None
        if response.status_code in (404, 409, 422):
            _log.warning("pull.refused", target=self._target.name, status=response.status_code)
            return None
        if not response.is_success:
            raise ImportUnavailableError(f"status {response.status_code}")
        return msgspec.json.decode(response.content)

    def _line(self, record: HistoricRecord) -> dict[str, Any]:
        version = "" if record.version == 1 else f".v{record.version}"
        return {
            "person": record.identity.model_dump(),
            "year": record.year,
            "category": record.category,
            "credits": f"{record.credits:.2f}",
            "mode": record.mode,
            "completed_on": record.completed_on.isoformat(),
            "system": self._target.source,
            "record_id": f"{record.record_id}{version}",
        }

    def _row(self, each: Pulled) -> tuple[Any, ...]:
        record = each.record
        where = authority_of(record.place) if is_known(record.place) else record.place
        said = (record.record_id, record.version, record.year, each.outcome, each.credit_id)
        return (where, self._target.name, *said, self._clock())


def _pulled(record: HistoricRecord, result: dict[str, Any]) -> Pulled:
    outcome = result["outcome"]
    problem = str((result.get("problem") or {}).get("type", "")).rpartition(":")[2]
    return Pulled(record, f"{outcome}:{problem}" if problem else outcome, result.get("credit_id"))
