"""The one write path: once by its key, and what was absent is confirmed under the counter row."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from services.kit.command import UnitOfWork, WritePath
from services.kit.database import Connection, Database, Databases
from services.kit.event_store import EventStore
from services.kit.idempotency import IdempotencyKeyReusedError
from tests.kit.bookings import NOON, SEAT_TAKEN, SeatTakenError, book, booking, key
from tests.kit.given import event, everything


class TestOnceByKey:
    async def test_a_command_is_stored_with_its_answer(
        self, path: WritePath[UnitOfWork], bookings: Database, store: EventStore, log: str
    ):
        answer = await path.execute(log, key(), booking("b1", "A1"))

        assert (answer.status, answer.body, answer.replayed) == (201, '{"booking_id":"b1"}', False)
        assert [each.stream_id for each in await everything(bookings, store, log)] == ["b1"]

    async def test_a_repeat_is_answered_from_memory_and_decides_nothing(
        self, path: WritePath[UnitOfWork], bookings: Database, store: EventStore, log: str
    ):
        await path.execute(log, key(), booking("b1", "A1"))

        again = await path.execute(log, key(), booking("b2", "A2"))

        assert (again.status, again.body, again.replayed) == (201, '{"booking_id":"b1"}', True)
        assert len(await everything(bookings, store, log)) == 1

    async def test_a_key_used_for_something_else_is_refused(self, path: WritePath[UnitOfWork], log: str):
        await path.execute(log, key(), booking("b1", "A1"))

        with pytest.raises(IdempotencyKeyReusedError):
            await path.execute(log, key(fingerprint="other"), booking("b2", "A2"))

    async def test_what_a_decision_refuses_leaves_nothing_not_even_the_key(
        self, path: WritePath[UnitOfWork], bookings: Database, store: EventStore, log: str
    ):
        await path.execute(log, key("k1"), booking("b1", "A1"))

        with pytest.raises(SeatTakenError) as refused:
            await path.execute(log, key("k2"), booking("b2", "A1"))

        assert refused.value.extensions == {"booking_id": "b1"}
        assert (await path.execute(log, key("k2"), booking("b2", "A2"))).replayed is False

    async def test_a_command_that_changes_nothing_keeps_its_answer_and_tells_nobody(
        self, path: WritePath[UnitOfWork], bookings: Database, store: EventStore, log: str
    ):
        async def nothing(unit: UnitOfWork) -> tuple[int, Any]:
            return 200, {"at": unit.now}

        with store.notifications.subscribe([log]) as growth:
            answer = await path.execute(log, key(), nothing)

            assert not growth.is_set()
        assert answer.body == '{"at":"2025-06-30T04:00:00Z"}'
        assert await everything(bookings, store, log) == []

    async def test_whoever_waits_for_the_log_is_told(
        self, path: WritePath[UnitOfWork], store: EventStore, log: str
    ):
        with store.notifications.subscribe([log]) as growth:
            await path.execute(log, key(), booking("b1", "A1"))

            assert growth.is_set()
        await store.notifications.close()

    async def test_a_rehearsal_answers_and_stores_nothing(
        self, path: WritePath[UnitOfWork], bookings: Database, store: EventStore, log: str
    ):
        async def decide(unit: UnitOfWork) -> datetime:
            await book(unit, "b1", "A1")
            await unit.commit()
            return unit.now

        assert await path.rehearse(log, decide) == NOON
        assert await everything(bookings, store, log) == []
        assert (await path.execute(log, key(), booking("b2", "A1"))).status == 201

    async def test_a_step_without_a_key_answers_what_it_decides(
        self, path: WritePath[UnitOfWork], bookings: Database, store: EventStore, log: str
    ):
        async def decide(unit: UnitOfWork) -> datetime:
            await book(unit, "b1", "A1")
            return unit.now

        assert await path.store(log, decide) == NOON
        assert len(await everything(bookings, store, log)) == 1


class TestWhatWasAbsent:
    async def test_of_two_who_found_the_same_nothing_one_is_refused(
        self, path: WritePath[UnitOfWork], bookings: Database, store: EventStore, log: str
    ):
        both_asked = asyncio.Barrier(2)
        attempts: dict[str, int] = {}

        async def decide(unit: UnitOfWork, booking_id: str) -> tuple[int, Any]:
            attempts[booking_id] = attempts.get(booking_id, 0) + 1
            await book(unit, booking_id, "A1")
            if attempts[booking_id] == 1:
                await both_asked.wait()
            return 201, {}

        answers = await asyncio.gather(
            *(
                path.execute(log, key(each), lambda unit, each=each: decide(unit, each))
                for each in ("b1", "b2")
            ),
            return_exceptions=True,
        )

        refused = [each for each in answers if isinstance(each, SeatTakenError)]
        stored = [each.stream_id for each in await everything(bookings, store, log)]
        assert len(refused) == len(stored) == 1
        assert refused[0].extensions == {"booking_id": stored[0]}
        assert sorted(attempts.values()) == [1, 2]

    async def test_two_who_want_different_things_are_both_stored_at_once(
        self, path: WritePath[UnitOfWork], bookings: Database, store: EventStore, log: str
    ):
        both_asked = asyncio.Barrier(2)

        async def decide(unit: UnitOfWork, seat: str) -> tuple[int, Any]:
            await book(unit, f"of {seat}", seat)
            await both_asked.wait()
            return 201, {}

        await asyncio.gather(
            *(
                path.execute(log, key(each), lambda unit, each=each: decide(unit, each))
                for each in ("A1", "A2")
            )
        )

        assert len(await everything(bookings, store, log)) == 2

    async def test_a_command_does_not_meet_its_own_rows(
        self, path: WritePath[UnitOfWork], bookings: Database, store: EventStore, log: str
    ):
        await path.execute(log, key("k1"), booking("b1", "A1"))

        await path.execute(log, key("k2"), booking("b1", "A1"))

        assert [each.version for each in await everything(bookings, store, log)] == [1, 2]

    async def test_whoever_holds_it_already_is_not_in_their_own_way(
        self, path: WritePath[UnitOfWork], log: str
    ):
        await path.execute(log, key("k1"), booking("b1", "A1"))

        assert (await path.execute(log, key("k2"), booking("b1", "A1"))).status == 201

    async def test_a_second_item_of_one_command_meets_the_first(self, path: WritePath[UnitOfWork], log: str):
        async def two(unit: UnitOfWork) -> tuple[int, Any]:
            await book(unit, "b1", "A1")
            await book(unit, "b2", "A1")
            return 201, {}

        with pytest.raises(SeatTakenError):
            await path.execute(log, key(), two)

    async def test_a_list_is_confirmed_item_by_item(
        self, path: WritePath[UnitOfWork], bookings: Database, store: EventStore, log: str
    ):
        asked = 0

        async def many(unit: UnitOfWork) -> tuple[int, Any]:
            nonlocal asked
            asked += 1
            for number in range(20):
                await book(unit, f"b{number}", f"seat {number}")
            if asked == 1:
                await path.execute(log, key("other"), booking("other", "seat 13"))
            return 201, {}

        with pytest.raises(SeatTakenError):
            await path.execute(log, key("many"), many)
        assert asked == 2

    async def test_many_are_asked_for_at_once_and_each_absence_is_confirmed(
        self, path: WritePath[UnitOfWork], log: str
    ):
        await path.execute(log, key("k1"), booking("b1", "A1"))
        found: list[dict[Any, str]] = []

        async def decide(unit: UnitOfWork) -> None:
            found.append(await unit.find_all(SEAT_TAKEN, [("A1", 1), ("A2", 1), ("A3", 1)]))
            if len(found) == 1:
                await path.execute(log, key("k2"), booking("b2", "A3"))
            unit.new_events.append(event("list", 1))
            assert await unit.find_all(SEAT_TAKEN, []) == {}

        await path.store(log, decide)

        assert found == [{("A1", 1): "b1"}, {("A1", 1): "b1", ("A3", 1): "b2"}]

    async def test_a_row_that_the_condition_leaves_out_is_in_nobodys_way(
        self, path: WritePath[UnitOfWork], log: str
    ):
        async def cancelled(unit: UnitOfWork) -> tuple[int, Any]:
            await book(unit, "b1", "A1", status="cancelled")
            return 201, {}

        await path.execute(log, key("k1"), cancelled)

        assert (await path.execute(log, key("k2"), booking("b2", "A1"))).status == 201

    async def test_the_same_key_of_another_log_is_in_nobodys_way(
        self, path: WritePath[UnitOfWork], log: str, new_log: Callable[[], str]
    ):
        await path.execute(new_log(), key("k1"), booking("b1", "A1"))

        assert (await path.execute(log, key("k2"), booking("b2", "A1"))).status == 201


class TestConfirmations:
    async def test_what_no_longer_holds_is_decided_again(
        self, path: WritePath[UnitOfWork], bookings: Database, store: EventStore, log: str
    ):
        looks = iter([False, True])

        async def decide(unit: UnitOfWork) -> int:
            async def look() -> bool:
                return next(looks)

            unit.new_events.append(event("s", 1))
            unit.confirm(look)
            return unit.generation or 0

        await path.store(log, decide)

        assert list(looks) == []
        assert len(await everything(bookings, store, log)) == 1

    async def test_it_looks_while_nobody_else_can_store(
        self, path: WritePath[UnitOfWork], bookings: Database, log: str
    ):
        async def decide(unit: UnitOfWork) -> None:
            async def look() -> bool:
                async with bookings.transaction() as conn:
                    row = "select from logs where log = $1 for update skip locked"
                    return await conn.fetchrow(row, log) is None

            unit.new_events.append(event("s", 1))
            unit.confirm(look)

        await path.store(log, decide)

    async def test_it_may_refuse(
        self, path: WritePath[UnitOfWork], bookings: Database, store: EventStore, log: str
    ):
        async def decide(unit: UnitOfWork) -> None:
            async def look() -> bool:
                raise SeatTakenError

            unit.new_events.append(event("s", 1))
            unit.confirm(look)

        with pytest.raises(SeatTakenError):
            await path.store(log, decide)
        assert await everything(bookings, store, log) == []

    async def test_rows_are_written_before_the_counter_row_is_taken(
        self, bookings: Database, store: EventStore, log: str
    ):
        order: list[str] = []

        class Unit(UnitOfWork):
            async def write(self) -> None:
                held = "select from logs where log = $1 for update skip locked"
                await store.open_logs(self.conn, [log])
                order.append("rows" if await self.conn.fetchrow(held, log) is not None else "late")

        async def begin_it(conn: Connection, store: EventStore, log: str, now: datetime) -> Unit:
            return Unit(conn, store, log, now)

        async def decide(unit: Unit) -> None:
            async def look() -> bool:
                order.append("confirmed")
                return True

            unit.new_events.append(event("s", 1))
            unit.confirm(look)

        await WritePath(Databases(bookings), store, lambda: NOON, begin_it).store(log, decide)

        assert order == ["rows", "confirmed"]

    async def test_a_decision_stands_on_a_generation(
        self, path: WritePath[UnitOfWork], bookings: Database, store: EventStore, log: str
    ):
        seen: list[int] = []

        async def decide(unit: UnitOfWork) -> None:
            async with bookings.acquire() as conn:
                found = await conn.fetchval("select generation from logs where log = $1", log)
            unit.generation = found or 0
            seen.append(unit.generation)
            unit.new_events.append(event("s", 1))
            if len(seen) == 1:
                await bind(bookings, store, log)

        await path.store(log, decide)

        assert seen == [0, 1]


async def bind(bookings: Database, store: EventStore, log: str) -> None:
    async with bookings.transaction() as conn:
        unit = UnitOfWork(conn, store, log, NOON)
        unit.binding = True
        unit.new_events.append(event("binding", 1))
        await unit.commit()
