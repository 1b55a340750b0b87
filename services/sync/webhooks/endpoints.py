"""Commands and questions of endpoints: register, change, rotate the secret, disable, enable, remove, send again."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from services.kit.clock import Clock
from services.kit.command import UnitOfWork, WritePath
from services.kit.database import Connection, Database, Databases
from services.kit.event_store import EventStore
from services.kit.events import Event
from services.kit.idempotency import CommandKey, StoredAnswer
from services.kit.pydantic_models import view
from services.kit.rows import Entry
from services.sync.problems import TooManyEndpointsError, UnknownEndpointError
from services.sync.webhooks.deliveries import LOG, DeliveryQueue, Health, cancel, forget_failures, send_again
from services.sync.webhooks.endpoint import (
    ENDPOINT_ROWS,
    Endpoint,
    EndpointChanged,
    EndpointDisabled,
    EndpointEnabled,
    EndpointRegistered,
    EndpointRemoved,
    EndpointSecretRotated,
    Reason,
    Status,
    must_be_kept_by,
)

ENDPOINTS_MAX = 10
OVERLAP = timedelta(hours=24)
DISABLED_AFTER = timedelta(days=5)
"""How long an endpoint may fail, with no message taken, before nothing is sent to it any more."""
_LIVE = "organization_id = $2 and status <> 'removed'"


class EndpointView(Struct, kw_only=True):
    """An endpoint and how it does.

    `reason` is why it is disabled: `requested`, `gone` (it answered 410), or `failing` (nothing was taken for five days).
    `failing_since` is since when it takes nothing; on `disables_at` it is disabled unless it takes something before.
    """

    webhook_id: str
    url: str
    kinds: tuple[str, ...]
    status: Status
    reason: Reason | None
    registered_at: datetime
    disabled_at: datetime | None
    overlap_until: datetime | None
    failing_since: datetime | None = None
    disables_at: datetime | None = None
    succeeded_at: datetime | None = None


class EndpointList(Struct, frozen=True):
    """The endpoints of an organization."""

    items: list[EndpointView]
    total: int
    next: None = None


class Replayed(Struct, frozen=True):
    """How many deliveries go again."""

    deliveries: int


class Endpoints:
    """Endpoints of organizations, each of which sees and changes its own alone."""

    def __init__(self, database: Database, store: EventStore, clock: Clock) -> None:
        self._database = database
        self._queue = DeliveryQueue(database)
        self._path = WritePath(Databases(database), store, clock, _begin)

    async def all(self, organization_id: str) -> EndpointList:
        """Every endpoint of an organization."""
        async with self._database.acquire() as conn:
            found = await ENDPOINT_ROWS.where(conn, [LOG], _LIVE, organization_id)
        return EndpointList(await self._views([entry.state for entry in found]), len(found))

    async def get(self, organization_id: str, endpoint_id: str) -> EndpointView:
        """One endpoint. Raises UnknownEndpointError."""
        [shown] = await self._views([must_be_kept_by(organization_id, await self._find(endpoint_id))])
        return shown

    async def find(self, endpoint_id: str) -> Endpoint:
        """An endpoint as its sender needs it. Raises UnknownEndpointError."""
        endpoint = await self._find(endpoint_id)
        if endpoint is None:
            raise UnknownEndpointError
        return endpoint

    async def register(
        self, organization_id: str, url: str, kinds: Sequence[str], by: str, key: CommandKey
    ) -> StoredAnswer:
        """Name an address for events of some kinds. Raises TooManyEndpointsError."""

        async def decide(unit: UnitOfWork) -> tuple[int, object]:
            before = await ENDPOINT_ROWS.where(unit.conn, [LOG], _LIVE, organization_id)
            if len(before) >= ENDPOINTS_MAX:
                raise TooManyEndpointsError
            event = EndpointRegistered(
                organization_id=organization_id,
                url=url,
                kinds=tuple(kinds),
                registered_by=by,
                registered_at=unit.now,
            )
            stream_id = ENDPOINT_ROWS.stream_of(str(uuid.uuid4()))
            entry = await ENDPOINT_ROWS.append(unit, stream_id, None, event)
            return 201, _shown(entry.state)

        return await self._path.execute(LOG, key, decide)

    async def change(
        self, organization_id: str, endpoint_id: str, url: str, kinds: Sequence[str], by: str, key: CommandKey
    ) -> StoredAnswer:
        """Another address, or other kinds. Raises UnknownEndpointError."""
        event = EndpointChanged(url=url, kinds=tuple(kinds), changed_by=by)
        return await self._act(organization_id, endpoint_id, key, lambda _: event)

    async def rotate(self, organization_id: str, endpoint_id: str, by: str, key: CommandKey) -> StoredAnswer:
        """A new secret; the one before signs too for a day. Raises UnknownEndpointError."""
        return await self._act(
            organization_id,
            endpoint_id,
            key,
            lambda now: EndpointSecretRotated(overlap_until=now + OVERLAP, rotated_by=by),
        )

    async def pause(self, organization_id: str, endpoint_id: str, key: CommandKey) -> StoredAnswer:
        """Send nothing for now; what comes waits. Raises UnknownEndpointError."""
        return await self._act(
            organization_id,
            endpoint_id,
            key,
            lambda now: EndpointDisabled(reason="requested", disabled_at=now),
        )

    async def enable(self, organization_id: str, endpoint_id: str, by: str, key: CommandKey) -> StoredAnswer:
        """Send again what waited. Raises UnknownEndpointError."""
        return await self._act(organization_id, endpoint_id, key, lambda _: EndpointEnabled(enabled_by=by))

    async def remove(self, organization_id: str, endpoint_id: str, by: str, key: CommandKey) -> StoredAnswer:
        """Send nothing any more; what waits is dropped. Raises UnknownEndpointError."""
        return await self._act(organization_id, endpoint_id, key, lambda _: EndpointRemoved(removed_by=by))

    async def replay(
        self,
        organization_id: str,
        endpoint_id: str,
        events: Sequence[tuple[str, int]],
        since: datetime | None,
        until: datetime | None,
        key: CommandKey,
    ) -> StoredAnswer:
        """Send recorded deliveries again, by their events or by time. Raises UnknownEndpointError."""

        async def decide(unit: UnitOfWork) -> tuple[int, object]:
            must_be_kept_by(organization_id, await self._read(unit.conn, endpoint_id))
            count = await send_again(
                unit.conn, endpoint_id, unit.now, events=events, since=since, until=until or unit.now
            )
            return 200, Replayed(count)

        return await self._path.execute(LOG, key, decide)

    async def disable(self, endpoint_id: str, reason: Reason) -> None:
        """Send nothing more to an endpoint that failed for days, or is gone."""

        async def decide(unit: UnitOfWork) -> None:
            entry = await ENDPOINT_ROWS.find(unit.conn, [LOG], endpoint_id)
            if entry is not None and entry.state.status == "active":
                event = EndpointDisabled(reason=reason, disabled_at=unit.now)
                await ENDPOINT_ROWS.append(unit, entry.stream_id, entry, event)

        await self._path.store(LOG, decide)

    async def _act(
        self, organization_id: str, endpoint_id: str, key: CommandKey, happening: Callable[[datetime], Event]
    ) -> StoredAnswer:
        async def decide(unit: UnitOfWork) -> tuple[int, object]:
            entry = await ENDPOINT_ROWS.find(unit.conn, [LOG], endpoint_id)
            must_be_kept_by(organization_id, entry.state if entry is not None else None)
            after = await ENDPOINT_ROWS.append(
                unit, ENDPOINT_ROWS.stream_of(endpoint_id), entry, happening(unit.now)
            )
            if after.state.status == "removed":
                await cancel(unit.conn, endpoint_id)
            elif after.state.status == "active":
                await forget_failures(unit.conn, endpoint_id, unit.now)
            return 200, _shown(after.state)

        return await self._path.execute(LOG, key, decide)

    async def _find(self, endpoint_id: str) -> Endpoint | None:
        async with self._database.acquire() as conn:
            return await self._read(conn, endpoint_id)

    async def _read(self, conn: Connection, endpoint_id: str) -> Endpoint | None:
        entry: Entry[Endpoint] | None = await ENDPOINT_ROWS.find(conn, [LOG], endpoint_id)
        return entry.state if entry is not None else None

    async def _views(self, endpoints: Sequence[Endpoint]) -> list[EndpointView]:
        health = await self._queue.health([each.endpoint_id for each in endpoints])
        shown = [_shown(each) for each in endpoints]
        for each in shown:
            found = health.get(each.webhook_id, Health())
            each.failing_since, each.succeeded_at = found.failing_since, found.succeeded_at
            if found.failing_since is not None and each.status == "active":
                each.disables_at = found.failing_since + DISABLED_AFTER
        return shown


async def _begin(conn: Connection, store: EventStore, log: str, now: datetime) -> UnitOfWork:
    return UnitOfWork(conn, store, log, now)


def _shown(endpoint: Endpoint) -> EndpointView:
    return view(
        EndpointView,
        endpoint,
        webhook_id=endpoint.endpoint_id,
        failing_since=None,
        disables_at=None,
        succeeded_at=None,
    )
