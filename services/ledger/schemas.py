"""Bodies of the ledger's commands and questions."""

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from services.kit.field_errors import refuse
from services.kit.schemas import Day, StrictModel
from services.ledger.commands import ClaimReason, WithdrawalReason
from services.ledger.policy.language.categories import CATEGORY_PATTERN
from services.ledger.years.admitting import CorrectionReason

Adcode = Annotated[str, Field(pattern=r"^[1-9][0-9]{5}$", description="GB/T 2260 code.")]
CreditYear = Annotated[int, Field(ge=2000, le=2100)]
CategoryText = Annotated[
    str,
    Field(
        pattern=f"{CATEGORY_PATTERN}$",
        description="A category the policy of the place knows, nested by slashes.",
        examples=["professional"],
    ),
]
OpaqueId = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$")]


def _plausible(day: date) -> date:
    if not 1990 <= day.year <= 2101:
        raise refuse("out_of_range", "日期不在合理范围", "The date is out of range")
    return day


PlausibleDay = Annotated[Day, AfterValidator(_plausible)]


class Withdrawal(StrictModel):
    """Why a provider takes a record back; `authority` where it reports to several."""

    reason: WithdrawalReason
    authority: Adcode | None = None


class IdentityNumber(StrictModel):
    """An ID document's type and number."""

    id_type: Literal["resident_id", "hk_macau_permit", "taiwan_permit", "passport", "officer_card"]
    id_number: Annotated[str, Field(pattern=r"^[^\x00-\x20\x7f]{4,40}$")]


class ComplianceQuery(StrictModel):
    """Up to 1,000 persons, by id or by ID number; the answers come in the same order."""

    year: CreditYear
    persons: Annotated[list[OpaqueId] | None, Field(min_length=1, max_length=1000)] = None
    identities: Annotated[list[IdentityNumber] | None, Field(min_length=1, max_length=1000)] = None
    on: Day | None = None
    purpose: Annotated[str | None, Field(pattern=r"^[a-z][a-z0-9_]{0,59}$")] = None
    include: Annotated[list[Literal["credits", "next_steps"]], Field(max_length=4, default_factory=list)]


class PolicyPublication(StrictModel):
    """A notice as data, as `contracts/policy.schema.json` describes it."""

    notice: dict[str, Any]


class EvidenceFile(StrictModel):
    """A file that proves the claim, by its hash."""

    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    media_type: Literal["application/pdf", "image/jpeg", "image/png"]


DocumentDay = Annotated[
    PlausibleDay | None,
    Field(
        description="The day of the admission document or the graduation certificate, where the year follows from it."
    ),
]
Score = Annotated[
    str | None,
    Field(
        pattern=r"^(?:0|[1-9][0-9]{0,3})(?:\.[0-9]{1,2})?$",
        description="The points reached, where the policy converts by score.",
        examples=["72.5"],
    ),
]
SatIn = Annotated[
    str | None,
    Field(
        pattern=r"^[1-9][0-9]{5}$",
        description="Where an exam was sat, by division code: it may decide by which route it is registered (S2B-09).",
    ),
]


class ClaimBody(StrictModel):
    """What is claimed. `fact` holds what tells the fact from another: exam, subject and sitting; CN number, issue and title;
    ISBN; and so on by form."""

    year: CreditYear
    form: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,59}$", examples=["exam_subject"])]
    happened_on: PlausibleDay
    result_on: PlausibleDay | None = None
    document_on: DocumentDay = None
    score: Score = None
    sat_in: SatIn = None
    role: Literal["sole", "first", "lead", "other"] | None = None
    quantity: Annotated[str, Field(pattern=r"^(?:0|[1-9][0-9]{0,3})(?:\.[0-9]{1,2})?$")] = "1"
    mode: Annotated[
        Literal["online", "face_to_face", "other"] | None,
        Field(description="Of proven study (form `study`) alone."),
    ] = None
    category: Annotated[
        CategoryText | None,
        Field(description="Of proven study alone; else the policy says."),
    ] = None
    special_reason: Annotated[bool, Field(description="A special reason is given and proven (S0-22).")] = (
        False
    )
    fact: Annotated[
        dict[Annotated[str, Field(pattern=r"^[a-z_]{1,40}$")], Annotated[str, Field(max_length=200)]],
        Field(max_length=10, default_factory=dict),
    ]
    evidence: Annotated[list[EvidenceFile], Field(max_length=20, default_factory=list)]


class ClaimRequest(ClaimBody):
    """A new claim of a person."""

    person_id: OpaqueId


class ClaimAmendment(ClaimRequest):
    """The claim as it shall be."""


class ClaimApproval(StrictModel):
    """Why a claim is approved although its year is closed; left out while the year is open."""

    correction: CorrectionReason | None = None


class ClaimDecision(StrictModel):
    """Why a claim goes back or is refused."""

    reason: ClaimReason
