"""The states of a moving profile: whose turn each of them is, what the worker does about it, and its last day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Final, Literal, NamedTuple

from services.kit.clock import UnknownYear, add_working_days, end_of_day, local_date

DESK_WORKING_DAYS = 10
"""How long each desk may take (S2C-05)."""
FETCH_WORKING_DAYS = 10
"""How long a destination may take to fetch what is offered; the clause says "periodically" (S2C-16)."""
CONFIRM_WORKING_DAYS = 20
"""How long the person may take to look the approved transfer up; no clause says (S2C-18)."""
ANSWER_WORKING_DAYS = 60
"""How long the origin waits for a destination that has fetched: longer than its desk and the person have together."""


class Kind(StrEnum):
    """Within one authority, out to another, or in from another."""

    WITHIN = "within"
    OUT = "out"
    IN = "in"


class State(StrEnum):
    """Where a transfer stands; shown at any time (S2C-11)."""

    SUSPENDED = "suspended"
    REQUESTED = "requested"
    ACCEPTED = "accepted"
    OFFERED = "offered"
    FETCHED = "fetched"
    RECEIVED = "received"
    APPROVED = "approved"
    CONFIRMED = "confirmed"
    HANDED_OVER = "handed_over"
    COMPLETED = "completed"
    RETURNED = "returned"
    WITHDRAWN = "withdrawn"
    REFUSED = "refused"
    CANCELLED = "cancelled"


OVER = frozenset({State.COMPLETED, State.RETURNED, State.WITHDRAWN, State.REFUSED, State.CANCELLED})
OPEN_STATES = tuple(state for state in State if state not in OVER)


class WorkerStep(StrEnum):
    """A call that somebody else has to answer before the transfer can go on."""

    RESUME = "resume"
    OFFER = "offer"
    RECALL = "recall"
    CANCEL = "cancel"
    LEAVE = "leave"
    REFUSE = "refuse"
    CONFIRM = "confirm"


End = Literal["from", "to"]


class Turn(NamedTuple):
    """What a state waits for: the desk at one end, a step of the worker, or somebody else.

    It may last `days` working days and is then returned, `late` saying why. A step of the worker in a state with a last
    day waits until that has passed: the relay has to say whether the time is over, the destination may have been quicker.
    """

    desk: End | None = None
    step: WorkerStep | None = None
    days: int = 0
    late: str = ""


TURNS: Final[Mapping[tuple[Kind, State], Turn]] = {
    (Kind.WITHIN, State.REQUESTED): Turn("from", days=DESK_WORKING_DAYS, late="not_accepted_in_time"),
    (Kind.WITHIN, State.ACCEPTED): Turn("to", days=DESK_WORKING_DAYS, late="not_decided_in_time"),
    (Kind.OUT, State.SUSPENDED): Turn(step=WorkerStep.RESUME),
    (Kind.OUT, State.REQUESTED): Turn("from", days=DESK_WORKING_DAYS, late="not_accepted_in_time"),
    (Kind.OUT, State.ACCEPTED): Turn(step=WorkerStep.OFFER),
    (Kind.OUT, State.OFFERED): Turn(
        step=WorkerStep.RECALL, days=FETCH_WORKING_DAYS, late="not_fetched_in_time"
    ),
    (Kind.OUT, State.FETCHED): Turn(
        step=WorkerStep.CANCEL, days=ANSWER_WORKING_DAYS, late="not_answered_in_time"
    ),
    (Kind.OUT, State.CONFIRMED): Turn(step=WorkerStep.LEAVE),
    (Kind.IN, State.RECEIVED): Turn("to", days=DESK_WORKING_DAYS, late="not_decided_in_time"),
    (Kind.IN, State.APPROVED): Turn(days=CONFIRM_WORKING_DAYS, late="not_confirmed_in_time"),
    (Kind.IN, State.REFUSED): Turn(step=WorkerStep.REFUSE),
    (Kind.IN, State.CONFIRMED): Turn(step=WorkerStep.CONFIRM),
}
NOBODYS = Turn()
LIMITED: Final = {key: turn for key, turn in TURNS.items() if turn.days}
"""The states that have a last day."""


def turn_of(kind: Kind, state: State) -> Turn:
    """Whose turn a state is; nobody's where it is over, or waits for the other end."""
    return TURNS.get((kind, state), NOBODYS)


def desk_of(kind: Kind, state: State, from_place: str, to_place: str) -> str | None:
    """The place whose official's turn it is; None while the person, the service or nobody has it."""
    desk = turn_of(kind, state).desk
    return None if desk is None else {"from": from_place, "to": to_place}[desk]


def places_concerned(kind: Kind, state: State, from_place: str, to_place: str) -> Sequence[str]:
    """In whose list a transfer stands.

    Within an authority it is the desk's while it is open, afterwards that of both places. Of two authorities each keeps an
    end of its own in its own list.
    """
    if kind is Kind.OUT:
        return (from_place,)
    if kind is Kind.IN:
        return (to_place,)
    desk = desk_of(kind, state, from_place, to_place)
    return (from_place, to_place) if desk is None else (desk,)


def due_on(kind: Kind, state: State, since: datetime) -> date | UnknownYear | None:
    """The last day of a state that began at `since`: None without a limit, UnknownYear when the calendar ends before."""
    days = turn_of(kind, state).days
    return add_working_days(local_date(since), days) if days else None


def is_over(kind: Kind, state: State, since: datetime, now: datetime) -> bool:
    """Whether the last day has passed, to 24:00. A day nobody knows yet has not passed."""
    due = due_on(kind, state, since)
    return isinstance(due, date) and now >= end_of_day(due)


def last_day_within(days: int, now: datetime) -> date | None:
    """The day so many working days from now; None when it lies in a year whose calendar is not announced."""
    day = add_working_days(local_date(now), days)
    return day if isinstance(day, date) else None


@lru_cache(maxsize=256)
def began_before(days: int, last_day: date) -> datetime:
    """The moment before which a state of so many working days must have begun to end on `last_day` or earlier.

    Due days rise with the day of the beginning, so one comparison finds every row that is due.
    """
    day = last_day
    while True:
        due = add_working_days(day, days)
        if isinstance(due, date) and due <= last_day:
            return end_of_day(day)
        day -= timedelta(days=1)


def limits_on(last_day: date) -> tuple[list[str], list[str], list[datetime]]:
    """The limited states, and the moment before which each must have begun to end on that day or earlier: arrays of
    kinds, states and moments for a query.
    """
    return (
        [kind.value for kind, _ in LIMITED],
        [state.value for _, state in LIMITED],
        [began_before(turn.days, last_day) for turn in LIMITED.values()],
    )


def limits_over(now: datetime) -> tuple[list[str], list[str], list[datetime]]:
    """As `limits_on`, of states whose last day has passed by now, to 24:00."""
    return limits_on(local_date(now) - timedelta(days=1))
