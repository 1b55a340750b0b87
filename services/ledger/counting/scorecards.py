"""Providers' scorecards as an official sees them for the evaluation (S2B-15), and as each provider sees its own."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from contracts.divisions import NATION
from services.kit import events as codec
from services.kit.clock import local_date
from services.kit.database import Connection, Databases
from services.kit.event_store import RecordedEvent, table_sql
from services.ledger.counting.lag import Reached, reached_by
from services.ledger.counting.standing_counts import logs_of
from services.ledger.store.profiles import reach_of
from services.ledger.streams.account_events import (
    CompletionHeld,
    CreditEarned,
    CreditRevoked,
    CreditWithdrawn,
    ExamPassed,
)
from services.ledger.streams.provider import Provider
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


_FILTER = """
 where log = any($1::text[]) and place between $2 and $3 and ($4::int is null or year = $4)
   and ($5::text is null or provider_id = $5)
"""
_OF_PLACE = f"""
select provider_id, year, sum(records)::bigint, sum(credits), sum(persons)::bigint, sum(exam_passed)::bigint,
       sum(held)::bigint, sum(rejected)::bigint, sum(withdrawn)::bigint, sum(revoked)::bigint, sum(late)::bigint
  from scorecards {_FILTER} group by provider_id, year
"""  # noqa: S608
_DELAY_SUMS = f"""
select provider_id, year, days, sum(records)::bigint from scorecard_delays {_FILTER}
 group by provider_id, year, days order by provider_id, year, days
"""  # noqa: S608
_NAMES = "select organization_id, state from providers where log = $1 and organization_id = any($2::text[])"
_decode = msgspec.json.Decoder(Provider).decode

Key = tuple[str, int]
"""A provider and a year."""


class Scorecard(Struct, frozen=True, kw_only=True):
    """What a provider reported for the people of a place and a credit year, and what became of it.

    `records` and `credits` were registered; of the records some were `withdrawn` by the provider or `revoked` by an
    authority since. `held` waited before they were registered, or wait still; `rejected` waited and were refused. Those two
    are known for an authority as a whole, and are 0 for a place under it. `late` were registered late.
    `exam_pass_share` is the share of its `persons` who passed its exam; None for nobody. `delay_days` is the median of days
    from completion to registration, `delay_days_most` what nine of ten did not exceed.
    """

    provider_id: str
    provider: str
    year: int
    records: int
    credits: Decimal
    persons: int
    held: int
    rejected: int
    withdrawn: int
    revoked: int
    late: int
    exam_passed: int
    exam_pass_share: Decimal | None
    delay_days: int | None
    delay_days_most: int | None


class ProviderStatistics(Struct, frozen=True, kw_only=True):
    """A scorecard for each provider and year, and how far they have come. What was refused at the door is stored nowhere."""

    place: str
    year: int | None
    rows: list[Scorecard]
    reached: list[Reached]


class ScorecardCounts:
    """Answers from the scorecards that the worker keeps."""

    def __init__(self, databases: Databases) -> None:
        self._databases = databases

    async def get_scorecards(
        self, place: str, year: int | None, provider_id: str | None
    ) -> ProviderStatistics:
        """The scorecards of every provider, or of one, over a place and all under it."""
        sums: dict[Key, Sums] = defaultdict(Sums)
        delays: dict[Key, dict[int, int]] = defaultdict(lambda: defaultdict(int))
        reached: list[Reached] = []
        for database, logs in self._databases.grouped(logs_of(place)).items():
            asked = (logs, *reach_of(place), year, provider_id)
            async with database.acquire() as conn:
                rows = await conn.fetch(_OF_PLACE, *asked)
                of_days = await conn.fetch(_DELAY_SUMS, *asked)
                reached += await reached_by(conn, NAME, logs)
            for row in rows:
                _add(sums[row[0], row[1]], row[2:])
            for provider, of_year, days, records in of_days:
                delays[provider, of_year][days] += records
        names = await self._names(sorted({key[0] for key in sums}))
        return ProviderStatistics(
            place=place,
            year=year,
            rows=[_scorecard(key, names.get(key[0], ""), sums[key], delays[key]) for key in sorted(sums)],
            reached=sorted(reached, key=lambda each: each.log),
        )

    async def _names(self, provider_ids: list[str]) -> dict[str, str]:
        async with self._databases.of(NATION).acquire() as conn:
            rows = await conn.fetch(_NAMES, NATION, provider_ids)
        return {row[0]: _decode(row[1]).name for row in rows}


def _add(sums: Sums, values: Any) -> None:
    (records, credits, persons, exam_passed, held, rejected, withdrawn, revoked, late) = values
    sums.records += records
    sums.credits += credits
    sums.persons += persons
    sums.exam_passed += exam_passed
    sums.held += held
    sums.rejected += rejected
    sums.withdrawn += withdrawn
    sums.revoked += revoked
    sums.late += late


def _scorecard(key: Key, name: str, sums: Sums, delays: Mapping[int, int]) -> Scorecard:
    share = (Decimal(sums.exam_passed) / sums.persons).quantize(Decimal("0.001")) if sums.persons else None
    return Scorecard(
        provider_id=key[0],
        provider=name,
        year=key[1],
        records=sums.records,
        credits=sums.credits,
        persons=sums.persons,
        held=sums.held,
        rejected=sums.rejected,
        withdrawn=sums.withdrawn,
        revoked=sums.revoked,
        late=sums.late,
        exam_passed=sums.exam_passed,
        exam_pass_share=share,
        delay_days=days_within(delays, Decimal("0.5")),
        delay_days_most=days_within(delays, Decimal("0.9")),
    )


def days_within(delays: Mapping[int, int], share: Decimal) -> int | None:
    """The fewest days within which at least this share of the records was registered; None of no records."""
    total, counted = sum(delays.values()), 0
    for days in sorted(delays):
        counted += delays[days]
        if counted >= share * total:
            return days
    return None
