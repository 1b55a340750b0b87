"""A person's name, number and contact in full: for an official who says what for, and on record."""

from typing import Any, Literal, get_args
from uuid import UUID

import msgspec

from services.kit.errors import NotFoundError
from services.registry.actors import Actor
from services.registry.personal_data.audit import Audit
from services.registry.personal_data.problems import PersonErasedError
from services.registry.personal_data.vault import FIELDS, Vault
from services.registry.tables import LOG

SCOPE = "person:unmask"
DETAILS = "details"

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
select place from people where log = $1 and person_id = $2
union all select place from collections where log = $1 and person_id = $2 limit 1
"""


class Unmasking:
    """Opens personal data for a stated purpose."""

    def __init__(self, audit: Audit, vault: Vault) -> None:
        self._audit = audit
        self._vault = vault

    async def person(self, by: Actor, person_id: UUID, purpose: Purpose) -> dict[str, Any]:
        """A person's identity and details, collected or not yet. Raises NotFoundError, PersonErasedError."""
        async with self._audit.reading(by, "person-in-full", person_id, purpose=purpose) as reading:
            place = await reading.conn.fetchval(_WHERE, LOG, str(person_id))
            if place is None:
                raise NotFoundError
            reading.record.about(person_id, place)
            if not by.covers(place):
                raise NotFoundError
            identity = await self._vault.open_identity(reading.conn, person_id)
            if identity is None:
                raise PersonErasedError
            texts = await self._vault.open_texts(reading.conn, person_id, [DETAILS])
            reading.record.fields = [*FIELDS, *texts]
        details: dict[str, Any] = msgspec.json.decode(texts[DETAILS]) if DETAILS in texts else {}
        return {"person_id": str(person_id), "purpose": purpose, **vars(identity), "details": details}
