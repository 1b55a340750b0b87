"""Commands on people: imperative records, checked for form, not yet decided."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from services.registry.streams.actor import Actor
from services.registry.streams.profile import Identity, Qualification


@dataclass(frozen=True)
class SubmitCollection:
    """Hand in a person's information (信息采集, S2C-01, S2C-03); `details` is personal and goes to the vault."""

    by: Actor
    identity: Identity
    place: str
    employer: str | None
    student: bool
    student_since: date | None = None
    qualifications: tuple[Qualification, ...] = ()
    jobs: tuple[str, ...] = ()
    working_since: date | None = None
    details: dict[str, Any] = field(default_factory=dict)
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True)
class ReviewCollection:
    """Pass a step of a collection's review, or send it back with a reason and a note only people read (S2C-08)."""

    by: Actor
    collection_id: UUID
    step: str
    reason: str | None
    note: str | None


@dataclass(frozen=True)
class SubmitChange:
    """Ask for a change of what is on record (S2C-09): `items` maps each item to its new value."""

    by: Actor
    person_id: UUID
    items: dict[str, Any]
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True)
class ReviewChange:
    """Approve a change, or send it back with a reason (S2C-09)."""

    by: Actor
    change_id: UUID
    reason: str | None
    note: str | None


@dataclass(frozen=True)
class ReverseChange:
    """Undo an approved change that was wrong; with `separate`, the second document goes to a person of its own."""

    by: Actor
    change_id: UUID
    separate: bool
    reason: str
    note: str | None
