"""By which route a form is registered, and how the place of an exam may change it."""

from typing import Any

import pytest

from services.ledger.policy import Rejected, may_bring, registered_directly
from tests.ledger.policy.builders import BEIJING, SHANXI, TAIYUAN, policy
from tests.ledger.policy.drafts import book, draft


def direct(**fields: Any) -> dict[str, Any]:
    return {
        "kind": "direct_registration",
        "by": "province",
        "activities": ["考试"],
        "forms": ["exam"],
        **fields,
    }


class TestDirect:
    @pytest.mark.parametrize(
        ("sat_in", "directly"), [(None, True), ("110101", True), ("110000", True), ("310000", False)]
    )
    def test_an_exam_sat_elsewhere_is_applied_for(self, sat_in: str | None, directly: bool):
        """S2B-09."""
        here = policy(BEIJING, 2030, book(draft(direct(sat="within"))))
        assert (registered_directly(here, "exam", sat_in) is not None) is directly

    def test_where_it_was_sat_may_not_matter(self):
        """S0-13."""
        here = policy(BEIJING, 2030, book(draft(direct())))
        assert registered_directly(here, "exam", "310000") is not None

    def test_shanxi_registers_the_exams_of_its_own_province(self):
        """S2B-09, S2B-10, C-10."""
        here = policy(TAIYUAN, 2024)
        assert registered_directly(here, "exam_subject", SHANXI) is not None
        assert registered_directly(here, "exam_subject", "110000") is None

    @pytest.mark.parametrize(
        ("place", "reporters", "directly"),
        [("110101", ["person"], False), ("110101", ["employer"], True), (BEIJING, ["person"], True)],
        ids=["a nearer place", "whom it leaves out", "no nearer place"],
    )
    def test_a_nearer_place_that_lets_the_person_apply_wins(
        self, place: str, reporters: list[str], directly: bool
    ):
        """Nobody has to know of `application_needed`."""
        route = {"kind": "route", "name": "exams", "forms": ["exam"], "reporters": reporters}
        beside = book(draft(direct()), draft(route, place=place, name="nearer-2030"))
        assert (registered_directly(policy("110101", 2030, beside), "exam") is not None) is directly
        assert registered_directly(policy("110102", 2030, beside), "exam") is not None

    def test_a_nearer_place_that_registers_wins_over_a_wider_one_that_lets_apply(self):
        route = {"kind": "route", "name": "exams", "forms": ["exam"], "reporters": ["person"]}
        beside = book(draft(route), draft(direct(), place="110101", name="nearer-2030"))
        assert registered_directly(policy("110101", 2030, beside), "exam") is not None


class TestReporters:
    RULES = (
        {"kind": "route", "name": "papers", "forms": ["paper"], "reporters": ["person"]},
        {
            "kind": "route",
            "name": "trainings",
            "forms": ["finance_training"],
            "reporters": ["employer", "collective"],
        },
    )

    @pytest.mark.parametrize(
        ("form", "reporter", "open_"),
        [
            ("paper", "person", True),
            ("paper", "employer", False),
            ("finance_training", "person", False),
            ("finance_training", "employer", True),
            ("finance_training", "collective", True),
            ("contest", "person", True),
            ("contest", "employer", True),
        ],
    )
    def test_a_form_that_a_route_names_is_brought_by_its_reporters_alone(
        self, form: str, reporter: Any, open_: bool
    ):
        answer = may_bring(policy(BEIJING, 2030, book(draft(*self.RULES))), form, reporter)
        if open_:
            assert answer is None
        else:
            assert isinstance(answer, Rejected)
            assert (answer.problem, answer.details) == (
                "route-not-open",
                {"form": form, "reporter": reporter},
            )
