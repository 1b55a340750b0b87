"""Counts of the people of each unit (单位) by how they stand for a year, within a place (S0-24, S1-20, S3A-04)."""

from msgspec import Struct

from contracts.divisions import NATION, authority_of
from services.kit.database import Databases
from services.ledger.counting.lag import Reached, judged_by
from services.ledger.counting.standing_counts import OWING
from services.ledger.counting.standing_projection import NAME
from services.ledger.store.profiles import reach_of
from services.ledger.streams.problems import PlaceTooWideError

_COUNTS = """
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
    rows: list[EmployerStandings]
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
            rows = await conn.fetch(_COUNTS, log, year, *reach_of(place), after, list(OWING), limit)
            reached = await judged_by(conn, NAME, [log])
        counts = [
            EmployerStandings(**dict(zip(EmployerStandings.__struct_fields__, row, strict=True)))
            for row in rows
        ]
        following = counts[-1].employer if len(counts) == limit else None
        return EmployerStatistics(place=place, year=year, rows=counts, next=following, reached=reached)
