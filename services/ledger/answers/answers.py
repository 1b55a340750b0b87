"""The shapes of the ledger's answers to questions."""

from datetime import date, datetime
from decimal import Decimal

from msgspec import UNSET, Struct, UnsetType

from services.ledger.answers.next_steps import NextStep
from services.ledger.answers.provenance import CountedCredit
from services.ledger.answers.purposes import PurposeAnswer
from services.ledger.claims.events import Evidence
from services.ledger.intake.outcomes import Outcome
from services.ledger.policy import Assessment


class ComplianceAnswer(Assessment, frozen=True, kw_only=True):
    """An assessment, with the person, and the log and position it is an answer as of.

    `as_of` is the moment whose knowledge was used, None for everything the ledger knows now. `judged_by` is the place whose
    authority judged the year before the person moved, None when this log judges it; `moved_to` says where the person has
    left for, when the answer comes from what the log keeps of them (A-13). `made_up` says that make-up study is among what
    meets the year (A-08). `purpose`, `credits` and `next_steps` are there when asked for.
    """

    person_id: str
    log: str
    position: int
    as_of: datetime | None = None
    judged_by: str | None = None
    moved_to: str | None = None
    made_up: bool = False
    purpose: PurposeAnswer | UnsetType = UNSET
    credits: tuple[CountedCredit, ...] | UnsetType = UNSET
    next_steps: tuple[NextStep, ...] | UnsetType = UNSET


class Absent(Struct, frozen=True, kw_only=True):
    """A person of a query, by place in it, whom no log open to the caller holds; `problem` is the problem's code."""

    index: int
    problem: str


class ClaimAnswer(Struct, frozen=True, kw_only=True):
    """A claim as it stands."""

    claim_id: str
    person_id: str
    place: str
    year: int
    form: str
    happened_on: date
    role: str | None
    quantity: Decimal
    credits: Decimal
    category: str
    clause: str
    state: str
    reason: str | None
    submitted_at: datetime
    decided_at: datetime | None
    credit_id: str | None
    evidence: list[Evidence]


class ClaimQueue(Struct, frozen=True, kw_only=True):
    """A page of a queue; `next` continues it, null at the end."""

    results: list[ClaimAnswer]
    next: str | None


class BatchAnswer(Struct, frozen=True):
    """The answer to a batch: `results` mirrors the batch, `summary` counts the outcomes."""

    results: list[Outcome]
    summary: dict[str, int]


class ComplianceQueryAnswer(Struct, frozen=True):
    """The answers to a query, in the order of its persons; null for those listed as absent."""

    results: list[ComplianceAnswer | None]
    absent: list[Absent]
