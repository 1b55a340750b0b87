"""One transfer service for the session, on a database of its own."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.conftest import FreshDatabase, FreshDatabaseFactory
from tests.transfer.scenarios import NOW
from tests.transfer.world import World, running


@pytest.fixture(scope="session")
def transfer_database(fresh_database: FreshDatabaseFactory) -> FreshDatabase:
    """A migrated database of the transfer service."""
    return fresh_database("transfer")


@pytest_asyncio.fixture(scope="session")
async def session_world(transfer_database: FreshDatabase) -> AsyncIterator[World]:
    """One service for the whole session."""
    async with running(transfer_database.app_dsn) as world:
        yield world


@pytest.fixture
def world(session_world: World) -> World:
    """The service, its clock set back."""
    session_world.now = NOW
    session_world.neighbours.back_to_normal()
    return session_world
