"""A schema fuzzer on every route of the transfer service: whatever is sent, a documented answer and never a 5xx."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import pytest
import schemathesis
from schemathesis.schemas import APIOperation

from services.kit.database import Database
from services.kit.event_store import EventStore
from services.transfer.app import build_app
from services.transfer.composition import Transfers
from tests.conftest import AUDIT_KEY, FreshDatabaseFactory, in_thread
from tests.fuzz.extremes import Document, send_extremes
from tests.fuzz.serving import CHECKS, WELL_FORMED, fuzz, operations, serving
from tests.kit.http import bearer, verifier
from tests.openapi import committed
from tests.transfer.neighbours import Neighbours
from tests.transfer.scenarios import NOBODY_OPENED
from tests.transfer.world import running

schema = schemathesis.openapi.from_dict(committed("transfer"))
known: dict[str, str] = {"log": "transfer"}


@schema.hook
def map_path_parameters(context: Any, path_parameters: dict[str, Any] | None) -> dict[str, Any] | None:
    """Half of the well-formed ids are of a transfer that exists, so that routes are fuzzed behind their 404 too."""
    for name, value in known.items():
        given = (path_parameters or {}).get(name)
        if isinstance(given, str) and WELL_FORMED.fullmatch(given) and sum(given.encode()) % 2:
            path_parameters[name] = value
    return path_parameters


class Target(NamedTuple):
    address: str
    headers: dict[str, str]


@pytest.fixture(scope="module")
def target(fresh_database: FreshDatabaseFactory) -> Iterator[Target]:
    """A transfer service in which somebody is on their way, and an official of the nation who may do everything."""
    dsn = fresh_database("transfer").app_dsn

    async def settle() -> str:
        async with running(dsn) as world:
            return await world.requested()

    @asynccontextmanager
    async def opener(store: EventStore) -> AsyncIterator[Transfers]:
        database = await Database.connect(dsn, schema="transfer", application_name="fuzz")
        neighbours = Neighbours()
        transfers = Transfers(database, store, NOBODY_OPENED, neighbours.peers, audit_key=AUDIT_KEY)
        await transfers.prepare()
        yield transfers
        await transfers.close()
        await neighbours.close()

    known["transfer_id"] = in_thread(lambda: asyncio.run(settle()))
    scopes = ("transfer:request", "transfer:review", "transfer:confirm", "feed:read")
    with serving(build_app(verifier(), opener)) as address:
        yield Target(address, bearer(*scopes, subject="fuzzer", place="100000"))


@pytest.mark.property
@pytest.mark.parametrize("operation", operations(schema))
def test_every_answer_is_documented(operation: APIOperation, target: Target) -> None:
    """Good and bad data for every operation."""
    fuzz(operation, base_url=target.address, headers=target.headers, checks=list(CHECKS))


DOCUMENT = Document(committed("transfer"))


@pytest.mark.parametrize(("method", "path"), DOCUMENT.operations())
def test_no_day_moment_or_place_is_a_fault(method: str, path: str, target: Target) -> None:
    """Extremes of all of them, in every parameter and field that takes one."""
    send_extremes(DOCUMENT, method, path, target.address, target.headers)
