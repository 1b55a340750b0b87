"""Bodies of the routes of organizations, their yearly documents, evaluations and duties."""

from datetime import date, datetime
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from services.kit.field_errors import refuse
from services.kit.schemas import Line, StrictModel, WholeList
from services.registry.web.routes import (
    CreditYear,
    DisqualificationReason,
    Mode,
    OrganizationKind,
    Place,
    PlausibleDay,
    Uscc,
    unique,
)

Affiliation = Literal["central", "provincial", "local"]
AccreditationState = Literal["filed", "published", "ended"]
EndReason = Literal["given_up", "merged", "dissolved", "filed_in_error", "other"]
ReinstatementReason = Literal["rectified", "decision_withdrawn", "court_ruling", "other"]
DocumentKind = Literal["plan", "report"]
DocumentMode = Literal["online", "face_to_face"]
DocumentState = Literal["submitted", "returned", "accepted"]
DocumentReturnReason = Literal["incomplete", "not_feasible", "wrong_year", "not_compliant", "other"]
Criterion = Literal[
    "course_quality", "faculty", "service", "records", "attendance", "satisfaction", "compliance", "other"
]
CorrectionReason = Literal["miscounted", "wrong_period", "objection_upheld", "other"]
Text = Annotated[str, Field(min_length=1, max_length=4000)]


class OrganizationRequest(StrictModel):
    """An organization by its legal name and unified social credit code."""

    name: Line
    uscc: Uscc
    kind: OrganizationKind
    affiliation: Annotated[
        Affiliation,
        Field(description="Central units in the province, provincial units, or all others (S3B-09)."),
    ] = "local"
    place: Annotated[Place, Field(description="Whose finance bureau keeps it.")]


class OrganizationOutcome(StrictModel):
    """The organization a command was about."""

    organization_id: str


class AccreditationRequest(StrictModel):
    """What a provider is filed for (S1-22, S2B-14); only if published may it train."""

    place: Place
    years: Annotated[list[CreditYear], Field(min_length=1, max_length=20), AfterValidator(unique)]
    modes: Annotated[list[Mode], Field(min_length=1, max_length=3), AfterValidator(unique)]
    published: bool = True


class EndRequest(StrictModel):
    """From when a filing ends, and why; completions from that day on are not covered by it."""

    from_date: PlausibleDay
    reason: EndReason


class DisqualificationRequest(StrictModel):
    """From when, where and why a provider's standing is taken (S0-25)."""

    place: Place
    from_date: PlausibleDay
    reason: DisqualificationReason


class ReinstatementRequest(StrictModel):
    """From when, where and why the standing is given back; the days between stay lost."""

    place: Place
    from_date: PlausibleDay
    reason: ReinstatementReason


class AccreditationView(StrictModel):
    """An accreditation on file; `number` names it in the routes that publish and end it."""

    number: int
    place: str
    years: list[int]
    modes: list[str]
    state: AccreditationState
    published: bool
    accredited_at: datetime
    published_at: datetime | None
    ended_from: date | None
    end_reason: str | None


class DisqualificationView(StrictModel):
    """A disqualification on file, and since when it was lifted."""

    place: str
    from_date: date
    reason: str
    disqualified_at: datetime
    reinstated_from: date | None
    reinstatement_reason: str | None


class OrganizationView(StrictModel):
    """An organization with everything it was accredited for and lost. `issuing_place` issues its accounts (S3B-09)."""

    organization_id: str
    name: str
    uscc: str
    kind: str
    affiliation: str
    place: str
    issuing_place: str
    registered_at: datetime
    accreditations: list[AccreditationView]
    disqualifications: list[DisqualificationView]


class Score(StrictModel):
    """Points for one criterion, out of a maximum."""

    criterion: Criterion
    points: Annotated[int, Field(ge=0, le=1000)]
    points_max: Annotated[int, Field(ge=1, le=1000)]

    @model_validator(mode="after")
    def _within(self) -> Self:
        if self.points > self.points_max:
            raise refuse("out_of_range", "得分超过满分", "More points than the maximum")
        return self


Scores = Annotated[list[Score], Field(min_length=1, max_length=20)]


class EvaluationRequest(StrictModel):
    """An authority's scores for a period (S2B-15)."""

    place: Annotated[Place, Field(description="The authority that evaluates.")]
    period_from: PlausibleDay
    period_to: PlausibleDay
    scores: Scores

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.period_to < self.period_from:
            raise refuse("out_of_range", "时段的结束早于开始", "The period ends before it begins")
        return self


class CorrectionRequest(StrictModel):
    """The scores that were meant, and why the others were wrong."""

    scores: Scores
    reason: CorrectionReason


class EvaluationOutcome(StrictModel):
    """The evaluation a command was about."""

    evaluation_id: str


class EvaluationView(StrictModel):
    """An evaluation as it stands."""

    evaluation_id: str
    place: str
    period_from: date
    period_to: date
    scores: list[Score]
    points: int
    points_max: int
    evaluated_at: datetime
    correction_reason: str | None
    corrected_at: datetime | None


class EvaluationViews(WholeList):
    """The evaluations of one organization, the latest period first."""

    items: list[EvaluationView]


class _Yearly(StrictModel):
    year: CreditYear
    place: Annotated[Place, Field(description="Where the training was filed.")]


class OnlinePlan(_Yearly):
    """Next year's plan of an online provider, with the items S3B-13 asks for."""

    course_contents: Annotated[Text, Field(description="课程内容")]
    teaching_forms: Annotated[Text, Field(description="授课形式")]
    faculty: Annotated[Text, Field(description="师资配备")]
    featured_courses: Annotated[Text, Field(description="特色课程")]
    welfare_courses: Annotated[Text, Field(description="公益课程")]
    incentives: Annotated[Text, Field(description="奖励机制")]


class Session(StrictModel):
    """One training that is planned: when, where, for how many."""

    starts_on: PlausibleDay
    ends_on: PlausibleDay
    venue: Annotated[Line, Field(description="地点")]
    headcount: Annotated[int, Field(ge=1, le=100_000, description="人数")]

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.ends_on < self.starts_on:
            raise refuse("out_of_range", "结束早于开始", "The training ends before it begins")
        return self


class FaceToFacePlan(_Yearly):
    """Next year's plan of a face-to-face training organization, with the items S3B-14 asks for."""

    sessions: Annotated[list[Session], Field(min_length=1, max_length=200, description="时间、地点、人数")]
    courses: Annotated[Text, Field(description="课程")]
    faculty: Annotated[Text, Field(description="师资")]
    attendance: Annotated[Text, Field(description="考勤管理方式")]
    assessment: Annotated[Text, Field(description="结果考核方式")]


class YearlyReport(_Yearly):
    """The summary of a year's training (年终工作总结, S3B-13, S3B-14)."""

    mode: DocumentMode
    summary: Annotated[str, Field(min_length=1, max_length=20_000)]
    courses_held: Annotated[int, Field(ge=0, le=1_000_000)]
    persons_trained: Annotated[int, Field(ge=0, le=100_000_000)]


class DocumentReturnRequest(StrictModel):
    """Why a plan or report goes back."""

    reason: DocumentReturnReason


class DocumentOutcome(StrictModel):
    """Where a plan or report stands after a command."""

    document_id: str
    state: DocumentState


class DocumentLine(StrictModel):
    """A plan or report without what is written in it. `late`: first handed in after `due_on`."""

    document_id: str
    organization_id: str
    kind: DocumentKind
    mode: DocumentMode
    place: str
    reader: str
    year: int
    state: DocumentState
    first_submitted_at: datetime
    submitted_at: datetime
    decided_at: datetime | None
    reason: str | None
    due_on: date | None
    late: bool
    clause: str | None


class DocumentView(DocumentLine):
    """A plan or report with what was handed in last."""

    content: OnlinePlan | FaceToFacePlan | YearlyReport


class DocumentLines(WholeList):
    """The plans and reports of one organization, the latest year first."""

    items: list[DocumentLine]


DutyState = Literal["due", "late", "submitted", "returned", "done"]


class DutyView(StrictModel):
    """What an organization owes to whom until when, by which clause, and how far it is.

    `state`: `due`, or `late` when the day is over and nothing was handed in; then `submitted`, `returned`, `done`.
    `late` stays true for what came after the day.
    """

    organization_id: str
    organization: str
    kind: DocumentKind
    mode: DocumentMode
    place: str
    to: str
    year: int
    due_on: date
    state: DutyState
    late: bool
    document_id: str | None
    clause: str


class DutyViews(WholeList):
    """A calendar of duties in the order in which they are due."""

    items: list[DutyView]
    counts: dict[DutyState, int]


class OrganizationLine(StrictModel):
    """An organization in a list."""

    organization_id: str
    name: str
    uscc: str
    kind: str
    affiliation: str
    place: str


class OrganizationLines(StrictModel):
    """A page of organizations; `next` is the `after` of the following one, null at the end."""

    items: list[OrganizationLine]
    next: str | None
