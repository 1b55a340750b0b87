"""The table of facts is what the tests say today, and leaves no fact out."""

import pytest

from tests.ledger.fact_table import (
    FACTS,
    KINDS,
    ROOT,
    TABLE,
    cited,
    names_on,
    reasons,
    said,
    shown_by_scenarios,
    shown_by_tests,
    table,
    without_names,
)


class TestTable:
    def test_is_up_to_date(self):
        page = TABLE.read_text(encoding="utf-8")
        assert without_names(page) == without_names(table()), "run: python -m tests.ledger.fact_table"

    def test_names_tests_that_there_are(self):
        there = {shown for all_of_fact in shown_by_tests().values() for shown in all_of_fact}
        named = set(names_on(TABLE.read_text(encoding="utf-8")))
        assert named
        assert named - there == set(), "run: python -m tests.ledger.fact_table"

    def test_every_fact_is_shown_or_has_its_reason(self):
        known = shown_by_tests().keys() | shown_by_scenarios().keys() | reasons().keys()
        assert [fact for fact in FACTS if fact not in known] == []

    def test_every_fact_stands_in_a_notice(self):
        assert set(FACTS) - said().keys() == set()

    def test_every_clause_of_the_five_notices_is_a_fact(self):
        assert {clause for clause in said() if clause.startswith("S")} == set(FACTS)


class TestReasons:
    @pytest.mark.parametrize(("fact", "reason"), reasons().items())
    def test_are_of_a_known_kind_and_a_fact(self, fact: str, reason: str):
        assert fact in FACTS
        assert reason.startswith(KINDS)
        assert reason.endswith(".")

    @pytest.mark.parametrize(("fact", "reason"), reasons().items())
    def test_name_tests_that_exist(self, fact: str, reason: str):
        for word in reason.replace("(", " ").replace(")", " ").split():
            if word.startswith("tests/"):
                assert (ROOT / word.rstrip(":,;.")).is_file()

    def test_what_no_program_does_is_shown_by_none(self):
        shown = shown_by_tests()
        assert [
            f for f, reason in reasons().items() if reason.startswith("not software") and f in shown
        ] == []


class TestCited:
    def test_ids_in_any_text(self):
        assert cited("A rule (S0-06), also S2A-02.") == {"S0-06", "S2A-02"}

    def test_a_range_means_each_only_where_it_is_taken_at_its_word(self):
        assert cited("S4-01 to S4-03", spans=True) == {"S4-01", "S4-02", "S4-03"}
        assert cited("S4-01 to S4-03, S4-14") == {"S4-14"}

    def test_what_is_no_fact_is_not_one(self):
        assert cited("S0-99, S5-01, XS0-06, N-02") == set()
