"""Readers of feeds: every feed of every service, found in its OpenAPI document, asked by every kind of caller.

Nothing is running behind the services: a question that no caller may ask right (`after=nowhere`) shows who is let in as
far as the question.
"""

from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from contracts.divisions import AUTHORITIES
from tests.kit.http import bearer, verifier
from tests.openapi import committed

ROOT = Path(__file__).parents[1]
SERVICES = sorted(path.name.partition(".")[0] for path in ROOT.glob("contracts/openapi/*.json"))
LET_IN, REFUSED = 422, 403
READERS: dict[str, dict[str, str]] = {
    "a service": {},
    "an official of the nation": {"place": "100000"},
}
"""Who reads every log."""
OTHERS: dict[str, dict[str, str]] = {
    "an official of an authority": {"place": "210000"},
    "an official of a city that is an authority": {"place": "210200"},
    "an official of a city": {"place": "211300"},
    "an official of a county": {"place": "211302"},
    "an organization": {"organization": "organization-1"},
    "an organization in the nation's name": {"organization": "organization-1", "place": "100000"},
}
"""Who reads at most the log of their own authority; organizations read none."""


def feeds() -> list[tuple[str, str]]:
    """Service and log of every feed there is."""
    found = []
    for service in SERVICES:
        paths = committed(service)["paths"]
        logs = AUTHORITIES if service == "ledger" else (service,)
        found += [
            (service, path.format(log=log)) for path in paths if path.endswith("{log}/feed") for log in logs
        ]
    return found


FEEDS = feeds()


@cache
def app_of(service: str) -> FastAPI:
    def never(_: Any) -> Any:
        raise RuntimeError("nothing is opened")

    app: FastAPI = import_module(f"services.{service}.app").build_app(verifier(), never)
    return app


async def status_of(service: str, path: str, headers: dict[str, str]) -> int:
    transport = httpx.ASGITransport(app_of(service))
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        return (await client.get(path, params={"after": "nowhere"}, headers=headers)).status_code


def test_the_feeds_of_three_services_are_found() -> None:
    assert {service for service, _ in FEEDS} == {"ledger", "registry", "transfer"}


@pytest.mark.parametrize("caller", [*READERS, *OTHERS])
@pytest.mark.parametrize(
    ("service", "path"), [feed for feed in FEEDS if feed[0] != "ledger" or "/21" in feed[1]]
)
async def test_a_feed_is_read_by_services_the_nation_and_its_own_authority(
    service: str, path: str, caller: str
) -> None:
    claims = {**READERS, **OTHERS}[caller]
    own = "organization" not in claims and f"/{claims.get('place')}/" in path
    expected = LET_IN if caller in READERS or own else REFUSED
    assert await status_of(service, path, bearer("feed:read", **claims)) == expected


@pytest.mark.parametrize(("service", "path"), FEEDS)
async def test_a_feed_is_read_by_nobody_without_the_scope(service: str, path: str) -> None:
    assert await status_of(service, path, bearer("person:read", subject="person-1")) == REFUSED
    assert await status_of(service, path, {}) == 401
