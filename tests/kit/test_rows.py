"""Rows of states: found by key and column, written with their events, and rebuilt to the same bytes."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from msgspec import Struct
from msgspec.structs import replace

from services.kit.command import UnitOfWork, WritePath
from services.kit.database import Database, Databases
from services.kit.event_store import EventStore, table_sql
from services.kit.events import Event
from services.kit.rebuild import rebuild
from services.kit.rows import Entry, StateRows
from tests.conftest import FreshDatabase, FreshDatabaseFactory, outside_loop
from tests.kit.bookings import NOON, begin

TABLES = (
    (
        "shelves",
        """create table shelves (log text, room text, number int, owner text, filled_at timestamptz not null,
           version int not null, state bytea not null, primary key (log, room, number))""",
    ),
    (
        "seals",
        """create table seals (log text, code text, holder text unique, version int not null, state bytea not null,
           primary key (log, code))""",
    ),
)


class Filled(Event, frozen=True, kw_only=True):
    """Books were put on a shelf."""

    TOPIC = "test.ShelfFilled"
    books: int
    owner: str | None = None
    at: datetime


class Emptied(Event, frozen=True, kw_only=True):
    """All books were taken from a shelf."""

    TOPIC = "test.ShelfEmptied"


class Shelf(Struct, frozen=True):
    books: int
    owner: str | None
    filled_at: datetime


def evolve(shelf: Shelf | None, event: Event, _: str) -> Shelf:
    match event:
        case Filled():
            return Shelf((shelf.books if shelf else 0) + event.books, event.owner, event.at)
        case _:
            assert shelf is not None
            return replace(shelf, books=0)


SHELVES: StateRows[Shelf] = StateRows(
    "shelves",
    Shelf,
    prefix="shelf:",
    key={"room": "text", "number": "int"},
    columns={
        "owner": ("text", lambda shelf: shelf.owner),
        "filled_at": ("timestamptz", lambda shelf: shelf.filled_at),
    },
    events=(Filled, Emptied),
    evolve=evolve,
)


class Seal(Struct, frozen=True):
    holder: str | None


SEALS: StateRows[Seal] = StateRows(
    "seals",
    Seal,
    prefix="seal:",
    key={"code": "text"},
    columns={"holder": ("text", lambda seal: seal.holder)},
    events=(),
    evolve=lambda seal, event, stream_id: seal or Seal(stream_id),
    in_given_order=True,
)


async def create_tables(owner_dsn: str, partitions: int) -> None:
    owner = await asyncpg.connect(owner_dsn, server_settings={"search_path": "kit"})
    for name, ddl in TABLES:
        for statement in table_sql(name, ddl, partitions=partitions if name == "shelves" else 0):
            await owner.execute(statement)
    await owner.close()


@pytest.fixture(scope="module", params=[0, 4], ids=["plain", "partitioned"])
def tables(request: pytest.FixtureRequest, fresh_database: FreshDatabaseFactory) -> FreshDatabase:
    fresh = fresh_database("kit", partitions=request.param)
    outside_loop(lambda: create_tables(fresh.owner_dsn, request.param))
    return fresh


@pytest.fixture
async def database(tables: FreshDatabase) -> AsyncIterator[Database]:
    database = await Database.connect(tables.app_dsn, schema="kit", application_name="test", size_max=4)
    yield database
    await database.close()


@pytest.fixture
def path(database: Database, store: EventStore) -> WritePath[UnitOfWork]:
    return WritePath(Databases(database), store, lambda: NOON, begin)


def filled(books: int, *, owner: str | None = None, hours: int = 0) -> Filled:
    return Filled(books=books, owner=owner, at=NOON + timedelta(hours=hours))


async def append(
    path: WritePath[UnitOfWork], log: str, room: str, number: int, *events: Event
) -> Entry[Shelf]:
    async def decide(unit: UnitOfWork) -> Entry[Shelf]:
        entry = await SHELVES.find(unit.conn, [log], room, number)
        for each in events:
            entry = await SHELVES.append(unit, SHELVES.stream_of(room, number), entry, each)
        assert entry is not None
        return entry

    return await path.store(log, decide)


class TestReading:
    async def test_a_row_is_the_state_of_its_stream(
        self, path: WritePath[UnitOfWork], database: Database, log: str
    ):
        await append(path, log, "hall:east", 3, filled(2), filled(5, owner="Li"))

        async with database.acquire() as conn:
            found = await SHELVES.find(conn, ["elsewhere", log], "hall:east", 3)
        assert found == Entry(log, "shelf:hall:east:3", 2, Shelf(7, "Li", NOON))

    async def test_what_nothing_was_stored_under_is_absent(
        self, path: WritePath[UnitOfWork], database: Database, log: str
    ):
        await append(path, log, "hall", 1, filled(2))

        async with database.acquire() as conn:
            assert await SHELVES.find(conn, [log], "hall", 2) is None
            assert set(await SHELVES.read(conn, log, [("hall", 1), ("hall", 2), ("attic", 1)])) == {
                ("hall", 1)
            }
            assert await SHELVES.read(conn, log, []) == {}

    async def test_rows_of_another_log_are_not_found(
        self, path: WritePath[UnitOfWork], database: Database, log: str, new_log: Callable[[], str]
    ):
        other = new_log()
        await append(path, other, "hall", 1, filled(2, owner="Li"))
        first = datetime(1, 1, 1, tzinfo=UTC), ""

        async with database.acquire() as conn:
            assert await SHELVES.find(conn, [log], "hall", 1) is None
            assert await SHELVES.read(conn, log, [("hall", 1)]) == {}
            assert await SHELVES.where(conn, [log], "true") == []
            assert await SHELVES.page(conn, [log], "true", at="filled_at", after=first, limit=9) == []
            for found in (
                await SHELVES.where(conn, [log, other], "true"),
                [await SHELVES.find(conn, [log, other], "hall", 1)],
            ):
                assert [(entry.log, entry.stream_id) for entry in found if entry] == [(other, "shelf:hall:1")]

    async def test_rows_are_found_by_a_column(
        self, path: WritePath[UnitOfWork], database: Database, log: str
    ):
        for number, owner in enumerate(("Li", "Wu", "Li")):
            await append(path, log, "hall", number, filled(1, owner=owner))

        async with database.acquire() as conn:
            found = await SHELVES.where(conn, [log], "owner = $2", "Li", order="number desc")
        assert [entry.stream_id for entry in found] == ["shelf:hall:2", "shelf:hall:0"]

    async def test_a_page_goes_on_where_the_one_before_ended(
        self, path: WritePath[UnitOfWork], database: Database, log: str
    ):
        for room, hours in (("c", 0), ("a", 1), ("b", 1)):
            await append(path, log, room, 1, filled(hours + 1, owner=room, hours=hours))
        await append(path, log, "d", 1, filled(9))

        async with database.acquire() as conn:
            pages = [
                await SHELVES.page(conn, [log], "owner is not null", at="filled_at", after=after, limit=2)
                for after in ((datetime(1, 1, 1, tzinfo=UTC), ""), (NOON + timedelta(hours=1), "a"))
            ]
        assert [[shelf.owner for shelf in page] for page in pages] == [["c", "a"], ["b"]]


class TestWriting:
    async def test_rows_are_written_in_the_order_of_their_names_lest_two_writers_wait_for_each_other(
        self, path: WritePath[UnitOfWork], database: Database, log: str
    ):
        rows = [(SHELVES.stream_of("hall", number), 1, Shelf(number, None, NOON)) for number in (2, 1, 3)]

        async with database.transaction() as conn:
            await SHELVES.write(conn, log, rows)
            await SHELVES.write(conn, log, [])
            order = await conn.fetch("select number from shelves where log = $1 order by ctid", log)

        assert [row[0] for row in order] == [1, 2, 3]

    async def test_one_row_may_make_room_for_another(self, database: Database, log: str):
        async with database.transaction() as conn:
            await SEALS.write(conn, log, [("seal:b", 1, Seal(log))])
            await SEALS.write(conn, log, [("seal:b", 2, Seal(None)), ("seal:a", 1, Seal(log))])

            held = await SEALS.where(conn, [log], "holder = $2", log)
        assert [entry.stream_id for entry in held] == ["seal:a"]


class TestRebuild:
    async def test_rebuilt_rows_are_the_live_ones_byte_for_byte(
        self, path: WritePath[UnitOfWork], database: Database, store: EventStore, log: str
    ):
        for number in range(5):
            await append(path, log, "hall", number, filled(number), filled(1, owner="Wu", hours=number))
        await append(path, log, "hall", 2, Emptied())

        assert (await rebuild(database, store, SHELVES, log, inline=True)).rows_changed == 0

    async def test_a_row_that_was_lost_or_bent_is_mended(
        self, path: WritePath[UnitOfWork], database: Database, store: EventStore, log: str
    ):
        kept = [await append(path, log, "hall", number, filled(3), filled(4)) for number in range(3)]
        async with database.transaction() as conn:
            await conn.execute("delete from shelves where log = $1 and number = 0", log)
            await conn.execute("update shelves set version = 9 where log = $1 and number = 1", log)

        assert (await rebuild(database, store, SHELVES, log, inline=True, batch_max=2)).rows_changed > 0

        async with database.acquire() as conn:
            assert await SHELVES.where(conn, [log], "true") == kept
