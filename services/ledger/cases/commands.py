"""Commands on cases: imperative, immutable, complete."""

from datetime import UTC, datetime, time
from decimal import Decimal
from itertools import pairwise
from typing import Annotated, Literal

from msgspec import Struct
from pydantic import Field, model_validator

from contracts.divisions import contains
from services.kit.clock import SHANGHAI
from services.kit.field_errors import refuse
from services.kit.schemas import Line, StrictModel
from services.ledger.cases.roster_rows import RosterTable
from services.ledger.streams.claim import ClaimedActivity
from services.ledger.streams.filing import PlannedTraining, Session
from services.ledger.streams.roster import RowReason
from services.ledger.streams.year import CorrectionReason
from services.ledger.web import (
    Adcode,
    CategoryText,
    CreditYear,
    DocumentDay,
    OpaqueId,
    PlausibleDay,
    SatIn,
    Score,
)


class Actor(Struct, frozen=True, kw_only=True):
    """Who asks: an official of a place, an organization, or the person that `subject` names when bound to neither."""

    subject: str
    place: str | None = None
    organization: str | None = None

    def covers(self, place: str) -> bool:
        """Whether the actor is an official whose place contains this one."""
        return self.place is not None and contains(self.place, place)

    def is_nobody_but(self, person_id: str) -> bool:
        """Whether the actor is bound to no place and no organization, and is somebody else than the person."""
        return self.place is None and self.organization is None and self.subject != person_id


class SubmitClaim(ClaimedActivity, frozen=True, kw_only=True):
    """Claim credits for an activity of a person (S0-12, S1-12). `facts` are the evidence keys of the form."""

    facts: dict[str, str]


LateReason = Literal["force_majeure", "system_failure", "holiday_staffing", "corrected_roster", "other"]


class FileTraining(PlannedTraining, frozen=True, kw_only=True):
    """File a training with the bureau of a place."""


class UploadRoster(Struct, frozen=True, kw_only=True):
    """Report the persons of a training; `partial` stores the good rows of a roster that has others."""

    filing_id: str
    table: RosterTable
    partial: bool
    late_reason: LateReason | None
    language: Literal["zh", "en"]


class ReviewRoster(Struct, frozen=True, kw_only=True):
    """Approve, or refuse with a reason, the rows named, or all that are open; with a correction also in closed years.

    `step` is one of the table's.
    """

    roster_id: str
    step: str
    rows: list[str] | None
    reason: RowReason | None = None
    correction: CorrectionReason | None = None


class EvidenceFile(StrictModel):
    """A file that proves the claim, by its hash."""

    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    media_type: Literal["application/pdf", "image/jpeg", "image/png"]


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


_CENT = Decimal("0.01")
_TIME = r"^(?:[01][0-9]|2[0-3]):[0-5][0-9]$"
_AMOUNT = r"^(?:0|[1-9][0-9]{0,2})(?:\.[0-9]{1,2})?$"


class PlannedSession(StrictModel):
    """A session within one day, in Beijing's time; `credits` where neither the filing nor the notice converts hours."""

    on: PlausibleDay
    starts: Annotated[str, Field(pattern=_TIME, examples=["09:00"])]
    ends: Annotated[str, Field(pattern=_TIME, examples=["12:00"])]
    hours: Annotated[str, Field(pattern=_AMOUNT, examples=["3.00"])]
    credits: Annotated[str | None, Field(pattern=_AMOUNT, examples=["5.00"])] = None

    @model_validator(mode="after")
    def _makes_sense(self) -> "PlannedSession":
        if self.ends <= self.starts:
            raise refuse("out_of_range", "结束时间须晚于开始时间", "A session ends after it starts")
        if Decimal(self.hours) <= 0 or (self.credits is not None and Decimal(self.credits) <= 0):
            raise refuse("out_of_range", "学时、学分须大于零", "Hours and credits are more than zero")
        return self

    def planned(self) -> Session:
        """The session with its moments in UTC."""
        return Session(
            starts_at=self._moment(self.starts),
            ends_at=self._moment(self.ends),
            hours=Decimal(self.hours).quantize(_CENT),
            credits=Decimal(self.credits).quantize(_CENT) if self.credits is not None else None,
        )

    def _moment(self, text: str) -> datetime:
        return datetime.combine(self.on, time.fromisoformat(text), SHANGHAI).astimezone(UTC)


class FilingRequest(StrictModel):
    """A training as it is planned. Say the credits of every session, or the policy's `conversion` of the hours."""

    place: Adcode
    year: CreditYear
    title: Line
    mode: Literal["face_to_face"] = "face_to_face"
    category: CategoryText
    sessions: Annotated[list[PlannedSession], Field(min_length=1, max_length=200)]
    conversion: Annotated[str | None, Field(pattern=r"^[a-z][a-z0-9_]{0,59}$")] = None
    expected: Annotated[int, Field(ge=1, le=1_000_000, description="How many people are expected.")]
    courses: Annotated[
        list[Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]],
        Field(max_length=50, default_factory=list),
    ]

    @model_validator(mode="after")
    def _one_at_a_time(self) -> "FilingRequest":
        spans = sorted((session.on, session.starts, session.ends) for session in self.sessions)
        for (day, _, ends), (next_day, starts, _) in pairwise(spans):
            if day == next_day and starts < ends:
                raise refuse("out_of_range", "场次时间重叠", "Sessions overlap")
        return self

    def command(self) -> FileTraining:
        """The command; sessions in the order of time, by which rosters number them."""
        return FileTraining(
            place=self.place,
            year=self.year,
            title=self.title,
            mode=self.mode,
            category=self.category,
            sessions=tuple(session.planned() for session in self.sessions),
            conversion=self.conversion,
            expected=self.expected,
            courses=tuple(self.courses),
        )
