"""Bounded carry-over: what a year had above its requirement counts once in the next, where a clause lets it."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from services.ledger.policy import (
    Account,
    Assessment,
    Credit,
    EarlierYear,
    NoticeError,
    Person,
    PolicyBook,
    assess,
    parse_notice,
)
from tests.ledger.policy.builders import BEIJING, BOOK, CHAOYANG, Given, credit, notice_text, policy

PERSON = Person(person_id="p", place=BEIJING, qualified_on=date(2019, 5, 1))


def book(carry: str) -> PolicyBook:
    clauses = f"""
  - id: T-01
    article: 一
    text: 不少于90学分，专业科目不少于60学分。
    rules:
      - {{kind: obligation, qualified: next_year}}
      - {{kind: requirement, total: 90, categories: {{professional: 60}}}}
  - id: T-08
    article: 八
    text: 上年度超出的学分可结转。
    rules: [{{kind: carry_over, {carry}}}]
"""
    notice = parse_notice(notice_text(clauses=clauses, years="{from: 2029, to: 2032}"))
    return BOOK.with_notice(notice, datetime(2030, 1, 10, tzinfo=UTC), "110000", 1)


def asked(carry: str, before: list[Credit], now: list[Credit], year: int = 2030) -> Assessment:
    found = book(carry)
    earlier = EarlierYear(
        found.resolve(BEIJING, year - 1), Account(person_id="p", year=year - 1, credits=before)
    )
    account = Account(person_id="p", year=year, credits=now)
    return assess(found.resolve(BEIJING, year), account, PERSON, year, date(year, 12, 31), earlier)


ALLOWED = "allowed: true, up_to: 30, categories: [professional]"
BEFORE = [credit("80", on="2029-06-01"), credit("30", "public", on="2029-06-01")]


class TestByCategoryAndFromAnUnmetYear:
    BEFORE = (credit("70", on="2029-06-01"), credit("5", "public", on="2029-06-01"))

    def test_a_category_is_carried_up_to_its_own_limit(self):
        carry = "allowed: true, by_category: {professional: 15, public: 30}"
        answer = asked(carry, BEFORE, [])
        assert answer.carried is not None
        assert answer.carried.by_category == {"professional": Decimal(15), "public": Decimal(5)}

    def test_an_unmet_year_carries_what_its_categories_had_above_their_minima(self):
        carry = "allowed: true, by_category: {professional: 20, public: 20}, unmet: true"
        answer = asked(carry, list(self.BEFORE), [])
        assert answer.carried is not None
        assert answer.carried.by_category == {"professional": Decimal(10), "public": Decimal(5)}

    def test_without_a_word_an_unmet_year_carries_nothing(self):
        assert asked("allowed: true, by_category: {professional: 20}", list(self.BEFORE), []).carried is None


class TestCarriedCredits:
    def test_what_was_above_counts_in_its_category_and_in_the_total(self):
        answer = asked(ALLOWED, BEFORE, [credit("70", on="2030-06-01")])
        assert (answer.status, answer.total) == ("compliant", Decimal(90))
        assert answer.carried is not None
        assert (answer.carried.from_year, answer.carried.by_category) == (2029, {"professional": Decimal(20)})
        assert answer.carried.clause in answer.clauses

    def test_the_answer_says_so_in_both_languages(self):
        answer = asked(ALLOWED, BEFORE, [credit("70", on="2030-06-01")])
        assert answer.explanation_zh.endswith("其中2029年度结转20学分。")
        assert answer.explanation_en.endswith("20 of them were carried over from 2029.")

    def test_of_a_category_without_a_minimum_all_that_was_earned_in_it_is_above(self):
        before = [credit("115", on="2029-06-01"), credit("5", "public", on="2029-06-01")]
        answer = asked(ALLOWED.replace("professional", "public"), before, [])
        assert answer.by_category == {"professional": Decimal(0), "public": Decimal(5)}

    def test_no_more_than_the_clause_lets_in(self):
        before = [credit("150", on="2029-06-01"), credit("30", "public", on="2029-06-01")]
        answer = asked(ALLOWED, before, [])
        assert answer.total == Decimal(30)

    def test_no_more_than_was_above_the_total(self):
        before = [credit("85", on="2029-06-01"), credit("10", "public", on="2029-06-01")]
        assert asked(ALLOWED, before, []).total == Decimal(5)

    def test_a_year_that_was_not_met_has_nothing_above(self):
        assert asked(ALLOWED, [credit("89.99", on="2029-06-01")], []).total == 0

    def test_revoked_credits_are_not_carried(self):
        before = [credit("80", on="2029-06-01"), credit("30", "public", on="2029-06-01", state="revoked")]
        assert asked(ALLOWED, before, []).carried is None

    def test_what_was_carried_once_is_not_carried_again(self):
        """The year before is counted by what was awarded in it alone."""
        assert asked(ALLOWED, [credit("90", on="2030-06-01")], [], year=2031).carried is None

    def test_equivalences_fill_what_the_carried_credits_leave_missing(self):
        """B-01."""
        exam = credit("50", "any", on="2030-06-01", fill=("professional", "public"))
        answer = asked(ALLOWED, BEFORE, [exam])
        assert answer.by_category == {
            "professional": Decimal(60),
            "public": Decimal(0),
            "any": Decimal(10),
        }


class TestDefault:
    def test_where_no_clause_allows_it_nothing_is_carried(self):
        """S1-04, S2A-08."""
        assert policy(CHAOYANG, 2024).carries is None
        given = Given(CHAOYANG, 2024)
        earlier = EarlierYear(
            policy(CHAOYANG, 2024), Account(person_id="p", year=2023, credits=[credit("300")])
        )
        answer = assess(policy(CHAOYANG, 2024), None, given.person, 2024, date(2024, 12, 1), earlier)
        assert answer.total == 0

    def test_a_later_clause_ends_it(self):
        assert asked("allowed: false", BEFORE, []).carried is None

    @pytest.mark.parametrize(
        "carry", ["allowed: true, up_to: 30", "allowed: false, up_to: 30, categories: [public]"]
    )
    def test_a_limit_goes_with_categories_and_with_permission(self, carry: str):
        with pytest.raises(NoticeError) as refused:
            book(carry)
        assert [fault.field for fault in refused.value.faults] == ["/clauses/1/rules/0/up_to"]


class TestCapsAndCarrying:
    def test_caps_are_about_the_years_own_credits(self):
        carry = ALLOWED + "}, {kind: cap, name: year, per: year, credits: 70"
        own: list[Any] = [credit("90", on="2030-06-01")]
        answer = asked(carry, BEFORE, own)
        # The cap binds the year before, too: 70 of its 110 counted, so nothing was above its requirement.
        assert (answer.total, answer.carried) == (Decimal(70), None)
