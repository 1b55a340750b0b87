"""Killed at any moment, whatever of it: what was acknowledged is in the log exactly once, and so is in the end everything
that was posted."""

import asyncio
import random
import tempfile
from base64 import urlsafe_b64decode
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest

from contracts import registry
from contracts.identity import IdentityHashers
from services.cli.demo import fictitious
from services.kit import events as codec
from services.kit.clock import utc_now
from services.kit.database import Database, Databases
from services.kit.settings import new_key_text
from services.ledger.composition import SCHEMA, Ledger
from services.ledger.counting.rebuild import rebuild
from services.ledger.reactions.reactions import SourceEvent
from services.ledger.store.read_models import INLINE
from services.ledger.streams.account_events import CreditEarned
from tests.conftest import AUDIT_KEY, examples
from tests.e2e.processes import LedgerMachine, key_set_server
from tests.kit.http import bearer

SEED = 20260409
LIAONING, JINCHENG, SHANXI = "210000", "140500", "140000"
LOGS = (LIAONING, SHANXI)
PROVIDER = "organization-0001"
BATCH, CLIENTS, KILLS = 200, 4, 3
BATCHES = examples("XUEFEN_CRASH_BATCHES", 36)
"""So many that everybody has the 90 credits below which Shanxi registers nothing (S2B-07)."""
SECONDS_MAX = 90.0
"""A busy machine starts processes slowly; alone it takes fifteen."""
IDENTITY_KEY = new_key_text()
Acknowledged = dict[tuple[str, str], int]
"""Log and record id, and the position that the answer named."""


@pytest.fixture(scope="module")
def machine() -> Iterator[LedgerMachine]:
    with tempfile.TemporaryDirectory(prefix="xuefen-crash-") as root, key_set_server() as key_set:
        Path(root).chmod(0o711)
        machine = LedgerMachine(Path(root), key_set, IDENTITY_KEY)
        try:
            machine.start()
            yield machine
        finally:
            machine.stop()


async def open_ledger(machine: LedgerMachine) -> Ledger:
    """A look into the same database from here."""
    database = await Database.connect(machine.app_dsn, schema=SCHEMA, application_name="crash", size_max=3)
    key = urlsafe_b64decode(IDENTITY_KEY + "=")
    ledger = Ledger(
        Databases(database), IdentityHashers([key]), digest_key=key, audit_key=AUDIT_KEY, clock=utc_now
    )
    await ledger.prepare()
    return ledger


@pytest.fixture
async def ledger(machine: LedgerMachine) -> AsyncIterator[Ledger]:
    ledger = await open_ledger(machine)
    yield ledger
    await ledger.close()


class Plan:
    """Who lives where, and every batch that is to be posted: some registered at once, some with others, some never."""

    def __init__(self) -> None:
        self.people = [fictitious.person(number) for number in range(240)]
        self.batches: list[list[dict[str, Any]]] = []
        records = [self.record(number) for number in range(BATCH * BATCHES)]
        for start in range(0, len(records), BATCH):
            self.batches.append(records[start : start + BATCH])

    def place(self, person: int) -> str | None:
        """A third in Liaoning, a third in Jincheng, a third nobody has collected."""
        return (LIAONING, JINCHENG, None)[person % 3]

    def record(self, number: int) -> dict[str, Any]:
        person = number % len(self.people)
        who = self.people[person]
        inside = self.place(person) == JINCHENG
        return {
            "id": f"r-{number:06d}",
            "person": {"id_type": "resident_id", "id_number": who.id_number, "name": who.name},
            "year": 2024 if inside else 2025,
            "category": ("professional", "public")[number % 2],
            "credits": "3.00",
            "mode": "online",
            "course": f"C-{number}",
            "completed_at": "2024-09-01T10:00:00+08:00" if inside else "2025-05-20T10:00:00+08:00",
            "authority": SHANXI if inside else LIAONING,
        }

    def facts(self, ledger: Ledger) -> list[Any]:
        """What the registry would have published."""
        facts: list[Any] = [
            registry.OrganizationRegistered(
                organization_id=PROVIDER,
                name="北京东奥时代教育科技有限公司",
                uscc=fictitious.uscc(1),
                kind="online_provider",
            )
        ]
        facts += [
            registry.ProviderAccredited(
                organization_id=PROVIDER,
                place=place,
                years=tuple(range(2020, 2028)),
                modes=("online",),
                published=True,
            )
            for place in LOGS
        ]
        for number, who in enumerate(self.people):
            place = self.place(number)
            if place is not None:
                facts.append(
                    registry.InfoCollected(
                        person_id=f"person-{number:04d}",
                        identity_hash=ledger.hashers.current.person("resident_id", who.id_number),
                        name_hash=ledger.hashers.current.name("resident_id", who.id_number, who.name),
                        place=place,
                        employer=None,
                        student=False,
                        qualification=registry.Qualification(level="junior", obtained_on=date(2018, 9, 1)),
                        level="junior",
                        working_since=None,
                        affiliation=None,
                        groups=(),
                        graduated_on=None,
                        birth_month=None,
                        collected_at=utc_now(),
                    )
                )
        return facts


class Clients:
    """Post batches side by side, over and over, and remember what they were told."""

    def __init__(self, machine: LedgerMachine, plan: Plan, random_: random.Random) -> None:
        self.machine = machine
        self.plan = plan
        self.random = random_
        self.acknowledged: Acknowledged = {}
        self.outcomes: Counter[str] = Counter()
        self.failures = 0
        self.open = list(range(len(plan.batches)))
        self.over = False

    async def run(self) -> None:
        """One client, until the killing is over and all is acknowledged."""
        headers = bearer("completion:write", organization=PROVIDER, subject=PROVIDER)
        async with httpx.AsyncClient(base_url=self.machine.address, headers=headers, timeout=20) as client:
            while self.open or not self.over:
                if self.open and self.random.random() < 0.8:
                    number = self.open.pop(self.random.randrange(len(self.open)))
                else:
                    number = self.random.randrange(len(self.plan.batches))
                if not await self.post(client, number) and number not in self.open:
                    self.open.append(number)

    async def post(self, client: httpx.AsyncClient, number: int) -> bool:
        """Post a batch; whether every record of it was acknowledged."""
        try:
            response = await client.post("/v1/completions", json={"records": self.plan.batches[number]})
        except httpx.TransportError:
            self.failures += 1
            await asyncio.sleep(0.05)
            return False
        if response.status_code != 200:
            assert response.status_code == 503, response.text
            self.failures += 1
            await asyncio.sleep(0.05)
            return False
        results = response.json()["results"]
        self.outcomes.update(result["outcome"] for result in results)
        for result in results:
            if result["outcome"] != "unknown":
                self.note(result)
        return all(result["outcome"] != "unknown" for result in results)

    def note(self, result: dict[str, Any]) -> None:
        """Remember an acknowledgement; two of one record name the same position."""
        assert result["outcome"] in ("registered", "held", "duplicate"), result
        where = result.get("first") or result
        if "position" not in where:
            return  # repeated while the first was being written: said to be a duplicate of the same group
        key = (where["log"], result["id"])
        assert self.acknowledged.setdefault(key, where["position"]) == where["position"]


async def make_trouble(machine: LedgerMachine, clients: Clients, random_: random.Random) -> None:
    """Kill the ledger at random moments, and PostgreSQL once in between."""
    for number in range(KILLS + 1):
        await asyncio.sleep(random_.uniform(0.3, 0.9))
        if number == KILLS - 1:
            await asyncio.to_thread(machine.kill_postgres)
        else:
            await asyncio.to_thread(machine.kill_ledger)
            await asyncio.sleep(random_.uniform(0, 0.2))
            await asyncio.to_thread(machine.start_ledger)
    clients.over = True


@pytest.fixture(scope="module")
async def survived(machine: LedgerMachine) -> Clients:
    """Given batches posted from several clients while ledger and PostgreSQL were killed under them."""
    random_ = random.Random(SEED)
    plan = Plan()
    ledger = await open_ledger(machine)
    facts = [SourceEvent(position, fact) for position, fact in enumerate(plan.facts(ledger), 1)]
    await ledger.reactions.handle("registry", facts, len(facts))
    await ledger.close()
    clients = Clients(machine, plan, random_)
    try:
        async with asyncio.timeout(SECONDS_MAX), asyncio.TaskGroup() as group:
            group.create_task(make_trouble(machine, clients, random_))
            for _ in range(CLIENTS):
                group.create_task(clients.run())
    finally:
        print(f"seed {SEED}: {machine.kills} kills, {clients.failures} failures, {clients.outcomes}")
    assert machine.kills == KILLS + 1
    assert clients.failures, "nothing was interrupted"
    return clients


class TestKilledAtRandomMoments:
    async def test_what_was_acknowledged_is_said_again_with_the_same_position(
        self, machine: LedgerMachine, survived: Clients
    ):
        before = dict(survived.acknowledged)
        survived.outcomes.clear()
        headers = bearer("completion:write", organization=PROVIDER, subject=PROVIDER)
        async with httpx.AsyncClient(base_url=machine.address, headers=headers, timeout=20) as client:
            for number in range(BATCHES):
                assert await survived.post(client, number)
        assert survived.outcomes == {"duplicate": BATCH * BATCHES}
        assert {key: survived.acknowledged[key] for key in before} == before
        assert len(survived.acknowledged) == BATCH * BATCHES

    async def test_the_logs_hold_every_record_once_without_a_gap(self, ledger: Ledger, survived: Clients):
        plan = survived.plan
        posted = {record["id"] for batch in plan.batches for record in batch}
        found: Counter[str] = Counter()
        earned: Counter[str] = Counter()
        for log in LOGS:
            async with ledger.databases.of(log).acquire() as conn:
                events = await ledger.store.read(conn, log, after=0, limit=10_000)
                while len(events) < await ledger.store.head(conn, log):
                    events += await ledger.store.read(conn, log, after=events[-1].position, limit=10_000)
            assert [event.position for event in events] == list(range(1, len(events) + 1))
            assert [event.recorded_at for event in events] == sorted(event.recorded_at for event in events)
            for event in events:
                if event.identity is not None:
                    found[event.identity.rpartition(":")[2]] += 1
                decoded = codec.decode(event.topic, event.state)
                if isinstance(decoded, CreditEarned):
                    earned[decoded.completion_id] += 1
        assert found == dict.fromkeys(posted, 1)
        known = {number for number in range(len(plan.people)) if plan.place(number) is not None}
        assert earned == {
            f"r-{number:06d}": 1 for number in range(BATCH * BATCHES) if number % len(plan.people) in known
        }

    async def test_what_is_read_is_what_a_rebuild_gives(self, ledger: Ledger, survived: Clients):
        rebuilt = await rebuild(ledger.databases, models=[model.name for model in INLINE], logs=LOGS)
        assert [done.rows_changed for done in rebuilt] == [0] * len(rebuilt)

    async def test_everybody_has_what_was_posted_for_them(self, machine: LedgerMachine, survived: Clients):
        plan = survived.plan
        each = BATCH * BATCHES // len(plan.people)
        headers = bearer("compliance:read", place="100000")
        async with httpx.AsyncClient(base_url=machine.address, headers=headers, timeout=20) as client:
            for year, place in ((2025, LIAONING), (2024, JINCHENG)):
                persons = [f"person-{n:04d}" for n in range(len(plan.people)) if plan.place(n) == place]
                response = await client.post("/v1/compliance/query", json={"year": year, "persons": persons})
                totals = {answer["total"] for answer in response.json()["results"]}
                assert totals == {f"{3 * each}.00"}
