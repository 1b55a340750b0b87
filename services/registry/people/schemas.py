"""Bodies of the routes of people: what the national platform collects, what changes, and how a case stands."""

from datetime import date, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator

from contracts.identifiers import birth_month_of
from contracts.registry import Affiliation, BirthMonth, Qualification
from services.kit.field_errors import refuse
from services.kit.pydantic_models import view
from services.kit.schemas import Line, Note, ShortLine, StrictModel
from services.registry.people.identities import IdDocument, PersonIdentity
from services.registry.personal_data.disclosure import UnmaskingRequest
from services.registry.personal_data.evidence import EVIDENCE_MAX
from services.registry.streams.problems import BirthMonthDiffersError
from services.registry.streams.profile import Profile
from services.registry.web.routes import UUID_FORM, Groups, PastDay, Place, Uscc
from services.registry.worklists.schemas import Due


class PersonView(StrictModel):
    """A person as collected. Name and number are masked; null once the person's key is destroyed."""

    person_id: str
    place: str
    employer: str | None
    student: bool
    student_since: date | None
    qualifications: list[Qualification]
    jobs: list[str]
    working_since: date | None
    left_on: date | None
    retired_on: date | None
    affiliation: Affiliation | None
    groups: list[str]
    graduated_on: date | None
    collected_at: datetime
    id_type: str | None
    id_number: str | None
    name: str | None


CollectionState = Literal[
    "submitted",
    "initially_passed",
    "returned",
    "collected",
    "merged",
    "ended",
    "erased",
    "arriving",
    "dropped",
]
ReturnReason = Literal[
    "information_incomplete", "documents_unclear", "identity_mismatch", "wrong_place", "not_in_scope", "other"
]
EndReason = Literal["not_theirs", "submitted_in_error", "other"]
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
LIST_MAX = 20


def _each_once(values: list[object]) -> list[object]:
    if len(set(map(repr, values))) != len(values):
        raise refuse("repeated", "有重复项", "An item is repeated")
    return values


class HeldQualification(StrictModel, Qualification):
    """A qualification with its certificate, whose number is kept sealed."""

    obtained_on: PastDay
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
    affiliation: Affiliation | None = None
    groups: Groups = Field(default_factory=list)
    graduated_on: PastDay | None = None
    birth_month: Annotated[
        BirthMonth | None,
        Field(description="Of a document whose number does not tell it; a resident ID does."),
    ] = None
    contact: Contact | None = None
    education: Educations = Field(default_factory=list)
    evidence: EvidenceIds = Field(default_factory=list, description="Ids of files uploaded before.")

    @field_validator("place")
    @classmethod
    def _below_the_nation(cls, place: str) -> str:
        if place == "100000":
            raise refuse("too_wide", "应为具体工作地点", "Must be narrower than the nation")
        return place

    @field_validator("birth_month")
    @classmethod
    def _as_the_number_says(cls, stated: str | None, info: ValidationInfo) -> str | None:
        person = info.data.get("person")
        told = birth_month_of(person.id_type, person.id_number) if person is not None else None
        if told is not None and stated not in (None, told):
            differs = BirthMonthDiffersError
            raise refuse("birth_month_differs", differs.title_zh, differs.title_en)
        return stated

    def profile(self, name_hash: str) -> Profile:
        """What is no personal data, with the name as its keyed hash."""
        held = tuple(view(Qualification, each) for each in self.qualifications)
        return view(
            Profile,
            self,
            name_hash=name_hash,
            qualifications=held,
            jobs=tuple(self.jobs),
            groups=tuple(self.groups),
            birth_month=birth_month_of(self.person.id_type, self.person.id_number) or self.birth_month,
            left_on=None,
            retired_on=None,
        )

    def details(self) -> dict[str, object]:
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


class EndingRequest(StrictModel):
    """Why a collection is ended: the number is not that of whom it was handed in for."""

    reason: EndReason


ChangeState = Literal["submitted", "returned", "approved", "withdrawn", "reversed"]
ChangeReturnReason = Literal[
    "information_incomplete",
    "documents_unclear",
    "documents_missing",
    "identity_mismatch",
    "not_in_scope",
    "other",
]
ReversalReason = Literal["approved_in_error", "documents_forged", "two_persons_as_one", "other"]
_NEVER_NULL = (
    "name",
    "id_document",
    "student",
    "qualifications",
    "jobs",
    "groups",
    "contact",
    "education",
    "merge",
)

Unmasking = UnmaskingRequest


class StudentStatus(StrictModel):
    """Whether the person is a student (在校学生), and since when that holds."""

    student: bool
    since: PastDay


class MergedProfile(StrictModel):
    """Another profile on record that is the same person's, and why there are two. It becomes part of this one: asked for by
    an official of both places, and by itself.
    """

    person_id: Annotated[str, Field(pattern=UUID_FORM)]
    reason: Literal["another_document", "collected_twice", "other"]


class ChangeItems(StrictModel):
    """New values, by item; what is left out stays. Null takes an employer or a date away."""

    name: ShortLine | None = None
    id_document: IdDocument | None = None
    employer: Uscc | None = None
    student: StudentStatus | None = None
    qualifications: Qualifications | None = None
    jobs: Jobs | None = None
    working_since: Annotated[PastDay | None, Field(description="Start of accounting work.")] = None
    left_on: Annotated[PastDay | None, Field(description="The day accounting work ended.")] = None
    retired_on: PastDay | None = None
    affiliation: Affiliation | None = None
    groups: Groups | None = None
    graduated_on: PastDay | None = None
    birth_month: BirthMonth | None = None
    contact: Contact | None = None
    education: Educations | None = None
    merge: MergedProfile | None = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.model_fields_set:
            raise refuse("too_few", "至少变更一项", "At least one item must change")
        empty = [name for name in _NEVER_NULL if name in self.model_fields_set and not self._given(name)]
        if empty:
            raise refuse("wrong_type", "该项不能为空值", "This item cannot be null")
        if self.merge is not None and len(self.model_fields_set) > 1:
            raise refuse("not_alone", "合并须单独办理", "A merge is asked for by itself")
        return self

    def _given(self, name: str) -> bool:
        return getattr(self, name) is not None

    def values(self) -> dict[str, object]:
        """The items that were given, as plain data."""
        return self.model_dump(mode="json", include=self.model_fields_set)


class ChangeRequest(StrictModel):
    """A change of what is on record (信息变更, S2C-09). The place is changed by a transfer."""

    items: ChangeItems
    evidence: EvidenceIds = Field(default_factory=list, description="Ids of files uploaded before.")


class ChangeOutcome(StrictModel):
    """Where a change stands after a command."""

    change_id: str
    person_id: str
    state: ChangeState


class ChangeReview(StrictModel):
    """The outcome of the review. A return has a reason; the note is read by people only and kept sealed."""

    decision: Literal["approve", "return"]
    reason: ChangeReturnReason | None = None
    note: Note | None = None

    @model_validator(mode="after")
    def _reason_with_return(self) -> Self:
        if (self.decision == "return") is (self.reason is None):
            raise refuse(
                "reason_with_return",
                "退回须填写原因，通过不填",
                "A return has a reason, an approval has none",
            )
        return self


class ChangeReversal(StrictModel):
    """Why a wrongly approved change is undone; with `separate`, two persons on record as one become two."""

    reason: ReversalReason
    separate: bool = False
    note: Note | None = None


class ReversalOutcome(ChangeOutcome):
    """The change that was undone, and the person who is on record by themselves now, if any."""

    separated_person_id: str | None


class ItemView(StrictModel):
    """One item, as it was on record when the change was asked for and as it is to be; masked unless opened."""

    item: str
    old: Any
    new: Any


class ChangeView(StrictModel):
    """A case of change. Items are null once the person was erased."""

    change_id: str
    person_id: str
    state: ChangeState
    place: str
    employer: str | None
    items: list[ItemView] | None
    evidence: list[str]
    submitted_at: datetime
    due: Due
    decided_at: datetime | None
    reason: str | None
    note: str | None
