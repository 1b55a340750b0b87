"""The states of a moving profile, and whose turn each of them is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final


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

FROM, TO = "from", "to"
_DESKS: Final[Mapping[tuple[Kind, State], str]] = {
    (Kind.WITHIN, State.REQUESTED): FROM,
    (Kind.WITHIN, State.ACCEPTED): TO,
    (Kind.OUT, State.REQUESTED): FROM,
    (Kind.IN, State.RECEIVED): TO,
}


def desk_of(kind: Kind, state: State, from_place: str, to_place: str) -> str | None:
    """The place whose official's turn it is; None while the person, the service or nobody has it."""
    desk = _DESKS.get((kind, state))
    return None if desk is None else {FROM: from_place, TO: to_place}[desk]


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
