"""Tiers: the course's against the person's, and modes that are left to a tier."""

from datetime import date
from decimal import Decimal
from typing import Any, ClassVar

import pytest

from services.ledger.policy import Enrolled, ProvenStudy, Registered, Rejected, admit_terms, award_study
from services.ledger.policy.rules.tiers import tier_of
from tests.ledger.policy.builders import BEIJING, Given, accredited, at, completion, policy
from tests.ledger.policy.drafts import book, draft

HERE = accredited(BEIJING, 2030, modes=("online", "face_to_face"))
ALL = ["junior", "intermediate", "senior"]


def problem(rule: dict[str, Any], qualification: str | None, **facts: Any) -> str | None:
    given = Given(BEIJING, 2030, qualification=qualification, book=book(draft(rule)))
    answer = given.when_posted(completion(2030, "2030-05-01", provider="accredited", **facts), HERE)
    if isinstance(answer, Rejected):
        assert answer.clause == "T-01"
        return answer.problem
    assert isinstance(answer, Registered)
    return None


class TestLower:
    REFUSED: ClassVar[dict[str, Any]] = {"kind": "tiers", "names": ALL, "lower": "refused"}

    @pytest.mark.parametrize(
        ("qualification", "tier", "expected"),
        [
            ("junior", "junior", None),
            ("junior", "senior", None),
            ("intermediate", "junior", "tier-too-low"),
            ("senior", "intermediate", "tier-too-low"),
            ("advanced_senior", "senior", None),
            ("advanced_senior", "intermediate", "tier-too-low"),
            ("senior", None, "tier-not-stated"),
            (None, "junior", None),
            (None, None, None),
        ],
    )
    def test_is_refused_where_a_notice_says_so(
        self, qualification: str | None, tier: str | None, expected: str | None
    ):
        assert problem(self.REFUSED, qualification, tier=tier) == expected

    @pytest.mark.parametrize("tier", ["junior", None])
    def test_is_accepted_where_it_does_not(self, tier: str | None):
        """S1-08, A-09."""
        assert problem({"kind": "tiers", "names": ALL}, "senior", tier=tier) is None

    def test_may_be_a_matter_of_one_category(self):
        rule = self.REFUSED | {"categories": ["professional"]}
        assert problem(rule, "senior", tier="junior", category="public") is None
        assert problem(rule, "senior", tier="junior") == "tier-too-low"


class TestUpward:
    @pytest.mark.parametrize(("tier", "expected"), [("senior", "tier-too-high"), ("junior", None)])
    def test_is_refused_where_a_notice_closes_it(self, tier: str, expected: str | None):
        assert problem({"kind": "tiers", "names": ALL, "upward": False}, "junior", tier=tier) == expected


class TestModesOfATier:
    RULE: ClassVar[dict[str, Any]] = {"kind": "modes", "allowed": ["face_to_face"], "tiers": ["senior"]}

    @pytest.mark.parametrize(
        ("qualification", "mode", "expected"),
        [
            ("senior", "online", "mode-not-for-tier"),
            ("advanced_senior", "online", "mode-not-for-tier"),
            ("senior", "face_to_face", None),
            ("junior", "online", None),
            (None, "online", None),
        ],
    )
    def test_seniors_study_face_to_face_only(
        self, qualification: str | None, mode: str, expected: str | None
    ):
        assert problem(self.RULE, qualification, mode=mode) == expected


def test_a_full_senior_studies_with_the_seniors():
    assert [tier_of(level) for level in ("advanced_senior", "junior", None, "x")] == [
        "senior",
        "junior",
        None,
        None,
    ]


class TestEnrolment:
    """Who may not study so is not enrolled so either."""

    @pytest.mark.parametrize(
        ("rule", "qualification", "tier", "expected"),
        [
            (TestModesOfATier.RULE, "senior", None, "mode-not-for-tier"),
            (TestModesOfATier.RULE, "junior", None, None),
            (TestLower.REFUSED, "senior", "junior", "tier-too-low"),
            (TestLower.REFUSED, "senior", "senior", None),
            (TestLower.REFUSED, "senior", None, None),
        ],
    )
    def test_is_bound_by_the_same_limits(
        self, rule: dict[str, Any], qualification: str, tier: str | None, expected: str | None
    ):
        given = Given(BEIJING, 2030, qualification=qualification, book=book(draft(rule)))
        enrolled = Enrolled(
            enrolment_id="e",
            provider="accredited",
            mode="online",
            enrolled_on=date(2030, 3, 1),
            tier=tier,
        )
        refused = admit_terms(policy(BEIJING, 2030, given.book), enrolled, given.person, None)
        assert (refused.problem if refused else None) == expected


def test_proven_study_is_bound_by_the_modes_of_a_tier():
    rules = (
        TestModesOfATier.RULE,
        {"kind": "route", "name": "claims", "modes": ["online"], "reporters": ["person"]},
    )
    here = policy(BEIJING, 2030, book(draft(*rules)))
    study = ProvenStudy(
        mode="online",
        category="professional",
        credits=Decimal(30),
        completed_on=date(2030, 5, 1),
        qualification="senior",
    )
    answer = award_study(here, study, BEIJING, 2030, at("2030-06-01"))
    assert isinstance(answer, Rejected)
    assert answer.problem == "mode-not-for-tier"
