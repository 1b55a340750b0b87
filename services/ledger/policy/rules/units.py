"""Hours (学时) into credits (学分): how long an hour is, what it is worth, how many count in a day, or what a day is worth.

Hours and credits are different units (C-09). Results have two places, halves rounded up.
"""

from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Literal

from services.ledger.policy.language.decisions import Rejected
from services.ledger.policy.language.rule import Credits, Mode, Rule, by_mode
from services.ledger.policy.policy import UnitTerms

FIELDS = ("hour_minutes", "hour_credits", "day_hours_max", "day_credits")
_CENT = Decimal("0.01")


class Units(Rule, frozen=True, tag="units"):
    """学时与学分: 每学时几分钟、折几学分、每天最多几学时, 或每天折几学分。Hours into credits, by mode.

    `hour_minutes` is how long an hour of study is: a session cannot hold more of them than its clock time. With
    `day_credits` an attended day has that many credits, whatever its hours.
    """

    modes: tuple[Mode, ...] = ()
    hour_minutes: Literal[45, 50, 60] | None = None
    hour_credits: Credits | None = None
    day_hours_max: Credits | None = None
    day_credits: Credits | None = None

    def settings(self) -> Iterator[tuple[str, Any]]:
        """Each number is a setting of its own, for each mode."""
        for field in FIELDS:
            if (value := getattr(self, field)) is not None:
                yield from by_mode(f"units.{field}", self.modes, value)


def to_cents(credits: Decimal) -> Decimal:
    """Credits with two places, halves up."""
    return credits.quantize(_CENT, rounding=ROUND_HALF_UP)


def credits_of_hours(terms: UnitTerms | None, hours: Decimal, days: int, mode: str) -> Decimal | Rejected:
    """The credits of study that took so many hours, spread over so many days (at least 1).

    Hours beyond the most of those days are not converted. Refused where no clause says what an hour is worth.
    """
    if hours <= 0:
        return Rejected("credits-not-positive")
    if terms is None or not terms.convert:
        return Rejected("hours-not-converted", terms.clause if terms else None, {"mode": mode})
    if terms.day_credits is not None:
        return to_cents(terms.day_credits * days)
    assert terms.hour_credits is not None, "what converts has a rate"
    if terms.day_hours_max is not None:
        hours = min(hours, terms.day_hours_max * days)
    return to_cents(hours * terms.hour_credits)


def hours_within(terms: UnitTerms | None, minutes: int) -> Decimal | None:
    """The most hours that so many minutes of the clock can hold; None where no clause says how long an hour is."""
    if terms is None or terms.hour_minutes is None:
        return None
    return Decimal(minutes) / terms.hour_minutes
