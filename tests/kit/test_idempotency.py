"""Commands sent twice: one effect, one answer, and a clear word when the key does not fit."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any

import asyncpg
import httpx
import pytest
from fastapi import Depends
from starlette.responses import Response

from services.kit import idempotency
from services.kit.auth import require
from services.kit.database import Database
from services.kit.idempotency import CommandKey, StoredAnswer, claim, command_key, fingerprint, remember
from services.kit.routers import Router
from services.kit.schemas import StrictModel
from tests.conftest import FreshDatabaseFactory
from tests.kit.http import bearer, calling, service

LOG = "registry"


@pytest.fixture
async def database(fresh_database: FreshDatabaseFactory) -> AsyncIterator[Database]:
    fresh = fresh_database("kit")
    owner = await asyncpg.connect(fresh.owner_dsn)
    await owner.execute("set search_path = kit")
    for statement in idempotency.idempotency_table_sql():
        await owner.execute(statement)
    await owner.execute("grant select, insert, update, delete on idempotency_keys to xuefen_kit")
    await owner.close()
    database = await Database.connect(fresh.app_dsn, schema="kit", application_name="test")
    yield database
    await database.close()


class Order(StrictModel):
    """What is ordered."""

    amount: int = 1
    note: str = ""


class Counter:
    """A command that must not be carried out twice, and may be made to wait or to fail."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.done = 0
        self.gate: asyncio.Event | None = None
        self.fails = False

    async def add(self, key: CommandKey, order: Order) -> StoredAnswer:
        async with self.database.transaction() as conn:
            stored = await claim(conn, LOG, key)
            if stored is not None:
                return stored
            if self.gate is not None:
                await self.gate.wait()
            if self.fails:
                raise RuntimeError("no")
            self.done += order.amount
            answer = StoredAnswer.of(201, {"done": self.done})
            await remember(conn, LOG, key, answer)
        return answer

    def router(self) -> Router:
        router = Router()

        @router.post("/v1/orders")
        async def order(
            order: Order, key: Annotated[CommandKey, Depends(command_key(require("order:write")))]
        ) -> Response:
            return (await self.add(key, order)).response()

        return router


@pytest.fixture
def counter(database: Database) -> Counter:
    return Counter(database)


@pytest.fixture
async def client(counter: Counter) -> AsyncIterator[httpx.AsyncClient]:
    async with calling(service([counter.router()]), "order:write") as client:
        yield client


async def post(client: httpx.AsyncClient, key: str | None, **body: Any) -> httpx.Response:
    headers = {} if key is None else {"Idempotency-Key": key}
    return await client.post("/v1/orders", json=body, headers=headers)


class TestIdempotencyKey:
    @pytest.mark.parametrize("key", [None, "", "a b", "x" * 129, "11/22", "é", '"', '""', '"k', 'k"'])
    async def test_a_command_without_a_usable_key_is_refused(
        self, client: httpx.AsyncClient, counter: Counter, key: str | None
    ) -> None:
        raw = [] if key is None else [(b"idempotency-key", key.encode())]
        response = await client.post("/v1/orders", json={}, headers=raw)
        assert response.status_code == 400
        assert response.json()["type"] == "urn:xuefen:problem:idempotency-key-missing"
        assert counter.done == 0

    async def test_a_repeat_gives_the_first_answer_and_says_so(
        self, client: httpx.AsyncClient, counter: Counter
    ) -> None:
        first = await post(client, "k-1", amount=5)
        second = await post(client, "k-1", amount=5)
        assert (first.status_code, first.json()) == (second.status_code, second.json()) == (201, {"done": 5})
        assert "idempotency-replayed" not in first.headers
        assert second.headers["idempotency-replayed"] == "true"
        assert counter.done == 5

    async def test_a_key_in_quotes_as_the_draft_writes_it_is_the_same_key(
        self, client: httpx.AsyncClient, counter: Counter
    ) -> None:
        await post(client, "k-quoted", amount=5)
        assert (await post(client, '"k-quoted"', amount=5)).headers["idempotency-replayed"] == "true"
        assert counter.done == 5

    async def test_spacing_and_order_of_members_do_not_make_another_body(
        self, client: httpx.AsyncClient, counter: Counter
    ) -> None:
        await post(client, "k-2", amount=5, note="a")
        headers = {"Idempotency-Key": "k-2", "Content-Type": "application/json"}
        again = await client.post("/v1/orders", content=b'{ "note":"a",  "amount": 5 }', headers=headers)
        assert again.headers["idempotency-replayed"] == "true"
        assert counter.done == 5

    async def test_the_key_with_another_body_is_refused(
        self, client: httpx.AsyncClient, counter: Counter
    ) -> None:
        await post(client, "k-3", amount=5)
        response = await post(client, "k-3", amount=6)
        assert response.status_code == 422
        assert response.json()["type"] == "urn:xuefen:problem:idempotency-key-reused"
        assert counter.done == 5

    async def test_two_callers_may_use_the_same_key(
        self, client: httpx.AsyncClient, counter: Counter
    ) -> None:
        await post(client, "k-4", amount=1)
        client.headers.update(bearer("order:write", subject="client-2"))
        await post(client, "k-4", amount=1)
        assert counter.done == 2

    async def test_a_command_that_failed_may_be_sent_again(
        self, client: httpx.AsyncClient, counter: Counter
    ) -> None:
        counter.fails = True
        assert (await post(client, "k-5")).status_code == 500
        counter.fails = False
        assert (await post(client, "k-5")).status_code == 201

    async def test_the_second_is_told_when_the_first_is_still_in_flight(
        self, client: httpx.AsyncClient, counter: Counter, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(idempotency, "IN_FLIGHT_WAIT_MS", 100)
        counter.gate = asyncio.Event()
        first = asyncio.create_task(post(client, "k-6"))
        await asyncio.sleep(0.1)
        second = await post(client, "k-6")
        counter.gate.set()
        assert second.status_code == 409
        assert second.headers["retry-after"]
        assert (await first).status_code == 201
        assert (await post(client, "k-6")).headers["idempotency-replayed"] == "true"

    async def test_many_at_once_are_carried_out_once(
        self, client: httpx.AsyncClient, counter: Counter
    ) -> None:
        answers = await asyncio.gather(*(post(client, "k-7") for _ in range(6)))
        assert {answer.status_code for answer in answers} == {201}
        assert counter.done == 1

    async def test_the_lock_timeout_of_the_transaction_is_as_it_was(self, database: Database) -> None:
        async with database.transaction(lock_timeout_ms=4321) as conn:
            await claim(conn, LOG, CommandKey("c", "k", "f"))
            assert await conn.fetchval("select current_setting('lock_timeout')") == "4321ms"


class TestTable:
    def test_the_keys_of_the_table_lead_with_the_log(self) -> None:
        statements = idempotency.idempotency_table_sql(partitions=2)
        assert "primary key (log, caller, key)" in statements[0]
        assert len(statements) == 3

    def test_another_path_is_another_request(self) -> None:
        assert fingerprint("POST", "/v1/a", b"{}") != fingerprint("POST", "/v1/b", b"{}")
