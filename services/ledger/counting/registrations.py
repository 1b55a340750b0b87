"""Records and credits registered, by place, category, mode, provider and day: the projection the worker keeps, and
the counts read from it."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from msgspec import Struct

from contracts.divisions import NATION, authority_of
from services.kit import events as codec
from services.kit.clock import local_date
from services.kit.database import Connection, Databases
from services.kit.event_store import RecordedEvent
from services.ledger.counting.lag import Reached, reached_by
from services.ledger.counting.standing_counts import child_of, label_of, logs_of
from services.ledger.store.profiles import reach_of
from services.ledger.streams.account_events import (
    CreditDuplicated,
    CreditEarned,
    CreditRevoked,
    CreditWithdrawn,
)

_ADD = """
insert into registrations_daily (log, year, place, category, mode, provider_id, day, records, credits)
select $1, new.*
  from unnest($2::int[], $3::text[], $4::text[], $5::text[], $6::text[], $7::date[], $8::int[], $9::numeric[]) as new
on conflict (log, year, place, category, mode, provider_id, day) do update
   set records = registrations_daily.records + excluded.records,
       credits = registrations_daily.credits + excluded.credits
"""

Group = tuple[int, str, str, str, str, date]


class RegistrationsDaily:
    """Records and credits by credit year, place, category, mode, provider and day of registration.

    A credit that is withdrawn or revoked, or proves a duplicate, is taken off the group and the day on which it was
    registered, so the sum of a day is of the credits that still stand.
    """

    name = "registrations_daily"
    topics = frozenset(
        {CreditEarned.TOPIC, CreditWithdrawn.TOPIC, CreditRevoked.TOPIC, CreditDuplicated.TOPIC}
    )
    tables: Sequence[str] = ("registrations_daily",)

    async def apply(self, conn: Connection, log: str, events: Sequence[RecordedEvent]) -> None:
        """Add what was earned, take off what was ended."""
        sums: dict[Group, tuple[int, Decimal]] = defaultdict(lambda: (0, Decimal(0)))
        for recorded in events:
            event = codec.decode(recorded.topic, recorded.state)
            sign = 1 if isinstance(event, CreditEarned) else -1
            assert isinstance(event, CreditEarned | CreditWithdrawn | CreditRevoked | CreditDuplicated)
            if authority_of(event.place) != log:
                # It travelled here, and counts where it was registered.
                continue
            group = (
                event.year,
                event.place,
                event.category,
                event.mode,
                event.provider_id or "",
                local_date(event.registered_at),
            )
            records, credits = sums[group]
            sums[group] = (records + sign, credits + sign * event.credits)
        if not sums:
            return
        rows = sorted(sums.items())
        columns = [list(column) for column in zip(*(group for group, _ in rows), strict=True)]
        records_of = [records for _, (records, _) in rows]
        credits_of = [credits for _, (_, credits) in rows]
        await conn.execute(_ADD, log, *columns, records_of, credits_of)


NAME = "registrations_daily"
_FILTER = """
 where log = any($1::text[]) and place between $2 and $3 and ($4::int is null or year = $4)
   and ($5::date is null or day >= $5) and ($6::date is null or day <= $6) and ($7::text is null or provider_id = $7)
"""
_BY_PLACE = f"""
select year, case when $8 then log else place end as at_place, category, mode, provider_id, sum(records)::bigint,
       sum(credits)
  from registrations_daily {_FILTER} group by 1, 2, 3, 4, 5
"""  # noqa: S608 - our own constants
_BY_DAY = f"""
select day, sum(records)::bigint, sum(credits) from registrations_daily {_FILTER} group by day
"""  # noqa: S608

Key = tuple[int, str, str, str, str]


class RegistrationCount(Struct, frozen=True, kw_only=True):
    """Registered records and credits of one group. `own`: of the place itself, and of none under it."""

    year: int
    place: str
    name: str
    own: bool
    category: str
    mode: str
    provider_id: str
    records: int
    credits: Decimal


class RegistrationStatistics(Struct, frozen=True, kw_only=True):
    """Counts by place, year, category, mode and provider, and how far those of each log have come."""

    place: str
    year: int | None
    day_from: date | None
    day_to: date | None
    rows: list[RegistrationCount]
    reached: list[Reached]


class DayRegistered(Struct, frozen=True, kw_only=True):
    """Records and credits that were registered on a day and still stand."""

    day: date
    records: int
    credits: Decimal


class RegistrationSeries(Struct, frozen=True, kw_only=True):
    """A place's registrations day by day."""

    place: str
    year: int | None
    provider_id: str | None
    day_from: date | None
    day_to: date | None
    rows: list[DayRegistered]
    reached: list[Reached]


class RegistrationCounts:
    """Answers with sums of the places just under the one asked about, so that their sum is its own."""

    def __init__(self, databases: Databases) -> None:
        self._databases = databases

    async def get_registrations(
        self, place: str, year: int | None, day_from: date | None, day_to: date | None
    ) -> RegistrationStatistics:
        """Registered records and credits by year, child of the place, category, mode and provider.

        The children of the nation are its authorities, of a province its prefectures; a county is its own child.
        """
        sums: dict[Key, tuple[int, Decimal]] = defaultdict(lambda: (0, Decimal(0)))
        reached: list[Reached] = []
        for database, logs in self._databases.grouped(logs_of(place)).items():
            async with database.acquire() as conn:
                rows = await conn.fetch(
                    _BY_PLACE, logs, *reach_of(place), year, day_from, day_to, None, place == NATION
                )
                reached += await reached_by(conn, NAME, logs)
            for of_year, inner, category, mode, provider_id, records, credits in rows:
                key = (of_year, child_of(place, inner), category, mode, provider_id)
                sums[key] = (sums[key][0] + records, sums[key][1] + credits)
        counts = [
            RegistrationCount(
                year=key[0],
                place=key[1],
                name=label_of(key[1]),
                own=key[1] == place,
                category=key[2],
                mode=key[3],
                provider_id=key[4],
                records=records,
                credits=credits,
            )
            for key, (records, credits) in sorted(sums.items())
        ]
        return RegistrationStatistics(
            place=place, year=year, day_from=day_from, day_to=day_to, rows=counts, reached=reached
        )

    async def get_daily(
        self,
        place: str,
        year: int | None,
        provider_id: str | None,
        day_from: date | None,
        day_to: date | None,
    ) -> RegistrationSeries:
        """What was registered day by day in a place and all under it, by every provider or by one."""
        sums: dict[date, tuple[int, Decimal]] = defaultdict(lambda: (0, Decimal(0)))
        reached: list[Reached] = []
        for database, logs in self._databases.grouped(logs_of(place)).items():
            async with database.acquire() as conn:
                rows = await conn.fetch(_BY_DAY, logs, *reach_of(place), year, day_from, day_to, provider_id)
                reached += await reached_by(conn, NAME, logs)
            for day, records, credits in rows:
                sums[day] = (sums[day][0] + records, sums[day][1] + credits)
        series = [
            DayRegistered(day=day, records=records, credits=credits)
            for day, (records, credits) in sorted(sums.items())
            if records
        ]
        return RegistrationSeries(
            place=place,
            year=year,
            provider_id=provider_id,
            day_from=day_from,
            day_to=day_to,
            rows=series,
            reached=reached,
        )
