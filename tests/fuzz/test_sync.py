"""A schema fuzzer on every route of the synchronisation: whatever is sent, a documented answer and never a 5xx."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import NamedTuple

import pytest
import schemathesis
from schemathesis.schemas import APIOperation

from services.kit.database import Database
from services.kit.event_store import EventStore
from services.sync.app import build_app
from services.sync.composition import SCHEMA, Sync
from services.sync.targets import Targets
from services.sync.webhooks.api import WebhookTerms
from tests.conftest import AUDIT_KEY, WEBHOOK_KEY, FreshDatabaseFactory
from tests.fuzz.extremes import Document, send_extremes
from tests.fuzz.serving import CHECKS, fuzz, operations, serving
from tests.kit.http import bearer, verifier
from tests.openapi import committed
from tests.sync.world import NATIONAL, target

schema = schemathesis.openapi.from_dict(committed("sync"))


class Target(NamedTuple):
    address: str
    headers: dict[str, str]


@pytest.fixture(scope="module")
def served(fresh_database: FreshDatabaseFactory) -> Iterator[Target]:
    """An official of the nation who may do everything."""
    dsn = fresh_database("sync").app_dsn

    @asynccontextmanager
    async def opener(store: EventStore) -> AsyncIterator[Sync]:
        database = await Database.connect(dsn, schema=SCHEMA, application_name="fuzz")
        sync = Sync(
            database,
            store,
            Targets([target(NATIONAL)]),
            audit_key=AUDIT_KEY,
            webhooks=WebhookTerms(WEBHOOK_KEY, anywhere=False),
        )
        yield sync
        await sync.close()

    with serving(build_app(verifier(), opener)) as address:
        yield Target(
            address, bearer("sync:read", "sync:repair", "completion:write", subject="fuzzer", place="100000")
        )


@pytest.mark.property
@pytest.mark.parametrize("operation", operations(schema))
def test_every_answer_is_documented(operation: APIOperation, served: Target) -> None:
    """Good and bad data for every operation."""
    fuzz(operation, base_url=served.address, headers=served.headers, checks=list(CHECKS))


DOCUMENT = Document(committed("sync"))


@pytest.mark.parametrize(("method", "path"), DOCUMENT.operations())
def test_no_day_moment_or_place_is_a_fault(method: str, path: str, served: Target) -> None:
    """Extremes of all of them, in every parameter and field that takes one."""
    send_extremes(DOCUMENT, method, path, served.address, served.headers)
