"""Bodies of the routes on personal data: opening it and erasing it."""

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


class EvidenceReference(StrictModel):
    """A file a case may name. The digest is of the file as uploaded."""

    evidence_id: str
    sha256: str
    media_type: str
    size: int
    uploaded_at: datetime
