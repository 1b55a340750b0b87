"""Trials of drafts as jobs: what one would change, for whom, and what becomes of a bureau's stories. The worker works them
off, with progress, and gives up those that are cancelled."""

import asyncio
import uuid
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar, Literal

import msgspec
import structlog
from msgspec import Struct

from contracts.divisions import AUTHORITIES, NATION, authority_of, contains
from services.kit.clock import Clock
from services.kit.database import OUTCOME_UNKNOWN, Databases
from services.kit.errors import Problem
from services.kit.event_store import table_sql
from services.kit.failures import NOTHING_STORED
from services.kit.observability import describe_exception
from services.ledger.counting.simulation import simulate
from services.ledger.policy import Notice, PolicyBook, Sourced, parse_notice
from services.ledger.policy.difference import Change, compare_books
from services.ledger.policy.document.meaning import setting_words, value_words
from services.ledger.scenarios.beginnings import Shelf
from services.ledger.scenarios.scenario_file import read_scenarios
from services.ledger.scenarios.trial import try_scenarios
from services.ledger.store.published_policies import PublishedPolicies

_log = structlog.stdlib.get_logger(__name__)

TrialKind = Literal["difference", "simulation", "scenarios"]
TrialState = Literal["waiting", "running", "done", "cancelled", "failed"]
UNDER_WAY_MAX = 3
"""So many trials of a place may wait or run at a time."""
KEPT = timedelta(days=7)
_SILENT = timedelta(seconds=60)
"""A trial of which nothing was heard for so long is taken up by another process."""
_TELL_SECONDS = 0.5
_IDLE_SECONDS = 1.0
_DIFFERENCES_MAX = 500

_TABLE = """
create table policy_trials (
    log text collate "C" not null,
    trial_id text collate "C" not null,
    place text collate "C" not null,
    state text collate "C" not null,
    requested_at timestamptz not null,
    heard_at timestamptz not null,
    done integer not null,
    total integer not null,
    asked bytea not null,
    result bytea,
    primary key (log, trial_id)
)"""


def trial_tables_sql(*, partitions: int = 0) -> list[str]:
    """The statements that create `policy_trials`: work to do, no read model of the log."""
    return table_sql("policy_trials", _TABLE, partitions=partitions)


_UNDER_WAY = """
select count(*) from policy_trials where log = $1 and place = $2 and state in ('waiting', 'running')
"""
_FORGET = "delete from policy_trials where log = $1 and requested_at < $2"
_ASK = """
insert into policy_trials (log, trial_id, place, state, requested_at, heard_at, done, total, asked)
values ($1, $2, $3, 'waiting', $4, $4, 0, 0, $5)
"""
_GET = """
select place, state, requested_at, done, total, asked, result from policy_trials where log = $1 and trial_id = $2
"""
_WAITING = """
select log, trial_id from policy_trials
 where log = any($1::text[]) and (state = 'waiting' or (state = 'running' and heard_at < $2))
 order by requested_at limit 1
"""
_TAKE = """
update policy_trials set state = 'running', heard_at = $3
 where log = $1 and trial_id = $2 and (state = 'waiting' or (state = 'running' and heard_at < $4))
 returning place, asked
"""
_TELL = """
update policy_trials set heard_at = $3, done = $4, total = $5
 where log = $1 and trial_id = $2 and state = 'running' returning 1
"""
_END = """
update policy_trials set state = $3, heard_at = $4, result = $5, done = total
 where log = $1 and trial_id = $2 and state = 'running'
"""
_CANCEL = """
update policy_trials set state = 'cancelled', heard_at = $3
 where log = $1 and trial_id = $2 and state in ('waiting', 'running')
"""


class NoTrialError(Problem):
    """There is no such trial, or it is of a place that is not the caller's: both are answered alike."""

    code: ClassVar[str] = "no-trial"
    status: ClassVar[int] = 404
    title_zh: ClassVar[str] = "没有此项试算"
    title_en: ClassVar[str] = "There is no such trial"


class TrialsUnderWayError(Problem):
    """As many trials of the place are under way as may be: wait for one, or cancel it."""

    code: ClassVar[str] = "trials-under-way"
    status: ClassVar[int] = 409
    title_zh: ClassVar[str] = "本地正在进行的试算已达上限"
    title_en: ClassVar[str] = "As many trials of the place are under way as may be"


class TrialTerms(Struct, frozen=True):
    """What is to be tried: the text of the notice, and what of it."""

    kind: TrialKind
    text: str
    document: str
    on: date
    scenarios: str | None = None


class Trial(Struct, frozen=True, kw_only=True):
    """A trial as it stands: of `total` persons or stories, `done` were looked at. `result` is there when it is done."""

    trial_id: str
    kind: TrialKind
    place: str
    document: str
    state: TrialState
    requested_at: datetime
    done: int
    total: int
    result: msgspec.Raw | None = None


class PolicyTrials:
    """Asks for trials, tells of them, and works them off."""

    def __init__(self, databases: Databases, policies: PublishedPolicies, clock: Clock) -> None:
        self._databases = databases
        self._policies = policies
        self._clock = clock

    async def ask(self, place: str, asked: TrialTerms) -> Trial:
        """Put a trial of a place's notice into the queue. Raises TrialsUnderWayError."""
        log, trial_id, now = authority_of(place), str(uuid.uuid4()), self._clock()
        async with self._databases.of(log).acquire() as conn, conn.transaction():
            await conn.execute(_FORGET, log, now - KEPT)
            if await conn.fetchval(_UNDER_WAY, log, place) >= UNDER_WAY_MAX:
                raise TrialsUnderWayError
            await conn.execute(_ASK, log, trial_id, place, now, msgspec.json.encode(asked))
        return await self.get(place, trial_id)

    async def get(self, within: str, trial_id: str) -> Trial:
        """A trial of a place within the caller's. Raises NoTrialError."""
        for log in _logs(within):
            async with self._databases.of(log).acquire() as conn:
                row = await conn.fetchrow(_GET, log, trial_id)
            if row is not None and contains(within, row[0]):
                asked = msgspec.json.decode(row[5], type=TrialTerms)
                return Trial(
                    trial_id=trial_id,
                    kind=asked.kind,
                    place=row[0],
                    document=asked.document,
                    state=row[1],
                    requested_at=row[2],
                    done=row[3],
                    total=row[4],
                    result=None if row[6] is None else msgspec.Raw(row[6]),
                )
        raise NoTrialError

    async def cancel(self, within: str, trial_id: str) -> Trial:
        """Give a trial up; one that is over stays as it is. Raises NoTrialError."""
        known = await self.get(within, trial_id)
        log = authority_of(known.place)
        async with self._databases.of(log).acquire() as conn:
            await conn.execute(_CANCEL, log, trial_id, self._clock())
        return await self.get(within, trial_id)

    async def run(self) -> None:
        """Work off what is asked, until cancelled. What goes wrong outside a trial is tried again later."""
        while True:
            try:
                busy = await self.work()
            except (*OUTCOME_UNKNOWN, *NOTHING_STORED) as error:
                _log.warning("policy trials could not be looked at", **describe_exception(error))
                busy = False
            if not busy:
                await asyncio.sleep(_IDLE_SECONDS)

    async def work(self) -> bool:
        """Work off one trial; whether there was any."""
        silent = self._clock() - _SILENT
        for database, logs in self._databases.grouped(AUTHORITIES).items():
            async with database.acquire() as conn:
                found = await conn.fetchrow(_WAITING, logs, silent)
                taken = (
                    await conn.fetchrow(_TAKE, found[0], found[1], self._clock(), silent) if found else None
                )
            if found is not None and taken is not None:
                await self._work_off(found[0], found[1], msgspec.json.decode(taken[1], type=TrialTerms))
                return True
        return False

    async def _work_off(self, log: str, trial_id: str, asked: TrialTerms) -> None:
        so_far = _SoFar()
        working = asyncio.create_task(self._result(asked, so_far))
        try:
            while not working.done():
                await asyncio.wait((working,), timeout=_TELL_SECONDS)
                if not working.done() and not await self._tell(log, trial_id, so_far):
                    return
            state, result = "done", working.result()
        except (*OUTCOME_UNKNOWN, *NOTHING_STORED):
            raise
        except Exception as error:
            _log.error("policy trial failed", trial_id=trial_id, **describe_exception(error))
            state, result = "failed", None
        finally:
            if not working.done():
                working.cancel()
                with suppress(asyncio.CancelledError):
                    await working
        await self._tell(log, trial_id, so_far)
        async with self._databases.of(log).acquire() as conn:
            await conn.execute(_END, log, trial_id, state, self._clock(), result)

    async def _tell(self, log: str, trial_id: str, so_far: "_SoFar") -> bool:
        """Keep how far it has come; whether it is still wanted."""
        done, total = so_far.sums()
        async with self._databases.of(log).acquire() as conn:
            return await conn.fetchval(_TELL, log, trial_id, self._clock(), done, total) is not None

    async def _result(self, asked: TrialTerms, so_far: "_SoFar") -> bytes:
        await self._policies.refresh()
        book = self._policies.book
        draft = await asyncio.to_thread(parse_notice, asked.text)
        if asked.kind == "simulation":
            found: object = await simulate(self._databases, book, draft, on=asked.on, progress=so_far.tell)
        elif asked.kind == "difference":
            found = await asyncio.to_thread(_differences, book, draft)
        else:
            found = await asyncio.to_thread(_tried, book, draft, asked.scenarios or "", so_far)
        plain = msgspec.to_builtins(found, builtin_types=(Decimal,), order="deterministic")
        return msgspec.json.encode(plain)


class _SoFar:
    """How far a trial has come, log by log."""

    def __init__(self) -> None:
        self._by_log: dict[str, tuple[int, int]] = {}

    def tell(self, log: str, done: int, total: int) -> None:
        self._by_log[log] = done, max(done, total)

    def sums(self) -> tuple[int, int]:
        said = list(self._by_log.values())
        return sum(done for done, _ in said), sum(total for _, total in said)


def _logs(within: str) -> Sequence[str]:
    return AUTHORITIES if within == NATION else (authority_of(within),)


def _with(book: PolicyBook, draft: Notice) -> PolicyBook:
    latest = max((entry.recorded_at for entry in book), default=datetime(2000, 1, 1, tzinfo=UTC))
    return book.with_notice(draft, latest + timedelta(microseconds=1), authority_of(draft.place), 1)


def _differences(book: PolicyBook, draft: Notice) -> dict[str, Any]:
    """What changes, setting by setting; values that stay and are said elsewhere are left out."""
    replaced = [e.notice for e in book if (e.notice.place, e.notice.id) == (draft.place, draft.id)]
    found = compare_books(book, _with(book, draft), (draft, *replaced))
    told = [
        {
            "place": each.place,
            "year": each.year,
            "governed_before": each.before is not None,
            "governed_after": each.after is not None,
            "changes": [_worded(change) for change in each.changes if change.kind != "restated"],
        }
        for each in found[:_DIFFERENCES_MAX]
    ]
    return {"differences": told, "left_out": max(0, len(found) - _DIFFERENCES_MAX)}


def _worded(change: Change) -> dict[str, Any]:
    zh, en = setting_words(change.setting)
    return {
        "setting": change.setting,
        "setting_zh": zh,
        "setting_en": en,
        "kind": change.kind,
        "before": _side(change.before),
        "after": _side(change.after),
    }


def _side(sourced: Sourced[Any] | None) -> dict[str, Any] | None:
    if sourced is None:
        return None
    zh, en = value_words(sourced.value)
    return {
        "text_zh": zh,
        "text_en": en,
        "value": sourced.value,
        "clause": sourced.clause,
        "document": sourced.document,
        "place": sourced.place,
    }


def _tried(book: PolicyBook, draft: Notice, scenarios: str, so_far: _SoFar) -> dict[str, Any]:
    read = read_scenarios(scenarios, "scenarios")
    shelf = Shelf(entry.notice for entry in _with(book, draft))
    tried = try_scenarios(read, shelf, lambda done, total: so_far.tell("", done, total))
    return {"tried": tried, "differing": sum(bool(each.differs) for each in tried)}
