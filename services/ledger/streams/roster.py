"""A roster: the persons of one filed training as one organization reported them, decided as a whole or row by row.
People appear by keyed hash or opaque id."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import Struct
from pydantic import Field

from services.kit.errors import Problem
from services.kit.events import Event
from services.kit.pydantic_models import fields_of
from services.kit.review import Case, Step
from services.kit.schemas import StrictModel
from services.ledger.streams.filing import REVIEWER, OwnFilingError
from services.ledger.streams.year import CorrectionReason


class RosterFaultyError(Problem):
    """Rows of the roster cannot be taken, so nothing was stored: `results` says row by row why. Correct them, or send
    `partial=true` to store the others."""

    code: ClassVar[str] = "roster-faulty"
    status: ClassVar[int] = 422
    title_zh: ClassVar[str] = "名单中有不能接收的记录，未保存任何内容"
    title_en: ClassVar[str] = "Rows cannot be taken; nothing was stored"


class UnknownRosterError(Problem):
    """No roster has this id, or it is not for this caller."""

    code: ClassVar[str] = "roster-unknown"
    status: ClassVar[int] = 404
    title_zh: ClassVar[str] = "未找到该名单"
    title_en: ClassVar[str] = "No such roster"


class RosterDecidedError(Problem):
    """Every row that is asked about was decided before; `rows` are those."""

    code: ClassVar[str] = "roster-decided"
    status: ClassVar[int] = 409
    title_zh: ClassVar[str] = "名单或所选记录已经审核"
    title_en: ClassVar[str] = "The roster, or these rows of it, were decided before"


class UnknownRowError(Problem):
    """The roster has no such row; `rows` are those."""

    code: ClassVar[str] = "roster-row-unknown"
    status: ClassVar[int] = 422
    title_zh: ClassVar[str] = "名单中没有该记录"
    title_en: ClassVar[str] = "The roster has no such row"


class RowRepeatedError(Problem):
    """The same row id, or the same person, stands twice in the roster."""

    code: ClassVar[str] = "row-repeated"
    status: ClassVar[int] = 422
    title_zh: ClassVar[str] = "名单中编号或人员重复"
    title_en: ClassVar[str] = "A row id or a person stands twice in the roster"


class NotPassedError(Problem):
    """Who did not pass earns nothing, and is left out of the roster (S2B-13)."""

    code: ClassVar[str] = "training-not-passed"
    status: ClassVar[int] = 422
    title_zh: ClassVar[str] = "未通过考核的人员不取得学分"
    title_en: ClassVar[str] = "Who did not pass earns no credits"


class AttendanceUnclearError(Problem):
    """A row says which planned sessions were attended, or how many hours of them; one of the two, within the plan."""

    code: ClassVar[str] = "attendance-unclear"
    status: ClassVar[int] = 422
    title_zh: ClassVar[str] = "出勤场次或学时与备案不符"
    title_en: ClassVar[str] = "The attendance does not fit the plan that was filed"


class NotEmployedHereError(Problem):
    """An employer reports its own people (S3B-08)."""

    code: ClassVar[str] = "not-employed-here"
    status: ClassVar[int] = 422
    title_zh: ClassVar[str] = "该人员不属于报送单位"
    title_en: ClassVar[str] = "The person is not employed by who reports"


Reporter = Literal["provider", "employer"]
RowOutcome = Literal["registered", "held", "refused"]
RowReason = Literal[
    "not_attended", "proof_missing", "wrong_person", "wrong_credits", "counted_already", "other"
]
OPEN = "open"


class RosterRow(Struct, frozen=True, kw_only=True):
    """One reported person. `sessions` count the planned ones from 1; `content` tells a repeat from a conflict."""

    row_id: str
    identity_hash: str
    name_hash: str
    content: str
    sessions: tuple[int, ...]
    hours: Decimal | None = None


class ReportedRoster(Struct, frozen=True, kw_only=True):
    """The persons of a training as they were reported; `late` with the reason given, shown to the reviewer (A-16)."""

    roster_id: str
    filing_id: str
    organization_id: str
    reporter: Reporter
    place: str
    year: int
    rows: tuple[RosterRow, ...]
    due: date | None = None
    late: bool = False
    late_reason: str | None = None
    clause: str | None = None


class RosterUploaded(ReportedRoster, Event, frozen=True, kw_only=True):
    """The persons of a training were reported (S1-15)."""

    TOPIC: ClassVar[str] = "ledger.RosterUploaded"

    by: str
    at: datetime


class RowDecision(Struct, frozen=True, kw_only=True):
    """What became of a row: its credits, what it waits for, or why it was refused."""

    row_id: str
    outcome: RowOutcome
    reason: str | None = None
    clause: str | None = None
    credit_ids: tuple[str, ...] = ()


class RosterReviewed(Event, frozen=True, kw_only=True):
    """An official decided rows of a roster; the credits of approved rows are earned in the same transaction."""

    TOPIC: ClassVar[str] = "ledger.RosterReviewed"

    roster_id: str
    filing_id: str
    organization_id: str
    place: str
    year: int
    rows: tuple[RowDecision, ...]
    by: str
    at: datetime


class RosterRowsReleased(Event, frozen=True, kw_only=True):
    """Approved rows that waited for their person were registered, or refused after all."""

    TOPIC: ClassVar[str] = "ledger.RosterRowsReleased"

    roster_id: str
    rows: tuple[RowDecision, ...]
    at: datetime


class Roster(ReportedRoster, frozen=True, kw_only=True):
    """A roster as it stands; rows without a decision are open."""

    decisions: dict[str, RowDecision]
    submitted_by: str
    uploaded_at: datetime

    @property
    def open_rows(self) -> tuple[RosterRow, ...]:
        """The rows nobody has decided."""
        return tuple(row for row in self.rows if row.row_id not in self.decisions)

    @property
    def state(self) -> str:
        """Whether a reviewer is still waited for."""
        return OPEN if self.open_rows else "reviewed"

    def state_of(self, row: RosterRow) -> str:
        """Where a row stands: open, or what was decided."""
        decision = self.decisions.get(row.row_id)
        return OPEN if decision is None else decision.outcome


def stream_of(roster_id: str) -> str:
    """The stream of one roster in the log of the training's place."""
    return f"roster:{roster_id}"


def evolve(roster: Roster | None, event: Event) -> Roster | None:
    """The roster after one more event."""
    match event:
        case RosterUploaded():
            return Roster(
                **fields_of(ReportedRoster, event), decisions={}, submitted_by=event.by, uploaded_at=event.at
            )
        case RosterReviewed() | RosterRowsReleased() if roster is not None:
            decided = {decision.row_id: decision for decision in event.rows}
            return msgspec.structs.replace(roster, decisions=roster.decisions | decided)
        case _:
            return roster


RowIds = Annotated[
    list[Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,19}$")]] | None,
    Field(min_length=1, max_length=1000, description="The rows meant; all that are open when left out."),
]


class RosterApproval(StrictModel):
    """The rows to approve; `correction` says why, where the year is closed (B-07)."""

    rows: RowIds = None
    correction: CorrectionReason | None = None


class RosterRefusal(StrictModel):
    """The rows to refuse, and why."""

    reason: RowReason
    rows: RowIds = None


ROSTERS: Case[Roster] = Case(
    noun="roster",
    waiting=frozenset({OPEN}),
    wrong_state=lambda _: RosterDecidedError(),
    own=OwnFilingError,
    steps=(
        Step(
            "approve",
            path="approval",
            from_=frozenset({OPEN}),
            to="reviewed",
            by=REVIEWER,
            never_own=True,
            body=RosterApproval,
            words="""Approve a roster as a whole, or the rows named; their credits are in the accounts when the answer comes.

            A row of somebody who is not collected here, or under another name, waits and is registered when the person
            arrives.
            """,
        ),
        Step(
            "refuse",
            path="refusal",
            from_=frozenset({OPEN}),
            to="reviewed",
            by=REVIEWER,
            never_own=True,
            body=RosterRefusal,
            words="Refuse a roster as a whole, or the rows named, with a reason.",
        ),
    ),
)
"""How a roster is reviewed, as a whole and row by row: each row is open until it is decided, and so is the roster."""


def to_decide(
    name: str, roster: Roster, row_ids: Sequence[str] | None, *, by: str, organization: str | None
) -> tuple[RosterRow, ...]:
    """The rows for which a reviewer may take the step now: all that are open, or those named.

    Raises RosterDecidedError, OwnFilingError and UnknownRowError.
    """
    step = ROSTERS.must_allow(name, roster, by)
    if organization is not None and organization == roster.organization_id:
        raise ROSTERS.own()
    rows = {row.row_id: row for row in roster.rows}
    unknown = sorted(set(row_ids or ()) - rows.keys())
    if unknown:
        raise UnknownRowError(pointer="/rows")
    allowed = {row_id for row_id, row in rows.items() if roster.state_of(row) in step.from_}
    decided = sorted(set(row_ids or ()) - allowed)
    if decided:
        raise RosterDecidedError(pointer="/rows", rows=decided)
    wanted = allowed if row_ids is None else set(row_ids)
    return tuple(row for row in roster.rows if row.row_id in wanted)
