"""Seats that commands book, for tests of the write path: a seat belongs to one booking at a time."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import asyncpg

from services.kit.budgets import budget_table_sql
from services.kit.command import Question, UnitOfWork
from services.kit.database import Connection
from services.kit.errors import Problem
from services.kit.event_store import EventStore, table_sql
from services.kit.idempotency import CommandKey, idempotency_table_sql
from tests.kit.given import event

NOON = datetime(2025, 6, 30, 4, tzinfo=UTC)
SEAT_TAKEN = Question(
    "bookings", "booking_id", {"seat": "text", "day": "int"}, where="status in ('open', 'held')"
)


class SeatTakenError(Problem):
    """Somebody else has the seat."""

    code = "seat-taken"
    status = 409
    title_zh = "座位已被占用"
    title_en = "The seat is taken"


async def create_booking_tables(owner_dsn: str, partitions: int) -> None:
    owner = await asyncpg.connect(owner_dsn, server_settings={"search_path": "kit"})
    bookings = """create table bookings (log text, booking_id text, seat text not null, day int not null,
                  status text not null, primary key (log, booking_id))"""
    numbers = "create table numbers (log text, number int, primary key (log, number))"
    try:
        for statement in (
            *table_sql("bookings", bookings, partitions=partitions),
            *table_sql("numbers", numbers, partitions=partitions),
            *idempotency_table_sql(partitions),
            *budget_table_sql(partitions),
        ):
            await owner.execute(statement)
    finally:
        await owner.close()


async def begin(conn: Connection, store: EventStore, log: str, now: datetime) -> UnitOfWork:
    """A unit of work without rows of its own."""
    return UnitOfWork(conn, store, log, now)


def key(name: str = "k1", fingerprint: str = "f") -> CommandKey:
    return CommandKey("somebody", name, fingerprint)


async def book(unit: UnitOfWork, booking_id: str, seat: str, *, status: str = "open") -> None:
    """Takes a seat, if nobody has it."""
    other = await unit.find(SEAT_TAKEN, seat, 1, besides=booking_id)
    if other is not None:
        raise SeatTakenError(booking_id=other)
    await unit.conn.execute(
        """insert into bookings values ($1, $2, $3, 1, $4)
           on conflict (log, booking_id) do update set seat = excluded.seat, status = excluded.status""",
        unit.log,
        booking_id,
        seat,
        status,
    )
    streams = await unit.store.load(unit.conn, unit.log, [booking_id])
    unit.new_events.append(event(booking_id, len(streams.get(booking_id, [])) + 1, seat.encode()))


def booking(booking_id: str, seat: str) -> Callable[[UnitOfWork], Awaitable[tuple[int, Any]]]:
    async def decide(unit: UnitOfWork) -> tuple[int, Any]:
        await book(unit, booking_id, seat)
        return 201, {"booking_id": booking_id}

    return decide
