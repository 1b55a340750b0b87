"""Periods follow each other without a gap from where they are counted, and no order of years or credits matters."""

from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.ledger.policy import Account, Person, assess
from services.ledger.policy.judging.periods import with_periods
from services.ledger.policy.judging.requirements import EarlierYear
from services.ledger.policy.language.facts import Traits
from services.ledger.policy.rules.period import OnePeriod, Period, PeriodTerms
from tests.ledger.policy.builders import BEIJING, credit, policy
from tests.ledger.policy.document.test_target_faults import faults
from tests.ledger.policy.drafts import book, draft

SOMEBODY = Person(
    person_id="p", place=BEIJING, qualified_on=date(2027, 2, 28), traits=Traits(birth_month="1990-09")
)
ANCHORS: list[dict[str, Any]] = [
    {"over": 3, "anchor": "calendar", "first_year": 2028},
    {"months": 6, "anchor": "calendar", "first_year": 2028},
    {"over": 2, "anchor": "licence"},
    {"months": 18, "anchor": "licence"},
    {"over": 2, "anchor": "birth_month"},
    {"over": 1, "anchor": "birth_month", "first_year": 2020},
]


def period(**said: Any) -> OnePeriod:
    made = policy(BEIJING, 2030, book(draft({"kind": "period", "name": "p", "total": 60} | said)))
    (found,) = made.of(PeriodTerms).periods
    return found


@pytest.mark.parametrize("said", ANCHORS, ids=str)
def test_every_day_of_the_years_since_admission_is_of_one_period(said: dict[str, Any]):
    asked = {one for year in range(2027, 2040) for one in period(**said).asked(SOMEBODY, year)}
    days = sorted((one.since, one.until) for one in asked)

    assert all(later == until + timedelta(days=1) for (_, until), (later, _) in pairwise(days))
    assert days[0][0] <= date(2027, 2, 28)
    assert days[-1][1] >= date(2039, 12, 31)


@pytest.mark.parametrize(
    ("said", "year", "days"),
    [
        (ANCHORS[0], 2030, [("2028-01-01", "2030-12-31")]),
        (ANCHORS[2], 2029, [("2027-02-28", "2029-02-27"), ("2029-02-28", "2031-02-27")]),
        (ANCHORS[4], 2029, [("2027-10-01", "2029-09-30"), ("2029-10-01", "2031-09-30")]),
        ({"over": 3, "anchor": "rolling"}, 2030, [("2028-01-01", "2030-12-31")]),
        ({"over": 3, "anchor": "calendar", "first_year": 2020}, 2025, []),
    ],
)
def test_the_periods_of_a_year(said: dict[str, Any], year: int, days: list[tuple[str, str]]):
    found = period(**said).asked(SOMEBODY, year)

    assert [(str(one.since), str(one.until)) for one in found] == days


def test_of_months_since_a_licence_late_in_the_year_lose_no_day():
    licensed = msgspec.structs.replace(SOMEBODY, qualified_on=date(2027, 11, 30))
    found = period(months=6, anchor="licence").asked(licensed, 2029)

    assert [(str(one.since), str(one.until)) for one in found] == [
        ("2028-11-30", "2029-05-29"), ("2029-05-30", "2029-11-29"), ("2029-11-30", "2030-05-29")
    ]  # fmt: skip


def test_by_the_month_of_birth_of_who_has_no_licence_are_counted_from_nowhere():
    unlicensed = msgspec.structs.replace(SOMEBODY, qualified_on=None)

    assert period(over=2, anchor="birth_month").asked(unlicensed, 2030) == []
    assert period(over=2, anchor="birth_month", first_year=2029).asked(unlicensed, 2030) != []


@pytest.mark.parametrize(
    ("said", "by_year"), [(ANCHORS[0], True), (ANCHORS[1], False), (ANCHORS[2], False), (ANCHORS[4], False)]
)
def test_credits_are_of_it_by_their_year_where_it_is_whole_years(said: dict[str, Any], by_year: bool):
    assert {one.by_year for one in period(**said).asked(SOMEBODY, 2030)} == {by_year}


@pytest.mark.parametrize(
    ("said", "reach", "others"),
    [(ANCHORS[0], 3, (2028, 2029)), (ANCHORS[3], 2, (2028, 2029, 2031)), ({"over": 1}, 1, ())],
)
def test_names_the_other_years_that_have_to_be_read(
    said: dict[str, Any], reach: int, others: tuple[int, ...]
):
    terms = PeriodTerms((period(**said),))

    assert (terms.reach, terms.years_of(SOMEBODY, 2030)) == (reach, others)


def test_whole_asks_for_its_minima_to_the_hundredth():
    first = {"from": "admission", "prorate": "months", "round": "up"}
    (one,) = period(over=3, first_year=2028, total="59.5", categories={"public": 10}, first=first).asked(
        SOMEBODY, 2030
    )

    assert [(each.kind, each.category, str(each.minimum)) for each in one.minima] == [
        ("total", None, "59.50"), ("category", "public", "10.00")
    ]  # fmt: skip


@pytest.mark.parametrize(("rounding", "minimum"), [("up", 57), ("down", 56), ("half_up", 57)])
def test_the_first_period_asks_for_its_months_and_rounds_as_it_says(rounding: str, minimum: int):
    """Twenty-three of twenty-four months of 59 credits are 56.54."""
    first = {"from": "admission", "prorate": "months", "round": rounding}
    said = {"over": 2, "anchor": "birth_month", "first_year": 2027, "total": 59, "first": first}
    admitted = msgspec.structs.replace(SOMEBODY, qualified_on=date(2027, 11, 30))

    (one, *_) = period(**said).asked(admitted, 2028)

    assert one.since == date(2027, 11, 30)
    assert [terms.minimum for terms in one.minima] == [Decimal(minimum)]


@pytest.mark.parametrize(
    "said", [{}, {"over": 1, "months": 6}, {"months": 6, "anchor": "rolling"}, {"over": 1, "total": None}]
)
def test_a_period_without_a_length_or_without_a_minimum_is_a_fault(said: dict[str, Any]):
    rule = {k: v for k, v in ({"kind": "period", "name": "p", "total": 60} | said).items() if v is not None}

    assert len(faults(rule)) == 1


AMOUNTS = st.lists(st.integers(1, 80), max_size=4)


@settings(max_examples=20)
@given(st.lists(AMOUNTS, min_size=3, max_size=3), st.randoms(use_true_random=False))
def test_no_order_of_years_or_of_credits_matters(amounts: list[list[int]], random: Any):
    rules = [
        {"kind": "obligation", "qualified": "next_year"},
        {"kind": "period", "name": "p", "over": 3, "anchor": "rolling", "total": 150},
    ]
    made = policy(BEIJING, 2030, book(draft(*rules)))
    person = msgspec.structs.replace(SOMEBODY, qualified_on=date(2019, 5, 1))
    accounts = {
        2028 + n: Account(
            person_id="p",
            year=2028 + n,
            credits=[credit(str(c), on=f"{2028 + n}-05-01", number=str(i)) for i, c in enumerate(each)],
        )
        for n, each in enumerate(amounts)
    }

    def answer(order: list[int]) -> bytes:
        judged = assess(made, accounts[2030], person, 2030, date(2030, 12, 31))
        years = {year: EarlierYear(made, accounts[year]) for year in order}
        return msgspec.json.encode(with_periods(judged, made, person, years))

    before = answer([2028, 2029, 2030])
    for account in accounts.values():
        random.shuffle(account.credits)
    assert answer([2030, 2028, 2029]) == before
    earned = sum(map(sum, amounts))
    assert (b'"status":"compliant","requirements"' in before) is (earned >= 150)


def test_lifted_it_asks_nothing():
    rule = Period(name="p", over=3, total=Decimal(60), lifted=True)
    said = msgspec.to_builtins(rule, builtin_types=(Decimal,)) | {"total": 60}

    assert policy(BEIJING, 2030, book(draft(said))).get(PeriodTerms) is None


@settings(max_examples=25)
@given(st.lists(st.tuples(st.integers(1, 80), st.sampled_from(["online", "other"])), max_size=6))
def test_a_cap_of_the_period_counts_no_more_whatever_the_years_and_leaves_the_rest_alone(
    earned: list[tuple[int, str]],
):
    """What the caps of each year leave is capped once over all of them, and the order of the years does not matter."""
    rules = [
        {"kind": "cap", "name": "year", "per": "year", "credits": 50, "modes": ["other"]},
        {"kind": "period", "name": "p", "over": 2, "anchor": "rolling", "total": 300,
         "caps": [{"credits": 70, "modes": ["other"]}]},
    ]  # fmt: skip
    made = policy(BEIJING, 2030, book(draft(*rules)))
    accounts = {year: Account(person_id="p", year=year) for year in (2029, 2030)}
    for number, (amount, mode) in enumerate(earned):
        year = 2029 + number % 2
        one = credit(str(amount), on=f"{year}-05-01", number=str(number))
        accounts[year].credits.append(msgspec.structs.replace(one, mode=mode))
    person = msgspec.structs.replace(SOMEBODY, qualified_on=date(2019, 5, 1))
    judged = assess(made, accounts[2030], person, 2030, date(2030, 12, 31))

    def total(*years: int) -> Decimal:
        around = {year: EarlierYear(made, accounts[year]) for year in years}
        return with_periods(judged, made, person, around).periods[0].requirements[0].earned

    by_year = {
        year: {
            mode: sum(each.credits for each in account.credits if each.mode == mode)
            for mode in ("online", "other")
        }
        for year, account in accounts.items()
    }
    capped = min(70, sum(min(50, each["other"]) for each in by_year.values()))
    assert total(2029, 2030) == capped + sum(each["online"] for each in by_year.values())
    assert total(2029, 2030) == total(2030, 2029)
