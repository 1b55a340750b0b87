"""Single completions from 64 clients at the same time, against a naive route with a commit for each."""

import asyncio
from urllib.parse import urlsplit

import asyncpg
from msgspec import Struct
from rich.console import Console

from tests.benchmarks import crowd
from tests.benchmarks.client import post
from tests.benchmarks.report import Goal, Side, ratio, show_sides
from tests.benchmarks.rounds import Rounds
from tests.benchmarks.stage import Stage

CLIENTS = 64


class Sizes(Struct, frozen=True):
    """How much one run does."""

    persons: int
    rounds: int
    requests: int


FULL = Sizes(persons=20_000, rounds=6, requests=3_000)
QUICK = Sizes(persons=3_000, rounds=3, requests=600)


def run(stage: Stage, console: Console, *, quick: bool) -> list[Goal]:
    """The benchmark; its goals."""
    sizes = QUICK if quick else FULL
    asyncio.run(crowd.seed(stage.database("singles")["ledger"], stage.identity_key_bytes, sizes.persons))
    naive_dsns = stage.database("naive")
    asyncio.run(_make_sequence(naive_dsns["admin"]))
    ledger_server = stage.serve_ledger("singles")
    url = naive_dsns["admin"].replace("postgresql://", "postgresql+asyncpg://")
    naive_server = stage.serve_reference("naive", {"BENCH_DATABASE_URL": url})
    token = stage.token("completion:write", organization=crowd.ORGANIZATION)
    ledger, naive = Side("ledger, group commit"), Side("FastAPI + SQLAlchemy, a commit each")
    rounds = Rounds(stage, console, "single completions", sizes.rounds)
    expect = b'"summary":{"registered":1}'
    for turn in rounds:
        numbers = range(turn * sizes.requests, (turn + 1) * sizes.requests)
        bodies = [crowd.batch([crowd.completion(n, n % sizes.persons)]) for n in numbers]
        mine = [post("/v1/completions", body, token) for body in bodies]
        rounds.drive(ledger, ledger_server, mine, CLIENTS, expect)
        theirs = [post("/v1/completions", body) for body in bodies]
        rounds.drive(naive, naive_server, theirs, CLIENTS, expect)
    ledger_server.stop()
    naive_server.stop()
    show_sides(console, f"Single completions from {CLIENTS} clients", "request", [ledger, naive])
    return [ratio(ledger, naive, "singles: ledger / FastAPI + SQLAlchemy, one commit each", 2)]


async def _make_sequence(dsn: str) -> None:
    assert urlsplit(dsn).path, "the address names a database"
    conn = await asyncpg.connect(dsn)
    try:
        await conn.execute("create sequence ledger.positions")
    finally:
        await conn.close()
