"""Sandbox: a deployment of fictitious people, whose answers say so and whose callers move the clock of their requests."""

from datetime import UTC, datetime

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.kit.clock import clock_at
from services.kit.errors import Problem

MARK = "Xuefen-Sandbox"
"""The header of every answer of a sandbox, and of none elsewhere."""
NOW = "Xuefen-Sandbox-Now"
"""The header with which a caller says at which moment a request is decided."""
_YEARS = range(2000, 2101)


class SandboxMomentUnclearError(Problem):
    """`Xuefen-Sandbox-Now` is no moment with an offset between 2000 and 2100, such as 2026-06-18T12:00:00+08:00."""

    code = "sandbox-moment-unclear"
    status = 400
    title_zh = "表示沙箱时间的请求头应为带时区的时间"
    title_en = "The header Xuefen-Sandbox-Now has to be a moment with its offset"


class MarkMiddleware:
    """Outside everything: each answer says that it comes from a sandbox."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, and mark what is answered."""

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[MARK] = "true"
            await send(message)

        await self._app(scope, receive, marked)


class ClockMiddleware:
    """Behind the token's check, for which time goes as it goes: a request is decided at the moment it names."""

    def __init__(self, app: ASGIApp, *, open_paths: frozenset[str]) -> None:
        self._app = app
        self._open_paths = open_paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request at its moment. Raises SandboxMomentUnclearError.

        What needs no token, tokens themselves among it, is answered as of now.
        """
        told = Headers(scope=scope).get(NOW)
        moment = None if told is None or scope["path"] in self._open_paths else moment_of(told)
        with clock_at(moment):
            await self._app(scope, receive, send)


def moment_of(text: str) -> datetime:
    """The moment of the header, in UTC. Raises SandboxMomentUnclearError."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise SandboxMomentUnclearError from None
    if moment.utcoffset() is None or moment.year not in _YEARS:
        raise SandboxMomentUnclearError
    return moment.astimezone(UTC)
