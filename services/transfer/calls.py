"""One call to somebody else over HTTP: tried a few times, never for long, and told apart by what a failure means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import httpx
import stamina
from pydantic import BaseModel, ValidationError

M = TypeVar("M", bound=BaseModel)

ATTEMPTS_MAX = 3
WAIT_SECONDS_MAX = 2.0
"""The longest pause between two attempts; whoever is asked for more comes back later."""
_TIMEOUT = httpx.Timeout(10.0, connect=5.0)
_RETRY_AFTER_SECONDS_MAX = 3600.0


class PeerUnavailableError(Exception):
    """Nobody answered, or nobody could: try again, not before `retry_after` seconds when that is said."""

    def __init__(self, peer: str, why: str, *, retry_after: float | None = None) -> None:
        super().__init__(f"{peer}: {why}")
        self.retry_after = retry_after


class PeerRefusedError(Exception):
    """The answer is no; trying again changes nothing. `code` is the problem's, `problem` the whole of it."""

    def __init__(self, peer: str, status: int, code: str, problem: Mapping[str, Any]) -> None:
        super().__init__(f"{peer}: {status} {code}")
        self.status = status
        self.code = code
        self.problem = problem


class Peer:
    """Somebody we call: an HTTP client that knows the address and carries our token."""

    def __init__(self, name: str, client: httpx.AsyncClient) -> None:
        self.name = name
        self._client = client

    async def ask(
        self,
        answer: type[M],
        method: str,
        path: str,
        body: BaseModel | None = None,
        *,
        params: Sequence[tuple[str, str]] = (),
    ) -> M:
        """The answer, read strictly. Raises PeerUnavailableError and PeerRefusedError."""
        response = await self.send(method, path, body, params=params)
        try:
            return answer.model_validate_json(response.content)
        except ValidationError as error:
            faults = ", ".join(str(each["loc"]) for each in error.errors(include_input=False))
            raise PeerUnavailableError(self.name, f"an answer we cannot read: {faults}") from None

    async def send(
        self,
        method: str,
        path: str,
        body: BaseModel | None = None,
        *,
        params: Sequence[tuple[str, str]] = (),
    ) -> httpx.Response:
        """The response to one request, a success. Raises PeerUnavailableError and PeerRefusedError."""
        async for attempt in stamina.retry_context(
            on=_pause, attempts=ATTEMPTS_MAX, timeout=None, wait_initial=0.1, wait_max=WAIT_SECONDS_MAX
        ):
            with attempt:
                return await self._once(method, path, body, params)
        raise AssertionError("unreachable")

    async def _once(
        self,
        method: str,
        path: str,
        body: BaseModel | None,
        params: Sequence[tuple[str, str]],
    ) -> httpx.Response:
        content = None if body is None else body.model_dump_json().encode()
        headers = {} if content is None else {"Content-Type": "application/json"}
        try:
            response = await self._client.request(
                method,
                path,
                content=content,
                params=httpx.QueryParams(list(params)),
                headers=headers,
                timeout=_TIMEOUT,
            )
        except (httpx.TransportError, OSError) as error:
            raise PeerUnavailableError(self.name, type(error).__name__) from None
        if response.is_success:
            return response
        if response.status_code >= 500 or response.status_code in (408, 425, 429, 401, 403):
            # A token that is not taken is replaced, sooner or later: nothing is decided by that.
            raise PeerUnavailableError(
                self.name, f"status {response.status_code}", retry_after=_retry_after(response)
            )
        problem = _problem(response)
        code = str(problem.get("type", "")).removeprefix("urn:xuefen:problem:")
        raise PeerRefusedError(self.name, response.status_code, code, problem)


def _pause(error: Exception) -> bool | float:
    """Whether, and after how many seconds, to try again at once."""
    if not isinstance(error, PeerUnavailableError):
        return False
    if error.retry_after is None:
        return True
    return error.retry_after if error.retry_after <= WAIT_SECONDS_MAX else False


def _retry_after(response: httpx.Response) -> float | None:
    told = response.headers.get("Retry-After", "")
    return min(float(told), _RETRY_AFTER_SECONDS_MAX) if told.isascii() and told.isdigit() else None


def _problem(response: httpx.Response) -> Mapping[str, object]:
    try:
        problem = response.json()
    except ValueError:
        return {}
    return problem if isinstance(problem, dict) else {}
