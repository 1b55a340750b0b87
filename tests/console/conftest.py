"""One house for all tests of the console: starting it costs more than any of them."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.conftest import FreshDatabaseFactory
from tests.console.house import House, running_house
from tests.e2e.system import START


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def running(
    fresh_database: FreshDatabaseFactory, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[House]:
    """The services, the issuer and the console."""
    folder: Path = tmp_path_factory.mktemp("console")
    async with running_house(fresh_database, folder) as house:
        yield house


@pytest_asyncio.fixture(loop_scope="session")
async def house(running: House) -> AsyncIterator[House]:
    """The same, at the moment every story begins, and nobody's browser left open at its end."""
    running.system.now = START
    yield running
    await running.close_browsers()
