"""The registry's API as an application."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from fastapi import FastAPI

from contracts import DEPRECATIONS
from contracts.divisions import audits_place, claims_known_place, reads_log
from services.kit.app import create_service, must_answer
from services.kit.app import openapi_document as document_of
from services.kit.audit_routes import audit_router
from services.kit.auth import TokenVerifier, verifier_of
from services.kit.budgets import Budgets
from services.kit.clock import Clock, utc_now
from services.kit.deprecations import deprecations_in
from services.kit.event_store import EventStore
from services.kit.feed import feed_reader, feed_router
from services.kit.key_sets import FixedKeys
from services.kit.routers import serve
from services.registry import sandbox
from services.registry.accounts import api as accounts
from services.registry.accounts.tokens import TokenIssuer
from services.registry.bulk import api as bulk
from services.registry.composition import Registry, open_registry
from services.registry.moves import api as moves
from services.registry.organizations import api as organizations
from services.registry.organizations import api_plans as plans
from services.registry.people import api as people
from services.registry.personal_data import api as personal_data
from services.registry.settings import RegistrySettings
from services.registry.store.publishing import SOURCE, published_event
from services.registry.store.tables import LOG
from services.registry.streams.problems import OutsidePlaceError
from services.registry.worklists import api as worklists

TITLE = "Xuefen registry"
DESCRIPTION = "Persons, organizations and clients: who is collected where, and who may train whom."
ROUTERS = (
    people.persons,
    personal_data.router,
    bulk.router,
    people.collections,
    people.changes,
    people.change_steps,
    worklists.router,
    worklists.holds,
    people.own_cases,
    moves.router,
    moves.completing_router,
    organizations.router,
    plans.router,
    plans.document_steps,
    accounts.router,
    accounts.request_steps,
    accounts.oauth_router(),
)

Opener = Callable[[EventStore], AbstractAsyncContextManager[Registry]]


def build_app(verifier: TokenVerifier, opener: Opener, own: FixedKeys | None = None) -> FastAPI:
    """The application over a registry that `opener` opens when it starts and closes when it stops."""
    store = EventStore()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with opener(store) as registry:
            app.state.registry, app.state.parts = registry, registry.parts
            app.state.parts[Budgets].count_in(app.state.metrics.registry)
            app.state.audit = registry.audit
            tasks = [asyncio.create_task(store.notifications.listen(registry.database))]
            if own is not None:
                tasks.append(asyncio.create_task(app.state.parts[TokenIssuer].keep_revoked(own)))
            try:
                yield
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def readiness() -> Mapping[str, object]:
        """The database answers; the log's last position, and how far the other services' facts have come in."""
        registry: Registry = app.state.registry
        await must_answer(registry.databases, leeway_seconds=verifier.leeway)
        async with registry.database.acquire() as conn:
            position = await store.head(conn, LOG)
        return {"position": position, "followed": await registry.followed()}

    feed = feed_router(
        lambda: app.state.registry.databases,
        store,
        lambda: (LOG,),
        published_event,
        SOURCE,
        feed_reader(reads_log, OutsidePlaceError),
    )
    app = create_service(
        TITLE,
        description=DESCRIPTION,
        routers=[
            *ROUTERS,
            audit_router(_logs_of, audits_place, OutsidePlaceError),
            feed,
        ],
        verifier=verifier,
        lifespan=lifespan,
        readiness=readiness,
        claims=claims_known_place,
        deprecations=deprecations_in(DEPRECATIONS).of("registry"),
        open_paths=accounts.OPEN_PATHS | {sandbox.PATH},
        form_paths={accounts.TOKEN_PATH},
        file_paths={personal_data.PATH: personal_data.EVIDENCE_BYTES_MAX, bulk.PATH: bulk.BYTES_MAX},
    )
    return app


def create_app(settings: RegistrySettings | None = None, clock: Clock = utc_now) -> FastAPI:
    """The application of a running deployment, told by its environment unless told here.

    Raises SettingsError when a setting is missing; an unsafe database is refused when the application starts.
    """
    told = settings or RegistrySettings.load()
    told.check_keys()
    own = FixedKeys.of(told.token_key)
    verifier = verifier_of(told, own=own, now=lambda: clock().timestamp())
    app = build_app(verifier, lambda store: open_registry(told, "api", store, clock), own)
    if told.sandbox:
        serve(app, [sandbox.router])
    # Collections hold names and ID numbers, and what is kept of a command must not lead back to them.
    app.state.fingerprint_key = told.fingerprint_key
    app.state.signing_key = told.digest_key_bytes
    return app


def _logs_of(_place: str | None) -> tuple[str]:
    return (LOG,)


def openapi_document() -> dict[str, object]:
    """The OpenAPI document, made without a database."""
    return document_of(build_app(TokenVerifier([]), _never), token_url=accounts.TOKEN_PATH)


def _never(_: EventStore) -> AbstractAsyncContextManager[Registry]:
    raise RuntimeError("an application made for its document alone is never started")
