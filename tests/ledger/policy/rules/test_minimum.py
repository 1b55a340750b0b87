"""Minima by name: amounts, shares, alternatives, and what nobody could miss."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from services.ledger.policy import NoticeError
from services.ledger.policy.language.selector import RequirementTerms
from tests.ledger.policy.builders import BEIJING, policy
from tests.ledger.policy.drafts import book, draft

TOTAL = {"kind": "requirement", "total": 100}


def terms(*alternatives: dict[str, Any]) -> RequirementTerms:
    rule = {"kind": "minimum", "name": "m", "any_of": list(alternatives)}
    made = policy(BEIJING, 2030, book(draft(rule, TOTAL)))
    [found] = [one for one in made.requirements if one.kind == "choice"]
    return found


@pytest.mark.parametrize(
    ("said", "minimum", "share"),
    [
        ({"credits": 20}, "20.00", None),
        ({"share": "1/3", "modes": ["other"]}, "33.34", None),
        ({"share": "1/3", "share_of": "earned", "modes": ["other"]}, "33.34", Fraction(1, 3)),
        ({"courses": ["LAW"]}, "0.00", None),
    ],
)
def test_asks_for_an_amount_or_a_share_of_what_is_required_or_earned(
    said: dict[str, Any], minimum: str, share: Fraction | None
):
    [one] = terms(said).any_of

    assert (str(one.minimum), one.share) == (minimum, share)


def test_each_alternative_is_counted_by_itself_and_the_first_is_shown():
    found = terms({"credits": 20, "forms": ["paper"]}, {"credits": 30, "routes": ["claim"]}, {"credits": 95})

    assert (found.minimum, found.clause, found.choice) == (Decimal("20.00"), "T-01", "m")
    assert [one.singled for one in found.any_of] == ["minimum.m.0", "minimum.m.1", None]
    assert [(one.of.forms, one.of.routes) for one in found.any_of] == [
        (frozenset({"paper"}), frozenset()), (frozenset(), frozenset({"claim"})), (frozenset(), frozenset())
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ({"share": "3/2", "modes": ["other"]}, "not more than 1"),
        ({"share": "1/2", "credits": 10}, "not both"),
        ({}, "say how many credits, or which"),
    ],
)
def test_that_nobody_could_meet_or_miss_is_a_fault(said: dict[str, Any], fault: str):
    with pytest.raises(NoticeError, match=fault):
        terms(said)
    assert terms({"share": "1/1", "modes": ["other"]}).minimum == Decimal("100.00")
