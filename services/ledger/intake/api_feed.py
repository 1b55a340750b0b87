"""The feed of one organization: what the ledger publishes of what it reported, over the logs of all authorities."""

import asyncio
from collections.abc import Mapping
from typing import Annotated

from fastapi import Depends, Query, Request

from contracts.divisions import AUTHORITIES
from services.kit.auth import Caller, require
from services.kit.database import Databases
from services.kit.event_store import EventStore, RecordedEvent
from services.kit.feed import (
    BATCH_TYPE,
    EVENTS_SCHEMA,
    LIMIT_MAX,
    NEXT_AFTER,
    WAIT_SECONDS_MAX,
    AheadOfLogError,
    CloudEventsResponse,
    UnknownLogError,
    cloud_event,
    has_gone,
    written,
)
from services.kit.histories import AnotherHistoryError, Chain, Mark, chains
from services.kit.openapi import problems
from services.kit.parts import part
from services.kit.routers import Router
from services.kit.schemas import IN_DIGITS
from services.ledger.store.organization_events import events_of
from services.ledger.streams.problems import NotAProviderError
from services.ledger.streams.publishing import SOURCE, publish

PLACE = r"[1-9][0-9]{5}\.[1-9][0-9]{0,17}\.[0-9a-f]{12}"
CURSOR = rf"^{PLACE}(?:~{PLACE}){{0,49}}$"
_POLL_SECONDS = 0.5
_HEADERS = {NEXT_AFTER: {"description": "What to go on after.", "schema": {"type": "string"}}}

router = Router(tags=["feed"])
Reporting = require("completion:write", "enrolment:write", "filing:submit")


class OrganizationFeed:
    """Reads an organization's events; the worker finds them about a second after they are stored."""

    def __init__(self, databases: Databases, store: EventStore) -> None:
        self._databases = databases
        self._store = store

    async def check(self, after: Mapping[str, Mark]) -> dict[str, Chain]:
        """The histories of every log. Raises UnknownLogError and AheadOfLogError for places that no feed of ours can have
        given, and AnotherHistoryError, with the `after` to go back to, when a log was restored to an earlier moment.
        """
        if not after.keys() <= set(AUTHORITIES):
            raise UnknownLogError
        found: dict[str, Chain] = {}
        for database, logs in self._databases.grouped(AUTHORITIES).items():
            async with database.acquire() as conn:
                found |= await chains(conn, logs)
        back = {log: found[log].common(mark) for log, mark in after.items()}
        if any(mark.history != found[log].current for log, mark in after.items()):
            raise AnotherHistoryError(after=written_cursor(back, found))
        if any(mark.position > found[log].head for log, mark in after.items()):
            raise AheadOfLogError
        return found

    async def next(self, organization_id: str, after: Mapping[str, int], limit: int) -> list[RecordedEvent]:
        """The next stored events of an organization in order of time, those of one log in order of position."""
        found: list[RecordedEvent] = []
        for database, logs in self._databases.grouped(AUTHORITIES).items():
            async with database.acquire() as conn:
                places = {log: after.get(log, 0) for log in logs}
                found += await events_of(conn, organization_id, places, limit)
        return sorted(found, key=lambda each: (each.recorded_at, each.log, each.position))[:limit]


def written_cursor(places: Mapping[str, int], known: Mapping[str, Chain]) -> str:
    """The places reached in every log, each with its history."""
    return "~".join(f"{log}.{at}.{known[log].current}" for log, at in sorted(places.items()) if at)


@router.get(
    "/v1/feed",
    operation_id="read_own_feed",
    response_class=CloudEventsResponse,
    responses={
        200: {
            "description": "A batch, empty when nothing new came in time.",
            "headers": _HEADERS,
            "content": {BATCH_TYPE: {"schema": EVENTS_SCHEMA}},
        },
        **problems(403, 404, 409, 422),
    },
)
async def read_own_feed(
    request: Request,
    feed: Annotated[OrganizationFeed, Depends(part(OrganizationFeed))],
    caller: Annotated[Caller, Depends(Reporting)],
    after: Annotated[
        str | None, Query(pattern=CURSOR, description="`Xuefen-Next-After` of the batch before.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=LIMIT_MAX), IN_DIGITS] = 100,
    wait: Annotated[
        int, Query(ge=0, le=WAIT_SECONDS_MAX, description="Seconds to wait for something new."), IN_DIGITS
    ] = 0,
) -> CloudEventsResponse:
    """Published events of what the caller's organization reported, over all authorities, each once.

    Those of one authority come in the order of its log, all in order of time. Store `Xuefen-Next-After` with the effects
    of the batch, in one transaction, and ask with it the next time.
    """
    if caller.organization is None:
        raise NotAProviderError
    parts = [place.split(".") for place in (after or "").split("~") if place]
    known = await feed.check({log: Mark(int(position), history) for log, position, history in parts})
    places = {log: int(position) for log, position, _ in parts}
    loop = asyncio.get_running_loop()
    deadline = loop.time() + wait
    while True:
        stored = await feed.next(caller.organization, places, limit)
        places |= {each.log: each.position for each in stored}
        told = [(each, publish(each)) for each in stored]
        events = [
            cloud_event(each, said, SOURCE, known[each.log].at(each.position))
            for each, said in told
            if said is not None
        ]
        if events or (not stored and (loop.time() >= deadline or await has_gone(request))):
            return written(events, {NEXT_AFTER: written_cursor(places, known)})
        if not stored:
            await asyncio.sleep(min(_POLL_SECONDS, max(deadline - loop.time(), 0.0)))
