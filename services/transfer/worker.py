"""The transfer service's worker: follows the registry's feed into the service's own log, and carries transfers on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import httpx
from pydantic import ValidationError

from contracts.catalogue import UnknownEventTypeError, read_event
from contracts.envelope import PublishedEvent
from services.kit.app import must_answer
from services.kit.audit_records import Sealer
from services.kit.command import UnitOfWork
from services.kit.event_store import EventStore
from services.kit.events import UnknownEventError
from services.kit.feed import CloudEvent
from services.kit.follower import AsOneCommand, FeedFollower, TokenFile
from services.kit.http_client import open_client
from services.kit.settings import SettingsError
from services.kit.worker_health import WorkerHealth
from services.transfer.composition import Transfers, open_transfers
from services.transfer.places import OpenedAuthorities
from services.transfer.process.process import Process, keep_doing
from services.transfer.reactions import react
from services.transfer.settings import TransferSettings
from services.transfer.tables import LOG

SOURCE_LOG = "registry"
CHECKPOINT = "registry"
"""The name the position in the registry's log is saved under, for ever."""


def follow_registry(transfers: Transfers, client: httpx.AsyncClient) -> FeedFollower:
    """The follower of the registry's log; a batch is one command."""

    async def apply(unit: UnitOfWork, events: Sequence[CloudEvent]) -> None:
        await react(unit, [_read(event) for event in events])

    once = AsOneCommand(
        transfers.database, transfers.path, CHECKPOINT, log=LOG, source=SOURCE_LOG, apply=apply
    )
    return FeedFollower(client, SOURCE_LOG, once)


def process_of(
    transfers: Transfers, authorities: Sequence[str], opened: Callable[[], OpenedAuthorities]
) -> Process:
    """One worker's share of what has to be carried on."""
    return Process(
        transfers.database,
        transfers.application,
        transfers.peers,
        authorities=authorities,
        opened=opened,
        clock=transfers.clock,
    )


async def run(health: WorkerHealth) -> None:
    """Work until cancelled. Raises SettingsError when a setting is missing, and what stops the follower."""
    settings = TransferSettings.load()
    if settings.transfer_token_file is None:
        raise SettingsError("XUEFEN_TRANSFER_TOKEN_FILE is not set: the worker reads feeds with this token")

    def opened() -> OpenedAuthorities:
        return OpenedAuthorities.from_file(settings.transfer_opened_authorities_file)

    async with (
        open_transfers(settings, "worker", EventStore()) as transfers,
        open_client(settings.registry_url, auth=TokenFile(settings.transfer_token_file)) as registry,
        asyncio.TaskGroup() as tasks,
    ):
        process = process_of(transfers, settings.authorities, opened)
        with transfers.store.notifications.subscribe((LOG,)) as growth:
            tasks.create_task(transfers.store.notifications.listen(transfers.database))
            leeway = settings.clock_leeway_seconds
            health.need(lambda: must_answer(transfers.databases, leeway_seconds=leeway))
            tasks.create_task(health.follow(follow_registry(transfers, registry)))
            tasks.create_task(Sealer(transfers.databases, settings.audit_key_bytes).run())
            pause = settings.transfer_poll_seconds
            tasks.create_task(
                keep_doing("worker steps", process.run_worker_steps, pause_seconds=pause, growth=growth)
            )
            tasks.create_task(keep_doing("deadlines", process.strike_deadlines, pause_seconds=pause))
            rarely = settings.relay_poll_seconds
            tasks.create_task(keep_doing("supplements", process.pass_on_supplements, pause_seconds=rarely))
            await keep_doing("mail", process.read_mail, pause_seconds=rarely)


def _read(event: CloudEvent) -> PublishedEvent:
    try:
        return read_event(event.type, event.data)
    except (UnknownEventTypeError, ValidationError) as error:
        raise UnknownEventError(event.type, "not in this release's contract") from error
