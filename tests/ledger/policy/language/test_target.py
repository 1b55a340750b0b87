"""A target takes the persons and the study that it names, and nothing of which it is not known whether it is among them."""

from datetime import date
from typing import Any

import pytest

from services.ledger.policy import Person
from services.ledger.policy.language.facts import Traits
from services.ledger.policy.language.target import Ages, Learning, Target, of_credit
from tests.ledger.policy.builders import credit


def person(**traits: Any) -> Person:
    facts = {name: traits.pop(name) for name in list(traits) if name not in Traits.__struct_fields__}
    return Person(person_id="p", place="640105", traits=Traits(**traits), **facts)


KNOWN: dict[str, tuple[Person, Person]] = {
    "tiers": (person(qualification="senior"), person(qualification="junior")),
    "grounds": (person(graduated_on=date(2024, 7, 1)), person(working_since=date(2024, 7, 1))),
    "age": (person(birth_month="1974-12"), person(birth_month="1975-01")),
    "employers": (person(employer="91640000MA00000022"), person(employer="91640000MA00000011")),
    "affiliation": (person(affiliation="central"), person(affiliation="local")),
    "groups": (person(groups=("rural", "township")), person(groups=("rural",))),
}
OF_PERSONS: dict[str, Any] = {
    "tiers": ("senior",), "grounds": ("graduated",), "age": Ages(first=51), "employers": ("91640000MA00000022",),
    "affiliation": ("central", "provincial"), "groups": ("township",),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(OF_PERSONS))
def test_a_selector_of_persons_takes_whom_it_names_and_nobody_else(name: str):
    target, (meant, other) = Target(**{name: OF_PERSONS[name]}), KNOWN[name]

    assert target.takes_person(meant, 2025)
    assert not target.takes_person(other, 2025)
    assert not target.takes_person(person(), 2025), "of whom nothing is known is not meant"
    assert (target.is_of_persons, target.is_of_learning) == (True, False)


@pytest.mark.parametrize(
    ("qualification", "taken"), [("senior", True), ("advanced_senior", True), ("x", False)]
)
def test_the_highest_level_is_of_the_senior_tier(qualification: str, taken: bool):
    assert Target(tiers=("senior",)).takes_person(person(qualification=qualification), 2025) is taken


@pytest.mark.parametrize(("age", "taken"), [(49, False), (50, True), (60, True), (61, False)])
def test_an_age_is_what_is_reached_in_the_credit_year_and_both_ends_are_inside(age: int, taken: bool):
    born = f"{2025 - age}-12"

    assert Target(age=Ages(first=50, last=60)).takes_person(person(birth_month=born), 2025) is taken


NAMED: dict[str, Any] = {
    "categories": ("public",), "modes": ("online",), "forms": ("paper",), "courses": ("c-1",), "providers": ("某学会",),
    "routes": ("roster",), "organisers": ("employer",),
}  # fmt: skip
FITS = Learning(
    ("public/law",),
    "online",
    "paper",
    "c-1",
    frozenset({"91640000MA00000022", "某学会"}),
    "roster",
    "employer",
)
OTHER = Learning(("publicly",), "other", "book", "c-2", frozenset({"某学校"}), "claim", "provider")


@pytest.mark.parametrize("name", sorted(NAMED))
def test_a_selector_of_study_takes_what_it_names_and_nothing_else(name: str):
    target = Target(**{name: NAMED[name]})

    assert target.takes(FITS)
    assert not target.takes(OTHER)
    assert not target.takes(Learning()), "what is not known is not meant"
    assert (target.is_of_persons, target.is_of_learning) == (False, True)


def test_all_that_is_named_has_to_fit():
    target = Target(**NAMED)

    assert target.takes(FITS)
    for number, value in enumerate(OTHER):
        assert not target.takes(FITS._replace(**{Learning._fields[number]: value}))


def test_credits_that_may_fill_several_categories_are_of_a_target_that_holds_them_all():
    filling = of_credit(credit(category="any", fill=("professional", "public")))

    assert not Target(categories=("public",)).takes(filling)
    assert Target(categories=("public", "professional")).takes(filling)


APART = [
    ({"categories": ("public",)}, {"categories": ("professional", "publicly")}),
    ({"tiers": ("senior",)}, {"tiers": ("junior",), "groups": ("x",)}),
    ({"age": Ages(last=50)}, {"age": Ages(first=51)}),
    ({"modes": ("online",)}, {"modes": ("other",)}),
]
TOGETHER = [
    ({"categories": ("public",)}, {"categories": ("public/law",)}),
    ({"groups": ("a",)}, {"groups": ("b",)}),
    ({"grounds": ("qualified",)}, {"grounds": ("working",)}),
    ({"providers": ("某学会",)}, {"providers": ("91640000MA00000022",)}),
    ({"age": Ages(last=50)}, {"age": Ages(first=50)}),
    ({"modes": ("online",)}, {"categories": ("public",)}),
]


@pytest.mark.parametrize(
    ("one", "other", "apart"), [(*pair, True) for pair in APART] + [(*pair, False) for pair in TOGETHER]
)
def test_targets_exclude_each_other_where_nothing_can_be_meant_by_both(
    one: dict[str, Any], other: dict[str, Any], apart: bool
):
    assert Target(**one).excludes(Target(**other)) is apart
    assert Target(**other).excludes(Target(**one)) is apart
