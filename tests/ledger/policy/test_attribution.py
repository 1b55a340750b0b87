"""The credit year an activity counts for, form by form, and what a score is worth."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from services.ledger.policy import Activity, Award, NoticeError, Rejected, award
from tests.ledger.policy.builders import BEIJING, policy
from tests.ledger.policy.drafts import book, draft

TODAY = date(2031, 12, 1)


def form(**fields: Any) -> dict[str, Any]:
    return {
        "kind": "equivalence",
        "forms": [{"form": "exam", "name": "考试", "per": "event", "credits": 90} | fields],
    }


def worth(rule: dict[str, Any], **facts: Any) -> Award | Rejected:
    activity = Activity(form="exam", **{"happened_on": date(2030, 9, 7)} | facts)
    return award(policy(BEIJING, 2030, book(draft(rule))), activity, BEIJING, 2030, TODAY)


class TestCreditYear:
    @pytest.mark.parametrize("counted_from", [None, "event", "exam", "training", "publication"])
    def test_is_that_of_the_day_it_happened(self, counted_from: str | None):
        """A-05, B-04."""
        rule = form(credit_year=counted_from) if counted_from else form()
        assert isinstance(worth(rule, happened_on=date(2030, 12, 31)), Award)
        answer = worth(rule, happened_on=date(2031, 1, 1))
        assert answer == Rejected("activity-of-other-year", "T-01", {"counted": "2031", "year": "2030"})

    @pytest.mark.parametrize(
        ("counted_from", "day"),
        [("result", "result_on"), ("admission", "document_on"), ("graduation", "document_on")],
    )
    def test_may_be_that_of_a_result_or_a_document(self, counted_from: str, day: str):
        rule = form(credit_year=counted_from)
        happened: Any = {"happened_on": date(2029, 9, 7)}
        assert isinstance(worth(rule, **happened, **{day: date(2030, 1, 1)}), Award)
        late = worth(rule, **happened, **{day: date(2029, 12, 31)})
        assert late == Rejected("activity-of-other-year", "T-01", {"counted": "2029", "year": "2030"})
        assert worth(rule, **happened) == Rejected("day-needed", "T-01", {"day": counted_from})

    @pytest.mark.parametrize(
        ("happened_on", "counts"),
        [("2029-08-31", False), ("2029-09-01", True), ("2030-08-31", True), ("2030-09-01", False)],
    )
    def test_may_be_decreed_for_a_span_of_days(self, happened_on: str, counts: bool):
        rule = form(decreed={"from": "Y-1-09-01", "until": "Y-08-31"})
        answer = worth(rule, happened_on=date.fromisoformat(happened_on))
        if counts:
            assert isinstance(answer, Award)
        else:
            details = {"since": "2029-09-01", "until": "2030-08-31", "year": "2030"}
            assert answer == Rejected("outside-decreed-days", "T-01", details)

    def test_may_be_left_to_whoever_reviews(self):
        assert isinstance(worth(form(credit_year="decreed"), happened_on=date(2028, 1, 1)), Award)

    @pytest.mark.parametrize("days", [("2030-02-30", "2030-08-31"), ("2030-09-01", "2030-08-31")])
    def test_a_span_is_of_days_that_exist_in_order(self, days: tuple[str, str]):
        with pytest.raises(NoticeError):
            draft(form(decreed={"from": days[0], "until": days[1]}))


class TestScoreBands:
    BANDS = form(
        bands=[{"from": 80, "credits": 60}, {"from": 60, "credits": 30}, {"from": "92.5", "credits": 90}]
    )

    @pytest.mark.parametrize(
        ("score", "credits"),
        [
            ("60", "30.00"),
            ("79.99", "30.00"),
            ("80", "60.00"),
            ("92.49", "60.00"),
            ("92.5", "90.00"),
            ("100", "90.00"),
        ],
    )
    def test_the_highest_band_that_is_reached_counts(self, score: str, credits: str):
        answer = worth(self.BANDS, score=Decimal(score))
        assert isinstance(answer, Award)
        assert answer.credits == Decimal(credits)

    def test_below_the_lowest_there_is_nothing(self):
        answer = worth(self.BANDS, score=Decimal("59.99"))
        assert answer == Rejected("score-below-bands", "T-01", {"minimum": "60"})

    def test_a_score_has_to_be_given(self):
        assert worth(self.BANDS) == Rejected("score-needed", "T-01", {"form": "exam"})

    def test_two_bands_do_not_begin_alike(self):
        with pytest.raises(NoticeError):
            draft(form(bands=[{"from": 60, "credits": 30}, {"from": "60.0", "credits": 60}]))
