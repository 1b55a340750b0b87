"""A roster: the persons of one filed training as one organization reported them, decided as a whole or row by row."""

from collections.abc import Sequence
from datetime import date, datetime

import msgspec
from msgspec import Struct

from services.kit.events import Event
from services.ledger.trainings.events import (
    Reporter,
    RosterReviewed,
    RosterRow,
    RosterRowsReleased,
    RosterUploaded,
    RowDecision,
)
from services.ledger.trainings.problems import OwnFilingError, RosterDecidedError, UnknownRowError


class Roster(Struct, frozen=True, kw_only=True):
    """A roster as it stands; rows without a decision are open."""

    roster_id: str
    filing_id: str
    organization_id: str
    reporter: Reporter
    place: str
    year: int
    rows: tuple[RosterRow, ...]
    decisions: dict[str, RowDecision]
    due: date | None
    late: bool
    late_reason: str | None
    clause: str | None
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
                roster_id=event.roster_id,
                filing_id=event.filing_id,
                organization_id=event.organization_id,
                reporter=event.reporter,
                place=event.place,
                year=event.year,
                rows=event.rows,
                decisions={},
                due=event.due,
                late=event.late,
                late_reason=event.late_reason,
                clause=event.clause,
                uploaded_by=event.by,
                uploaded_at=event.at,
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
