"""Quotas: what a client may ask in a time, over two processes of one service, and what it is told of it."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI

from services.kit.auth import Caller
from services.kit.database import Database
from services.kit.quotas import Quota, Quotas, QuotaSpentError, QuotaTerms
from services.kit.routers import Router
from tests.kit.http import bearer, service

NOON = datetime(2026, 3, 2, 4, tzinfo=UTC)
TERMS = QuotaTerms(
    organizations=Quota(requests=5, seconds=60), clients={"client-9": Quota(requests=1, seconds=10)}
)
CLIENT = Caller("client-1", frozenset(), organization="organization-1")
ROUTES = Router()


@ROUTES.get("/v1/things")
async def things() -> dict[str, str]:
    return {}


class Clock:
    def __init__(self) -> None:
        self.now = NOON
        self.seconds = 0.0

    def passes(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self.seconds += seconds

    def quotas(self, database: Database, log: str) -> Quotas:
        """The quotas of one process."""
        return Quotas(database, log, TERMS, lambda: self.now, lambda: self.seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest_asyncio.fixture
async def quotas(bookings: Database, log: str, clock: Clock) -> Quotas:
    return clock.quotas(bookings, log)


class TestOneProcess:
    async def test_counts_down_refuses_and_begins_anew(self, quotas: Quotas, clock: Clock) -> None:
        left = []
        for _ in range(5):
            left.append(quotas.take(CLIENT)["RateLimit"])
            clock.passes(0.1)
        assert left[0] == '"requests";r=4;t=60'
        assert left[-1] == '"requests";r=0;t=60'
        clock.passes(19.5)
        with pytest.raises(QuotaSpentError) as refused:
            quotas.take(CLIENT)
        assert refused.value.headers["Retry-After"] == "40"
        clock.passes(40)
        assert quotas.take(CLIENT)["RateLimit"] == '"requests";r=4;t=60'
        await quotas.close()

    async def test_is_of_each_client_by_its_own_terms(self, quotas: Quotas) -> None:
        for _ in range(5):
            quotas.take(CLIENT)
        neighbour = Caller("client-2", frozenset(), organization="organization-1")
        assert quotas.take(neighbour)["RateLimit-Policy"] == '"requests";q=5;w=60'
        slow = Caller("client-9", frozenset())
        assert quotas.take(slow) == {
            "RateLimit-Policy": '"requests";q=1;w=10',
            "RateLimit": '"requests";r=0;t=10',
        }
        with pytest.raises(QuotaSpentError):
            quotas.take(slow)
        for caller in (Caller("service:sync", frozenset()), Caller("official", frozenset(), place="210000")):
            assert all(quotas.take(caller) == {} for _ in range(50))


class TestProcesses:
    async def test_share_one_quota(self, bookings: Database, log: str, quotas: Quotas, clock: Clock) -> None:
        other = clock.quotas(bookings, log)
        for _ in range(3):
            quotas.take(CLIENT)
        await quotas.share()
        other.take(CLIENT)
        await other.share()
        assert other.take(CLIENT)["RateLimit"].startswith('"requests";r=0')
        await other.share()
        quotas.take(CLIENT)
        await quotas.share()
        for each in (quotas, other):
            with pytest.raises(QuotaSpentError):
                each.take(CLIENT)

    async def test_begin_anew_together(
        self, bookings: Database, log: str, quotas: Quotas, clock: Clock
    ) -> None:
        for _ in range(5):
            quotas.take(CLIENT)
        await quotas.share()
        clock.passes(61)
        other = clock.quotas(bookings, log)
        other.take(CLIENT)
        await other.share()
        assert other.take(CLIENT)["RateLimit"].startswith('"requests";r=3')

    async def test_ask_the_database_once_a_second_whatever_is_served(
        self, bookings: Database, log: str, quotas: Quotas, clock: Clock
    ) -> None:
        async def stored() -> int:
            async with bookings.acquire() as conn:
                found = await conn.fetchval("select misses from budgets where log = $1", log)
            return int(found or 0)

        quotas.take(CLIENT)
        quotas.take(CLIENT)
        await quotas.close()
        assert await stored() == 0
        clock.passes(1)
        quotas.take(CLIENT)
        await quotas.close()
        assert await stored() == 3


class TestAnswers:
    @pytest.fixture
    def app(self, quotas: Quotas) -> FastAPI:
        app = service([ROUTES])
        app.state.quotas = quotas
        return app

    async def test_say_what_is_left_also_when_they_refuse(self, app: FastAPI) -> None:
        headers = bearer(subject="client-1", organization="organization-1")
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://service", headers=headers
        ) as client:
            answers = [await client.get(path) for path in ("/v1/things", "/v1/nothing", *["/v1/things"] * 4)]
            unlimited = await client.get("/v1/things", headers=bearer(subject="service:sync"))
        assert [each.status_code for each in answers] == [200, 404, 200, 200, 200, 429]
        assert [each.headers["RateLimit"].partition(";t=")[0] for each in answers] == [
            f'"requests";r={left}' for left in (4, 3, 2, 1, 0, 0)
        ]
        assert answers[-1].json()["type"] == "urn:xuefen:problem:quota-spent"
        assert int(answers[-1].headers["Retry-After"]) <= 60
        assert "RateLimit" not in unlimited.headers
