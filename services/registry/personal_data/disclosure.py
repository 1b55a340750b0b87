"""Disclosure and erasure of personal data: opened in full for a stated purpose, on record; destroyed with its key."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, get_args
from uuid import UUID

import msgspec

from contracts.disclosure import DisclosedPerson, Disclosures
from services.kit.audit import Audit
from services.kit.errors import NotFoundError
from services.kit.schemas import StrictModel
from services.registry.personal_data.erasure import ErasureReason
from services.registry.personal_data.vault import DETAILS, Vault
from services.registry.store.merge_chains import kept_profiles, must_not_be_merged
from services.registry.store.tables import LOG
from services.registry.streams.actor import Actor
from services.registry.streams.problems import OutsidePlaceError, PersonErasedError
from services.registry.streams.profile import FIELDS
from services.registry.web.routes import Place

UNMASK = "person:unmask"

Purpose = Literal[
    "case_review",
    "identity_verification",
    "complaint",
    "inspection",
    "legal_request",
    "correction",
    "delivery",
]
"""What personal data may be opened for: 办理审核, 核实身份, 投诉举报, 监督检查, 依法调取, 更正, 上报全国平台."""
PURPOSES = get_args(Purpose)

_WHERE = """
select place, merged_into from people where log = $1 and person_id = $2
union all select place, null from collections where log = $1 and person_id = $2 limit 1
"""


class Unmasking:
    """Opens personal data for a stated purpose."""

    def __init__(self, audit: Audit, vault: Vault) -> None:
        self._audit = audit
        self._vault = vault

    async def person(self, by: Actor, person_id: UUID, purpose: Purpose) -> dict[str, object]:
        """A person's identity and details, collected or not yet. Raises NotFoundError, PersonErasedError,
        PersonMergedError.
        """
        async with self._audit.reading(by, "person-in-full", person_id, purpose=purpose) as reading:
            found = await reading.conn.fetchrow(_WHERE, LOG, str(person_id))
            if found is None:
                raise NotFoundError
            reading.record.about(person_id, found["place"])
            if not by.covers(found["place"]):
                raise NotFoundError
            await must_not_be_merged(reading.conn, person_id, found["merged_into"])
            identity = await self._vault.open_identity(reading.conn, person_id)
            if identity is None:
                raise PersonErasedError
            texts = await self._vault.open_texts(reading.conn, person_id, [DETAILS])
            reading.record.fields = [*FIELDS, *texts]
        details: dict[str, object] = msgspec.json.decode(texts[DETAILS]) if DETAILS in texts else {}
        return {"person_id": str(person_id), "purpose": purpose, **vars(identity), "details": details}


DELIVER = "person:deliver"
DELIVERY = "delivery"

_WHERE_ALL = """
select person_id, place from people where log = $1 and person_id = any($2::text[])
"""


class DeliveryDisclosures:
    """Opens identities for a recipient."""

    def __init__(self, audit: Audit, vault: Vault) -> None:
        self._audit = audit
        self._vault = vault

    async def people(self, by: Actor, person_ids: Sequence[str], recipient: str) -> Disclosures:
        """An answer for each person, in order: the identity, or `not-found` or `person-erased`. Who was merged is called as
        the profile that they are part of.

        Raises OutsidePlaceError for who is bound to no place.
        """
        if by.place is None or by.organization is not None:
            raise OutsidePlaceError
        what = f"identity-for-{recipient}"
        async with self._audit.readings(by, what, person_ids, purpose=DELIVERY) as (conn, records):
            rows = await conn.fetch(_WHERE_ALL, LOG, list(person_ids))
            places = {row["person_id"]: row["place"] for row in rows}
            covered = [each for each, place in places.items() if by.covers(place)]
            called = {each: each for each in places} | await kept_profiles(conn, list(places))
            opened = await self._vault.open_identities(conn, [UUID(called[each]) for each in covered])
            answers = []
            for person_id, record in zip(person_ids, records, strict=True):
                if person_id in places:
                    record.about(person_id, places[person_id])
                identity = opened.get(UUID(called[person_id])) if person_id in covered else None
                if identity is not None:
                    record.fields = FIELDS
                    answers.append(DisclosedPerson(person_id=person_id, **vars(identity)))
                    continue
                problem = PersonErasedError if person_id in covered else NotFoundError
                record.result = problem.code
                answers.append(DisclosedPerson(person_id=person_id, problem=problem.code))
        return Disclosures(people=answers)


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
