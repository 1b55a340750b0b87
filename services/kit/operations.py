"""Operations of one process, on a port of their own that only operators reach: health, readiness and metrics."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog
import uvicorn
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from services.kit.errors import NotReadyError, Problem, problem_response
from services.kit.http_server import DoorLimits, door_of
from services.kit.observability import describe_exception

_log = structlog.stdlib.get_logger("services.kit.operations")

FRESH_SECONDS = 5.0
"""Metrics are rendered no more often, however many ask."""


def operations_app(service: FastAPI, now: Callable[[], float] = time.monotonic) -> ASGIApp:
    """`/metrics` and `/readyz` of a service's application, and its own `/healthz`.

    Metrics are rendered in a thread and given again for `FRESH_SECONDS`, so that a scrape costs the service's loop
    next to nothing.
    """
    rendered: tuple[float, bytes, str] | None = None
    rendering = asyncio.Lock()

    async def metrics(_: Request) -> Response:
        nonlocal rendered
        async with rendering:
            if rendered is None or now() - rendered[0] >= FRESH_SECONDS:
                rendered = (now(), *await asyncio.to_thread(service.state.metrics.exposition))
        return Response(rendered[1], media_type=rendered[2])

    async def readyz(request: Request) -> Response:
        """The service can serve: 200 with details, or 503."""
        try:
            details = await service.state.readiness()
        except Problem as problem:
            return problem_response(problem, request.scope)
        except Exception as error:
            _log.warning("not ready", **describe_exception(error))
            return problem_response(NotReadyError(), request.scope)
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
