"""Minima by mode: so many credits of the year are studied in a mode, whatever their category."""

from decimal import Decimal
from typing import Any

from services.ledger.policy import Credit, Missing, Notice, warnings
from tests.ledger.policy.builders import BEIJING, Given, credit
from tests.ledger.policy.drafts import BUNDLED, book, draft

CLASSROOM = {"kind": "mode_minimum", "modes": ["face_to_face"], "credits": 30}


def beijing(*rules: dict[str, Any], credits: tuple[Credit, ...] = ()) -> Given:
    return Given(BEIJING, 2030, credits, book=book(draft(*rules)))


def codes(notice: Notice) -> list[tuple[str, str]]:
    return [(found.pointer, found.code) for found in warnings(notice, BUNDLED)]


class TestMinimum:
    def test_what_is_missing_is_told_with_the_mode_and_the_clause(self):
        given = beijing(CLASSROOM, credits=(credit("90", on="2030-05-01"),))
        answer = given.when_asked("2030-06-01")

        assert answer.status == "in_progress"
        assert answer.missing == (Missing(None, Decimal("30.00"), modes=("face_to_face",)),)
        [asked] = [each for each in answer.requirements if each.kind == "mode"]
        assert (asked.modes, asked.minimum, asked.clause) == (("face_to_face",), Decimal("30.00"), "T-01")
        assert "面授教育尚缺30学分" in answer.explanation_zh
        assert "missing: 30 face to face." in answer.explanation_en

    def test_is_met_by_the_hundredth_that_reaches_it_in_any_category(self):
        online = credit("60", on="2030-05-01")
        most = credit("29.99", "public", on="2030-05-02", mode="face_to_face")
        last = credit("0.01", on="2030-05-03", mode="face_to_face")

        assert (
            beijing(CLASSROOM, credits=(online, most, last)).when_asked("2030-05-02").status == "in_progress"
        )
        assert beijing(CLASSROOM, credits=(online, most, last)).when_asked("2030-05-03").status == "compliant"

    def test_what_no_longer_stands_does_not_count_for_it(self):
        revoked = credit("30", on="2030-05-02", mode="face_to_face", state="revoked")
        given = beijing(CLASSROOM, credits=(credit("90", on="2030-05-01"), revoked))

        assert [each.credits for each in given.when_asked("2030-06-01").missing] == [Decimal("30.00")]

    def test_is_chosen_under_caps_that_cross(self):
        """A day's cap leaves room for thirty of the day's sixty: those in the classroom, as they are asked for."""
        day = {"kind": "cap", "name": "day", "per": "day", "credits": 30}
        credits = (
            credit("60", on="2030-05-01"),
            credit("30", on="2030-05-02"),
            credit("30", on="2030-05-02", mode="face_to_face", number="taught"),
            credit("30", on="2030-05-03"),
            credit("30", on="2030-05-04"),
        )
        answer = beijing(CLASSROOM, day, credits=credits).when_asked("2030-06-01")

        assert (answer.status, answer.total) == ("compliant", Decimal("120.00"))

    def test_each_mode_has_its_own_and_zero_lifts_it(self):
        both = {"kind": "mode_minimum", "modes": ["face_to_face", "other"], "credits": 10}
        lifted = {"kind": "mode_minimum", "modes": ["other"], "credits": 0}
        answer = beijing(both, lifted).when_asked("2030-06-01")

        assert [each.modes for each in answer.requirements if each.kind == "mode"] == [("face_to_face",)]


class TestWarnings:
    def test_a_mode_that_is_not_allowed_earns_nothing(self):
        modes = {"kind": "modes", "allowed": ["online"]}

        assert codes(draft(modes, CLASSROOM)) == [("/clauses/1", "mode-not-earned")]

    def test_minima_of_the_modes_above_the_total_are_not_met(self):
        online = {"kind": "mode_minimum", "modes": ["online"], "credits": 61}

        assert codes(draft(CLASSROOM, online)) == [("/clauses/0", "mode-minima-above-total")]
        assert codes(draft(CLASSROOM, online | {"credits": 60})) == []
