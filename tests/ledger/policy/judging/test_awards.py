"""Awards: what study is worth that an authority organised, or that a person proves."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from services.ledger.policy import Award, Policy, ProvenStudy, Rejected, award_study
from services.ledger.policy.judging.awards import award_organised, is_converted
from tests.ledger.policy.builders import BEIJING, Given, at, deferred, policy
from tests.ledger.policy.drafts import book, draft

DIRECT = {
    "kind": "direct_registration",
    "by": "province",
    "activities": ["省级培训"],
    "forms": ["authority_training"],
}
WINDOW = {"kind": "window", "from": "2030-03-01", "until": "2030-10-31"}
LIMIT = {"kind": "record_limit", "credits": 60}
STUDY = ProvenStudy(
    mode="face_to_face", category="professional", credits=Decimal(30), completed_on=date(2030, 5, 1)
)


def made(*rules: dict[str, Any]) -> Policy:
    return policy(BEIJING, 2030, book(draft(*rules)))


def problem(answer: Award | Rejected) -> str | None:
    return answer.problem if isinstance(answer, Rejected) else None


def organised(*rules: dict[str, Any], on: str = "2030-06-01 00:00:00", **study: Any) -> str | None:
    here = made(DIRECT, WINDOW, LIMIT, *rules)
    return problem(award_organised(here, replace(STUDY, **study), BEIJING, 2030, at(on)))


class TestTrainingOfTheAuthority:
    def test_is_worth_what_it_states(self):
        answer = award_organised(made(DIRECT, WINDOW), STUDY, BEIJING, 2030, at("2030-06-01"))

        assert answer == Award(
            credits=Decimal("30.00"), category="professional", fill=(), clause="T-01", make_up=False
        )

    @pytest.mark.parametrize(
        ("study", "told"),
        [
            ({"completed_on": date(2030, 2, 28)}, "not-yet-open"),
            ({"completed_on": date(2030, 3, 1)}, None),
            ({"completed_on": date(2030, 6, 1)}, None),
            ({"completed_on": date(2030, 6, 2)}, "completed-in-future"),
            ({"credits": Decimal(0)}, "credits-not-positive"),
            ({"credits": Decimal("0.01")}, None),
            ({"credits": Decimal(60)}, None),
            ({"credits": Decimal("60.01")}, "credits-above-limit"),
            ({"category": "nothing"}, "category-unknown"),
        ],
    )
    def test_is_bound_by_the_year_and_the_limit_of_one_record(self, study: dict[str, Any], told: str | None):
        assert organised(**study) == told

    @pytest.mark.parametrize(("completed", "told"), [("2030-10-31", None), ("2030-11-01", "window-closed")])
    def test_ends_with_the_year_s_study_or_a_deferral(self, completed: str, told: str | None):
        study, now = replace(STUDY, completed_on=date.fromisoformat(completed)), at("2030-12-31")
        here, longer = made(DIRECT, WINDOW), Given(BEIJING, 2030, deferred=deferred("2030-11-30")).account

        assert problem(award_organised(here, study, BEIJING, 2030, now)) == told
        assert problem(award_organised(here, study, BEIJING, 2030, now, longer)) is None

    def test_is_told_the_days_and_the_clause_of_the_window(self):
        early = replace(STUDY, completed_on=date(2030, 2, 28))
        late = replace(STUDY, completed_on=date(2030, 11, 1))
        here, now = made(DIRECT, WINDOW), at("2030-12-31")

        assert award_organised(here, early, BEIJING, 2030, now) == Rejected(
            "not-yet-open", "T-02", {"year": "2030", "since": "2030-03-01"}
        )
        assert award_organised(here, late, BEIJING, 2030, now) == Rejected(
            "window-closed", "T-02", {"year": "2030", "until": "2030-10-31"}
        )

    def test_is_claimed_where_a_clause_asks_for_an_application(self):
        assert organised(DIRECT | {"application_needed": True}) == "not-registered-directly"

    def test_has_the_window_of_what_an_authority_registers_in_the_category(self):
        own = {"kind": "window", "until": "2030-04-30", "for": {"routes": ["direct"]}}
        public = {
            "kind": "window",
            "until": "2030-05-31",
            "for": {"routes": ["direct"], "categories": ["public"]},
        }

        assert organised(own) == "window-closed"
        assert organised(own, public) == "window-closed"
        assert organised(own, public, category="public") is None
        assert problem(award_study(made(own), STUDY, BEIJING, 2030, at("2030-06-01"))) != "window-closed"

    @pytest.mark.parametrize("award", [award_organised, award_study])
    def test_of_no_policy_or_of_a_year_to_come_is_nothing(self, award: Any):
        now = at("2030-06-01")

        assert problem(award(None, STUDY, BEIJING, 2030, now)) == "no-policy"
        assert problem(award(made(DIRECT), STUDY, BEIJING, 2032, now)) == "year-out-of-range"


class TestProvenStudy:
    @pytest.mark.parametrize(
        ("study", "told"),
        [
            ({"completed_on": date(2030, 6, 2)}, "completed-in-future"),
            ({"credits": Decimal(0)}, "credits-not-positive"),
            ({"category": "nothing"}, "category-unknown"),
        ],
    )
    def test_is_refused_for_what_no_year_takes(self, study: dict[str, Any], told: str):
        answer = award_study(made(), replace(STUDY, **study), BEIJING, 2030, at("2030-06-01 00:00:00"))

        assert problem(answer) == told

    def test_that_no_window_takes_names_the_last_window_of_the_make_up(self):
        """Applications are for another mode: the clause of the make-up is told, and none where there is no make-up."""
        window = {"channel": "application", "from": "2031-04-01", "until": "2031-06-01", "modes": ["online"]}
        rule = {"kind": "make_up", "years": {"from": 2030, "to": 2030}, "windows": [window]}
        later = draft(rule, year=2031, issued_on="2031-03-01", name="beijing-2031")
        study, now = replace(STUDY, completed_on=date(2031, 5, 1)), at("2031-05-02")
        with_window = policy(BEIJING, 2030, book(draft(), later))

        assert award_study(with_window, study, BEIJING, 2030, now) == Rejected(
            "make-up-not-by-application", "T-01", {"year": "2030"}
        )
        assert award_study(made(), study, BEIJING, 2030, now) == Rejected(
            "make-up-not-by-application", None, {"year": "2030"}
        )

    @pytest.mark.parametrize(
        ("completed", "told"),
        [
            ("2030-02-28", "not-yet-open"),
            ("2030-03-01", None),
            ("2031-03-10", None),
            ("2031-03-11", "window-closed"),
        ],
    )
    def test_registered_later_was_studied_from_the_year_s_first_day_to_the_last_that_is_given(
        self, completed: str, told: str | None
    ):
        """S4-08, B-23."""
        window = {
            "channel": "application", "act": "register", "from": "2031-04-01", "until": "2031-06-01",
            "study_until": "2031-03-10",
        }  # fmt: skip
        rule = {"kind": "make_up", "years": {"from": 2030, "to": 2030}, "windows": [window]}
        later = draft(rule, year=2031, issued_on="2031-03-01", name="beijing-2031")
        here = policy(BEIJING, 2030, book(draft(WINDOW), later))
        study = replace(STUDY, completed_on=date.fromisoformat(completed))

        assert problem(award_study(here, study, BEIJING, 2030, at("2031-05-02"))) == told


def test_a_form_is_converted_by_an_equivalence_or_a_conversion():
    paper = {
        "kind": "equivalence",
        "forms": [{"form": "paper", "name": "论文", "per": "paper", "credits": 10}],
    }
    hours = {"kind": "conversion", "name": "hours", "hours": 40, "credits": 20, "category": "public"}
    here = made(paper, hours)

    assert [is_converted(here, form) for form in ("paper", "hours", "nothing")] == [True, True, False]
