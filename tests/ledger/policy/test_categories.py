"""Categories as paths, category sets of a place's own, and courses that must be completed."""

from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from typing import Any

import pytest

from services.ledger.policy import Missing, PolicyBook, Registered, Rejected, parse_notice
from services.ledger.policy.language.facts import lies_under, root_of
from tests.ledger.policy.builders import BEIJING, BOOK, Given, accredited, completion, credit, notice_text

STAR = accredited(BEIJING, 2030)
COMMON = """
  - id: T-01
    article: 一
    text: 自次年起。
    rules: [{kind: obligation, qualified: next_year, working: next_year}]
  - id: T-02
    article: 二
    text: 不少于90学分。
    rules:
      - kind: requirement
        total: 90
"""


@cache
def book_with(clauses: str, **head: str) -> PolicyBook:
    """The bundled notices and one of Beijing for 2030 with the common clauses and those given."""
    notice = parse_notice(notice_text(clauses=COMMON + clauses, **head))
    return BOOK.with_notice(notice, datetime(2030, 1, 10, tzinfo=UTC), "110000", 1)


def beijing(clauses: str, *credits: Any) -> Given:
    return Given(BEIJING, 2030, credits, book=book_with(clauses))


ETHICS = """
  - id: T-03
    article: 三
    text: 专业科目不少于60学分，其中会计职业道德不少于10学分。
    rules:
      - kind: requirement
        categories: {professional: 60, professional/ethics: 10}
"""
OWN_SET = """
  - id: T-04
    article: 四
    text: 学分分为会计科目（含法规）、人社公需科目。
    rules:
      - kind: categories
        set:
          - {code: accounting, name: 会计科目}
          - {code: accounting/law, name: 会计法规, name_en: accounting law}
          - {code: hr_public, name: 人社公需科目, name_en: public subjects of the HR bureau}
      - kind: requirement
        categories: {professional: 0, hr_public: 20, accounting/law: 5}
"""


class TestPaths:
    @pytest.mark.parametrize(
        ("category", "above", "under"),
        [
            ("professional", "professional", True),
            ("professional/ethics", "professional", True),
            ("professional/ethics/codes", "professional/ethics", True),
            ("professional", "professional/ethics", False),
            ("professional_law", "professional", False),
        ],
    )
    def test_a_path_lies_under_itself_and_what_it_continues(self, category: str, above: str, under: bool):
        assert lies_under(category, above) is under
        assert root_of(category).startswith("professional")


class TestNestedMinima:
    def test_what_is_under_a_path_counts_for_it(self):
        given = beijing(
            ETHICS, credit("50", on="2030-06-01"), credit("10", "professional/ethics", on="2030-06-02")
        )
        answer = given.when_asked("2030-12-01")
        assert [(r.category, r.earned, r.met) for r in answer.requirements] == [
            (None, Decimal(60), False),
            ("professional", Decimal(60), True),
            ("professional/ethics", Decimal(10), True),
        ]

    def test_what_is_beside_a_path_does_not(self):
        given = beijing(ETHICS, credit("90", on="2030-06-01"))
        answer = given.when_asked("2030-12-01")
        assert answer.status == "in_progress"
        assert answer.missing == (Missing("professional/ethics", Decimal(10)),)

    def test_credits_are_shown_under_their_roots_and_add_up(self):
        given = beijing(
            ETHICS, credit("80", on="2030-06-01"), credit("10", "professional/ethics", on="2030-06-02")
        )
        answer = given.when_asked("2030-12-01")
        assert answer.by_category == {"professional": Decimal(90), "public": Decimal(0)}
        assert answer.status == "compliant"

    def test_an_equivalence_fills_a_nested_minimum_and_what_is_above_it(self):
        """B-01."""
        fill = ("professional/ethics", "professional", "public")
        answer = beijing(ETHICS, credit("90", "any", on="2030-06-01", fill=fill)).when_asked("2030-12-01")
        assert [r.earned for r in answer.requirements] == [Decimal(90), Decimal(60), Decimal(10)]
        assert answer.by_category == {"professional": Decimal(60), "public": Decimal(0), "any": Decimal(30)}

    def test_one_that_fills_the_root_leaves_the_nested_minimum_open(self):
        fill = ("professional", "public")
        answer = beijing(ETHICS, credit("90", "any", on="2030-06-01", fill=fill)).when_asked("2030-12-01")
        assert answer.missing == (Missing("professional/ethics", Decimal(10)),)

    def test_what_fills_the_nested_minimum_alone_goes_before_what_fills_those_above_it(self):
        """B-01: fewer categories go first, whatever their names."""
        wide = credit("60", "any", on="2030-06-01", fill=("professional", "public"))
        narrow = credit("10", "any", on="2030-06-02", fill=("professional/ethics",))
        answer = beijing(ETHICS, wide, narrow).when_asked("2030-12-01")
        assert answer.missing == (Missing(None, Decimal(20)),)
        assert answer.by_category == {"professional": Decimal(60), "public": Decimal(0), "any": Decimal(10)}

    @pytest.mark.parametrize("turn", [1, -1])
    def test_of_as_many_categories_the_first_by_name_goes_first_whichever_arrived_before(self, turn: int):
        """B-01."""
        upper = credit("60", "any", on="2030-06-01", fill=("professional", "public"), number="upper")
        nested = ("professional/ethics", "professional")
        lower = credit("10", "any", on="2030-06-02", fill=nested, number="lower")
        answer = beijing(ETHICS, *[upper, lower][::turn]).when_asked("2030-12-01")
        assert answer.by_category == {"professional": Decimal(70), "public": Decimal(0)}


class TestOwnSet:
    def test_the_place_has_its_own_categories_and_may_lack_the_usual(self):
        credits = [credit("70", "accounting", on="2030-06-01"), credit("20", "hr_public", on="2030-06-01")]
        answer = beijing(OWN_SET, *credits).when_asked("2030-12-01")
        assert answer.by_category == {"accounting": Decimal(70), "hr_public": Decimal(20)}
        assert answer.missing == (Missing("accounting/law", Decimal(5)),)
        assert "会计法规尚缺5学分" in answer.explanation_zh
        assert "missing: 5 accounting law" in answer.explanation_en

    def test_a_category_of_the_set_and_anything_under_it_is_registered(self):
        for category in ("accounting", "accounting/tax", "hr_public"):
            facts = completion(2030, "2030-06-01", category=category)
            assert isinstance(beijing(OWN_SET).when_posted(facts, STAR), Registered)

    @pytest.mark.parametrize("category", ["professional", "public", "any", "hr_public_other"])
    def test_any_other_is_refused_with_the_clause_of_the_set(self, category: str):
        answer = beijing(OWN_SET).when_posted(completion(2030, "2030-06-01", category=category), STAR)
        known = "accounting, accounting/law, hr_public"
        assert answer == Rejected("category-unknown", "T-04", {"known": known})

    def test_credits_that_came_with_a_person_still_count_for_the_total(self):
        """S1-04: credits are valid nationwide."""
        answer = beijing(OWN_SET, credit("90", "professional", on="2030-06-01")).when_asked("2030-12-01")
        assert answer.total == Decimal(90)
        assert answer.by_category["professional"] == Decimal(90)


class TestUsualSet:
    @pytest.mark.parametrize("category", ["professional", "professional/ethics", "public/law"])
    def test_without_a_set_anything_under_the_usual_two_is_registered(self, category: str):
        facts = completion(2030, "2030-06-01", category=category)
        assert isinstance(beijing("").when_posted(facts, STAR), Registered)

    @pytest.mark.parametrize("category", ["any", "hr_public"])
    def test_and_nothing_else(self, category: str):
        answer = beijing("").when_posted(completion(2030, "2030-06-01", category=category), STAR)
        assert answer == Rejected("category-unknown", None, {"known": "professional, public"})


COURSES = """
  - id: T-05
    article: 五
    text: 须完成《会计职业道德规范》，《会计法》专题不少于6学分。
    rules:
      - kind: requirement
        courses:
          - {course: ethics-2030, name: 会计职业道德规范}
          - {course: law-2030, minimum: 6}
"""


class TestCourses:
    def test_a_course_is_completed_or_reaches_its_credits(self):
        credits = [
            credit("90", on="2030-06-01"),
            credit("1", on="2030-06-02", course="ethics-2030"),
            credit("3", on="2030-06-03", course="law-2030"),
            credit("3", on="2030-06-04", course="law-2030"),
        ]
        assert beijing(COURSES, *credits).when_asked("2030-12-01").status == "compliant"

    def test_what_is_missing_names_the_course(self):
        credits = [credit("90", on="2030-06-01"), credit("3.5", on="2030-06-03", course="law-2030")]
        answer = beijing(COURSES, *credits).when_asked("2030-12-01")
        assert answer.missing == (
            Missing(None, Decimal(0), "ethics-2030"),
            Missing(None, Decimal("2.5"), "law-2030"),
        )
        assert (
            "必修课程《会计职业道德规范》尚未完成，必修课程《law-2030》尚缺2.5学分" in answer.explanation_zh
        )
        assert "the course ethics-2030, 2.5 in the course law-2030" in answer.explanation_en

    def test_a_revoked_course_was_not_completed(self):
        credits = [
            credit("90", on="2030-06-01"),
            credit("1", on="2030-06-02", course="ethics-2030", state="revoked"),
            credit("6", on="2030-06-03", course="law-2030"),
        ]
        assert beijing(COURSES, *credits).when_asked("2030-12-01").missing[0].course == "ethics-2030"

    def test_a_later_clause_waives_one(self):
        waived = COURSES.replace("name: 会计职业道德规范}", "name: 会计职业道德规范, waived: true}")
        answer = beijing(waived, credit("90", on="2030-06-01")).when_asked("2030-12-01")
        assert [r.course for r in answer.requirements if r.kind == "course"] == ["law-2030"]
