"""Until when somebody owes a year, and for which reasons an authority may free them (A-14)."""

from datetime import date
from typing import Any

import pytest
from msgspec.structs import replace

from services.ledger.policy import NoticeError, Person, assess, granted_for, parse_notice
from services.ledger.policy.language.facts import Traits
from services.ledger.policy.rules.obligation import (
    ObligationTerms,
    binding_clauses,
    first_obliged_year,
    last_obliged_year,
)
from tests.ledger.policy.builders import BEIJING, CHAOYANG, notice_text, policy
from tests.ledger.policy.drafts import book, draft
from tests.ledger.policy.test_categories import book_with

ENDS = """
  - id: T-06
    article: 六
    text: 退休的，自次年起不再要求；离开会计岗位的，自当年起不再要求。
    rules: [{kind: obligation, retired: next_year, left: same_year}]
"""
RELIEFS = """
  - id: T-07
    article: 七
    text: 病假、生育的，可延至次年底；满六十周岁的免除；出境不予延期。
    rules:
      - {kind: relief, reasons: [illness, childbirth], effect: deferred, until: Y+1-12-31, evidence: [医院证明]}
      - {kind: relief, reasons: [age], effect: exempt}
      - {kind: relief, reasons: [abroad], effect: none}
"""
SOMEBODY = Person(person_id="p", place=BEIJING, qualified_on=date(2019, 5, 1))


def answer_for(clauses: str, **other: Any) -> Any:
    person = replace(SOMEBODY, **other)
    return assess(book_with(clauses).resolve(BEIJING, 2030), None, person, 2030, date(2030, 12, 1))


class TestTheGroundThatBinds:
    """S0-04 speaks of who has a qualification, S0-05 of who works without one: the one that binds is cited."""

    @pytest.mark.parametrize(
        ("grounds", "clause", "status"),
        [
            ({"qualified_on": date(2019, 5, 1)}, "S0-04", "deficient"),
            ({"working_since": date(2019, 5, 1)}, "S0-05", "deficient"),
            ({"qualified_on": date(2019, 5, 1), "working_since": date(2010, 5, 1)}, "S0-04", "deficient"),
            ({"qualified_on": date(2024, 5, 1), "working_since": date(2010, 5, 1)}, "S0-05", "deficient"),
            ({"qualified_on": date(2024, 5, 1)}, "S0-04", "not_required"),
            ({"working_since": date(2024, 5, 1)}, "S0-05", "not_required"),
        ],
    )
    def test_is_cited_and_the_other_is_not(self, grounds: dict[str, date], clause: str, status: str):
        person = Person(person_id="p", place=CHAOYANG, **grounds)
        answer = assess(policy(CHAOYANG, 2024), None, person, 2024, date(2025, 3, 1))
        assert (answer.status, answer.clauses[0]) == (status, clause)
        assert {"S0-04", "S0-05"} - {clause} - set(answer.clauses)

    def test_without_either_both_are(self):
        answer = assess(
            policy(CHAOYANG, 2024), None, Person(person_id="p", place=CHAOYANG), 2024, date(2025, 3, 1)
        )
        assert (answer.status, answer.clauses) == ("not_required", ("S0-04", "S0-05"))

    def test_a_notice_s_own_obligation_comes_before_the_nation_s(self):
        """A notice that speaks of the work alone leaves the qualification to the nation's rule."""
        found = book(draft({"kind": "obligation", "working": "same_year"})).resolve(BEIJING, 2030)
        nobody = Person(person_id="p", place=BEIJING)
        assert assess(found, None, nobody, 2030, date(2030, 12, 1)).clauses == ("T-01", "N-01")
        working = replace(nobody, working_since=date(2030, 5, 1))
        assert assess(found, None, working, 2030, date(2030, 12, 1)).clauses[0] == "T-01"


class TestEnds:
    @pytest.mark.parametrize(
        ("ended", "status"),
        [
            ({"retired_on": date(2029, 12, 31)}, "not_required"),
            ({"retired_on": date(2030, 1, 1)}, "in_progress"),
            ({"left_on": date(2030, 12, 31)}, "not_required"),
            ({"left_on": date(2031, 1, 1)}, "in_progress"),
        ],
    )
    def test_retiring_ends_it_with_the_year_and_leaving_before_it(self, ended: dict[str, date], status: str):
        assert answer_for(ENDS, **ended).status == status

    def test_the_answer_says_since_when_and_by_which_clause(self):
        answer = answer_for(ENDS, retired_on=date(2028, 6, 30))
        assert (answer.last_obliged_year, answer.clauses[-1]) == (2028, "T-06")
        assert answer.explanation_zh == "已退休或不再从事会计工作，自2029年度起不作要求。"
        assert "nothing is owed after 2028" in answer.explanation_en

    def test_without_a_clause_it_goes_on(self):
        """A-14: none of the notices we hold ends it."""
        assert answer_for("", retired_on=date(2020, 1, 1), left_on=date(2020, 1, 1)).status == "in_progress"
        retired = Person(
            person_id="p", place=CHAOYANG, qualified_on=date(2010, 1, 1), retired_on=date(2020, 1, 1)
        )
        assert assess(policy(CHAOYANG, 2024), None, retired, 2024, date(2024, 6, 1)).status == "in_progress"


class TestReliefs:
    def test_a_notice_says_what_may_be_granted_and_until_when(self):
        settings = book_with(RELIEFS).resolve(BEIJING, 2030).settings
        illness = granted_for(settings, "illness", 2030)
        assert (illness.effect, illness.until, illness.clause) == ("deferred", date(2031, 12, 31), "T-07")
        assert granted_for(settings, "age", 2030).effect == "exempt"
        assert granted_for(settings, "abroad", 2030).effect == "none"

    def test_where_it_is_silent_the_authority_decides(self):
        assert granted_for(policy(CHAOYANG, 2024).settings, "illness", 2024) is None

    @pytest.mark.parametrize(
        "rule",
        [
            "{kind: relief, reasons: [illness], effect: exempt, until: Y+1-12-31}",
            "{kind: relief, reasons: [illness], effect: deferred, until: Y+1-02-29}",
        ],
    )
    def test_a_last_day_goes_with_a_deferral_and_exists(self, rule: str):
        clauses = f"\n  - id: T-01\n    article: 一\n    text: 免除。\n    rules: [{rule}]\n"
        with pytest.raises(NoticeError) as refused:
            parse_notice(notice_text(clauses=clauses))
        assert [fault.field for fault in refused.value.faults] == ["/clauses/0/rules/0/until"]


class TestTheYearsThatAreOwed:
    """From the first year by the ground that comes first, to the last before retiring or leaving ends the duty."""

    NOTHING = ObligationTerms(
        qualified_offset=None, working_offset=None, both_earlier=True, students=False, clauses=("T-01",)
    )
    DUTY = replace(
        NOTHING, qualified_offset=1, working_offset=0, graduated_offset=1, retired_offset=1, left_offset=0
    )

    @pytest.mark.parametrize(
        ("person", "first"),
        [
            ({}, None),
            ({"qualified_on": date(2019, 5, 1)}, 2020),
            ({"working_since": date(2018, 5, 1)}, 2018),
            ({"qualified_on": date(2019, 5, 1), "working_since": date(2022, 5, 1)}, 2020),
            ({"qualified_on": date(2019, 5, 1), "traits": Traits(graduated_on=date(2017, 7, 1))}, 2018),
            ({"qualified_on": date(2015, 5, 1), "traits": Traits(graduated_on=date(2017, 7, 1))}, 2016),
            ({"traits": Traits(graduated_on=date(2017, 7, 1))}, 2018),
            ({"qualified_on": date(2019, 5, 1), "student": True}, None),
        ],
    )
    def test_begin_with_the_ground_that_is_there_first(self, person: dict[str, Any], first: int | None):
        somebody = Person(person_id="p", place=BEIJING, **person)

        assert first_obliged_year(self.DUTY, somebody) == first

    def test_of_students_are_owed_where_the_notice_obliges_them(self):
        student = replace(SOMEBODY, student=True)

        assert first_obliged_year(replace(self.DUTY, students=True), student) == 2020
        assert binding_clauses(replace(self.NOTHING, students=True), student, 2030) == ("T-01",)

    def test_by_a_ground_that_the_notice_does_not_name_are_none(self):
        duty = replace(self.DUTY, qualified_offset=None, working_offset=None)

        assert first_obliged_year(duty, replace(SOMEBODY, working_since=date(2018, 5, 1))) is None

    @pytest.mark.parametrize(
        ("person", "last"),
        [
            ({}, None),
            ({"retired_on": date(2024, 3, 1)}, 2024),
            ({"left_on": date(2024, 3, 1)}, 2023),
            ({"retired_on": date(2024, 3, 1), "left_on": date(2022, 3, 1)}, 2021),
            ({"retired_on": date(2020, 3, 1), "left_on": date(2022, 3, 1)}, 2020),
        ],
    )
    def test_end_with_what_comes_first(self, person: dict[str, Any], last: int | None):
        assert last_obliged_year(self.DUTY, replace(SOMEBODY, **person)) == last

    def test_end_with_nothing_that_the_notice_does_not_name(self):
        gone = replace(SOMEBODY, retired_on=date(2024, 3, 1), left_on=date(2022, 3, 1))

        assert last_obliged_year(replace(self.DUTY, left_offset=None), gone) == 2024
        assert last_obliged_year(self.NOTHING, gone) is None

    @pytest.mark.parametrize("rule", [{"left": "same_year"}, {"retired": "next_year"}])
    def test_end_by_the_clause_of_whichever_is_named(self, rule: dict[str, Any]):
        made = policy(BEIJING, 2030, book(draft({"kind": "obligation"} | rule)))

        assert (made.duty.end_clause, made.duty_ends) == ("T-01", True)
        assert (made.duty.left_offset, made.duty.retired_offset) == (
            (0, None) if "left" in rule else (None, 1)
        )
