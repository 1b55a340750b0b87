"""The application of a service: FastAPI behind plain-ASGI middleware, with health; readiness and metrics are at an
operator's port of their own (`observability.py`).

Nothing is open but health and the paths a service names; no page of documentation is served, the OpenAPI
document is exported instead (`openapi_document`).
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from prometheus_client import CollectorRegistry
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import ASGIApp, Receive, Scope, Send

from services.kit.audit import record_refused_body
from services.kit.auth import AuthenticationMiddleware, Caller, TokenVerifier
from services.kit.clock import Clock, utc_now
from services.kit.database import Databases
from services.kit.deprecations import Deprecation, DeprecationMiddleware, mark
from services.kit.errors import (
    BodyTooLargeError,
    FieldError,
    HttpError,
    InvalidRequestError,
    MalformedBodyError,
    MethodNotAllowedError,
    NoSuchRouteError,
    NotReadyError,
    Problem,
    problem_response,
)
from services.kit.failures import problem_of_failure
from services.kit.field_errors import FAULTS_MAX, field_errors
from services.kit.hot_routes import HotRoute, HotRoutes
from services.kit.http_guard import (
    BODY_SIZE_MAX,
    BodyBudget,
    BodyGuardMiddleware,
    DeadlineMiddleware,
    RequestMiddleware,
)
from services.kit.observability import HttpMetrics
from services.kit.openapi import TOKEN_URL, describe
from services.kit.quotas import QuotaMiddleware
from services.kit.routers import Router, serve
from services.kit.sandbox import ClockMiddleware, MarkMiddleware
from services.kit.waits import ANSWER_SECONDS

Readiness = Callable[[], Awaitable[Mapping[str, Any]]]
Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[Any]]

OPEN_PATHS = frozenset({"/healthz"})

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
_log = structlog.stdlib.get_logger("services.kit.app")


def stop_waiting(app: FastAPI) -> None:
    """Let requests that wait for news be answered now, without any: the process has been told to stop."""
    app.state.stopping = True


async def must_answer(databases: Databases, *, now: Clock = utc_now, leeway_seconds: float) -> None:
    """Ask every database for the time. Raises NotReadyError where it is not ours: tokens and deadlines would be judged by a
    wrong clock, and nobody would know by whose.
    """
    for database in databases.all():
        async with database.acquire() as conn:
            theirs = await conn.fetchval("select clock_timestamp()")
        apart = abs((theirs - now()).total_seconds())
        if apart > leeway_seconds:
            raise NotReadyError(
                f"本机时钟与数据库时钟相差 {apart:.0f} 秒",
                f"The clock of this machine and that of the database are {apart:.0f} seconds apart",
            )


async def always_ready() -> Mapping[str, Any]:
    """Readiness of an application that depends on nothing."""
    return {}


@asynccontextmanager
async def _no_lifespan(_app: FastAPI) -> AsyncIterator[None]:
    yield


class Service(FastAPI):
    """FastAPI behind what every request passes: its number, log line and count, who asks, a look at its body,
    the time for its answer, and the hot routes.

    These stand outside the framework, whose own layers a hot request would pass for nothing.
    """

    def __init__(
        self,
        *,
        http_metrics: HttpMetrics,
        verifier: TokenVerifier,
        open_paths: frozenset[str],
        claims: Callable[[Caller], bool],
        guard: Callable[[ASGIApp], ASGIApp],
        hot: Sequence[HotRoute],
        deprecations: Sequence[Deprecation],
        **options: Any,
    ) -> None:
        super().__init__(
            openapi_url=None,
            docs_url=None,
            redoc_url=None,
            redirect_slashes=False,
            **options,
        )
        inner: ASGIApp = HotRoutes(super().__call__, hot) if hot else super().__call__
        inner = QuotaMiddleware(guard(DeadlineMiddleware(inner)))

        def guarded(app: ASGIApp) -> ASGIApp:
            known: ASGIApp = AuthenticationMiddleware(
                app, verifier=verifier, open_paths=open_paths, claims=claims
            )
            known = DeprecationMiddleware(known, deprecations) if deprecations else known
            return RequestMiddleware(known, metrics=http_metrics)

        self._outermost: ASGIApp = guarded(inner)
        self._marked = MarkMiddleware(guarded(ClockMiddleware(inner, open_paths=open_paths)))

    def become_sandbox(self) -> None:
        """Mark every answer and let callers move the clock: for a deployment of fictitious people alone."""
        self._outermost = self._marked

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or the start and the end of the process."""
        if scope["type"] == "http":
            scope["app"] = self
            await self._outermost(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def create_service(
    title: str,
    *,
    routers: Sequence[Router],
    verifier: TokenVerifier,
    lifespan: Lifespan = _no_lifespan,
    readiness: Readiness = always_ready,
    version: str = "0.1.0",
    description: str = "",
    open_paths: Iterable[str] = (),
    form_paths: Iterable[str] = (),
    raw_json_paths: Iterable[str] = (),
    file_paths: Mapping[str, int] | None = None,
    body_size_max: int = BODY_SIZE_MAX,
    metrics: CollectorRegistry | None = None,
    claims: Callable[[Caller], bool] = lambda _: True,
    hot: Sequence[HotRoute] = (),
    deprecations: Sequence[Deprecation] = (),
) -> FastAPI:
    """The application of one service.

    `readiness` returns details when the service can serve, and raises NotReadyError (or anything) when it
    cannot. `open_paths` need no token. `form_paths` take a form instead of JSON. `raw_json_paths` decode
    their bodies with `records.decode_batch`, which makes the strict JSON checks itself, record by record.
    `file_paths` take a body of any type, each up to its own number of bytes; their routes look at what it is.
    A segment of such a path may be `{any}`. `claims` says whether what a good token claims can be: a place that
    there is, say; a token of which it cannot is no token. `hot` are routes whose plain requests are answered ahead of
    the framework; they stand among `routers` all the same. Answers of `deprecations` say until when there are any.
    """
    http_metrics, bodies = HttpMetrics(metrics), BodyBudget()
    everybody = OPEN_PATHS | frozenset(open_paths)
    app = Service(
        http_metrics=http_metrics,
        verifier=verifier,
        open_paths=everybody,
        claims=claims,
        hot=hot,
        deprecations=deprecations,
        title=title,
        version=version,
        description=description,
        lifespan=lifespan,
        guard=partial(
            BodyGuardMiddleware,
            body_size_max=body_size_max,
            form_paths=frozenset(form_paths),
            raw_json_paths=frozenset(raw_json_paths),
            file_paths=file_paths,
            budget=bodies,
            refused=record_refused_body,
        ),
    )
    app.state.metrics = http_metrics

    async def ready() -> Mapping[str, Any]:
        await verifier.must_have_keys()
        return await readiness()

    app.state.readiness = ready
    app.state.deprecations = deprecations
    app.state.bodies = bodies
    app.state.stopping = False
    app.state.answer_seconds = ANSWER_SECONDS
    install_error_handlers(app)
    serve(app, [_health(), *routers])
    return app


def _health() -> Router:
    router = Router(include_in_schema=False)

    @router.get("/healthz")
    async def healthz() -> dict[str, str]:
        """The process answers; says nothing about what it depends on."""
        return {"status": "ok"}

    return router


def install_error_handlers(app: FastAPI) -> None:
    """Answer every refusal of routes, validation and routing as problem details."""
    app.add_exception_handler(Problem, _on_problem)
    app.add_exception_handler(RequestValidationError, _on_invalid_request)
    app.add_exception_handler(HTTPException, _on_http_error)
    # The framework answers first and raises it on, to `RequestMiddleware`, which writes it down.
    app.add_exception_handler(Exception, _on_failure)


async def _on_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return problem_response(error, request.scope)


async def _on_failure(request: Request, error: Exception) -> Response:
    problem = error if isinstance(error, Problem) else problem_of_failure(error)
    return problem_response(problem, request.scope)


async def _on_invalid_request(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    errors = error.errors()
    if any(item["type"] == "json_invalid" for item in errors):
        return problem_response(MalformedBodyError(), request.scope)
    found: list[FieldError] = field_errors(errors[:FAULTS_MAX])
    return problem_response(InvalidRequestError(found), request.scope)


async def _on_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    problem = _http_problem(error.status_code)
    if isinstance(problem, MethodNotAllowedError):
        problem.headers = {"Allow": ", ".join(_allowed_methods(request.app, request.scope))}
    return problem_response(problem, request.scope)


def _http_problem(status: int) -> Problem:
    known: dict[int, type[Problem]] = {
        400: MalformedBodyError,
        404: NoSuchRouteError,
        405: MethodNotAllowedError,
        413: BodyTooLargeError,
    }
    return known.get(status, HttpError)()


def _allowed_methods(app: FastAPI, scope: Scope) -> list[str]:
    allowed = []
    for method in _METHODS:
        probe = {**scope, "method": "GET" if method == "HEAD" else method}
        if any(route.matches(probe)[0] is Match.FULL for route in app.router.routes):
            allowed.append(method)
    return allowed


def openapi_document(app: FastAPI, *, token_url: str | None = TOKEN_URL) -> dict[str, Any]:
    """The OpenAPI 3.1 document of a service, for `contracts/`: our problem answers, our patterns, no 422 of
    FastAPI's.
    """
    document = describe(app, token_url=token_url)
    mark(document, app.state.deprecations)
    return document
