"""Standings kept up: events judged by the projection, everybody judged again, against reading and writing the same rows."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import asyncpg
from msgspec import Struct
from rich.console import Console

from contracts.divisions import AUTHORITIES
from contracts.identity import IdentityHashers
from services.kit.database import Connection, Database, Databases
from services.kit.event_store import EventStore
from services.kit.projection import ProjectionRunner
from services.ledger.composition import SCHEMA, Ledger
from services.ledger.counting import standing_rows as rows
from services.ledger.counting.rebuild import rebuild, standings
from services.ledger.counting.standing_projection import DayTurn
from services.ledger.streams.account_events import CreditEarned
from tests.benchmarks import crowd
from tests.benchmarks.report import Goal, Sample, Side, show_sides
from tests.benchmarks.rounds import Meter, wait_until_quiet
from tests.benchmarks.simulation import fill_accounts
from tests.benchmarks.stage import Stage

FULL, QUICK = 200_000, 20_000
ROUNDS = 3
_BATCH = 500
_DAY = datetime(2026, 1, 15, 4, tzinfo=UTC)
_EVENT_COLUMNS = ("log", "position", "stream_id", "version", "topic", "state", "identity", "recorded_at")
_PROFILES = "select state from profiles where log = $1 and person_id = any($2::text[])"
_FORGET = "update standings set status = 'in_progress', total = 0, policy = '\\x00', turns_on = $1"
_UNJUDGED = "select count(*) from standings where policy = '\\x00'"
_SWEEP = "insert into standing_sweeps values ($1, 'benchmark', '000000', '999999', '', '')"
_OVER = "update standing_progress set judged_on = $1"


class Done(Struct, frozen=True):
    """What one run took, and over how many rows."""

    seconds: float
    rows: int


def run(stage: Stage, console: Console, *, quick: bool) -> list[Goal]:
    """The benchmark; its goals compare judging with bare reading and writing of the same rows."""
    count = QUICK if quick else FULL
    dsns = stage.database("standings")
    with console.status(f"standings: {count:,} persons with an account each"):
        asyncio.run(_fill(dsns["admin"], count))
    sides = {
        "everybody judged anew: xuefen rebuild": _rebuild,
        "an event for every account: the projection": _project,
        "a notice: everybody judged again": _sweep,
        "the day turns: everybody judged again": _turn,
        "the same rows read and written": _bare,
    }
    kept = {name: Side(name) for name in sides}
    worker = stage.helper()
    with console.status("standings: judging"):
        for turn in range(ROUNDS + 1):
            for name, task in sides.items():
                asyncio.run(_prepare(dsns["admin"], task is _rebuild))
                wait_until_quiet()
                meter = Meter(stage, worker.pid)
                done = worker.call(_over, dsns["ledger"], task.__name__, count)
                used = meter.stop(done.seconds)
                assert done.rows == count, f"{name}: every row was written"
                if turn:
                    sample = Sample(count, done.seconds, used.process, used.postgres, others=used.others)
                    kept[name].samples.append(sample)
    show_sides(console, f"Standings of {count:,} accounts of 6 credits", "row", list(kept.values()))
    bare = kept["the same rows read and written"]
    return [_cost(side, bare) for side in kept.values() if side is not bare]


def _cost(side: Side, bare: Side) -> Goal:
    """CPU of both processes a row, as a multiple of reading and writing it: seconds would say who else was working."""
    found = sorted(
        (one.process + one.postgres) / (other.process + other.postgres)
        for one, other in zip(side.samples, bare.samples, strict=True)
    )
    wanted = 4.0 if "rebuild" in side.name else 2.5
    name = f"standings: CPU, {side.name} / bare"
    return Goal(name, found[len(found) // 2], wanted, higher=False, spread=(found[0], found[-1]))


def _over(dsn: str, task: str, count: int) -> Done:
    return asyncio.run(_measure(dsn, globals()[task], count))


async def _measure(dsn: str, task: Callable[[Databases, int], Awaitable[float]], count: int) -> Done:
    database = await Database.connect(dsn, schema=SCHEMA, application_name="standings", size_max=4)
    databases = Databases(database)
    try:
        seconds = await task(databases, count)
        async with database.acquire() as conn:
            left = await conn.fetchval(_UNJUDGED)
        return Done(seconds, count - left)
    finally:
        await databases.close()


async def _ledger(databases: Databases) -> tuple[Ledger, Any, DayTurn]:
    ledger = Ledger(
        databases,
        IdentityHashers([b"k" * 32]),
        digest_key=b"d" * 32,
        audit_key=b"a" * 32,
        clock=lambda: _DAY,
    )
    await ledger.policies.refresh()
    judged = standings(ledger.policies)
    return ledger, judged, DayTurn(databases, ledger.policies, judged, ledger.clock)


async def _rebuild(databases: Databases, count: int) -> float:
    started = time.perf_counter()
    await rebuild(databases, models=["standings"], logs=[crowd.LOG])
    return time.perf_counter() - started


async def _project(databases: Databases, count: int) -> float:
    ledger, judged, _ = await _ledger(databases)
    runner = ProjectionRunner(databases, ledger.store, judged, lambda: [crowd.LOG], batch_max=_BATCH)
    async with databases.of(crowd.LOG).acquire() as conn:
        await conn.execute("update checkpoints set position = 0 where name = 'standings'")
    started = time.perf_counter()
    await runner.catch_up(crowd.LOG)
    return time.perf_counter() - started


async def _sweep(databases: Databases, count: int) -> float:
    _, _, keeper = await _ledger(databases)
    async with databases.of(crowd.LOG).acquire() as conn:
        await conn.execute(_SWEEP, crowd.LOG)
    started = time.perf_counter()
    await keeper.catch_up(crowd.LOG)
    return time.perf_counter() - started


async def _turn(databases: Databases, count: int) -> float:
    _, _, keeper = await _ledger(databases)
    async with databases.of(crowd.LOG).acquire() as conn:
        await conn.execute("update standings set turns_on = $1", _DAY.date())
    started = time.perf_counter()
    await keeper.catch_up(crowd.LOG)
    return time.perf_counter() - started


async def _bare(databases: Databases, count: int) -> float:
    """The reads and the write of the projection's batches, with nothing decoded and nothing judged."""
    async with databases.of(crowd.LOG).acquire() as conn:
        known = [crowd.person_id(number) for number in range(count)]
        found = await rows.read_standings(conn, crowd.LOG, [(person, crowd.YEAR) for person in known], ())
        started = time.perf_counter()
        for start in range(0, count, _BATCH):
            keys = [(person, crowd.YEAR) for person in known[start : start + _BATCH]]
            async with conn.transaction():
                await _read_and_write(conn, keys, rows.columns_of(found[key] for key in keys))
        return time.perf_counter() - started


async def _read_and_write(conn: Connection, keys: list[rows.Key], columns: list[list[object]]) -> None:
    persons, years = [key[0] for key in keys], [key[1] for key in keys]
    await conn.fetch(_PROFILES, crowd.LOG, persons)
    await conn.fetch(rows.ACCOUNTS_OF_KEYS, crowd.LOG, persons, years)
    await conn.fetch(rows.STANDINGS_OF_KEYS, crowd.LOG, persons, years)
    columns[-1] = [b"\x01"] * len(keys)
    await conn.execute(rows.WRITE, crowd.LOG, *columns)


async def _prepare(dsn: str, anew: bool) -> None:
    """Rows that are all wrong, so that every one of them has to be written."""
    conn = await asyncpg.connect(dsn, server_settings={"search_path": "ledger"})
    try:
        await conn.execute("delete from standings" if anew else _FORGET, *([] if anew else [None]))
        await conn.execute("vacuum analyze standings")
    finally:
        await conn.close()


async def _fill(dsn: str, count: int) -> None:
    await fill_accounts(dsn, count)
    conn = await asyncpg.connect(dsn, server_settings={"search_path": "ledger"})
    try:
        await EventStore().open_logs(conn, AUTHORITIES)
        recorded = [
            (crowd.LOG, number + 1, _stream(number), 1, CreditEarned.TOPIC, b"{}", None, _DAY)
            for number in range(count)
        ]
        await conn.copy_records_to_table("events", records=recorded, columns=_EVENT_COLUMNS)
        await conn.execute(
            "update logs set position = $2, recorded_at = $3 where log = $1", crowd.LOG, count, _DAY
        )
        await conn.execute("vacuum analyze events")
    finally:
        await conn.close()


def _stream(number: int) -> str:
    return f"account:{crowd.person_id(number)}:{crowd.YEAR}"
