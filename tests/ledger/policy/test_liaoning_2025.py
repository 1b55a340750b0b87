"""Liaoning's 2025 and its list of providers (S1-01 to S1-22), without Dalian."""

from datetime import date
from decimal import Decimal

import pytest

from services.ledger.policy import ProviderStanding, Registered, Rejected
from tests.ledger.policy.builders import (
    BOOK,
    CHAOYANG,
    DONGAO,
    SHENYANG,
    SOCIETY,
    ZHONGSHAN_OF_DALIAN,
    Given,
    accredited,
    completion,
    credit,
    policy,
)

LISTED = [
    "北京东奥时代教育科技有限公司",
    "北京东大正保科技有限公司",
    "东北财经大学",
    "北京京人教育科技有限公司",
    "上海国家会计学院",
]


def named(name: str) -> ProviderStanding:
    return ProviderStanding(organization_id="named", name=name)


class TestPlace:
    def test_dalian_is_not_liaoning(self):
        """S1-01."""
        assert policy(ZHONGSHAN_OF_DALIAN, 2025).basis == "national"
        answer = Given(ZHONGSHAN_OF_DALIAN, 2025).when_posted(completion(2025, "2025-06-01"), DONGAO)
        assert answer == Rejected("provider-not-accredited", None, {"year": "2025", "mode": "online"})

    def test_chaoyang_follows_the_province_in_2025(self):
        assert {r.clause for r in policy(CHAOYANG, 2025).requirements} == {"S1-03"}


class TestRequirement:
    """S1-03: 90 in all, 60 professional, 30 public."""

    def test_ninety_professional_credits_are_not_enough(self):
        answer = Given(SHENYANG, 2025, [credit("90", on="2025-06-01")]).when_asked("2026-01-01")
        assert answer.status == "deficient"
        assert [(m.category, m.credits) for m in answer.missing] == [("public", Decimal(30))]

    def test_sixty_and_thirty_are(self):
        credits = [credit("60", on="2025-06-01"), credit("30", "public", on="2025-06-01")]
        answer = Given(SHENYANG, 2025, credits).when_asked("2025-07-01")
        assert answer.status == "compliant"
        assert answer.excess == 0

    def test_excess_is_shown_and_not_carried_over(self):
        """S1-04, A-04."""
        credits = [credit("90", on="2025-06-01"), credit("90", "public", on="2025-06-01")]
        assert Given(SHENYANG, 2025, credits).when_asked("2025-07-01").excess == Decimal(90)
        assert policy(SHENYANG, 2025).settings["carry_over"].value.allowed is False


class TestWindow:
    """S1-16: the year from January, online study from March."""

    def test_online_study_opens_on_the_first_of_march(self):
        given = Given(SHENYANG, 2025)
        early = given.when_posted(completion(2025, "2025-02-28 23:59:59"), DONGAO)
        assert early == Rejected("not-yet-open", "S1-16", {"year": "2025", "since": "2025-03-01"})
        assert given.when_posted(completion(2025, "2025-03-01 00:00:00"), DONGAO) == Registered(
            late=False, make_up=False, clause="S1-09"
        )

    def test_classroom_study_opens_with_the_year(self):
        facts = completion(2025, "2025-01-01 00:00:00", mode="face_to_face")
        provider = accredited(SHENYANG, 2025, modes=("face_to_face",))
        answer = Given(SHENYANG, 2025).when_posted(facts, provider)
        assert isinstance(answer, Registered)

    def test_both_end_with_the_year(self):
        given = Given(SHENYANG, 2025)
        last = given.when_posted(completion(2025, "2025-12-31 23:59:59"), DONGAO)
        assert last == Registered(late=False, make_up=False, clause="S1-09")
        after = given.when_posted(completion(2025, "2026-01-01 00:00:00"), DONGAO)
        assert after == Rejected("window-closed", "S1-16", {"year": "2025", "until": "2025-12-31"})

    def test_both_windows_are_named_as_deadlines(self):
        answer = Given(SHENYANG, 2025).when_asked("2025-02-01")
        assert [(d.mode, d.since, d.open) for d in answer.deadlines] == [
            (None, date(2025, 1, 1), True),
            ("online", date(2025, 3, 1), False),
        ]


class TestProviders:
    """S1-22: five providers, for 2025 and 2026."""

    @pytest.mark.parametrize("name", LISTED)
    def test_each_listed_provider_is_accepted(self, name: str):
        answer = Given(SHENYANG, 2025).when_posted(completion(2025, "2025-06-01"), named(name))
        assert isinstance(answer, Registered)

    def test_width_and_spaces_of_a_name_do_not_matter(self):
        answer = Given(SHENYANG, 2025).when_posted(completion(2025, "2025-06-01"), named(" 东北财经大学　"))
        assert isinstance(answer, Registered)

    @pytest.mark.parametrize("name", ["东北财经大学出版社", "北京东奥时代教育科技有限公司沈阳分公司", ""])
    def test_a_name_that_only_resembles_one_is_not(self, name: str):
        answer = Given(SHENYANG, 2025).when_posted(completion(2025, "2025-06-01"), named(name))
        assert answer == Rejected("provider-not-listed", "S1-22", {"year": "2025"})

    def test_being_accredited_does_not_replace_the_list(self):
        answer = Given(SHENYANG, 2025).when_posted(completion(2025, "2025-06-01"), accredited("210000", 2025))
        assert isinstance(answer, Rejected)
        assert answer.problem == "provider-not-listed"

    def test_last_years_provider_of_chaoyang_is_not_on_the_list(self):
        answer = Given(CHAOYANG, 2025).when_posted(completion(2025, "2025-06-01"), SOCIETY)
        assert isinstance(answer, Rejected)
        assert answer.problem == "provider-not-listed"

    def test_the_list_alone_is_no_notice_of_2026(self):
        assert policy(SHENYANG, 2026).basis == "national"


class TestMakeUp:
    def test_2024_registers_by_itself_to_the_last_second_of_march(self):
        """S1-17."""
        facts = completion(2024, "2025-03-31 23:59:59")
        answer = Given(SHENYANG, 2024).when_posted(facts, DONGAO)
        assert answer == Registered(late=False, make_up=True, clause="S1-17")

    def test_from_the_first_of_april_the_person_applies(self):
        """S1-18, A-11."""
        facts = completion(2024, "2025-04-01 00:00:00")
        answer = Given(SHENYANG, 2024).when_posted(facts, DONGAO)
        assert answer == Rejected("make-up-by-application", "S1-18", {"year": "2024"})

    def test_it_is_only_with_the_listed_providers(self):
        answer = Given(SHENYANG, 2024).when_posted(completion(2024, "2025-03-01"), SOCIETY)
        assert isinstance(answer, Rejected)
        assert (answer.problem, answer.clause) == ("provider-not-listed", "S1-17")

    @pytest.mark.parametrize("year", [2018, 2020, 2023])
    def test_earlier_years_are_by_application(self, year: int):
        """S1-18: back to the first year of the national rule."""
        answer = Given(SHENYANG, year).when_posted(completion(year, "2025-02-01"), DONGAO)
        assert answer == Rejected("make-up-by-application", "S1-18", {"year": str(year)})

    def test_a_year_without_any_threshold_is_not_judged(self):
        assert BOOK.resolve(SHENYANG, 2017) is None

    def test_a_made_up_year_is_judged_by_its_own_thresholds(self):
        """A-08: the nation's for 2024, not the 30 public credits of 2025."""
        answer = Given(SHENYANG, 2024, [credit("90", on="2025-03-01", make_up=True)]).when_asked("2025-04-01")
        assert answer.status == "compliant"
        assert {r.clause for r in answer.requirements} == {"N-02"}

    def test_the_answer_names_the_make_up_that_is_open(self):
        """B-09."""
        given = Given(SHENYANG, 2024)
        march, april = given.when_asked("2025-03-31").make_up, given.when_asked("2025-04-01").make_up
        assert march is not None
        assert april is not None
        assert (march.open, march.channel, march.clause) == (True, "automatic", "S1-17")
        assert (april.open, april.channel, april.until) == (True, "application", None)

    def test_study_of_a_year_known_only_for_its_make_up_is_not_admitted(self):
        answer = Given(SHENYANG, 2024).when_posted(completion(2024, "2024-06-01"), DONGAO)
        assert answer == Rejected("not-yet-open", "S1-17", {"year": "2024", "since": "2025-01-01"})


class TestData:
    def test_fifty_hours_convert_to_thirty_public_credits(self):
        """S1-10, A-07."""
        conversion = policy(SHENYANG, 2025).settings["conversion.public_hours"].value
        assert (conversion.hours, conversion.credits, conversion.category) == (50, 30, "public")
        assert conversion.style == "threshold"

    def test_rosters_are_due_within_ten_working_days_after_an_approved_filing(self):
        """S1-14, S1-15."""
        settings = policy(SHENYANG, 2025).settings
        assert settings["filing.before.face_to_face"].value == "approved"
        assert settings["filing.report_working_days.face_to_face"].value == 10

    def test_equivalences_are_inherited_from_the_nation(self):
        """B-02."""
        found = policy(SHENYANG, 2025).settings["equivalence.conference"]
        assert (found.place, found.value.credits) == ("100000", 10)
