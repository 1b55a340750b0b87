"""The ledger's worker: follows the other services' feeds and keeps the read models that may lag."""

import asyncio
from collections.abc import Sequence

import httpx
import structlog
from pydantic import ValidationError

from contracts.catalogue import UnknownEventTypeError, read_event
from contracts.divisions import AUTHORITIES
from contracts.envelope import PublishedEvent
from services.kit.app import must_answer
from services.kit.audit_records import Sealer
from services.kit.database import OUTCOME_UNKNOWN
from services.kit.event_store import WrongExpectedVersion
from services.kit.events import UnknownEventError
from services.kit.failures import NOTHING_STORED
from services.kit.feed import CloudEvent
from services.kit.follower import FeedFollower, TokenFile
from services.kit.histories import Mark
from services.kit.http_client import open_client
from services.kit.projection import ProjectionRunner
from services.kit.settings import SettingsError
from services.kit.worker_health import WorkerHealth
from services.ledger.composition import Ledger, open_ledger
from services.ledger.counting.rebuild import BEHIND, standings
from services.ledger.counting.standing_projection import DayTurn
from services.ledger.reactions.reactions import SourceEvent
from services.ledger.settings import LedgerSettings

_log = structlog.stdlib.get_logger(__name__)

_LAPSE_PAUSE_SECONDS = 60.0
_TRY_LATER: tuple[type[BaseException], ...] = (*OUTCOME_UNKNOWN, *NOTHING_STORED, WrongExpectedVersion)


class _Followed:
    """A log of another service as the ledger's reactions take it in."""

    def __init__(self, ledger: Ledger, source: str) -> None:
        self._reactions = ledger.reactions
        self._source = source

    async def load_checkpoint(self) -> Mark:
        return await self._reactions.mark(self._source)

    async def handle(self, events: Sequence[CloudEvent], mark: Mark) -> None:
        facts = [SourceEvent(event.position, _read(event)) for event in events]
        await self._reactions.handle(self._source, facts, *mark)

    async def go_back(self, mark: Mark) -> None:
        await self._reactions.go_back(self._source, mark)


def follower(ledger: Ledger, client: httpx.AsyncClient, source: str) -> FeedFollower:
    """Follows one log of another service into the ledger's own."""
    return FeedFollower(client, source, _Followed(ledger, source))


def _read(event: CloudEvent) -> PublishedEvent:
    try:
        return read_event(event.type, event.data)
    except (UnknownEventTypeError, ValidationError) as error:
        raise UnknownEventError(event.type, "not in this release's contract") from error


async def keep_lapsing(ledger: Ledger) -> None:
    """Lift guards of departures of which nothing was heard, and look again at what waits where a year was closed or a notice
    came, minute after minute, until cancelled."""
    while True:
        try:
            lapsed = await ledger.departures.lapse()
            if lapsed:
                _log.info("guards of departures lapsed", count=lapsed)
            for log in AUTHORITIES:
                await ledger.years.reconsider_waiting(log)
        except _TRY_LATER:
            _log.warning("what lapses could not be looked at, trying again later")
        await asyncio.sleep(_LAPSE_PAUSE_SECONDS)


async def run(health: WorkerHealth) -> None:
    """Work until cancelled."""
    settings = LedgerSettings.load()
    if settings.ledger_token_file is None:
        raise SettingsError("XUEFEN_LEDGER_TOKEN_FILE is not set: the worker reads the feeds with this token")
    token = TokenFile(settings.ledger_token_file)
    async with (
        open_ledger(settings, "worker") as ledger,
        open_client(settings.registry_url, auth=token) as registry,
        open_client(settings.transfer_url, auth=token) as transfer,
        asyncio.TaskGroup() as tasks,
    ):
        tasks.create_task(ledger.policies.keep_fresh())
        health.need(lambda: must_answer(ledger.databases, leeway_seconds=settings.clock_leeway_seconds))
        tasks.create_task(health.follow(follower(ledger, registry, "registry")))
        tasks.create_task(health.follow(follower(ledger, transfer, "transfer")))
        tasks.create_task(keep_lapsing(ledger))
        tasks.create_task(ledger.trials.run())
        tasks.create_task(Sealer(ledger.databases, settings.audit_key_bytes).run())
        judged = standings(ledger.policies)
        # However much read models have to do, connections are left for the followers.
        gate = asyncio.Semaphore(max(1, settings.ledger_pool_size // 2))
        for projection in (*BEHIND, judged):
            runner = ProjectionRunner(
                ledger.databases, ledger.store, projection, lambda: AUTHORITIES, gate=gate
            )
            health.watch(projection.name, runner.status)
            tasks.create_task(runner.run())
        tasks.create_task(DayTurn(ledger.databases, ledger.policies, judged, ledger.clock).run())
        for database in ledger.databases.all():
            tasks.create_task(ledger.store.notifications.listen(database))
