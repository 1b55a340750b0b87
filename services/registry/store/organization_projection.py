"""The read models of organizations: standing, yearly documents, evaluations, accounts and requests for them."""

from typing import Any

import msgspec

from services.registry.store.read_model import (
    AT,
    ID,
    NONE,
    PLACE,
    REASON,
    VERSION,
    ReadModel,
    const,
    decided,
    field,
    insert,
    run,
    update,
)
from services.registry.streams import account, organization, yearly_document

_ACCREDITATION = {"organization_id": ID, "number": field("number")}
_ACCREDITATIONS = ReadModel(
    "accreditations",
    ProviderAccredited=run(
        """
        insert into accreditations
            (log, organization_id, number, place, years, modes, state, accredited_at, published_at)
        select $1, $2, 1 + count(*), $3, $4, $5, $6, $7, $8 from accreditations where log = $1 and organization_id = $2
        """,
        ID,
        PLACE,
        field("years"),
        field("modes"),
        lambda event: organization.PUBLISHED if event.published else organization.FILED,
        AT,
        lambda event: event.timestamp if event.published else None,
    ),
    AccreditationPublished=update(
        "accreditations", _ACCREDITATION, state=const(organization.PUBLISHED), published_at=AT
    ),
    AccreditationEnded=update(
        "accreditations",
        _ACCREDITATION,
        state=const(organization.ENDED),
        ended_from=field("from_date"),
    ),
)
_DISQUALIFICATIONS = ReadModel(
    "disqualifications",
    ProviderDisqualified=insert(
        "disqualifications",
        "place from_date reason",
        organization_id=ID,
        version=VERSION,
        disqualified_at=AT,
    ),
    ProviderReinstated=run(
        """
        update disqualifications set reinstated_from = $4
         where log = $1 and organization_id = $2 and place = $3 and reinstated_from is null
        """,
        ID,
        PLACE,
        field("from_date"),
    ),
)
_YEARLY_DOCUMENTS = ReadModel(
    "yearly_documents",
    YearlyDocumentSubmitted=insert(
        "yearly_documents",
        "organization_id kind mode place reader year submitted_by",
        document_id=ID,
        version=VERSION,
        state=const(yearly_document.SUBMITTED),
        first_submitted_at=AT,
        submitted_at=AT,
    ),
    YearlyDocumentResubmitted=update(
        "yearly_documents",
        {"document_id": ID},
        "submitted_by",
        version=VERSION,
        state=const(yearly_document.SUBMITTED),
        submitted_at=AT,
        decided_at=NONE,
        decided_by=NONE,
        reason=NONE,
    ),
    YearlyDocumentAccepted=decided(
        "yearly_documents", "document_id", yearly_document.ACCEPTED, "accepted_by"
    ),
    YearlyDocumentReturned=decided(
        "yearly_documents", "document_id", yearly_document.RETURNED, "returned_by", reason=REASON
    ),
)


def _scores(event: Any) -> str:
    return msgspec.json.encode(event.scores, order="deterministic").decode()


_EVALUATIONS = ReadModel(
    "evaluations",
    ProviderEvaluated=insert(
        "evaluations",
        "organization_id place period_from period_to",
        evaluation_id=ID,
        scores=_scores,
        evaluated_at=AT,
    ),
    EvaluationCorrected=update(
        "evaluations", {"evaluation_id": ID}, scores=_scores, correction_reason=REASON, corrected_at=AT
    ),
)
_CLIENT = {"client_id": ID}
_ACCOUNTS = ReadModel(
    "accounts",
    ClientRegistered=insert(
        "accounts",
        "place scopes",
        client_id=ID,
        organization_id=field("organization"),
        state=const("active"),
        registered_at=AT,
    ),
    ClientSecretRotated=update("accounts", _CLIENT, "overlap_until", rotated_at=AT),
    ClientRevoked=update("accounts", _CLIENT, state=const("revoked"), revoked_at=AT),
)
_REQUEST = {"request_id": ID}
_ACCOUNT_REQUESTS = ReadModel(
    "account_requests",
    AccountRequested=insert(
        "account_requests",
        "organization_id place requested_by",
        request_id=ID,
        version=VERSION,
        scope=lambda event: " ".join(event.scopes),
        state=const(account.REQUESTED),
        requested_at=AT,
    ),
    AccountGranted=update(
        "account_requests",
        _REQUEST,
        "client_id",
        version=VERSION,
        state=const(account.GRANTED),
        decided_at=AT,
    ),
    AccountRefused=update(
        "account_requests",
        _REQUEST,
        "reason",
        version=VERSION,
        state=const(account.REFUSED),
        decided_at=AT,
    ),
)

ORGANIZATION_MODELS = (
    ReadModel(
        "organizations",
        OrganizationRegistered=insert(
            "organizations", "name uscc kind affiliation place", organization_id=ID, registered_at=AT
        ),
    ),
    _ACCREDITATIONS,
    _DISQUALIFICATIONS,
    _YEARLY_DOCUMENTS,
    _EVALUATIONS,
    _ACCOUNTS,
    _ACCOUNT_REQUESTS,
)
