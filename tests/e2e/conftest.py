"""One system for the tests of a module; everybody in it is new for each test, and the clock is set back."""

from collections.abc import AsyncIterator

import pytest

from tests.conftest import FreshDatabaseFactory
from tests.e2e.system import START, System, new_system


@pytest.fixture(scope="module")
async def module_system(fresh_database: FreshDatabaseFactory) -> AsyncIterator[System]:
    """The three services, running, shared by the tests of a module."""
    async with new_system(fresh_database).running() as system:
        yield system


@pytest.fixture
def system(module_system: System) -> System:
    """The three services at the moment every story begins."""
    module_system.now = START
    return module_system
