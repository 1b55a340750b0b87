"""Quotas: how many requests each client may send in a time, over all processes together, and how many are left.

A request costs no question to the database: each process counts what it serves, and once a second adds it up with the
others in the table of budgets. So a client of several processes may get a second's worth more than its quota.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import structlog
from pydantic import BaseModel, ConfigDict, Field
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.kit.auth import Caller
from services.kit.clock import Clock
from services.kit.database import OUTCOME_UNKNOWN, Database
from services.kit.errors import Problem, problem_response
from services.kit.failures import NOTHING_STORED

SHARED_SECONDS = 1.0
"""How old a process's knowledge of what the others served may be."""
NAME = "requests"
_ADD = """
insert into budgets as b (log, budget, caller, until, misses, over)
select $1, $2, each.caller, each.until, each.served, false
  from unnest($3::text[], $4::timestamptz[], $5::bigint[]) as each (caller, until, served) order by each.caller
on conflict (log, budget, caller) do update
   set misses = excluded.misses + case when b.until > $6::timestamptz then b.misses else 0 end,
       until = case when b.until > $6::timestamptz then b.until else excluded.until end
returning caller, until, misses
"""

_log = structlog.stdlib.get_logger("services.kit.quotas")


class Quota(BaseModel):
    """So many requests in so many seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    requests: int = Field(ge=1)
    seconds: int = Field(default=60, ge=1, le=86_400)


class QuotaTerms(BaseModel):
    """The quota of each client of an organization, and of single clients by their id; without one there is no limit."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    organizations: Quota | None = None
    clients: dict[str, Quota] = Field(default_factory=dict)

    def of(self, caller: Caller) -> Quota | None:
        """The quota of a caller."""
        own = self.clients.get(caller.subject)
        return own or (self.organizations if caller.organization is not None else None)


class QuotaSpentError(Problem):
    """The client sent as many requests as it may; none was looked at."""

    code = "quota-spent"
    status = 429
    title_zh = "请求过于频繁，请稍后再试"
    title_en = "Too many requests: try again later"


class _Served:
    """What is known of one client in the running time: what all processes served, and what we did since we asked."""

    def __init__(self, until: datetime) -> None:
        self.until = until
        self.shared = 0
        self.own = 0


class Quotas:
    """The quotas of one service, shared through one database that has the table of budgets."""

    def __init__(
        self,
        database: Database,
        log: str,
        terms: QuotaTerms,
        clock: Clock,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._log = log
        self._terms = terms
        self._clock = clock
        self._elapsed = elapsed
        self._served: dict[str, _Served] = {}
        self._shared_at = elapsed()
        self._sharing: asyncio.Task[None] | None = None

    def take(self, caller: Caller) -> Mapping[str, str]:
        """Count one request; the headers that say what is left, none for who has no quota. Raises QuotaSpentError."""
        quota = self._terms.of(caller)
        if quota is None:
            return {}
        now = self._clock()
        served = self._served.get(caller.subject)
        if served is None or served.until <= now:
            served = self._served[caller.subject] = _Served(now + timedelta(seconds=quota.seconds))
        left = quota.requests - served.shared - served.own
        until = max(1, math.ceil((served.until - now).total_seconds()))
        headers = {
            "RateLimit-Policy": f'"{NAME}";q={quota.requests};w={quota.seconds}',
            "RateLimit": f'"{NAME}";r={max(left - 1, 0)};t={until}',
        }
        if left <= 0:
            problem = QuotaSpentError()
            problem.headers = {"Retry-After": str(until), **headers}
            raise problem
        served.own += 1
        if self._elapsed() - self._shared_at >= SHARED_SECONDS and self._sharing is None:
            self._sharing = asyncio.ensure_future(self._share_guarded())
        return headers

    async def share(self) -> None:
        """Add what this process served to what all did, and learn what that is."""
        now = self._clock()
        self._shared_at = self._elapsed()
        self._served = {caller: each for caller, each in self._served.items() if each.until > now}
        served = {caller: (each, each.own) for caller, each in self._served.items() if each.own}
        if not served:
            return
        callers = list(served)
        async with self._database.acquire() as conn:
            rows = await conn.fetch(
                _ADD,
                self._log,
                NAME,
                callers,
                [served[each][0].until for each in callers],
                [served[each][1] for each in callers],
                now,
            )
        for row in rows:
            each, added = served[row["caller"]]
            each.own -= added
            each.shared, each.until = row["misses"], row["until"]

    async def _share_guarded(self) -> None:
        """What a database does not answer is added up the next time."""
        try:
            await self.share()
        except (*OUTCOME_UNKNOWN, *NOTHING_STORED) as error:
            _log.warning("quotas.not_shared", error=type(error).__name__)
        finally:
            self._sharing = None

    async def close(self) -> None:
        """Wait for what is being added up."""
        if self._sharing is not None:
            await self._sharing


class QuotaMiddleware:
    """Behind the authentication, ahead of everything else: counts requests by `app.state.quotas`, where there are any, and
    says in every answer to a client with a quota what is left of it (`RateLimit`, draft-ietf-httpapi-ratelimit-headers)."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or answer 429."""
        quotas: Quotas | None = getattr(scope["app"].state, "quotas", None)
        caller: Caller | None = scope.get("state", {}).get("caller")
        if quotas is None or caller is None:
            await self.app(scope, receive, send)
            return
        try:
            headers = quotas.take(caller)
        except QuotaSpentError as problem:
            await problem_response(problem, scope)(scope, receive, send)
            return
        if not headers:
            await self.app(scope, receive, send)
            return

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(headers)
            await send(message)

        await self.app(scope, receive, told)
