"""The ledger's API as an application."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from fastapi import FastAPI

from contracts import DEPRECATIONS
from contracts.divisions import AUTHORITIES, NATION, audits_place, authority_of, claims_known_place, reads_log
from services.kit.app import create_service, must_answer
from services.kit.app import openapi_document as document_of
from services.kit.audit_routes import audit_router
from services.kit.auth import TokenVerifier, verifier_of
from services.kit.deprecations import deprecations_in
from services.kit.errors import NotReadyError
from services.kit.event_store import EventStore
from services.kit.feed import feed_reader, feed_router
from services.kit.parts import parts_of
from services.ledger.answers import api as answers_api
from services.ledger.answers import api_attestations as attestations_api
from services.ledger.answers import api_credit_list as listing_api
from services.ledger.answers import api_policies as policies_api
from services.ledger.answers import api_transcripts
from services.ledger.cases import api_claims as claims_api
from services.ledger.cases import api_collective as collective_api
from services.ledger.cases import api_filings, api_rosters
from services.ledger.cases import api_registrations as registrations_api
from services.ledger.composition import Ledger, open_ledger
from services.ledger.counting import api as statistics_api
from services.ledger.counting import api_archive, api_trials
from services.ledger.counting.lag import LagMetrics, behind_by_projection
from services.ledger.counting.rebuild import LAGGING
from services.ledger.intake import api as intake_api
from services.ledger.intake import api_feed, api_records, api_statements
from services.ledger.moving import api as moving_api
from services.ledger.officials import api_anomalies as anomalies_api
from services.ledger.officials import api_closing, api_policies
from services.ledger.officials import api_recognition as recognitions_api
from services.ledger.officials import api_relief as reliefs_api
from services.ledger.officials import api_revocation as revocations_api
from services.ledger.settings import LedgerSettings
from services.ledger.streams.problems import OutsidePlaceError
from services.ledger.streams.publishing import SOURCE, publish

TITLE = "Xuefen ledger"
DESCRIPTION = "Credits, policies, and the answer to whether a person's year is met, with reasons."
RAW_JSON_PATHS = (
    "/v1/completions",
    "/v1/enrolments",
    "/v1/exam-passes",
    api_statements.STATEMENTS_PATH,
    api_statements.EVENTS_PATH,
)

NOTICES_SECONDS_MAX = 60.0
"""A process that has not seen new notices for longer judges by old ones: it is not ready."""

ROUTES = (
    intake_api,
    api_statements,
    api_records,
    api_feed,
    answers_api,
    api_transcripts,
    statistics_api,
    api_policies,
    policies_api,
    claims_api,
    collective_api,
    api_filings,
    api_rosters,
    attestations_api,
    registrations_api,
    listing_api,
    reliefs_api,
    anomalies_api,
    recognitions_api,
    revocations_api,
    moving_api,
    api_closing,
    api_archive,
    api_trials,
)
"""The rooms of routes, in the order of the document."""

Opener = Callable[[EventStore], AbstractAsyncContextManager[Ledger]]


def build_app(verifier: TokenVerifier, opener: Opener) -> FastAPI:
    """The application over a ledger that `opener` opens when it starts and closes when it stops."""
    store = EventStore()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with opener(store) as ledger:
            app.state.ledger = ledger
            app.state.parts = parts_of(ledger)
            ledger.budgets.count_in(app.state.metrics.registry)
            app.state.audit = ledger.audit
            app.state.clock = ledger.clock
            app.state.fingerprint_key = ledger.fingerprint_key
            app.state.signing_key = ledger.signing_key
            app.state.quotas = ledger.quotas
            tasks = [asyncio.create_task(ledger.policies.keep_fresh())]
            tasks += [
                asyncio.create_task(store.notifications.listen(each)) for each in ledger.databases.all()
            ]
            metrics = LagMetrics(app.state.metrics.registry, LAGGING)
            tasks.append(asyncio.create_task(metrics.keep_fresh(ledger.databases, ledger.clock)))
            try:
                yield
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def readiness() -> Mapping[str, object]:
        """Every database answers, the notices are fresh; how far other services' facts have come in, and how many events
        each read model of the worker is behind."""
        ledger: Ledger = app.state.ledger
        if ledger.policies.age_seconds > NOTICES_SECONDS_MAX:
            raise NotReadyError("政策未能及时更新", "Published notices could not be read for too long")
        await must_answer(ledger.databases, leeway_seconds=verifier.leeway)
        followed = {source: await ledger.reactions.position(source) for source in ("registry", "transfer")}
        behind = await behind_by_projection(ledger.databases, LAGGING)
        return {"notices": len(list(ledger.policies.book)), "followed": followed, "behind": behind}

    feed = feed_router(
        lambda: app.state.ledger.databases,
        store,
        lambda: AUTHORITIES,
        publish,
        SOURCE,
        feed_reader(reads_log, OutsidePlaceError),
    )
    audit = audit_router(_logs_of, audits_place, OutsidePlaceError)
    app = create_service(
        TITLE,
        description=DESCRIPTION,
        routers=[*(room.router for room in ROUTES), claims_api.conversions, audit, feed],
        verifier=verifier,
        lifespan=lifespan,
        readiness=readiness,
        claims=claims_known_place,
        deprecations=deprecations_in(DEPRECATIONS).of("ledger"),
        open_paths=attestations_api.OPEN_PATHS,
        raw_json_paths=RAW_JSON_PATHS,
        file_paths=api_rosters.FILE_PATHS | intake_api.FILE_PATHS,
        hot=(*answers_api.HOT, *intake_api.HOT),
    )
    return app


def _logs_of(place: str | None) -> Sequence[str]:
    return AUTHORITIES if place in (None, NATION) else (authority_of(str(place)),)


def create_app() -> FastAPI:
    """The application of a running deployment, told by its environment."""
    settings = LedgerSettings.load()
    return build_app(verifier_of(settings), lambda store: open_ledger(settings, "api", store))


def openapi_document() -> dict[str, object]:
    """The OpenAPI document, made without a database."""
    return document_of(build_app(TokenVerifier([]), _never))


def _never(_store: EventStore) -> AbstractAsyncContextManager[Ledger]:
    raise RuntimeError("an application made for its document alone is never started")
