"""A repository of the eventsourcing library's aggregates over our event store, for commands that are not hot.

The library's mapper and transcoder cost about 40 us an event; where that is too much, use
`services.kit.events`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar
from uuid import UUID

from eventsourcing.domain import Aggregate as LibraryAggregate
from eventsourcing.domain import CanMutateAggregate
from eventsourcing.persistence import (
    DatetimeAsISO,
    DecimalAsStr,
    JSONTranscoder,
    Mapper,
    StoredEvent,
    Transcoding,
    UUIDAsHex,
)
from eventsourcing.utils import register_topic

from services.kit import events
from services.kit.command import UnitOfWork
from services.kit.errors import NotFoundError
from services.kit.event_store import EventStore, NewEvent, RecordedEvent

if TYPE_CHECKING:
    from services.kit.database import Connection

A = TypeVar("A", bound="Aggregate")


class AggregateNotFoundError(Exception):
    """No event was ever stored for this aggregate."""

    def __init__(self, cls: type, aggregate_id: UUID) -> None:
        super().__init__(f"{cls.__name__} {aggregate_id}")


class Aggregate(LibraryAggregate):
    """The library's aggregate with two habits of ours: every stored name is pinned, and time is handed in.

    A command takes the moment from its caller as a parameter named `timestamp`; the library stores it as the
    event's own time. Forgetting it is an error: the library's hidden clock is stopped.

        class Booking(Aggregate):
            TOPIC = "example.Booking"

            @event("Requested", topic="example.BookingRequested")
            def __init__(self, *, seats: int, timestamp: datetime) -> None:
                self.seats = seats

            @event("Cancelled", topic="example.BookingCancelled")
            def cancel(self, *, reason: str, timestamp: datetime) -> None:
                self.seats = 0

        booking = Booking(seats=2, timestamp=clock())

    An event with a field `identity` is stored under that identity, unique in the log for ever.

    A base of several aggregates is `abstract=True`: it pins no topic, and nothing of its own is stored.

    A new event class gets a topic; an event that changes shape gets `class_version` and
    `upcast_v1_v2(state)`.
    """

    class Event(LibraryAggregate.Event):
        """Base of the events of our aggregates."""

        @staticmethod
        def create_timestamp() -> datetime:
            """Stop the hidden clock."""
            raise TypeError("hand the moment in: give the command `timestamp=`")

    def __init_subclass__(cls, *, abstract: bool = False, **options: Any) -> None:
        if abstract:
            super().__init_subclass__(**options)
            return
        topic = cls.__dict__.get("TOPIC")
        if topic is None:
            raise TypeError(f"{cls.__qualname__} pins no TOPIC")
        # The library would ask a topic of the inherited `Created` as well, which nobody ever stores.
        del cls.TOPIC
        super().__init_subclass__(**options)
        cls.TOPIC = topic
        register_topic(topic, cls)
        for event in _own_events(cls):
            events.register(event.TOPIC, event)
            register_topic(event.TOPIC, event)

    if TYPE_CHECKING:  # an annotation would make the library turn every aggregate into a dataclass
        TOPIC: ClassVar[str]


def _own_events(cls: type[Aggregate]) -> list[type[Any]]:
    """The event classes an aggregate can store: TypeError for one that is used but has no topic."""
    found = []
    for name, value in vars(cls).items():
        if not isinstance(value, type) or not issubclass(value, CanMutateAggregate) or name == "Event":
            continue
        if getattr(value, "TOPIC", None):
            found.append(value)
        elif name != "Created":
            raise TypeError(f"{value.__qualname__} pins no topic")
    return found


class _DateAsISO(Transcoding):
    type = date
    name = "date_iso"

    def encode(self, obj: date) -> str:
        return obj.isoformat()

    def decode(self, data: str) -> date:
        return date.fromisoformat(data)


def make_mapper() -> Mapper[UUID]:
    """The library's mapper with transcodings for UUID, Decimal, datetime and date."""
    transcoder = JSONTranscoder()
    for transcoding in (UUIDAsHex(), DecimalAsStr(), DatetimeAsISO(), _DateAsISO()):
        transcoder.register(transcoding)
    return Mapper(transcoder)


_MAPPER = make_mapper()


def domain_event(recorded: RecordedEvent) -> Any:
    """The library's event object of a stored event. UnknownEventError when its topic is not registered."""
    if not events.is_known(recorded.topic):
        raise events.UnknownEventError(recorded.topic)
    return _MAPPER.to_domain_event(
        StoredEvent(recorded.stream_id, recorded.version, recorded.topic, recorded.state)
    )


class Aggregates:
    """Gets the aggregates of one log, inside the caller's transaction."""

    def __init__(self, store: EventStore, log: str) -> None:
        self._store = store
        self.log = log

    async def get(self, conn: Connection, cls: type[A], aggregate_id: UUID) -> A:
        """The aggregate rebuilt from its events. AggregateNotFoundError when there is none."""
        found = await self.get_all(conn, cls, [aggregate_id])
        if not found:
            raise AggregateNotFoundError(cls, aggregate_id)
        return found[aggregate_id]

    async def get_all(self, conn: Connection, cls: type[A], ids: Sequence[UUID]) -> dict[UUID, A]:
        """The aggregates that exist, by id, in one query."""
        streams = await self._store.load(conn, self.log, [str(each) for each in ids])
        found: dict[UUID, A] = {}
        for stream in streams.values():
            aggregate: Any = None
            for recorded in stream:
                aggregate = domain_event(recorded).mutate(aggregate)
            if not isinstance(aggregate, cls):
                raise TypeError(f"stream {stream[0].stream_id} holds no {cls.__qualname__}")
            found[aggregate.id] = aggregate
        return found


Project = Callable[["Connection", str, Sequence[Any]], Awaitable[None]]
"""Writes the rows of a log's domain events that are about to be stored, in the transaction of the connection."""


class AggregateUnit(UnitOfWork):
    """A unit of work on aggregates: get them, let them decide, and `keep` those that changed."""

    def __init__(
        self, conn: Connection, store: EventStore, log: str, now: datetime, project: Project
    ) -> None:
        super().__init__(conn, store, log, now)
        self._aggregates = Aggregates(store, log)
        self._project = project
        self._kept: list[Any] = []

    async def get(self, cls: type[A], aggregate_id: UUID) -> A:
        """The aggregate as it stands. NotFoundError for an id that is not there, or is something else's."""
        found = await self.get_if_any(cls, aggregate_id)
        if found is None:
            raise NotFoundError
        return found

    async def get_if_any(self, cls: type[A], aggregate_id: UUID) -> A | None:
        """The aggregate as it stands, None when nothing of this kind has the id; its first event is guarded by
        its version.
        """
        found = (await self._aggregates.get_all(self.conn, Aggregate, [aggregate_id])).get(aggregate_id)
        return found if isinstance(found, cls) else None

    async def get_all(self, cls: type[A], ids: Sequence[UUID]) -> dict[UUID, A]:
        """Those that are there, by id, in one query. TypeError for an id of something else."""
        return await self._aggregates.get_all(self.conn, cls, ids)

    def keep(self, *aggregates: Aggregate) -> None:
        """Store what the aggregates have decided up to now, in this order."""
        for aggregate in aggregates:
            decided = tuple(aggregate.collect_events())
            self._kept += decided
            self.new_events += [
                _new_event(_MAPPER.to_stored_event(each), getattr(each, "identity", None)) for each in decided
            ]

    async def write(self) -> None:
        """Write the rows of what was kept, in the order in which it was decided."""
        await self._project(self.conn, self.log, self._kept)


def _new_event(stored: StoredEvent, identity: str | None) -> NewEvent:
    return NewEvent(
        str(stored.originator_id), stored.originator_version, stored.topic, stored.state, identity
    )
