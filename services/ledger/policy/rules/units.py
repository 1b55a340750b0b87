"""Hours (学时) into credits (学分): how long an hour is, what it is worth, how many count in a day, or what a day is worth.

Hours and credits are different units (C-09). Results have two places, halves rounded up.
"""

from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Literal

from msgspec import Struct

from services.ledger.policy.language.facts import Rejected
from services.ledger.policy.language.findings import Finding, Kind, OwnClauses
from services.ledger.policy.language.rule import Credits, Mode, by_mode
from services.ledger.policy.language.settings import Settings, YearTerms
from services.ledger.policy.language.target import PERSONS, TargetedRule
from services.ledger.policy.language.words import RejectionWords
from services.ledger.policy.rules.modes import ModesTerms
from services.ledger.policy.rules.requirement import MinimaTerms
from services.ledger.policy.rules.window import WindowTerms

FIELDS = ("hour_minutes", "hour_credits", "day_hours_max", "day_credits", "step")
_CENT = Decimal("0.01")
_ZERO = Decimal(0)


class UnitsRule(TargetedRule, frozen=True, tag="units"):
    """学时与学分: 每学时几分钟、折几学分、每天最多几学时, 或每天折几学分。Hours into credits, by mode.

    `hour_minutes` is how long an hour of study is: a session cannot hold more of them than its clock time. With
    `day_credits` an attended day has that many credits, whatever its hours. With `step` what comes of hours is rounded down
    to a multiple of it, such as half a credit.
    """

    modes: tuple[Mode, ...] = ()
    hour_minutes: Literal[45, 50, 60] | None = None
    hour_credits: Credits | None = None
    day_hours_max: Credits | None = None
    day_credits: Credits | None = None
    step: Credits | None = None

    def settings(self) -> Iterator[tuple[str, Any]]:
        """Each number is a setting of its own, for each mode."""
        for field in FIELDS:
            if (value := getattr(self, field)) is not None:
                yield from by_mode(f"units.{field}", self.modes, value)


class UnitTerms(Struct, frozen=True):
    """How a mode's hours are counted; `clause` is that of the rate, or of the day's credits."""

    hour_minutes: int | None
    hour_credits: Decimal | None
    day_hours_max: Decimal | None
    day_credits: Decimal | None
    clause: str | None
    step: Decimal | None = None

    @property
    def convert(self) -> bool:
        """Whether hours become credits here at all."""
        return self.hour_credits is not None or self.day_credits is not None


def terms_of(settings: Settings, mode: str) -> UnitTerms | None:
    """How the hours of one mode are counted; None where no clause speaks of them."""
    said = {name: settings.of_mode(f"units.{name}", mode) for name in FIELDS}
    by_weight = [said["day_credits"], said["hour_credits"], said["day_hours_max"], said["hour_minutes"]]
    source = next((sourced for sourced in by_weight if sourced is not None), None)
    if source is None:
        return None
    values = {name: sourced.value if sourced is not None else None for name, sourced in said.items()}
    return UnitTerms(**values, clause=source.clause)


def to_cents(credits: Decimal) -> Decimal:
    """Credits with two places, halves up."""
    return credits.quantize(_CENT, rounding=ROUND_HALF_UP)


def stepped(credits: Decimal, step: Decimal | None) -> Decimal:
    """Credits with two places, halves up; where a step is said, the greatest multiple of it that is not more."""
    return to_cents(credits if not step else credits // step * step)


class HourCredits(Struct, frozen=True):
    """What hours came to: `credits` by the `clause` that sets their worth, and `cut`, credits of the hours beyond the most
    that count in a day; None where there are none."""

    credits: Decimal
    clause: str | None
    cut: Decimal | None = None


def credits_of_hours(terms: UnitTerms | None, hours: Decimal, days: int, mode: str) -> HourCredits | Rejected:
    """The credits of study that took so many hours, spread over so many days (at least 1).

    Hours beyond the most of those days are not converted. Refused where no clause says what an hour is worth.
    """
    if hours <= 0:
        return Rejected("credits-not-positive")
    if terms is None or not terms.convert:
        return Rejected("hours-not-converted", terms.clause if terms else None, {"mode": mode})
    if terms.day_credits is not None:
        return HourCredits(to_cents(terms.day_credits * days), terms.clause)
    assert terms.hour_credits is not None, "what converts has a rate"
    whole = stepped(hours * terms.hour_credits, terms.step)
    if terms.day_hours_max is not None:
        hours = min(hours, terms.day_hours_max * days)
    credits = stepped(hours * terms.hour_credits, terms.step)
    if terms.step and credits <= 0:
        return Rejected("hours-below-step", terms.clause, {"step": str(terms.step)})
    return HourCredits(credits, terms.clause, whole - credits or None)


def hours_within(terms: UnitTerms | None, minutes: int) -> Decimal | None:
    """The most hours that so many minutes of the clock can hold; None where no clause says how long an hour is."""
    if terms is None or terms.hour_minutes is None:
        return None
    return Decimal(minutes) / terms.hour_minutes


def year_warnings(policy: YearTerms, own: OwnClauses) -> Iterator[Finding]:
    """Where every mode converts hours and caps them by day, the days of the window bound what can be earned."""
    most, pointer = _ZERO, None
    allowed = [terms for terms in policy.modes.values() if terms.of(ModesTerms).allowed]
    for terms in allowed or [policy.any_mode]:
        units, study = terms.get(UnitTerms), terms.of(WindowTerms).study
        if units is None or units.day_hours_max is None or units.hour_credits is None:
            return
        since, until = study.since, study.until
        days = Decimal((until - since).days + 1) if since is not None and until is not None else _ZERO
        most = max(most, days * units.day_hours_max * units.hour_credits)
        pointer = pointer or own.pointer(units.clause, study.until_clause)
    total = policy.of(MinimaTerms).minima[0].minimum
    if policy.ordinary and pointer is not None and _ZERO < most < total:
        yield Finding(
            pointer,
            "too-few-days",
            f"学习时间内最多可得 {most} 学分，不足 {total}",
            f"the days of study hold {most} credits at most, fewer than the {total} that are asked",
        )


KIND = Kind(
    rule=UnitsRule,
    selectors=PERSONS | {"categories", "courses", "providers", "routes", "organisers"},
    mode_terms=terms_of,
    by_mode=True,
    year_warnings=year_warnings,
    rejections={
        "hours-not-converted": RejectionWords(
            "本地未规定学时折算",
            "Hours are not converted here",
            "通知未规定此学习方式（{mode}）的学时如何折合学分，请按学分报送。",
            "No clause says what an hour of this mode ({mode}) is worth: report credits.",
        ),
        "hours-below-step": RejectionWords(
            "学时不足以折算",
            "Too few hours for any credits",
            "折算学分以 {step} 为单位，所报学时不足一个单位。",
            "Credits come in steps of {step}, and these hours are worth less than one.",
        ),
    },
    why={
        "above_day": (
            "超过每天最多学时的部分，不折算学分",
            "hours beyond the most of a day, which earn no credits",
        ),
    },
)
