"""The shapes of what is said about recognition."""

from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from msgspec import Struct


class AwaitingCredit(Struct, frozen=True, kw_only=True):
    """A registered credit that counts only once an official recognises it, by `clause`."""

    credit_id: str
    person_id: str
    place: str
    year: int
    category: str
    credits: Decimal
    mode: str
    route: str
    provider_id: str | None
    completed_at: datetime
    registered_at: datetime
    clause: str


class AwaitingWorklist(Struct, frozen=True, kw_only=True):
    """What awaits recognition of the people looked at, as of the log's position; `next` goes on, null at the end."""

    results: list[AwaitingCredit]
    log: str
    position: int
    next: str | None


class Recognised(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of one credit; `problem` says why it was not recognised."""

    credit_id: str
    person_id: str
    outcome: Literal["recognised", "refused"]
    problem: dict[str, Any] | None = None


class RecognitionAnswer(Struct, frozen=True, kw_only=True):
    """Every credit answered; `next` goes on with a worklist, null at its end and for credits that were named."""

    results: list[Recognised]
    next: str | None = None
