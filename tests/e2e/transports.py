"""Ways in which a feed may come that no service of this release sends: in single events, from a newer release, from
another deployment."""

import json
from collections.abc import Callable

import httpx
from fastapi import FastAPI

from services.kit.feed import HEAD, NEXT_AFTER

Change = Callable[[httpx.Response], httpx.Response]


class OneAtATime(httpx.AsyncBaseTransport):
    """Asks for one event, whatever the follower asks for."""

    def __init__(self, app: FastAPI) -> None:
        self._inner = httpx.ASGITransport(app)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        request.url = request.url.copy_set_param("limit", "1")
        return await self._inner.handle_async_request(request)


class Changed(httpx.AsyncBaseTransport):
    """Changes every answer on its way."""

    def __init__(self, app: FastAPI, change: Change) -> None:
        self._inner = httpx.ASGITransport(app)
        self._change = change

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self._inner.handle_async_request(request)
        await response.aread()
        return self._change(response)


def of_a_newer_release(response: httpx.Response) -> httpx.Response:
    """The last event of the batch is of a type that came after this release."""
    events = json.loads(response.content)
    if events:
        events[-1]["type"] = "cn.xuefen.registry.person.adopted.v1"
    return httpx.Response(response.status_code, headers=_without_length(response), json=events)


def of_another_deployment(response: httpx.Response) -> httpx.Response:
    """The log is a hundred events longer, none of them published."""
    headers = _without_length(response)
    for name in (NEXT_AFTER, HEAD):
        headers[name] = str(int(headers[name]) + 100)
    return httpx.Response(response.status_code, headers=headers, content=response.content)


def _without_length(response: httpx.Response) -> httpx.Headers:
    headers = httpx.Headers(response.headers)
    headers.pop("content-length", None)
    return headers
