"""The account states of one authority built anew from its log: events a second, and what an event costs."""

import asyncio
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import asyncpg
from msgspec import Struct
from rich.console import Console

from contracts.divisions import AUTHORITIES
from services.kit import events as codec
from services.kit.database import Database, Databases
from services.ledger.composition import SCHEMA
from services.ledger.counting.rebuild import rebuild
from services.ledger.streams import account as accounts
from services.ledger.streams.account_events import CreditEarned
from tests.benchmarks import crowd
from tests.benchmarks.report import Goal, Sample, Side, show_sides
from tests.benchmarks.rounds import Meter
from tests.benchmarks.stage import Stage

_CHUNK = 20_000
_CREDITS_EACH = 6
_COLUMNS = ("log", "position", "stream_id", "version", "topic", "state", "identity", "recorded_at")
_POLICY = "sha256:" + "0" * 64


class Rebuilding(Struct, frozen=True):
    """What a rebuild took, and the rows it made."""

    seconds: float
    rows: int


def run(stage: Stage, console: Console, *, quick: bool) -> list[Goal]:
    """The benchmark; it has no goal of its own, what is found is what is said."""
    count = 50_000 if quick else 1_000_000
    dsns = stage.database("rebuild")
    with console.status(f"rebuild: filling the log with {count:,} events"):
        asyncio.run(_fill(dsns["admin"], count))
    with console.status(f"rebuild: the accounts of {count:,} events"):
        worker = stage.helper()
        meter = Meter(stage, worker.pid)
        rebuilt = worker.call(_rebuild, dsns["ledger"])
        used = meter.stop(rebuilt.seconds)
    assert rebuilt.rows == -(-count // _CREDITS_EACH), "every account is there"
    side = Side(f"accounts rebuilt from {count:,} events")
    side.samples.append(Sample(count, rebuilt.seconds, used.process, used.postgres, others=used.others))
    show_sides(console, f"Rebuild, {rebuilt.rows:,} accounts", "event", [side])
    return []


def _rebuild(dsn: str) -> Rebuilding:
    return asyncio.run(_rebuild_accounts(dsn))


async def _rebuild_accounts(dsn: str) -> Rebuilding:
    database = await Database.connect(dsn, schema=SCHEMA, application_name="rebuild", size_max=2)
    databases = Databases(database)
    try:
        started = time.perf_counter()
        [done] = await rebuild(databases, models=["accounts"], logs=[crowd.LOG])
        return Rebuilding(time.perf_counter() - started, done.rows_changed)
    finally:
        await databases.close()


async def _fill(dsn: str, count: int) -> None:
    conn = await asyncpg.connect(dsn, server_settings={"search_path": "ledger"})
    try:
        assert crowd.LOG in AUTHORITIES
        recorded_at = datetime.now(UTC)
        persons = -(-count // _CREDITS_EACH)
        rows = _rows(count, persons, recorded_at)
        for _ in range(0, count, _CHUNK):
            chunk = [row for row, _ in zip(rows, range(_CHUNK), strict=False)]
            await conn.copy_records_to_table("events", records=chunk, columns=_COLUMNS)
        await conn.execute(
            "insert into logs (log, position, recorded_at, history) values ($1, $2, $3, 'a')",
            crowd.LOG,
            count,
            recorded_at,
        )
        await conn.execute("vacuum analyze events")
    finally:
        await conn.close()


def _rows(count: int, persons: int, recorded_at: datetime) -> Iterator[tuple[Any, ...]]:
    """Events as the ledger stores them: the persons come round in turn, as in a year of daily batches."""
    for number in range(count):
        person = str(number % persons)
        person_id = f"{crowd.ORGANIZATION[:-12]}{int(person):012d}"
        identity = f"completion:{crowd.ORGANIZATION}:2025-{number:08d}"
        event = CreditEarned(
            provider_id=crowd.ORGANIZATION,
            completion_id=f"2025-{number:08d}",
            year=crowd.YEAR,
            category="professional" if number % 3 else "public",
            credits=Decimal(f"{number % 9 + 1}.00"),
            mode="online",
            course=f"KJ-2025-{number % 40:03d}",
            completed_at=datetime(2025, 6, 1, tzinfo=UTC) + timedelta(minutes=number % 40_000),
            content=f"{number:024x}",
            title=crowd.TITLES[number % len(crowd.TITLES)],
            credit_id=accounts.credit_id_of(crowd.LOG, identity),
            person_id=person_id,
            place=crowd.PLACES[number % len(crowd.PLACES)],
            clause="S1-09",
            policy=_POLICY,
            registered_at=recorded_at,
        )
        yield (
            crowd.LOG,
            number + 1,
            accounts.stream_of(person_id, crowd.YEAR),
            number // persons + 1,
            event.TOPIC,
            codec.encode(event),
            identity,
            recorded_at,
        )
