"""The synchronisation's worker: follows the feeds, and delivers to every target that is on."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import httpx
import structlog

from contracts.divisions import AUTHORITIES
from services.kit.app import must_answer
from services.kit.audit_records import Sealer
from services.kit.database import OUTCOME_UNKNOWN
from services.kit.event_store import EventStore
from services.kit.failures import NOTHING_STORED
from services.kit.follower import TokenFile
from services.kit.http_client import open_client
from services.kit.settings import SettingsError
from services.kit.worker_health import WorkerHealth
from services.sync.adapters import TargetUnavailableError, open_http
from services.sync.composition import Sync, open_sync
from services.sync.delivering.sender import Identities, Sender
from services.sync.pulling import ImportUnavailableError, Puller
from services.sync.recording.closings import Archiver, ExtractUnavailableError
from services.sync.recording.following import WEBHOOKS, LedgerFollowing, follow_registry
from services.sync.settings import SyncSettings
from services.sync.targets import Target
from services.sync.webhooks.address import HttpPoster
from services.sync.webhooks.sender import WebhookSender

_PULL_LATER: tuple[type[BaseException], ...] = (
    TargetUnavailableError,
    ImportUnavailableError,
    *OUTCOME_UNKNOWN,
    *NOTHING_STORED,
)
_ARCHIVE_LATER: tuple[type[BaseException], ...] = (
    ExtractUnavailableError,
    *OUTCOME_UNKNOWN,
    *NOTHING_STORED,
)
_ARCHIVE_SECONDS = 2.0
_log = structlog.stdlib.get_logger("services.sync.worker")


async def run(health: WorkerHealth) -> None:
    """Work until cancelled. Raises SettingsError when a setting is missing."""
    settings = SyncSettings.load()
    if settings.sync_token_file is None:
        raise SettingsError("XUEFEN_SYNC_TOKEN_FILE is not set: the worker reads feeds with this token")
    token = TokenFile(settings.sync_token_file)
    async with (
        open_sync(settings, "worker", EventStore()) as sync,
        open_client(settings.registry_url, auth=token) as registry,
        open_client(settings.ledger_url, auth=token) as ledger,
        AsyncExitStack() as opened,
        asyncio.TaskGroup() as tasks,
    ):
        await work(settings, health, sync, registry, ledger, opened, tasks)


async def work(
    settings: SyncSettings,
    health: WorkerHealth,
    sync: Sync,
    registry: httpx.AsyncClient,
    ledger: httpx.AsyncClient,
    opened: AsyncExitStack,
    tasks: asyncio.TaskGroup,
) -> None:
    """Start everything there is to do. Raises SettingsError when a target's credential is not there."""
    identities = Identities(registry)
    health.need(lambda: must_answer(sync.databases, leeway_seconds=settings.clock_leeway_seconds))
    tasks.create_task(Sealer(sync.databases, settings.audit_key_bytes).run())
    if sync.targets.on:
        following = LedgerFollowing(sync.database, ledger, sync.recorder, sync.targets.logs())
        health.watch("deliveries", lambda: following.status)
        tasks.create_task(following.run())
    events = LedgerFollowing(sync.database, ledger, sync.webhook_recorder, AUTHORITIES, checkpoint=WEBHOOKS)
    health.watch("webhooks", lambda: events.status)
    tasks.create_task(events.run())
    poster = HttpPoster(anywhere=settings.webhooks_anywhere)
    opened.push_async_callback(poster.close)
    webhooks = WebhookSender(
        sync.database, sync.endpoints, poster, settings.webhook_key_bytes, clock=sync.clock
    )
    tasks.create_task(webhooks.run())
    tasks.create_task(health.follow(follow_registry(sync.database, registry, sync.clock)))
    for target in sync.targets.on:
        adapter = await opened.enter_async_context(open_http(target, settings.sync_credentials_dir))
        sender = Sender(
            sync.database,
            target,
            adapter,
            identities,
            clock=sync.clock,
            lease_seconds=settings.sync_lease_seconds,
        )
        tasks.create_task(sender.run())
        if target.record == "archive":
            archiver = Archiver(sync.database, ledger, target, sync.clock)
            tasks.create_task(keep_archiving(archiver, target))
        if target.pull:
            puller = Puller(sync.database, target, adapter, ledger, sync.clock)
            tasks.create_task(keep_pulling(puller, target, settings.sync_pull_seconds))


async def keep_archiving(archiver: Archiver, target: Target) -> None:
    """Read the extracts of closed years until cancelled."""
    while True:
        try:
            while await archiver.step():
                pass
        except _ARCHIVE_LATER as error:
            _log.warning("archive.delayed", target=target.name, error=type(error).__name__)
        await asyncio.sleep(_ARCHIVE_SECONDS)


async def keep_pulling(puller: Puller, target: Target, seconds: int) -> None:
    """Take over what is new every so often, until cancelled; what does not answer is asked again the next time."""
    while True:
        try:
            while await puller.step() is not None:
                pass
        except _PULL_LATER as error:
            _log.warning("pull.delayed", target=target.name, error=type(error).__name__)
        await asyncio.sleep(seconds)
