"""The HTTP client of every service, for other services, issuers, peers and systems outside: each request ends in time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import structlog

_HANDED_ON = {"request_id": "X-Request-Id", "traceparent": "traceparent"}
"""What is known of the request that is being answered, and the header under which the next service is told."""


class PatientClient(httpx.AsyncClient):
    """An HTTP client of which no request lasts longer than connecting and reading may last together.

    httpx counts the seconds between two pieces of an answer; a side that sends a byte now and then would be waited for
    without end. What is too late is an `httpx.ReadTimeout`.
    """

    async def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        """Send a request and read the answer, in time; it carries the id and the trace of the request that it is for."""
        known = structlog.contextvars.get_contextvars()
        for name, header in _HANDED_ON.items():
            if name in known:
                request.headers.setdefault(header, known[name])
        limits = request.extensions.get("timeout", {})
        told = [limits.get(name) for name in ("connect", "read")]
        seconds = sum(each for each in told if each is not None) or None
        try:
            async with asyncio.timeout(seconds):
                response = await super().send(request, **options)
        except TimeoutError:
            raise httpx.ReadTimeout("no answer in time", request=request) from None
        if response.is_closed:
            # The stream that was read holds its response, and the response the stream: left to the collector of garbage,
            # which counts objects and not bytes, a worker would keep thousands of pages of a feed.
            response.stream = httpx.ByteStream(b"")
        return response


@asynccontextmanager
async def open_client(
    address: str = "",
    *,
    auth: httpx.Auth | None = None,
    connect: float = 3.0,
    answer: float = 5.0,
    connections: int = 100,
) -> AsyncIterator[PatientClient]:
    """A client of another system, closed at the end; called directly, never through a proxy of the environment."""
    async with PatientClient(
        base_url=address,
        auth=auth,
        timeout=httpx.Timeout(answer, connect=min(connect, answer)),
        limits=httpx.Limits(max_connections=connections, max_keepalive_connections=20),
        trust_env=False,
    ) as client:
        yield client
