"""Budgets of misses: how many questions that find nothing each caller may ask in a time, over all processes together.

Nobody pays for it who finds what they ask for: a process reads the short list of those who have spent a budget once a
second, when somebody asks at all, and writes a row only for misses.
"""

import ipaddress
import math
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Annotated

import structlog
from fastapi import Depends, Request
from prometheus_client import CollectorRegistry, Counter
from pydantic import BaseModel, ConfigDict, Field

from services.kit.auth import Caller
from services.kit.clock import Clock
from services.kit.database import Connection, Database
from services.kit.errors import Problem
from services.kit.event_store import table_sql

FRESH_SECONDS = 1.0
"""How old a process's list of spent budgets may be; what it spends itself it knows at once."""

_log = structlog.stdlib.get_logger("services.kit.budgets")

_TABLE = """
create table budgets (
    log text collate "C" not null,
    budget text collate "C" not null,
    caller text collate "C" not null,
    until timestamptz not null,
    misses bigint not null,
    over boolean not null,
    primary key (log, budget, caller)
)"""
_FORGET_SECONDS = 60.0
_OVER = "delete from budgets where log = $1 and until < $2"
_SPENT = "select budget, caller, until from budgets where log = $1 and over and until > $2"
# A time that is over begins anew with the first miss after it.
_SPEND = """
insert into budgets as b (log, budget, caller, until, misses, over) values ($1, $2, $3, $4, $5::bigint, $5 > $6::bigint)
on conflict (log, budget, caller) do update
   set misses = excluded.misses + case when b.until > $7::timestamptz then b.misses else 0 end,
       over = excluded.misses + case when b.until > $7::timestamptz then b.misses else 0 end > $6,
       until = case when b.until > $7::timestamptz then b.until else excluded.until end
returning until, misses
"""


def budget_table_sql(partitions: int = 0) -> list[str]:
    """The statements that create the table of misses, hash-partitioned by log when `partitions` > 0."""
    return table_sql("budgets", _TABLE, partitions=partitions)


class Budget(BaseModel):
    """So many misses in so many hours."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    misses: int = Field(ge=1)
    hours: int = Field(default=24, ge=1, le=24 * 31)


def budgets_from(told: Mapping[str, Budget], defaults: Mapping[str, Budget]) -> dict[str, Budget]:
    """The defaults with what a deployment says otherwise. ValueError for a budget that there is not."""
    unknown = sorted(told.keys() - defaults.keys())
    if unknown:
        raise ValueError(f"there are budgets {', '.join(sorted(defaults))} only")
    return {**defaults, **told}


class BudgetSpentError(Problem):
    """The caller asked for too much that is not there; what they asked now is not answered either."""

    code = "budget-spent"
    status = 429
    title_zh = "未查到结果的请求过多，请稍后再试"
    title_en = "Too many requests that found nothing: try again later"


def within(budget: str, caller: Callable[..., Awaitable[Caller]]) -> Callable[..., Awaitable[None]]:
    """A dependency that refuses who has spent the budget. `caller` is what `require` gave for the route."""

    async def check(request: Request, who: Annotated[Caller, Depends(caller)]) -> None:
        budgets: Budgets = request.app.state.parts[Budgets]
        await budgets.check(budget, who_pays(who))

    return check


def who_pays(caller: Caller) -> str:
    """Whose budget a caller spends: all clients of an organization share one."""
    return caller.organization or caller.subject


def address_of(request: Request) -> str:
    """Where somebody without a token asks from, who pays by that: an address, or of IPv6 the network that a line is given
    (/64). Behind proxies that are trusted (`XUEFEN_HTTP_TRUSTED_PROXIES`) it is their caller's."""
    host = request.client.host if request.client is not None else ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return "unknown"
    return str(address if address.version == 4 else ipaddress.ip_network((address, 64), strict=False))


class Budgets:
    """The budgets of one service, kept in one database."""

    def __init__(
        self,
        database: Database,
        log: str,
        budgets: Mapping[str, Budget],
        clock: Clock,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._log = log
        self._budgets = budgets
        self._clock = clock
        self._elapsed = elapsed
        self._spent: dict[tuple[str, str], datetime] = {}
        self._read_at = self._forgot_at = -math.inf
        self._misses: Counter | None = None
        self._refusals: Counter | None = None

    def count_in(self, registry: CollectorRegistry) -> None:
        """Add the counters of misses and refusals, by budget, to an application's metrics."""
        self._misses = Counter(
            "budget_misses", "Questions that found nothing.", ["budget"], registry=registry
        )
        self._refusals = Counter(
            "budget_refusals", "Requests refused for a spent budget.", ["budget"], registry=registry
        )

    async def check(self, budget: str, caller: str) -> None:
        """Refuse who has spent the budget, whatever they ask. Raises BudgetSpentError."""
        now = self._clock()
        if self._elapsed() - self._read_at >= FRESH_SECONDS:
            self._read_at = self._elapsed()
            async with self._database.acquire() as conn:
                if self._elapsed() - self._forgot_at >= _FORGET_SECONDS:
                    self._forgot_at = self._elapsed()
                    await conn.execute(_OVER, self._log, now)
                rows = await conn.fetch(_SPENT, self._log, now)
            self._spent = {(row["budget"], row["caller"]): row["until"] for row in rows}
        until = self._spent.get((budget, caller))
        if until is not None and until > now:
            raise self._refusal(budget, until, now)

    async def spend(self, budget: str, caller: str, misses: int, *, conn: Connection | None = None) -> None:
        """Take misses off a budget; the answer that holds them may still be given.

        In the transaction of `conn`, when there is one.
        """
        if misses > 0:
            await self._take(budget, caller, misses, conn)

    async def spend_or_refuse(self, budget: str, caller: str, misses: int) -> None:
        """Take misses off a budget before they are told. Raises BudgetSpentError when there were not enough left."""
        if misses > 0:
            until, over = await self._take(budget, caller, misses, None)
            if over:
                raise self._refusal(budget, until, self._clock())

    async def take_if_left(self, budget: str, caller: str) -> bool:
        """Take one miss off a budget that refuses nobody; whether there was one. A spent one costs nothing more."""
        until = self._spent.get((budget, caller))
        if until is not None and until > self._clock():
            return False
        _, over = await self._take(budget, caller, 1, None)
        return not over

    async def _take(
        self, budget: str, caller: str, misses: int, conn: Connection | None
    ) -> tuple[datetime, bool]:
        now, limit = self._clock(), self._budgets[budget]
        values = (self._log, budget, caller, now + timedelta(hours=limit.hours), misses, limit.misses, now)
        if conn is None:
            async with self._database.acquire() as own:
                row = await own.fetchrow(_SPEND, *values)
        else:
            row = await conn.fetchrow(_SPEND, *values)
        assert row is not None
        if self._misses is not None:
            self._misses.labels(budget).inc(misses)
        over = row["misses"] > limit.misses
        if over:
            self._spent[budget, caller] = row["until"]
            if row["misses"] - misses <= limit.misses:
                _log.warning("budget spent", budget=budget, caller=caller, misses=row["misses"])
        return row["until"], over

    def _refusal(self, budget: str, until: datetime, now: datetime) -> BudgetSpentError:
        if self._refusals is not None:
            self._refusals.labels(budget).inc()
        problem = BudgetSpentError()
        problem.headers = {"Retry-After": str(max(1, math.ceil((until - now).total_seconds())))}
        return problem
