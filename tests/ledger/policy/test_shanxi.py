"""Shanxi: 2024 with Jincheng (S2A, S2B), 2026 with Changzhi (S3A, S3B), and the procedure of 2022 (S2C)."""

from datetime import date
from decimal import Decimal

import pytest

from services.ledger.policy import Held, Registered, Rejected
from tests.ledger.policy.builders import (
    CHANGZHI,
    JINCHENG,
    SHANXI,
    TAIYUAN,
    Given,
    accredited,
    completion,
    credit,
    policy,
    waiting,
)

STAR = accredited(SHANXI, 2020, 2021, 2022, 2023, 2024, 2025, 2026)


class TestWindow2024:
    """S2A-02, S2B-03: to 2025-03-31; without a first day, the year's own."""

    @pytest.mark.parametrize("place", [TAIYUAN, JINCHENG])
    @pytest.mark.parametrize("on", ["2024-01-01 00:00:00", "2025-03-31 23:59:59"])
    def test_study_within_is_admitted(self, place: str, on: str):
        assert isinstance(Given(place, 2024).when_posted(completion(2024, on, "90"), STAR), Registered)

    def test_the_first_second_of_april_is_too_late(self):
        answer = Given(JINCHENG, 2024).when_posted(completion(2024, "2025-04-01 00:00:00", "90"), STAR)
        assert isinstance(answer, Rejected)
        assert (answer.problem, answer.clause) == ("window-closed", "S2A-02")
        assert answer.details["make_up_since"] == "2026-04-01"

    def test_study_before_the_year_is_not_study_of_the_year(self):
        """N-03: credits are good in their year."""
        answer = Given(TAIYUAN, 2024).when_posted(completion(2024, "2023-12-31 23:59:59", "90"), STAR)
        assert answer == Rejected("not-yet-open", "N-03", {"year": "2024", "since": "2024-01-01"})

    def test_a_city_without_a_notice_follows_the_province(self):
        assert policy(TAIYUAN, 2024).any_mode.study.until_clause == "S2B-03"
        assert policy(JINCHENG, 2024).any_mode.study.until_clause == "S2A-02"


class TestRegistrationAtNinety:
    """S2B-07, B-05: online study is registered when 90 credits are reached."""

    def test_below_ninety_a_completion_waits(self):
        answer = Given(TAIYUAN, 2024).when_posted(completion(2024, "2024-06-01", "89.99"), STAR)
        assert answer == Held("below_total", "S2B-07")

    def test_ninety_at_once_is_registered(self):
        answer = Given(TAIYUAN, 2024).when_posted(completion(2024, "2024-06-01", "90"), STAR)
        assert answer == Registered(late=False, make_up=False, clause="S2B-07")

    def test_the_last_hundredth_releases_the_rest(self):
        given = Given(TAIYUAN, 2024, waits=[waiting("60", number="1"), waiting("29.99", number="2")])
        assert given.when_released("2024-07-01") == []
        facts = completion(2024, "2024-07-01", "0.01", provider="accredited")
        assert isinstance(given.when_posted(facts, STAR), Registered)
        full = Given(TAIYUAN, 2024, [credit("0.01")], waits=given.waits)
        assert full.when_released("2024-07-01") == ["waiting-1", "waiting-2"]

    def test_what_is_registered_by_another_route_counts_towards_it(self):
        given = Given(TAIYUAN, 2024, [credit("30", mode="face_to_face")], waits=[waiting("60")])
        assert given.when_released("2024-07-01") == ["waiting-1"]

    def test_withdrawn_credits_do_not(self):
        given = Given(TAIYUAN, 2024, [credit("30", state="withdrawn")], waits=[waiting("60")])
        assert given.when_released("2024-07-01") == []

    def test_a_completion_is_not_counted_twice_while_it_waits_itself(self):
        given = Given(TAIYUAN, 2024, waits=[waiting("45", number="1")])
        again = completion(2024, "2024-06-01", "45", number="waiting-1", provider="accredited")
        assert given.when_posted(again, STAR) == Held("below_total", "S2B-07")

    def test_another_providers_record_of_the_same_number_is_another_record(self):
        given = Given(TAIYUAN, 2024, waits=[waiting("45", number="1", provider="somebody")])
        other = completion(2024, "2024-06-01", "45", number="waiting-1", provider="accredited")
        assert isinstance(given.when_posted(other, STAR), Registered)

    def test_classroom_study_does_not_wait(self):
        provider = accredited(SHANXI, 2024, modes=("face_to_face",))
        facts = completion(2024, "2024-06-01", "10", mode="face_to_face")
        assert isinstance(Given(TAIYUAN, 2024).when_posted(facts, provider), Registered)

    def test_the_answer_shows_what_waits_and_why(self):
        answer = Given(TAIYUAN, 2024, waits=[waiting("89.99")]).when_asked("2024-07-01")
        assert (answer.status, answer.total) == ("in_progress", 0)
        (item,) = answer.not_counted
        assert (item.why, item.clause, item.credits) == ("below_total", "S2B-07", Decimal("89.99"))


class TestProviders:
    """S2B-14, S3B-12, B-14: who is filed and published."""

    def test_a_provider_nobody_accredited_is_refused(self):
        answer = Given(TAIYUAN, 2024).when_posted(completion(2024, "2024-06-01", "90"))
        details = {"year": "2024", "mode": "online"}
        assert answer == Rejected("provider-not-accredited", "S2B-14", details)

    def test_accreditation_for_another_year_or_mode_does_not_help(self):
        facts = completion(2024, "2024-06-01", "90")
        for provider in (accredited(SHANXI, 2023), accredited(SHANXI, 2024, modes=("face_to_face",))):
            answer = Given(TAIYUAN, 2024).when_posted(facts, provider)
            assert isinstance(answer, Rejected)
            assert answer.problem == "provider-not-accredited"

    def test_a_city_accredits_for_itself_alone(self):
        facts = completion(2024, "2024-06-01", "90")
        assert isinstance(Given(JINCHENG, 2024).when_posted(facts, accredited(JINCHENG, 2024)), Registered)
        assert isinstance(Given(TAIYUAN, 2024).when_posted(facts, accredited(JINCHENG, 2024)), Rejected)


class TestMakeUp2024:
    """S2A-03, S2B-05: 2020 to 2023, to the end of 2024."""

    @pytest.mark.parametrize("year", [2020, 2021, 2022, 2023])
    def test_four_years_may_be_made_up(self, year: int):
        facts = completion(year, "2024-12-31 23:59:59", "90")
        assert Given(JINCHENG, year).when_posted(facts, STAR) == Registered(
            late=False, make_up=True, clause="S2A-03"
        )

    def test_make_up_too_is_registered_at_ninety(self):
        """B-05."""
        facts = completion(2022, "2024-06-01", "60")
        assert Given(JINCHENG, 2022).when_posted(facts, STAR) == Held("below_total", "S2A-03", make_up=True)

    def test_it_opens_with_the_notice(self):
        """B-08: the city's notice is younger than the province's."""
        assert policy(JINCHENG, 2022).make_up[0].since == date(2024, 4, 28)
        assert policy(TAIYUAN, 2022).make_up[0].since == date(2024, 4, 7)

    def test_it_closes_after_the_last_second_of_the_year(self):
        answer = Given(JINCHENG, 2022).when_posted(completion(2022, "2025-01-01 00:00:00", "90"), STAR)
        assert answer == Rejected("window-closed", "S2A-03", {"year": "2022", "until": "2024-12-31"})

    def test_2019_was_never_offered(self):
        assert not policy(JINCHENG, 2019).make_up


class TestMakeUp2026:
    """S3A-03, S3B-05, C-04: 2024 and 2025 after all, from 2026-04-01 to 2026-06-01."""

    @pytest.mark.parametrize("place", [TAIYUAN, JINCHENG, CHANGZHI])
    @pytest.mark.parametrize("year", [2024, 2025])
    @pytest.mark.parametrize("on", ["2026-04-01 00:00:00", "2026-06-01 23:59:59"])
    def test_the_later_notice_opens_what_the_earlier_had_closed(self, place: str, year: int, on: str):
        answer = Given(place, year).when_posted(completion(year, on, "30"), STAR)
        clause = "S3A-03" if place == CHANGZHI else "S3B-05"
        assert answer == Registered(late=False, make_up=True, clause=clause)

    @pytest.mark.parametrize(
        ("on", "problem"), [("2026-03-31 23:59:59", "not-yet-open"), ("2026-06-02 00:00:00", "window-closed")]
    )
    def test_a_second_outside_is_refused(self, on: str, problem: str):
        answer = Given(TAIYUAN, 2025).when_posted(completion(2025, on), STAR)
        assert isinstance(answer, Rejected)
        assert (answer.problem, answer.clause) == (problem, "S3B-05")

    def test_the_promise_of_no_make_up_stood_until_then(self):
        """S2A-04."""
        found = policy(JINCHENG, 2024)
        assert found.never is not None
        assert found.never.clause == "S2A-04"
        answer = Given(JINCHENG, 2024).when_asked("2025-06-01")
        assert answer.make_up is not None
        assert answer.make_up.open is False
        assert "2026年4月1日起可补学" in answer.explanation_zh

    def test_2025_is_judged_by_inherited_thresholds(self):
        """Only the make-up clause names 2025 in Shanxi."""
        found = policy(TAIYUAN, 2025)
        assert found.ordinary is False
        assert {r.clause for r in found.requirements} == {"N-02"}
        answer = Given(TAIYUAN, 2025, [credit("90", on="2026-05-01")]).when_asked("2026-05-02")
        assert answer.status == "compliant"

    def test_ordinary_study_of_2025_is_not_admitted(self):
        answer = Given(TAIYUAN, 2025).when_posted(completion(2025, "2025-06-01", "90"), STAR)
        assert answer == Rejected("not-yet-open", "S3B-05", {"year": "2025", "since": "2026-04-01"})

    def test_2026_has_no_make_up(self):
        """S3A-02."""
        answer = Given(CHANGZHI, 2026).when_asked("2027-01-01")
        assert answer.status == "deficient"
        assert answer.make_up is not None
        assert (answer.make_up.open, answer.make_up.clause) == (False, "S3A-02")


class Test2026:
    def test_online_study_opens_in_april(self):
        """S3B-04."""
        early = Given(CHANGZHI, 2026).when_posted(completion(2026, "2026-03-31 23:59:59"), STAR)
        assert early == Rejected("not-yet-open", "S3B-04", {"year": "2026", "since": "2026-04-01"})

    def test_a_completion_is_registered_at_once(self):
        """S3B-07, C-08: not at ninety any more."""
        answer = Given(CHANGZHI, 2026).when_posted(completion(2026, "2026-04-01 00:00:00", "5"), STAR)
        assert answer == Registered(late=False, make_up=False, clause="S3B-07")

    def test_ninety_professional_credits_are_compliant(self):
        """S3B-06, C-01: no minimum of public ones."""
        answer = Given(CHANGZHI, 2026, [credit("90", on="2026-06-01")]).when_asked("2026-07-01")
        assert answer.status == "compliant"
        assert {r.clause for r in answer.requirements} == {"S3B-06"}

    def test_the_city_sets_the_end_and_inherits_the_beginning(self):
        """S3A-02 with S3B-04."""
        study = policy(CHANGZHI, 2026).terms_of("online").study
        assert (study.since_clause, study.until_clause) == ("S3B-04", "S3A-02")

    def test_registration_has_the_same_last_day(self):
        """S3A-02: study and registration by 2026-12-31; later is marked late (B-07)."""
        facts = completion(2026, "2026-12-31 23:59:59")
        given = Given(CHANGZHI, 2026)
        assert given.when_posted(facts, STAR, now="2026-12-31 23:59:59") == Registered(
            late=False, make_up=False, clause="S3B-07"
        )
        assert given.when_posted(facts, STAR, now="2027-01-01 00:00:00") == Registered(
            late=True, make_up=False, clause="S3B-07"
        )
        deadlines = given.when_asked("2026-06-01").deadlines
        assert [(d.act, d.until) for d in deadlines if d.act == "register"] == [
            ("register", date(2026, 12, 31))
        ]


class TestData:
    def test_review_limits_of_2022_bind_until_replaced(self):
        """S2C-02, S2C-04, S2C-05, B-16."""
        settings = policy(JINCHENG, 2024).settings
        limits = {
            name: settings[f"time_limit.{name}"].value.working_days
            for name in ("collection_review", "change_review", "transfer_review")
        }
        assert limits == {"collection_review": 5, "change_review": 10, "transfer_review": 10}

    def test_a_procedure_alone_governs_no_year(self):
        assert policy(SHANXI, 2023).basis == "notice"  # by the make-up of 2024
        assert policy(SHANXI, 2027).basis == "national"

    def test_yearly_plans_are_due_in_december(self):
        """S3B-13, S3B-14."""
        settings = policy(CHANGZHI, 2026).settings
        assert settings["duty.online_provider.yearly_plan"].value.due == "12-15"
        assert settings["duty.face_to_face_provider.yearly_plan"].value.to == "所属财政部门"

    def test_exams_of_the_province_are_registered_directly(self):
        """S2B-09, C-10."""
        direct = policy(TAIYUAN, 2024).settings["direct_registration.exam_subject"].value
        assert direct.by == "province"
        assert "省内注册会计师考试" in direct.activities
