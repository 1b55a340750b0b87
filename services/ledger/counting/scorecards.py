"""Providers' scorecards as an official sees them for the evaluation (S2B-15), and as each provider sees its own."""

from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import Struct

from contracts.divisions import NATION
from services.kit.database import Databases
from services.ledger.counting.lag import Reached, reached_by
from services.ledger.counting.places import logs_of
from services.ledger.counting.scorecard_projection import NAME, Sums
from services.ledger.store.profiles import reach_of
from services.ledger.streams.provider import Provider

_FILTER = """
 where log = any($1::text[]) and place between $2 and $3 and ($4::int is null or year = $4)
   and ($5::text is null or provider_id = $5)
"""
_OF_PLACE = f"""
select provider_id, year, sum(records)::bigint, sum(credits), sum(persons)::bigint, sum(exam_passed)::bigint,
       sum(held)::bigint, sum(rejected)::bigint, sum(withdrawn)::bigint, sum(revoked)::bigint, sum(late)::bigint
  from scorecards {_FILTER} group by provider_id, year
"""  # noqa: S608
_DELAYS = f"""
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
                of_days = await conn.fetch(_DELAYS, *asked)
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
