"""Our asynchronous event store behind the library's synchronous recorder interface, for the library's own tests."""

import asyncio
import importlib
import sys
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from threading import Thread
from typing import Any, TypeVar
from uuid import UUID

from eventsourcing import cryptography
from eventsourcing.persistence import (
    ApplicationRecorder,
    IntegrityError,
    Notification,
    ProcessRecorder,
    StoredEvent,
    Subscription,
    Tracking,
)

from services.kit.database import Connection, Database
from services.kit.event_store import EventStore, NewEvent, RecordedEvent, WrongExpectedVersion
from services.kit.projection import CheckpointError, Checkpoints

T = TypeVar("T")

# The library's tests import its older cipher module, which needs a package we do not use; the newer one has the
# same class on top of one that we do.
sys.modules.setdefault("eventsourcing.cipher", cryptography)
library: Any = importlib.import_module("eventsourcing.tests.persistence")


class Loop:
    """An event loop in a thread, with a database connected in it."""

    def __init__(self, dsn: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        connecting = Database.connect(dsn, schema="kit", application_name="test-recorder", size_max=16)
        self.database: Database = self.run(connecting)

    def run(self, task: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(task, self._loop).result()

    def close(self) -> None:
        self.run(self.database.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class SyncRecorder(ProcessRecorder):
    """Records one log. What the store refuses is the library's IntegrityError."""

    def __init__(self, loop: Loop, log: str) -> None:
        self.loop = loop
        self.log = log
        self.store = EventStore()
        self._checkpoints = Checkpoints("recorder")

    def insert_events(
        self, stored_events: Sequence[StoredEvent], *, tracking: Tracking | None = None, **_: Any
    ) -> Sequence[int] | None:
        try:
            return self.loop.run(self._insert(stored_events, tracking))
        except (WrongExpectedVersion, CheckpointError) as error:
            raise IntegrityError(str(error)) from error

    async def _insert(
        self, stored_events: Sequence[StoredEvent], tracking: Tracking | None
    ) -> Sequence[int] | None:
        events = [
            NewEvent(str(stored.originator_id), stored.originator_version, stored.topic, stored.state)
            for stored in stored_events
        ]
        async with self.loop.database.transaction() as conn:
            if tracking is not None:
                await self._track(conn, tracking)
            if not events:
                return None
            landed = await self.store.append(conn, self.log, events)
        return list(range(landed.first, landed.last + 1))

    async def _track(self, conn: Connection, tracking: Tracking) -> None:
        await self._checkpoints.advance(conn, self.log, tracking.application_name, tracking.notification_id)

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        async def load() -> list[RecordedEvent]:
            async with self.loop.database.acquire() as conn:
                streams = await self.store.load(conn, self.log, [str(originator_id)])
            return streams.get(str(originator_id), [])

        events = [
            event
            for event in self.loop.run(load())
            if (gt is None or event.version > gt) and (lte is None or event.version <= lte)
        ]
        return [
            StoredEvent(UUID(event.stream_id), event.version, event.topic, event.state)
            for event in (events[::-1] if desc else events)[:limit]
        ]

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        after = (start or 0) - (1 if start and inclusive_of_start else 0)

        async def read() -> list[RecordedEvent]:
            async with self.loop.database.acquire() as conn:
                return await self.store.read(conn, self.log, after=after, limit=limit, topics=topics)

        events = self.loop.run(read())
        return [notification(event) for event in events if stop is None or event.position <= stop]

    def max_notification_id(self) -> int | None:
        async def head() -> int:
            async with self.loop.database.acquire() as conn:
                return await self.store.head(conn, self.log)

        return self.loop.run(head()) or None

    def subscribe(
        self, gt: int | None = None, topics: Sequence[str] = ()
    ) -> Subscription[ApplicationRecorder]:
        return FollowingSubscription(self, gt, topics)

    def insert_tracking(self, tracking: Tracking) -> None:
        self.insert_events([], tracking=tracking)

    def max_tracking_id(self, application_name: str) -> int | None:
        async def get() -> int:
            async with self.loop.database.acquire() as conn:
                return await self._checkpoints.get(conn, self.log, application_name)

        return self.loop.run(get()) or None


class SyncAggregateRecorder(SyncRecorder):
    """The same without positions, as the library's tests of this kind expect none."""

    def insert_events(self, stored_events: Sequence[StoredEvent], **_: Any) -> Sequence[int] | None:
        super().insert_events(stored_events)
        return None


class FollowingSubscription(Subscription[ApplicationRecorder]):
    """The store's `follow`, one notification at a time."""

    def __init__(self, recorder: SyncRecorder, gt: int | None, topics: Sequence[str]) -> None:
        super().__init__(recorder, gt, topics)
        self._loop = recorder.loop
        self._batches = recorder.store.follow(
            recorder.loop.database, recorder.log, after=gt or 0, poll_seconds=0.01
        )
        self._waiting: list[Notification] = []

    def __next__(self) -> Notification:
        while not self._waiting and not self._has_been_stopped:
            events = self._loop.run(self._next())
            found = [notification(event) for event in events]
            self._waiting = [each for each in found if not self._topics or each.topic in self._topics]
        if self._has_been_stopped:
            raise StopIteration
        return self._waiting.pop(0)

    async def _next(self) -> list[RecordedEvent]:
        return await anext(self._batches)

    def stop(self) -> None:
        super().stop()
        with suppress(RuntimeError):
            self._loop.run(self._close())

    async def _close(self) -> None:
        await self._batches.aclose()  # type: ignore[attr-defined]


def notification(event: RecordedEvent) -> Notification:
    return Notification(UUID(event.stream_id), event.version, event.topic, event.state, event.position)
