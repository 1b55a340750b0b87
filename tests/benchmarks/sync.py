"""Deliveries a second and the CPU of one, from the queue to the stored answer, against a bare loop that posts the same
batches to the same stand-in and keeps nothing."""

import asyncio
import logging
import os
import time
from collections.abc import Sequence
from pathlib import Path

import httpx
import structlog
from rich.console import Console

from contracts.targets import CreditRecord
from services.cli.demo import fictitious
from services.cli.demo.outside import Outside
from services.kit.clock import utc_now
from services.kit.database import Database
from services.kit.event_store import EventStore
from services.kit.migrations import upgrade
from services.kit.provision import provision
from services.sync.adapters import open_http
from services.sync.composition import SCHEMA, Sync
from services.sync.delivering.sender import Identities, Sender
from services.sync.recording.following import LedgerFollowing
from services.sync.targets import Target, Targets
from services.sync.webhooks.api import WebhookTerms
from tests.benchmarks.machine import cpu_seconds
from tests.benchmarks.report import Goal, Sample, Side, ratio, show_sides
from tests.benchmarks.stage import Stage
from tests.sync.feeds import FakeFeed, FakeRegistry, earned, person_id
from tests.sync.world import NATIONAL

COUNT, QUICK, ROUNDS = 10_000, 1_000, 3
BATCH, IN_FLIGHT = 200, 4
PLACE, LOG = "140502", "140000"
_PASSWORDS = {"sync": "bench-sync", "sync_owner": "bench-sync-owner"}


def run(stage: Stage, console: Console, *, quick: bool) -> list[Goal]:
    """Record, deliver and post bare in turn; the ratio is printed with its spread."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    dsns = asyncio.run(provision(stage.postgres.dsn, "sync", passwords=_PASSWORDS))
    upgrade("sync", dsns["sync_owner"], schema="sync")
    outside = Outside(stage.root / "outside")
    outside.prepare()
    outside.start()
    try:
        bench = _Bench(dsns["sync"], stage.postgres.pid, outside, stage.root / "outside")
        return bench.run(console, QUICK if quick else COUNT)
    finally:
        outside.stop()


class _Bench:
    def __init__(self, dsn: str, postgres: int, outside: Outside, folder: Path) -> None:
        self._dsn = dsn
        self._postgres = postgres
        self._folder = folder
        self._target = Target(
            name=NATIONAL,
            url=f"{outside.address}/{NATIONAL}",
            credential="outside.token",
            record="credit",
            places=("100000",),
            needs=("identity",),
            batch=BATCH,
            in_flight=IN_FLIGHT,
        )
        self._registry = FakeRegistry()
        self._numbers = 0
        self._bare_numbers = 0

    def run(self, console: Console, count: int) -> list[Goal]:
        recorded, ours, bare = Side("recorded from the feed"), Side("delivered"), Side("bare post loop")
        for _ in range(ROUNDS):
            asyncio.run(self._round(count, recorded, ours, bare))
        show_sides(console, f"Deliveries, batches of {BATCH}", "delivery", [recorded, ours, bare])
        return [ratio(ours, bare, "deliveries against a bare loop of the same batches", 0.3)]

    async def _round(self, count: int, recorded: Side, ours: Side, bare: Side) -> None:
        database = await Database.connect(self._dsn, schema=SCHEMA, application_name="bench", size_max=12)
        try:
            sync = Sync(
                database,
                EventStore(),
                Targets([self._target]),
                audit_key=b"a" * 32,
                webhooks=WebhookTerms(b"w" * 32, anywhere=True),
            )
            feed = self._feed(count)
            async with feed.client() as client, open_http(self._target, self._folder) as adapter:
                following = LedgerFollowing(database, client, sync.recorder, [LOG])
                recorded.samples.append(await self._measured(count, self._follow(following)))
                sender = Sender(
                    database,
                    self._target,
                    adapter,
                    Identities(self._registry.client()),
                    clock=utc_now,
                    lease_seconds=60,
                )
                loops = asyncio.gather(*(self._drain(sender) for _ in range(IN_FLIGHT)))
                ours.samples.append(await self._measured(count, loops))
            bare.samples.append(await self._bare(self._batches(count)))
        finally:
            await database.close()

    async def _measured(self, count: int, work: "asyncio.Future[object] | asyncio.Task[object]") -> Sample:
        process, postgres, began = time.process_time(), cpu_seconds(self._postgres), time.perf_counter()
        await work
        seconds = time.perf_counter() - began
        spent = time.process_time() - process
        return Sample(count, seconds, spent, cpu_seconds(self._postgres) - postgres)

    def _follow(self, following: LedgerFollowing) -> "asyncio.Task[object]":
        async def follow() -> None:
            while await following.step():
                pass

        return asyncio.ensure_future(follow())

    async def _drain(self, sender: Sender) -> None:
        while await sender.step():
            pass

    async def _bare(self, batches: Sequence[bytes]) -> Sample:
        token = (self._folder / "outside.token").read_text()
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        waiting = iter(batches)

        async def post() -> None:
            for batch in waiting:
                answer = await client.post("/v1/records", content=batch)
                assert len(answer.json()["results"]) == BATCH

        async with httpx.AsyncClient(
            base_url=self._target.url or "", headers=headers, trust_env=False
        ) as client:
            loops = asyncio.gather(*(post() for _ in range(IN_FLIGHT)))
            return await self._measured(len(batches) * BATCH, loops)

    def _feed(self, count: int) -> FakeFeed:
        """Credits of one person each; positions go on from the last round's."""
        feed = FakeFeed()
        known = self._numbers
        feed.publish(LOG, *(earned(self._person(), PLACE) for _ in range(count)))
        for event in feed.events[LOG]:
            event["position"] += known
        feed.offset = known
        return feed

    def _person(self) -> str:
        self._numbers += 1
        new = person_id()
        self._registry.people[new] = _somebody(self._numbers)
        return new

    def _batches(self, count: int) -> list[bytes]:
        batches = []
        for start in range(0, count, BATCH):
            records = []
            for number in range(start, start + BATCH):
                self._bare_numbers += 1
                subject = f"bare-{os.getpid()}-{self._bare_numbers}"
                records.append(_record(subject, number))
            batches.append(b'{"records":[' + b",".join(records) + b"]}")
        return batches


def _somebody(number: int) -> fictitious.FictitiousPerson:
    return fictitious.FictitiousPerson(fictitious.name(number % 1800), fictitious.resident_id(number))


def _record(subject: str, number: int) -> bytes:
    record = CreditRecord.model_validate(
        {
            "key": f"{subject}.1",
            "action": "put",
            "subject": subject,
            "revision": 1,
            "person_ref": subject,
            "year": 2026,
            "place": PLACE,
            "category": "professional",
            "credits": "30.00",
            "mode": "online",
            "completed_on": "2026-03-01",
            "make_up": False,
            "identity": {
                "id_type": "resident_id",
                "id_number": fictitious.resident_id(number, province="22"),
                "name": fictitious.name(number % 1800),
            },
        }
    )
    return record.model_dump_json(exclude_none=True).encode()
