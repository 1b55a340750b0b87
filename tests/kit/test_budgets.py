"""Budgets of misses: shared by all processes, begun anew when their time is over, and paid for by misses alone."""

from datetime import UTC, datetime, timedelta

import pytest
import structlog
from prometheus_client import CollectorRegistry
from starlette.requests import Request

from services.kit.budgets import FRESH_SECONDS, Budget, Budgets, BudgetSpentError, address_of, budgets_from
from services.kit.database import Database

NOON = datetime(2026, 11, 30, 4, tzinfo=UTC)


@pytest.mark.parametrize(
    ("host", "payer"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("testclient", "unknown"),
    ],
)
def test_who_has_no_token_pays_by_the_address_of_their_line(host: str, payer: str) -> None:
    assert address_of(Request({"type": "http", "client": (host, 1)})) == payer
    assert address_of(Request({"type": "http"})) == "unknown"


class Process:
    """The budgets of one process, its clock and its stopwatch."""

    def __init__(self, database: Database, log: str) -> None:
        self.now, self.elapsed = NOON, 0.0
        self.metrics = CollectorRegistry()
        budgets = {"loans": Budget(misses=3, hours=1), "seats": Budget(misses=1)}
        self.budgets = Budgets(database, log, budgets, lambda: self.now, lambda: self.elapsed)
        self.budgets.count_in(self.metrics)

    async def refuses(self, caller: str, budget: str = "loans") -> int | None:
        """The seconds to wait, None for who may ask."""
        try:
            await self.budgets.check(budget, caller)
        except BudgetSpentError as refused:
            return int(refused.headers["Retry-After"])
        return None

    def count(self, name: str) -> float:
        return self.metrics.get_sample_value(name, {"budget": "loans"}) or 0


@pytest.fixture
def process(bookings: Database, log: str) -> Process:
    return Process(bookings, log)


class TestBudgets:
    async def test_refuse_after_the_last_miss_until_their_time_is_over(self, process: Process) -> None:
        await process.budgets.spend("loans", "reader", 3)
        assert await process.refuses("reader") is None
        await process.budgets.spend("loans", "reader", 1)
        assert await process.refuses("reader") == 3600
        process.now += timedelta(minutes=59)
        assert await process.refuses("reader") == 60
        process.now += timedelta(minutes=1)
        assert await process.refuses("reader") is None

    async def test_begin_anew_with_the_first_miss_after_their_time(self, process: Process) -> None:
        await process.budgets.spend("loans", "reader", 4)
        process.now += timedelta(hours=1)
        await process.budgets.spend_or_refuse("loans", "reader", 3)
        with pytest.raises(BudgetSpentError):
            await process.budgets.spend_or_refuse("loans", "reader", 1)

    async def test_of_records_refuse_nobody_and_cost_nothing_more_once_spent(self, process: Process) -> None:
        taken = [await process.budgets.take_if_left("loans", "reader") for _ in range(6)]
        assert taken == [True, True, True, False, False, False]
        assert process.count("budget_misses_total") == 4, "what is beyond is not written"
        process.now += timedelta(hours=1)
        assert await process.budgets.take_if_left("loans", "reader")

    async def test_are_forgotten_when_their_time_is_over(
        self, process: Process, bookings: Database, log: str
    ) -> None:
        for caller in ("one", "two"):
            await process.budgets.spend("loans", caller, 1)
        process.now, process.elapsed = process.now + timedelta(hours=2), 3600.0
        await process.refuses("three")
        async with bookings.acquire() as conn:
            assert await conn.fetchval("select count(*) from budgets where log = $1", log) == 0

    async def test_are_one_for_each_caller_and_kind(self, process: Process) -> None:
        await process.budgets.spend("loans", "reader", 9)
        assert await process.refuses("other") is None
        assert await process.refuses("reader", "seats") is None

    async def test_withhold_the_answer_that_would_tell_too_much(self, process: Process) -> None:
        with pytest.raises(BudgetSpentError):
            await process.budgets.spend_or_refuse("loans", "reader", 4)
        assert await process.refuses("reader") is not None

    async def test_are_shared_by_processes(self, bookings: Database, log: str, process: Process) -> None:
        other = Process(bookings, log)
        assert await other.refuses("reader") is None
        await process.budgets.spend("loans", "reader", 2)
        await other.budgets.spend("loans", "reader", 2)
        process.elapsed = FRESH_SECONDS
        assert await process.refuses("reader") is not None

    async def test_ask_the_database_no_more_often_than_that(self, process: Process) -> None:
        await process.refuses("reader")
        process.budgets._database = None  # type: ignore[assignment]
        process.elapsed = FRESH_SECONDS - 0.01
        for _ in range(3):
            await process.budgets.spend("loans", "reader", 0)
            assert await process.refuses("reader") is None

    async def test_are_counted_and_say_once_for_alarms_who_spent_one(self, process: Process) -> None:
        with structlog.testing.capture_logs() as lines:
            for _ in range(3):
                await process.budgets.spend("loans", "reader", 2)
        assert [(line["event"], line["caller"], line["budget"]) for line in lines] == [
            ("budget spent", "reader", "loans")
        ]
        await process.refuses("reader")
        assert process.count("budget_misses_total") == 6
        assert process.count("budget_refusals_total") == 1


def test_a_deployment_changes_the_budgets_that_there_are() -> None:
    defaults: dict[str, Budget] = {"loans": Budget(misses=3)}
    more = Budget(misses=9, hours=2)
    assert budgets_from({"loans": more}, defaults) == {"loans": more}
    assert budgets_from({}, defaults) == defaults
    with pytest.raises(ValueError, match="loans only"):
        budgets_from({"laons": more}, defaults)
