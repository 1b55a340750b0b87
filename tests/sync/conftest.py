"""A synchronisation for each test, on a database of its own."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.conftest import FreshDatabaseFactory
from tests.sync.world import HR, NATIONAL, World, target, world_on


@pytest.fixture
def dsn(fresh_database: FreshDatabaseFactory) -> str:
    """The address of a fresh database of the synchronisation."""
    return fresh_database("sync").app_dsn


@pytest_asyncio.fixture
async def world(dsn: str) -> AsyncIterator[World]:
    """The national platform for everybody, the human-resources system for Guangdong."""
    async with world_on(dsn, target(NATIONAL), target(HR, due=3)) as world:
        yield world
