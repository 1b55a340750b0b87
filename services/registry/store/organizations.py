"""Rows of organizations: standing, yearly documents, evaluations, accounts and requests for them."""

from typing import Any

import msgspec

from services.kit.database import Connection
from services.registry.store.read_model import ReadModel
from services.registry.streams import account as requests
from services.registry.streams import organization as organizations
from services.registry.streams import yearly_document as documents

_REGISTER = """
insert into organizations (log, organization_id, name, uscc, kind, affiliation, place, registered_at)
values ($1, $2, $3, $4, $5, $6, $7, $8)
"""
_ACCREDIT = """
insert into accreditations
    (log, organization_id, number, place, years, modes, state, accredited_at, published_at)
select $1, $2, 1 + count(*), $3, $4, $5, $6, $7, $8 from accreditations where log = $1 and organization_id = $2
"""
_PUBLISH = """
update accreditations set state = $4, published_at = $5 where log = $1 and organization_id = $2 and number = $3
"""
_END = """
update accreditations set state = $4, ended_from = $5 where log = $1 and organization_id = $2 and number = $3
"""
_DISQUALIFY = """
insert into disqualifications (log, organization_id, version, place, from_date, reason, disqualified_at)
values ($1, $2, $3, $4, $5, $6, $7)
"""
_REINSTATE = """
update disqualifications set reinstated_from = $4
 where log = $1 and organization_id = $2 and place = $3 and reinstated_from is null
"""
_SUBMIT = """
insert into yearly_documents
    (log, document_id, version, organization_id, kind, mode, place, reader, year, state, first_submitted_at,
     submitted_at, submitted_by)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11, $12)
"""
_RESUBMIT = """
update yearly_documents
   set version = $3, state = $4, submitted_at = $5, submitted_by = $6, decided_at = null, decided_by = null,
       reason = null
 where log = $1 and document_id = $2
"""
_DECIDE = """
update yearly_documents set version = $3, state = $4, decided_at = $5, decided_by = $6, reason = $7
 where log = $1 and document_id = $2
"""
_EVALUATE = """
insert into evaluations
    (log, evaluation_id, organization_id, place, period_from, period_to, scores, evaluated_at)
values ($1, $2, $3, $4, $5, $6, $7, $8)
"""
_CORRECT = """
update evaluations set scores = $3, correction_reason = $4, corrected_at = $5
 where log = $1 and evaluation_id = $2
"""
_OPEN_ACCOUNT = """
insert into accounts (log, client_id, organization_id, place, scopes, state, registered_at)
values ($1, $2, $3, $4, $5, 'active', $6)
"""
_ROTATE = "update accounts set rotated_at = $3, overlap_until = $4 where log = $1 and client_id = $2"
_REVOKE = "update accounts set state = 'revoked', revoked_at = $3 where log = $1 and client_id = $2"
_REQUEST = """
insert into account_requests
    (log, request_id, version, organization_id, place, scope, state, requested_at, requested_by)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""
_CLOSE_REQUEST = """
update account_requests set version = $3, state = $4, decided_at = $5, client_id = $6, reason = $7
 where log = $1 and request_id = $2
"""


def _id(event: Any) -> str:
    return str(event.originator_id)


async def _on_registered(conn: Connection, log: str, event: Any) -> None:
    said = (event.name, event.uscc, event.kind, event.affiliation, event.place, event.timestamp)
    await conn.execute(_REGISTER, log, _id(event), *said)


async def _on_accredited(conn: Connection, log: str, event: Any) -> None:
    state = organizations.PUBLISHED if event.published else organizations.FILED
    since = event.timestamp if event.published else None
    said = (event.place, event.years, event.modes, state, event.timestamp, since)
    await conn.execute(_ACCREDIT, log, _id(event), *said)


async def _on_published(conn: Connection, log: str, event: Any) -> None:
    await conn.execute(_PUBLISH, log, _id(event), event.number, organizations.PUBLISHED, event.timestamp)


async def _on_ended(conn: Connection, log: str, event: Any) -> None:
    await conn.execute(_END, log, _id(event), event.number, organizations.ENDED, event.from_date)


async def _on_disqualified(conn: Connection, log: str, event: Any) -> None:
    said = (event.originator_version, event.place, event.from_date, event.reason, event.timestamp)
    await conn.execute(_DISQUALIFY, log, _id(event), *said)


async def _on_reinstated(conn: Connection, log: str, event: Any) -> None:
    await conn.execute(_REINSTATE, log, _id(event), event.place, event.from_date)


async def _on_submitted(conn: Connection, log: str, event: Any) -> None:
    await conn.execute(
        _SUBMIT,
        log,
        _id(event),
        event.originator_version,
        event.organization_id,
        event.kind,
        event.mode,
        event.place,
        event.reader,
        event.year,
        documents.SUBMITTED,
        event.timestamp,
        event.submitted_by,
    )


async def _on_resubmitted(conn: Connection, log: str, event: Any) -> None:
    said = (event.originator_version, documents.SUBMITTED, event.timestamp, event.submitted_by)
    await conn.execute(_RESUBMIT, log, _id(event), *said)


async def _on_accepted(conn: Connection, log: str, event: Any) -> None:
    said = (event.originator_version, documents.ACCEPTED, event.timestamp, event.accepted_by, None)
    await conn.execute(_DECIDE, log, _id(event), *said)


async def _on_returned(conn: Connection, log: str, event: Any) -> None:
    said = (event.originator_version, documents.RETURNED, event.timestamp, event.returned_by, event.reason)
    await conn.execute(_DECIDE, log, _id(event), *said)


async def _on_evaluated(conn: Connection, log: str, event: Any) -> None:
    said = (event.organization_id, event.place, event.period_from, event.period_to)
    await conn.execute(_EVALUATE, log, _id(event), *said, _json(event.scores), event.timestamp)


async def _on_corrected(conn: Connection, log: str, event: Any) -> None:
    await conn.execute(_CORRECT, log, _id(event), _json(event.scores), event.reason, event.timestamp)


async def _on_client(conn: Connection, log: str, event: Any) -> None:
    said = (event.organization, event.place, event.scopes, event.timestamp)
    await conn.execute(_OPEN_ACCOUNT, log, _id(event), *said)


async def _on_rotated(conn: Connection, log: str, event: Any) -> None:
    await conn.execute(_ROTATE, log, _id(event), event.timestamp, event.overlap_until)


async def _on_revoked(conn: Connection, log: str, event: Any) -> None:
    await conn.execute(_REVOKE, log, _id(event), event.timestamp)


async def _on_requested(conn: Connection, log: str, event: Any) -> None:
    said = (
        event.originator_version,
        event.organization_id,
        event.place,
        " ".join(event.scopes),
        requests.REQUESTED,
    )
    await conn.execute(_REQUEST, log, _id(event), *said, event.timestamp, event.requested_by)


async def _on_granted(conn: Connection, log: str, event: Any) -> None:
    said = (event.originator_version, requests.GRANTED, event.timestamp, event.client_id, None)
    await conn.execute(_CLOSE_REQUEST, log, _id(event), *said)


async def _on_refused(conn: Connection, log: str, event: Any) -> None:
    said = (event.originator_version, requests.REFUSED, event.timestamp, None, event.reason)
    await conn.execute(_CLOSE_REQUEST, log, _id(event), *said)


def _json(value: Any) -> str:
    return msgspec.json.encode(value, order="deterministic").decode()


def organization_read_models() -> list[ReadModel]:
    """The read models of organizations, one table each."""
    return [
        ReadModel("organizations", {"registry.OrganizationRegistered": _on_registered}),
        ReadModel(
            "accreditations",
            {
                "registry.ProviderAccredited": _on_accredited,
                "registry.AccreditationPublished": _on_published,
                "registry.AccreditationEnded": _on_ended,
            },
        ),
        ReadModel(
            "disqualifications",
            {
                "registry.ProviderDisqualified": _on_disqualified,
                "registry.ProviderReinstated": _on_reinstated,
            },
        ),
        ReadModel(
            "yearly_documents",
            {
                "registry.YearlyDocumentSubmitted": _on_submitted,
                "registry.YearlyDocumentResubmitted": _on_resubmitted,
                "registry.YearlyDocumentAccepted": _on_accepted,
                "registry.YearlyDocumentReturned": _on_returned,
            },
        ),
        ReadModel(
            "evaluations",
            {"registry.ProviderEvaluated": _on_evaluated, "registry.EvaluationCorrected": _on_corrected},
        ),
        ReadModel(
            "accounts",
            {
                "registry.ClientRegistered": _on_client,
                "registry.ClientSecretRotated": _on_rotated,
                "registry.ClientRevoked": _on_revoked,
            },
        ),
        ReadModel(
            "account_requests",
            {
                "registry.AccountRequested": _on_requested,
                "registry.AccountGranted": _on_granted,
                "registry.AccountRefused": _on_refused,
            },
        ),
    ]
