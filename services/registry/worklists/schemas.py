"""Bodies of the routes of worklists and exam enrolments."""

from datetime import date, datetime
from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from services.kit.field_errors import refuse
from services.kit.schemas import Day, StrictModel, WholeList
from services.registry.web.routes import YEAR_MAX, YEAR_MIN, Place

Lane = Literal["fast", "ordinary"]


class Due(StrictModel):
    """The last day of a review, by working days (S2C-02, S2C-04); null with the year whose calendar is not known."""

    on: date | None
    working_days: int
    clause: str
    unknown_year: int | None
    late: bool


Kind = Literal["collection", "change", "plan", "report", "account"]
PAGE_MAX = 200
ENROLMENT_DAYS_MAX = 120


class WorklistEntry(StrictModel):
    """A case that awaits an official. It tells nothing personal: open the case for that."""

    case_id: str
    kind: Kind
    step: Literal["initial", "final", "review"]
    place: str
    subject_id: Annotated[str, Field(description="The person or the organization it is about.")]
    submitted_at: datetime
    due: Annotated[Due | None, Field(description="Null for a kind without a limit.")]
    lane: Lane
    held_by: str | None
    held_until: datetime | None
    open_to_caller: Annotated[bool, Field(description="Whether the caller may take it now.")]


class Worklist(StrictModel):
    """A page of a worklist, in order; `next` asks for the following one."""

    items: list[WorklistEntry]
    next: str | None


class WorklistCount(StrictModel):
    """The cases of one place, kind and step."""

    place: str
    kind: Kind
    step: str
    waiting: int
    late: int
    fast: int
    held: int
    oldest: datetime


class WorklistTotal(StrictModel):
    """All cases that were counted."""

    waiting: int
    late: int
    fast: int
    held: int


class WorklistCounts(StrictModel):
    """How many cases wait at a place and under it."""

    place: str
    at: datetime
    rows: list[WorklistCount]
    total: WorklistTotal


class Held(StrictModel):
    """Who holds a case, and until when."""

    case_id: str
    kind: Kind
    held_by: str | None
    held_since: datetime | None
    held_until: datetime | None


class ExamEnrolmentRequest(StrictModel):
    """The days on which an exam can be enrolled for at a place and under it, both included (S2C-06)."""

    model_config = ConfigDict(validate_by_alias=True)

    place: Place
    from_day: Annotated[Day, Field(alias="from")]
    until_day: Annotated[Day, Field(alias="until")]

    @model_validator(mode="after")
    def _plausible(self) -> Self:
        if not YEAR_MIN <= self.from_day.year <= YEAR_MAX:
            raise refuse("out_of_range", "日期不在合理范围", "The date is out of range")
        if not 0 <= (self.until_day - self.from_day).days < ENROLMENT_DAYS_MAX:
            raise refuse(
                "out_of_range",
                f"截止日期应在开始日期之后 {ENROLMENT_DAYS_MAX} 天以内",
                f"Must end within {ENROLMENT_DAYS_MAX} days of its beginning",
            )
        return self


class ExamEnrolmentOutcome(StrictModel):
    """The enrolment that was set."""

    enrolment_id: str


class ExamEnrolmentView(StrictModel):
    """An exam's enrolment that is open or to come."""

    enrolment_id: str
    place: str
    from_day: Annotated[date, Field(alias="from")]
    until_day: Annotated[date, Field(alias="until")]


class ExamEnrolments(WholeList):
    """Every enrolment that is open or to come, in order."""

    items: list[ExamEnrolmentView]
