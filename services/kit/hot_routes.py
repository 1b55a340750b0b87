"""Hot routes: requests that come so often that they are answered ahead of the framework, in the form in which nearly all of
them come: nothing beside the address and the body, and nothing to refuse.

They stand behind the same authentication and the same look at bodies, and leave the same record, log line and count, as the
route of the framework that is in the document. Whatever is not plain goes on to that route: a misspelt parameter, a scope
that is missing, a signature, what is not there. So there is one place that refuses, and the two never answer differently.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from msgspec import Struct
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from services.kit.audit import Audit, Reading
from services.kit.auth import Caller
from services.kit.idempotency import HEADER as KEY_HEADER
from services.kit.personal_numbers import holds_personal_number

T = TypeVar("T")
Answer = Callable[[Request, Caller, Reading, Sequence[str]], Awaitable[bytes | None]]
"""Gives the body of the answer, and says of the reading whose data it is; None when the framework's route shall answer,
which is for who has neither read the body nor stored anything. Gets the parameters as the pattern has them."""

_UNUSUAL = frozenset({KEY_HEADER.lower().encode(), b"signature", b"signature-input", b"content-digest"})
_BODY = frozenset({b"content-length", b"transfer-encoding"})


class HotRoute(Struct, frozen=True, kw_only=True):
    """A route of the framework, `method` and `path`, whose plain requests are answered by `answer`.

    `pattern` matches addresses of which every parameter is of the right form. `scopes` and `reads` are the route's own.
    """

    method: str = "GET"
    path: str
    pattern: re.Pattern[str]
    scopes: frozenset[str]
    reads: str | None = None
    answer: Answer


def part_of(request: Request, kind: type[T]) -> T:
    """The one part of this type of the application."""
    found: T = request.app.state.parts[kind]
    return found


class HotRoutes:
    """In front of the framework, behind the authentication: `app` is what serves all other requests."""

    def __init__(self, app: ASGIApp, routes: Sequence[HotRoute]) -> None:
        self._app = app
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a plain request of a hot route, or hand the request on."""
        body = await self._body(scope, receive) if scope["type"] == "http" else None
        if body is None:
            await self._app(scope, receive, send)
            return
        headers = [(b"content-length", str(len(body)).encode()), (b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _body(self, scope: Scope, receive: Receive) -> bytes | None:
        if scope.get("query_string"):
            return None
        for route in self._routes:
            found = route.pattern.fullmatch(scope["path"]) if route.method == scope["method"] else None
            if found is not None and _is_plain(scope, route, found.groups()):
                return await self._of(route, found.groups(), Request(scope, receive))
        return None

    async def _of(self, route: HotRoute, values: Sequence[str], request: Request) -> bytes | None:
        scope = request.scope
        caller: Caller = scope["state"]["caller"]
        reading = Reading(caller, route.reads or "", values[0] if values else None)
        scope["route"] = route
        body = await route.answer(request, caller, reading, values)
        if body is None:
            del scope["route"]
        elif route.reads is not None:
            audit: Audit = scope["app"].state.audit
            await audit.write(reading)
        return body


def _is_plain(scope: Scope, route: HotRoute, values: Sequence[str]) -> bool:
    caller: Caller | None = scope["state"].get("caller")
    if caller is None or caller.scopes.isdisjoint(route.scopes) or caller.signing is not None:
        return False
    unusual = _UNUSUAL | _BODY if route.method == "GET" else _UNUSUAL
    return not any(name in unusual for name, _ in scope["headers"]) and not any(
        map(holds_personal_number, values)
    )
