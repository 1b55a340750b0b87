"""Guangdong and Jiangmen from 2020 (S4-01 to S4-14): no thresholds of their own, and Shenzhen apart."""

from datetime import date
from decimal import Decimal

import pytest

from services.ledger.policy import Registered, Rejected
from tests.ledger.policy.builders import (
    BOOK,
    GUANGDONG,
    JIANGMEN,
    SHENZHEN,
    Given,
    accredited,
    completion,
    credit,
    policy,
)

PLATFORM = accredited(GUANGDONG, *range(2018, 2031))


class TestThresholds:
    """S4-14: they come from the nation."""

    @pytest.mark.parametrize("year", [2020, 2024, 2030])
    def test_jiangmen_is_judged_by_the_national_rule(self, year: int):
        found = policy(JIANGMEN, year)
        assert [(r.category, r.minimum, r.document) for r in found.requirements] == [
            (None, Decimal(90), "财会〔2018〕10号"),
            ("professional", Decimal(60), "财会〔2018〕10号"),
        ]

    def test_the_calendar_year_is_the_window(self):
        given = Given(JIANGMEN, 2021)
        inside = given.when_posted(completion(2021, "2021-12-31 23:59:59"), PLATFORM)
        assert inside == Registered(late=False, make_up=False, clause="N-12")
        after = given.when_posted(completion(2021, "2022-01-01 00:00:00"), PLATFORM)
        assert after == Rejected("window-closed", "N-03", {"year": "2021", "until": "2021-12-31"})

    def test_before_the_switch_of_platforms_no_year_is_governed(self):
        """S4-01, B-11; 2018 and 2019 are named by the make-up alone."""
        assert policy(JIANGMEN, 2020).ordinary
        assert not policy(JIANGMEN, 2019).ordinary
        assert BOOK.resolve(JIANGMEN, 2017) is None

    def test_shenzhen_makes_its_own_rules(self):
        """S4-11."""
        assert policy(SHENZHEN, 2020).basis == "national"
        assert policy("440305", 2024).basis == "national"


class TestMakeUp:
    """S4-07, S4-08: the professional part of 2018 and 2019, if the public part was finished, to 2020-09-30."""

    PUBLIC = credit("30", "public", on="2019-11-01")

    def test_professional_study_may_be_registered_once_public_is_finished(self):
        given = Given(JIANGMEN, 2019, [self.PUBLIC])
        facts = completion(2019, "2019-10-01", "60")
        answer = given.when_posted(facts, PLATFORM, now="2020-09-30 23:59:59")
        assert answer == Registered(late=False, make_up=True, clause="S4-08")

    def test_the_deadline_is_for_registering_and_ends_with_its_day(self):
        given = Given(JIANGMEN, 2019, [self.PUBLIC])
        answer = given.when_posted(completion(2019, "2019-10-01", "60"), PLATFORM, now="2020-10-01 00:00:00")
        assert answer == Rejected("window-closed", "S4-08", {"year": "2019", "until": "2020-09-30"})

    @pytest.mark.parametrize("public", ["0.01", "29.99"])
    def test_without_the_public_part_nothing_can_be_made_up(self, public: str):
        """B-10: finished means 30 credits."""
        given = Given(JIANGMEN, 2019, [credit(public, "public", on="2019-11-01")])
        answer = given.when_posted(completion(2019, "2019-10-01", "60"), PLATFORM, now="2020-05-01")
        assert answer == Rejected("make-up-prerequisite", "S4-07", {"category": "public", "minimum": "30"})

    def test_the_public_part_itself_cannot(self):
        given = Given(JIANGMEN, 2019, [self.PUBLIC])
        facts = completion(2019, "2019-10-01", "30", category="public")
        answer = given.when_posted(facts, PLATFORM, now="2020-05-01")
        assert answer == Rejected("make-up-category", "S4-08", {"category": "public"})

    def test_it_begins_with_the_notice(self):
        """B-08, B-11."""
        assert policy(JIANGMEN, 2019).make_up[0].since == date(2020, 4, 9)
        assert policy("440100", 2019).make_up[0].since == date(2020, 4, 1)

    def test_the_made_up_year_is_compliant(self):
        credits = [self.PUBLIC, credit("60", on="2019-10-01", make_up=True)]
        given = Given(JIANGMEN, 2019, credits, qualified_on=date(2017, 5, 1))
        assert given.when_asked("2020-10-01").status == "compliant"


class TestData:
    def test_professional_credits_are_recognised_in_a_second_act(self):
        """S4-03."""
        settings = policy(JIANGMEN, 2020).settings
        assert settings["recognition.professional"].value.separate is True
        assert settings["recognition.public"].value.separate is False

    def test_certificates_come_within_three_working_days_as_a_rule(self):
        """S4-04."""
        limit = policy(JIANGMEN, 2020).settings["time_limit.certificate"].value
        assert (limit.working_days, limit.firm) == (3, False)
