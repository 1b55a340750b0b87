"""Organizations: their registration, standing and evaluation, and what they owe each year."""

import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from services.kit.database import Connection
from services.kit.idempotency import CommandKey, StoredAnswer
from services.registry.organizations.commands import (
    AccreditProvider,
    CorrectEvaluation,
    DecideYearlyDocument,
    DisqualifyProvider,
    EndAccreditation,
    EvaluateProvider,
    PublishAccreditation,
    RegisterOrganization,
    ReinstateProvider,
    SubmitYearlyDocument,
)
from services.registry.store.commands import Commands, Decided
from services.registry.store.tables import LOG
from services.registry.streams import evaluation as evaluations
from services.registry.streams import organization as identities
from services.registry.streams import yearly_document as documents
from services.registry.streams.evaluation import Evaluation
from services.registry.streams.organization import Organization
from services.registry.streams.problems import EvaluationExistsError, OrganizationExistsError
from services.registry.streams.yearly_document import YearlyDocument
from services.registry.worklists.worklists import end_hold, must_not_be_held

_KEEP_CONTENT = "insert into yearly_contents (log, document_id, version, content) values ($1, $2, $3, $4)"

Standing = AccreditProvider | PublishAccreditation | EndAccreditation | DisqualifyProvider | ReinstateProvider
"""The commands on the standing of an organization: their fields are the words of the aggregate's methods."""
_DECISIONS: dict[type[Any], Callable[..., None]] = {
    AccreditProvider: Organization.accredit,
    PublishAccreditation: Organization.publish,
    EndAccreditation: Organization.end,
    DisqualifyProvider: Organization.disqualify,
    ReinstateProvider: Organization.reinstate,
}


class Organizations(Commands):
    """Carries out the commands on organizations."""

    async def register(self, command: RegisterOrganization, key: CommandKey) -> StoredAnswer:
        """Register. Raises OutsidePlaceError, OrganizationExistsError."""

        async def decide(conn: Connection, now: datetime) -> Decided:
            organization = Organization.register(**vars(command), at=now)
            identity = identities.identity_of(command.uscc)
            found = await self._store.by_identity(conn, LOG, [identity])
            if found:
                raise OrganizationExistsError(found[identity].stream_id)
            return Decided(organization, 201, {"organization_id": str(organization.id)})

        return await self._once(key, decide)

    async def change_standing(self, command: Standing, key: CommandKey) -> StoredAnswer:
        """File, publish, end, disqualify or reinstate. Raises what the method of `Organization` does."""

        async def decide(conn: Connection, now: datetime) -> Decided:
            organization = await self._get(conn, Organization, command.organization_id)
            said = {name: value for name, value in vars(command).items() if name != "organization_id"}
            _DECISIONS[type(command)](organization, **said, at=now)
            return Decided(organization, 201, {"organization_id": str(organization.id)})

        return await self._once(key, decide)

    async def evaluate(self, command: EvaluateProvider, key: CommandKey) -> StoredAnswer:
        """Score. Raises what `Evaluation.record` does, and EvaluationExistsError."""

        async def decide(conn: Connection, now: datetime) -> Decided:
            organization = await self._get(conn, Organization, command.organization_id)
            evaluation = Evaluation.record(
                organization,
                place=command.place,
                period_from=command.period_from,
                period_to=command.period_to,
                scores=command.scores,
                by=command.by,
                at=now,
            )
            identity = evaluations.identity_of(
                str(organization.id), command.place, command.period_from, command.period_to
            )
            found = await self._store.by_identity(conn, LOG, [identity])
            if found:
                raise EvaluationExistsError(found[identity].stream_id)
            return Decided(evaluation, 201, {"evaluation_id": str(evaluation.id)})

        return await self._once(key, decide)

    async def correct_evaluation(self, command: CorrectEvaluation, key: CommandKey) -> StoredAnswer:
        """Correct. Raises what `Evaluation.correct` does."""

        async def decide(conn: Connection, now: datetime) -> Decided:
            evaluation = await self._get(conn, Evaluation, command.evaluation_id)
            evaluation.correct(scores=command.scores, reason=command.reason, by=command.by, at=now)
            return Decided(evaluation, 200, {"evaluation_id": str(evaluation.id)})

        return await self._once(key, decide)

    async def submit_document(self, command: SubmitYearlyDocument, key: CommandKey) -> StoredAnswer:
        """Hand in, or again after a return. Raises what `YearlyDocument.submit` and `resubmit` do."""

        async def decide(conn: Connection, now: datetime) -> Decided:
            organization = await self._get(conn, Organization, command.organization_id)
            content = msgspec.json.encode(command.content, order="deterministic").decode()
            document = await self._submitted(conn, organization, command, _hash_of(content), now)
            await conn.execute(_KEEP_CONTENT, LOG, str(document.id), document.version, content)
            return Decided(document, 201, _document_body(document))

        return await self._once(key, decide)

    async def decide_document(self, command: DecideYearlyDocument, key: CommandKey) -> StoredAnswer:
        """Accept, or return with a reason. Raises CaseHeldError, and what `YearlyDocument.accept` does."""

        async def decide(conn: Connection, now: datetime) -> Decided:
            document = await self._get(conn, YearlyDocument, command.document_id)
            await must_not_be_held(conn, str(document.id), command.by, now)
            if command.reason is None:
                document.accept(by=command.by, at=now)
            else:
                document.return_to_submitter(reason=command.reason, by=command.by, at=now)
            await end_hold(conn, str(document.id))
            return Decided(document, 200, _document_body(document))

        return await self._once(key, decide)

    async def _submitted(
        self,
        conn: Connection,
        organization: Organization,
        command: SubmitYearlyDocument,
        content_hash: str,
        now: datetime,
    ) -> YearlyDocument:
        identity = documents.identity_of(
            str(organization.id), command.kind, command.mode, command.place, command.year
        )
        known = await self._store.by_identity(conn, LOG, [identity])
        if known:
            document = await self._get(conn, YearlyDocument, UUID(known[identity].stream_id))
            document.resubmit(content_hash=content_hash, by=command.by, at=now)
            return document
        return YearlyDocument.submit(
            organization,
            kind=command.kind,
            mode=command.mode,
            place=command.place,
            year=command.year,
            content_hash=content_hash,
            by=command.by,
            at=now,
        )


def _hash_of(content: str) -> str:
    return f"sha256:{hashlib.sha256(content.encode()).hexdigest()}"


def _document_body(document: YearlyDocument) -> dict[str, Any]:
    return {"document_id": str(document.id), "state": document.state}
