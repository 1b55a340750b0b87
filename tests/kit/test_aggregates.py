"""The library's aggregates on our store."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid5

import pytest
from eventsourcing.domain import event

from services.kit.aggregates import Aggregate, AggregateNotFoundError, Aggregates, AggregateUnit, domain_event
from services.kit.command import WritePath
from services.kit.database import Connection, Database, Databases
from services.kit.errors import NotFoundError
from services.kit.event_store import EventStore, WrongExpectedVersion
from services.kit.events import DuplicateTopicError, UnknownEventError, is_known
from tests.kit.given import appended, everything
from tests.kit.given import event as new_event

NOON = datetime(2025, 6, 30, 4, tzinfo=UTC)
EVENING = datetime(2025, 6, 30, 12, tzinfo=UTC)


class Booking(Aggregate):
    """Seats on a day, for a price."""

    TOPIC = "test.Booking"

    @event("Requested", topic="test.BookingRequested")
    def __init__(self, *, number: int, day: date, price: Decimal, timestamp: datetime) -> None:
        self.number = number
        self.day = day
        self.price = price
        self.seats: list[str] = []

    @staticmethod
    def create_id(number: int) -> UUID:
        return uuid5(UUID(int=0), f"booking {number}")

    @event("SeatTaken", topic="test.BookingSeatTaken")
    def take(self, *, seat: str, timestamp: datetime) -> None:
        self.seats.append(seat)


class Pass(Aggregate, abstract=True):
    """A base of several aggregates, which is never stored."""


class Marked(Aggregate.Event):
    """A base of their events, which is none itself."""

    by: str


class DayPass(Pass):
    """Marked by whoever looks at it."""

    TOPIC = "test.DayPass"

    @event("Issued", topic="test.DayPassIssued")
    def __init__(self, *, timestamp: datetime) -> None:
        self.marks: list[str] = []

    class Stamped(Marked):
        """A mark of ink."""

        TOPIC = "test.DayPassStamped"

        def apply(self, aggregate: Any) -> None:
            aggregate.marks.append(self.by)


class Ticket(Aggregate):
    """Its event has changed shape once: `price` was `cost`."""

    TOPIC = "test.Ticket"

    class Sold(Aggregate.Created):
        TOPIC = "test.TicketSold"
        class_version = 2
        price: Decimal

        @staticmethod
        def upcast_v1_v2(state: dict[str, Any]) -> None:
            state["price"] = state.pop("cost")

    @event(Sold)
    def __init__(self, *, price: Decimal, timestamp: datetime) -> None:
        self.price = price


def booked(number: int = 1) -> Booking:
    return Booking(number=number, day=date(2025, 7, 1), price=Decimal("12.50"), timestamp=NOON)


async def without_rows(conn: Connection, log: str, events: Sequence[Any]) -> None:
    """The read models of tests that look at events alone."""


async def saved(database: Database, store: EventStore, log: str, *aggregates: Aggregate) -> None:
    async with database.transaction() as conn:
        unit = AggregateUnit(conn, store, log, NOON, without_rows)
        unit.keep(*aggregates)
        await unit.commit()


class TestKeepAndGet:
    async def test_an_aggregate_comes_back_as_it_was(self, database: Database, store: EventStore, log: str):
        booking = booked()
        booking.take(seat="A1", timestamp=EVENING)
        await saved(database, store, log, booking)

        async with database.acquire() as conn:
            again = await Aggregates(store, log).get(conn, Booking, booking.id)

        assert again == booking
        assert (again.seats, again.price, again.day) == (["A1"], Decimal("12.50"), date(2025, 7, 1))
        assert (again.created_on, again.modified_on, again.version) == (NOON, EVENING, 2)

    async def test_it_is_stored_under_pinned_names(self, database: Database, store: EventStore, log: str):
        booking = booked()
        booking.take(seat="A1", timestamp=EVENING)
        await saved(database, store, log, booking)

        stored = await everything(database, store, log)

        assert [e.topic for e in stored] == ["test.BookingRequested", "test.BookingSeatTaken"]
        assert [e.version for e in stored] == [1, 2]
        assert {e.stream_id for e in stored} == {str(booking.id)}
        assert all(b"tests.kit" not in e.state for e in stored)

    async def test_several_are_saved_together_or_not_at_all(
        self, database: Database, store: EventStore, log: str
    ):
        one, two = booked(1), booked(2)
        await saved(database, store, log, one)
        again = booked(1)

        with pytest.raises(WrongExpectedVersion):
            await saved(database, store, log, two, again)

        async with database.acquire() as conn:
            found = await Aggregates(store, log).get_all(conn, Booking, [one.id, two.id])
        assert list(found) == [one.id]

    async def test_one_of_several_kinds_is_got_by_their_base(
        self, database: Database, store: EventStore, log: str
    ):
        """The event classes of the base have no name of their own."""
        aggregates = Aggregates(store, log)
        day_pass = DayPass(timestamp=NOON)
        day_pass.trigger_event(DayPass.Stamped, by="guard", timestamp=EVENING)
        await saved(database, store, log, day_pass)
        async with database.acquire() as conn:
            found = await aggregates.get(conn, Pass, day_pass.id)
        assert isinstance(found, DayPass)
        assert found.marks == ["guard"]

    async def test_an_unknown_one_is_an_error(self, database: Database, store: EventStore, log: str):
        async with database.acquire() as conn:
            with pytest.raises(AggregateNotFoundError):
                await Aggregates(store, log).get(conn, Booking, booked().id)

    async def test_another_kind_under_the_same_id_is_an_error(
        self, database: Database, store: EventStore, log: str
    ):
        booking = booked()
        await saved(database, store, log, booking)

        async with database.acquire() as conn:
            with pytest.raises(TypeError, match="no Ticket"):
                await Aggregates(store, log).get(conn, Ticket, booking.id)

    async def test_of_two_who_decide_on_the_same_state_one_must_decide_again(
        self, database: Database, store: EventStore, log: str
    ):
        booking = booked()
        await saved(database, store, log, booking)
        aggregates = Aggregates(store, log)
        async with database.acquire() as conn:
            mine = await aggregates.get(conn, Booking, booking.id)
            yours = await aggregates.get(conn, Booking, booking.id)
        mine.take(seat="A1", timestamp=NOON)
        yours.take(seat="A1", timestamp=NOON)
        await saved(database, store, log, mine)

        with pytest.raises(WrongExpectedVersion):
            await saved(database, store, log, yours)

    async def test_saving_without_a_decision_writes_no_event_but_does_write(
        self, database: Database, store: EventStore, log: str
    ):
        booking = booked()
        await saved(database, store, log, booking)
        async with database.transaction() as conn:
            unit = AggregateUnit(conn, store, log, NOON, without_rows)
            unit.keep(booking)
            assert await unit.commit() is None
            assert await conn.fetchval("select pg_current_xact_id_if_assigned()") is not None

        assert len(await everything(database, store, log)) == 1


class TestTime:
    def test_a_command_without_a_moment_is_refused(self):
        with pytest.raises(TypeError, match="hand the moment in"):
            Booking(number=1, day=date(2025, 7, 1), price=Decimal(1), timestamp=None)  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="timestamp"):
            booked().take(seat="A1")  # type: ignore[call-arg]


class TestNames:
    def test_events_of_aggregates_are_known(self):
        assert is_known("test.BookingRequested")
        assert is_known("test.BookingSeatTaken")

    def test_an_aggregate_must_pin_its_name(self):
        with pytest.raises(TypeError, match="pins no TOPIC"):

            class Nameless(Aggregate):
                pass

    def test_so_must_its_events(self):
        with pytest.raises(TypeError, match="pins no topic"):

            class Careless(Aggregate):
                TOPIC = "test.Careless"

                @event("Opened")
                def __init__(self, *, timestamp: datetime) -> None: ...

    def test_a_name_cannot_be_taken_twice(self):
        with pytest.raises(DuplicateTopicError):

            class Copy(Aggregate):
                TOPIC = "test.Copy"

                @event("Opened", topic="test.BookingRequested")
                def __init__(self, *, timestamp: datetime) -> None: ...

    async def test_an_unknown_topic_stops_the_reading(self, database: Database, store: EventStore, log: str):
        await appended(database, store, log, new_event(str(booked().id), 1, topic="test.Nobody"))

        async with database.acquire() as conn:
            with pytest.raises(UnknownEventError):
                await Aggregates(store, log).get(conn, Booking, booked().id)


class TestVersions:
    async def test_an_older_shape_is_upcast(self, database: Database, store: EventStore, log: str):
        ticket = Ticket(price=Decimal("3.00"), timestamp=NOON)
        old = (
            b'{"timestamp":{"_type_":"datetime_iso","_data_":"2025-06-30T04:00:00+00:00"},'
            b'"originator_topic":"test.Ticket","cost":{"_type_":"decimal_str","_data_":"3.00"}}'
        )
        await appended(database, store, log, new_event(str(ticket.id), 1, old, topic="test.TicketSold"))

        async with database.acquire() as conn:
            again = await Aggregates(store, log).get(conn, Ticket, ticket.id)

        assert (again.id, again.price, again.created_on) == (ticket.id, Decimal("3.00"), NOON)

    async def test_events_can_be_read_one_by_one(self, database: Database, store: EventStore, log: str):
        await saved(database, store, log, booked())
        [stored] = await everything(database, store, log)

        assert domain_event(stored).price == Decimal("12.50")


class TestUnitOfWork:
    @pytest.fixture
    def projected(self) -> list[str]:
        return []

    @pytest.fixture
    def path(self, database: Database, store: EventStore, projected: list[str]) -> WritePath[AggregateUnit]:
        async def project(conn: Connection, log: str, events: Any) -> None:
            projected.append(" ".join(each.TOPIC for each in events))

        async def begin_it(conn: Connection, store: EventStore, log: str, now: datetime) -> AggregateUnit:
            return AggregateUnit(conn, store, log, now, project)

        return WritePath(Databases(database), store, lambda: NOON, begin_it)

    async def test_what_is_kept_is_stored_with_its_rows(
        self,
        path: WritePath[AggregateUnit],
        database: Database,
        store: EventStore,
        log: str,
        projected: list[str],
    ):
        async def place(unit: AggregateUnit) -> UUID:
            booking, ticket = booked(), Ticket(price=Decimal(1), timestamp=unit.now)
            booking.take(seat="A1", timestamp=unit.now)
            unit.keep(booking, ticket)
            return booking.id

        booking_id = await path.store(log, place)

        async with database.acquire() as conn:
            assert (await Aggregates(store, log).get(conn, Booking, booking_id)).seats == ["A1"]
        assert projected == ["test.BookingRequested test.BookingSeatTaken test.TicketSold"]

    async def test_two_who_changed_the_same_one_are_stored_one_after_the_other(
        self, path: WritePath[AggregateUnit], database: Database, store: EventStore, log: str
    ):
        async def place(unit: AggregateUnit) -> UUID:
            booking = booked()
            unit.keep(booking)
            return booking.id

        booking_id = await path.store(log, place)

        async def take(unit: AggregateUnit, seat: str) -> None:
            booking = await unit.get(Booking, booking_id)
            booking.take(seat=seat, timestamp=unit.now)
            unit.keep(booking)

        await asyncio.gather(
            *(path.store(log, lambda unit, seat=seat: take(unit, seat)) for seat in ("A1", "A2"))
        )

        async with database.acquire() as conn:
            assert sorted((await Aggregates(store, log).get(conn, Booking, booking_id)).seats) == ["A1", "A2"]

    async def test_the_id_of_something_else_is_not_found(self, path: WritePath[AggregateUnit], log: str):
        async def sell(unit: AggregateUnit) -> UUID:
            ticket = Ticket(price=Decimal(1), timestamp=unit.now)
            unit.keep(ticket)
            return ticket.id

        ticket_id = await path.store(log, sell)

        async def look(unit: AggregateUnit) -> None:
            assert await unit.get_if_any(Booking, UUID(int=1)) is None
            assert await unit.get_if_any(Booking, ticket_id) is None
            await unit.get(Booking, ticket_id)

        with pytest.raises(NotFoundError):
            await path.store(log, look)
