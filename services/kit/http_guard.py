"""The outer layers of every service, as plain ASGI: one around a request, one in front of its body.

Starlette's BaseHTTPMiddleware would cancel the inner task when a client goes away, in the middle of a
transaction.
"""

from __future__ import annotations

import asyncio
import re
import time
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.kit.errors import (
    BodyTooLargeError,
    BusyError,
    InternalError,
    MalformedAddressError,
    Problem,
    UnsupportedMediaTypeError,
    problem_response,
)
from services.kit.failures import problem_of_failure
from services.kit.json_guard import check_json, check_text
from services.kit.observability import REQUESTS, HttpMetrics, describe_exception, log_request
from services.kit.personal_numbers import holds_personal_number
from services.kit.waits import deadline

BODY_SIZE_MAX = 8 * 1024 * 1024
FORM_SIZE_MAX = 16 * 1024
BODIES_BYTES_MAX = 128 * 1024 * 1024
"""Of all bodies that a process holds at once, unless its settings say otherwise."""

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}", re.ASCII)
_TRACE = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}", re.ASCII)
"""`traceparent` of W3C Trace Context, version 00."""
_JSON_TYPE = re.compile(r"application/(?:[a-z0-9.+-]+\+)?json", re.ASCII)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_ASIDE_BYTES = 65_536
_QUIET = frozenset({"/healthz"})
_log = structlog.stdlib.get_logger(REQUESTS)


class RequestMiddleware:
    """Around everything: request id, log line, metrics, and the last word on exceptions."""

    def __init__(self, app: ASGIApp, *, metrics: HttpMetrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; whatever is raised inside is answered, never raised on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        exchange = _Exchange(scope, send)
        with structlog.contextvars.bound_contextvars(**exchange.traced):
            try:
                await self._serve(exchange, receive)
            finally:
                self._report(exchange)

    async def _serve(self, exchange: _Exchange, receive: Receive) -> None:
        try:
            _check_address(exchange.scope)
            await self.app(exchange.scope, receive, exchange.send)
        except Exception as error:
            problem = error if isinstance(error, Problem) else problem_of_failure(error)
            if not isinstance(error, Problem):
                level = _log.error if isinstance(problem, InternalError) else _log.warning
                level("request failed", **describe_exception(error))
            if exchange.status is None:
                await problem_response(problem, exchange.scope)(exchange.scope, receive, exchange.send)

    def _report(self, exchange: _Exchange) -> None:
        seconds = time.perf_counter() - exchange.started
        route = exchange.route
        status = exchange.status or 499  # the client left before an answer began
        method = exchange.method if exchange.method in _METHODS else "OTHER"
        self.metrics.observe(method, route, status, seconds)
        if route not in _QUIET:
            caller = exchange.scope["state"].get("caller")
            log_request(
                method=method,
                route=route,
                status=status,
                caller=getattr(caller, "subject", None),
                seconds=seconds,
                request_id=exchange.request_id,
            )


class _Exchange:
    """One request and what was answered to it. HEAD is served as GET without its body (RFC 9110, 9.3.2)."""

    def __init__(self, scope: Scope, send: Send) -> None:
        given = Headers(scope=scope).get("x-request-id", "")
        taken = _REQUEST_ID.fullmatch(given) and not holds_personal_number(given)
        self.request_id = given if taken else uuid.uuid4().hex
        trace = _TRACE.fullmatch(Headers(scope=scope).get("traceparent", ""))
        self.traced = {"request_id": self.request_id} | ({"traceparent": trace[0]} if trace else {})
        self.method: str = scope["method"]
        self.scope: dict[str, Any] = {**scope, "method": "GET" if self.method == "HEAD" else self.method}
        self.scope["state"] = dict(scope.get("state") or {})
        self.status: int | None = None
        self.started = time.perf_counter()
        self._send = send

    @property
    def route(self) -> str:
        """The template of the matched route; an address may hold what a log must not."""
        path = getattr(self.scope.get("route"), "path", None)
        return path if isinstance(path, str) else "unmatched"

    async def send(self, message: Message) -> None:
        """Pass a message on, with the request id on the first."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            given = (b"x-request-id", self.request_id.encode())
            message = {**message, "headers": [*message.get("headers", ()), given]}
        elif message["type"] == "http.response.body" and self.method == "HEAD":
            message = {**message, "body": b""}
        await self._send(message)


def _check_address(scope: Scope) -> None:
    query: bytes = scope.get("query_string", b"")
    path: str = scope["path"]
    if "\x00" in path or "\ufffd" in path or b"%00" in query or not path.isprintable():
        raise MalformedAddressError


class BodyBudget:
    """The bytes of bodies that one process holds, of requests that still come and of those being answered."""

    def __init__(self, bytes_max: int = BODIES_BYTES_MAX) -> None:
        self.bytes_max = bytes_max
        self.held = 0
        self._held_of: Counter[str] = Counter()

    def take(self, caller: str, size: int) -> None:
        """Hold so many bytes more for a caller. Raises BusyError beyond the whole, and beyond half of it for one caller."""
        if self.held + size > self.bytes_max or self._held_of[caller] + size > self.bytes_max // 2:
            problem = BusyError("正在接收的正文过多，请稍后再试", "Too many bodies at once, try again later")
            problem.headers |= {"Connection": "close"}
            raise problem
        self.held += size
        self._held_of[caller] += size

    def give_back(self, caller: str, size: int) -> None:
        """Hold so many bytes less."""
        self.held -= size
        self._held_of[caller] -= size
        if not self._held_of[caller]:
            del self._held_of[caller]


OnRefusal = Callable[[Scope, Problem], Awaitable[None]]
"""Told of a body that is refused before a route sees it, before that is answered."""


async def _say_nothing(_scope: Scope, _problem: Problem) -> None:
    """Nobody wants to know."""


class BodyGuardMiddleware:
    """In front of the routes: limits a body's size, and refuses one that is not strict JSON before it is
    parsed.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        body_size_max: int = BODY_SIZE_MAX,
        form_paths: frozenset[str] = frozenset(),
        raw_json_paths: frozenset[str] = frozenset(),
        file_paths: Mapping[str, int] | None = None,
        budget: BodyBudget | None = None,
        refused: OnRefusal = _say_nothing,
    ) -> None:
        self.app = app
        self.refused = refused
        self.budget = budget or BodyBudget()
        self.body_size_max = body_size_max
        self.form_paths = form_paths
        self.raw_json_paths = raw_json_paths
        self._files = [(_pattern(path), limit) for path, limit in (file_paths or {}).items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the body whole, check it, and hand it on in one piece."""
        if scope["type"] != "http" or not _has_body(scope):
            await self.app(scope, receive, send)
            return
        held = _Held(self.budget, scope)
        try:
            body = await self._checked(scope, receive, held)
            if body is not None:
                await self.app(scope, _replay(body, receive), send)
        except _RefusedBodyError as refused:
            await self.refused(scope, refused.problem)
            await problem_response(refused.problem, scope)(scope, receive, send)
        finally:
            held.give_back()

    async def _checked(self, scope: Scope, receive: Receive, held: _Held) -> bytes | None:
        try:
            _check_encoding(scope)
            body = await self._read(scope, receive, held)
            if body is not None:
                await self._check_aside(scope, body)
        except Problem as problem:
            raise _RefusedBodyError(problem) from None
        return body

    async def _read(self, scope: Scope, receive: Receive, held: _Held) -> bytes | None:
        path = scope["path"]
        limit = FORM_SIZE_MAX if path in self.form_paths else self._file_limit(path) or self.body_size_max
        declared = Headers(scope=scope).get("content-length", "")
        if declared.isascii() and declared.isdigit() and int(declared[:18]) > limit:
            raise _too_large(limit)
        chunks: list[bytes] = []
        size = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            chunk = message.get("body", b"")
            size += len(chunk)
            if size > limit:
                raise _too_large(limit)
            held.take(len(chunk))
            chunks.append(chunk)
            if not message.get("more_body", False):
                return b"".join(chunks)

    def _check(self, scope: Scope, body: bytes) -> None:
        path = scope["path"]
        if not body or path in self.form_paths or self._file_limit(path) is not None:
            return
        media_type = Headers(scope=scope).get("content-type", "").partition(";")[0].strip().lower()
        if not _JSON_TYPE.fullmatch(media_type):
            raise UnsupportedMediaTypeError("正文应为 JSON", "The body must be application/json")
        if path in self.raw_json_paths:
            check_text(body)
        else:
            check_json(body)

    async def _check_aside(self, scope: Scope, body: bytes) -> None:
        """Look at a body: a large one in a thread, so that others do not wait for it."""
        if len(body) < _ASIDE_BYTES:
            self._check(scope, body)
        else:
            await asyncio.to_thread(self._check, scope, body)

    def _file_limit(self, path: str) -> int | None:
        return next((limit for pattern, limit in self._files if pattern.fullmatch(path)), None)


class DeadlineMiddleware:
    """In front of the routes, when the body is whole: what is not answered in time is given up, and answered 503."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, in as many seconds as the application's state says. Raises TimeoutError when they are over."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        async with deadline(scope["app"].state.answer_seconds):
            await self.app(scope, receive, send)


class _RefusedBodyError(Exception):
    """A problem of the body itself, told from those that a route raises."""

    def __init__(self, problem: Problem) -> None:
        super().__init__()
        self.problem = problem


class _Held:
    """What one request holds of the budget."""

    def __init__(self, budget: BodyBudget, scope: Scope) -> None:
        caller = scope.get("state", {}).get("caller")
        self._budget = budget
        self._caller: str = getattr(caller, "subject", "")
        self._size = 0

    def take(self, size: int) -> None:
        self._budget.take(self._caller, size)
        self._size += size

    def give_back(self) -> None:
        self._budget.give_back(self._caller, self._size)


def _pattern(path: str) -> re.Pattern[str]:
    """What an address looks like; `{name}` stands for one segment of it, as in a route."""
    return re.compile("[^/]+".join(re.escape(part) for part in re.split(r"\{[^/{}]*\}", path)))


def _check_encoding(scope: Scope) -> None:
    coding = Headers(scope=scope).get("content-encoding", "identity").strip().lower()
    if coding not in ("", "identity"):
        problem = UnsupportedMediaTypeError(
            "正文请勿压缩：不接受 Content-Encoding", "Send the body as it is: no Content-Encoding is taken"
        )
        problem.headers = {"Accept-Encoding": "identity", "Connection": "close"}
        raise problem


def _has_body(scope: Scope) -> bool:
    headers = Headers(scope=scope)
    return headers.get("content-length", "0") != "0" or "transfer-encoding" in headers


def _too_large(limit: int) -> BodyTooLargeError:
    problem = BodyTooLargeError(f"正文不得超过 {limit} 字节", f"The body must not exceed {limit} bytes")
    problem.headers = {"Connection": "close"}  # the rest of it is not read
    return problem


def _replay(body: bytes, receive: Receive) -> Receive:
    pending = True

    async def replayed() -> Message:
        nonlocal pending
        if pending:
            pending = False
            return {"type": "http.request", "body": body, "more_body": False}
        return await receive()

    return replayed
