"""Published notices that this process judges by: read from the logs, kept in memory, refreshed when one is added, or the
word that none will come."""

import asyncio
import time
from collections.abc import Sequence

import structlog

from contracts.divisions import AUTHORITIES
from services.kit import events as codec
from services.kit.database import Connection, Databases
from services.kit.event_store import EventStore, RecordedEvent
from services.kit.observability import describe_exception
from services.ledger.policy import PolicyBook
from services.ledger.policy.book import Declaration
from services.ledger.streams.notice import (
    InStream,
    NoNoticeDeclared,
    NoNoticeWithdrawn,
    PolicyDrafted,
    PolicyPublished,
    notice_of,
    waiting_draft,
)

_log = structlog.stdlib.get_logger(__name__)

_LISTED = "select log, stream_id, version from notices where log = any($1::text[]) order by log, stream_id"


class PublishedPolicies:
    """Holds the `PolicyBook` of all authorities' notices; `book` is always complete as of the last refresh."""

    def __init__(self, databases: Databases, store: EventStore) -> None:
        self._databases = databases
        self._store = store
        self._versions: dict[tuple[str, str], int] = {}
        self._book = PolicyBook()
        self._lock = asyncio.Lock()
        self._refreshed_at = time.monotonic()

    @property
    def book(self) -> PolicyBook:
        """The notices as of the last refresh."""
        return self._book

    @property
    def age_seconds(self) -> float:
        """How long ago this process last looked for new notices and could see them all."""
        return time.monotonic() - self._refreshed_at

    async def refresh(self) -> bool:
        """Read the notices that were published since; whether there were any."""
        async with self._lock:
            changed = False
            for database, logs in self._databases.grouped(AUTHORITIES).items():
                async with database.acquire() as conn:
                    rows = await conn.fetch(_LISTED, logs)
                    fresh = [row for row in rows if self._versions.get((row[0], row[1]), 0) < row[2]]
                    for log in sorted({row[0] for row in fresh}):
                        streams = [row[1] for row in fresh if row[0] == log]
                        loaded = await self._store.load(conn, log, streams)
                        self._take(log, loaded)
                        changed = True
            self._refreshed_at = time.monotonic()
            return changed

    def _take(self, log: str, loaded: dict[str, list[RecordedEvent]]) -> None:
        for stream_id, recorded in loaded.items():
            known = self._versions.get((log, stream_id), 0)
            for event in recorded:
                if event.version <= known:
                    continue
                said = codec.decode(event.topic, event.state)
                at, position = event.recorded_at, event.position
                if isinstance(said, NoNoticeDeclared | NoNoticeWithdrawn):
                    withdrawn = isinstance(said, NoNoticeWithdrawn)
                    declared = Declaration(at, log, position, said.place, said.year, withdrawn)
                    self._book = self._book.with_declaration(declared)
                elif isinstance(said, PolicyPublished):
                    self._book = self._book.with_notice(notice_of(said), at, log, position)
                self._versions[log, stream_id] = event.version

    async def drafts(self, logs: Sequence[str]) -> list[PolicyDrafted]:
        """The drafts that wait for their publication in these logs."""
        return await drafts_of(self._databases, self._store, logs)

    async def keep_fresh(self, *, every_seconds: float = 1.0) -> None:
        """Refresh for ever; another process may publish at any time. What goes wrong is tried again: `age_seconds` tells."""
        while True:
            await asyncio.sleep(every_seconds)
            try:
                await self.refresh()
            except Exception as error:
                _log.error(
                    "policies.not_refreshed", age_seconds=self.age_seconds, **describe_exception(error)
                )


_FIND = "select version, notice_hash from notices where log = $1 and stream_id = $2"
_WRITE = """
insert into notices (log, stream_id, version, notice_hash) values ($1, $2, $3, $4)
on conflict (log, stream_id) do update
   set version = excluded.version, notice_hash = excluded.notice_hash, draft_hash = null
"""
_WRITE_DRAFT = """
insert into notices (log, stream_id, version, draft_hash) values ($1, $2, $3, $4)
on conflict (log, stream_id) do update set version = excluded.version, draft_hash = excluded.draft_hash
"""
_DRAFTS = """
select log, stream_id from notices where log = any($1::text[]) and draft_hash is not null order by log, stream_id
"""


async def find_notice(conn: Connection, log: str, stream_id: str) -> tuple[int, str | None]:
    """The version of a notice's stream and the hash of what was published last; 0 and None before the first."""
    row = await conn.fetchrow(_FIND, log, stream_id)
    return (0, None) if row is None else (row[0], row[1])


async def drafts_of(databases: Databases, store: EventStore, logs: Sequence[str]) -> list[PolicyDrafted]:
    """The drafts that wait for their publication in these logs."""
    found: list[PolicyDrafted] = []
    for database, here in databases.grouped(logs).items():
        async with database.acquire() as conn:
            rows = await conn.fetch(_DRAFTS, here)
            for log in sorted({row[0] for row in rows}):
                streams = [row[1] for row in rows if row[0] == log]
                for recorded in (await store.load(conn, log, streams)).values():
                    waiting = waiting_draft(codec.decode(event.topic, event.state) for event in recorded)
                    found += [waiting] if waiting is not None else []
    return found


async def write_notice(conn: Connection, log: str, stream_id: str, version: int, event: InStream) -> None:
    """Write what one publication or draft says; the word that none will come has no hash."""
    if isinstance(event, PolicyDrafted):
        await conn.execute(_WRITE_DRAFT, log, stream_id, version, event.notice_hash)
        return
    hash_ = event.notice_hash if isinstance(event, PolicyPublished) else None
    await conn.execute(_WRITE, log, stream_id, version, hash_)


class NoticeRows:
    """The read model: one row for every notice that was ever published, and for every word that none will come."""

    name = "notices"
    topics = frozenset(
        {PolicyDrafted.TOPIC, PolicyPublished.TOPIC, NoNoticeDeclared.TOPIC, NoNoticeWithdrawn.TOPIC}
    )
    tables: Sequence[str] = ("notices",)

    async def apply(self, conn: Connection, log: str, events: Sequence[RecordedEvent]) -> None:
        """Write the rows of these events, in order."""
        for recorded in events:
            event = codec.decode(recorded.topic, recorded.state)
            assert isinstance(event, InStream), "the topic asks for no other"
            await write_notice(conn, log, recorded.stream_id, recorded.version, event)
