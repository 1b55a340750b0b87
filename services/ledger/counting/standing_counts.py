"""Counts of persons who owe a year, have met it, or have not: by place and year, and by the day on which they met it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from msgspec import Struct

from contracts.divisions import AUTHORITIES, NATION, UnknownDivisionError, authority_of, chain_of, name_of
from services.kit.database import Databases
from services.ledger.counting.lag import Reached, judged_by
from services.ledger.counting.standing_projection import NAME
from services.ledger.store.profiles import reach_of
from services.ledger.streams.problems import PlaceTooWideError


def logs_of(place: str) -> Sequence[str]:
    """The logs that hold the people of a place: all of them for the nation, else that of its authority."""
    return AUTHORITIES if place == NATION else (authority_of(place),)


def child_of(place: str, inner: str) -> str:
    """The place just under the one asked about that holds the inner one.

    Whoever belongs to the place itself and to none under it is counted as its own child, so that the sum of the
    children is the place's own.
    """
    if inner == place:
        return inner
    chain = chain_of(inner)
    return chain[chain.index(place) - 1] if place in chain else inner


def label_of(place: str) -> str:
    """The place's own name, or its code where it has none."""
    try:
        return name_of(place)
    except UnknownDivisionError:
        return place


OWING = ("compliant", "in_progress", "deficient", "undecided")
"""The statuses of those who owe the year."""

_COUNTS = """
select year, case when $2 then log else place end as at_place, status, sum(persons)::bigint, sum(made_up)::bigint,
       sum(late)::bigint, sum(provisional)::bigint, sum(credits)
  from standing_counts
 where log = any($1::text[]) and place between $3 and $4 and ($5::int is null or year = $5)
 group by 1, 2, 3
"""
_MET = """
select case when met_on < $5 then null else met_on end as day, sum(persons)::bigint, sum(made_up)::bigint
  from standings_met
 where log = any($1::text[]) and place between $2 and $3 and year = $4 and ($6::date is null or met_on <= $6)
 group by 1
"""


class PlaceStandings(Struct, frozen=True, kw_only=True):
    """The people of a place by the status of a year. `own`: of the place itself, and of none under it.

    `obliged` owe the year: they are `compliant`, `in_progress`, `deficient`, or `undecided` until a notice is out.
    `provisional` are those of all whose year the nation's rule judges until then (B-20), `made_up` those of the compliant
    who met the year with make-up study, `late` those with something registered late. `credits` count for the year.
    """

    year: int
    place: str
    name: str
    own: bool
    persons: int
    obliged: int
    compliant: int
    in_progress: int
    deficient: int
    undecided: int
    provisional: int
    made_up: int
    exempt: int
    not_required: int
    no_policy: int
    late: int
    credits: Decimal


class StandingStatistics(Struct, frozen=True, kw_only=True):
    """Counts of the places just under one, each year's sum, and how far they have come."""

    place: str
    year: int | None
    rows: list[PlaceStandings]
    totals: list[PlaceStandings]
    reached: list[Reached]


class DayMet(Struct, frozen=True, kw_only=True):
    """How many met the year on a day by what was registered on it, and how many had met it by its end."""

    day: date
    persons: int
    made_up: int
    so_far: int


class MetSeries(Struct, frozen=True, kw_only=True):
    """The days on which the people of a place met a year, as it stands today; `before` had met it before the first day."""

    place: str
    year: int
    day_from: date | None
    day_to: date | None
    before: int
    rows: list[DayMet]
    reached: list[Reached]


class _Sum(NamedTuple):
    persons: int = 0
    made_up: int = 0
    late: int = 0
    provisional: int = 0
    credits: Decimal = Decimal("0.00")

    def plus(self, other: "_Sum") -> "_Sum":
        return _Sum(
            self.persons + other.persons,
            self.made_up + other.made_up,
            self.late + other.late,
            self.provisional + other.provisional,
            self.credits + other.credits,
        )


Sums = dict[tuple[int, str], dict[str, _Sum]]


class StandingCounts:
    """Answers from the counts that the worker keeps; nothing is scanned."""

    def __init__(self, databases: Databases) -> None:
        self._databases = databases

    async def get_standings(self, place: str, year: int | None) -> StandingStatistics:
        """The places just under one, by year: a province's cities, a city's counties, a county itself."""
        sums: Sums = defaultdict(lambda: defaultdict(_Sum))
        reached: list[Reached] = []
        for database, logs in self._databases.grouped(logs_of(place)).items():
            async with database.acquire() as conn:
                rows = await conn.fetch(_COUNTS, logs, place == NATION, *reach_of(place), year)
                reached += await judged_by(conn, NAME, logs)
            for of_year, inner, status, *values in rows:
                by_status = sums[of_year, child_of(place, inner)]
                by_status[status] = by_status[status].plus(_Sum(*values))
        totals: Sums = defaultdict(lambda: defaultdict(_Sum))
        for (of_year, _), by_status in sums.items():
            for status, each in by_status.items():
                totals[of_year, place][status] = totals[of_year, place][status].plus(each)
        return StandingStatistics(
            place=place,
            year=year,
            rows=[_row(key, by_status, own=key[1] == place) for key, by_status in sorted(sums.items())],
            totals=[_row(key, by_status, own=False) for key, by_status in sorted(totals.items())],
            reached=sorted(reached, key=lambda each: each.log),
        )

    async def get_met(self, place: str, year: int, day_from: date | None, day_to: date | None) -> MetSeries:
        """Day by day, how many of a place's people met a year, from the accounts as they stand today."""
        before = 0
        by_day: dict[date, tuple[int, int]] = defaultdict(lambda: (0, 0))
        reached: list[Reached] = []
        for database, logs in self._databases.grouped(logs_of(place)).items():
            async with database.acquire() as conn:
                rows = await conn.fetch(_MET, logs, *reach_of(place), year, day_from or date.min, day_to)
                reached += await judged_by(conn, NAME, logs)
            for day, persons, made_up in rows:
                if day is None:
                    before += persons
                    continue
                by_day[day] = (by_day[day][0] + persons, by_day[day][1] + made_up)
        series, so_far = [], before
        for day, (persons, made_up) in sorted(by_day.items()):
            so_far += persons
            series.append(DayMet(day=day, persons=persons, made_up=made_up, so_far=so_far))
        return MetSeries(
            place=place,
            year=year,
            day_from=day_from,
            day_to=day_to,
            before=before,
            rows=series,
            reached=sorted(reached, key=lambda each: each.log),
        )


def _row(key: tuple[int, str], by_status: Mapping[str, _Sum], *, own: bool) -> PlaceStandings:
    def of(status: str) -> int:
        return by_status[status].persons if status in by_status else 0

    whole = _Sum()
    for each in by_status.values():
        whole = whole.plus(each)
    return PlaceStandings(
        year=key[0],
        place=key[1],
        name=label_of(key[1]),
        own=own,
        persons=whole.persons,
        obliged=sum(of(status) for status in OWING),
        compliant=of("compliant"),
        in_progress=of("in_progress"),
        deficient=of("deficient"),
        undecided=of("undecided"),
        provisional=whole.provisional,
        made_up=whole.made_up,
        exempt=of("exempt"),
        not_required=of("not_required"),
        no_policy=of("no_policy"),
        late=whole.late,
        credits=whole.credits,
    )


_BY_EMPLOYER = """
select employer, count(*), count(*) filter (where status = any($6::text[])),
       count(*) filter (where status = 'compliant'), count(*) filter (where status = 'in_progress'),
       count(*) filter (where status = 'deficient'), count(*) filter (where status = 'undecided'),
       count(*) filter (where provisional), count(*) filter (where made_up),
       count(*) filter (where status = 'exempt')
  from standings
 where log = $1 and year = $2 and place between $3 and $4 and employer > $5
 group by employer order by employer limit $7
"""


class EmployerStandings(Struct, frozen=True, kw_only=True):
    """The people of one employer, by its credit code, within the place that was asked about."""

    employer: str
    persons: int
    obliged: int
    compliant: int
    in_progress: int
    deficient: int
    undecided: int
    provisional: int
    made_up: int
    exempt: int


class EmployerStatistics(Struct, frozen=True, kw_only=True):
    """A page of employers in order of their codes; `next` continues it, null at the end."""

    place: str
    year: int
    items: list[EmployerStandings]
    next: str | None
    reached: list[Reached]


class EmployerCounts:
    """Answers from the standings of a place's people."""

    def __init__(self, databases: Databases) -> None:
        self._databases = databases

    async def get_employers(self, place: str, year: int, after: str, limit: int) -> EmployerStatistics:
        """Employers with somebody in the place or under it. Raises PlaceTooWideError for the nation."""
        if place == NATION:
            raise PlaceTooWideError
        log = authority_of(place)
        async with self._databases.of(log).acquire() as conn:
            rows = await conn.fetch(_BY_EMPLOYER, log, year, *reach_of(place), after, list(OWING), limit)
            reached = await judged_by(conn, NAME, [log])
        counts = [
            EmployerStandings(**dict(zip(EmployerStandings.__struct_fields__, row, strict=True)))
            for row in rows
        ]
        following = counts[-1].employer if len(counts) == limit else None
        return EmployerStatistics(place=place, year=year, items=counts, next=following, reached=reached)
