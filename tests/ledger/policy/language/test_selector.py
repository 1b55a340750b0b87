"""A selector takes the credits that it names, and looks at nothing that it does not name."""

from typing import Any

import pytest

from services.ledger.policy.language.selector import Selector
from tests.ledger.policy.builders import credit

NARROW = Selector(
    categories=("public/law",),
    modes=frozenset({"online", "other"}),
    forms=frozenset({"lecture"}),
    courses=frozenset({"c-1"}),
)


def test_nothing_named_is_of_all_credits_in_every_category():
    assert Selector().matches(credit())
    assert Selector().takes("hr_public")
    assert Selector().takes("any")
    assert Selector().is_of_all


def test_all_that_is_named_has_to_fit():
    assert NARROW.matches(credit(mode="other", form="lecture", course="c-1"))


@pytest.mark.parametrize("other", [{"mode": "face_to_face"}, {"form": None}, {"course": "c-2"}], ids=str)
def test_one_that_does_not_fit_is_enough(other: dict[str, Any]):
    assert not NARROW.matches(credit(**{"mode": "online", "form": "lecture", "course": "c-1"} | other))


def test_a_category_is_asked_apart_and_holds_what_lies_under_it():
    assert NARROW.takes("public/law")
    assert NARROW.takes("public/law/tax")
    assert not NARROW.takes("public")
    assert not NARROW.takes("public/lawful")
    assert not NARROW.takes("any")


@pytest.mark.parametrize("named", ["modes", "forms", "courses"])
def test_a_way_of_earning_is_not_all_of_them(named: str):
    assert not Selector(**{named: frozenset({"x"})}).is_of_all
    assert Selector(categories=("public",)).is_of_all


def test_the_narrower_names_more_and_lies_deeper():
    wide, deep = Selector(categories=("public",)), Selector(categories=("public", "public/law"))

    assert Selector().narrowness < wide.narrowness < deep.narrowness < NARROW.narrowness
