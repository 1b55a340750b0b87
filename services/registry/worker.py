"""The registry's worker: follows the transfer service's feed into the registry's log, and forgets old command keys.

The registry's own read models need no worker, being written with their events.
"""

import asyncio
from collections.abc import Generator, Sequence

import httpx
import structlog
from pydantic import ValidationError

from contracts.catalogue import UnknownEventTypeError, read_event
from contracts.envelope import PublishedEvent
from services.kit.app import must_answer
from services.kit.audit_records import Sealer
from services.kit.clock import utc_now
from services.kit.command import WritePath
from services.kit.database import OUTCOME_UNKNOWN, Database, Databases
from services.kit.event_store import EventStore
from services.kit.events import UnknownEventError
from services.kit.feed import CloudEvent
from services.kit.follower import AsOneCommand, FeedFollower
from services.kit.http_client import open_client
from services.kit.signing import sign_token
from services.kit.worker_health import WorkerHealth
from services.registry.composition import CHECKPOINT, FOLLOWED, connect
from services.registry.moves.reactions import react
from services.registry.settings import RegistrySettings
from services.registry.store.commands import Unit, begin
from services.registry.store.tables import LOG

PAUSE_SECONDS = 3600.0
BATCH_MAX = 1000
TOKEN_SECONDS = 300

_FORGET = """
delete from idempotency_keys
 where log = $1 and (caller, key) in (
       select caller, key from idempotency_keys
        where log = $1 and recorded_at < now() - make_interval(days => $2) limit $3)
"""
_log = structlog.stdlib.get_logger("services.registry.worker")


class OwnToken(httpx.Auth):
    """A short-lived token for each request, signed by the registry itself: it needs none handed to it."""

    def __init__(self, settings: RegistrySettings) -> None:
        self._settings = settings

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Put the token into the request."""
        token = sign_token(
            self._settings.token_key,
            issuer=self._settings.issuer,
            subject="service:registry",
            scopes=["feed:read"],
            lifetime_seconds=TOKEN_SECONDS,
        )
        request.headers["Authorization"] = f"Bearer {token}"
        yield request


def follow_transfers(database: Database, store: EventStore, client: httpx.AsyncClient) -> FeedFollower:
    """The follower of the transfer service's log; a batch is one command."""

    async def apply(unit: Unit, events: Sequence[CloudEvent]) -> None:
        await react(unit, [_read(event) for event in events])

    path = WritePath(Databases(database), store, utc_now, begin)
    once = AsOneCommand(database, path, CHECKPOINT, log=LOG, source=FOLLOWED, apply=apply)
    return FeedFollower(client, FOLLOWED, once)


def _read(event: CloudEvent) -> PublishedEvent:
    try:
        return read_event(event.type, event.data)
    except (UnknownEventTypeError, ValidationError) as error:
        raise UnknownEventError(event.type, "not in this release's contract") from error


async def run(health: WorkerHealth, settings: RegistrySettings | None = None) -> None:
    """Work until cancelled. Raises SettingsError when a setting is missing, and what stops the follower."""
    told = settings or RegistrySettings.load()
    told.check_keys()
    database, store = await connect(told, "worker", size_max=2), EventStore()
    try:
        async with (
            open_client(told.transfer_url, auth=OwnToken(told)) as transfer,
            asyncio.TaskGroup() as tasks,
        ):
            leeway = told.clock_leeway_seconds
            health.need(lambda: must_answer(Databases(database), leeway_seconds=leeway))
            tasks.create_task(health.follow(follow_transfers(database, store, transfer)))
            tasks.create_task(Sealer(Databases(database), told.audit_key_bytes).run())
            tasks.create_task(keep_forgetting(database, days=told.idempotency_days))
    finally:
        await store.notifications.close()
        await database.close()


async def keep_forgetting(database: Database, *, days: int) -> None:
    """Delete old keys of commands, hour after hour, until cancelled."""
    while True:
        try:
            forgotten = await forget_old_keys(database, days=days)
            if forgotten:
                _log.info("old command keys forgotten", count=forgotten)
        except OUTCOME_UNKNOWN:
            _log.warning("database lost, trying again later")
        await asyncio.sleep(PAUSE_SECONDS)


async def forget_old_keys(database: Database, *, days: int) -> int:
    """Delete keys of commands older than `days`, in small transactions; answers how many."""
    forgotten = 0
    while True:
        async with database.transaction() as conn:
            count = int((await conn.execute(_FORGET, LOG, days, BATCH_MAX)).rpartition(" ")[2])
        forgotten += count
        if count < BATCH_MAX:
            return forgotten
