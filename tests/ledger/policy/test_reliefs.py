"""Exemptions and deferrals, and how each ends (A-14)."""

import pytest

from services.ledger.policy import Registered
from tests.ledger.policy.builders import (
    BEIJING,
    CHAOYANG,
    JINCHENG,
    Given,
    accredited,
    completion,
    credit,
    deferred,
    exempt,
)
from tests.ledger.policy.drafts import book, draft

FULL = [credit("90", on="2025-03-15")]


class TestExemption:
    def test_the_year_is_exempt_and_the_answer_holds_who_granted_it(self):
        answer = Given(CHAOYANG, 2024, exempt=exempt("illness")).when_asked("2025-03-01")
        assert answer.status == "exempt"
        assert answer.exempt == exempt("illness")

    @pytest.mark.parametrize(("on", "status"), [("2025-03-31", "exempt"), ("2025-04-01", "deficient")])
    def test_one_that_was_ended_holds_to_its_last_day(self, on: str, status: str):
        answer = Given(CHAOYANG, 2024, exempt=exempt("illness", until="2025-03-31")).when_asked(on)
        assert answer.status == status
        assert (answer.exempt is None) == (status != "exempt")


class TestDeferral:
    """The year's window closed on 2025-01-31 (S0-06); an authority gave until 2025-06-30."""

    @pytest.mark.parametrize(("on", "status"), [("2025-06-30", "in_progress"), ("2025-07-01", "deficient")])
    def test_the_year_is_in_progress_to_the_new_last_day(self, on: str, status: str):
        answer = Given(CHAOYANG, 2024, deferred=deferred("2025-06-30")).when_asked(on)
        assert answer.status == status

    def test_the_answer_shows_the_new_last_day_and_why(self):
        answer = Given(CHAOYANG, 2024, deferred=deferred("2025-06-30")).when_asked("2025-03-01")
        (deadline,) = [item for item in answer.deadlines if item.act == "deferral"]
        assert (str(deadline.until), deadline.open) == ("2025-06-30", True)
        assert answer.deferred == deferred("2025-06-30")
        assert answer.explanation_zh.endswith("已获延期（境外工作），须于2025年6月30日（含当日）前完成。")
        assert answer.explanation_en.endswith(
            "Deferred (work abroad): complete by 2025-06-30, that day included."
        )

    def test_what_is_reached_in_the_time_given_is_compliance(self):
        given = Given(CHAOYANG, 2024, FULL, deferred=deferred("2025-06-30"))
        assert given.when_asked("2025-03-14").status == "in_progress"
        assert given.when_asked("2025-03-15").status == "compliant"
        assert given.when_asked("2025-07-01").status == "compliant"

    def test_an_exemption_is_more_than_a_deferral(self):
        given = Given(CHAOYANG, 2024, exempt=exempt(), deferred=deferred("2025-06-30"))
        assert given.when_asked("2025-03-01").status == "exempt"

    def test_registration_is_not_late_before_the_new_last_day_has_passed(self):
        register = draft({"kind": "window", "act": "register", "until": "Y+1-01-31"})
        given = Given(BEIJING, 2030, deferred=deferred("2031-06-30"), book=book(register))
        facts, teacher = completion(2030, "2031-05-01"), accredited(BEIJING, 2030)

        for now, late in (("2031-06-30 23:59:59", False), ("2031-07-01 00:00:00", True)):
            answer = given.when_posted(facts, teacher, now=now)
            assert isinstance(answer, Registered)
            assert answer.late == late


class TestDeferralThatEndsInsideTheWindow:
    """Jincheng's year 2024 is studied to 2025-03-31 (S2A-02): who was given until 2024-08-01 before loses no day of it."""

    @pytest.mark.parametrize("on", ["2024-08-02", "2025-03-31 23:59:59"])
    def test_study_after_it_is_what_it_would_be_without(self, on: str):
        teacher, facts = accredited(JINCHENG, 2024), completion(2024, on, "90", category="professional")
        without = Given(JINCHENG, 2024).when_posted(facts, teacher)

        assert isinstance(without, Registered)
        assert not without.late
        assert Given(JINCHENG, 2024, deferred=deferred("2024-08-01")).when_posted(facts, teacher) == without

    def test_registration_is_late_no_sooner(self):
        """Registered until the March after: neither the deferral nor the year's own end of study comes before that."""
        register = draft({"kind": "window", "act": "register", "until": "Y+1-03-31"})
        given = Given(BEIJING, 2030, deferred=deferred("2030-08-01"), book=book(register))
        facts, teacher = completion(2030, "2030-07-01"), accredited(BEIJING, 2030)

        for now, late in (("2031-03-31 23:59:59", False), ("2031-04-01 00:00:00", True)):
            answer = given.when_posted(facts, teacher, now=now)
            assert isinstance(answer, Registered)
            assert answer.late == late
