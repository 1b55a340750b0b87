"""What the worker has to do next for a transfer, as a function of where it stands."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from services.transfer.cases.states import Kind, State


class WorkerStep(StrEnum):
    """A call that somebody else has to answer before the transfer can go on."""

    RESUME = "resume"
    OFFER = "offer"
    RECALL = "recall"
    CANCEL = "cancel"
    LEAVE = "leave"
    REFUSE = "refuse"
    CONFIRM = "confirm"


_NEXT_STEPS: Final[Mapping[tuple[Kind, State], WorkerStep]] = {
    (Kind.OUT, State.SUSPENDED): WorkerStep.RESUME,
    (Kind.OUT, State.ACCEPTED): WorkerStep.OFFER,
    (Kind.OUT, State.OFFERED): WorkerStep.RECALL,
    (Kind.OUT, State.FETCHED): WorkerStep.CANCEL,
    (Kind.OUT, State.CONFIRMED): WorkerStep.LEAVE,
    (Kind.IN, State.REFUSED): WorkerStep.REFUSE,
    (Kind.IN, State.CONFIRMED): WorkerStep.CONFIRM,
}


def next_step_of(kind: Kind, state: State) -> WorkerStep | None:
    """What a state asks of the worker, None when it waits for somebody else.

    An offer is recalled, and what was fetched is cancelled, when its last day has passed and not before (`WAITS`). What the
    relay was told is done by its own event.
    """
    return _NEXT_STEPS.get((kind, state))


WAITS: Final[Mapping[WorkerStep, tuple[Kind, State]]] = {
    WorkerStep.RECALL: (Kind.OUT, State.OFFERED),
    WorkerStep.CANCEL: (Kind.OUT, State.FETCHED),
}
"""The steps that wait for the last day of a state."""
