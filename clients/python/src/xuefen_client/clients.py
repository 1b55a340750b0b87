"""The two clients, for programs with and without an event loop."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Generic, Literal, Self, TypeVar
from uuid import uuid4

import httpx

from xuefen_client import models
from xuefen_client.flows import Credentials, Flow, Flows, Pause, Published, Report, Retries, SignRequest

T = TypeVar("T")
H = TypeVar("H", httpx.Client, httpx.AsyncClient)
State = Literal["held", "registered", "withdrawn", "revoked", "duplicate", "rejected", "late", "moved"]
Reason = Literal["reported_in_error", "wrong_person", "wrong_year", "wrong_credits", "refunded"]
CompletionLike = models.Completion | dict[str, Any]
EnrolmentLike = models.Enrolment | dict[str, Any]
ExamPassLike = models.ExamPass | dict[str, Any]
_MEDIA_TYPES = {
    ".csv": "text/csv",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_SECONDS = 30.0
_COMPLETIONS, _ENROLMENTS, _EXAM_PASSES = "/v1/completions", "/v1/enrolments", "/v1/exam-passes"


@contextmanager
def _whole(file: Path) -> Iterator[BinaryIO]:
    """A file that takes its name when everything is in it."""
    part = file.with_name(f"{file.name}.part")
    try:
        with part.open("wb") as out:
            yield out
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)


class _Described(Generic[H]):
    """The parts of both clients: where the ledger is, every conversation with it, and the connections."""

    def __init__(
        self,
        address: str,
        credentials: Credentials | str,
        *,
        retries: Retries | None = None,
        language: Literal["zh-CN", "en"] = "zh-CN",
        sign: SignRequest | None = None,
        headers: Mapping[str, str] | None = None,
        http: H | None = None,
    ) -> None:
        self._flows = Flows(
            address,
            credentials,
            retries=retries or Retries(),
            language=language,
            sign=sign,
            headers=headers or {},
        )
        self._http: H = http or self._open()

    @staticmethod
    def _open() -> H:
        """Connections of the client's own."""
        raise NotImplementedError

    def _record(self, record_id: str, authority: str | None) -> Flow[models.CompletionRecord]:
        return self._flows.one(models.CompletionRecord, f"{_COMPLETIONS}/{record_id}", authority=authority)

    def _withdrawal(
        self, kind: str, record_id: str, reason: Reason, authority: str | None, key: str | None
    ) -> Flow[models.WithdrawnRecord]:
        body = models.Withdrawal(reason=reason, authority=authority)
        path = f"{kind}/{record_id}/withdrawal"
        return self._flows.command(models.WithdrawnRecord, path, body, key or str(uuid4()))

    def _page(
        self,
        state: State | None,
        person: str | None,
        year: int | None,
        since: datetime | None,
        until: datetime | None,
        after: str | None,
    ) -> Flow[models.CompletionPage]:
        return self._flows.one(
            models.CompletionPage,
            _COMPLETIONS,
            state=state,
            person=person,
            year=year,
            posted_since=since,
            posted_until=until,
            after=after,
        )

    def _table(self, file: Path) -> Flow[models.TableAnswer]:
        kind = _MEDIA_TYPES.get(file.suffix.lower())
        if kind is None:
            raise ValueError(f"{file.name}: a table is .csv or .xlsx")
        return self._flows.table(file.read_bytes(), kind)


class Client(_Described[httpx.Client]):
    """A ledger, for one organization. Close it, or use it in a `with` block.

    `credentials` are a client's id and secret, or a token that somebody else renews. `sign` signs each request,
    `headers` go with each.
    Every method raises ProblemError for what is refused, UnreachableError where no answer came.
    """

    @staticmethod
    def _open() -> httpx.Client:
        return httpx.Client(timeout=_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def report(self, completions: Iterable[CompletionLike]) -> Iterator[Report]:
        """Post completions, 1,000 at a time; safe to repeat, since each record's own id says what it is."""
        for flow in self._flows.batches(_COMPLETIONS, models.Completion, completions):
            yield self._play(flow)

    def enrol(self, enrolments: Iterable[EnrolmentLike]) -> Iterator[Report]:
        """Post enrolments."""
        for flow in self._flows.batches(_ENROLMENTS, models.Enrolment, enrolments):
            yield self._play(flow)

    def pass_exams(self, passes: Iterable[ExamPassLike]) -> Iterator[Report]:
        """Post passed exams."""
        for flow in self._flows.batches(_EXAM_PASSES, models.ExamPass, passes):
            yield self._play(flow)

    def report_table(self, file: Path) -> models.TableAnswer:
        """Post up to 1,000 completions as a CSV or XLSX file."""
        return self._play(self._table(file))

    def completion(self, record_id: str, *, authority: str | None = None) -> models.CompletionRecord:
        """What was posted, what it is today, and everything that became of it."""
        return self._play(self._record(record_id, authority))

    def completions(
        self,
        *,
        state: State | None = None,
        person: str | None = None,
        year: int | None = None,
        posted_since: datetime | None = None,
        posted_until: datetime | None = None,
    ) -> Iterator[models.CompletionRecord]:
        """Everything that was posted, each as it stands today."""
        after: str | None = None
        while True:
            page = self._play(self._page(state, person, year, posted_since, posted_until, after))
            yield from page.items
            if (after := page.next) is None:
                return

    def write_year(self, year: int, file: Path) -> None:
        """Write everything that was posted for a year into a CSV file, a row for each as it stands today.

        The file appears whole or not at all.
        """
        with _whole(file) as out:
            after: str | None = None
            while True:
                content, after = self._play(self._flows.year_part(year, after))
                out.write(content)
                if after is None:
                    return

    def withdraw(
        self, record_id: str, reason: Reason, *, authority: str | None = None, key: str | None = None
    ) -> models.WithdrawnRecord:
        """Take back a completion; without a key of your own a new one is made."""
        return self._play(self._withdrawal(_COMPLETIONS, record_id, reason, authority, key))

    def withdraw_enrolment(
        self, record_id: str, reason: Reason, *, authority: str | None = None, key: str | None = None
    ) -> models.WithdrawnRecord:
        """Take back an enrolment."""
        return self._play(self._withdrawal(_ENROLMENTS, record_id, reason, authority, key))

    def feed(
        self, after: str | None = None, *, limit: int = 100, wait: int = 0, follow: bool = False
    ) -> Iterator[tuple[list[Published], str | None]]:
        """Batches of the organization's own events, each with the cursor to store in one transaction with its effects.

        Ends when there is nothing more, unless it is told to follow; `wait` is how many seconds the ledger holds an
        empty answer back.
        """
        while True:
            events, after = self._play(self._flows.feed(after, limit, wait))
            if events:
                yield events, after
            elif not follow:
                return

    def _play(self, flow: Flow[T]) -> T:
        told: httpx.Response | httpx.TransportError | None = None
        while True:
            try:
                step = flow.send(told)
            except StopIteration as end:
                result: T = end.value
                return result
            if isinstance(step, Pause):
                time.sleep(step.seconds)
                told = None
                continue
            try:
                told = self._http.send(step)
            except httpx.TransportError as error:
                told = error


class AsyncClient(_Described[httpx.AsyncClient]):
    """The same for programs with an event loop."""

    @staticmethod
    def _open() -> httpx.AsyncClient:
        return httpx.AsyncClient(timeout=_SECONDS)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def report(self, completions: Iterable[CompletionLike]) -> AsyncIterator[Report]:
        """Post completions, 1,000 at a time; safe to repeat, since each record's own id says what it is."""
        for flow in self._flows.batches(_COMPLETIONS, models.Completion, completions):
            yield await self._play(flow)

    async def enrol(self, enrolments: Iterable[EnrolmentLike]) -> AsyncIterator[Report]:
        """Post enrolments."""
        for flow in self._flows.batches(_ENROLMENTS, models.Enrolment, enrolments):
            yield await self._play(flow)

    async def pass_exams(self, passes: Iterable[ExamPassLike]) -> AsyncIterator[Report]:
        """Post passed exams."""
        for flow in self._flows.batches(_EXAM_PASSES, models.ExamPass, passes):
            yield await self._play(flow)

    async def report_table(self, file: Path) -> models.TableAnswer:
        """Post up to 1,000 completions as a CSV or XLSX file."""
        return await self._play(self._table(file))

    async def completion(self, record_id: str, *, authority: str | None = None) -> models.CompletionRecord:
        """What was posted, what it is today, and everything that became of it."""
        return await self._play(self._record(record_id, authority))

    async def completions(
        self,
        *,
        state: State | None = None,
        person: str | None = None,
        year: int | None = None,
        posted_since: datetime | None = None,
        posted_until: datetime | None = None,
    ) -> AsyncIterator[models.CompletionRecord]:
        """Everything that was posted, each as it stands today."""
        after: str | None = None
        while True:
            page = await self._play(self._page(state, person, year, posted_since, posted_until, after))
            for item in page.items:
                yield item
            if (after := page.next) is None:
                return

    async def write_year(self, year: int, file: Path) -> None:
        """Write everything that was posted for a year into a CSV file, a row for each as it stands today."""
        with _whole(file) as out:
            after: str | None = None
            while True:
                content, after = await self._play(self._flows.year_part(year, after))
                out.write(content)
                if after is None:
                    return

    async def withdraw(
        self, record_id: str, reason: Reason, *, authority: str | None = None, key: str | None = None
    ) -> models.WithdrawnRecord:
        """Take back a completion; without a key of your own a new one is made."""
        return await self._play(self._withdrawal(_COMPLETIONS, record_id, reason, authority, key))

    async def withdraw_enrolment(
        self, record_id: str, reason: Reason, *, authority: str | None = None, key: str | None = None
    ) -> models.WithdrawnRecord:
        """Take back an enrolment."""
        return await self._play(self._withdrawal(_ENROLMENTS, record_id, reason, authority, key))

    async def feed(
        self, after: str | None = None, *, limit: int = 100, wait: int = 0, follow: bool = False
    ) -> AsyncIterator[tuple[list[Published], str | None]]:
        """Batches of the organization's own events, each with the cursor to store in one transaction with its effects."""
        while True:
            events, after = await self._play(self._flows.feed(after, limit, wait))
            if events:
                yield events, after
            elif not follow:
                return

    async def _play(self, flow: Flow[T]) -> T:
        told: httpx.Response | httpx.TransportError | None = None
        while True:
            try:
                step = flow.send(told)
            except StopIteration as end:
                result: T = end.value
                return result
            if isinstance(step, Pause):
                await asyncio.sleep(step.seconds)
                told = None
                continue
            try:
                told = await self._http.send(step)
            except httpx.TransportError as error:
                told = error
