"""A ledger of its own for each test of this room: a year closes for everybody."""

from collections.abc import AsyncIterator

import pytest

from tests.conftest import FreshDatabaseFactory
from tests.ledger.officials.closing.closing import JANUARY, LIAONING, LISTED
from tests.ledger.world import Provider, World, make_world


@pytest.fixture
async def world(fresh_database: FreshDatabaseFactory) -> AsyncIterator[World]:
    """A running ledger in January 2026."""
    async with make_world(fresh_database)().running() as world:
        world.now = JANUARY
        yield world


@pytest.fixture
async def provider(world: World) -> Provider:
    """A provider of Liaoning's list."""
    return await world.provides(LISTED, accredited=[LIAONING])
