"""Demands of a purpose beyond the year itself, and how it is answered (S0-21, S2A-10, S2A-11)."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, ClassVar

import pytest
from msgspec.structs import replace

from services.ledger.policy import (
    Account,
    Assessment,
    Credit,
    EarlierYear,
    NoticeError,
    Person,
    PolicyBook,
    PurposeAssessment,
    assess,
    assess_purpose,
    parse_notice,
    purpose_terms,
)
from services.ledger.policy.rules.purpose import Without
from tests.ledger.policy.builders import BEIJING, BOOK, CHAOYANG, credit, notice_text, policy

PERSON = Person(person_id="p", place=BEIJING, qualified_on=date(2019, 5, 1))
REVIEW = "purposes: [title_review], years: 3, last: year_before"


def book(*rules: str, years: str = "{from: 2027, to: 2032}") -> PolicyBook:
    said = "".join(f"\n      - {{kind: purpose, {rule}}}" for rule in rules)
    clauses = f"""
  - id: T-01
    article: 一
    text: 不少于90学分。
    rules:
      - {{kind: obligation, qualified: next_year}}
      - {{kind: requirement, total: 90}}
  - id: T-09
    article: 九
    text: 申报职称评审的要求。
    rules:{said}
"""
    notice = parse_notice(notice_text(clauses=clauses, years=years))
    return BOOK.with_notice(notice, datetime(2030, 1, 10, tzinfo=UTC), "110000", 1)


def asked(
    found: PolicyBook, credits: dict[int, str], purpose: str = "title_review", year: int = 2030
) -> PurposeAssessment:
    """The answer on 30 November for somebody with so many credits in each year."""
    on = date(year, 11, 30)
    terms = purpose_terms(found.resolve(BEIJING, year), purpose, year)
    answers: dict[int, Assessment] = {}
    for number in terms.years:
        held = [credit(credits[number], on=f"{number}-06-01")] if number in credits else []
        account = Account(person_id="p", year=number, credits=held)
        answers[number] = assess(found.resolve(BEIJING, number), account, PERSON, number, on)
    return assess_purpose(terms, answers, year, on)


class TestWhatDoesNotCount:
    """A purpose leaves credits out: years are met, and sums made, without them."""

    EQUIVALENT: ClassVar[Any] = {"mode": "equivalence", "form": "paper", "route": "claim"}

    def review(self, without: str, *credits: Credit) -> PurposeAssessment:
        """Three years, of which each holds these credits."""
        found = book(f"{REVIEW}, total: 270, categories: {{public: 60}}, without: {without}")
        terms = purpose_terms(found.resolve(BEIJING, 2030), "title_review", 2030)
        answers = {}
        for year in terms.years:
            account = Account(person_id="p", year=year, credits=list(credits))
            policy = found.resolve(BEIJING, year)
            answers[year] = assess(policy, terms.counting(account), PERSON, year, date(2030, 11, 30))
        return assess_purpose(terms, answers, 2030, date(2030, 11, 30))

    def test_equivalences_fill_what_is_missing_but_the_public_subjects(self):
        """A senior title review: papers do not stand for public subjects."""
        paper = replace(credit("60", category="any"), fill=("professional", "public"), **self.EQUIVALENT)
        course = credit("30", category="professional")
        counted = self.review("{forms: [book]}", paper, course)
        left = self.review("{modes: [equivalence], categories: [public]}", paper, course)
        assert [one.earned for one in left.sums] == [Decimal(270), Decimal(0)]
        assert (left.fulfilled, left.sums[1].met) == (False, False)
        assert counted.sums[0].earned == Decimal(270)

    @pytest.mark.parametrize(
        ("without", "total"),
        [
            ("{forms: [paper]}", 180),
            ("{routes: [claim]}", 180),
            ("{modes: [equivalence]}", 180),
            ("{routes: [import]}", 270),
            ("{routes: [claim], categories: [professional]}", 270),
        ],
    )
    def test_a_route_a_form_or_a_mode_is_left_out_of_years_and_sums(self, without: str, total: int):
        paper = replace(credit("30", category="public"), **self.EQUIVALENT)
        found = self.review(without, paper, credit("60", category="professional"))
        assert found.sums[0].earned == Decimal(total)
        assert [one.passes for one in found.years] == [total == 270] * 3

    def test_what_leaves_nothing_out_is_a_fault(self):
        with pytest.raises(NoticeError, match="routes, forms or modes"):
            book(f"{REVIEW}, without: {{categories: [public]}}")


class TestYears:
    def test_all_of_the_years_must_be_met(self):
        full = {2027: "90", 2028: "90", 2029: "90"}
        assert asked(book(REVIEW), full).fulfilled is True
        answer = asked(book(REVIEW), full | {2028: "89.99"})
        assert answer.fulfilled is False
        assert [(one.year, one.passes) for one in answer.years] == [(2027, True), (2028, False), (2029, True)]

    def test_or_so_many_of_them(self):
        enough = book(REVIEW + ", at_least: 2")
        assert asked(enough, {2027: "90", 2029: "90"}).fulfilled is True
        assert asked(enough, {2029: "90"}).fulfilled is False

    @pytest.mark.parametrize(("unfinished", "fulfilled"), [("accepted", True), ("refused", False)])
    def test_a_year_still_in_progress_passes_where_the_clause_accepts_it(
        self, unfinished: str, fulfilled: bool
    ):
        found = book(f"purposes: [exam_entry], years: 1, last: asked, unfinished: {unfinished}")
        assert asked(found, {2030: "10"}, "exam_entry").fulfilled is fulfilled

    def test_years_in_which_nothing_is_owed_pass(self):
        found = book("purposes: [title_review], years: 3")
        newcomer = Person(person_id="p", place=BEIJING, qualified_on=date(2030, 5, 1))
        on = date(2030, 11, 30)
        terms = purpose_terms(found.resolve(BEIJING, 2030), "title_review", 2030)
        answers = {
            year: assess(found.resolve(BEIJING, year), None, newcomer, year, on) for year in terms.years
        }
        assert assess_purpose(terms, answers, 2030, on).fulfilled is True

    def test_a_year_without_a_notice_leaves_it_open(self):
        found = book(REVIEW, years="{from: 2028, to: 2032}")
        answer = asked(found, {2028: "90", 2029: "90"})
        assert answer.fulfilled is None
        assert "2027年度没有可适用的通知" in answer.explanation_zh
        assert asked(found, {2028: "90"}).fulfilled is False


class TestSums:
    def test_credits_over_the_years_together(self):
        found = book(REVIEW + ", at_least: 0, total: 270, categories: {professional: 200}")
        answer = asked(found, {2027: "90", 2028: "90", 2029: "80"})
        assert [(one.category, one.earned, one.met) for one in answer.sums] == [
            (None, Decimal(260), False),
            ("professional", Decimal(260), True),
        ]
        assert answer.fulfilled is False
        assert answer.explanation_zh == "2027至2029年度继续教育不符合要求：合计尚缺10学分。"
        assert answer.explanation_en == "2027 to 2029: not fulfilled; 10 credits missing in all."

    def test_what_was_carried_over_counts_in_the_year_it_was_earned_in(self):
        """120 in one year and 90 in the next, of which 30 were carried: 210 were earned, not 240."""
        carry = "{kind: carry_over, allowed: true, up_to: 30, categories: [professional]}"
        clauses = f"""
  - id: T-01
    article: 一
    text: 结转。
    rules:
      - {{kind: requirement, total: 90}}
      - {carry}
      - {{kind: purpose, purposes: [title_review], years: 2, total: 240, categories: {{professional: 210}}}}
"""
        notice = parse_notice(notice_text(clauses=clauses, years="{from: 2029, to: 2030}"))
        found = BOOK.with_notice(notice, datetime(2030, 1, 10, tzinfo=UTC), "110000", 1)
        answers: dict[int, Assessment] = {}
        before: EarlierYear | None = None
        for year, credits in ((2029, "120"), (2030, "90")):
            held = [credit(credits, on=f"{year}-06-01")]
            account = Account(person_id="p", year=year, credits=held)
            governing = found.resolve(BEIJING, year)
            answers[year] = assess(governing, account, PERSON, year, date(2030, 11, 30), earlier=before)
            before = EarlierYear(governing, account)
        terms = purpose_terms(found.resolve(BEIJING, 2030), "title_review", 2030)
        answer = assess_purpose(terms, answers, 2030, date(2030, 11, 30))
        assert answers[2030].total == Decimal(120)
        assert [(one.earned, one.met) for one in answer.sums] == [(Decimal(210), False), (Decimal(210), True)]


class TestClauses:
    def test_each_part_is_a_setting_that_a_nearer_notice_may_change_alone(self):
        county = parse_notice(
            notice_text(
                id="dongcheng",
                place='"110101"',
                clauses="""
  - id: D-01
    article: 一
    text: 须两个年度达标。
    rules: [{kind: purpose, purposes: [title_review], at_least: 2}]
""",
            )
        )
        found = book(REVIEW).with_notice(county, datetime(2030, 2, 1, tzinfo=UTC), "110000", 2)
        terms = purpose_terms(found.resolve("110101", 2030), "title_review", 2030)
        assert (terms.years, terms.at_least) == ((2027, 2028, 2029), 2)
        assert terms.clauses == ("D-01", "T-09")

    def test_the_answer_cites_what_it_follows(self):
        answer = asked(book(REVIEW), {2027: "90"})
        assert answer.clauses[:2] == ("T-09", "T-01")

    def test_a_purpose_no_notice_speaks_of_asks_for_the_year_alone(self):
        """S0-21."""
        terms = purpose_terms(policy(CHAOYANG, 2024), "exam_entry", 2024)
        assert (terms.years, terms.at_least, terms.sums, terms.clauses) == ((2024,), 1, (), ())

    def test_more_years_than_it_looks_at_cannot_be_asked(self):
        with pytest.raises(NoticeError) as refused:
            book("purposes: [title_review], years: 2, at_least: 3")
        assert [fault.field for fault in refused.value.faults] == ["/clauses/1/rules/0/at_least"]


class TestWords:
    def test_fulfilled_and_not_in_both_languages(self):
        full = {2027: "90", 2028: "90", 2029: "90"}
        assert asked(book(REVIEW), full).explanation_zh == "2027至2029年度继续教育符合要求。"
        short = asked(book(REVIEW), {2027: "90", 2028: "90"})
        assert short.explanation_zh == "2027至2029年度继续教育不符合要求：须3个年度达标，2029年度未达标。"
        assert (
            short.explanation_en == "2027 to 2029: not fulfilled; 3 of the years must be met, 2029 are not."
        )


class TestWhatDoesNotCountForAPurpose:
    KEPT = credit("10", "public", on="2030-05-01", route="claim", number="kept")

    @pytest.mark.parametrize(
        ("left_out", "fill"),
        [
            (credit("10", on="2030-05-01", route="claim"), None),
            (credit("10", "any", on="2030-05-01", route="claim", fill=("professional",)), None),
            (
                credit("10", "any", on="2030-05-01", route="claim", fill=("professional", "public")),
                ("public",),
            ),
        ],
    )
    def test_in_some_categories_still_counts_in_the_others(
        self, left_out: Credit, fill: tuple[str, ...] | None
    ):
        without = Without(routes=("claim",), categories=("professional",))
        found = without.counting(Account(person_id="p", year=2030, credits=[left_out, self.KEPT]))

        assert found.credits == [*([replace(left_out, fill=fill)] if fill else []), self.KEPT]

    def test_is_named_by_its_route_its_form_or_its_mode(self):
        claim = credit("10", on="2030-05-01", route="claim", form="paper", mode="other")

        assert Without(routes=("claim",)).leaves_out(claim)
        assert Without(forms=("paper",)).leaves_out(claim)
        assert Without(modes=("other",)).leaves_out(claim)
        assert not Without(routes=("direct",), forms=("book",), modes=("online",)).leaves_out(claim)
