"""A synchronisation to play on: its real parts over a real database and the stand-in, its feeds and its clock handed in."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import httpx

from contracts.targets import Identity
from services.cli.demo import fictitious
from services.kit.breaker import Breaker
from services.kit.database import Database
from services.kit.event_store import EventStore
from services.stand_ins.targets.app import build_app
from services.stand_ins.targets.faults import Faults, FaultyApp
from services.stand_ins.targets.holdings import Holdings
from services.sync.adapters import HttpAdapter
from services.sync.composition import SCHEMA, Sync
from services.sync.delivering.sender import Identities, Sender
from services.sync.recording.following import LedgerFollowing, follow_registry
from services.sync.targets import Target, Targets
from services.sync.webhooks.api import WebhookTerms
from tests.conftest import AUDIT_KEY, WEBHOOK_KEY
from tests.sync.feeds import START, FakeFeed, FakeRegistry, person_id

TOKEN = "agreed-with-the-systems"
NATIONAL, HR, ARCHIVE = "national-platform", "guangdong-hr", "credit-archive"


def target(name: str = NATIONAL, **fields: Any) -> Target:
    """A target of the stand-in; given fields win."""
    kinds = {NATIONAL: "credit", HR: "certificate", ARCHIVE: "archive"}
    places = ["440000"] if name == HR else ["100000"]
    values: dict[str, Any] = {
        "name": name,
        "url": f"http://stand-in/{name}",
        "record": kinds[name],
        "places": places,
        "needs": ["identity"],
    }
    return Target.model_validate({**values, **fields}, strict=False)


class World:
    """One synchronisation, the systems it delivers to, and the services it follows."""

    def __init__(self, database: Database, targets: Sequence[Target]) -> None:
        self.now = START
        self.ledger = FakeFeed()
        self.registry_feed = FakeFeed()
        self.registry = FakeRegistry()
        self.app, self.holdings = build_app(TOKEN)
        self.sync = Sync(
            database,
            EventStore(),
            Targets(targets),
            clock=lambda: self.now,
            audit_key=AUDIT_KEY,
            webhooks=WebhookTerms(WEBHOOK_KEY, anywhere=False),
        )
        self.database = database
        self._people = 0

    def held(self, name: str = NATIONAL) -> Holdings:
        """What a system holds."""
        return self.holdings[name]

    def faults(self, name: str = NATIONAL, **faults: Any) -> None:
        """What goes wrong at a system from now on; nothing when nothing is named."""
        assert isinstance(self.app, FaultyApp)
        self.app.book.set(f"/{name}", Faults(**faults))

    def person(self) -> str:
        """A new person, whom the registry knows."""
        self._people += 1
        new = person_id()
        self.registry.people[new] = fictitious.person(self._people)
        return new

    def identity(self, person: str) -> Identity:
        """Who a person is, as the registry knows it."""
        known = self.registry.people[person]
        return Identity(id_type="resident_id", id_number=known.id_number, name=known.name)

    async def record(self) -> None:
        """Everything published by now becomes deliveries."""
        async with self.ledger.client() as client:
            following = LedgerFollowing(self.database, client, self.sync.recorder, self.sync.targets.logs())
            while await following.step():
                pass

    async def hear_registry(self) -> None:
        """Everything the registry has published is heard."""
        async with self.registry_feed.client() as client:
            await follow_registry(self.database, client, lambda: self.now).catch_up()

    def sender(self, name: str = NATIONAL, *, lease_seconds: int = 60, transport: Any = None) -> Sender:
        """A sender of a target, as one worker has it."""
        client = httpx.AsyncClient(
            transport=transport or httpx.ASGITransport(self.app, raise_app_exceptions=False),
            base_url=f"http://stand-in/{name}",
            headers={"Authorization": f"Bearer {TOKEN}"},
        )
        return Sender(
            self.database,
            self.sync.targets.all[name],
            HttpAdapter(client),
            Identities(self.registry.client()),
            clock=lambda: self.now,
            lease_seconds=lease_seconds,
            breaker=Breaker(now=self._seconds),
            jitter=lambda: 1.0,
        )

    def _seconds(self) -> float:
        return self.now.timestamp()

    async def deliver(self, name: str = NATIONAL, *, steps: int = 1_000) -> Sender:
        """Send until nothing is left whose turn it is now."""
        sender = self.sender(name)
        for _ in range(steps):
            if not await sender.step():
                return sender
        return sender

    async def deliver_all(self, name: str = NATIONAL, *, rounds: int = 200) -> None:
        """Send until nothing is open but what is parked, letting time pass."""
        sender = self.sender(name)
        for _ in range(rounds):
            while await sender.step():
                pass
            if not await self.count(name, "pending"):
                return
            self.now += timedelta(seconds=30)
        raise AssertionError("deliveries are left")

    async def count(self, name: str, state: str) -> int:
        """How many deliveries of a target are in a state."""
        async with self.database.acquire() as conn:
            found: int = await conn.fetchval(
                "select count(*) from deliveries where target = $1 and state = $2", name, state
            )
        return found

    async def states(self, name: str = NATIONAL) -> dict[str, str]:
        """State of every delivery of a target by its key."""
        async with self.database.acquire() as conn:
            rows = await conn.fetch("select subject, revision, state from deliveries where target = $1", name)
        return {f"{row['subject']}.{row['revision']}": row["state"] for row in rows}

    async def queues(self, name: str = NATIONAL) -> dict[str, str]:
        """State of every queue of a target by its person."""
        async with self.database.acquire() as conn:
            rows = await conn.fetch("select person_id, state from queues where target = $1", name)
        return {row["person_id"]: row["state"] for row in rows}

    async def status(self, place: str = "100000") -> Any:
        """How everything stands."""
        return await self.sync.status.status(place)

    def later(self, **time: float) -> datetime:
        """Let time pass."""
        self.now += timedelta(**time)
        return self.now


@asynccontextmanager
async def world_on(dsn: str, *targets: Target) -> AsyncIterator[World]:
    """A synchronisation on a database, as long as the block lasts."""
    database = await Database.connect(dsn, schema=SCHEMA, application_name="test-sync")
    try:
        yield World(database, targets or [target()])
    finally:
        await database.close()
