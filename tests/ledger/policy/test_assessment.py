"""Answers, and what they hold wherever they are asked."""

from datetime import date
from decimal import Decimal
from typing import get_args

import msgspec
import pytest

from services.ledger.policy import Assessment, Credit, WaitingReason, assess
from tests.ledger.policy.builders import (
    BEIJING,
    CHANGZHI,
    CHAOYANG,
    JIANGMEN,
    SHENYANG,
    Given,
    credit,
    policy,
    waiting,
)
from tests.ledger.policy.drafts import book, draft


class TestCounting:
    def test_only_registered_credits_count(self):
        credits = [
            credit("30", number="1"),
            credit("30", number="2", state="withdrawn", reason="reported_in_error"),
            credit("30", number="3", state="revoked", reason="cheating"),
        ]
        answer = Given(CHAOYANG, 2024, credits).when_asked("2024-12-01")
        assert answer.total == Decimal(30)
        assert [(item.completion_id, item.why) for item in answer.not_counted] == [
            ("completion-2", "withdrawn"),
            ("completion-3", "revoked"),
        ]

    def test_what_is_completed_after_the_day_asked_about_does_not_count_yet(self):
        credits = [credit("30", on="2024-06-01"), credit("60", on="2024-06-02 00:00:00")]
        given = Given(CHAOYANG, 2024, credits)
        assert given.when_asked("2024-06-01").total == Decimal(30)
        assert [item.why for item in given.when_asked("2024-06-01").not_counted] == ["completed_later"]
        assert given.when_asked("2024-06-02").total == Decimal(90)

    def test_credits_are_shown_by_category(self):
        answer = Given(CHAOYANG, 2024, [credit("12.50"), credit("0.25", "public")]).when_asked("2024-12-01")
        assert answer.by_category == {"professional": Decimal("12.50"), "public": Decimal("0.25")}

    def test_an_account_that_does_not_exist_is_empty(self):
        given = Given(CHAOYANG, 2024)
        answer = assess(policy(CHAOYANG, 2024), None, given.person, 2024, date(2024, 12, 1))
        assert (answer.status, answer.total) == ("in_progress", 0)


class TestStatus:
    def test_a_year_before_the_national_rule_has_no_answer(self):
        answer = Given(BEIJING, 2017, [credit("30", on="2017-06-01")], waits=[waiting("5")]).when_asked(
            "2017-12-01"
        )
        assert (answer.status, answer.policy, answer.total) == ("no_policy", None, Decimal(30))
        assert [item.why for item in answer.not_counted] == ["below_total"]

    def test_before_the_window_the_year_is_in_progress(self):
        """B-09."""
        answer = Given(CHAOYANG, 2024).when_asked("2024-01-31")
        assert answer.status == "in_progress"
        assert answer.deadlines[0].open is False
        assert "学习自2024年2月1日开始" in answer.explanation_zh

    @pytest.mark.parametrize("on", [date.min, date(1970, 1, 1), date(9999, 12, 31), date.max])
    def test_any_day_can_be_asked_about(self, on: date):
        given = Given(CHAOYANG, 2024)
        answer = assess(policy(CHAOYANG, 2024), given.account, given.person, 2024, on)
        assert answer.status == ("in_progress" if on.year < 2024 else "deficient")


class TestAnswer:
    def test_it_names_the_policy_by_hash_and_its_clauses(self):
        answer = Given(SHENYANG, 2025).when_asked("2025-06-01")
        assert answer.policy == policy(SHENYANG, 2025).hash
        assert answer.clauses == ("S1-02", "S1-03", "S1-16")

    def test_requirements_carry_the_words_of_their_clause(self):
        (total, *_) = Given(CHANGZHI, 2026).when_asked("2026-06-01").requirements
        assert (total.clause, total.document) == ("S3B-06", "晋财会〔2026〕7号")
        assert "不少于90学分" in total.text_zh

    def test_it_is_json_with_decimal_text_and_comes_back_equal(self):
        credits = [credit("45.50"), credit("30", "public", state="revoked")]
        answer = Given(CHAOYANG, 2024, credits, [waiting("5")]).when_asked("2025-03-01")
        encoded = msgspec.json.encode(answer)
        assert b'"total":"45.50"' in encoded
        assert msgspec.json.decode(encoded, type=Assessment) == answer

    def test_sentences_are_plain_in_both_languages(self):
        answer = Given(CHAOYANG, 2024, [credit("75.50")]).when_asked("2025-01-31")
        assert answer.explanation_zh == (
            "2024年度继续教育进行中：已登记75.5学分，总学分尚缺14.5学分。须于2025年1月31日（含当日）前完成。"
        )
        assert answer.explanation_en == (
            "In progress for 2024: 75.5 credits registered; missing: 14.5 in total. "
            "Complete by 2025-01-31, that day included."
        )


class TestFill:
    """B-01: credits that may fill several categories serve them in their order, and who can fill fewer goes first."""

    BOTH = draft({"kind": "requirement", "categories": {"public": 30}})
    """Beside the nation's 90, with 60 of them professional."""

    def asked(self, credits: list[Credit]) -> Assessment:
        return Given(BEIJING, 2030, credits, book=book(self.BOTH)).when_asked("2030-06-01")

    def test_the_first_category_of_the_order_is_served_first(self):
        exam = credit("60", "any", fill=("professional", "public"), mode="equivalence")
        answer = self.asked([exam])

        assert answer.by_category == {"professional": Decimal(60), "public": Decimal(0)}

    @pytest.mark.parametrize("turn", [1, -1])
    def test_what_can_fill_one_category_alone_goes_before_what_can_fill_two(self, turn: int):
        narrow = credit("60", "any", fill=("professional",), mode="equivalence", number="narrow")
        wide = credit("60", "any", fill=("professional", "public"), mode="equivalence", number="wide")
        answer = self.asked([wide, narrow][::turn])

        assert answer.status == "compliant"
        assert answer.by_category["public"] == Decimal(30)

    def test_of_two_of_one_length_the_first_by_name_goes_first(self):
        there = credit("40", "any", fill=("public", "professional"), mode="equivalence", number="1")
        back = credit("70", "any", fill=("professional", "public"), mode="equivalence", number="2")
        answers = [self.asked(order) for order in ([there, back], [back, there])]

        assert answers[0] == answers[1]


class TestWhatTheVerdictLeavesUnsaid:
    def test_what_is_more_than_asked_is_said_and_is_not_carried_over(self):
        """S1-04: 180 of 90."""
        credits = [credit("150", on="2025-06-01"), credit("30", "public", on="2025-06-01")]
        answer = Given(SHENYANG, 2025, credits).when_asked("2025-07-01")
        assert answer.explanation_zh == (
            "2025年度继续教育已达标：已登记180学分，其中专业科目150学分、公需科目30学分。超出规定90学分，不结转。"
        )
        assert answer.explanation_en == (
            "Compliant for 2025: 180 credits registered, 150 professional and 30 public. "
            "90 credits are more than the year asks, and are not carried over."
        )
        assert "S1-04" in answer.clauses

    def test_credits_of_no_fixed_subject_are_said(self):
        """S0-13, B-01: an exam's credits count for what is missing, what is left for the total alone."""
        filling = credit("90", "any", on="2024-06-01", fill=("professional",))
        answer = Given(CHAOYANG, 2024, [filling]).when_asked("2024-07-01")
        assert "专业科目60学分、公需科目0学分、不限科目30学分" in answer.explanation_zh
        assert "30 of no fixed subject" in answer.explanation_en

    def test_what_is_registered_is_told_apart_from_what_is_recognised(self):
        """S4-03, B-11."""
        credits = [
            credit("60", on="2020-06-01"),
            credit("30", "public", on="2020-06-02"),
        ]
        answer = Given(JIANGMEN, 2020, credits).when_asked("2020-07-01")
        assert "已计入30学分" in answer.explanation_zh
        assert "另有60学分已登记，尚待认定。" in answer.explanation_zh
        assert "60 more credits are registered and wait to be recognised." in answer.explanation_en
        assert "S4-03" in answer.clauses

    def test_what_a_cap_cuts_is_said_with_its_clause(self):
        cap = {"kind": "cap", "name": "day", "per": "day", "credits": 20}
        given = Given(BEIJING, 2030, [credit("30", on="2030-06-01")], book=book(draft(cap)))
        answer = given.when_asked("2030-07-01")
        assert "超过上限的10学分不计入。" in answer.explanation_zh
        assert "10 credits are above a maximum and do not count." in answer.explanation_en
        assert "T-01" in answer.clauses

    @pytest.mark.parametrize("reason", get_args(WaitingReason))
    def test_what_waits_is_said_whatever_it_waits_for(self, reason: WaitingReason):
        waits = [waiting("30", reason, on="2024-06-01", clause="X-01")]
        answer = Given(CHAOYANG, 2024, waits=waits).when_asked("2024-07-01")
        assert [(item.reason, item.credits) for item in answer.held] == [(reason, Decimal(30))]
        assert "另有30学分待登记：" in answer.explanation_zh
        assert "30 more credits are " in answer.explanation_en
        assert "X-01" in answer.clauses


class TestMakeUpIsCalledWhatTheNoticeCallsIt:
    """补学 is studying now; 补登 has what was studied registered (S1-18, S4-08)."""

    @pytest.mark.parametrize(
        ("place", "year", "on", "said"),
        [
            (SHENYANG, 2024, "2025-03-01", "现可补学，"),
            (SHENYANG, 2024, "2025-05-01", "现可申请补登，"),
            (CHAOYANG, 2023, "2024-06-01", "现可申请补学，"),
        ],
    )
    def test_in_the_sentence(self, place: str, year: int, on: str, said: str):
        assert said in Given(place, year).when_asked(on).explanation_zh

    def test_of_professional_credits_of_guangdong(self):
        """S4-08: the public part is finished, the professional credits are registered late."""
        credits = [credit("30", "public", on="2018-06-01")]
        answer = Given(JIANGMEN, 2018, credits, qualified_on=date(2015, 5, 1)).when_asked("2020-06-01")
        assert "现可补登，截至2020年9月30日" in answer.explanation_zh
