"""The credits as their feed tells of them: one row each, so that a person's year can be summed without asking the ledger."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import NamedTuple

from services.kit.clock import local_date
from services.kit.database import Connection
from services.sync.recording.facts import Fact, earned, ended, recognised

ANY = "any"
"""The category of credits that cover whatever is missing (A-03)."""

_EARN = """
insert into credits (log, credit_id, person_id, year, place, category, credits, mode, completed_on, make_up, source)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) on conflict do nothing
"""
# The log is left out: a credit may end in another log than it was registered in, when its person moved.
_END = "update credits set ended = $2 where credit_id = $1 and ended is null"
_RECOGNISE = "update credits set recognised = true where credit_id = $1"
_SUMS = """
select person_id, year, category, recognised, sum(credits) as credits
  from credits
 where log = $1 and person_id = any($2::text[]) and ended is null
 group by person_id, year, category, recognised
"""


class YearSums(NamedTuple):
    """What a person's year holds by category: all that is registered, and what of it was recognised."""

    registered: dict[str, Decimal]
    recognised: dict[str, Decimal]

    def counted(self, category: str, needs_recognition: Iterable[str]) -> Decimal:
        """The credits of a category that count, those of category "any" with the professional ones (A-03)."""
        categories = (category, ANY) if category == "professional" else (category,)
        sums = self.recognised if category in needs_recognition else self.registered
        return sum((sums.get(each, Decimal(0)) for each in categories), Decimal(0))

    def has(self, category: str, needs_recognition: Iterable[str]) -> bool:
        """Whether anything of the category counts; credits of category "any" stand for both."""
        sums = self.recognised if category in needs_recognition else self.registered
        return bool(sums.get(category) or sums.get(ANY))


async def keep_credits(conn: Connection, log: str, facts: Sequence[Fact]) -> None:
    """Write the rows of credits that were registered, which were recognised, and which ended."""
    await conn.executemany(
        _EARN,
        [
            (
                log,
                event.credit_id,
                event.person_id,
                event.year,
                event.place,
                event.category,
                event.credits,
                event.mode,
                local_date(event.completed_at),
                event.make_up,
                event.source,
            )
            for _, event in earned(facts)
        ],
    )
    await conn.executemany(_RECOGNISE, [(event.credit_id,) for _, event in recognised(facts)])
    await conn.executemany(_END, [(event.credit_id, event.reason) for _, event in ended(facts)])


async def sums_of(
    conn: Connection, log: str, years: Iterable[tuple[str, int]]
) -> dict[tuple[str, int], YearSums]:
    """The sums of people's years; a year without credits has none."""
    sums = {key: YearSums({}, {}) for key in years}
    rows = await conn.fetch(_SUMS, log, sorted({person for person, _ in sums}))
    for person, year, category, is_recognised, credits in rows:
        found = sums.get((person, year))
        if found is not None:
            found.registered[category] = found.registered.get(category, Decimal(0)) + credits
            if is_recognised:
                found.recognised[category] = credits
    return sums
