"""A draft tried over the accounts of one authority: CPU a million accounts, against reading and decoding the same rows."""

import asyncio
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import asyncpg
import msgspec
from msgspec import Struct
from rich.console import Console

from services.kit.database import Database, Databases
from services.ledger.composition import SCHEMA
from services.ledger.counting.simulation import BATCH, simulate
from services.ledger.policy import Account, Credit, Person, bundled_book, parse_notice
from services.ledger.streams import account as accounts
from services.ledger.streams.profile import Profile
from tests.benchmarks import crowd
from tests.benchmarks.report import Goal, Sample, Side, show_sides
from tests.benchmarks.rounds import Meter, wait_until_quiet
from tests.benchmarks.stage import Stage

FULL, QUICK = 1_000_000, 50_000
ROUNDS_FULL, ROUNDS_QUICK = 2, 3
CPU_SECONDS_WANTED = 60
_CHUNK = 10_000
_DAY = date(2026, 1, 15)
_PROFILE_COLUMNS = ("log", "person_id", "place", "identity_hash", "version", "state")
_ACCOUNT_COLUMNS = ("log", "person_id", "year", "version", "state")
_PROFILES_OF = """
select place, person_id, state from profiles
 where log = $1 and (place, person_id) > ($2, $3) order by place, person_id limit $4
"""
_ACCOUNTS_OF = "select state from accounts where log = $1 and person_id = any($2::text[]) and year = $3"
_encode = msgspec.json.Encoder().encode
DRAFT = parse_notice(
    {
        "id": "liaoning-2025-draft",
        "title": "征求意见稿",
        "issuers": ["辽宁省财政厅"],
        "issued_on": "2025-11-01",
        "place": crowd.LOG,
        "years": {"from": crowd.YEAR, "to": crowd.YEAR},
        "clauses": [
            {
                "id": "T-01",
                "article": "一",
                "text": "不少于100学分。",
                "rules": [{"kind": "requirement", "total": 100}],
            }
        ],
    }
)


class Tried(Struct, frozen=True):
    """What one run took, and over how many accounts; `changed` of them are judged otherwise."""

    seconds: float
    accounts: int
    changed: int


def run(stage: Stage, console: Console, *, quick: bool) -> list[Goal]:
    """The benchmark; its goal is CPU of both processes for a million accounts."""
    count, rounds = (QUICK, ROUNDS_QUICK) if quick else (FULL, ROUNDS_FULL)
    dsns = stage.database("simulation")
    with console.status(f"simulation: {count:,} persons with an account each"):
        asyncio.run(fill_accounts(dsns["admin"], count))
    simulated, read = Side("simulate: judged twice, counted"), Side("the same rows read and decoded")
    worker = stage.helper()
    with console.status("simulation: trying the draft"):
        for _ in range(rounds):
            for side, task in ((simulated, _simulate), (read, _read)):
                wait_until_quiet()
                meter = Meter(stage, worker.pid)
                tried = worker.call(task, dsns["ledger"])
                used = meter.stop(tried.seconds)
                assert tried.accounts == count, "every account was seen"
                sample = Sample(count, tried.seconds, used.process, used.postgres, others=used.others)
                side.samples.append(sample)
    show_sides(console, f"Simulation over {count:,} accounts of 6 credits", "account", [simulated, read])
    costs = [one.process + one.postgres for one in simulated.samples]
    bare = [one.process + one.postgres for one in read.samples]
    ratios = sorted(one / other for one, other in zip(costs, bare, strict=True))
    seconds = simulated.cpu_ms * 1000
    return [
        Goal("simulation: CPU s a million accounts", seconds, CPU_SECONDS_WANTED, higher=False),
        Goal(
            "simulation: CPU / reading and decoding the same rows",
            ratios[len(ratios) // 2],
            4.0,
            higher=False,
            spread=(ratios[0], ratios[-1]),
        ),
    ]


def _simulate(dsn: str) -> Tried:
    return asyncio.run(_over(dsn, _try_draft))


def _read(dsn: str) -> Tried:
    return asyncio.run(_over(dsn, _read_rows))


async def _over(dsn: str, task: Any) -> Tried:
    database = await Database.connect(dsn, schema=SCHEMA, application_name="simulation", size_max=2)
    databases = Databases(database)
    try:
        started = time.perf_counter()
        seen, changed = await task(databases)
        return Tried(time.perf_counter() - started, seen, changed)
    finally:
        await databases.close()


async def _try_draft(databases: Databases) -> tuple[int, int]:
    said = await simulate(databases, bundled_book(), DRAFT, on=_DAY)
    assert 0 < said.changed < said.judged, "the draft concerns some of them"
    return said.judged, said.changed


async def _read_rows(databases: Databases) -> tuple[int, int]:
    decode_profile, decode_account = (
        msgspec.json.Decoder(Profile).decode,
        msgspec.json.Decoder(Account).decode,
    )
    seen, last = 0, ("", "")
    async with databases.of(crowd.LOG).acquire() as conn:
        profiles_of, accounts_of = await conn.prepare(_PROFILES_OF), await conn.prepare(_ACCOUNTS_OF)
        while rows := await profiles_of.fetch(crowd.LOG, *last, BATCH):
            last = (rows[-1][0], rows[-1][1])
            for _, _, profile in rows:
                decode_profile(profile)
            for (account,) in await accounts_of.fetch(crowd.LOG, [row[1] for row in rows], crowd.YEAR):
                decode_account(account)
                seen += 1
    return seen, 0


async def fill_accounts(dsn: str, count: int) -> None:
    """So many persons of the crowd's log, each with a profile and an account of six credits."""
    conn = await asyncpg.connect(dsn, server_settings={"search_path": "ledger"})
    try:
        for start in range(0, count, _CHUNK):
            numbers = range(start, min(start + _CHUNK, count))
            await conn.copy_records_to_table("profiles", records=_profiles(numbers), columns=_PROFILE_COLUMNS)
            await conn.copy_records_to_table("accounts", records=_accounts(numbers), columns=_ACCOUNT_COLUMNS)
        await conn.execute("vacuum analyze profiles")
        await conn.execute("vacuum analyze accounts")
    finally:
        await conn.close()


def _profiles(numbers: range) -> Iterator[tuple[Any, ...]]:
    for number in numbers:
        person_id = crowd.person_id(number)
        person = Person(
            person_id=person_id,
            place=crowd.PLACES[number % len(crowd.PLACES)],
            qualified_on=date(2010 + number % 12, 9, 1),
        )
        profile = Profile(person=person, identity_hash=f"{number:064x}", name_hash=f"{number:064x}")
        yield crowd.LOG, person_id, person.place, profile.identity_hash, 1, _encode(profile)


def _accounts(numbers: range) -> Iterator[tuple[Any, ...]]:
    """Accounts of six credits: with 60 to 120 in all, so that the draft concerns a good part of them."""
    for number in numbers:
        person_id = crowd.person_id(number)
        credits = [_credit(number, turn) for turn in range(6)]
        account = Account(person_id=person_id, year=crowd.YEAR, credits=credits)
        yield crowd.LOG, person_id, crowd.YEAR, len(credits), _encode(account)


def _credit(number: int, turn: int) -> Credit:
    completed = datetime(2025, 6, 1, tzinfo=UTC) + timedelta(minutes=number % 40_000 + turn)
    completion_id = f"2025-{number:08d}-{turn}"
    return Credit(
        credit_id=accounts.credit_id_of(crowd.LOG, completion_id),
        category="professional" if turn % 3 else "public",
        credits=Decimal(f"{10 + (number + turn) % 11}.00"),
        mode="online",
        provider=crowd.ORGANIZATION,
        completed_at=completed,
        registered_at=completed + timedelta(days=1),
        completion_id=completion_id,
        course=f"KJ-2025-{number % 40:03d}",
        place=crowd.PLACES[number % len(crowd.PLACES)],
    )
