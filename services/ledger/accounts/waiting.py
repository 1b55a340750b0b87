"""The waiting room: records posted for somebody this log does not hold, kept under the keyed hash of the ID number
until the registry or a transfer brings the person (S1-06, S0-23)."""

from typing import Any

from msgspec import Struct

from services.kit.events import Event
from services.ledger.events import HeldRecordReleased, HeldRecordWithdrawn, RecordHeld


class HeldRecord(Struct, frozen=True):
    """One waiting record, without its person."""

    kind: str
    provider_id: str
    record_id: str
    name_hash: str
    reason: str
    content: str
    record: dict[str, Any]


class WaitingRoom(Struct, frozen=True):
    """All that waits for one person, in order of arrival."""

    records: tuple[HeldRecord, ...] = ()

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
        case RecordHeld():
            held = HeldRecord(
                kind=event.kind,
                provider_id=event.provider_id,
                record_id=event.record_id,
                name_hash=event.name_hash,
                reason=event.reason,
                content=event.content,
                record=event.record,
            )
            return WaitingRoom((*room.records, held))
        case HeldRecordReleased() | HeldRecordWithdrawn():
            return room.without(event.kind, event.provider_id, event.record_id)
        case _:
            return room
