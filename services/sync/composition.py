"""The parts of the synchronisation, put together once for a process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import Request

from contracts.divisions import watchers_of
from services.kit.audit import Audit, Whereabouts
from services.kit.clock import Clock, utc_now
from services.kit.database import Database, Databases
from services.kit.event_store import EventStore
from services.sync.delivering.queue import Releases
from services.sync.recording.recorder import Recorder
from services.sync.settings import SyncSettings
from services.sync.targets import Targets
from services.sync.viewing import DeliveryQueries, StatusQueries
from services.sync.webhooks.api import WebhookTerms
from services.sync.webhooks.deliveries import DeliveryQueue, WebhookRecorder
from services.sync.webhooks.endpoints import Endpoints

SCHEMA = "sync"


class Sync:
    """The synchronisation of one process: its database, its targets, and all that reads and writes them."""

    def __init__(
        self,
        database: Database,
        store: EventStore,
        targets: Targets,
        clock: Clock = utc_now,
        *,
        audit_key: bytes,
        webhooks: WebhookTerms,
    ) -> None:
        self.database = database
        self.databases = Databases(database)
        self.store = store
        self.targets = targets
        self.clock = clock
        self.audit = Audit(self.databases, clock, key=audit_key, where=_where)
        self.recorder = Recorder(targets, clock)
        self.status = StatusQueries(database, targets, clock)
        self.deliveries = DeliveryQueries(database)
        self.releases = Releases(database, targets, clock)
        self.webhooks = webhooks
        self.webhook_recorder = WebhookRecorder(clock)
        self.webhook_deliveries = DeliveryQueue(database)
        self.endpoints = Endpoints(database, store, clock)

    async def close(self) -> None:
        """Close the database."""
        await self.store.notifications.close()
        await self.database.close()


def _where(place: str | None) -> Whereabouts:
    return Whereabouts(SCHEMA, watchers_of(place))


@asynccontextmanager
async def open_sync(settings: SyncSettings, process: str, store: EventStore) -> AsyncIterator[Sync]:
    """A synchronisation that is ready for use, closed at the end. Raises SettingsError for a bad list of targets."""
    targets = Targets.from_file(settings.sync_targets_file)
    webhooks = WebhookTerms(settings.webhook_key_bytes, anywhere=settings.webhooks_anywhere)
    database = await Database.connect_checked(
        settings.sync_database_url,
        service=SCHEMA,
        process=process,
        size_max=settings.sync_pool_size,
        waits=settings.waits(process),
    )
    sync = Sync(
        database,
        store,
        targets,
        audit_key=settings.audit_key_bytes,
        webhooks=webhooks,
    )
    try:
        yield sync
    finally:
        await sync.close()


def sync_of(request: Request) -> Sync:
    """The synchronisation of the application that serves the request."""
    sync: Sync = request.app.state.sync
    return sync
