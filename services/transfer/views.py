"""Views: the answers of the transfer service, as its callers are shown a case."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Literal

from asyncpg import Record
from pydantic import Field

from contracts.handover import Blocker
from services.kit.clock import UnknownYear, local_date
from services.kit.pydantic_models import view
from services.kit.schemas import Day, StrictModel, WholeList
from services.transfer.cases.case import Case
from services.transfer.cases.commands import Actor
from services.transfer.cases.departure import Departure
from services.transfer.cases.states import (
    Kind,
    State,
    desk_of,
    due_on,
)

REFUSAL_TEXT = "refusal"
"""The part of `remarks` that explains a refusal."""


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


def evidence_part(number: int) -> str:
    """The part of `remarks` that holds the name of the evidence at this place of the list, from 0."""
    return f"evidence:{number}"


class TransferReceipt(StrictModel):
    """Where a transfer stands after a command; `due` is null when nobody's turn is left or the day is not known yet."""

    transfer_id: str
    kind: KindName = Field(description="Within one authority, out to another, or in from another.")
    state: StateName
    desk: str | None = Field(description="The place whose turn it is.")
    due: date | None = Field(description="Last day of this step (S2C-05), until 24:00.")

    @classmethod
    def of(cls, case: Case) -> TransferReceipt:
        """The answer to a command, which is kept: it has not a word that people typed."""
        return cls(
            transfer_id=str(case.id),
            kind=case.kind.value,
            state=case.state.value,
            desk=case.desk,
            due=None if isinstance(case.due, UnknownYear) else case.due,
        )


class DueView(StrictModel):
    """The last day of a step. `on` is null where the working days of `unknown_year` are not announced yet."""

    on: date | None
    unknown_year: int | None = None
    late: bool | None

    @classmethod
    def of(cls, kind: Kind, state: State, since: datetime, now: datetime) -> DueView | None:
        """For a transfer that came into its state at `since`; None where the state has no last day."""
        due = due_on(kind, state, since)
        if due is None:
            return None
        if isinstance(due, UnknownYear):
            return cls(on=None, unknown_year=due.year, late=None)
        return cls(on=due, late=local_date(now) > due)


class StepView(StrictModel):
    """One thing that happened; officials also see who decided."""

    state: StateName
    at: datetime
    place: str | None = Field(description="The place whose official acted; null for the person.")
    reason: str | None = None
    by: str | None = None


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
    def of(cls, case: Case, remarks: Mapping[str, str], actor: Actor, now: datetime) -> TransferView:
        """What the actor is shown at a moment, with what people typed about it."""
        official = actor.place is not None
        return view(
            cls,
            case,
            transfer_id=str(case.id),
            kind=case.kind.value,
            state=case.state.value,
            due=DueView.of(case.kind, case.state, case.since, now),
            blockers=[Blocker(**each) for each in case.blockers] if isinstance(case, Departure) else [],
            evidence=[
                EvidenceView(name=remarks.get(evidence_part(number)), **file)
                for number, file in enumerate(case.evidence)
            ],
            refusal_text=remarks.get(REFUSAL_TEXT),
            steps=[
                StepView(state=state.value, at=at, place=place, reason=reason, by=by if official else None)
                for state, at, by, place, reason in case.steps
            ],
        )


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
    def of(cls, row: Record, now: datetime) -> ListedTransfer:
        """The line of a row of `transfers`, as it reads at a moment."""
        kind, state = Kind(row["kind"]), State(row["state"])
        return view(
            cls,
            dict(row),
            desk=desk_of(kind, state, row["from_place"], row["to_place"]),
            due=DueView.of(kind, state, row["since"], now),
        )


class Worklist(StrictModel):
    """A page of a place's list, in order of submission; `next` is the `after` of the following page."""

    items: list[ListedTransfer]
    next: str | None


class OwnTransfers(WholeList):
    """A person's transfers, newest first."""

    items: list[TransferView]


class InFlightCount(StrictModel):
    """Transfers of one kind on their way at one place."""

    place: str
    kind: KindName
    state: StateName
    number: int
    late: int = Field(description="Of these, how many whose last day has passed.")


class EndedCount(StrictModel):
    """Transfers of one kind that ended at one place; `reason` is there when they were returned or refused."""

    place: str
    kind: KindName
    state: StateName
    reason: str | None
    number: int


class MedianDays(StrictModel):
    """How long completed transfers took at one place, in days from the request to the end."""

    place: str
    days: float


class TransferCounts(StrictModel):
    """The transfers of a place and all under it: each is counted at the desk that has it, once it is over at its origin, and
    an arrival at its destination.
    """

    place: str
    since: Day
    until: Day
    in_flight: list[InFlightCount]
    ended: list[EndedCount]
    median_days: float | None
    median_days_by_place: list[MedianDays]
