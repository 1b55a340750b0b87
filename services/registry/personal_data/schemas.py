"""Bodies of the routes on personal data: opening it, erasing it, and reading what is on record of either."""

from datetime import datetime

from services.kit.schemas import StrictModel
from services.registry.personal_data.disclosure import Purpose
from services.registry.personal_data.erasure import ErasureReason
from services.registry.web.fields import Place


class UnmaskingRequest(StrictModel):
    """What a person's data is needed for."""

    purpose: Purpose


class PersonInFull(StrictModel):
    """A person's identity, contact, education and certificates as handed in."""

    person_id: str
    purpose: Purpose
    id_type: str
    id_number: str
    name: str
    details: dict[str, object]


class ErasureRequest(StrictModel):
    """Why a person is made unreadable, and which authority decided it."""

    reason: ErasureReason
    authority: Place


class ErasureOutcome(StrictModel):
    """The erasure, which says nothing of whom it was."""

    person_id: str
    reason: ErasureReason
    erased_at: datetime


class AuditRecord(StrictModel):
    """One reading of personal data, or a refusal: `result` is `shown` or the code of the problem."""

    disclosure_id: str
    at: datetime
    caller: str
    organization: str | None
    what: str
    subject: str | None
    purpose: str
    person_id: str | None
    fields: list[str]
    count: int
    place: str | None
    result: str


class AuditPage(StrictModel):
    """Readings, newest first; `next_before` asks for older ones."""

    records: list[AuditRecord]
    next_before: str | None


class EvidenceReference(StrictModel):
    """A file a case may name. The digest is of the file as uploaded."""

    evidence_id: str
    sha256: str
    media_type: str
    size: int
    uploaded_at: datetime
