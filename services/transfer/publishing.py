"""What of the transfer log others are told: a stored event is not a published one, this mapping stands between."""

from collections.abc import Callable
from typing import Any

from contracts.divisions import authority_of
from contracts.envelope import PublishedEvent
from contracts.transfer import (
    ProfileTransferred,
    TransferAccepted,
    TransferRequested,
    TransferReturned,
    TransferWithdrawn,
)
from services.kit.aggregates import domain_event
from services.kit.event_store import RecordedEvent

SOURCE = "urn:xuefen:transfer"
"""The CloudEvents source of this service."""


def published_event(recorded: RecordedEvent) -> dict[str, Any] | None:
    """The stored event as CloudEvents attributes, or None for what stays inside (homes and organizations)."""
    event = publish(recorded)
    if event is None:
        return None
    return {"type": event.TYPE, "subject": recorded.stream_id, "data": event.model_dump(mode="json")}


def publish(recorded: RecordedEvent) -> PublishedEvent | None:
    """The published event of a stored one, or None for what stays inside.

    Of an arrival nothing is told until it is there; of a suspended departure nothing until it goes on.
    """
    make = _PUBLISHED.get(recorded.topic)
    return None if make is None else make(domain_event(recorded))


def _requested(event: Any) -> TransferRequested | None:
    if getattr(event, "suspended", False):
        return None
    return TransferRequested(**_who(event), **_places(event), requested_at=event.timestamp)


def _accepted(event: Any) -> TransferAccepted:
    return TransferAccepted(**_who(event), accepted_at=event.timestamp)


def _returned(event: Any) -> TransferReturned:
    return TransferReturned(**_who(event), reason=event.reason, returned_at=event.timestamp)


def _withdrawn(event: Any) -> TransferWithdrawn:
    return TransferWithdrawn(**_who(event), withdrawn_at=event.timestamp)


def _transferred(end: str) -> Callable[[Any], ProfileTransferred]:
    def make(event: Any) -> ProfileTransferred:
        who = _who(event) | {"transfer_id": getattr(event, "transfer_id", None) or str(event.originator_id)}
        return ProfileTransferred(
            **who, **_places(event), employer=event.employer, transferred_at=event.timestamp, end=end
        )

    return make


def _who(event: Any) -> dict[str, Any]:
    return {"transfer_id": str(event.originator_id), "person_id": event.person_id}


def _places(event: Any) -> dict[str, Any]:
    return {
        "from_place": event.from_place,
        "to_place": event.to_place,
        "from_authority": authority_of(event.from_place),
        "to_authority": authority_of(event.to_place),
    }


_PUBLISHED: dict[str, Callable[[Any], PublishedEvent | None]] = {
    "transfer.TransferRequested": _requested,
    "transfer.TransferAccepted": _accepted,
    "transfer.TransferReturned": _returned,
    "transfer.TransferExpired": _returned,
    "transfer.TransferWithdrawn": _withdrawn,
    "transfer.ProfileTransferred": _transferred("within"),
    "transfer.DepartureRequested": _requested,
    "transfer.DepartureResumed": _requested,
    "transfer.DepartureAccepted": _accepted,
    "transfer.DepartureReturned": _returned,
    "transfer.DepartureBlocked": _returned,
    "transfer.DepartureExpired": _returned,
    "transfer.DepartureWithdrawn": _withdrawn,
    "transfer.ProfileDeparted": _transferred("origin"),
    "transfer.ProfileArrived": _transferred("destination"),
}
