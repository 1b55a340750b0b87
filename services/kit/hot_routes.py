"""Hot routes: GETs that are asked so often that they are answered ahead of the framework, in the form in which nearly all
of them come: no query, no body, nothing to refuse.

They stand behind the same authentication, and leave the same record, log line and count, as the route of the framework
that is in the document. Whatever is not plain goes on to that route: a misspelt parameter, a scope that is missing, what
is not there. So there is one place that refuses, and the two never answer differently.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence

from msgspec import Struct
from starlette.types import ASGIApp, Receive, Scope, Send

from services.kit.audit import Audit, Reading
from services.kit.auth import Caller
from services.kit.idempotency import HEADER as KEY_HEADER
from services.kit.personal_numbers import holds_personal_number
from services.kit.waits import deadline

Parts = Mapping[type[object], object]
Answer = Callable[[Parts, Caller, Reading, Sequence[str]], Awaitable[bytes | None]]
"""Gives the body of the answer, and says of the reading whose data it is; None when the framework's route shall answer.

It gets the parts of the application, and the parameters of the address as the pattern found them."""

_UNUSUAL = frozenset({b"content-length", b"transfer-encoding", KEY_HEADER.lower().encode()})


class HotRoute(Struct, frozen=True):
    """A route of the framework, `path`, whose plain requests are answered by `answer`.

    `pattern` matches addresses of which every parameter is of the right form. `scopes` and `reads` are the route's own.
    """

    path: str
    pattern: re.Pattern[str]
    scopes: frozenset[str]
    reads: str
    answer: Answer


class HotRoutes:
    """In front of the framework, behind the authentication: `app` is what serves all other requests."""

    def __init__(self, app: ASGIApp, routes: Sequence[HotRoute]) -> None:
        self._app = app
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a plain request of a hot route, or hand the request on."""
        body = await self._body(scope)
        if body is None:
            await self._app(scope, receive, send)
            return
        headers = [(b"content-length", str(len(body)).encode()), (b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _body(self, scope: Scope) -> bytes | None:
        if scope["method"] != "GET" or scope.get("query_string"):
            return None
        for route in self._routes:
            found = route.pattern.fullmatch(scope["path"])
            if found is not None:
                return await self._of(route, found.groups(), scope)
        return None

    async def _of(self, route: HotRoute, values: Sequence[str], scope: Scope) -> bytes | None:
        caller: Caller | None = scope["state"].get("caller")
        if caller is None or caller.scopes.isdisjoint(route.scopes):
            return None
        if any(name in _UNUSUAL for name, _ in scope["headers"]) or any(map(holds_personal_number, values)):
            return None
        state = scope["app"].state
        audit: Audit = state.audit
        reading = Reading(caller, route.reads, values[0])
        async with deadline(state.answer_seconds):
            body = await route.answer(state.parts, caller, reading, values)
            if body is not None:
                scope["route"] = route
                await audit.write(reading)
        return body
