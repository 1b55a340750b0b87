"""Periods judged: what was earned over several years towards what is asked of them together, on read, from the accounts of
each year. Pure, and no order of years or of credits matters."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from msgspec.structs import replace

from services.ledger.policy.judging.assessment import Assessment, Status, short_of
from services.ledger.policy.judging.caps import count_capped
from services.ledger.policy.judging.counting import Counted, count, fill
from services.ledger.policy.judging.requirements import EarlierYear, PeriodResult, measure
from services.ledger.policy.judging.wording import period_words
from services.ledger.policy.language.days import ends
from services.ledger.policy.language.facts import Account, Category, Credit, Person
from services.ledger.policy.language.words import Words
from services.ledger.policy.policy import Policy
from services.ledger.policy.rules.cap import binding
from services.ledger.policy.rules.period import AskedPeriod, OnePeriod, PeriodTerms

_WORST_FIRST: tuple[Status, ...] = ("deficient", "in_progress", "compliant")


def with_periods(
    judged: Assessment, policy: Policy, person: Person, years: Mapping[int, EarlierYear]
) -> Assessment:
    """The answer for a year with every period that contains a day of it; `years` are policies and accounts, this year's
    among them.

    What a year carried over from another is counted where it was earned, and so once. A period that is short is in progress
    until its last day, and the year with it.
    """
    terms = policy.get(PeriodTerms)
    if terms is None or judged.status not in _WORST_FIRST:
        return judged
    until = ends(judged.on)
    asked = [(period, one) for period in terms.periods for one in period.asked(person, policy.year)]
    found = [_judged(period, one, judged.on, until, years) for period, one in asked]
    if not found:
        return judged
    statuses = {judged.status, *(one.status for one in found)}
    zh, en = judged.explanation_zh, judged.explanation_en
    if zh:
        for (period, _), one in zip(asked, found, strict=True):
            words = _words(period, one, policy)
            zh, en = zh + words[0], f"{en} {words[1]}"
    return replace(
        judged,
        status=next(each for each in _WORST_FIRST if each in statuses),
        periods=tuple(found),
        explanation_zh=zh,
        explanation_en=en,
        clauses=tuple(dict.fromkeys((*judged.clauses, *(one.clause for one in found)))),
    )


def _words(period: OnePeriod, found: PeriodResult, policy: Policy) -> Words:
    short = [short_of(each, policy.categories.names) for each in found.missing]
    return period_words(period.rule.title or found.name, found.name, (found.since, found.until), short)


def _judged(
    period: OnePeriod, asked: AskedPeriod, on: date, until: datetime, years: Mapping[int, EarlierYear]
) -> PeriodResult:
    within = [years[year] for year in asked.years if year in years]
    counted = _under_caps(within, asked, until) if asked.caps else None
    if counted is None:
        counted = _sum(_counted(year, asked, until) for year in within)
    requirements, missing = measure(asked.minima, counted, counted.total())
    status: Literal["compliant", "in_progress", "deficient"] = "compliant"
    if missing:
        status = "in_progress" if on <= asked.until else "deficient"
    return PeriodResult(
        name=period.rule.name,
        since=asked.since,
        until=asked.until,
        status=status,
        requirements=requirements,
        missing=missing,
        clause=period.source.clause,
    )


def _counted(year: EarlierYear, asked: AskedPeriod, until: datetime) -> Counted:
    account = year.account if asked.by_year else _within(year.account, asked)
    counted = count(year.policy, account, until)
    if counted.to_fill:
        fill(counted, year.policy)
    return counted


def _under_caps(years: Iterable[EarlierYear], asked: AskedPeriod, until: datetime) -> Counted | None:
    """What counts under the period's own caps, to the person's best for its minima, of what each year counts; None where no
    cap of the period binds."""
    credits = [credit for year in years for credit in _standing(year, asked, until)]
    buckets = binding(asked.caps, credits)
    if not buckets:
        return None
    capped = count_capped(credits, buckets, asked.minima, {})
    return Counted(capped.by_path, [], {}, {}, nested=any("/" in path for path in capped.by_path))


def _standing(year: EarlierYear, asked: AskedPeriod, until: datetime) -> Iterator[Credit]:
    """The credits of a year, each with what of it counts there."""
    account = year.account if asked.by_year else _within(year.account, asked)
    left_out: dict[tuple[str, str | None], Decimal] = {}
    for item in count(year.policy, account, until).not_counted:
        if item.why != "above_day":
            key = item.completion_id, item.provider_id
            left_out[key] = left_out.get(key, Decimal(0)) + item.credits
    for credit in account.credits if account is not None else ():
        left = credit.credits - left_out.get((credit.completion_id, credit.provider), Decimal(0))
        if credit.state == "registered" and left > 0:
            yield replace(credit, credits=left)


def _within(account: Account | None, asked: AskedPeriod) -> Account | None:
    """The account with what was completed inside the period."""
    if account is None:
        return None
    inside = [credit for credit in account.credits if asked.since <= credit.days[1] <= asked.until]
    return replace(account, credits=inside)


def _sum(counted: Iterable[Counted]) -> Counted:
    """What counts in all the years together, by category."""
    paths: dict[Category, Decimal] = {}
    for one in counted:
        for path, credits in one.by_path.items():
            paths[path] = paths.get(path, Decimal("0.00")) + credits
    return Counted(paths, [], {}, {}, nested=any("/" in path for path in paths))
