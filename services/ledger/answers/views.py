"""Views of compliance: the answer to a question, and to many at once."""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import UNSET, Struct, UnsetType
from pydantic import Field

from services.kit.schemas import Day, StrictModel
from services.ledger.answers.next_steps import NextStep
from services.ledger.answers.provenance import CountedCredit
from services.ledger.answers.purposes import PurposeAnswer
from services.ledger.policy import Assessment
from services.ledger.policy.language.facts import ACCOUNTING
from services.ledger.web import CreditYear, Identity, OpaqueId


class ComplianceQuery(StrictModel):
    """Up to 1,000 persons, by id or by ID number and name; the answers come in the same order."""

    year: CreditYear
    persons: Annotated[list[OpaqueId] | None, Field(min_length=1, max_length=1000)] = None
    identities: Annotated[list[Identity] | None, Field(min_length=1, max_length=1000)] = None
    on: Day | None = None
    purpose: Annotated[str | None, Field(pattern=r"^[a-z][a-z0-9_]{0,59}$")] = None
    include: Annotated[list[Literal["credits", "next_steps"]], Field(max_length=4, default_factory=list)]


class ComplianceAnswer(Assessment, frozen=True, kw_only=True):
    """An assessment, with the person, and the log and position it is an answer as of.

    `as_of` is the moment whose knowledge was used, None for everything the ledger knows now. `judged_by` is the place whose
    authority judged the year before the person moved, None when this log judges it; `moved_to` says where the person has
    left for, when the answer comes from what the log keeps of them (A-13). `made_up` says that make-up study is among what
    meets the year (A-08). `regime` is the duty that was asked about. `purpose`,
    `credits` and `next_steps` are there when asked for.
    """

    person_id: str
    regime: str = ACCOUNTING
    log: str
    position: int
    as_of: datetime | None = None
    judged_by: str | None = None
    moved_to: str | None = None
    made_up: bool = False
    purpose: PurposeAnswer | UnsetType = UNSET
    credits: tuple[CountedCredit, ...] | UnsetType = UNSET
    next_steps: tuple[NextStep, ...] | UnsetType = UNSET


class Absent(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A person of a query, by place in it, whom no log open to the caller holds; `problem` is the problem's code,
    `merged_into` the profile that this one is part of now.
    """

    index: int
    problem: str
    merged_into: str | None = None


class ComplianceQueryAnswer(Struct, frozen=True):
    """The answers to a query, in the order of its persons; null for those listed as absent."""

    results: list[ComplianceAnswer | None]
    absent: list[Absent]
