"""Published events of the transfer log: a stored event is not a published one, a table stands between."""

from typing import NamedTuple

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


class Published(NamedTuple):
    """The published event of a stored one: the field that has its moment, and the end of a move that it tells of."""

    event: type[PublishedEvent]
    moment: str
    end: str | None = None


PUBLISHED: dict[str, Published] = {
    "transfer.TransferRequested": Published(TransferRequested, "requested_at"),
    "transfer.TransferAccepted": Published(TransferAccepted, "accepted_at"),
    "transfer.TransferReturned": Published(TransferReturned, "returned_at"),
    "transfer.TransferExpired": Published(TransferReturned, "returned_at"),
    "transfer.TransferWithdrawn": Published(TransferWithdrawn, "withdrawn_at"),
    "transfer.ProfileTransferred": Published(ProfileTransferred, "transferred_at", "within"),
    "transfer.DepartureRequested": Published(TransferRequested, "requested_at"),
    "transfer.DepartureResumed": Published(TransferRequested, "requested_at"),
    "transfer.DepartureAccepted": Published(TransferAccepted, "accepted_at"),
    "transfer.DepartureReturned": Published(TransferReturned, "returned_at"),
    "transfer.DepartureBlocked": Published(TransferReturned, "returned_at"),
    "transfer.DepartureExpired": Published(TransferReturned, "returned_at"),
    "transfer.DepartureWithdrawn": Published(TransferWithdrawn, "withdrawn_at"),
    "transfer.ProfileDeparted": Published(ProfileTransferred, "transferred_at", "origin"),
    "transfer.ProfileArrived": Published(ProfileTransferred, "transferred_at", "destination"),
}
"""What stays inside (homes, organizations, an arrival until it is there) is not in the table."""


def published_event(recorded: RecordedEvent) -> dict[str, object] | None:
    """The stored event as CloudEvents attributes, or None for what stays inside."""
    event = publish(recorded)
    if event is None:
        return None
    return {"type": event.TYPE, "subject": recorded.stream_id, "data": event.model_dump(mode="json")}


def publish(recorded: RecordedEvent) -> PublishedEvent | None:
    """The published event of a stored one, or None for what stays inside: of a suspended departure nothing is told until
    it goes on.
    """
    published = PUBLISHED.get(recorded.topic)
    if published is None:
        return None
    stored = vars(domain_event(recorded))
    if stored.get("suspended"):
        return None
    known = {"transfer_id": recorded.stream_id, "end": published.end, **stored}
    known[published.moment] = stored["timestamp"]
    for end in ("from", "to"):
        if f"{end}_place" in stored:
            known[f"{end}_authority"] = authority_of(stored[f"{end}_place"])
    return published.event.model_validate(
        {name: known[name] for name in published.event.model_fields if name in known}
    )
