"""The facts of a ledger's feed that matter here, read strictly: an event this release does not know stops its log."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from pydantic import ValidationError

from contracts.catalogue import UnknownEventTypeError, read_event
from contracts.envelope import PublishedEvent
from contracts.ledger import CreditEarned, CreditRecognised, CreditRevoked, CreditWithdrawn
from services.kit.events import UnknownEventError
from services.kit.feed import CloudEvent

Ended = CreditWithdrawn | CreditRevoked
"""What ends a credit."""


class Fact(NamedTuple):
    """A published fact, where it stands in its log, and when it was recorded (UTC)."""

    position: int
    recorded_at: datetime
    event: PublishedEvent


def facts_of(events: Sequence[CloudEvent]) -> list[Fact]:
    """The events of a batch as facts. Raises UnknownEventError."""
    return [Fact(event.position, event.time, _read(event)) for event in events]


def earned(facts: Sequence[Fact]) -> list[tuple[Fact, CreditEarned]]:
    """The credits that were registered, in order."""
    return [(fact, fact.event) for fact in facts if isinstance(fact.event, CreditEarned)]


def ended(facts: Sequence[Fact]) -> list[tuple[Fact, Ended]]:
    """The credits that ended, in order."""
    return [(fact, fact.event) for fact in facts if isinstance(fact.event, CreditWithdrawn | CreditRevoked)]


def recognised(facts: Sequence[Fact]) -> list[tuple[Fact, CreditRecognised]]:
    """The credits that an official recognised, in order (S4-03)."""
    return [(fact, fact.event) for fact in facts if isinstance(fact.event, CreditRecognised)]


def _read(event: CloudEvent) -> PublishedEvent:
    try:
        return read_event(event.type, event.data)
    except (UnknownEventTypeError, ValidationError) as error:
        raise UnknownEventError(event.type, "not in this release's contract") from error


def year_subject(person_id: str, year: int) -> str:
    """The subject of what is said about a person's year."""
    return f"{person_id}:{year}"
