"""Prerequisites: a category whose credits come before study of another counts."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from services.ledger.policy import Account, Award, Credit, NoticeError, ProvenStudy, Rejected, award_study
from services.ledger.policy.rules.prerequisite import PrerequisiteTerms
from tests.ledger.policy.builders import BEIJING, at, credit, policy
from tests.ledger.policy.drafts import book, draft

RULE: dict[str, Any] = {
    "kind": "prerequisite",
    "category": "public",
    "minimum": 1,
    "before": ["professional"],
}


def refused(category: str, *credits: Credit) -> dict[str, str] | None:
    """How much is there and how much is asked, where study of the category is refused."""
    terms = policy(BEIJING, 2030, book(draft(RULE))).of(PrerequisiteTerms)
    found = terms.refusal(Account(person_id="p", year=2030, credits=list(credits)), category)
    return dict(found.details) if found is not None else None


@pytest.mark.parametrize(
    ("credits", "held"),
    [
        ([], "0"),
        ([credit("0.99", "public", on="2030-05-01")], "0.99"),
        ([credit("1", "public/law", on="2030-05-01")], None),
        ([credit("60", on="2030-05-01")], "0"),
        ([credit("1", "public", on="2030-05-01", state="withdrawn")], "0"),
    ],
)
def test_is_reached_by_its_own_credits_that_stand(credits: list[Credit], held: str | None):
    asked = {"category": "public", "minimum": "1", "held": held}

    assert refused("professional", *credits) == (asked if held is not None else None)


def test_stands_before_no_other_category():
    assert refused("public") is None


def test_stands_before_study_that_is_claimed_as_before_study_that_is_reported():
    claimed = {"kind": "route", "name": "proof", "modes": ["face_to_face"], "reporters": ["person"]}
    asked = policy(BEIJING, 2030, book(draft(RULE, claimed)))
    study = ProvenStudy(
        mode="face_to_face",
        category="professional",
        credits=Decimal(10),
        completed_on=date(2030, 5, 1),
    )

    def answer(*credits: Credit) -> Award | Rejected:
        account = Account(person_id="p", year=2030, credits=list(credits))
        return award_study(asked, study, BEIJING, 2030, at("2030-05-02"), account)

    early = answer()
    assert isinstance(early, Rejected)
    assert (early.problem, early.clause) == ("prerequisite-first", "T-01")
    assert isinstance(answer(credit("1", "public", on="2030-05-01")), Award)


def test_of_a_category_before_itself_is_a_fault():
    with pytest.raises(NoticeError, match="cannot wait for itself"):
        draft(RULE | {"before": ["public/law", "public"]})
