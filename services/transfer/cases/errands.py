"""What the worker has to do next for a transfer, as a function of where it stands."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from services.transfer.cases.states import Kind, State


class Errand(StrEnum):
    """A call that somebody else has to answer before the transfer can go on."""

    RESUME = "resume"
    OFFER = "offer"
    RECALL = "recall"
    CANCEL = "cancel"
    LEAVE = "leave"
    REFUSE = "refuse"
    CONFIRM = "confirm"


_ERRANDS: Final[Mapping[tuple[Kind, State], Errand]] = {
    (Kind.OUT, State.SUSPENDED): Errand.RESUME,
    (Kind.OUT, State.ACCEPTED): Errand.OFFER,
    (Kind.OUT, State.OFFERED): Errand.RECALL,
    (Kind.OUT, State.FETCHED): Errand.CANCEL,
    (Kind.OUT, State.CONFIRMED): Errand.LEAVE,
    (Kind.IN, State.REFUSED): Errand.REFUSE,
    (Kind.IN, State.CONFIRMED): Errand.CONFIRM,
}


def errand_of(kind: Kind, state: State) -> Errand | None:
    """What a state asks of the worker, None when it waits for somebody else.

    An offer is recalled, and what was fetched is cancelled, when its last day has passed and not before (`WAITS`). What the
    relay was told is done by its own event.
    """
    return _ERRANDS.get((kind, state))


WAITS: Final[Mapping[Errand, tuple[Kind, State]]] = {
    Errand.RECALL: (Kind.OUT, State.OFFERED),
    Errand.CANCEL: (Kind.OUT, State.FETCHED),
}
"""The errands that wait for the last day of a state."""
