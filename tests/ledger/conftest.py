"""A ledger for the tests of a module; everybody in it is new for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any

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


@pytest.fixture(scope="session", autouse=True)
def statements() -> Iterator[None]:
    """Every statement that is sent to the ledger's tables is by one log, and none would be refused by many machines."""
    from services.kit.watched_connection import WatchedConnection
    from tests.statements import Recorder

    recorder, begin = Recorder("ledger"), WatchedConnection.__init__

    def watched(self: WatchedConnection, *args: Any) -> None:
        begin(self, *args)
        recorder.watch(self, args[-1])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WatchedConnection, "__init__", watched)
        yield
    assert not recorder.faults, "\n".join(sorted(recorder.faults))
