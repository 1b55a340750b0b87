"""The synchronisation's API as an application."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress

from fastapi import FastAPI

from contracts import DEPRECATIONS
from contracts.divisions import audits_place, claims_known_place
from services.kit.app import create_service, must_answer
from services.kit.app import openapi_document as document_of
from services.kit.audit_routes import audit_router
from services.kit.auth import TokenVerifier, verifier_of
from services.kit.deprecations import deprecations_in
from services.kit.event_store import EventStore
from services.kit.parts import parts_of
from services.sync.api import router
from services.sync.composition import SCHEMA, Sync, open_sync
from services.sync.problems import OutsidePlaceError
from services.sync.settings import SyncSettings
from services.sync.viewing import SyncMetrics
from services.sync.webhooks import api as webhooks_api

TITLE = "Xuefen sync"
DESCRIPTION = "What the systems outside have been told, what waits and why."

Opener = Callable[[EventStore], AbstractAsyncContextManager[Sync]]


def build_app(verifier: TokenVerifier, opener: Opener) -> FastAPI:
    """The application over a synchronisation that `opener` opens when it starts and closes when it stops."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with opener(EventStore()) as sync:
            app.state.sync = sync
            app.state.audit = sync.audit
            app.state.parts = parts_of(sync)
            app.state.clock = sync.clock
            metrics = SyncMetrics(app.state.metrics.registry)
            refreshing = asyncio.create_task(metrics.keep_fresh(sync.status, sync.clock))
            try:
                yield
            finally:
                refreshing.cancel()
                with suppress(asyncio.CancelledError):
                    await refreshing

    async def readiness() -> Mapping[str, object]:
        """The database answers; which targets are delivered to."""
        sync: Sync = app.state.sync
        await must_answer(sync.databases, leeway_seconds=verifier.leeway)
        return {"targets": [target.name for target in sync.targets.on]}

    app = create_service(
        TITLE,
        description=DESCRIPTION,
        routers=[
            router,
            webhooks_api.router,
            audit_router(_logs_of, audits_place, OutsidePlaceError),
        ],
        verifier=verifier,
        lifespan=lifespan,
        readiness=readiness,
        claims=claims_known_place,
        deprecations=deprecations_in(DEPRECATIONS).of("sync"),
    )
    return app


def create_app() -> FastAPI:
    """The application of a running deployment, told by its environment."""
    settings = SyncSettings.load()
    return build_app(verifier_of(settings), lambda store: open_sync(settings, "api", store))


def _logs_of(_place: str | None) -> tuple[str]:
    return (SCHEMA,)


def openapi_document() -> dict[str, object]:
    """The OpenAPI document, made without a database."""
    return document_of(build_app(TokenVerifier([]), _never))


def _never(_: EventStore) -> AbstractAsyncContextManager[Sync]:
    raise RuntimeError("an application made for its document alone is never started")
