"""People who may see deliveries and let them go again: officials of the place, by scope, and nobody else."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI

from services.kit.database import Database
from services.kit.event_store import EventStore
from services.sync.app import build_app
from services.sync.composition import SCHEMA, Sync
from services.sync.targets import Targets
from services.sync.webhooks.api import WebhookTerms
from tests.conftest import AUDIT_KEY, WEBHOOK_KEY, FreshDatabaseFactory
from tests.kit.http import bearer, metrics_of, verifier
from tests.openapi import committed
from tests.sync.feeds import START, earned
from tests.sync.world import NATIONAL, World, target, world_on

EVERY_SCOPE = ("sync:read", "sync:repair")
OFFICIALS = ("140502", "140500", "140000", "140403", "210000", "210200", "440300", "100000")
COVERING = {"140502", "140500", "140000", "100000"}
AUTHORITIES = {"140000", "210000", "210200", "440300", "100000"}
KEY = {"Idempotency-Key": "key-1"}

ROUTES: dict[str, set[str]] = {
    "GET /v1/status?place=140502": COVERING,
    "GET /v1/deliveries?place=140502": COVERING,
    "GET /v1/status": set(OFFICIALS),
    "GET /v1/deliveries": set(OFFICIALS),
    "GET /v1/persons/p/deliveries": set(OFFICIALS),
    "POST /v1/releases": AUTHORITIES,
}
"""Every route as it is called, and the officials who may; what a route without a place shows is of their own alone."""


class Service:
    """The API over a synchronisation in which one credit was refused."""

    def __init__(self, world: World, client: httpx.AsyncClient, person: str, app: FastAPI) -> None:
        self.world = world
        self.client = client
        self.app = app
        self.person = person

    async def call(self, route: str, **claims: Any) -> httpx.Response:
        scopes = claims.pop("scopes", EVERY_SCOPE)
        method, _, path = route.partition(" ")
        json = {"target": NATIONAL} if method == "POST" else None
        key = {"Idempotency-Key": f"{claims.get('place')}-{claims.get('subject', 'o')}"}
        headers = bearer(*scopes, **{"subject": "o", **claims}) | key
        return await self.client.request(method, path, json=json, headers=headers)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def service(fresh_database: FreshDatabaseFactory) -> AsyncIterator[Service]:
    dsn = fresh_database("sync").app_dsn
    async with world_on(dsn, target(NATIONAL)) as world:
        person = world.person()
        world.ledger.publish("140000", earned(person, "140502"), earned(person, "140502"))
        world.ledger.publish("210000", earned(world.person(), "210102"))
        await world.record()
        world.faults(refused=1.0)
        await world.deliver()

        def opener(store: EventStore) -> Any:
            return _opened(dsn, store)

        app = build_app(verifier(), opener)
        async with app.router.lifespan_context(app):
            transport = httpx.ASGITransport(app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://sync") as client:
                yield Service(world, client, person, app)


class _opened:  # noqa: N801 - used like the function it stands for
    def __init__(self, dsn: str, store: EventStore) -> None:
        self._dsn, self._store = dsn, store

    async def __aenter__(self) -> Sync:
        database = await Database.connect(self._dsn, schema=SCHEMA, application_name="test")
        self._sync = Sync(
            database,
            self._store,
            Targets([target(NATIONAL)]),
            clock=lambda: START,
            audit_key=AUDIT_KEY,
            webhooks=WebhookTerms(WEBHOOK_KEY, anywhere=False),
        )
        return self._sync

    async def __aexit__(self, *_: object) -> None:
        await self._sync.close()


class TestMatrix:
    def test_names_every_route(self):
        documented = {
            f"{method.upper()} {path}" for path, item in committed("sync")["paths"].items() for method in item
        }
        named = {route.partition("?")[0].replace("/p/", "/{person_id}/") for route in ROUTES}
        # The routes to the audit are the kit's, the same as the ledger's; those of webhooks are for organizations.
        webhooks = {each for each in documented if each.partition("/v1/")[2].startswith("webhooks")}
        assert documented - webhooks - {"GET /v1/audit", "GET /v1/my-readings"} == named

    @pytest.mark.parametrize("route", sorted(ROUTES))
    async def test_officials_of_the_place_alone(self, service: Service, route: str):
        """S1-01, S4-11: Dalian is not Liaoning's, Shenzhen is not Guangdong's."""
        for place in OFFICIALS:
            answer = await service.call(route, place=place, subject=f"official-{place}")
            assert (answer.status_code == 200) == (place in ROUTES[route]), (place, answer.text)
            assert answer.status_code in (200, 403)

    @pytest.mark.parametrize("route", sorted(ROUTES))
    async def test_nobody_without_a_place_a_scope_or_a_token(self, service: Service, route: str):
        for claims in (
            {"place": None},
            {"place": None, "organization": "organization-1"},
            {"place": "140000", "organization": "organization-1"},
            {"place": "140000", "scopes": ("feed:read",)},
            {"place": "999999"},
        ):
            assert (await service.call(route, **claims)).status_code == 403, claims
        method, _, path = route.partition(" ")
        assert (await service.client.request(method, path)).status_code == 401


class TestShown:
    async def test_to_a_province_is_its_own_and_to_the_nation_everything(self, service: Service):
        for place, count in (("140000", 2), ("210000", 1), ("140403", 0), ("100000", 3)):
            page = (await service.call("GET /v1/deliveries", place=place)).json()
            assert len(page["items"]) == count

    async def test_of_a_person_in_the_order_in_which_they_go(self, service: Service):
        path = f"GET /v1/persons/{service.person}/deliveries"
        seen = (await service.call(path, place="140502")).json()["items"]
        assert [each["state"] for each in seen] in (["refused", "pending"], ["pending", "pending"])
        assert (await service.call(path, place="210000")).json()["items"] == []

    async def test_in_pages_that_leave_nothing_out(self, service: Service):
        found, after = [], ""
        while after is not None:
            page = (await service.call(f"GET /v1/deliveries?limit=1{after}", place="100000")).json()
            found += [each["key"] for each in page["items"]]
            after = page["next"] and f"&after={page['next']}"
        assert len(found) == len(set(found)) == 3

    async def test_as_metrics_without_a_token(self, service: Service):
        text = await metrics_of(service.app)
        assert 'sync_open_deliveries{place="140000",state="pending",target="national-platform"}' in text

    async def test_of_an_unknown_place_or_target_is_refused(self, service: Service):
        assert (await service.call("GET /v1/status?place=149999", place="100000")).status_code == 422
        answer = await service.call("GET /v1/deliveries?target=nobody", place="100000")
        assert answer.status_code == 404


class TestRelease:
    async def test_lets_what_was_refused_go_again_and_once_for_a_key(self, service: Service):
        world = service.world
        world.faults(refused=1.0)
        world.ledger.publish("140000", credit := earned(world.person(), "140502"))
        await world.record()
        await world.deliver()
        world.faults()
        headers = bearer("sync:repair", subject="o", place="100000") | {"Idempotency-Key": "release-1"}
        answers = [
            await service.client.post("/v1/releases", json={"target": NATIONAL}, headers=headers)
            for _ in range(2)
        ]
        assert answers[0].json() == answers[1].json()
        assert answers[1].headers["Idempotency-Replayed"] == "true"
        await world.deliver()
        assert (await world.states())[f"{credit.credit_id}.1"] == "delivered"
