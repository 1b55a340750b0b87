"""Adapters to systems outside: what is asked of each, and the one that talks `contracts/targets.py` over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, Protocol, TypeVar

import httpx
import msgspec
from pydantic import BaseModel, TypeAdapter, ValidationError

from contracts.targets import (
    Answer,
    HeldRecords,
    HistoryPage,
    PersonTotals,
    PlaceTotals,
    TargetRecord,
)
from services.kit.follower import TokenFile
from services.kit.http_client import open_client
from services.kit.settings import SettingsError
from services.sync.targets import Target


class TargetUnavailableError(Exception):
    """The system did not answer, or not in a way that can be read: nobody knows what it took. Send the same again."""


class TargetBusyError(TargetUnavailableError):
    """The system asks to be left alone for `seconds`."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"asks for {seconds:.0f} seconds")
        self.seconds = seconds


class BatchRefusedError(Exception):
    """The system refused a batch as a whole, with the status it gave: some record of it is at fault."""

    def __init__(self, status: int) -> None:
        super().__init__(f"status {status}")
        self.status = status


class Adapter(Protocol):
    """One system. Every method raises TargetUnavailableError when there is no answer that can be read."""

    async def deliver(self, records: Sequence[TargetRecord]) -> Mapping[str, Answer]:
        """Send records, at most one of a person; the answers by key, which may leave some out.

        Raises BatchRefusedError, and TargetBusyError when the system asks for a pause.
        """

    async def totals(self, place: str, year: int) -> PlaceTotals:
        """Counts and hashes of every place in or below one."""

    async def people(self, place: str, year: int, after: str | None) -> PersonTotals:
        """A page of counts and hashes of exactly one place's people."""

    async def records(self, place: str, year: int, person_ref: str) -> HeldRecords:
        """What is held of one person's year at a place."""

    async def history(self, after: int) -> HistoryPage:
        """What the system holds and did not get from us, after a position."""


M = TypeVar("M", bound=BaseModel)

BUSY_SECONDS = 5.0
"""How long a system is left alone that is busy and does not say until when."""

_ASK_AGAIN = frozenset({401, 403, 404, 408, 409, 425, 429})
"""Refusals of the caller or of the moment, not of what was sent."""
_ANSWER: TypeAdapter[Answer] = TypeAdapter(Answer)


class HttpAdapter:
    """One system behind an address."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        """`client` knows the address and carries the credential."""
        self._client = client

    async def deliver(self, records: Sequence[TargetRecord]) -> Mapping[str, Answer]:
        """See `Adapter.deliver`."""
        body = b'{"records":[' + b",".join(_written(record) for record in records) + b"]}"
        response = await self._call("POST", "/v1/records", content=body, headers=_JSON)
        if response.is_client_error and response.status_code not in _ASK_AGAIN:
            raise BatchRefusedError(response.status_code)
        wanted = {record.key for record in records}
        return {
            answer.key: answer
            for answer in _answers(_document(_must_succeed(response)))
            if answer.key in wanted
        }

    async def totals(self, place: str, year: int) -> PlaceTotals:
        """See `Adapter.totals`."""
        return await self._ask(PlaceTotals, "/v1/totals", place=place, year=year)

    async def people(self, place: str, year: int, after: str | None) -> PersonTotals:
        """See `Adapter.people`."""
        resume = {} if after is None else {"after": after}
        return await self._ask(PersonTotals, "/v1/people", place=place, year=year, limit=1000, **resume)

    async def records(self, place: str, year: int, person_ref: str) -> HeldRecords:
        """See `Adapter.records`."""
        return await self._ask(HeldRecords, "/v1/records", place=place, year=year, person_ref=person_ref)

    async def history(self, after: int) -> HistoryPage:
        """See `Adapter.history`."""
        return await self._ask(HistoryPage, "/v1/history", after=after, limit=500)

    async def _ask(self, model: type[M], path: str, **params: Any) -> M:
        response = _must_succeed(await self._call("GET", path, params=params))
        try:
            return model.model_validate_json(response.content)
        except ValidationError:
            raise TargetUnavailableError("an answer of another form than agreed") from None

    async def _call(self, method: str, path: str, **options: Any) -> httpx.Response:
        try:
            return await self._client.request(method, path, **options)
        except httpx.HTTPError as error:
            raise TargetUnavailableError(type(error).__name__) from None


_JSON = {"Content-Type": "application/json"}


def _written(record: TargetRecord) -> bytes:
    return record.model_dump_json(exclude_none=True).encode()


def _must_succeed(response: httpx.Response) -> httpx.Response:
    if response.status_code in (429, 503):
        raise TargetBusyError(retry_after(response.headers.get("Retry-After"), datetime.now(UTC)))
    if not response.is_success:
        raise TargetUnavailableError(f"status {response.status_code}")
    return response


def retry_after(header: str | None, now: datetime) -> float:
    """The seconds a `Retry-After` asks for, given as seconds or as a date; a few when it says neither."""
    if header is None:
        return BUSY_SECONDS
    if header.strip().isascii() and header.strip().isdigit():
        return float(header)
    with suppress(ValueError, TypeError):
        until = parsedate_to_datetime(header)
        if until.tzinfo is not None:
            return max((until - now).total_seconds(), 0.0)
    return BUSY_SECONDS


def _document(response: httpx.Response) -> object:
    try:
        return msgspec.json.decode(response.content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise TargetUnavailableError("an answer that is no JSON") from None


def _answers(document: object) -> Iterator[Answer]:
    """The answers that can be read; a record whose answer cannot be is as good as not answered.

    Raises TargetUnavailableError when none can be read.
    """
    results = document.get("results") if isinstance(document, dict) else None
    if not isinstance(results, list):
        raise TargetUnavailableError("an answer of another form than agreed")
    unreadable = 0
    for each in results:
        try:
            yield _ANSWER.validate_python(each)
        except ValidationError:
            unreadable += 1
    if unreadable and unreadable == len(results):
        raise TargetUnavailableError("answers of another form than agreed")


@asynccontextmanager
async def open_http(target: Target, credentials: Path | None) -> AsyncIterator[HttpAdapter]:
    """The adapter of a target that is on. Raises SettingsError when its credential is not where it should be."""
    assert target.url is not None, "only targets with an address are opened"
    auth = None
    if target.credential is not None:
        if credentials is None:
            raise SettingsError(f"target {target.name}: XUEFEN_SYNC_CREDENTIALS_DIR is not set")
        file = credentials / target.credential
        if not file.is_file():
            raise SettingsError(f"target {target.name}: the credential {target.credential} is not there")
        auth = TokenFile(file)
    async with open_client(
        target.url, auth=auth, connect=10, answer=target.seconds, connections=target.in_flight + 2
    ) as client:
        yield HttpAdapter(client)
