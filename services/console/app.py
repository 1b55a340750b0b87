"""The console as an application: its pages, its static files, and the pages that say why something is not shown."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import structlog
from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import FileResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from services.console.composition import open_console
from services.console.documents import NoChineseFontError
from services.console.pages import HEADERS, STATIC, version_of_static
from services.console.screens.table import SCREENS
from services.console.services_client import RefusedError, UnreachableError
from services.console.settings import ConsoleSettings
from services.console.signing_in import router as signing_in
from services.console.web import (
    ForgedFormError,
    FormTooLargeError,
    Parts,
    SignInNeededError,
    Somebody,
    UploadTooLargeError,
    Visit,
    go,
    parts_of,
)
from services.kit.failures import problem_of_failure
from services.kit.http_guard import BodyBudget, DeadlineMiddleware, RequestMiddleware
from services.kit.observability import HttpMetrics, describe_exception
from services.kit.routers import serve
from services.kit.waits import ANSWER_SECONDS

Opener = Callable[[], AbstractAsyncContextManager[Parts]]
Refusal = Callable[[Visit, Exception], Response]

_log = structlog.stdlib.get_logger("services.console")
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_UNAVAILABLE, _AGAIN_SECONDS = 503, "5"
_FOR_EVER = "public, max-age=31536000, immutable"

home = APIRouter()


@home.get("/")
async def first_page(visit: Somebody) -> Response:
    """The only screen somebody has, or the screens to choose from."""
    named = [each for each in SCREENS if each.named_for(visit.person)]
    return go(named[0].path) if len(named) == 1 else visit.page("home.html")


def build_app(opener: Opener) -> FastAPI:
    """The application over parts that `opener` opens when it starts and closes when it stops."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with opener() as parts:
            app.state.console = parts
            yield

    metrics = HttpMetrics(None)
    app = FastAPI(
        title="Xuefen console",
        lifespan=lifespan,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        middleware=[
            Middleware(RequestMiddleware, metrics=metrics),
            Middleware(_FailurePage),
            Middleware(DeadlineMiddleware),
        ],
    )
    app.state.metrics = metrics
    app.state.bodies = BodyBudget()
    app.state.stopping = False
    app.state.answer_seconds = ANSWER_SECONDS

    async def readiness() -> Mapping[str, object]:
        """The sessions can be read."""
        await app.state.console.sessions.find("ready")
        return {}

    app.state.readiness = readiness
    serve(app, (_operations(), home, signing_in, *(screen.router for screen in SCREENS)))
    _install_refusals(app)
    return app


def create_app() -> FastAPI:
    """The application of a running deployment, told by its environment."""
    settings = ConsoleSettings.load()
    _ = settings.sign_in_issuers
    return build_app(lambda: open_console(settings, SCREENS))


def _operations() -> APIRouter:
    router = APIRouter()
    version = version_of_static()
    files = {path.name: path for path in STATIC.iterdir()}

    @router.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @router.get("/static/{named}/{name}")
    async def static(named: str, name: str) -> Response:
        """A file of ours, kept by browsers for ever under the address of its version."""
        path = files.get(name)
        if path is None:
            raise HTTPException(404)
        kept = _FOR_EVER if named == version else "no-store"
        headers = {**HEADERS, "Cache-Control": kept}
        return FileResponse(path, media_type=_TYPES[path.suffix], headers=headers)

    return router


def _install_refusals(app: FastAPI) -> None:
    pages: Mapping[type[Exception], Refusal] = {
        SignInNeededError: _sign_in,
        ForgedFormError: lambda visit, _: _problem(visit, 403, "forged"),
        RefusedError: _refused,
        NoChineseFontError: lambda visit, _: _problem(visit, 503, "no_font"),
        FormTooLargeError: lambda visit, _: _problem(visit, 413, "form_too_large"),
        UploadTooLargeError: lambda visit, _: _problem(visit, 413, "too_large"),
        UnreachableError: lambda visit, _: _problem(visit, 503, "unreachable"),
        RequestValidationError: lambda visit, _: _problem(visit, 404, "missing"),
        HTTPException: lambda visit, _: _problem(visit, 404, "missing"),
    }
    for kind, answer in pages.items():
        app.add_exception_handler(kind, _answering(answer))


def _answering(answer: Refusal) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def handle(request: Request, error: Exception) -> Response:
        parts = parts_of(request)
        session = await parts.sessions.find(request.cookies.get(parts.cookie_name))
        return answer(Visit(request, parts, session), error)

    return handle


def _sign_in(visit: Visit, _: Exception) -> Response:
    return go(f"/sign-in?{visit.following}")


def _refused(visit: Visit, error: Exception) -> Response:
    assert isinstance(error, RefusedError)
    if error.status == 401:
        return _sign_in(visit, error)
    if error.status == 403:
        told = () if error.code == "insufficient-scope" else (error.title, error.detail)
        return _problem(visit, 403, "forbidden", *told)
    if error.status == 404:
        return _problem(visit, 404, "missing")
    fields = [detail for _, detail in error.fields]
    return _problem(visit, error.status, "refused", error.title, error.detail, *fields)


class _FailurePage:
    """Answers what nobody foresaw with a page, as everything else is answered."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        except Exception as error:
            _log.error("page failed", **describe_exception(error))
            request = Request(scope, receive)
            if scope["type"] != "http" or not hasattr(request.app.state, "console"):
                raise
            visit = Visit(request, parts_of(request), None)
            passing = problem_of_failure(error).status == _UNAVAILABLE
            page = _problem(visit, *((_UNAVAILABLE, "unreachable") if passing else (500, "failed")))
            await page(scope, receive, send)


def _problem(visit: Visit, status: int, kind: str, *told: str) -> Response:
    lines = [line for line in dict.fromkeys(told) if line] or [visit.words(f"problem.{kind}_why")]
    page = visit.parts.pages.render(
        "problem.html",
        language=visit.language,
        path=visit.request.url.path,
        session=visit.session,
        status=status,
        heading=visit.words(f"problem.{kind}"),
        lines=lines,
        here=visit.here if visit.request.method == "GET" else "/",
        now=visit.parts.clock(),
    )
    if status == _UNAVAILABLE:
        page.headers["Retry-After"] = _AGAIN_SECONDS
    return page
