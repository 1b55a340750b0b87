"""朝财〔2024〕6号: Chaoyang's 2024, clause by clause (S0-01 to S0-25)."""

from datetime import date
from decimal import Decimal

import pytest

from services.ledger.policy import Held, Registered, Rejected
from tests.ledger.policy.builders import (
    CHAOYANG,
    DONGAO,
    SHUANGTA,
    SOCIETY,
    STRANGER,
    Given,
    completion,
    credit,
    exam,
    exempt,
    policy,
    waiting,
)

IN_TIME = Registered(late=False, make_up=False, clause="S0-11")


class TestWindow:
    """S0-06: from 2024-02-01 to 2025-01-31, both days included."""

    @pytest.mark.parametrize("on", ["2024-02-01 00:00:00", "2024-07-01", "2025-01-31 23:59:59"])
    def test_study_from_the_first_second_to_the_last_is_registered(self, on: str):
        facts = completion(2024, on, exam_passed=on)
        assert Given(CHAOYANG, 2024).when_posted(facts) == IN_TIME

    def test_the_last_microsecond_of_the_last_day_is_still_inside(self):
        facts = completion(2024, "2025-01-31 23:59:59.999999", exam_passed="2025-01-31 23:59:59.999999")
        assert Given(CHAOYANG, 2024).when_posted(facts) == IN_TIME

    def test_the_second_before_the_window_is_not_yet_open(self):
        facts = completion(2024, "2024-01-31 23:59:59", exam_passed="2024-01-31 23:59:59")
        assert Given(CHAOYANG, 2024).when_posted(facts) == Rejected(
            "not-yet-open", "S0-06", {"year": "2024", "since": "2024-02-01"}
        )

    def test_the_first_second_after_the_window_is_closed(self):
        facts = completion(2024, "2025-02-01 00:00:00", exam_passed="2025-02-01 00:00:00")
        answer = Given(CHAOYANG, 2024).when_posted(facts)
        assert isinstance(answer, Rejected)
        assert (answer.problem, answer.clause) == ("window-closed", "S0-06")

    def test_a_january_completion_belongs_to_the_year_it_states(self):
        """C-02, B-04: 2025-01-15 is 2024 in Chaoyang, and not yet 2025 online in Liaoning."""
        facts = completion(2024, "2025-01-15", exam_passed="2025-01-15")
        assert Given(CHAOYANG, 2024).when_posted(facts) == IN_TIME
        next_year = Given(CHAOYANG, 2025).when_posted(completion(2025, "2025-01-15"), DONGAO)
        assert isinstance(next_year, Rejected)
        assert next_year.problem == "not-yet-open"

    def test_registration_after_the_window_is_late(self):
        """B-07."""
        facts = completion(2024, "2025-01-30", exam_passed="2025-01-30")
        answer = Given(CHAOYANG, 2024).when_posted(facts, now="2025-02-01 00:00:00")
        assert answer == Registered(late=True, make_up=False, clause="S0-11")

    def test_counties_follow_their_city(self):
        facts = completion(2024, "2025-01-31", exam_passed="2025-01-31")
        assert Given(SHUANGTA, 2024).when_posted(facts) == IN_TIME


class TestModesAndProviders:
    def test_classroom_study_is_not_offered(self):
        """S0-07."""
        facts = completion(2024, "2024-06-01", mode="face_to_face")
        assert Given(CHAOYANG, 2024).when_posted(facts) == Rejected(
            "mode-not-allowed", "S0-07", {"mode": "face_to_face"}
        )

    def test_study_with_another_online_school_is_not_registered(self):
        """S0-08."""
        facts = completion(2024, "2024-06-01", exam_passed="2024-06-02")
        assert Given(CHAOYANG, 2024).when_posted(facts, STRANGER) == Rejected(
            "provider-not-listed", "S0-08", {"year": "2024"}
        )

    def test_a_provider_of_the_later_provincial_list_is_not_one_of_the_city(self):
        facts = completion(2024, "2024-06-01", exam_passed="2024-06-02")
        answer = Given(CHAOYANG, 2024).when_posted(facts, DONGAO)
        assert isinstance(answer, Rejected)
        assert answer.problem == "provider-not-listed"

    def test_disqualification_refuses_what_is_completed_from_that_day(self):
        """S0-25, A-12."""
        barred = _barred(date(2024, 9, 1))
        before = completion(2024, "2024-08-31 23:59:59", exam_passed="2024-08-31 23:59:59")
        after = completion(2024, "2024-09-01 00:00:00", exam_passed="2024-09-01 00:00:00")
        assert Given(CHAOYANG, 2024).when_posted(before, barred) == IN_TIME
        assert Given(CHAOYANG, 2024).when_posted(after, barred) == Rejected(
            "provider-disqualified", "S0-25", {"from": "2024-09-01"}
        )


class TestExam:
    """S0-09, S0-11: study and exam together."""

    def test_study_without_the_exam_waits(self):
        answer = Given(CHAOYANG, 2024).when_posted(completion(2024, "2024-06-01"))
        assert answer == Held("exam_pending", "S0-11")

    def test_an_exam_already_passed_with_the_provider_counts(self):
        given = Given(CHAOYANG, 2024, exams=[exam("2024-05-20")])
        assert given.when_posted(completion(2024, "2024-06-01")) == IN_TIME

    def test_an_exam_with_another_provider_does_not(self):
        given = Given(CHAOYANG, 2024, exams=[exam("2024-05-20", provider="stranger")])
        assert given.when_posted(completion(2024, "2024-06-01")) == Held("exam_pending", "S0-11")

    def test_passing_the_exam_releases_what_waited(self):
        waits = [waiting("30", "exam_pending", provider="society")]
        given = Given(CHAOYANG, 2024, waits=waits, exams=[exam("2024-07-01")])
        assert given.when_released("2024-07-01 13:00:00") == ["waiting-1"]

    def test_nothing_is_released_before(self):
        waits = [waiting("90", "exam_pending", provider="society")]
        assert Given(CHAOYANG, 2024, waits=waits).when_released("2024-07-01") == []

    def test_an_exam_after_the_window_comes_too_late(self):
        facts = completion(2024, "2025-01-30", exam_passed="2025-02-01 00:00:00")
        assert Given(CHAOYANG, 2024).when_posted(facts) == Rejected("exam-too-late", "S0-11", {})
        waits = [waiting("30", "exam_pending", on="2025-01-30", provider="society")]
        late = Given(CHAOYANG, 2024, waits=waits, exams=[exam("2025-02-01 00:00:00")])
        assert late.when_released("2025-02-02") == []


class TestRequirement:
    """S0-10: 90 in all, 60 of them professional; the rest may be anything (C-01)."""

    def test_sixty_professional_and_thirty_public_are_compliant(self):
        answer = Given(CHAOYANG, 2024, [credit("60"), credit("30", "public")]).when_asked("2024-12-01")
        assert answer.status == "compliant"
        assert [(r.clause, r.minimum, r.earned, r.met) for r in answer.requirements] == [
            ("S0-10", Decimal(90), Decimal(90), True),
            ("S0-10", Decimal(60), Decimal(60), True),
        ]

    def test_no_public_credit_is_needed(self):
        assert Given(CHAOYANG, 2024, [credit("90")]).when_asked("2024-12-01").status == "compliant"

    def test_public_credits_cannot_stand_for_professional_ones(self):
        answer = Given(CHAOYANG, 2024, [credit("59.99"), credit("90", "public")]).when_asked("2025-02-01")
        assert answer.status == "deficient"
        assert [(m.category, m.credits) for m in answer.missing] == [("professional", Decimal("0.01"))]

    def test_the_year_is_in_progress_to_its_last_day_and_deficient_after(self):
        given = Given(CHAOYANG, 2024, [credit("60")])
        assert given.when_asked("2025-01-31").status == "in_progress"
        assert given.when_asked("2025-02-01").status == "deficient"

    def test_the_answer_names_the_deadline_and_its_clause(self):
        answer = Given(CHAOYANG, 2024).when_asked("2024-12-01")
        (deadline,) = answer.deadlines
        assert (deadline.act, deadline.until, deadline.open, deadline.clause) == (
            "study", date(2025, 1, 31), True, "S0-06",
        )  # fmt: skip
        assert deadline.at is not None
        assert deadline.at.isoformat() == "2025-01-31T23:59:59+08:00"


class TestObligation:
    """S0-03, S0-04, S0-05, A-01: the year after either ground, whichever comes first."""

    @pytest.mark.parametrize(
        ("qualified", "working", "first"),
        [
            (date(2023, 12, 31), None, 2024),
            (date(2024, 1, 1), None, 2025),
            (None, date(2023, 6, 1), 2024),
            (date(2024, 3, 1), date(2023, 6, 1), 2024),
            (date(2020, 3, 1), date(2023, 6, 1), 2021),
            (None, None, None),
        ],
    )
    def test_first_obliged_year(self, qualified: date | None, working: date | None, first: int | None):
        given = Given(CHAOYANG, 2024, qualified_on=qualified, working_since=working)
        answer = given.when_asked("2024-12-01")
        assert answer.first_obliged_year == first
        assert (answer.status == "not_required") == (first is None or first > 2024)

    def test_credits_before_the_first_year_are_shown(self):
        """B-09."""
        answer = Given(CHAOYANG, 2024, [credit("30")], qualified_on=date(2024, 1, 1)).when_asked("2024-12-01")
        assert (answer.status, answer.total) == ("not_required", Decimal(30))

    def test_students_owe_nothing(self):
        answer = Given(CHAOYANG, 2024, student=True).when_asked("2024-12-01")
        assert (answer.status, answer.first_obliged_year) == ("not_required", None)

    def test_an_exempt_year_says_so_and_why(self):
        """A-14."""
        answer = Given(CHAOYANG, 2024, exempt=exempt("childbirth")).when_asked("2025-03-01")
        assert answer.status == "exempt"
        assert "生育" in answer.explanation_zh

    def test_who_owes_nothing_is_not_exempt_of_it(self):
        answer = Given(CHAOYANG, 2024, exempt=exempt(), student=True).when_asked("2025-03-01")
        assert answer.status == "not_required"


class TestMakeUp:
    def test_last_year_is_made_up_by_application_with_a_special_reason(self):
        """S0-22, A-06."""
        answer = Given(CHAOYANG, 2023).when_posted(completion(2023, "2024-12-31 23:59:59"))
        assert answer == Rejected("make-up-by-application", "S0-22", {"year": "2023"})
        (window, *_) = policy(CHAOYANG, 2023).make_up
        assert (window.conditions, window.until) == (("special_reason",), None)
        assert window.study_until == date(2024, 12, 31)

    def test_it_begins_with_the_notice_where_no_day_is_given(self):
        """B-08: 2023 ended before the notice was issued."""
        assert policy(CHAOYANG, 2023).make_up[0].since == date(2024, 1, 23)

    def test_afterwards_the_provinces_application_is_still_open(self):
        answer = Given(CHAOYANG, 2023).when_posted(completion(2023, "2025-01-05"))
        assert answer == Rejected("make-up-by-application", "S1-18", {"year": "2023"})

    def test_the_make_up_ends_before_the_current_year_does(self):
        """C-03."""
        assert policy(CHAOYANG, 2023).make_up[0].study_until == date(2024, 12, 31)
        assert policy(CHAOYANG, 2024).any_mode.study.until == date(2025, 1, 31)

    def test_2024_is_made_up_with_the_provinces_providers(self):
        """S1-17, B-03, B-08: from the day after the city's own window."""
        given = Given(CHAOYANG, 2024)
        facts = completion(2024, "2025-02-01 00:00:00")
        assert given.when_posted(facts, DONGAO) == Registered(late=False, make_up=True, clause="S1-17")
        refused = given.when_posted(facts, SOCIETY)
        assert isinstance(refused, Rejected)
        assert refused.problem == "window-closed"


def _barred(day: date):
    return SOCIETY.__class__(organization_id="society", name="朝阳市会计学会", disqualified_from=day)
