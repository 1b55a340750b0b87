"""Batches of 500 over HTTP, everything decided and durable, against the bare rows, against message-db's `write_message` and
against the stock application."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

import asyncpg
import msgspec
from rich.console import Console

from services.cli.demo import fictitious
from services.kit import events as codec
from services.ledger.policy import Account
from services.ledger.store.accounts import ACCOUNT_ROWS
from services.ledger.streams import account as accounts
from tests.benchmarks import crowd
from tests.benchmarks.client import drive, post
from tests.benchmarks.references import message_db, raw_write
from tests.benchmarks.references.raw_write import RawBatch
from tests.benchmarks.report import Goal, Sample, Side, ratio, show_sides
from tests.benchmarks.rounds import Meter, Rounds, wait_until_quiet
from tests.benchmarks.stage import Helper, Server, Stage

BATCH = 500
CONNECTIONS = 8
_NEW_EVENTS = """
select log, position, stream_id, version, topic, state, identity, recorded_at
  from ledger.events where log = $1 and position > $2 order by position
"""
_SAME_EVENTS = """
select count(*), sum(hashtextextended(e::text, 0)::numeric) from ledger.events e
 where log = $1 and topic = 'ledger.CreditEarned'
"""
_SAME_ACCOUNTS = (
    "select count(*), sum(hashtextextended(a::text, 0)::numeric) from ledger.accounts a where log = $1"
)


class Sizes(msgspec.Struct, frozen=True):
    """How much one run does."""

    persons: int
    rounds: int
    batches: int
    stock_batches: int


FULL = Sizes(persons=24_000, rounds=6, batches=40, stock_batches=6)
QUICK = Sizes(persons=6_000, rounds=3, batches=12, stock_batches=3)


def run(stage: Stage, console: Console, *, quick: bool) -> list[Goal]:
    """The benchmark; its goals."""
    sizes = QUICK if quick else FULL
    asyncio.run(crowd.seed(stage.database("batches")["ledger"], stage.identity_key_bytes, sizes.persons))
    bench = _Bench(stage, sizes)
    rounds = Rounds(stage, console, f"batches of {BATCH}", sizes.rounds)
    for _ in rounds:
        bench.round(rounds)
    asyncio.run(bench.check_same_rows())
    bench.close()
    show_sides(
        console,
        f"Batches of {BATCH} completions",
        "event",
        [bench.ledger, bench.raw, bench.messages, bench.stock],
    )
    return [
        ratio(bench.ledger, bench.raw, "batches: ledger / raw write of the same rows", 0.6),
        ratio(bench.ledger, bench.stock, "batches: ledger / stock eventsourcing behind FastAPI", 4),
        Goal("batches: ms of CPU an event, service and PostgreSQL", bench.ledger.cpu_ms, 0.08, higher=False),
    ]


class _Bench:
    def __init__(self, stage: Stage, sizes: Sizes) -> None:
        self._stage = stage
        self._sizes = sizes
        self._ours, self._theirs = stage.database("batches"), stage.database("raw")
        self._server = stage.serve_ledger("batches")
        self._stock_server = _serve_stock(stage)
        self._writer, self._messenger = stage.helper(), stage.helper()
        self._token = stage.token("completion:write", organization=crowd.ORGANIZATION)
        self._position = asyncio.run(_head(self._ours["admin"]))
        self._states: dict[str, Account] = {}
        self._number = 0
        self.ledger, self.raw = Side("ledger, over HTTP"), Side("raw asyncpg write, one connection")
        self.messages = Side("message-db in SQL of ours, events alone")
        self.stock = Side("stock eventsourcing behind FastAPI")
        self._open_stock_accounts()

    def round(self, rounds: Rounds) -> None:
        """Give the same completions to each side in turn."""
        bodies = [self._body() for _ in range(self._sizes.batches)]
        expect = b'"summary":{"registered":%d}' % BATCH
        mine = [post("/v1/completions", body, self._token) for body in bodies]
        rounds.drive(self.ledger, self._server, mine, CONNECTIONS, expect, items=BATCH)
        rows = asyncio.run(self._rows())
        rounds.note(self.raw, self._write(self._writer, raw_write.write, self._theirs["ledger"], rows))
        messages = self._stage.database("messages")["admin"]
        rounds.note(self.messages, self._write(self._messenger, message_db.write, messages, rows))
        theirs = [post("/v1/completions", body) for body in bodies[: self._sizes.stock_batches]]
        rounds.drive(self.stock, self._stock_server, theirs, CONNECTIONS, expect, items=BATCH)

    def close(self) -> None:
        """Stop the two servers."""
        self._server.stop()
        self._stock_server.stop()

    def _body(self) -> bytes:
        """The next batch: each of its records is of another person, and the persons come round in turn."""
        numbers = range(self._number, self._number + BATCH)
        self._number += BATCH
        return crowd.batch([crowd.completion(n, n % self._sizes.persons) for n in numbers])

    def _write(
        self,
        helper: Helper,
        write: Callable[[str, Sequence[RawBatch]], float],
        dsn: str,
        batches: Sequence[RawBatch],
    ) -> Sample:
        wait_until_quiet()
        meter = Meter(self._stage, helper.pid)
        seconds = helper.call(write, dsn, batches)
        used = meter.stop(seconds)
        items = sum(len(batch.events) for batch in batches)
        return Sample(items, seconds, used.process, used.postgres, others=used.others)

    async def _rows(self) -> list[RawBatch]:
        """What the ledger wrote in this round, batch by batch: the events, and the accounts as each batch left them."""
        conn = await asyncpg.connect(self._ours["admin"])
        try:
            rows = [tuple(row) for row in await conn.fetch(_NEW_EVENTS, crowd.LOG, self._position)]
        finally:
            await conn.close()
        self._position = rows[-1][1]
        return [self._raw_batch(rows[at : at + BATCH]) for at in range(0, len(rows), BATCH)]

    def _raw_batch(self, rows: list[tuple]) -> RawBatch:
        changed: OrderedDict[str, tuple[int, Account]] = OrderedDict()
        for _, _, stream_id, version, topic, state, _, _ in rows:
            _, person_id, year = stream_id.split(":")
            account = self._states.get(stream_id) or accounts.empty(person_id, int(year))
            self._states[stream_id] = accounts.evolve(account, codec.decode(topic, state))
            changed[stream_id] = version, account
        ordered = sorted(changed.items())
        return RawBatch(
            crowd.LOG,
            rows,
            [account.person_id for _, (_, account) in ordered],
            [account.year for _, (_, account) in ordered],
            [version for _, (version, _) in ordered],
            [ACCOUNT_ROWS.encode(account) for _, (_, account) in ordered],
        )

    def _open_stock_accounts(self) -> None:
        numbers = [fictitious.person(n).id_number for n in range(self._sizes.persons)]
        requests = [
            post("/open", msgspec.json.encode(numbers[at : at + BATCH]))
            for at in range(0, len(numbers), BATCH)
        ]
        driven = self._stage.client.call(drive, self._stock_server.address, requests, 1, b'"opened"')
        assert not driven.unexpected, driven.unexpected[0]

    async def check_same_rows(self) -> None:
        """The comparison is worth nothing unless both databases hold the same rows in the end."""
        found = []
        for dsns in (self._ours, self._theirs):
            conn = await asyncpg.connect(dsns["admin"])
            try:
                found.append(
                    [tuple(await conn.fetchrow(query, crowd.LOG)) for query in (_SAME_EVENTS, _SAME_ACCOUNTS)]
                )
            finally:
                await conn.close()
        if found[0] != found[1]:
            raise RuntimeError("the raw write did not write the same rows as the ledger")


def _serve_stock(stage: Stage) -> Server:
    parts = urlsplit(stage.database("stock")["admin"])
    return stage.serve_reference(
        "stock",
        {
            "PERSISTENCE_MODULE": "eventsourcing.postgres",
            "POSTGRES_DBNAME": parts.path.lstrip("/"),
            "POSTGRES_HOST": parts.hostname or "",
            "POSTGRES_PORT": str(parts.port),
            "POSTGRES_USER": parts.username or "",
            "POSTGRES_PASSWORD": parts.password or "",
            "POSTGRES_POOL_SIZE": "10",
        },
    )


async def _head(dsn: str) -> int:
    conn = await asyncpg.connect(dsn)
    try:
        return await conn.fetchval("select position from ledger.logs where log = $1", crowd.LOG) or 0
    finally:
        await conn.close()
