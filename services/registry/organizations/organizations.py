"""Organizations: their registration, standing and evaluation, and what they owe each year."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import date
from uuid import UUID

import asyncpg
import msgspec

from contracts.divisions import contains
from services.kit.aggregates import Aggregate, Aggregates
from services.kit.clock import Clock, local_date
from services.kit.command import Question
from services.kit.database import Connection, Database
from services.kit.errors import NotFoundError
from services.kit.event_store import EventStore
from services.registry.organizations import duties
from services.registry.organizations.duties import Barred, Duty, Filing, Handed
from services.registry.organizations.schemas import (
    CorrectionRequest,
    DocumentReturnRequest,
    EvaluationRequest,
    FaceToFacePlan,
    OnlinePlan,
    OrganizationRequest,
    YearlyReport,
)
from services.registry.store.commands import Commands, Unit, command
from services.registry.store.tables import LOG
from services.registry.streams.actor import Actor
from services.registry.streams.evaluation import Evaluation
from services.registry.streams.organization import Organization, organization_of
from services.registry.streams.problems import EvaluationExistsError, OrganizationExistsError
from services.registry.streams.yearly_document import YearlyDocument
from services.registry.worklists.worklists import end_hold, must_not_be_held

CODE = Question("organizations", "organization_id", {"uscc": "text"})
"""The organization of a unified social credit code."""
EVALUATED = Question(
    "evaluations",
    "evaluation_id",
    {"organization_id": "text", "place": "text", "period_from": "date", "period_to": "date"},
)
"""An authority's evaluation of an organization for a period."""
HANDED_IN = Question(
    "yearly_documents",
    "document_id",
    {"organization_id": "text", "kind": "text", "mode": "text", "place": "text", "year": "int"},
)
"""An organization's plan or report of a year, mode and place."""

_KEEP_CONTENT = "insert into yearly_contents (log, document_id, version, content) values ($1, $2, $3, $4)"

Content = OnlinePlan | FaceToFacePlan | YearlyReport


class Organizations(Commands):
    """Carries out the commands on organizations."""

    @command(201)
    async def register(self, unit: Unit, by: Actor, body: OrganizationRequest) -> dict[str, str]:
        """Register. Raises OutsidePlaceError, OrganizationExistsError."""
        organization = Organization.register(**body.model_dump(), by=by, at=unit.now)
        known = await unit.find(CODE, body.uscc)
        if known is not None:
            raise OrganizationExistsError(known)
        unit.keep(organization)
        return {"organization_id": str(organization.id)}

    @command(201)
    async def change_standing(
        self, unit: Unit, /, by: Actor, organization_id: UUID, decide: Callable[..., None], **said: object
    ) -> dict[str, str]:
        """File, publish, end, disqualify or reinstate, as the method of `Organization` does; raises what it does."""
        organization = await unit.get(Organization, organization_id)
        decide(organization, **said, by=by, at=unit.now)
        unit.keep(organization)
        return {"organization_id": str(organization.id)}

    @command(201)
    async def evaluate(
        self, unit: Unit, by: Actor, organization_id: UUID, body: EvaluationRequest
    ) -> dict[str, str]:
        """Score. Raises what `Evaluation.record` does, and EvaluationExistsError."""
        organization = await unit.get(Organization, organization_id)
        evaluation = Evaluation.record(organization, **body.model_dump(), by=by, at=unit.now)
        key = (str(organization_id), body.place, body.period_from, body.period_to)
        known = await unit.find(EVALUATED, *key)
        if known is not None:
            raise EvaluationExistsError(known)
        unit.keep(evaluation)
        return {"evaluation_id": str(evaluation.id)}

    @command()
    async def correct_evaluation(
        self, unit: Unit, by: Actor, evaluation_id: UUID, body: CorrectionRequest
    ) -> dict[str, str]:
        """Correct. Raises what `Evaluation.correct` does."""
        evaluation = await unit.get(Evaluation, evaluation_id)
        evaluation.correct(**body.model_dump(), by=by, at=unit.now)
        unit.keep(evaluation)
        return {"evaluation_id": str(evaluation.id)}

    @command(201)
    async def submit_document(
        self, unit: Unit, by: Actor, organization_id: UUID, kind: str, mode: str, body: Content
    ) -> dict[str, str]:
        """Hand in, or again after a return. Raises what `YearlyDocument.submit` and `resubmit` do."""
        organization = await unit.get(Organization, organization_id)
        content = msgspec.json.encode(body.model_dump(mode="json"), order="deterministic").decode()
        content_hash = f"sha256:{hashlib.sha256(content.encode()).hexdigest()}"
        known = await unit.find(HANDED_IN, str(organization_id), kind, mode, body.place, body.year)
        if known is None:
            document = YearlyDocument.submit(
                organization,
                kind=kind,
                mode=mode,
                place=body.place,
                year=body.year,
                content_hash=content_hash,
                by=by,
                at=unit.now,
            )
        else:
            document = await unit.get(YearlyDocument, UUID(known))
            document.resubmit(content_hash=content_hash, by=by, at=unit.now)
        await unit.conn.execute(_KEEP_CONTENT, LOG, str(document.id), document.version, content)
        unit.keep(document)
        return _outcome(document)

    @command()
    async def decide_document(
        self, unit: Unit, by: Actor, document_id: UUID, step: str, body: DocumentReturnRequest | None = None
    ) -> dict[str, str]:
        """Accept, or return with a reason. Raises CaseHeldError, and what `YearlyDocument.accept` does."""
        document = await unit.get(YearlyDocument, document_id)
        await must_not_be_held(unit.conn, str(document.id), by, unit.now)
        if body is None:
            document.accept(by=by, at=unit.now)
        else:
            document.return_to_submitter(reason=body.reason, by=by, at=unit.now)
        await end_hold(unit.conn, str(document.id))
        unit.keep(document)
        return _outcome(document)


def _outcome(document: YearlyDocument) -> dict[str, str]:
    return {"document_id": str(document.id), "state": document.state}


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
    return {"items": [asdict(duty) for duty in found], "counts": duties.count(found)}


def _sees_document(by: Actor, row: asyncpg.Record) -> bool:
    return by.organization == row["organization_id"] or by.covers(row["reader"]) or by.covers(row["place"])


def _evaluation(row: asyncpg.Record) -> dict[str, object]:
    shown = dict(row) | {"scores": msgspec.json.decode(row["scores"])}
    del shown["log"], shown["organization_id"]
    return shown | {
        "points": sum(score["points"] for score in shown["scores"]),
        "points_max": sum(score["points_max"] for score in shown["scores"]),
    }
