"""Conversations with Xuefen without any input or output: what to send and how long to wait, step by step.

`Client` and `AsyncClient` play the same flows, so that both behave alike.
"""

import random
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, TypeVar

import httpx
from pydantic import BaseModel, ConfigDict, TypeAdapter

from xuefen_client import models

M = TypeVar("M", bound=BaseModel)
T = TypeVar("T")
BATCH_MAX = 1_000
_TRIED_AGAIN = frozenset({429, 502, 503, 504})
_EARLY = timedelta(seconds=30)
"""A token is renewed so long before its end."""

SignRequest = Callable[[httpx.Request], None]
"""Adds a signature to a request that is about to be sent; see `xuefen_client.signing`."""


@dataclass(frozen=True)
class Pause:
    """Wait so many seconds before going on."""

    seconds: float


Flow = Generator[httpx.Request | Pause, httpx.Response | httpx.TransportError | None, T]
"""Yields a request, is sent its answer or why there was none; yields a pause, is sent nothing."""


class ProblemError(Exception):
    """An answer that refuses: RFC 9457 problem details. `code` is stable, `title` and `detail` are for people."""

    def __init__(self, status: int, problem: dict[str, Any]) -> None:
        self.status = status
        self.code = str(problem.get("type", "")).rpartition(":")[2]
        self.title = str(problem.get("title", ""))
        self.detail = str(problem.get("detail", ""))
        self.pointer = problem.get("pointer")
        self.clause = problem.get("clause")
        self.errors = tuple(problem.get("errors", ()))
        super().__init__(f"{status} {self.code}: {self.title}")


class UnreachableError(Exception):
    """No answer, however often it was asked for. What was sent may have been stored: send it again with the same ids."""


@dataclass(frozen=True)
class Credentials:
    """The id and the secret of a client, and where tokens are given for them."""

    token_url: str
    client_id: str
    client_secret: str = field(repr=False)
    scope: str | None = None


@dataclass(frozen=True)
class Retries:
    """How often a request is sent at most, and the pause before the second time; each pause is twice the one before.

    Every pause is drawn between nothing and its length, so that many clients do not come back at one moment.
    `Retry-After` of an answer is kept, up to `pause_max`.
    """

    attempts: int = 6
    pause: float = 0.5
    pause_max: float = 30.0

    def before(self, attempt: int, response: httpx.Response | None) -> float:
        """Seconds before an attempt, the second being 1."""
        asked = _seconds(response.headers.get("Retry-After")) if response is not None else 0.0
        drawn = random.uniform(0, min(self.pause * 2 ** (attempt - 1), self.pause_max))  # noqa: S311
        return min(max(asked, drawn), self.pause_max)


@dataclass(frozen=True)
class Report:
    """Records that were posted together, and the outcome of each, in the order of the records."""

    records: tuple[BaseModel, ...]
    answer: models.BatchAnswer

    def of(self, *outcomes: str) -> list[tuple[BaseModel, models.Outcome]]:
        """The records with one of these outcomes."""
        pairs = zip(self.records, self.answer.results, strict=True)
        return [(record, outcome) for record, outcome in pairs if outcome.outcome in outcomes]


class Published(BaseModel):
    """A published event: a CloudEvent. `type` is pinned; `data` has the fields of the event's own schema."""

    model_config = ConfigDict(extra="allow")

    id: str
    type: str
    time: datetime
    log: str
    position: int
    data: dict[str, Any]
    subject: str | None = None


_PUBLISHED = TypeAdapter(list[Published])


class Flows:
    """Every conversation with one ledger."""

    def __init__(
        self,
        address: str,
        credentials: Credentials | str,
        *,
        retries: Retries,
        language: str,
        sign: SignRequest | None,
        headers: Mapping[str, str],
    ) -> None:
        self._address = address.rstrip("/")
        self._credentials = credentials
        self._retries = retries
        self._language = language
        self._sign = sign
        self._headers = dict(headers)
        self._token = "" if isinstance(credentials, Credentials) else credentials
        self._token_ends: datetime | None = None

    def batches(
        self, path: str, kind: type[BaseModel], records: Iterable[M | dict[str, Any]]
    ) -> Iterator[Flow[Report]]:
        """Records of any number, up to 1,000 in a flow. Those whose outcome is unknown are posted again."""
        left = iter(records)
        while batch := list(islice(left, BATCH_MAX)):
            yield self._batch(path, [kind.model_validate(each) for each in batch])

    def _batch(self, path: str, records: list[BaseModel]) -> Flow[Report]:
        results: dict[int, models.Outcome] = {}
        left = list(range(len(records)))
        for attempt in range(self._retries.attempts):
            if attempt:
                yield Pause(self._retries.before(attempt, None))
            # What is not said is not sent: an absent field and a null one are not the same everywhere.
            body = {
                "records": [records[number].model_dump(mode="json", exclude_none=True) for number in left]
            }
            answer = yield from self._call(models.BatchAnswer, "POST", path, json=body)
            results |= dict(zip(left, answer.results, strict=True))
            left = [number for number in left if results[number].outcome == "unknown"]
            if not left:
                break
        ordered = [results[number] for number in range(len(records))]
        summary: dict[str, int] = {}
        for each in ordered:
            summary[each.outcome] = summary.get(each.outcome, 0) + 1
        return Report(tuple(records), models.BatchAnswer(results=ordered, summary=summary))

    def table(self, content: bytes, media_type: str) -> Flow[models.TableAnswer]:
        """Completions as a file, CSV or XLSX."""
        headers = {"Content-Type": media_type}
        return self._call(
            models.TableAnswer, "POST", "/v1/completions/table", content=content, headers=headers
        )

    def year_part(self, year: int, after: str | None) -> Flow[tuple[bytes, str | None]]:
        """The next part of a year's table, headed only where it is the first, and what to go on after."""
        path = f"/v1/completion-tables/{year}"
        response = yield from self._send("GET", path, params=_said({"after": after}))
        head, _, rows = response.content.partition(b"\r\n")
        content = rows if after is not None else head + b"\r\n" + rows
        return content, response.headers.get("Xuefen-Next-After")

    def one(self, kind: type[M], path: str, **query: Any) -> Flow[M]:
        """One thing read."""
        return self._call(kind, "GET", path, params=_said(query))

    def command(self, kind: type[M], path: str, body: BaseModel, key: str) -> Flow[M]:
        """One command; the same key with the same body is the same command, however often it is sent."""
        said = body.model_dump(mode="json", exclude_none=True)
        return self._call(kind, "POST", path, json=said, headers={"Idempotency-Key": key})

    def feed(self, after: str | None, limit: int, wait: int) -> Flow[tuple[list[Published], str | None]]:
        """The organization's own events after a cursor, and the cursor to go on with."""
        params = _said({"after": after, "limit": limit, "wait": wait or None})
        response = yield from self._send("GET", "/v1/feed", params=params)
        return _PUBLISHED.validate_json(response.content), response.headers.get("Xuefen-Next-After", after)

    def _call(self, kind: type[M], method: str, path: str, **request: Any) -> Flow[M]:
        response = yield from self._send(method, path, **request)
        return kind.model_validate_json(response.content)

    def _send(self, method: str, path: str, **request: Any) -> Flow[httpx.Response]:
        renewed = False
        told: httpx.Response | httpx.TransportError | None = None
        for attempt in range(self._retries.attempts):
            if attempt:
                yield Pause(self._retries.before(attempt, told if isinstance(told, httpx.Response) else None))
            yield from self._have_token()
            told = yield self._request(method, path, **request)
            if isinstance(told, httpx.Response):
                if told.status_code == 401 and not renewed and isinstance(self._credentials, Credentials):
                    renewed, self._token = True, ""
                    continue
                if told.is_success:
                    return told
                if told.status_code not in _TRIED_AGAIN:
                    raise ProblemError(told.status_code, _problem_of(told))
        if isinstance(told, httpx.Response):
            raise ProblemError(told.status_code, _problem_of(told))
        raise UnreachableError(f"{method} {path}: {told}")

    def _request(self, method: str, path: str, **request: Any) -> httpx.Request:
        headers = {
            "Authorization": f"Bearer {self._token}",
            "Accept-Language": self._language,
            **self._headers,
            **request.pop("headers", {}),
        }
        built = httpx.Request(method, f"{self._address}{path}", headers=headers, **request)
        if self._sign is not None:
            self._sign(built)
        return built

    def _have_token(self) -> Flow[None]:
        given = self._credentials
        now = datetime.now(UTC)
        if not isinstance(given, Credentials):
            return
        if self._token and (self._token_ends is None or now < self._token_ends):
            return
        form = _said({"grant_type": "client_credentials", "scope": given.scope})
        auth = httpx.BasicAuth(given.client_id, given.client_secret)
        [request] = [next(auth.auth_flow(httpx.Request("POST", given.token_url, data=form)))]
        told = yield request
        if not isinstance(told, httpx.Response):
            raise UnreachableError(f"{given.token_url}: {told}")
        if not told.is_success:
            raise ProblemError(told.status_code, _problem_of(told))
        answer = told.json()
        self._token = answer["access_token"]
        self._token_ends = now + timedelta(seconds=float(answer["expires_in"])) - _EARLY


def _said(fields: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in fields.items()
        if value is not None
    }


def _problem_of(response: httpx.Response) -> dict[str, Any]:
    try:
        body = response.json()
    except ValueError:
        return {"title": response.reason_phrase}
    if not isinstance(body, dict):
        return {"title": response.reason_phrase}
    return (
        body
        if "type" in body
        else {"type": body.get("error", ""), "title": body.get("error_description", "")}
    )


def _seconds(text: str | None) -> float:
    return float(text) if text is not None and text.isdecimal() else 0.0
