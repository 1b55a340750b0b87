"""Endpoint of an organization as a stream: where its events go, which kinds, and whether they go now. Pure."""

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar, Literal

from msgspec import Struct
from msgspec.structs import replace

from services.kit.events import Event
from services.kit.rows import StateRows
from services.sync.problems import UnknownEndpointError

Status = Literal["active", "disabled", "removed"]
Reason = Literal["failing", "gone", "requested"]


class EndpointRegistered(Event, frozen=True, kw_only=True):
    """An organization named an address for events of some kinds, of every kind where it names none."""

    TOPIC: ClassVar[str] = "sync.EndpointRegistered"

    organization_id: str
    url: str
    kinds: tuple[str, ...]
    registered_by: str
    registered_at: datetime


class EndpointChanged(Event, frozen=True, kw_only=True):
    """Another address, or other kinds, from the next delivery on."""

    TOPIC: ClassVar[str] = "sync.EndpointChanged"

    url: str
    kinds: tuple[str, ...]
    changed_by: str


class EndpointSecretRotated(Event, frozen=True, kw_only=True):
    """Deliveries are signed under a new secret; until a moment also under the one before."""

    TOPIC: ClassVar[str] = "sync.EndpointSecretRotated"

    overlap_until: datetime
    rotated_by: str


class EndpointDisabled(Event, frozen=True, kw_only=True):
    """Nothing is sent for now: the endpoint failed for days, said that it is gone, or its organization wants it so."""

    TOPIC: ClassVar[str] = "sync.EndpointDisabled"

    reason: Reason
    disabled_at: datetime


class EndpointEnabled(Event, frozen=True, kw_only=True):
    """What waited goes again."""

    TOPIC: ClassVar[str] = "sync.EndpointEnabled"

    enabled_by: str


class EndpointRemoved(Event, frozen=True, kw_only=True):
    """Nothing is sent any more."""

    TOPIC: ClassVar[str] = "sync.EndpointRemoved"

    removed_by: str


class Endpoint(Struct, frozen=True, kw_only=True):
    """An endpoint today. `rotation` counts its secrets; the one before the last signs too until `overlap_until`."""

    endpoint_id: str
    organization_id: str
    url: str
    kinds: tuple[str, ...]
    status: Status = "active"
    reason: Reason | None = None
    rotation: int = 1
    overlap_until: datetime | None = None
    registered_at: datetime
    disabled_at: datetime | None = None

    def rotations(self, now: datetime) -> Sequence[int]:
        """The secrets that sign at a moment, the newest first."""
        overlaps = self.overlap_until is not None and now < self.overlap_until
        return (self.rotation, self.rotation - 1) if overlaps else (self.rotation,)


def evolve(state: Endpoint | None, event: Event, stream_id: str) -> Endpoint | None:
    """The endpoint after an event."""
    match event:
        case EndpointRegistered():
            return Endpoint(
                endpoint_id=stream_id.removeprefix(PREFIX),
                organization_id=event.organization_id,
                url=event.url,
                kinds=event.kinds,
                registered_at=event.registered_at,
            )
        case _ if state is None:
            return None
        case EndpointChanged():
            return replace(state, url=event.url, kinds=event.kinds)
        case EndpointSecretRotated():
            return replace(state, rotation=state.rotation + 1, overlap_until=event.overlap_until)
        case EndpointDisabled():
            return replace(state, status="disabled", reason=event.reason, disabled_at=event.disabled_at)
        case EndpointEnabled():
            return replace(state, status="active", reason=None, disabled_at=None)
        case EndpointRemoved():
            return replace(state, status="removed", reason=None)
        case _:
            return state


def must_be_kept_by(organization_id: str, endpoint: Endpoint | None) -> Endpoint:
    """An endpoint of the organization. Raises UnknownEndpointError for another's, as if there were none."""
    if endpoint is None or endpoint.organization_id != organization_id or endpoint.status == "removed":
        raise UnknownEndpointError
    return endpoint


PREFIX = "endpoint:"
ENDPOINT_ROWS = StateRows(
    "webhook_endpoints",
    Endpoint,
    prefix=PREFIX,
    key={"endpoint_id": "text"},
    events=(
        EndpointRegistered,
        EndpointChanged,
        EndpointSecretRotated,
        EndpointDisabled,
        EndpointEnabled,
        EndpointRemoved,
    ),
    evolve=evolve,
    columns={
        "organization_id": ("text", lambda endpoint: endpoint.organization_id),
        "status": ("text", lambda endpoint: endpoint.status),
    },
)
