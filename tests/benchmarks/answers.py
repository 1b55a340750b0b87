"""Is this person compliant: one at a time against the least a service can do, and a thousand in one call."""

import asyncio

import msgspec
from msgspec import Struct
from rich.console import Console

from tests.benchmarks import crowd
from tests.benchmarks.client import drive, get, post
from tests.benchmarks.report import Goal, Side, ratio, show_sides
from tests.benchmarks.rounds import Rounds
from tests.benchmarks.stage import Server, Stage

CLIENTS = 16
PERSONS_ASKED = 1_000
CREDITS_EACH = 6


class Sizes(Struct, frozen=True):
    """How much one run does."""

    persons: int
    rounds: int
    requests: int
    queries: int


FULL = Sizes(persons=4_000, rounds=6, requests=4_000, queries=24)
QUICK = Sizes(persons=2_000, rounds=3, requests=800, queries=8)


def run(stage: Stage, console: Console, *, quick: bool) -> list[Goal]:
    """The benchmark; its goals."""
    sizes = QUICK if quick else FULL
    dsns = stage.database("answers")
    asyncio.run(crowd.seed(dsns["ledger"], stage.identity_key_bytes, sizes.persons))
    ledger_server = stage.serve_ledger("answers")
    bare_server = stage.serve_reference("bare", {"BENCH_DATABASE_URL": dsns["admin"]})
    _fill_accounts(stage, ledger_server, sizes.persons)
    token = stage.token("compliance:read", place=crowd.LOG)
    ledger, bare = Side("ledger: GET compliance, with reasons"), Side("FastAPI + asyncpg: one row's bytes")
    query = Side(f"ledger: {PERSONS_ASKED:,} persons a call")
    rounds = Rounds(stage, console, "answers", sizes.rounds)
    for turn in rounds:
        paths = [
            f"/v1/persons/{crowd.person_id(n % sizes.persons)}/compliance/{crowd.YEAR}"
            for n in range(turn * sizes.requests, (turn + 1) * sizes.requests)
        ]
        rounds.drive(ledger, ledger_server, [get(path, token) for path in paths], CLIENTS, b'"status":"')
        rounds.drive(bare, bare_server, [get(path) for path in paths], CLIENTS, b'"credits":[')
        asked = [_query(turn * sizes.queries + n, sizes.persons, token) for n in range(sizes.queries)]
        rounds.drive(query, ledger_server, asked, 4, b'"absent":[]', items=PERSONS_ASKED)
    ledger_server.stop()
    bare_server.stop()
    show_sides(console, f"Answers, accounts of {CREDITS_EACH} credits", "answer", [ledger, bare, query])
    return [
        ratio(ledger, bare, "answers: GET compliance / bare row read", 0.8),
        Goal(f"answers: persons/s, {PERSONS_ASKED:,} in a call", query.rate, 20_000),
    ]


def _fill_accounts(stage: Stage, server: Server, persons: int) -> None:
    token = stage.token("completion:write", organization=crowd.ORGANIZATION)
    numbers = range(persons * CREDITS_EACH)
    bodies = [
        crowd.batch([crowd.completion(n, n % persons) for n in numbers[at : at + 500]])
        for at in range(0, len(numbers), 500)
    ]
    requests = [post("/v1/completions", body, token) for body in bodies]
    driven = stage.client.call(drive, server.address, requests, 4, b'"summary":{"registered":500}')
    assert not driven.unexpected, driven.unexpected[0]


def _query(turn: int, persons: int, token: str) -> bytes:
    asked = [crowd.person_id((turn * PERSONS_ASKED + n) % persons) for n in range(PERSONS_ASKED)]
    body = msgspec.json.encode({"year": crowd.YEAR, "persons": asked})
    return post("/v1/compliance/query", body, token)
