"""Bodies of the routes of changes: each item with its new value, and how a case stands."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from services.kit.field_errors import refuse
from services.kit.schemas import Note, ShortLine, StrictModel
from services.registry.people.case_schemas import Contact, Due, Educations, EvidenceIds, Jobs, Qualifications
from services.registry.personal_data.schemas import UnmaskingRequest
from services.registry.schemas import IdDocument, PastDay, Uscc

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
_NEVER_NULL = ("name", "id_document", "student", "qualifications", "jobs", "contact", "education")

Unmasking = UnmaskingRequest


class StudentStatus(StrictModel):
    """Whether the person is a student (在校学生), and since when that holds."""

    student: bool
    since: PastDay


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
    contact: Contact | None = None
    education: Educations | None = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.model_fields_set:
            raise refuse("too_few", "至少变更一项", "At least one item must change")
        empty = [name for name in _NEVER_NULL if name in self.model_fields_set and not self._given(name)]
        if empty:
            raise refuse("wrong_type", "该项不能为 null", "This item cannot be null")
        return self

    def _given(self, name: str) -> bool:
        return getattr(self, name) is not None

    def values(self) -> dict[str, Any]:
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
