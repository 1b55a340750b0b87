"""The transfer service's API as an application."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress

from fastapi import FastAPI

from contracts import DEPRECATIONS
from contracts.divisions import audits_place, claims_known_place, reads_log
from services.kit.app import create_service, must_answer
from services.kit.app import openapi_document as document_of
from services.kit.audit_routes import audit_router
from services.kit.auth import TokenVerifier, verifier_of
from services.kit.deprecations import deprecations_in
from services.kit.event_store import EventStore
from services.kit.feed import feed_reader, feed_router
from services.transfer.api import people_router, router, statistics_router
from services.transfer.composition import Transfers, open_transfers
from services.transfer.problems import OutsidePlaceError
from services.transfer.publishing import SOURCE, published_event
from services.transfer.settings import TransferSettings
from services.transfer.tables import LOG

TITLE = "Xuefen transfer"
DESCRIPTION = (
    "A profile moves to another place: requested, accepted by the origin, approved by the destination; between two "
    "authorities it is carried by the national relay, and confirmed by the person."
)

Opener = Callable[[EventStore], AbstractAsyncContextManager[Transfers]]


def build_app(verifier: TokenVerifier, opener: Opener) -> FastAPI:
    """The application over a transfer service that `opener` opens when it starts and closes when it stops."""
    store = EventStore()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with opener(store) as transfers:
            app.state.transfers = transfers
            app.state.audit = transfers.audit
            listening = asyncio.create_task(store.notifications.listen(transfers.database))
            try:
                yield
            finally:
                listening.cancel()
                with suppress(asyncio.CancelledError):
                    await listening

    async def readiness() -> Mapping[str, object]:
        """The database answers; the position is the log's last."""
        transfers: Transfers = app.state.transfers
        await must_answer(transfers.databases, leeway_seconds=verifier.leeway)
        async with transfers.database.acquire() as conn:
            return {"position": await transfers.store.head(conn, LOG)}

    feed = feed_router(
        lambda: app.state.transfers.databases,
        store,
        lambda: (LOG,),
        published_event,
        SOURCE,
        feed_reader(reads_log, OutsidePlaceError),
    )
    audit = audit_router(_logs_of, audits_place, OutsidePlaceError)
    app = create_service(
        TITLE,
        description=DESCRIPTION,
        routers=[router, people_router, statistics_router, audit, feed],
        verifier=verifier,
        lifespan=lifespan,
        readiness=readiness,
        claims=claims_known_place,
        deprecations=deprecations_in(DEPRECATIONS).of("transfer"),
    )
    return app


def create_app() -> FastAPI:
    """The application of a running deployment, told by its environment."""
    settings = TransferSettings.load()
    return build_app(verifier_of(settings), lambda store: open_transfers(settings, "api", store))


def _logs_of(_place: str | None) -> tuple[str]:
    return (LOG,)


def openapi_document() -> dict[str, object]:
    """The OpenAPI document, made without a database."""
    return document_of(build_app(TokenVerifier([]), _never))


def _never(_: EventStore) -> AbstractAsyncContextManager[Transfers]:
    raise RuntimeError("an application made for its document alone is never started")
