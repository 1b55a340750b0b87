"""Databases with the event tables alone, plain and partitioned, and a log of its own for every test."""

import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager

import httpx
import pytest
import pytest_asyncio

from services.kit.auth import require
from services.kit.command import UnitOfWork, WritePath
from services.kit.database import Database, Databases
from services.kit.event_store import EventStore
from services.kit.feed import feed_router
from tests.conftest import FreshDatabase, FreshDatabaseFactory, outside_loop
from tests.kit.bookings import NOON, begin, create_booking_tables
from tests.kit.given import SOURCE, create_tally_tables, publish
from tests.kit.http import calling, service

_NUMBERS = itertools.count(1)


@pytest.fixture(scope="session", params=[0, 4], ids=["plain", "partitioned"])
def event_tables(request: pytest.FixtureRequest, fresh_database: FreshDatabaseFactory) -> FreshDatabase:
    """A database with event tables and a tally, in turn without and with hash partitions."""
    fresh = fresh_database("kit", partitions=request.param)
    outside_loop(lambda: create_tally_tables(fresh.owner_dsn, partitions=request.param))
    return fresh


@pytest_asyncio.fixture(scope="session")
async def database(event_tables: FreshDatabase) -> AsyncIterator[Database]:
    """A pool on `event_tables`, with the role of a running service."""
    database = await Database.connect(
        event_tables.app_dsn, schema="kit", application_name="test-kit", size_max=16
    )
    yield database
    await database.close()


@pytest.fixture
def store() -> EventStore:
    """An event store with notifications of its own."""
    return EventStore()


@pytest.fixture
def log(new_log: Callable[[], str]) -> str:
    """The name of a log nobody has written to."""
    return new_log()


@pytest.fixture(scope="session")
def new_log() -> Callable[[], str]:
    """Names of logs nobody has written to."""
    return lambda: f"log{next(_NUMBERS)}"


@pytest.fixture
def client(
    database: Database, store: EventStore, log: str
) -> Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]:
    """Makes clients of a service that publishes `log`, and an empty one beside it."""
    router = feed_router(
        Databases(database), store, lambda: [log, "empty"], publish, SOURCE, require("feed:read")
    )
    app = service([router])
    return lambda *scopes: calling(app, *scopes)


@pytest.fixture(scope="session", params=[0, 4], ids=["plain", "partitioned"])
def booking_tables(request: pytest.FixtureRequest, fresh_database: FreshDatabaseFactory) -> FreshDatabase:
    """A database with bookings and keys of commands, in turn without and with hash partitions."""
    fresh = fresh_database("kit", partitions=request.param)
    outside_loop(lambda: create_booking_tables(fresh.owner_dsn, request.param))
    return fresh


@pytest_asyncio.fixture(scope="session")
async def bookings(booking_tables: FreshDatabase) -> AsyncIterator[Database]:
    """A pool on `booking_tables`."""
    database = await Database.connect(
        booking_tables.app_dsn, schema="kit", application_name="test-kit", size_max=8
    )
    yield database
    await database.close()


@pytest.fixture
def path(bookings: Database, store: EventStore) -> WritePath[UnitOfWork]:
    """The write path on `bookings`, at noon."""
    return WritePath(Databases(bookings), store, lambda: NOON, begin)
