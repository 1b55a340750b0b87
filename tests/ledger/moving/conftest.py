"""A ledger, and the transfer service that carries people in it."""

from datetime import UTC, datetime

import pytest

from tests.ledger.moving.mover import Mover
from tests.ledger.world import World


@pytest.fixture(autouse=True)
def today(world: World) -> None:
    """Summer of 2025: Liaoning's year is open, 2024 is over."""
    world.now = datetime(2025, 6, 1, 4, tzinfo=UTC)


@pytest.fixture
def mover(world: World) -> Mover:
    """Who carries people."""
    return Mover(world)
