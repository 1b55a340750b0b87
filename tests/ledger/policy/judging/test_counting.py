"""Counting: which credits count on a day, for what, and why the others do not."""

from collections.abc import Iterable
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest

from services.ledger.policy import Account, Assessment, Credit, Waiting
from services.ledger.policy.judging.counting import Counted, count, fill
from tests.ledger.policy.builders import BEIJING, Given, at, credit, policy, waiting
from tests.ledger.policy.drafts import book, draft

CAP = {"kind": "cap", "name": "plenty", "per": "year", "credits": 500}
"""Under a cap that never binds, credits are still counted one by one."""
WHOLE = {
    "kind": "equivalence",
    "forms": [{"form": "exam", "name": "考试", "per": "event", "credits": 90, "covers": {"year": True}}],
}


def asked(
    *rules: dict[str, Any],
    credits: Iterable[Credit] = (),
    waits: Iterable[Waiting] = (),
    on: str = "2030-06-01",
) -> Assessment:
    return Given(BEIJING, 2030, credits, waits, book=book(draft(*rules))).when_asked(on)


def left_out(answer: Assessment) -> list[tuple[str, str, str | None]]:
    return [(item.why, str(item.credits), item.clause) for item in answer.not_counted]


def account(*credits: Credit) -> Account:
    return Account(person_id="person-1", year=2030, credits=list(credits))


class TestHoursAboveTheMostOfADay:
    CUT = Decimal("6.00")

    def test_are_shown_with_their_clause_from_the_day_on_which_they_were_studied(self):
        studied = credit("12", on="2030-05-02 00:00:00", cut=self.CUT, rate_clause="T-09")

        assert left_out(asked(credits=[studied], on="2030-05-02")) == [("above_day", "6.00", "T-09")]
        assert left_out(asked(credits=[studied], on="2030-05-01")) == [("completed_later", "12", None)]

    def test_of_what_no_longer_stands_are_not(self):
        revoked = credit("12", on="2030-05-01", state="revoked", ended_clause="S1-21", cut=self.CUT)

        assert left_out(asked(credits=[revoked])) == [("revoked", "12", "S1-21")]


class TestWhatDoesNotCount:
    def test_comes_in_one_order_also_where_two_providers_use_one_id(self):
        items = [
            credit("30", on="2031-05-01", number=number, provider=provider)
            for number, provider in (("1", "one"), ("1", "other"), ("2", "one"))
        ]
        answers = {str(asked(credits=order).not_counted) for order in permutations(items)}

        assert len(answers) == 1

    def test_waits_by_the_clause_it_was_held_under(self):
        waits = [waiting("10", "exam_pending", "2030-05-01", clause="T-09")]

        assert left_out(asked(waits=waits)) == [("exam_pending", "10", "T-09")]


class TestAMinimumOfSomeCredits:
    def test_is_reached_by_those_of_its_categories_alone(self):
        taught = {"kind": "minimum", "name": "taught"}
        taught |= {"any_of": [{"credits": 20, "categories": ["public"], "modes": ["face_to_face"]}]}
        other = credit("90", on="2030-05-01", mode="face_to_face")
        public = credit("20", "public", on="2030-05-02", mode="face_to_face")

        assert asked(taught, credits=[other]).status == "in_progress"
        assert asked(taught, credits=[other, public]).status == "compliant"

    @pytest.mark.parametrize("turned", [False, True])
    def test_of_alternatives_under_a_cap_the_one_that_can_be_reached_is_taken(self, turned: bool):
        """A day holds thirty: those in the classroom reach their minimum, those online would not."""
        ways = [{"credits": 40, "modes": ["online"]}, {"credits": 30, "modes": ["face_to_face"]}]
        either = {"kind": "minimum", "name": "either", "any_of": ways[::-1] if turned else ways}
        day = {"kind": "cap", "name": "day", "per": "day", "credits": 30}
        credits = [
            credit("30", on="2030-05-01", number="online"),
            credit("30", on="2030-05-01", number="taught", mode="face_to_face"),
            credit("60", on="2030-05-02", number="other", mode="other"),
            credit("60", on="2030-05-03", number="more", mode="other"),
        ]
        answer = asked(either, day, {"kind": "requirement", "total": 90}, credits=credits)

        assert (answer.status, answer.total) == ("compliant", Decimal(90))


class TestAFormThatStandsForTheYear:
    def test_covers_its_courses_too_beside_credits_of_another_form_and_without_any_floor(self):
        course = {"kind": "requirement", "total": 90, "courses": [{"course": "LAW"}]}
        exam = credit("90", on="2030-05-01", form="exam", route="claim")
        other = credit("90", on="2030-05-02", number="other")

        assert asked(WHOLE, course, credits=[exam, other]).status == "compliant"
        assert asked(WHOLE, course, credits=[other]).status == "in_progress"


class TestRecognition:
    def test_that_is_asked_of_some_credits_alone_is_waited_for_by_those(self):
        rule = {
            "kind": "recognition",
            "category": "professional",
            "separate": True,
            "for": {"modes": ["other"]},
        }
        other, online = credit("30", on="2030-05-01", mode="other"), credit("60", on="2030-05-02")
        answer = asked(rule, credits=[other, online])

        assert (answer.total, left_out(answer)) == (Decimal(60), [("awaiting_recognition", "30", "T-01")])
        recognised = credit("30", on="2030-05-01", mode="other", recognised_at=at("2030-05-20"))
        assert asked(rule, credits=[recognised, online]).total == Decimal(90)


class TestNestedCategories:
    def test_count_for_the_root_whatever_is_counted_after_them(self):
        nested = {"kind": "requirement", "categories": {"professional": 60, "professional/ethics": 10}}
        credits = [
            credit("60", "professional/ethics", on="2030-05-01"),
            credit("30", "public", on="2030-05-02"),
        ]
        answer = asked(nested, CAP, credits=credits)

        assert (answer.status, answer.missing) == ("compliant", ())


class TestWithoutAPolicy:
    def test_all_that_is_registered_counts_also_what_may_fill_any_category(self):
        open_ = credit("10", "any", on="2030-05-01", fill=("public",))
        counted = count(None, account(open_, credit("30", on="2030-05-02")), at("2030-06-01"))
        fill(counted, None)

        assert counted.by_root() == {
            "professional": Decimal(30), "public": Decimal(0), "any": Decimal(10)
        } | {key: amount for key, amount in counted.by_path.items() if not amount}  # fmt: skip
        assert counted.total() == Decimal(40)


class TestFilling:
    def test_takes_the_credits_that_fill_fewest_categories_first(self):
        """Ten that may only be public and ten that may be either: both minima are reached, in any order of arrival."""
        minima = {"kind": "requirement", "total": 20, "categories": {"professional": 10, "public": 10}}
        made = policy(BEIJING, 2030, book(draft(minima)))
        narrow, wide = ("public",), ("public", "professional")
        for order in permutations([(narrow, Decimal(10)), (wide, Decimal(10))]):
            counted = Counted({"professional": Decimal(0), "public": Decimal(0)}, [], dict(order))
            fill(counted, made)

            assert (counted.of("professional"), counted.of("public")) == (Decimal(10), Decimal(10))
