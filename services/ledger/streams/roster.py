"""A roster: the persons of one filed training as one organization reported them, decided as a whole or row by row.
People appear by keyed hash or opaque id."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import ClassVar, Literal

import msgspec
from msgspec import Struct

from services.kit.errors import Problem
from services.kit.events import Event
from services.kit.views import fields_of
from services.ledger.streams.filing import OwnFilingError


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
    uploaded_by: str
    uploaded_at: datetime

    @property
    def open_rows(self) -> tuple[RosterRow, ...]:
        """The rows nobody has decided."""
        return tuple(row for row in self.rows if row.row_id not in self.decisions)

    @property
    def status(self) -> str:
        """Whether a reviewer is still waited for."""
        return "open" if self.open_rows else "reviewed"


def stream_of(roster_id: str) -> str:
    """The stream of one roster in the log of the training's place."""
    return f"roster:{roster_id}"


def evolve(roster: Roster | None, event: Event) -> Roster | None:
    """The roster after one more event."""
    match event:
        case RosterUploaded():
            return Roster(
                **fields_of(ReportedRoster, event), decisions={}, uploaded_by=event.by, uploaded_at=event.at
            )
        case RosterReviewed() | RosterRowsReleased() if roster is not None:
            decided = {decision.row_id: decision for decision in event.rows}
            return msgspec.structs.replace(roster, decisions=roster.decisions | decided)
        case _:
            return roster


def to_decide(
    roster: Roster, row_ids: Sequence[str] | None, *, by: str, organization: str | None
) -> tuple[RosterRow, ...]:
    """The rows a reviewer may decide now: all that are open, or those named.

    Raises OwnFilingError, UnknownRowError and RosterDecidedError.
    """
    if roster.uploaded_by == by or (organization is not None and organization == roster.organization_id):
        raise OwnFilingError
    if row_ids is None:
        if not roster.open_rows:
            raise RosterDecidedError
        return roster.open_rows
    rows = {row.row_id: row for row in roster.rows}
    unknown = sorted(set(row_ids) - rows.keys())
    if unknown:
        raise UnknownRowError(pointer="/rows")
    decided = sorted(set(row_ids) & roster.decisions.keys())
    if decided:
        raise RosterDecidedError(pointer="/rows", rows=decided)
    wanted = set(row_ids)
    return tuple(row for row in roster.rows if row.row_id in wanted)
