"""Counts for dashboards, from the projection that the worker keeps: a place's children, never a scan of the log."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from contracts.divisions import AUTHORITIES, NATION, authority_of, chain_of
from services.kit.database import Databases
from services.ledger.answers.answers import RegistrationCount, RegistrationStatistics

_OF_NATION = """
select year, log as place, category, mode, provider_id, sum(records)::bigint, sum(credits)
  from registrations_daily
 where log = any($1::text[]) and place like $2 and ($3::int is null or year = $3)
   and ($4::date is null or day >= $4) and ($5::date is null or day <= $5)
 group by year, log, category, mode, provider_id
"""
_OF_PLACE = _OF_NATION.replace("log as place", "place").replace(
    "group by year, log,", "group by year, place,"
)
_REACHED = """
select log, position from checkpoints where log = any($1::text[]) and name = 'registrations_daily'
"""

Key = tuple[int, str, str, str, str]


class Statistics:
    """Answers with sums of the places just under the one asked about, so that their sum is its own."""

    def __init__(self, databases: Databases) -> None:
        self._databases = databases

    async def get_registrations(
        self, place: str, year: int | None, day_from: date | None, day_to: date | None
    ) -> RegistrationStatistics:
        """Registered records and credits by year, child of the place, category, mode and provider.

        The children of the nation are its authorities, of a province its prefectures; a county is its own child.
        """
        logs: Sequence[str] = AUTHORITIES if place == NATION else (authority_of(place),)
        statement = _OF_NATION if place == NATION else _OF_PLACE
        sums: dict[Key, tuple[int, Decimal]] = defaultdict(lambda: (0, Decimal(0)))
        positions: dict[str, int] = {}
        for database, there in self._databases.grouped(logs).items():
            async with database.acquire() as conn:
                for row in await conn.fetch(statement, there, _pattern(place), year, day_from, day_to):
                    key = (row[0], _child(place, row[1]), row[2], row[3], row[4])
                    records, credits = sums[key]
                    sums[key] = (records + row[5], credits + row[6])
                positions |= {row[0]: row[1] for row in await conn.fetch(_REACHED, there)}
        rows = [
            RegistrationCount(
                year=key[0],
                place=key[1],
                category=key[2],
                mode=key[3],
                provider_id=key[4],
                records=records,
                credits=credits,
            )
            for key, (records, credits) in sorted(sums.items())
        ]
        return RegistrationStatistics(
            place=place, year=year, day_from=day_from, day_to=day_to, rows=rows, positions=positions
        )


def _pattern(place: str) -> str:
    """What the codes of a place and all under it begin with; carve-outs are in logs of their own."""
    if place == NATION:
        return "%"
    if place.endswith("0000"):
        return f"{place[:2]}%"
    return f"{place[:4]}%" if place.endswith("00") else place


def _child(place: str, inner: str) -> str:
    """The place just under the one asked about that holds the inner one; the place itself when there is none between."""
    if place in (NATION, inner):
        return inner
    chain = chain_of(inner)
    return chain[chain.index(place) - 1] if place in chain else inner
