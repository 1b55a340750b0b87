"""What may be asked about revocations: imperative, immutable, complete. The reasons are pinned, as feeds carry them."""

from datetime import date
from typing import Literal

from msgspec import Struct

RevocationReason = Literal[
    "cheating",
    "proxy_study",
    "wrong_record",
    "wrong_person",
    "false_proof",
    "duplicate",
    "provider_disqualified",
]
"""Cheating and study by another (S1-21); what was recorded wrongly, for another person, or twice; proof that is not true; a
provider that lost its standing (A-12)."""


class RevokeCredit(Struct, frozen=True, kw_only=True):
    """An authority revokes a credit of a person it answers for (S1-21)."""

    person_id: str
    year: int
    credit_id: str
    reason: RevocationReason
    authority: str
    decided_by: str


class RevokeOfProvider(Struct, frozen=True, kw_only=True):
    """An authority revokes what a disqualified provider reported for a year, of studies completed in a span of days (A-12).

    `after` is the place and person up to whom it has been done, so that a province is done piece by piece.
    """

    provider_id: str
    place: str
    year: int
    completed_from: date | None
    completed_until: date | None
    after: str | None
    limit: int
    decided_by: str
