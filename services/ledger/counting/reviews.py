"""Reviews that wait in a place, and what of them is late: from rows of claims, filings and rosters, as of now."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Literal

from msgspec import Struct

from services.kit.clock import Clock, UnknownYear, add_working_days, local_date
from services.kit.database import Databases
from services.ledger.counting.standing_counts import child_of, label_of, logs_of
from services.ledger.store.profiles import reach_of
from services.ledger.store.published_policies import PublishedPolicies

Kind = Literal["claim", "filing", "roster"]

_WAITING = """
select place, (convert_from(state, 'UTF8')::json ->> 'year')::int, (at at time zone 'Asia/Shanghai')::date, status,
       count(*)
  from (select place, state, {since} as at, status from {table}
         where log = any($1::text[]) and status = any($4::text[]) and place between $2 and $3) as waiting
 group by 1, 2, 3, 4
"""


class _Queue(Struct, frozen=True):
    """The rows of one kind of case: which statuses wait for a reviewer, which for who handed in, and what limits them."""

    kind: Kind
    table: str
    since: str
    reviewer: tuple[str, ...]
    submitter: tuple[str, ...]
    limit: str

    @property
    def statement(self) -> str:
        """Counts by place, year, day and status."""
        return _WAITING.format(table=self.table, since=self.since)


_QUEUES = (
    _Queue("claim", "claims", "submitted_at", ("submitted", "accepted"), ("returned",), "claim_review"),
    _Queue("filing", "filings", "submitted_at", ("submitted",), ("returned",), "filing_approval"),
    _Queue("roster", "rosters", "uploaded_at", ("open",), (), "roster_review"),
)


class ReviewBacklog(Struct, frozen=True, kw_only=True):
    """What waits in a place for a decision. `own`: of the place itself, and of none under it.

    `waiting` are with the reviewers, `returned` with those who handed them in. Where the notice sets working days for the
    decision (the day of handing in is day 0, B-18), `late` are past the last of them and `due_today` on it, and `next_due`
    is the nearest last day that has not passed; `unlimited` have no limit, or one that reaches into a year whose working
    days are not announced. `oldest` is the day on which the longest waiting was handed in.
    """

    kind: Kind
    place: str
    name: str
    own: bool
    waiting: int
    late: int
    due_today: int
    unlimited: int
    returned: int
    oldest: date | None
    next_due: date | None


class ReviewStatistics(Struct, frozen=True, kw_only=True):
    """The backlog of each kind by the places just under one, as of now, on a day."""

    place: str
    on: date
    rows: list[ReviewBacklog]


class _Sum(Struct):
    waiting: int = 0
    late: int = 0
    due_today: int = 0
    unlimited: int = 0
    returned: int = 0
    oldest: date | None = None
    next_due: date | None = None


class ReviewCounts:
    """Answers from the rows themselves, which are written with their events: nothing lags."""

    def __init__(self, databases: Databases, policies: PublishedPolicies, clock: Clock) -> None:
        self._databases = databases
        self._policies = policies
        self._clock = clock

    async def get_reviews(self, place: str) -> ReviewStatistics:
        """What waits in a place and all under it, by kind and child of the place."""
        today = local_date(self._clock())
        sums: dict[tuple[Kind, str], _Sum] = defaultdict(_Sum)
        for database, logs in self._databases.grouped(logs_of(place)).items():
            async with database.acquire() as conn:
                for queue in _QUEUES:
                    statuses = [*queue.reviewer, *queue.submitter]
                    rows = await conn.fetch(queue.statement, logs, *reach_of(place), statuses)
                    for inner, year, day, status, count in rows:
                        found = sums[queue.kind, child_of(place, inner)]
                        if status in queue.submitter:
                            found.returned += count
                        else:
                            _wait(found, day, self._due(queue, inner, year, day), today, count)
        return ReviewStatistics(place=place, on=today, rows=_rows(place, sums))

    def _due(self, queue: _Queue, place: str, year: int, day: date) -> date | UnknownYear | None:
        """The last day of the limit that the place's notice sets; None where it sets none."""
        policy = self._policies.book.resolve(place, year)
        limit = policy.settings.get(f"time_limit.{queue.limit}") if policy is not None else None
        return add_working_days(day, limit.value.working_days) if limit is not None else None


def _wait(found: _Sum, day: date, due: date | UnknownYear | None, today: date, count: int) -> None:
    found.waiting += count
    found.oldest = min(day, found.oldest or day)
    if due is None or isinstance(due, UnknownYear):
        found.unlimited += count
    elif due < today:
        found.late += count
    else:
        found.due_today += count if due == today else 0
        found.next_due = min(due, found.next_due or due)


def _rows(place: str, sums: Mapping[tuple[Kind, str], _Sum]) -> list[ReviewBacklog]:
    order: Sequence[Kind] = [queue.kind for queue in _QUEUES]
    return [
        ReviewBacklog(
            kind=kind,
            place=inner,
            name=label_of(inner),
            own=inner == place,
            waiting=found.waiting,
            late=found.late,
            due_today=found.due_today,
            unlimited=found.unlimited,
            returned=found.returned,
            oldest=found.oldest,
            next_due=found.next_due,
        )
        for (kind, inner), found in sorted(
            sums.items(), key=lambda item: (order.index(item[0][0]), item[0][1])
        )
    ]
