"""Organizations: their registration, standing and evaluation, and what they owe each year."""

import hashlib
from collections.abc import Callable
from uuid import UUID

import msgspec

from services.kit.command import Question
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
from services.registry.streams.organization import Organization
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
