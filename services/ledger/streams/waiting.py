"""The waiting room: records posted for somebody this log does not hold, kept under the keyed hash of the ID number
until the person arrives."""

from datetime import datetime
from typing import Any, ClassVar

from msgspec import Struct

from services.kit.events import Event
from services.kit.pydantic_models import view
from services.ledger.policy import HoldReason


def identity_of(kind: str, provider_id: str, record_id: str) -> str:
    """The identity of a record within its log, unique for ever (design 5)."""
    return f"{kind}:{provider_id}:{record_id}"


class RecordParked(Event, frozen=True, kw_only=True):
    """A record of a person this log does not hold waits under the keyed hash of the ID number.

    `kind` is completion, enrolment or exam_pass; `record` is the posted record without its person; `clause` asks for what
    is missing, where a notice of the authority, or of the person's place, speaks of it (S0-23, S1-06, S3B-02). By
    `reported_at`, when it was first reported, ends of registering are judged once the person is here (B-25). `told` is the
    reason and clause that the provider was answered instead, where it may not know the true ones.
    """

    TOPIC: ClassVar[str] = "ledger.RecordHeld"

    kind: str
    provider_id: str
    record_id: str
    year: int
    identity_hash: str
    name_hash: str
    reason: HoldReason
    clause: str | None = None
    content: str
    record: dict[str, Any]
    reported_at: datetime
    told: tuple[HoldReason, str | None] | None = None
    signature: str | None = None


class ParkedRecordReleased(Event, frozen=True, kw_only=True):
    """A waiting record was decided; `outcome` is registered, held (now in the account) or rejected, with its problem;
    `reason` is why it had waited."""

    TOPIC: ClassVar[str] = "ledger.HeldRecordReleased"

    kind: str
    provider_id: str
    record_id: str
    year: int
    person_id: str
    outcome: str
    problem: str | None = None
    clause: str | None = None
    reason: HoldReason


class ParkedRecordWithdrawn(Event, frozen=True, kw_only=True):
    """The provider took back a record that was still waiting for its person."""

    TOPIC: ClassVar[str] = "ledger.HeldRecordWithdrawn"

    kind: str
    provider_id: str
    record_id: str
    reason: str


class ParkedRecord(Struct, frozen=True):
    """One waiting record, without its person."""

    kind: str
    provider_id: str
    record_id: str
    name_hash: str
    reason: HoldReason
    content: str
    record: dict[str, Any]
    reported_at: datetime
    clause: str | None = None


class WaitingRoom(Struct, frozen=True):
    """All that waits for one person, in order of arrival."""

    records: tuple[ParkedRecord, ...] = ()

    def without(self, kind: str, provider_id: str, record_id: str) -> "WaitingRoom":
        """The room after one record left it."""
        key = (kind, provider_id, record_id)
        return WaitingRoom(
            tuple(held for held in self.records if (held.kind, held.provider_id, held.record_id) != key)
        )


def stream_of(identity_hash: str) -> str:
    """The stream of what waits for one keyed hash."""
    return f"waiting:{identity_hash}"


def evolve(room: WaitingRoom, event: Event) -> WaitingRoom:
    """The waiting room after one more event."""
    match event:
        case RecordParked():
            held = view(ParkedRecord, event)
            return WaitingRoom((*room.records, held))
        case ParkedRecordReleased() | ParkedRecordWithdrawn():
            return room.without(event.kind, event.provider_id, event.record_id)
        case _:
            return room
