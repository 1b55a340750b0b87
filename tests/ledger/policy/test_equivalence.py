"""The worth of activities other than courses, clause by clause, and how such credits count."""

import itertools
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from services.ledger.policy import (
    Account,
    Activity,
    Award,
    Credit,
    Person,
    Policy,
    Rejected,
    assess,
    award,
    bundled_book,
    registered_directly,
)

BOOK = bundled_book()
CHAOYANG, LIAONING, CHANGZHI = "211302", "210102", "140403"
TODAY = date(2026, 11, 1)


def policy(place: str, year: int) -> Policy:
    """The policy that the bundled notices make."""
    found = BOOK.resolve(place, year)
    assert found is not None
    return found


def worth(place: str, year: int, form: str, on: str, **facts: Any) -> Award | Rejected:
    """What an activity is worth at a place for a year."""
    facts["quantity"] = Decimal(facts.get("quantity", "1"))
    activity = Activity(form=form, happened_on=date.fromisoformat(on), **facts)
    return award(policy(place, year), activity, place, year, TODAY)


class TestAward:
    @pytest.mark.parametrize(
        ("form", "role", "quantity", "credits", "clause"),
        [
            ("exam_subject", None, "1", "90.00", "S0-14"),
            ("exam_subject", None, "2", "180.00", "S0-14"),
            ("degree_course", None, "1", "90.00", "S0-15"),
            ("research", "sole", "1", "90.00", "S0-16"),
            ("research", "lead", "1", "90.00", "S0-16"),
            ("research", "other", "1", "60.00", "S0-16"),
            ("paper", "sole", "1", "30.00", "S0-17"),
            ("paper", "first", "1", "30.00", "S0-17"),
            ("paper", "other", "3", "30.00", "S0-17"),
            ("book", "sole", "1", "90.00", "S0-18"),
            ("book", "other", "1", "60.00", "S0-18"),
            ("finance_training", None, "2", "60.00", "S0-19"),
            ("contest", None, "1", "90.00", "S0-20"),
        ],
    )
    def test_converts_by_the_clause_of_chaoyang(
        self, form: str, role: Any, quantity: str, credits: str, clause: str
    ):
        """S0-14 to S0-20."""
        answer = worth(CHAOYANG, 2024, form, "2024-09-07", role=role, quantity=quantity)
        assert isinstance(answer, Award)
        assert (answer.credits, answer.clause, answer.category) == (Decimal(credits), clause, "any")

    def test_inherits_the_national_table_where_a_province_has_none(self):
        """B-02, N-05: a conference is 10 a day."""
        answer = worth(LIAONING, 2025, "conference", "2025-10-01", quantity="3")
        assert isinstance(answer, Award)
        assert (answer.credits, answer.clause) == (Decimal("30.00"), "N-05")

    @pytest.mark.parametrize(("hours", "credits"), [("49.5", None), ("50", "30.00"), ("100", "30.00")])
    def test_fifty_public_hours_are_thirty_credits_and_no_more(self, hours: str, credits: str | None):
        """S1-10, A-07, B-17."""
        answer = worth(LIAONING, 2025, "public_hours", "2025-11-01", quantity=hours)
        if credits is None:
            assert isinstance(answer, Rejected)
            assert (answer.problem, answer.clause) == ("hours-below-threshold", "S1-10")
        else:
            assert isinstance(answer, Award)
            assert (answer.credits, answer.category) == (Decimal(credits), "public")

    def test_counts_for_the_year_of_the_event(self):
        """A-05, B-04."""
        answer = worth(CHAOYANG, 2024, "exam_subject", "2025-01-10")
        assert isinstance(answer, Rejected)
        assert answer.problem == "activity-of-other-year"

    @pytest.mark.parametrize(
        ("form", "facts", "problem"),
        [
            ("dancing", {}, "form-not-recognised"),
            ("paper", {}, "role-not-recognised"),
            ("paper", {"role": "lead"}, "role-not-recognised"),
            ("exam_subject", {"quantity": "1.5"}, "quantity-not-whole"),
            ("exam_subject", {"quantity": "0"}, "credits-not-positive"),
        ],
    )
    def test_says_why_there_are_none(self, form: str, facts: dict[str, Any], problem: str):
        answer = worth(CHAOYANG, 2024, form, "2024-09-07", **facts)
        assert isinstance(answer, Rejected)
        assert answer.problem == problem

    def test_nothing_happens_tomorrow(self):
        answer = worth(CHANGZHI, 2026, "exam_subject", "2026-11-02")
        assert isinstance(answer, Rejected)
        assert answer.problem == "completed-in-future"


class TestDirectRegistration:
    def test_nobody_applies_for_what_the_province_registers(self):
        """S0-13."""
        direct = registered_directly(policy(CHAOYANG, 2024), "exam_subject")
        assert direct is not None
        assert direct.clause == "S0-13"
        assert registered_directly(policy(CHAOYANG, 2024), "paper") is None


def credit(number: int, category: str, credits: str, fill: tuple[str, ...] = ()) -> Credit:
    moment = datetime(2025, 6, 1, tzinfo=UTC)
    return Credit(
        credit_id=f"c-{number}",
        category=category,  # type: ignore[arg-type]
        credits=Decimal(credits),
        mode="equivalence",
        provider=None,
        completed_at=moment,
        registered_at=moment,
        completion_id=f"c-{number}",
        fill=fill,  # type: ignore[arg-type]
    )


class TestFill:
    """B-01: fixed credits first, then what is missing in the stated order, the rest to the total."""

    PERSON = Person(person_id="p", place=LIAONING, qualified_on=date(2018, 1, 1))
    ANY = ("professional", "public")

    def judged(self, *credits: Credit) -> Any:
        account = Account(person_id="p", year=2025, credits=list(credits))
        return assess(policy(LIAONING, 2025), account, self.PERSON, 2025, date(2025, 12, 31))

    def test_ninety_equivalence_credits_are_a_full_year(self):
        answer = self.judged(credit(1, "any", "90.00", self.ANY))
        assert answer.status == "compliant"
        assert answer.by_category == {"professional": Decimal(60), "public": Decimal(30)}

    def test_they_fill_what_fixed_credits_leave_open_and_show_the_rest(self):
        answer = self.judged(credit(1, "public", "30.00"), credit(2, "any", "90.00", self.ANY))
        assert answer.by_category == {"professional": Decimal(60), "public": Decimal(30), "any": Decimal(30)}
        assert (answer.total, answer.excess) == (Decimal(120), Decimal(30))

    def test_sixty_fill_professional_first(self):
        answer = self.judged(credit(1, "any", "60.00", self.ANY))
        assert answer.by_category == {"professional": Decimal(60), "public": Decimal(0)}
        assert {item.category for item in answer.missing} == {None, "public"}

    def test_the_order_of_arrival_never_matters(self):
        credits = [
            credit(1, "any", "30.00", self.ANY),
            credit(2, "professional", "45.00"),
            credit(3, "any", "10.00", ("public",)),
            credit(4, "public", "10.00"),
        ]
        answers = {repr(self.judged(*order).by_category) for order in itertools.permutations(credits)}
        assert len(answers) == 1
