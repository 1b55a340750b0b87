"""Bodies and answers of a provider's routes, written by `make clients` from the ledger's OpenAPI document."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, RootModel


class CompletionStep(BaseModel):
    """
    One thing that became of a completion, and the event that says so.

    `reason` is why it waits or was ended, `problem` the type of the problem that refused it, each by `clause` where one
    speaks of it; `authority` is where it went with its person's year (`moved`). `merged` says that its person's profile
    became part of another one of theirs, and `duplicate` that another credit of the person is of the same fact.
    """

    what: Literal[
        "duplicate", "held", "merged", "moved", "recognised", "registered", "rejected", "revoked", "withdrawn"
    ]
    at: str
    log: str
    position: int
    reason: str | None = None
    clause: str | None = None
    problem: str | None = None
    authority: str | None = None


class FieldError(BaseModel):
    """
    One fault: `pointer` for a field of the body, `parameter` for one beside it.
    """

    pointer: str | None = None
    parameter: str | None = None
    code: str
    detail: str


class FileColumn(BaseModel):
    """
    A column of a file that was read: what the form calls it, its header, and its letter in a spreadsheet.
    """

    name: str
    header: str
    letter: str


class FilingOutcome(BaseModel):
    """
    What a command made of a filing; `in_time` as in the filing, null until it is approved (B-15).
    """

    filing_id: str
    state: str
    reason: str | None
    in_time: bool | None
    begins_on: date


class Course(RootModel[str]):
    root: Annotated[str, Field(pattern="^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]


class First(BaseModel):
    """
    What the first posting of a repeated record was answered.
    """

    outcome: Literal["conflict", "duplicate", "held", "registered", "rejected", "unknown"]
    log: str
    position: int


class Problem(BaseModel):
    """
    RFC 9457 problem details. Codes are stable; words follow Accept-Language (zh-CN or en).
    """

    type: Annotated[str, Field(examples=["urn:xuefen:problem:invalid-request"])]
    title: str
    status: int
    detail: str
    pointer: Annotated[str | None, Field(description="JSON pointer to the field at fault.")] = None
    clause: Annotated[str | None, Field(description="The clause that was applied.")] = None
    errors: list[FieldError] | None = None


class PersonIdentity(BaseModel):
    """
    Name and ID number exactly as on the ID document (S0-23).
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    id_type: Literal["hk_macau_permit", "officer_card", "passport", "resident_id", "taiwan_permit"]
    id_number: Annotated[str, Field(pattern="^[^\\x00-\\x20\\x7f]{4,40}$")]
    name: Annotated[str, Field(pattern="^[^\\x00-\\x1f\\x7f]{1,50}$")]


class PlannedSession(BaseModel):
    """
    A session within one day, in Beijing's time; `credits` where neither the filing nor the notice converts hours.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    on: date
    starts: Annotated[str, Field(examples=["09:00"], pattern="^(?:[01][0-9]|2[0-3]):[0-5][0-9]$")]
    ends: Annotated[str, Field(examples=["12:00"], pattern="^(?:[01][0-9]|2[0-3]):[0-5][0-9]$")]
    hours: Annotated[
        str,
        Field(examples=["3.00"], pattern="^(?:0|[1-9][0-9]{0,2})(?:\\.[0-9]{1,2})?$"),
    ]
    credits: Annotated[
        str | None,
        Field(examples=["5.00"], pattern="^(?:0|[1-9][0-9]{0,2})(?:\\.[0-9]{1,2})?$"),
    ] = None


class PostedRecord(BaseModel):
    """
    A posted enrolment or exam pass today.

    `posted` is what was posted, less its person; `state` is `held` (`reason`), `registered`, `withdrawn` (`reason`) or
    `rejected` after waiting (`problem`). `history` is everything that became of it, oldest first.
    """

    id: str
    provider_id: str
    log: str
    posted: dict[str, Any]
    posted_at: str
    state: Literal["held", "registered", "rejected", "withdrawn"] | None = "held"
    reason: str | None = None
    clause: str | None = None
    problem: str | None = None
    person_id: str | None = None
    signature: str | None = None
    history: Annotated[list[CompletionStep] | None, Field(validate_default=True)] = []


class PostedStudy(BaseModel):
    """
    A completion as it was posted, less its person; `credits` or `hours`, whichever it stated.
    """

    year: int
    category: str
    credits: Decimal | None = None
    hours: Decimal | None = None
    mode: str
    course: str
    completed_at: str
    title: str | None = None
    tier: str | None = None
    started_on: date | None = None
    exam_passed_at: str | None = None
    evaluated_at: str | None = None
    filing: str | None = None
    repeat_of: str | None = None


class Present(BaseModel):
    """
    Where a completion that was posted before stands today, as `GET /v1/completions/{id}` says it at length.
    """

    state: Literal["duplicate", "held", "registered", "rejected", "revoked", "withdrawn"]
    reason: str | None = None
    clause: str | None = None
    problem: str | None = None
    credit_id: str | None = None
    moved_to: str | None = None


class RosterRecord(BaseModel):
    """
    One person of a training: which planned sessions (from 1) or how many hours were attended, and the outcome.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    id: Annotated[
        str,
        Field(
            description="The organization's own id of this row; unique for ever within the filing.",
            examples=["r-001"],
            pattern="^[A-Za-z0-9][A-Za-z0-9._-]{0,19}$",
        ),
    ]
    person: PersonIdentity
    passed: bool
    sessions: Annotated[list[int] | None, Field(max_length=200, min_length=1)] = None
    hours: Annotated[
        str | None,
        Field(
            description="Attended hours.",
            examples=["6.00"],
            pattern="^(?:0|[1-9][0-9]{0,3})(?:\\.[0-9]{1,2})?$",
        ),
    ] = None


class RosterRecordBatch(BaseModel):
    """
    1 to 1000 records, each decided alone.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    records: Annotated[list[RosterRecord], Field(max_length=1000, min_length=1)]


class RosterRowAnswer(BaseModel):
    """
    A row as it stands: open, registered, held or refused; no person is named.
    """

    row_id: str
    sessions: list[int]
    hours: Decimal | None
    state: str
    reason: str | None
    clause: str | None
    credit_ids: list[str]


class RosterView(BaseModel):
    """
    A roster as it stands; `late` and `late_reason` are for the reviewer (A-16).
    """

    roster_id: str
    filing_id: str
    organization_id: str
    reporter: str
    place: str
    year: int
    state: str
    uploaded_at: str
    due: date | None
    late: bool
    late_reason: str | None
    clause: str | None
    rows: list[RosterRowAnswer]


class RowAnswer(BaseModel):
    """
    What became of one row of an upload.

    `row` is its number: from 1 in JSON, the line of the sheet in a file. `accepted` (for the reviewer), `held` (likewise,
    but its person is not known here yet: `reason`), `duplicate` (uploaded before, same content, in `roster_id`), `conflict`
    (uploaded before, other content), `rejected`; for the last two `problem` says why, and `column` where in a file.
    """

    row: int
    id: str | None
    outcome: Literal["accepted", "conflict", "duplicate", "held", "rejected"]
    reason: str | None = None
    clause: str | None = None
    roster_id: str | None = None
    column: str | None = None
    problem: Annotated[
        Problem | None,
        Field(
            description="RFC 9457 problem details. Codes are stable; words follow Accept-Language (zh-CN or en)."
        ),
    ] = None


class Session(BaseModel):
    """
    A planned session: its moments in UTC, its hours, and the credits it is worth where hours are not converted.
    """

    starts_at: str
    ends_at: str
    hours: Decimal
    credits: Decimal | None = None


class Withdrawal(BaseModel):
    """
    Why a provider takes a record back; `authority` where it reports to several.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    reason: Literal["refunded", "reported_in_error", "wrong_credits", "wrong_person", "wrong_year"]
    authority: Annotated[str | None, Field(description="GB/T 2260 code.", pattern="^[1-9][0-9]{5}$")] = None


class WithdrawnRecord(BaseModel):
    """
    A record that its provider took back, by the provider's id of it.
    """

    id: str
    state: str
    reason: Literal["refunded", "reported_in_error", "wrong_credits", "wrong_person", "wrong_year"]


class Completion(BaseModel):
    """
    One completed course of one person, for a credit year (S0-09, S1-07).

    It states `credits`, or `hours` (学时) that the policy of the person's place converts; one of the two.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    id: Annotated[
        str,
        Field(
            description="The provider's own id of this record; unique for ever within provider and authority.",
            examples=["2025-000017"],
            pattern="^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$",
        ),
    ]
    person: PersonIdentity
    year: Annotated[int, Field(description="The credit year (年度), never a date.", ge=2000, le=2100)]
    category: Annotated[
        str,
        Field(
            description="A category the policy of the place knows, nested by slashes.",
            examples=["professional"],
            pattern="^[a-z][a-z0-9_]{0,39}(?:/[a-z][a-z0-9_]{0,39}){0,3}$",
        ),
    ]
    credits: Annotated[
        str | None,
        Field(
            description="Credits as a decimal string with at most two places; JSON floats are not credits.",
            examples=["3.00"],
            pattern="^(?:0|[1-9][0-9]{0,3})(?:\\.[0-9]{1,2})?$",
        ),
    ] = None
    hours: Annotated[
        str | None,
        Field(
            description="Hours of study (学时) as a decimal string, where the policy says what an hour is worth.",
            examples=["6.00"],
            pattern="^(?:0|[1-9][0-9]{0,3})(?:\\.[0-9]{1,2})?$",
        ),
    ] = None
    mode: Literal["face_to_face", "online", "other"]
    course: Annotated[str, Field(pattern="^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
    completed_at: Annotated[AwareDatetime, Field(description="RFC 3339 with an offset.")]
    authority: Annotated[
        str | None,
        Field(
            description="GB/T 2260 code.",
            examples=["210000"],
            pattern="^[1-9][0-9]{5}$",
        ),
    ] = None
    title: Annotated[str | None, Field(pattern="^[^\\x00-\\x1f\\x7f]{1,200}$")] = None
    tier: Literal["intermediate", "junior", "senior"] | None = None
    started_on: date | None = None
    exam_passed_at: AwareDatetime | None = None
    evaluated_at: AwareDatetime | None = None
    filing: Annotated[
        str | None,
        Field(
            description="The training's filing, where a notice wants one.",
            pattern="^[0-9a-f-]{36}$",
        ),
    ] = None
    repeat_of: Annotated[
        str | None,
        Field(
            description="The provider's record of the same course of which this is a new attempt.",
            pattern="^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$",
        ),
    ] = None


class CompletionBatch(BaseModel):
    """
    1 to 1000 records, each decided alone.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    records: Annotated[list[Completion], Field(max_length=1000, min_length=1)]


class CompletionRecord(BaseModel):
    """
    A posted completion today.

    `log` is the authority it was posted to, and `moved_to` the one that its person's year has moved to since. `state` is
    `held` (`reason`), `registered`, `withdrawn` (`reason`), `revoked` (`reason`), `duplicate` of another credit of the
    person, or `rejected` after waiting (`problem`).
    `credits` are what it came to, `late` and `make_up` how it was registered, `recognised_at` when an official recognised it
    where the notice asks for that. `signature` is the digest of the signature it was posted
    under. `history` is everything that became of it, oldest first.
    """

    id: str
    provider_id: str
    log: str
    posted: PostedStudy
    posted_at: str
    state: Literal["duplicate", "held", "registered", "rejected", "revoked", "withdrawn"] | None = "held"
    reason: str | None = None
    clause: str | None = None
    problem: str | None = None
    person_id: str | None = None
    credit_id: str | None = None
    credits: Decimal | None = None
    late: bool | None = False
    make_up: bool | None = False
    provisional: bool | None = False
    recognised_at: str | None = None
    moved_to: str | None = None
    signature: str | None = None
    history: Annotated[list[CompletionStep] | None, Field(validate_default=True)] = []


class Enrolment(BaseModel):
    """
    One person's enrolment with the provider for a credit year (S1-07, S3B-07), and when it was paid.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    id: Annotated[
        str,
        Field(
            description="The provider's own id of this record; unique for ever within provider and authority.",
            examples=["2025-000017"],
            pattern="^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$",
        ),
    ]
    person: PersonIdentity
    year: Annotated[int, Field(description="The credit year (年度), never a date.", ge=2000, le=2100)]
    mode: Literal["face_to_face", "online", "other"]
    enrolled_on: date
    authority: Annotated[
        str | None,
        Field(
            description="GB/T 2260 code.",
            examples=["210000"],
            pattern="^[1-9][0-9]{5}$",
        ),
    ] = None
    tier: Literal["intermediate", "junior", "senior"] | None = None
    paid_on: date | None = None


class EnrolmentBatch(BaseModel):
    """
    1 to 1000 records, each decided alone.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    records: Annotated[list[Enrolment], Field(max_length=1000, min_length=1)]


class ExamPass(BaseModel):
    """
    One person's pass in the provider's exam over a credit year's study (S0-09), or in its evaluation of it.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    id: Annotated[
        str,
        Field(
            description="The provider's own id of this record; unique for ever within provider and authority.",
            examples=["2025-000017"],
            pattern="^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$",
        ),
    ]
    person: PersonIdentity
    year: Annotated[int, Field(description="The credit year (年度), never a date.", ge=2000, le=2100)]
    passed_at: Annotated[AwareDatetime, Field(description="RFC 3339 with an offset.")]
    authority: Annotated[
        str | None,
        Field(
            description="GB/T 2260 code.",
            examples=["210000"],
            pattern="^[1-9][0-9]{5}$",
        ),
    ] = None
    of: Annotated[
        Literal["evaluation", "exam"] | None,
        Field(description="What was passed; an exam when left out."),
    ] = None


class ExamPassBatch(BaseModel):
    """
    1 to 1000 records, each decided alone.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    records: Annotated[list[ExamPass], Field(max_length=1000, min_length=1)]


class FilingAnswer(BaseModel):
    """
    A filing as it stands. `due` is the last day for the bureau's decision where the notice sets one; `in_time` says
    whether an approval came before the first hour (B-15), `provisional` that no notice of its year was out (B-20).
    """

    filing_id: str
    organization_id: str
    place: str
    year: int
    title: str
    mode: str
    category: str
    sessions: list[Session]
    conversion: str | None
    expected: int
    courses: list[str]
    provisional: bool
    state: str
    reason: str | None
    submitted_at: str
    decided_at: str | None
    due: date | None
    overdue: bool
    due_unknown_year: int | None
    in_time: bool | None


class FilingQueue(BaseModel):
    """
    A page of filings; `next` continues it, null at the end.
    """

    items: list[FilingAnswer]
    next: str | None


class FilingRequest(BaseModel):
    """
    A training as it is planned. Say the credits of every session, or the policy's `conversion` of the hours.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    place: Annotated[str, Field(description="GB/T 2260 code.", pattern="^[1-9][0-9]{5}$")]
    year: Annotated[int, Field(ge=2000, le=2100)]
    title: Annotated[str, Field(max_length=200, min_length=1)]
    mode: Literal["face_to_face"] = "face_to_face"
    category: Annotated[
        str,
        Field(
            description="A category the policy of the place knows, nested by slashes.",
            examples=["professional"],
            pattern="^[a-z][a-z0-9_]{0,39}(?:/[a-z][a-z0-9_]{0,39}){0,3}$",
        ),
    ]
    sessions: Annotated[list[PlannedSession], Field(max_length=200, min_length=1)]
    conversion: Annotated[str | None, Field(pattern="^[a-z][a-z0-9_]{0,59}$")] = None
    expected: Annotated[int, Field(description="How many people are expected.", ge=1, le=1000000)]
    courses: Annotated[list[Course] | None, Field(max_length=50)] = None


class Outcome(BaseModel):
    """
    What became of one record.

    `registered` (in the account; for an enrolment or exam pass: recorded), `duplicate` (posted before, same content),
    `conflict` (posted before, other content: `problem.differs` names the fields), `held` (`reason`; registered by itself
    when the reason goes away), `rejected` (not stored; `problem` says why and by which clause), `unknown` (its part of
    the batch failed on the way: post it again with the same id). `former_identity`: the person was named by a name or
    number of before a change. Of a completion that states hours, `credits` is what they came to by `rate_clause`, and `cut`
    the credits of hours beyond the most that count in a day. Of a completion that was posted before, `present` says where it
    stands today.
    """

    id: str | None
    outcome: Literal["conflict", "duplicate", "held", "registered", "rejected", "unknown"]
    log: str | None = None
    position: int | None = None
    person_id: str | None = None
    credit_id: str | None = None
    reason: str | None = None
    clause: str | None = None
    credits: Decimal | None = None
    rate_clause: str | None = None
    cut: Decimal | None = None
    former_identity: bool | None = False
    late: bool | None = False
    make_up: bool | None = False
    released: list[str] | None = None
    first: First | None = None
    present: Present | None = None
    problem: Annotated[
        Problem | None,
        Field(
            description="RFC 9457 problem details. Codes are stable; words follow Accept-Language (zh-CN or en)."
        ),
    ] = None


class RosterAnswer(BaseModel):
    """
    The answer to an upload: `results` mirrors the rows. `roster_id` is what was stored, or was before.

    Of a file, `columns` are those read, `not_taken` the letters of the others.
    """

    roster_id: str | None = None
    late: bool | None = False
    due: date | None = None
    clause: str | None = None
    results: list[RowAnswer]
    summary: dict[str, int]
    columns: Annotated[list[FileColumn] | None, Field(validate_default=True)] = []
    not_taken: list[str] | None = []


class RosterQueue(BaseModel):
    """
    A page of rosters; `next` continues it, null at the end.
    """

    items: list[RosterView]
    next: str | None


class RowOutcome(BaseModel):
    """
    What became of a row of the file, and the column at fault where it is about one.
    """

    row: int
    column: str | None = None
    outcome: Outcome


class TableAnswer(BaseModel):
    """
    The answer to a table: every row's outcome, how many of each, the columns read and the letters of the others.
    """

    results: list[RowOutcome]
    summary: dict[str, int]
    columns: dict[str, str]
    not_taken: list[str]


class BatchAnswer(BaseModel):
    """
    The answer to a batch: `results` mirrors the batch, `summary` counts the outcomes.
    """

    results: list[Outcome]
    summary: dict[str, int]


class CompletionPage(BaseModel):
    """
    Completions by authority and id. A page may hold fewer than asked for, even none, before the end: `next` names what to
    go on after, null at the end.
    """

    items: list[CompletionRecord]
    next: str | None
