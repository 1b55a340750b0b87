"""The registry's application: what it is made of, and what must be so before it serves."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI

from services.kit.app import create_service
from services.kit.auth import TokenVerifier
from services.kit.clock import Clock, utc_now
from services.kit.database import Database
from services.kit.event_store import EventStore
from services.kit.issuers import issuers_of
from services.kit.key_sets import FixedKeys
from services.kit.migrations import head_revision
from services.registry.api import router
from services.registry.application import RegistryApplication
from services.registry.oauth import OPEN_PATHS, TOKEN_PATH, TokenIssuer, oauth_router
from services.registry.queries import RegistryQueries
from services.registry.settings import RegistrySettings
from services.registry.tables import LOG
from services.registry.vault import Vault


def create_app(settings: RegistrySettings | None = None, *, clock: Clock = utc_now) -> FastAPI:
    """The registry. Raises SettingsError when a setting is missing; refuses an unsafe database when it
    starts.
    """
    told = settings or RegistrySettings.load()
    hasher, vault, key = told.hasher, Vault(told.wrapper), told.token_key
    store = EventStore()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        database = await Database.connect(
            told.registry_database_url,
            schema="registry",
            application_name="registry.api",
            size_max=told.registry_pool_size,
        )
        try:
            await database.check(revision=head_revision("registry"))
            app.state.database = database
            app.state.application = RegistryApplication(
                database, store, vault=vault, hasher=hasher, clock=clock
            )
            app.state.queries = RegistryQueries(database, store, vault=vault, hasher=hasher, clock=clock)
            app.state.issuer = TokenIssuer(
                database,
                store,
                key=key,
                issuer=told.issuer,
                lifetime_seconds=told.token_lifetime_seconds,
                now=lambda: clock().timestamp(),
            )
            yield
        finally:
            await store.hints.close()
            await database.close()

    async def readiness() -> Mapping[str, Any]:
        async with app.state.database.acquire() as conn:
            return {"log": LOG, "position": await store.head(conn, LOG)}

    app = create_service(
        "Xuefen registry",
        description="Persons, organizations and clients: who is collected where, and who may train whom.",
        routers=[router, oauth_router()],
        verifier=TokenVerifier(issuers_of(told, own=FixedKeys.of(key)), now=lambda: clock().timestamp()),
        lifespan=lifespan,
        readiness=readiness,
        open_paths=OPEN_PATHS,
        form_paths={TOKEN_PATH},
    )
    return app
