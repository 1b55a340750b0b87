"""One registry for a module's tests, on a migrated database, called in process."""

from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI

from services.kit.clock import utc_now
from services.kit.settings import new_key_text
from services.kit.signing import new_signing_key, signing_key_text
from services.registry.app import create_app
from services.registry.settings import RegistrySettings
from tests.conftest import FreshDatabase, FreshDatabaseFactory
from tests.registry.offices import NOON, Offices
from tests.registry.scenarios import Registry


@pytest.fixture(scope="module")
def fresh(fresh_database: FreshDatabaseFactory) -> FreshDatabase:
    """The module's database."""
    return fresh_database("registry")


@pytest.fixture(scope="module")
def settings(fresh: FreshDatabase) -> RegistrySettings:
    """Settings with keys of their own."""
    return RegistrySettings(
        registry_database_url=fresh.app_dsn,
        identity_key=new_key_text(),
        digest_key=new_key_text(),
        audit_key=new_key_text(),
        key_encryption_key=new_key_text(),
        signing_key=signing_key_text(new_signing_key()),
    )


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def app(settings: RegistrySettings) -> AsyncIterator[FastAPI]:
    """The running application."""
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        yield app


@pytest_asyncio.fixture(loop_scope="session")
async def registry(app: FastAPI, settings: RegistrySettings) -> AsyncIterator[Registry]:
    """The registry, and the words of its histories."""
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://registry") as client:
        yield Registry(client, settings)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def running_offices(settings: RegistrySettings) -> AsyncIterator[Offices]:
    """A registry on the module's database whose clock stands where it is put."""
    clock: list[Offices] = []
    app = create_app(settings, clock=lambda: clock[0].now if clock else utc_now())
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://registry") as client,
    ):
        clock.append(Offices(client, settings))
        yield clock[0]


@pytest.fixture
def offices(running_offices: Offices) -> Offices:
    """The same, its clock set to noon of 2 November 2026."""
    running_offices.now = NOON
    return running_offices
