"""The registry's API as an application."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any

from fastapi import FastAPI

from services.kit.app import create_service
from services.kit.app import openapi_document as document_of
from services.kit.auth import TokenVerifier
from services.kit.clock import Clock, utc_now
from services.kit.event_store import EventStore
from services.kit.feed import feed_router
from services.kit.issuers import issuers_of
from services.kit.key_sets import FixedKeys
from services.registry.accounts.api import router as accounts_router
from services.registry.accounts.oauth import OPEN_PATHS, TOKEN_PATH, oauth_router
from services.registry.api import router
from services.registry.bulk import api as api_bulk
from services.registry.composition import Registry, open_registry
from services.registry.evidence.api import EVIDENCE_BYTES_MAX
from services.registry.evidence.api import PATH as EVIDENCE_PATH
from services.registry.evidence.api import router as evidence_router
from services.registry.feed_access import feed_reader
from services.registry.moves.api import router as moves_router
from services.registry.moves.api_completing import router as completing_router
from services.registry.organizations.api import router as organizations_router
from services.registry.organizations.api_plans import router as plans_router
from services.registry.people.api_changes import router as changes_router
from services.registry.people.api_collections import router as collections_router
from services.registry.personal_data.api import router as personal_data_router
from services.registry.publishing import SOURCE, published_event
from services.registry.settings import RegistrySettings
from services.registry.tables import LOG
from services.registry.worklists.api import router as worklists_router

TITLE = "Xuefen registry"
DESCRIPTION = "Persons, organizations and clients: who is collected where, and who may train whom."

Opener = Callable[[EventStore], AbstractAsyncContextManager[Registry]]


def build_app(verifier: TokenVerifier, opener: Opener) -> FastAPI:
    """The application over a registry that `opener` opens when it starts and closes when it stops."""
    store = EventStore()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with opener(store) as registry:
            app.state.registry = registry
            listening = asyncio.create_task(store.notifications.listen(registry.database))
            try:
                yield
            finally:
                listening.cancel()
                with suppress(asyncio.CancelledError):
                    await listening

    async def readiness() -> Mapping[str, Any]:
        """The database answers; the log's last position, and how far the other services' facts have come in."""
        registry: Registry = app.state.registry
        async with registry.database.acquire() as conn:
            position = await store.head(conn, LOG)
        return {"position": position, "followed": await registry.followed()}

    feed = feed_router(
        lambda: app.state.registry.databases,
        store,
        lambda: (LOG,),
        published_event,
        SOURCE,
        feed_reader,
    )
    app = create_service(
        TITLE,
        description=DESCRIPTION,
        routers=[
            router,
            personal_data_router,
            api_bulk.router,
            evidence_router,
            collections_router,
            changes_router,
            worklists_router,
            moves_router,
            completing_router,
            organizations_router,
            plans_router,
            accounts_router,
            oauth_router(),
            feed,
        ],
        verifier=verifier,
        lifespan=lifespan,
        readiness=readiness,
        open_paths=OPEN_PATHS,
        form_paths={TOKEN_PATH},
        file_paths={EVIDENCE_PATH: EVIDENCE_BYTES_MAX, api_bulk.PATH: api_bulk.BYTES_MAX},
    )
    return app


def create_app(settings: RegistrySettings | None = None, clock: Clock = utc_now) -> FastAPI:
    """The application of a running deployment, told by its environment unless told here.

    Raises SettingsError when a setting is missing; an unsafe database is refused when the application starts.
    """
    told = settings or RegistrySettings.load()
    told.check_keys()
    own = FixedKeys.of(told.token_key)
    verifier = TokenVerifier(issuers_of(told, own=own), now=lambda: clock().timestamp())
    app = build_app(verifier, lambda store: open_registry(told, "api", store, clock))
    # Collections hold names and ID numbers, and what is kept of a command must not lead back to them.
    app.state.fingerprint_key = told.fingerprint_key
    return app


def openapi_document() -> dict[str, Any]:
    """The OpenAPI document, made without a database."""
    return document_of(build_app(TokenVerifier([]), _never))


def _never(_: EventStore) -> AbstractAsyncContextManager[Registry]:
    raise RuntimeError("an application made for its document alone is never started")
