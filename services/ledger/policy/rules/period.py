"""Periods (周期): credits that are asked over several years, or over so many months, beside what each year asks.

A period is of the calendar (2022 to 2024, 2025 to 2027), rolls with the year that is asked about, or is counted from the
day of the person's licence or from the end of the month of birth. Accounts stay by year: a period is looked at across them.
"""

from calendar import monthrange
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import ROUND_DOWN, ROUND_HALF_UP, ROUND_UP, Decimal
from typing import Annotated, Any, Literal, NamedTuple

from msgspec import Meta, Struct

from services.ledger.policy.language.facts import Category, Person
from services.ledger.policy.language.findings import At, Finding, Kind
from services.ledger.policy.language.rule import CategoryPath, Code, Credits, Mode, Part, Text, YearNumber
from services.ledger.policy.language.selector import RequirementTerms, Selector
from services.ledger.policy.language.settings import Settings, Sourced
from services.ledger.policy.language.target import PERSONS, TargetedRule
from services.ledger.policy.rules.cap import OneCap

Anchor = Literal["calendar", "rolling", "licence", "birth_month"]
_ROUNDING = {"up": ROUND_UP, "down": ROUND_DOWN, "half_up": ROUND_HALF_UP}
_CENT = Decimal("0.01")


class FirstPeriod(Part, frozen=True, rename={"since": "from"}):
    """首个周期: 自取得资格之月起, 按月折算, 取整。The period in which somebody is admitted: from then on, by its months."""

    since: Literal["admission"]
    prorate: Literal["months"] | None = None
    round: Literal["up", "down", "half_up"] = "up"


class PeriodCap(Part, frozen=True):
    """周期内上限: 这些学分在整个周期内至多计入多少。At most so many of these count in the period."""

    credits: Credits
    categories: tuple[CategoryPath, ...] = ()
    modes: tuple[Mode, ...] = ()
    forms: tuple[Code, ...] = ()


class Period(TargetedRule, frozen=True, tag="period"):
    """周期要求: 若干年 (或若干月) 内合计不少于多少学分。Minimum credits over so many years or months together.

    `anchor` says from where periods are counted: `calendar` from January of `first_year`, on and on; `rolling` the years up
    to the one asked about; `licence` from the day of the qualification; `birth_month` from the end of that month. `name` is
    what a later or nearer notice calls it by when it changes it; `lifted` ends it. `caps` bind what the caps of each year
    leave, over the whole period.
    """

    name: Code
    over: Annotated[int, Meta(ge=1, le=20, description="几年。")] | None = None
    months: Annotated[int, Meta(ge=1, le=240)] | None = None
    anchor: Anchor = "calendar"
    first_year: YearNumber | None = None
    total: Credits | None = None
    categories: Annotated[dict[CategoryPath, Credits], Meta(min_length=1)] | None = None
    first: FirstPeriod | None = None
    caps: tuple[PeriodCap, ...] = ()
    title: Text | None = None
    lifted: bool = False

    def settings(self) -> Iterator[tuple[str, Any]]:
        """A setting for each named period."""
        yield f"period.{self.name}", self


class AskedPeriod(NamedTuple):
    """One period of a person: its days, both included, whether credits are of it by their year, its minima and its caps."""

    since: date
    until: date
    by_year: bool
    minima: tuple[RequirementTerms, ...]
    caps: tuple[OneCap, ...] = ()

    @property
    def years(self) -> range:
        """The credit years in whose accounts its credits are."""
        return range(self.since.year, self.until.year + 1)


class OnePeriod(Struct, frozen=True):
    """A period's rule with its source."""

    rule: Period
    source: Sourced[Any]

    @property
    def length(self) -> int:
        """Its months."""
        return (self.rule.over or 0) * 12 or self.rule.months or 12

    def asked(self, person: Person, year: int) -> list[AskedPeriod]:
        """The periods that contain a day of the year, as they are for the person; none where its anchor is not known."""
        rule = self.rule
        if rule.anchor == "rolling":
            first = year - self.length // 12 + 1
            return [self._asked(date(first, 1, 1), date(year, 12, 31), person)]
        origin = self._origin(person)
        if origin is None:
            return []
        between = (year - origin.year) * 12 + 1 - origin.month
        number = between // self.length - 1
        found = []
        while (since := _after(origin, number * self.length)) <= date(year, 12, 31):
            until = _after(origin, (number + 1) * self.length) - timedelta(days=1)
            if until >= date(year, 1, 1):
                found.append(self._asked(since, until, person))
            number += 1
        admitted = person.qualified_on or person.working_since
        return [one for one in found if admitted is None or one.until >= admitted]

    def _origin(self, person: Person) -> date | None:
        rule, licensed = self.rule, person.qualified_on
        if rule.anchor == "licence":
            return licensed
        if rule.anchor == "birth_month":
            year = rule.first_year or (licensed.year if licensed is not None else None)
            born = person.traits.born
            return _after(date(year, born.month, 1), 1) if born is not None and year is not None else None
        return date(rule.first_year or 2000, 1, 1)

    def _asked(self, since: date, until: date, person: Person) -> AskedPeriod:
        rule, share = self.rule, Decimal(1)
        by_year = rule.anchor in ("calendar", "rolling") and self.length % 12 == 0
        admitted = person.qualified_on or person.working_since
        if rule.first is not None and admitted is not None and since < admitted <= until:
            since = admitted
            if rule.first.prorate is not None:
                left = (until.year - admitted.year) * 12 + until.month - admitted.month + 1
                share = Decimal(min(left, self.length)) / self.length
        caps = tuple(
            OneCap(
                name=str(number),
                per="year",
                credits=cap.credits,
                of=Selector(cap.categories, frozenset(cap.modes), frozenset(cap.forms)),
                clause=self.source.clause,
            )
            for number, cap in enumerate(rule.caps)
        )
        return AskedPeriod(since, until, by_year, tuple(self._minima(share)), caps)

    def _minima(self, share: Decimal) -> Iterator[RequirementTerms]:
        rule = self.rule
        if rule.total is not None:
            yield self._minimum(None, rule.total, share)
        for category, minimum in sorted((rule.categories or {}).items()):
            yield self._minimum(category, minimum, share)

    def _minimum(self, category: Category | None, minimum: Decimal, share: Decimal) -> RequirementTerms:
        if share != 1 and self.rule.first is not None:
            minimum = (minimum * share).quantize(Decimal(1), rounding=_ROUNDING[self.rule.first.round])
        return RequirementTerms(
            kind="total" if category is None else "category",
            category=category,
            minimum=minimum.quantize(_CENT),
            clause=self.source.clause,
            document=self.source.document,
            text=self.source.text,
        )


class PeriodTerms(Struct, frozen=True):
    """The periods of a policy, by their names."""

    periods: tuple[OnePeriod, ...]

    @property
    def reach(self) -> int:
        """How many years away the longest of them reaches at most."""
        return max(-(-one.length // 12) for one in self.periods)

    def years_of(self, person: Person, year: int) -> tuple[int, ...]:
        """The other years whose accounts the periods of a year are about."""
        asked = (one for period in self.periods for one in period.asked(person, year))
        return tuple(sorted({number for one in asked for number in one.years} - {year}))


def terms_of(settings: Settings) -> PeriodTerms | None:
    """The periods that no clause lifts; None where there are none."""
    made = tuple(
        OnePeriod(said.value, said) for _, said in settings.under("period.") if not said.value.lifted
    )
    return PeriodTerms(made) if made else None


def _after(day: date, months: int) -> date:
    """The same day so many months later, or the last of a month that is shorter."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    year = min(max(year, date.min.year), date.max.year)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def faults(rule: Period, at: At) -> Iterator[Finding]:
    """No length or two, no minimum, a rolling period of months."""
    if rule.lifted:
        return
    if (rule.over is None) == (rule.months is None):
        yield at.found(
            "over", "length", "“over”（年）与“months”（月）须写且只写其一", "give over (years) or months"
        )
    if rule.total is None and rule.categories is None:
        yield at.found("total", "required", "须写最低学分", "say how many credits")
    if rule.anchor == "rolling" and rule.over is None:
        yield at.found("anchor", "length", "滚动周期以年计", "a rolling period is of years")


KIND = Kind(rule=Period, selectors=PERSONS, terms=terms_of, faults=faults)
