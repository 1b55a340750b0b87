"""Maxima: what counts under a cap, what is above it by which clause, and that nobody is harmed by more study."""

import os
import subprocess
import sys
from datetime import date, timedelta
from decimal import Decimal
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ledger.policy import Assessment
from tests.ledger.policy.builders import Given, credit
from tests.ledger.policy.test_categories import beijing


def capped(*caps: str, needs: str = "{professional: 60, public: 20}") -> str:
    """A clause with minima, and one for each cap: T-10, T-11 ..."""
    clauses = f"""
  - id: T-03
    article: 三
    text: 各科目最低学分。
    rules:
      - {{kind: requirement, categories: {needs}}}
"""
    for number, cap in enumerate(caps, start=10):
        clauses += f"""
  - id: T-{number}
    article: 四
    text: 学分上限。
    rules:
      - {{kind: cap, {cap}}}
"""
    return clauses


def asked(given: Given, on: str = "2030-12-31") -> Assessment:
    return given.when_asked(on)


def above(answer: Assessment) -> list[tuple[str, str, str | None]]:
    """What is above a cap: the completion, how much of it, the clause."""
    return [
        (item.completion_id.removeprefix("completion-"), str(item.credits), item.clause)
        for item in answer.not_counted
        if item.why == "above_cap"
    ]


def on_day(number: str, credits: str, day: str, category: str = "professional", **other: Any) -> Any:
    return credit(credits, category, on=f"2030-{day}", number=number, **other)


class TestTwoCapsThatAreFull:
    def test_the_one_about_fewer_credits_is_named_whatever_they_are_called(self):
        clauses = capped(
            "name: all, per: year, credits: 30",
            "name: online, per: year, credits: 30, modes: [online]",
            needs="{public: 0}",
        )
        answer = asked(beijing(clauses, on_day("a", "40", "03-01")))
        assert above(answer) == [("a", "10.00", "T-11")]


class TestOneCap:
    def test_of_a_category_over_the_year(self):
        clauses = capped("name: public_most, per: year, credits: 30, categories: [public]")
        credits = [
            on_day("a", "60", "03-01"),
            on_day("b", "20", "04-01", "public"),
            on_day("c", "20", "05-01", "public"),
        ]
        answer = asked(beijing(clauses, *credits))
        assert answer.by_category == {"professional": Decimal(60), "public": Decimal(30)}
        assert above(answer) == [("c", "10.00", "T-10")]
        assert answer.status == "compliant"

    def test_of_a_study_day(self):
        clauses = capped("name: day, per: day, credits: 30")
        credits = [
            on_day("a", "20", "03-01 09:00:00"),
            on_day("b", "20", "03-01 15:00:00"),
            on_day("c", "30", "03-02"),
        ]
        answer = asked(beijing(clauses, *credits))
        assert answer.total == Decimal(60)
        assert above(answer) == [("b", "10.00", "T-10")]

    def test_study_of_several_days_has_the_cap_of_each(self):
        """B-22: 3 credits an hour, at most 18 a day: 30 hours from 2 to 6 June are 90 credits, not 18."""
        clauses = capped("name: day, per: day, credits: 18")
        answer = asked(beijing(clauses, on_day("a", "90", "06-06", started_on=date(2030, 6, 2))))
        assert (answer.total, above(answer)) == (Decimal(90), [])

    def test_or_of_the_last_alone_where_the_notice_says_so(self):
        clauses = capped("name: day, per: day, credits: 18, days: last")
        answer = asked(beijing(clauses, on_day("a", "90", "06-06", started_on=date(2030, 6, 2))))
        assert (answer.total, above(answer)) == (Decimal(18), [("a", "72.00", "T-10")])

    def test_records_that_share_days_share_the_cap(self):
        """Seven days hold 126; the one that could use fewer days takes them, whichever came first."""
        clauses = capped("name: day, per: day, credits: 18")
        credits = [
            on_day("a", "90", "06-06", started_on=date(2030, 6, 2)),
            on_day("b", "30", "06-03", started_on=date(2030, 6, 3)),
            on_day("c", "60", "06-08", started_on=date(2030, 6, 5)),
        ]
        answers = [asked(beijing(clauses, *order)) for order in permutations(credits)]
        assert {answer.total for answer in answers} == {Decimal(126)}
        assert len({str(above(answer)) for answer in answers}) == 1

    def test_days_are_those_of_shanghai(self):
        clauses = capped("name: day, per: day, credits: 30")
        credits = [on_day("a", "30", "03-01 23:59:59"), on_day("b", "30", "03-02 00:00:00")]
        assert above(asked(beijing(clauses, *credits))) == []

    @pytest.mark.parametrize(
        ("cap", "limited"),
        [
            ("name: x, per: record, credits: 25", {"mode": "online"}),
            ("name: x, per: course, credits: 25", {"course": "ZJ-01"}),
            ("name: x, per: mode, credits: 25, modes: [online]", {"mode": "online"}),
            ("name: x, per: form, credits: 25, forms: [conference]", {"form": "conference"}),
            ("name: x, per: provider, credits: 25, modes: [online]", {"provider": "star"}),
        ],
    )
    def test_of_a_record_a_course_a_mode_a_form_a_provider(self, cap: str, limited: dict[str, str]):
        credits = [
            on_day("a", "40", "03-01", **limited),
            on_day("b", "20", "03-02", mode="face_to_face", provider="other"),
        ]
        answer = asked(beijing(capped(cap), *credits))
        assert answer.total == Decimal(45)
        assert above(answer) == [("a", "15.00", "T-10")]

    def test_of_a_course_that_was_studied_twice(self):
        clauses = capped("name: once, per: course, credits: 3.34")
        again = [
            on_day("a", "3.34", "03-01", course="ZJ-01"),
            on_day("b", "3.34", "04-01", course="ZJ-01"),
            on_day("c", "3.34", "04-01", course="ZJ-02"),
        ]
        answer = asked(beijing(clauses, *again))
        assert (answer.total, above(answer)) == (Decimal("6.68"), [("b", "3.34", "T-10")])

    def test_everything_under_a_path_shares_its_cap(self):
        clauses = capped("name: x, per: year, credits: 10, categories: [public]")
        credits = [on_day("a", "8", "03-01", "public/law"), on_day("b", "8", "04-01", "public")]
        answer = asked(beijing(clauses, *credits))
        assert answer.by_category["public"] == Decimal(10)

    def test_credits_stay_as_they_were_awarded(self):
        clauses = capped("name: x, per: year, credits: 10")
        answer = asked(beijing(clauses, on_day("a", "80", "03-01")))
        assert answer.total + sum(item.credits for item in answer.not_counted) == Decimal(80)

    def test_a_later_clause_lifts_it(self):
        clauses = capped("name: x, per: year, credits: 10, lifted: true")
        assert asked(beijing(clauses, on_day("a", "80", "03-01"))).total == Decimal(80)

    def test_the_answer_says_so_in_both_languages(self):
        clauses = capped("name: x, per: year, credits: 10")
        (item,) = asked(beijing(clauses, on_day("a", "80", "03-01"))).not_counted
        assert (item.why_zh, item.why_en) == (
            "超过通知规定的上限，不计入",
            "above a maximum of the notice, and not counted",
        )


class TestNestedCaps:
    """A day inside a form inside the year."""

    CLAUSES = capped(
        "name: day, per: day, credits: 20",
        "name: conferences, per: year, credits: 50, forms: [conference]",
        "name: all, per: year, credits: 100",
    )

    def test_the_narrowest_cap_that_is_full_keeps_a_credit_out(self):
        credits = [
            on_day(f"c{n}", "30", f"03-0{n}", form="conference", mode="equivalence") for n in range(1, 4)
        ]
        credits += [on_day(f"o{n}", "20", f"04-0{n}", "public") for n in range(1, 5)]
        answer = asked(beijing(self.CLAUSES, *credits))
        assert answer.total == Decimal(100)
        assert sum(Decimal(amount) for _, amount, _ in above(answer)) == Decimal(70)
        assert {clause for _, _, clause in above(answer)} <= {"T-10", "T-11", "T-12"}


class TestToThePersonsBest:
    """Caps that cross: what counts is what the minima need, whatever came first."""

    CLAUSES = capped("name: online, per: mode, credits: 60, modes: [online]")

    def test_earlier_study_of_another_category_takes_no_place_from_what_is_needed(self):
        needed = [on_day("p", "60", "06-01"), on_day("q", "30", "06-02", "public", mode="face_to_face")]
        earlier = on_day("a", "40", "01-02", "public")
        assert asked(beijing(self.CLAUSES, *needed)).status == "compliant"
        answer = asked(beijing(self.CLAUSES, earlier, *needed))
        assert answer.status == "compliant"
        assert above(answer) == [("a", "40.00", "T-10")]

    def test_an_equivalence_fills_what_the_cap_leaves_missing(self):
        """B-01."""
        credits = [
            on_day("p", "90", "06-01"),
            on_day(
                "e",
                "30",
                "06-02",
                "any",
                fill=("professional", "public"),
                mode="equivalence",
                form="exam_subject",
            ),
        ]
        answer = asked(beijing(self.CLAUSES, *credits))
        assert answer.by_category == {
            "professional": Decimal(60),
            "public": Decimal(20),
            "any": Decimal(10),
        }
        assert answer.status == "compliant"

    def test_a_named_course_is_among_what_counts(self):
        clauses = (
            self.CLAUSES
            + """
  - id: T-05
    article: 五
    text: 须完成职业道德课程。
    rules: [{kind: requirement, categories: {public: 0}, courses: [{course: ethics}]}]
"""
        )
        credits = [
            on_day("p", "60", "06-01"),
            on_day("z", "1", "11-01", course="ethics"),
            on_day("q", "30", "06-02", "public", mode="face_to_face"),
        ]
        answer = asked(beijing(clauses, *credits))
        assert answer.status == "compliant"
        assert above(answer) == [("p", "1.00", "T-10")]


_ASKED = """
import datetime, hashlib, msgspec
from tests.ledger.policy.test_caps import TestNestedCaps, on_day
from tests.ledger.policy.test_categories import beijing
credits = [on_day(f"c{n}", "30", f"03-0{n}", form="conference", mode="equivalence") for n in range(1, 6)]
credits += [on_day(f"o{n}", "25.50", f"04-0{n}", "public") for n in range(1, 6)]
answer = beijing(TestNestedCaps.CLAUSES, *credits).when_asked("2030-12-31")
print(hashlib.sha256(msgspec.json.encode(answer)).hexdigest())
"""


class TestTheMachineDoesNotMatter:
    def test_the_same_answer_whatever_the_hash_seed_and_the_time_zone(self):
        answers = set()
        for seed, zone in (("1", "UTC"), ("2", "America/New_York")):
            environment = os.environ | {"PYTHONHASHSEED": seed, "TZ": zone, "LC_ALL": "C"}
            run = subprocess.run(
                [sys.executable, "-c", _ASKED],
                env=environment,
                cwd=Path(__file__).parents[3],
                capture_output=True,
                text=True,
                check=True,
            )
            answers.add(run.stdout)
        assert len(answers) == 1


STUDIES = st.lists(
    st.tuples(st.integers(0, 9), st.integers(0, 4), st.integers(1, 40), st.sampled_from(["online", "other"])),
    min_size=1,
    max_size=6,
)
"""Studies: the last day, how many days before it was begun, credits, mode."""


class TestAnyStudyUnderADaysCap:
    """B-22: no day counts more than its cap, and nothing is left out that a day would hold."""

    @given(STUDIES, st.integers(1, 20), st.randoms(use_true_random=False))
    def test_counts_what_its_days_hold(
        self, studies: list[tuple[int, int, int, str]], most: int, random: Any
    ):
        clauses = capped(f"name: day, per: day, credits: {most}", needs="{public: 0}")
        answer = asked(beijing(clauses, *_studies(studies)))
        assert answer.total == held_by_days(studies, most)
        random.shuffle(studies)
        assert asked(beijing(clauses, *_studies(studies))).total == answer.total

    @given(STUDIES, st.integers(1, 20), st.integers(1, 20))
    def test_a_second_cap_only_takes_away(
        self, studies: list[tuple[int, int, int, str]], most: int, online: int
    ):
        one = f"name: day, per: day, credits: {most}"
        other = f"name: online, per: day, credits: {online}, modes: [online]"
        both = asked(beijing(capped(one, other, needs="{public: 0}"), *_studies(studies))).total
        assert both <= held_by_days(studies, most)
        own = [study for study in studies if study[3] == "online"]
        assert both >= min(held_by_days(studies, min(most, online)), held_by_days(own, min(most, online)))


def _studies(studies: list[tuple[int, int, int, str]]) -> list[Any]:
    first = date(2030, 6, 10)
    return [
        on_day(
            f"{last}-{before}-{credits}-{mode}-{number}",
            str(credits),
            (first + timedelta(last)).strftime("%m-%d"),
            started_on=first + timedelta(last - before),
            mode=mode,
        )
        for number, (last, before, credits, mode) in enumerate(studies)
    ]


def held_by_days(studies: list[tuple[int, int, int, str]], most: int) -> Decimal:
    """The most that the days hold: credit by credit, the study that ends first takes a place on a day that has one left."""
    left = dict.fromkeys(range(-4, 10), most)
    held = 0
    wanted = [[last - before, last, credits] for last, before, credits, _ in studies]
    for day in sorted(left):
        open_ = sorted((one for one in wanted if one[0] <= day <= one[1]), key=lambda one: one[1])
        for one in open_:
            taken = min(one[2], left[day])
            one[2] -= taken
            left[day] -= taken
            held += taken
    return Decimal(held)
