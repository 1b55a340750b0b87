"""A ledger for the tests of a module; everybody in it is new for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest

from tests.conftest import FreshDatabaseFactory

if TYPE_CHECKING:
    from tests.ledger.world import World


@pytest.fixture(scope="module")
async def world(fresh_database: FreshDatabaseFactory) -> AsyncIterator[World]:
    """A running ledger, shared by the tests of a module."""
    from tests.ledger.world import make_world

    async with make_world(fresh_database)().running() as world:
        yield world
