"""Bodies of the routes of collections: what the national platform collects, and how a case stands."""

from datetime import date, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, field_validator, model_validator

from services.kit.field_errors import refuse
from services.kit.schemas import Line, Note, ShortLine, StrictModel
from services.registry.evidence.evidence import EVIDENCE_MAX
from services.registry.schemas import PastDay, PersonIdentity, Place, Qualification, Uscc

CollectionState = Literal[
    "submitted", "initially_passed", "returned", "collected", "erased", "arriving", "dropped"
]
ReturnReason = Literal[
    "information_incomplete", "documents_unclear", "identity_mismatch", "wrong_place", "not_in_scope", "other"
]
Job = Literal[
    "cashier",
    "audit",
    "assets_liabilities_equity",
    "income_expense",
    "results",
    "reporting",
    "supervision",
    "archives",
    "other",
]
Lane = Literal["fast", "ordinary"]
LIST_MAX = 20


def _each_once(values: list[Any]) -> list[Any]:
    if len(set(map(repr, values))) != len(values):
        raise refuse("repeated", "有重复项", "An item is repeated")
    return values


class HeldQualification(Qualification):
    """A qualification with its certificate, whose number is kept sealed."""

    certificate_number: ShortLine | None = None


class Contact(StrictModel):
    """How to reach a person; kept sealed."""

    phone: Annotated[str, Field(pattern=r"^\+?[0-9][0-9 -]{5,19}$")] | None = None
    email: Annotated[str, Field(pattern=r"^[^@\s]{1,64}@[A-Za-z0-9.-]{1,190}$", max_length=254)] | None = None
    address: Line | None = None


class Education(StrictModel):
    """One education as the national platform collects it; kept sealed."""

    school: Line
    level: Literal["secondary", "vocational", "associate", "bachelor", "master", "doctor", "other"]
    degree: Literal["none", "bachelor", "master", "doctor"] = "none"
    mode: Literal["full_time", "part_time", "self_taught", "online", "other"] = "full_time"
    major: ShortLine | None = None
    entered_on: PastDay | None = None
    graduated_on: PastDay | None = None
    certificate_number: ShortLine | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.entered_on and self.graduated_on and self.graduated_on < self.entered_on:
            raise refuse("out_of_order", "毕业时间早于入学时间", "Graduated before entering")
        return self


Qualifications = Annotated[list[HeldQualification], Field(max_length=LIST_MAX), AfterValidator(_each_once)]
Educations = Annotated[list[Education], Field(max_length=LIST_MAX), AfterValidator(_each_once)]
Jobs = Annotated[list[Job], Field(max_length=LIST_MAX), AfterValidator(_each_once)]
EvidenceIds = Annotated[
    list[Annotated[str, Field(pattern=r"^[0-9a-f-]{36}$")]],
    Field(max_length=EVIDENCE_MAX),
    AfterValidator(_each_once),
]


class CollectionRequest(StrictModel):
    """A person's information (信息采集, S2C-01, S2C-03)."""

    person: PersonIdentity
    place: Annotated[Place, Field(description="Where the person works, or studies.")]
    employer: Uscc | None = None
    student: bool = False
    student_since: PastDay | None = None
    qualifications: Qualifications = Field(default_factory=list)
    jobs: Jobs = Field(
        default_factory=list, description="The nine kinds of accounting jobs (财会〔2018〕33号)."
    )
    working_since: Annotated[PastDay | None, Field(description="Start of accounting work.")] = None
    contact: Contact | None = None
    education: Educations = Field(default_factory=list)
    evidence: EvidenceIds = Field(default_factory=list, description="Ids of files uploaded before.")

    @field_validator("place")
    @classmethod
    def _below_the_nation(cls, place: str) -> str:
        if place == "100000":
            raise refuse("too_wide", "应为具体工作地点", "Must be narrower than the nation")
        return place

    def details(self) -> dict[str, Any]:
        """What is personal beyond name and number, as it is sealed."""
        return self.model_dump(mode="json", include={"contact", "education", "qualifications"})


class CollectionOutcome(StrictModel):
    """Where a collection stands after a command."""

    collection_id: str
    person_id: str
    state: CollectionState


class ReviewRequest(StrictModel):
    """The outcome of a step of a review. A return has a reason; the note is read by people only and kept sealed."""

    decision: Literal["pass", "return"]
    reason: ReturnReason | None = None
    note: Note | None = None

    @model_validator(mode="after")
    def _reason_with_return(self) -> Self:
        if (self.decision == "return") is (self.reason is None):
            raise refuse(
                "reason_with_return", "退回须填写原因，通过不填", "A return has a reason, a pass has none"
            )
        return self


class Due(StrictModel):
    """The last day of a review, by working days (S2C-02, S2C-04); null with the year whose calendar is not known."""

    on: date | None
    working_days: int
    clause: str
    unknown_year: int | None
    late: bool


class Collection(StrictModel):
    """A collection case. Name and number are masked."""

    collection_id: str
    person_id: str
    state: CollectionState
    place: str
    employer: str | None
    name: str | None
    id_number: str | None
    submitted_at: datetime
    due: Due
    lane: Lane
    decided_at: datetime | None
    step: Annotated[str | None, Field(description="The step at which it was returned.")]
    reason: str | None
    note: str | None
    evidence: Annotated[list[str], Field(description="Ids of the files it names.")]
