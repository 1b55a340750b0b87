"""Scorecards as a projection: what each provider reported, by credit year and place, and what became of it, kept for its
evaluation (S2B-15)."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import NamedTuple

from msgspec import Struct

from services.kit import events as codec
from services.kit.clock import local_date
from services.kit.database import Connection
from services.kit.event_store import RecordedEvent, table_sql
from services.ledger.streams.account_events import (
    CompletionHeld,
    CreditEarned,
    CreditRevoked,
    CreditWithdrawn,
    ExamPassed,
)
from services.ledger.streams.waiting import ParkedRecordReleased, RecordParked

_SCORECARDS = """
create table scorecards (
    log text collate "C" not null,
    provider_id text collate "C" not null,
    year integer not null,
    place text collate "C" not null,
    records integer not null,
    credits numeric(16, 2) not null,
    persons integer not null,
    exam_passed integer not null,
    held integer not null,
    rejected integer not null,
    withdrawn integer not null,
    revoked integer not null,
    late integer not null,
    primary key (log, provider_id, year, place)
)"""

_PERSONS = """
create table scorecard_persons (
    log text collate "C" not null,
    provider_id text collate "C" not null,
    year integer not null,
    person_id text collate "C" not null,
    place text collate "C" not null,
    passed boolean not null,
    primary key (log, provider_id, year, person_id)
)"""

_DELAYS = """
create table scorecard_delays (
    log text collate "C" not null,
    provider_id text collate "C" not null,
    year integer not null,
    place text collate "C" not null,
    days integer not null,
    records integer not null,
    primary key (log, provider_id, year, place, days)
)"""

TABLES = {"scorecards": _SCORECARDS, "scorecard_persons": _PERSONS, "scorecard_delays": _DELAYS}


def scorecard_tables_sql(*, partitions: int = 0) -> list[str]:
    """The statements that create the tables, with an index for the scorecards of a place."""
    statements = [
        statement
        for table, ddl in TABLES.items()
        for statement in table_sql(table, ddl, partitions=partitions)
    ]
    return [*statements, "create index scorecards_of_place on scorecards (log, year, place)"]


NAME = "scorecards"
_SUMS = ("records", "credits", "persons", "exam_passed", "held", "rejected", "withdrawn", "revoked", "late")
_ADD = f"""
insert into scorecards as s (log, provider_id, year, place, {", ".join(_SUMS)})
select $1, new.* from unnest($2::text[], $3::int[], $4::text[], $5::int[], $6::numeric[], $7::int[], $8::int[],
                             $9::int[], $10::int[], $11::int[], $12::int[], $13::int[]) as new
on conflict (log, provider_id, year, place) do update
   set {", ".join(f"{name} = s.{name} + excluded.{name}" for name in _SUMS)}
"""  # noqa: S608
_DROP = f"""
delete from scorecards s using unnest($2::text[], $3::int[], $4::text[]) as k (provider, in_year, at_place)
 where s.log = $1 and s.provider_id = k.provider and s.year = k.in_year and s.place = k.at_place
   and {" and ".join(f"s.{name} = 0" for name in _SUMS)}
"""  # noqa: S608
_ADD_DELAYS = """
insert into scorecard_delays as d (log, provider_id, year, place, days, records)
select $1, new.* from unnest($2::text[], $3::int[], $4::text[], $5::int[], $6::int[]) as new
on conflict (log, provider_id, year, place, days) do update set records = d.records + excluded.records
"""
_READ_PERSONS = """
select p.provider_id, p.year, p.person_id, p.place, p.passed
  from unnest($2::text[], $3::int[], $4::text[]) as asked (provider, in_year, person)
  join scorecard_persons p
    on p.log = $1 and p.provider_id = asked.provider and p.year = asked.in_year and p.person_id = asked.person
"""
_WRITE_PERSONS = """
insert into scorecard_persons (log, provider_id, year, person_id, place, passed)
select $1, new.* from unnest($2::text[], $3::int[], $4::text[], $5::text[], $6::boolean[]) as new
on conflict (log, provider_id, year, person_id) do update set place = excluded.place, passed = excluded.passed
"""

Group = tuple[str, int, str]
"""Provider, year and place."""
Learner = tuple[str, int, str]
"""Provider, year and person."""


class Seen(NamedTuple):
    """Where a provider's learner was when a credit was last registered, and whether they passed its exam."""

    place: str
    passed: bool


class Sums(Struct):
    """What is added to a scorecard."""

    records: int = 0
    credits: Decimal = Decimal(0)
    persons: int = 0
    exam_passed: int = 0
    held: int = 0
    rejected: int = 0
    withdrawn: int = 0
    revoked: int = 0
    late: int = 0


class _Batch:
    """The effects of some events, gathered before they are written."""

    def __init__(self, log: str) -> None:
        self.log = log
        self.sums: dict[Group, Sums] = defaultdict(Sums)
        self.delays: dict[tuple[str, int, str, int], int] = defaultdict(int)
        self.seen: dict[Learner, list[Seen]] = defaultdict(list)

    def take(self, recorded: RecordedEvent) -> None:
        """Add one event. What names no place is counted for the authority itself."""
        event = codec.decode(recorded.topic, recorded.state)
        match event:
            case CreditEarned() if event.provider_id is not None:
                self._earned(event, event.provider_id)
            case CreditWithdrawn() if event.provider_id is not None:
                self.sums[event.provider_id, event.year, event.place].withdrawn += 1
            case CreditRevoked() if event.provider_id is not None:
                self.sums[event.provider_id, event.year, event.place].revoked += 1
            case ExamPassed():
                self.seen[event.provider_id, event.year, event.person_id].append(Seen("", True))
            # A record keeps its identity when it goes from one waiting to another: only the first counts.
            case CompletionHeld() if recorded.identity is not None:
                self.sums[event.provider_id, event.year, self.log].held += 1
            case RecordParked() if event.kind == "completion":
                self.sums[event.provider_id, event.year, self.log].held += 1
            case ParkedRecordReleased() if event.kind == "completion" and event.outcome == "rejected":
                self.sums[event.provider_id, event.year, self.log].rejected += 1
            case _:
                pass

    def _earned(self, event: CreditEarned, provider_id: str) -> None:
        sums = self.sums[provider_id, event.year, event.place]
        sums.records += 1
        sums.credits += event.credits
        sums.late += event.late
        took = local_date(event.registered_at) - local_date(event.completed_at)
        self.delays[provider_id, event.year, event.place, max(took.days, 0)] += 1
        self.seen[provider_id, event.year, event.person_id].append(Seen(event.place, False))

    def settle(self, before: dict[Learner, Seen]) -> dict[Learner, Seen]:
        """Count learners where they are now: rows that changed, with the sums moved from place to place."""
        changed: dict[Learner, Seen] = {}
        for learner, seen in self.seen.items():
            known = before.get(learner)
            after = known or Seen("", False)
            for each in seen:
                after = Seen(each.place or after.place, after.passed or each.passed)
            if after != known:
                changed[learner] = after
                self._move(learner, known, -1)
                self._move(learner, after, 1)
        return changed

    def _move(self, learner: Learner, seen: Seen | None, sign: int) -> None:
        if seen is not None:
            sums = self.sums[learner[0], learner[1], seen.place or self.log]
            sums.persons += sign
            sums.exam_passed += sign * seen.passed


class Scorecards:
    """Counts by provider, credit year and place; learners once each, where their last credit was registered."""

    name = NAME
    topics = frozenset(
        event.TOPIC
        for event in (
            CreditEarned,
            CreditWithdrawn,
            CreditRevoked,
            ExamPassed,
            CompletionHeld,
            RecordParked,
            ParkedRecordReleased,
        )
    )
    tables: Sequence[str] = ("scorecards", "scorecard_persons", "scorecard_delays")

    async def apply(self, conn: Connection, log: str, events: Sequence[RecordedEvent]) -> None:
        """Add what the events say of each provider."""
        batch = _Batch(log)
        for event in events:
            batch.take(event)
        before: dict[Learner, Seen] = {}
        if batch.seen:
            asked = _columns(sorted(batch.seen))
            for row in await conn.fetch(_READ_PERSONS, log, *asked):
                before[row[0], row[1], row[2]] = Seen(row[3], row[4])
        if changed := batch.settle(before):
            await conn.execute(_WRITE_PERSONS, log, *_columns((*k, *v) for k, v in sorted(changed.items())))
        if batch.sums:
            rows = ((*group, *_values(sums)) for group, sums in sorted(batch.sums.items()))
            await conn.execute(_ADD, log, *_columns(rows))
            await conn.execute(_DROP, log, *_columns(sorted(batch.sums)))
        if batch.delays:
            rows_of_delays = ((*group, records) for group, records in sorted(batch.delays.items()))
            await conn.execute(_ADD_DELAYS, log, *_columns(rows_of_delays))


def _values(sums: Sums) -> tuple[object, ...]:
    return tuple(getattr(sums, name) for name in _SUMS)


def _columns(rows: Iterable[Sequence[object]]) -> list[list[object]]:
    return [list(column) for column in zip(*rows, strict=True)]
