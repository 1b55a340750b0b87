"""Logs and metrics of a service: JSON lines without personal data, and counters for Prometheus.

An exception is logged by its type and frames; its text is not, since PostgreSQL's messages quote the row.
"""

from __future__ import annotations

import asyncio
import logging
import re
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any, TextIO

import msgspec
import structlog
import uvicorn
from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from services.kit.database import pools_in_use
from services.kit.errors import NotReadyError, Problem, problem_response
from services.kit.http_server import DoorLimits, door_of

REDACTED = "[redacted]"
REQUESTS = "services.kit.http"
"""The logger of the lines of requests."""

_PERSONAL = re.compile(r"(?<![0-9A-Za-z])(?:\d{17}[\dXx]|\d{15}|1[3-9]\d{9})(?![0-9A-Za-z])")
_SECRET_KEYS = frozenset(
    {
        "name", "full_name", "id_number", "phone", "telephone", "address",
        "password", "secret", "client_secret", "token", "access_token", "authorization", "body",
    }
)  # fmt: skip
_DEPTH_MAX = 6


def redact(value: object, depth: int = 0) -> Any:
    """The value with every number that could be somebody's, and every member named like a secret, taken
    out.
    """
    if isinstance(value, str):
        return _PERSONAL.sub(REDACTED, value)
    if isinstance(value, bool) or value is None or isinstance(value, float):
        return value
    if isinstance(value, int):
        return REDACTED if _PERSONAL.fullmatch(str(value)) else value
    if depth >= _DEPTH_MAX:
        return REDACTED
    if isinstance(value, Mapping):
        return {
            key: REDACTED if str(key).lower() in _SECRET_KEYS else redact(member, depth + 1)
            for key, member in value.items()
        }
    if isinstance(value, (list, tuple, set, frozenset)):
        return [redact(member, depth + 1) for member in value]
    return _PERSONAL.sub(REDACTED, str(value))


def _redact_event(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> Mapping[str, object]:
    redacted: Mapping[str, object] = redact(event)
    return redacted


def describe_exception(error: BaseException) -> dict[str, object]:
    """Type, SQLSTATE if any, and frames of an exception, without its text."""
    described: dict[str, object] = {
        "error": f"{type(error).__module__}.{type(error).__qualname__}",
        "frames": [
            f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno} {frame.name}"
            for frame in traceback.extract_tb(error.__traceback__)[-12:]
        ],
    }
    sqlstate = getattr(error, "sqlstate", None)
    if isinstance(sqlstate, str):
        described["sqlstate"] = sqlstate
    cause = error.__cause__ or error.__context__
    if cause is not None:
        described["cause"] = f"{type(cause).__module__}.{type(cause).__qualname__}"
    return described


def _exception_without_text(
    _logger: object, _method: str, event: MutableMapping[str, object]
) -> Mapping[str, object]:
    info = event.pop("exc_info", None)
    error = info[1] if isinstance(info, tuple) else sys.exc_info()[1] if info is True else info
    if isinstance(error, BaseException):
        event.update(describe_exception(error))
    event.pop("stack_info", None)
    return event


class RequestLine(msgspec.Struct, frozen=True, kw_only=True, tag_field="event", tag="request"):
    """The log line of one request, with the members that any line has; `request_id` and `caller` are redacted already."""

    method: str
    route: str
    status: int
    caller: str | None
    milliseconds: float
    request_id: str
    timestamp: datetime
    service: str = ""
    level: str = "info"
    logger: str = REQUESTS


class LogLines(logging.StreamHandler[TextIO]):
    """The stream of all lines. Those of requests are encoded once, and written together when the event loop comes round:
    a request waits for no write. Every other line is written at once, after those that came before it."""

    def __init__(self, service: str, stream: TextIO) -> None:
        super().__init__(stream)
        self._service = service
        self._encode = msgspec.json.Encoder().encode
        self._waiting: list[str] = []

    def request(self, line: RequestLine) -> None:
        """Add the line of a request."""
        self._waiting.append(self._encode(msgspec.structs.replace(line, service=self._service)).decode())
        if len(self._waiting) == 1:
            try:
                asyncio.get_running_loop().call_soon(self.flush)
            except RuntimeError:
                self.flush()

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line of any other kind."""
        self.flush()
        super().emit(record)

    def flush(self) -> None:
        """Write what waits. A stream that is gone takes nothing, and stops nobody."""
        waiting, self._waiting = self._waiting, []
        with suppress(ValueError, OSError):
            if waiting:
                self.stream.write("\n".join(waiting) + "\n")
            super().flush()


def log_request(
    *, method: str, route: str, status: int, caller: str | None, seconds: float, request_id: str
) -> None:
    """Write the line of a request to where `configure_logging` said; nowhere when it was not called."""
    root = logging.getLogger()
    if root.level > logging.INFO:
        return
    line: RequestLine | None = None
    for handler in root.handlers:
        if isinstance(handler, LogLines):
            line = line or RequestLine(
                method=method,
                route=route,
                status=status,
                caller=None if caller is None else _PERSONAL.sub(REDACTED, caller),
                milliseconds=round(seconds * 1000, 1),
                request_id=_PERSONAL.sub(REDACTED, request_id),
                timestamp=datetime.now(UTC),
            )
            handler.request(line)


def configure_logging(service: str, *, level: str = "INFO", stream: TextIO | None = None) -> None:
    """Send structlog's and the standard library's records to one stream as redacted JSON lines."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _exception_without_text,
    ]
    handler = LogLines(service, stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.PositionalArgumentsFormatter(), *shared],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _redact_event,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = name != "uvicorn.access"  # its lines hold raw addresses
    logging.getLogger("httpx").setLevel(logging.WARNING)  # its lines hold raw addresses too
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    structlog.contextvars.bind_contextvars(service=service)


class _PoolCollector(Collector):
    """Connections to PostgreSQL, looked at when somebody asks."""

    def collect(self) -> Iterable[Metric]:
        gauge = GaugeMetricFamily(
            "database_connections", "Connections of this process by schema.", labels=["schema", "state"]
        )
        for schema, counts in pools_in_use().items():
            for state, count in zip(("used", "idle", "most"), counts, strict=True):
                gauge.add_metric([schema, state], count)
        yield gauge


class HttpMetrics:
    """Counters of one application. Services add their own gauges to `registry`."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry or CollectorRegistry()
        self.requests = Counter(
            "http_requests", "Requests answered.", ["method", "route", "status"], registry=self.registry
        )
        self.seconds = Histogram(
            "http_request_duration_seconds",
            "Time from request to end of answer.",
            ["method", "route"],
            registry=self.registry,
            buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0),
        )
        ProcessCollector(registry=self.registry)
        self.registry.register(_PoolCollector())
        self._labelled: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answer under its route's template, never under the raw address."""
        labelled = self._labelled.get((method, route, status))
        if labelled is None:
            labelled = self.requests.labels(method, route, str(status)), self.seconds.labels(method, route)
            self._labelled[method, route, status] = labelled
        labelled[0].inc()
        labelled[1].observe(seconds)

    def exposition(self) -> tuple[bytes, str]:
        """The text Prometheus reads, and its content type."""
        return generate_latest(self.registry), CONTENT_TYPE_PLAIN_0_0_4


_log = structlog.stdlib.get_logger("services.kit.observability")

READINESS_SECONDS = 5.0
"""Who cannot say by then that it is ready, is not."""
FRESH_SECONDS = 5.0
"""Metrics are rendered no more often, however many ask."""


def operations_app(service: Starlette, now: Callable[[], float] = time.monotonic) -> ASGIApp:
    """`/metrics` and `/readyz` of a service's application, and its own `/healthz`.

    Metrics are rendered in a thread and given again for `FRESH_SECONDS`, so that a scrape costs the service's loop
    next to nothing. Before a service has been ready once, that it is not is one line of its log.
    """
    rendered: tuple[float, bytes, str] | None = None
    rendering = asyncio.Lock()
    known: set[str] = set()

    async def metrics(_: Request) -> Response:
        nonlocal rendered
        async with rendering:
            if rendered is None or now() - rendered[0] >= FRESH_SECONDS:
                rendered = (now(), *await asyncio.to_thread(service.state.metrics.exposition))
        return Response(rendered[1], media_type=rendered[2])

    async def readyz(request: Request) -> Response:
        """The service can serve: 200 with details, or 503."""
        try:
            async with asyncio.timeout(READINESS_SECONDS):
                details = await service.state.readiness()
        except Problem as problem:
            return problem_response(problem, request.scope)
        except Exception as error:
            if "ready" in known:
                _log.warning("not ready", **describe_exception(error))
            elif "asked" not in known:
                known.add("asked")
                _log.info("starting")
            return problem_response(NotReadyError(), request.scope)
        known.add("ready")
        return JSONResponse({"status": "ready", **details})

    return Starlette(
        routes=[Route("/metrics", metrics), Route("/readyz", readyz), Route("/healthz", service)]
    )


class OperationsServer(uvicorn.Server):
    """The server of the operator's port; it lives and stops with the service's own."""

    def __init__(self, app: ASGIApp, *, host: str, port: int) -> None:
        door = door_of(DoorLimits(connections=50, connections_of_peer=50))
        config = uvicorn.Config(
            app, host=host, port=port, http=door.protocol(), ws="none", lifespan="off", log_config=None,
            access_log=False, server_header=False, timeout_graceful_shutdown=1,
        )  # fmt: skip
        super().__init__(config)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """None: whoever starts it listens to signals."""
        yield
