"""A command that lost a race, or lacks something from elsewhere, is decided again; in the end it is busy."""

from typing import Any

import asyncpg
import pytest

from services.kit.command import ATTEMPTS_MAX, PREPARATIONS_MAX, UnitOfWork, Unprepared, WritePath
from services.kit.database import Database
from services.kit.errors import BusyError
from services.kit.event_store import EventStore, WrongExpectedVersion
from tests.kit.bookings import booking, key
from tests.kit.given import appended, event, everything


class TestLostRaces:
    @pytest.mark.parametrize(
        "failure",
        [asyncpg.DeadlockDetectedError("d"), asyncpg.SerializationError("s"), WrongExpectedVersion("l")],
    )
    async def test_whoever_gives_way_decides_again(
        self, path: WritePath[UnitOfWork], bookings: Database, store: EventStore, log: str, failure: Exception
    ):
        failures = [failure]

        async def decide(unit: UnitOfWork) -> tuple[int, Any]:
            if failures:
                raise failures.pop()
            return await booking("b1", "A1")(unit)

        assert (await path.execute(log, key(), decide)).status == 201

    async def test_a_version_that_is_taken_is_decided_again(
        self, path: WritePath[UnitOfWork], bookings: Database, store: EventStore, log: str
    ):
        found: list[int] = []

        async def decide(unit: UnitOfWork) -> None:
            streams = await store.load(unit.conn, log, ["s"])
            found.append(len(streams.get("s", [])))
            if found == [0]:
                await appended(bookings, store, log, event("s", 1))
            unit.new_events.append(event("s", found[-1] + 1))

        await path.store(log, decide)

        assert found == [0, 1]

    async def test_a_row_beside_the_events_that_another_wrote_is_decided_again(
        self, path: WritePath[UnitOfWork], bookings: Database, log: str
    ):
        taken: list[int] = []

        async def decide(unit: UnitOfWork) -> int:
            highest = "select coalesce(max(number), 0) from numbers where log = $1"
            number = await unit.conn.fetchval(highest, log) + 1
            taken.append(number)
            insert = "insert into numbers values ($1, $2)"
            if len(taken) == 1:
                async with bookings.transaction() as conn:
                    await conn.execute(insert, log, number)
            await unit.conn.execute(insert, log, number)
            return int(number)

        assert await path.store(log, decide) == 2
        assert taken == [1, 2]

    async def test_whoever_always_comes_second_hears_that_it_is_busy(
        self, path: WritePath[UnitOfWork], bookings: Database, store: EventStore, log: str
    ):
        attempts = 0

        async def decide(unit: UnitOfWork) -> tuple[int, Any]:
            nonlocal attempts
            attempts += 1
            raise WrongExpectedVersion(log)

        with pytest.raises(BusyError) as busy:
            await path.execute(log, key(), decide)

        assert attempts == ATTEMPTS_MAX
        assert busy.value.headers == {"Retry-After": "1"}
        assert isinstance(busy.value.__cause__, WrongExpectedVersion)

    async def test_a_row_that_is_always_in_the_way_is_a_defect(
        self, path: WritePath[UnitOfWork], bookings: Database, log: str
    ):
        async def decide(unit: UnitOfWork) -> None:
            for _ in range(2):
                await unit.conn.execute("insert into numbers values ($1, 1)", log)

        with pytest.raises(asyncpg.UniqueViolationError):
            await path.store(log, decide)

    async def test_a_defect_is_not_tried_again(self, path: WritePath[UnitOfWork], log: str):
        attempts = 0

        async def decide(unit: UnitOfWork) -> None:
            nonlocal attempts
            attempts += 1
            raise RuntimeError("a defect")

        with pytest.raises(RuntimeError, match="a defect"):
            await path.store(log, decide)
        assert attempts == 1


class TestPreparations:
    async def test_what_is_needed_from_elsewhere_is_fetched_outside_the_transaction(
        self, path: WritePath[UnitOfWork], bookings: Database, store: EventStore, log: str
    ):
        known: set[str] = set()
        open_connections: list[int] = []

        async def learn() -> None:
            async with bookings.acquire() as conn:
                idle = """select count(*) from pg_stat_activity
                           where state = 'idle in transaction' and datname = current_database()"""
                open_connections.append(await conn.fetchval(idle))
            known.add("A1")

        async def decide(unit: UnitOfWork) -> tuple[int, Any]:
            if "A1" not in known:
                unit.new_events.append(event("lost", 1))
                raise Unprepared(learn)
            return await booking("b1", "A1")(unit)

        assert (await path.execute(log, key(), decide)).status == 201
        assert open_connections == [0]
        assert [each.stream_id for each in await everything(bookings, store, log)] == ["b1"]

    async def test_who_is_never_prepared_hears_that_it_is_busy(self, path: WritePath[UnitOfWork], log: str):
        prepared = 0

        async def prepare() -> None:
            nonlocal prepared
            prepared += 1

        async def decide(unit: UnitOfWork) -> None:
            raise Unprepared(prepare)

        with pytest.raises(BusyError):
            await path.store(log, decide)
        assert prepared == PREPARATIONS_MAX

    async def test_a_race_lost_before_is_not_what_stands_in_the_way(
        self, path: WritePath[UnitOfWork], log: str
    ):
        lost: list[Exception] = [asyncpg.UniqueViolationError("taken once")]

        async def prepare() -> None:
            pass

        async def decide(unit: UnitOfWork) -> None:
            if lost:
                raise lost.pop()
            raise Unprepared(prepare)

        with pytest.raises(BusyError):
            await path.store(log, decide)
