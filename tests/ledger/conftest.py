"""A ledger for the tests of a module; everybody in it is new for each test."""

from collections.abc import AsyncIterator

import pytest

from tests.conftest import FreshDatabaseFactory
from tests.ledger.world import World, make_world


@pytest.fixture(scope="module")
async def world(fresh_database: FreshDatabaseFactory) -> AsyncIterator[World]:
    """A running ledger, shared by the tests of a module."""
    async with make_world(fresh_database)().running() as world:
        yield world
