"""Bodies of the transfer service's commands, and its answers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from contracts.divisions import NATION, is_known
from contracts.handover import Blocker
from contracts.identifiers import check_uscc
from services.kit.calendar import UnknownYear
from services.kit.clock import local_date
from services.kit.field_errors import refuse
from services.kit.schemas import Line, StrictModel
from services.transfer.actors import Actor
from services.transfer.application import REFUSAL_TEXT, evidence_part
from services.transfer.cases.any_case import AnyCase
from services.transfer.cases.case import Step
from services.transfer.cases.departure import Departure
from services.transfer.cases.limits import due_on
from services.transfer.cases.states import Kind, State, desk_of
from services.transfer.commands import Evidence, MediaType, RefusalReason
from services.transfer.queries import Found, Listed

EVIDENCE_MAX = 10
TEXT_LENGTH_MAX = 200

# A resident ID or a telephone number, however written or spaced, and a passport's or permit's letter with eight
# digits. Eight digits alone may be a date.
_LOOKS_LIKE_A_NUMBER = re.compile(r"(?:\d[\s\-.]*){9}|(?<![A-Za-z])[A-Za-z]\d{8}")

StateName = Literal[
    "suspended",
    "requested",
    "accepted",
    "offered",
    "fetched",
    "received",
    "approved",
    "confirmed",
    "handed_over",
    "completed",
    "returned",
    "withdrawn",
    "refused",
    "cancelled",
]
KindName = Literal["within", "out", "in"]


def _known_place(code: str) -> str:
    if not is_known(code):
        raise refuse("unknown_place", "行政区划代码不存在", "There is no such division")
    return code


def _below_the_nation(code: str) -> str:
    if code == NATION:
        raise refuse("too_wide", "应为具体的调入地", "Must be narrower than the nation")
    return code


def _good_uscc(code: str) -> str:
    problem = check_uscc(code)
    if problem is not None:
        raise refuse("wrong_uscc", problem.text_zh, problem.text_en)
    return code


def _without_numbers(text: str) -> str:
    if _LOOKS_LIKE_A_NUMBER.search(text) or "@" in text:
        raise refuse(
            "personal_data",
            "不得填写证件号码、电话、邮箱等个人信息",
            "Must not hold ID numbers, telephone numbers or addresses of people",
        )
    return text


Place = Annotated[
    str, Field(pattern=r"^[1-9][0-9]{5}$", description="GB/T 2260 code."), AfterValidator(_known_place)
]
UsccCode = Annotated[
    str, Field(min_length=18, max_length=18, description="统一社会信用代码."), AfterValidator(_good_uscc)
]
OpaqueId = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Text = Annotated[Line, Field(max_length=TEXT_LENGTH_MAX), AfterValidator(_without_numbers)]


class EvidenceFile(StrictModel):
    """A stamped 工作证明 or 学籍证明 (S2C-10), by the digest of the file; the file itself is not sent here."""

    name: Annotated[Line, Field(max_length=120), AfterValidator(_without_numbers)]
    sha256: Sha256
    media_type: MediaType


class TransferRequest(StrictModel):
    """A person asks to move their profile; a student has no employer (S2C-10, where the form says 无)."""

    person_id: OpaqueId
    to_place: Annotated[Place, AfterValidator(_below_the_nation)]
    employer: UsccCode | None
    student: bool = False
    evidence: Annotated[list[EvidenceFile], Field(min_length=1, max_length=EVIDENCE_MAX)]

    @model_validator(mode="after")
    def _employed_or_student(self) -> Self:
        if (self.employer is None) is not self.student:
            raise refuse(
                "employer_or_student",
                "应填写调入单位；学生不填单位并将 student 设为 true",
                "Name the employer; a student names none and sets student to true",
            )
        return self

    @property
    def files(self) -> tuple[Evidence, ...]:
        """The evidence as the command takes it."""
        return tuple(
            Evidence(name=file.name, sha256=file.sha256, media_type=file.media_type) for file in self.evidence
        )


class Refusal(StrictModel):
    """Why a desk refuses: a code for machines, and for people a text that names nobody."""

    reason: RefusalReason
    text: Text | None = None


class TransferReceipt(StrictModel):
    """Where a transfer stands after a command; `due` is null when nobody's turn is left or the day is not known yet."""

    transfer_id: str
    kind: KindName = Field(description="Within one authority, out to another, or in from another.")
    state: StateName
    desk: str | None = Field(description="The place whose turn it is.")
    due: date | None = Field(description="Last day of this step (S2C-05), until 24:00.")


class DueView(StrictModel):
    """The last day of a step. `on` is null where the working days of `unknown_year` are not announced yet."""

    on: date | None
    unknown_year: int | None = None
    late: bool | None

    @classmethod
    def of(cls, kind: Kind, state: State, since: datetime, today: date) -> DueView | None:
        """For a transfer that came into its state at `since`; None where the state has no last day."""
        due = due_on(kind, state, since)
        if due is None:
            return None
        if isinstance(due, UnknownYear):
            return cls(on=None, unknown_year=due.year, late=None)
        return cls(on=due, late=today > due)


class StepView(StrictModel):
    """One thing that happened; officials also see who decided."""

    state: StateName
    at: datetime
    place: str | None = Field(description="The place whose official acted; null for the person.")
    reason: str | None = None
    by: str | None = None

    @classmethod
    def of(cls, step: Step, *, official: bool) -> StepView:
        """For a viewer who is an official, or not."""
        return cls(
            state=step.state.value,
            at=step.at,
            place=step.place,
            reason=step.reason,
            by=step.subject if official else None,
        )


class EvidenceView(StrictModel):
    """Evidence as it was handed in; `name` is null once what people typed has been removed."""

    name: str | None
    sha256: str
    media_type: str


class TransferView(StrictModel):
    """Everything about one transfer; the state is shown at any time (S2C-11)."""

    transfer_id: str
    kind: KindName
    person_id: str
    from_place: str
    to_place: str
    employer: str | None
    student: bool
    state: StateName
    desk: str | None
    due: DueView | None
    blockers: list[Blocker] = Field(
        description="What had to be finished first, when that is why it was returned."
    )
    evidence: list[EvidenceView]
    refusal_text: str | None
    steps: list[StepView]

    @classmethod
    def of(cls, found: Found, actor: Actor, now: datetime) -> TransferView:
        """What the actor is shown at a moment."""
        transfer, remarks = found
        return cls(
            transfer_id=str(transfer.id),
            kind=transfer.kind.value,
            person_id=transfer.person_id,
            from_place=transfer.from_place,
            to_place=transfer.to_place,
            employer=transfer.employer,
            student=transfer.student,
            state=transfer.state.value,
            desk=transfer.desk,
            due=DueView.of(transfer.kind, transfer.state, transfer.since, local_date(now)),
            blockers=_blockers(transfer),
            evidence=_evidence(transfer.evidence, remarks),
            refusal_text=remarks.get(REFUSAL_TEXT),
            steps=[StepView.of(step, official=actor.place is not None) for step in transfer.steps],
        )


def _blockers(case: AnyCase) -> list[Blocker]:
    return [Blocker(**each) for each in case.blockers] if isinstance(case, Departure) else []


def _evidence(files: list[dict[str, str]], remarks: Mapping[str, str]) -> list[EvidenceView]:
    return [
        EvidenceView(name=remarks.get(evidence_part(number)), **file) for number, file in enumerate(files)
    ]


class ListedTransfer(StrictModel):
    """A line of a worklist."""

    transfer_id: str
    kind: str
    person_id: str
    from_place: str
    to_place: str
    state: str
    reason: str | None
    requested_at: datetime
    desk: str | None
    due: DueView | None

    @classmethod
    def of(cls, listed: Listed, now: datetime) -> ListedTransfer:
        """The line as it reads at a moment."""
        kind, state = Kind(listed.kind), State(listed.state)
        return cls(
            transfer_id=listed.transfer_id,
            kind=listed.kind,
            person_id=listed.person_id,
            from_place=listed.from_place,
            to_place=listed.to_place,
            state=listed.state,
            reason=listed.reason,
            requested_at=listed.requested_at,
            desk=desk_of(kind, state, listed.from_place, listed.to_place),
            due=DueView.of(kind, state, listed.since, local_date(now)),
        )


class Worklist(StrictModel):
    """A page of a place's list, in order of submission; `next` is the `after` of the following page."""

    items: list[ListedTransfer]
    next: str | None


class OwnTransfers(StrictModel):
    """A person's transfers, newest first."""

    transfers: list[TransferView]
