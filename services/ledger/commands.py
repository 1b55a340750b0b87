"""What may be asked of the ledger besides posting records: imperative, immutable, complete."""

from datetime import date
from decimal import Decimal
from typing import Literal

from msgspec import Struct

from contracts.divisions import contains
from services.ledger.claims.events import Evidence
from services.ledger.policy import Category
from services.ledger.policy.judging.awards import Role

WithdrawalReason = Literal["reported_in_error", "wrong_person", "wrong_year", "wrong_credits", "refunded"]


class WithdrawRecord(Struct, frozen=True, kw_only=True):
    """A provider takes back a record of its own, registered or held."""

    kind: Literal["completion", "enrolment"]
    log: str
    provider_id: str
    record_id: str
    reason: WithdrawalReason


ClaimReason = Literal[
    "evidence_missing",
    "evidence_unclear",
    "wrong_year",
    "wrong_form",
    "not_recognised",
    "counted_already",
    "other",
]


class Actor(Struct, frozen=True, kw_only=True):
    """Who asks: an official of a place, an organization, or a portal that speaks for people when bound to neither."""

    subject: str
    place: str | None = None
    organization: str | None = None

    def covers(self, place: str) -> bool:
        """Whether the actor is an official whose place contains this one."""
        return self.place is not None and contains(self.place, place)


class SubmitClaim(Struct, frozen=True, kw_only=True):
    """Claim credits for an activity of a person (S0-12, S1-12). `facts` are the evidence keys of the form.

    For proven study (form "study"): its mode, its category in `studied`, its credits in `quantity`.
    """

    person_id: str
    year: int
    form: str
    happened_on: date
    facts: dict[str, str]
    evidence: tuple[Evidence, ...]
    quantity: Decimal = Decimal(1)
    mode: str = "equivalence"
    studied: Category | None = None
    special_reason: bool = False
    role: Role | None = None
    result_on: date | None = None
    document_on: date | None = None
    score: Decimal | None = None
    sat_in: str | None = None
