"""Queries about organizations. Whoever may not see a thing is told that it is not there."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from uuid import UUID

import asyncpg
import msgspec

from contracts.divisions import contains
from services.kit.aggregates import Aggregate, Aggregates
from services.kit.clock import Clock, local_date
from services.kit.database import Connection, Database
from services.kit.errors import NotFoundError
from services.kit.event_store import EventStore
from services.registry.organizations import duties
from services.registry.organizations.duties import Barred, Duty, Filing, Handed
from services.registry.store.tables import LOG
from services.registry.streams.actor import Actor
from services.registry.streams.organization import Organization, organization_of

_ORGANIZATIONS = """
select organization_id, name, uscc, kind, affiliation, place, registered_at from organizations
 where log = $1 and organization_id > $2 and ($3::text is null or kind = $3)
 order by organization_id
"""
_FILINGS = """
select a.organization_id, o.name as organization, a.place, a.years, a.modes, a.state, a.published_at, a.ended_from
  from accreditations a join organizations o using (log, organization_id)
 where log = $1 and ($2::text is null or organization_id = $2)
 order by a.organization_id, a.number
"""
_BARRED = """
select organization_id, place, from_date, reinstated_from as until from disqualifications
 where log = $1 and ($2::text is null or organization_id = $2)
"""
_HANDED = """
select document_id, organization_id, kind, mode, place, year, state, first_submitted_at from yearly_documents
 where log = $1 and ($2::text is null or organization_id = $2) and year between $3 and $4
"""
_DOCUMENT = "select * from yearly_documents where log = $1 and document_id = $2"
_CONTENT = (
    "select content from yearly_contents where log = $1 and document_id = $2 order by version desc limit 1"
)
_DOCUMENTS = """
select * from yearly_documents where log = $1 and organization_id = $2 order by year desc, kind, mode, place
"""
_EVALUATIONS = """
select * from evaluations where log = $1 and organization_id = $2 order by period_to desc, period_from, place
"""


class OrganizationQueries:
    """Reads; nothing here is personal data, but for what plans say of teachers, which the log does not hold."""

    def __init__(self, database: Database, store: EventStore, *, clock: Clock) -> None:
        self._database = database
        self._aggregates = Aggregates(store, LOG)
        self._clock = clock

    async def get(self, by: Actor, organization_id: UUID) -> Organization:
        """An organization, for itself and for officials of any place. Raises NotFoundError."""
        own = organization_of(by.organization) == organization_id
        if not own and (by.organization is not None or by.place is None):
            raise NotFoundError
        async with self._database.acquire() as conn:
            return await self.organization(conn, organization_id)

    async def list_at(
        self, by: Actor, place: str, kind: str | None, *, after: str = "", limit: int | None = None
    ) -> Sequence[dict[str, object]]:
        """Organizations kept or filed at a place or under it, in order of their ids. Raises OutsidePlaceError."""
        by.must_cover(place)
        async with self._database.acquire() as conn:
            rows = await conn.fetch(_ORGANIZATIONS, LOG, after, kind)
            filed = {
                row["organization_id"]
                for row in await conn.fetch(_FILINGS, LOG, None)
                if contains(place, row["place"])
            }
        found = [
            dict(row) for row in rows if contains(place, row["place"]) or row["organization_id"] in filed
        ]
        return found if limit is None else found[:limit]

    async def get_document(self, by: Actor, document_id: UUID) -> dict[str, object]:
        """A plan or report with what was handed in last, for its organization and the bureaus concerned."""
        async with self._database.acquire() as conn:
            row = await conn.fetchrow(_DOCUMENT, LOG, str(document_id))
            if row is None or not _sees_document(by, row):
                raise NotFoundError
            content = await conn.fetchval(_CONTENT, LOG, str(document_id))
        return document_line(row) | {"content": msgspec.json.decode(content)}

    async def list_documents(self, by: Actor, organization_id: UUID) -> list[dict[str, object]]:
        """The plans and reports of an organization that the caller may see. Raises NotFoundError."""
        await self.get(by, organization_id)
        async with self._database.acquire() as conn:
            rows = await conn.fetch(_DOCUMENTS, LOG, str(organization_id))
        return [document_line(row) for row in rows if _sees_document(by, row)]

    async def list_evaluations(self, by: Actor, organization_id: UUID) -> list[dict[str, object]]:
        """The evaluations of an organization, for itself and for officials. Raises NotFoundError."""
        await self.get(by, organization_id)
        async with self._database.acquire() as conn:
            rows = await conn.fetch(_EVALUATIONS, LOG, str(organization_id))
        return [_evaluation(row) for row in rows]

    async def duties_at(self, by: Actor, place: str, year: int) -> list[Duty]:
        """What is owed with a last day in the year by those who train at the place or under it.

        Raises OutsidePlaceError.
        """
        by.must_cover(place)
        return await self._duties(None, year, place)

    async def duties_of(self, by: Actor, organization_id: UUID, year: int) -> list[Duty]:
        """What an organization owes, for itself; for an official as far as their place reaches. Raises NotFoundError."""
        await self.get(by, organization_id)
        place = None if by.organization is not None else by.place or ""
        return await self._duties(str(organization_id), year, place)

    async def _duties(self, organization_id: str | None, year: int, place: str | None) -> list[Duty]:
        async with self._database.acquire() as conn:
            filings = [Filing(**row) for row in await conn.fetch(_FILINGS, LOG, organization_id)]
            barred = [Barred(**row) for row in await conn.fetch(_BARRED, LOG, organization_id)]
            ahead = max(rule.years_ahead for rule in duties.rules())
            handed = [
                Handed(**row) for row in await conn.fetch(_HANDED, LOG, organization_id, year, year + ahead)
            ]
        if place is not None:
            filings = [filing for filing in filings if contains(place, filing.place)]
        return duties.duties_due_in(year, filings, barred, handed, self._today())

    def _today(self) -> date:
        return local_date(self._clock())

    async def organization(self, conn: Connection, organization_id: UUID) -> Organization:
        """The organization of an id. Raises NotFoundError."""
        found = (await self._aggregates.get_all(conn, Aggregate, [organization_id])).get(organization_id)
        if not isinstance(found, Organization):
            raise NotFoundError
        return found


def document_line(row: asyncpg.Record) -> dict[str, object]:
    """A row of `yearly_documents` with its last day and whether it came after it."""
    ruled = duties.rule_for(row["kind"], row["mode"], row["place"], row["year"])
    due_on = ruled and ruled[1]
    line = dict(row)
    for inside in ("log", "version", "submitted_by", "decided_by"):
        del line[inside]
    return line | {
        "due_on": due_on,
        "late": duties.was_late(row["first_submitted_at"], due_on),
        "clause": ruled and ruled[0].clause,
    }


def duty_views(found: Sequence[Duty]) -> dict[str, object]:
    """Duties with their counts, as answered."""
    return {"duties": [asdict(duty) for duty in found], "counts": duties.count(found)}


def _sees_document(by: Actor, row: asyncpg.Record) -> bool:
    return by.organization == row["organization_id"] or by.covers(row["reader"]) or by.covers(row["place"])


def _evaluation(row: asyncpg.Record) -> dict[str, object]:
    shown = dict(row) | {"scores": msgspec.json.decode(row["scores"])}
    del shown["log"], shown["organization_id"]
    return shown | {
        "points": sum(score["points"] for score in shown["scores"]),
        "points_max": sum(score["points_max"] for score in shown["scores"]),
    }
