"""Feeds: the published events of a log as CloudEvents 1.0 batches, in position order, over HTTP.

The log is the outbox: a feed is read straight from it. A stored event is not a published one; each service
gives the mapping between them, and positions of events it keeps to itself are passed over.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from fastapi import Depends, Query, Request
from fastapi.responses import Response

from services.kit.auth import Caller, require
from services.kit.database import Databases
from services.kit.errors import Problem
from services.kit.event_store import EventStore, RecordedEvent
from services.kit.histories import PATTERN, Chain, Mark, chains
from services.kit.notifications import notified
from services.kit.openapi import problems, struct_answer
from services.kit.routers import Router
from services.kit.schemas import IN_DIGITS
from services.kit.waits import allow_more

if TYPE_CHECKING:
    from services.kit.database import Database

Publish = Callable[[RecordedEvent], Mapping[str, object] | None]
"""A stored event as CloudEvents attributes (`type` and `data`, perhaps `subject` and `dataschema`), or None.
"""

BATCH_TYPE = "application/cloudevents-batch+json"
NEXT_AFTER = "Xuefen-Next-After"
HEAD = "Xuefen-Head"
HISTORY = "Xuefen-History"
LIMIT_MAX = 1000
WAIT_SECONDS_MAX = 30

_POSITION_MAX = 2**63 - 1
_POLL_SECONDS = 0.5
_READS_MAX = 10


class CloudEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One published event as it travels: CloudEvents 1.0, with its `log` and `position` as extensions."""

    specversion: str
    id: str
    source: str
    type: str
    subject: str | None = None
    time: datetime
    datacontenttype: str
    dataschema: str | None = None
    sequence: str
    log: str
    position: int
    history: str = ""
    data: Any


class LogHead(msgspec.Struct, frozen=True):
    """A log that is kept here, its last position and the history that goes on."""

    log: str
    head: int
    history: str


class LogList(msgspec.Struct, frozen=True, kw_only=True):
    """The logs of a service; they are one page."""

    items: list[LogHead]
    next: str | None = None
    total: int


class UnknownLogError(Problem):
    """No log of this name is kept here."""

    code = "unknown-log"
    status = 404
    title_zh = "没有这个日志"
    title_en = "There is no such log"


class AheadOfLogError(Problem):
    """The position is beyond the log's head: it was reached in another deployment, or the log was restored."""

    code = "ahead-of-log"
    status = 409
    title_zh = "请求的位置超出日志末尾"
    title_en = "The position is beyond the end of the log"


class CloudEventsResponse(Response):
    """A batch of CloudEvents."""

    media_type = BATCH_TYPE


class _Page(msgspec.Struct):
    events: list[CloudEvent]
    next_after: int
    head: int
    history: str

    def response(self) -> Response:
        told = {NEXT_AFTER: str(self.next_after), HEAD: str(self.head), HISTORY: self.history}
        return written(self.events, told)


_ENCODER = msgspec.json.Encoder(decimal_format="string", order="deterministic")


def event_body(event: CloudEvent) -> bytes:
    """One event as it stands in a batch."""
    return _ENCODER.encode(event)


def written(events: Sequence[CloudEvent], headers: Mapping[str, str]) -> CloudEventsResponse:
    """A batch as it is answered, which nothing on the way may keep."""
    return CloudEventsResponse(_ENCODER.encode(events), headers={**headers, "Cache-Control": "no-store"})


def cloud_event(event: RecordedEvent, attributes: Mapping[str, Any], source: str, history: str) -> CloudEvent:
    """The envelope of a published event, recorded in a history of its log; `(source, id)` names it for ever."""
    return CloudEvent(
        specversion="1.0",
        id=f"{event.log}/{history}/{event.position}",
        source=source,
        type=attributes["type"],
        subject=attributes.get("subject"),
        time=event.recorded_at,
        datacontenttype="application/json",
        dataschema=attributes.get("dataschema"),
        sequence=str(event.position),
        log=event.log,
        position=event.position,
        history=history,
        data=attributes["data"],
    )


class Feeds:
    """Reads the feeds of a service's logs."""

    def __init__(self, databases: Databases, store: EventStore, publish: Publish, source: str) -> None:
        self._databases = databases
        self._store = store
        self._publish = publish
        self._source = source

    async def chains(self, logs: Sequence[str]) -> dict[str, Chain]:
        """The last position and the histories of every log, in the given order."""
        found: dict[str, Chain] = {}
        for database, its_logs in self._databases.grouped(logs).items():
            async with database.acquire() as conn:
                found |= await chains(conn, its_logs)
        return {log: found[log] for log in logs}

    async def page(self, log: str, mark: Mark, limit: int, wait_seconds: float, request: Request) -> _Page:
        """The next batch of a log after a mark, waiting for one as long as asked while the client is there.

        AnotherHistoryError when the mark belongs to another history, AheadOfLogError when it is beyond the head.
        """
        after, history = mark
        loop = asyncio.get_running_loop()
        deadline = loop.time() + wait_seconds
        with self._store.notifications.subscribe((log,)) as growth:
            while True:
                growth.clear()
                page = await self._read(self._databases.of(log), log, Mark(after, history), limit)
                after, history = page.next_after, page.history
                left = deadline - loop.time()
                if page.events or left <= 0:
                    return page
                await notified(growth, min(left, _POLL_SECONDS))
                if await has_gone(request):
                    return page

    async def _read(self, database: Database, log: str, mark: Mark, limit: int) -> _Page:
        async with database.acquire() as conn:
            chain = (await chains(conn, [log]))[log]
            chain.must_be_current(mark)
            if mark.position > chain.head:
                raise AheadOfLogError
            page = _Page([], mark.position, chain.head, chain.current)
            for _ in range(_READS_MAX):
                stored = await self._store.read(conn, log, after=page.next_after, limit=limit)
                for event in stored:
                    attributes = self._publish(event)
                    if attributes is not None:
                        history = chain.at(event.position)
                        page.events.append(cloud_event(event, attributes, self._source, history))
                    page.next_after = event.position
                if page.events or len(stored) < limit:
                    break
        page.head = max(chain.head, page.next_after)
        return page


async def has_gone(request: Request) -> bool:
    """Whether nobody waits any more: the client has left, or the process was told to stop, which need not wait for us."""
    app = request.scope.get("app")
    if app is not None and getattr(app.state, "stopping", False):
        return True
    return await request.is_disconnected()


_EVENT_SCHEMA: dict[str, object] = {
    "type": "object",
    "required": [
        "specversion",
        "id",
        "source",
        "type",
        "time",
        "datacontenttype",
        "log",
        "position",
        "history",
        "data",
    ],
    "properties": {
        "specversion": {"const": "1.0"},
        "id": {
            "type": "string",
            "description": "The log, the history and the position: `210000/5b1e6a0c9d2f/1201`.",
        },
        "source": {"type": "string"},
        "type": {"type": "string", "description": "Pinned, with its major version."},
        "subject": {"type": "string"},
        "time": {"type": "string", "format": "date-time", "description": "When it was recorded, in UTC."},
        "datacontenttype": {"const": "application/json"},
        "dataschema": {"type": "string"},
        "sequence": {"type": "string", "description": "The position, as the CloudEvents extension."},
        "log": {"type": "string"},
        "position": {"type": "integer", "minimum": 1},
        "history": {"type": "string", "description": "The history of the log in which it was recorded."},
        "data": {"type": "object", "description": "By `type`: see the event's own schema."},
    },
}
EVENTS_SCHEMA: dict[str, object] = {"type": "array", "items": _EVENT_SCHEMA}
_HEADERS = {
    NEXT_AFTER: {
        "description": "The position to resume after; it also moves over events that are not published.",
        "schema": {"type": "integer", "minimum": 0},
    },
    HEAD: {"description": "The last position of the log.", "schema": {"type": "integer", "minimum": 0}},
    HISTORY: {
        "description": "The history these positions belong to: keep it with them, and send it back as `history`.",
        "schema": {"type": "string"},
    },
}


_scope = require("feed:read")


def feed_reader(
    may_read: Callable[[Caller, str | None], bool], refusal: type[Problem]
) -> Callable[..., object]:
    """The dependency that lets in whoever has the scope and may read the log of the path; `refusal` for others.

    `may_read` is asked with None where a path names no log.
    """

    async def reader(request: Request, caller: Annotated[Caller, Depends(_scope)]) -> Caller:
        if not may_read(caller, request.path_params.get("log")):
            raise refusal
        return caller

    return reader


def feed_router(
    databases: Databases | Callable[[], Databases],
    store: EventStore,
    logs: Callable[[], Sequence[str]],
    publish: Publish,
    source: str,
    require_dependency: Callable[..., object],
) -> Router:
    """The routes `GET /v1/logs` and `GET /v1/logs/{log}/feed` of a service.

    `databases` may be a function where they are connected only later, in the lifespan. `source` is the
    CloudEvents source of the service; `require_dependency` lets a caller in.
    """
    router = Router(prefix="/v1/logs", tags=["feed"], dependencies=[Depends(require_dependency)])

    def feeds() -> Feeds:
        return Feeds(databases() if callable(databases) else databases, store, publish, source)

    @router.get("", **struct_answer(LogList, "Every log, in order."))
    async def list_logs() -> Response:
        """The logs kept here, and the last position and the history of each."""
        found = await feeds().chains(logs())
        items = [LogHead(log, chain.head, chain.current) for log, chain in found.items()]
        body = LogList(items=items, total=len(items))
        return Response(msgspec.json.encode(body), media_type="application/json")

    @router.get(
        "/{log}/feed",
        response_class=CloudEventsResponse,
        responses={
            200: {
                "description": "A batch, empty when nothing new came in time.",
                "headers": _HEADERS,
                "content": {BATCH_TYPE: {"schema": EVENTS_SCHEMA}},
            },
            **problems(404, 409),
        },
    )
    async def read_feed(
        request: Request,
        log: str,
        after: Annotated[
            int, Query(ge=0, le=_POSITION_MAX, description="The position to resume after."), IN_DIGITS
        ] = 0,
        history: Annotated[
            str | None, Query(pattern=PATTERN, description="`Xuefen-History` as it came with that position.")
        ] = None,
        limit: Annotated[int, Query(ge=1, le=LIMIT_MAX), IN_DIGITS] = 100,
        wait: Annotated[
            int, Query(ge=0, le=WAIT_SECONDS_MAX, description="Seconds to wait for something new."), IN_DIGITS
        ] = 0,
    ) -> Response:
        """Published events of a log after a position, in order, without a gap and each once.

        Store `Xuefen-Next-After` and `Xuefen-History` with the effects of the batch, in one transaction, and ask with them
        the next time. `another-history` says that the log was restored to an earlier moment, and where to go back to.
        """
        if log not in logs():
            raise UnknownLogError
        allow_more(wait)
        page = await feeds().page(log, Mark(after, history or ""), limit, wait, request)
        return page.response()

    return router
