"""Client of the four services: every call is made with the token of whoever looks at the page, and with nothing else."""

import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx

from services.kit.errors import Language
from services.kit.http_client import open_client

SERVICES = ("registry", "ledger", "transfer", "sync")
_SECONDS_MAX = 4.0
_LANGUAGES: Mapping[Language, str] = {"zh": "zh-CN", "en": "en"}

Answer = Any
"""The body of an answer as JSON has it: pages read it by the names of the contracts and compute nothing from it."""


class RefusedError(Exception):
    """A service refuses, in its own words: `title` and `detail` of the problem, and each of `fields` with its own.
    `problem` is all that it said."""

    def __init__(self, status: int, problem: Mapping[str, Answer]) -> None:
        super().__init__(str(problem.get("type", status)))
        self.status = status
        self.problem = problem
        self.code = str(problem.get("type", "")).rpartition(":")[2]
        self.title: str = problem.get("title", "")
        self.detail: str = problem.get("detail", "")
        self.clause: str | None = problem.get("clause")
        self.fields: list[tuple[str, str]] = [
            (str(each.get("pointer") or each.get("parameter", "")).strip("/"), each["detail"])
            for each in problem.get("errors", ())
        ]
        if problem.get("pointer"):
            self.fields.append((str(problem["pointer"]).strip("/"), self.detail or self.title))


class UnreachableError(Exception):
    """A service does not answer; its name is the message."""


class ServicesClient:
    """HTTP clients of the services, shared by all requests of a process."""

    def __init__(self, clients: Mapping[str, httpx.AsyncClient]) -> None:
        self._clients = clients

    async def call(
        self,
        service: str,
        method: str,
        path: str,
        *,
        token: str | None,
        language: Language,
        body: object = None,
        files: tuple[bytes, str] | None = None,
        key: str | None = None,
        asked_from: str | None = None,
        **parameters: Answer,
    ) -> httpx.Response:
        """One call as whoever holds the token. `key` makes a command that is sent twice one command.
        `asked_from` is the address of whom it is for, where they have no token.

        Raises RefusedError and UnreachableError.
        """
        headers = {"Accept-Language": _LANGUAGES[language]}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        if asked_from is not None:
            headers["X-Forwarded-For"] = asked_from
        if method != "GET":
            headers["Idempotency-Key"] = key or str(uuid.uuid4())
        content: dict[str, Answer] = {} if body is None else {"json": body}
        if files is not None:
            content = {"content": files[0]}
            headers["Content-Type"] = files[1]
        client = self._clients.get(service)
        if client is None:
            raise UnreachableError(service)
        told = {name: value for name, value in parameters.items() if value not in (None, "")}
        try:
            response = await client.request(method, path, headers=headers, params=told, **content)
        except httpx.HTTPError:
            raise UnreachableError(service) from None
        if response.is_success:
            return response
        raise RefusedError(response.status_code, _problem(response))

    async def exchange(self, form: Mapping[str, str], *, asked_from: str | None) -> Answer:
        """The registry's token for an identity token of somebody at an address. Raises RefusedError and UnreachableError."""
        try:
            response = await self._clients["registry"].post(
                "/oauth/token", data=dict(form), headers={"X-Forwarded-For": asked_from} if asked_from else {}
            )
        except httpx.HTTPError:
            raise UnreachableError("registry") from None
        if response.is_success:
            return response.json()
        told = _problem(response)
        raise RefusedError(response.status_code, {"title": told.get("error_description", "")})


def _problem(response: httpx.Response) -> Mapping[str, Answer]:
    try:
        problem = response.json()
    except ValueError:
        return {}
    return problem if isinstance(problem, dict) else {}


@asynccontextmanager
async def open_services(addresses: Mapping[str, str]) -> AsyncIterator[ServicesClient]:
    """Clients of the services at these addresses."""
    async with AsyncExitStack() as stack:
        clients = {
            service: await stack.enter_async_context(open_client(address.rstrip("/"), answer=_SECONDS_MAX))
            for service, address in addresses.items()
        }
        yield ServicesClient(clients)
