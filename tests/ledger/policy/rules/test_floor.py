"""Floors: what does not reach them together does not count at all."""

from typing import Any

import pytest

from services.ledger.policy import Credit
from services.ledger.policy.rules.floor import FloorTerms
from tests.ledger.policy.builders import BEIJING, credit, policy
from tests.ledger.policy.drafts import book, draft


def terms(*floors: dict[str, Any]) -> FloorTerms | None:
    rules = [{"kind": "floor", "name": f"f{n}", "credits": 10} | said for n, said in enumerate(floors)]
    return policy(BEIJING, 2030, book(draft(*rules))).get(FloorTerms)


def below(*floors: dict[str, Any], credits: list[Credit]) -> dict[int, str]:
    found = terms(*floors)
    assert found is not None
    return found.below(credits)


def five(number: str, **other: Any) -> Credit:
    return credit("5", on="2030-05-01", number=number, **other)


SAME = {"provider": "one", "mode": "online", "course": "KJ-01", "form": "paper"}


@pytest.mark.parametrize(
    ("per", "parts"),
    [
        ("enrolment", {"provider", "mode"}),
        ("provider", {"provider"}),
        ("course", {"provider", "course"}),
        ("form", {"form"}),
        ("mode", {"mode"}),
        ("year", set[str]()),
    ],
)
def test_reached_together_by_those_that_are_alike(per: str, parts: set[str]):
    for part in SAME:
        other = SAME | {part: "other"}
        left_out = below({"per": per}, credits=[five("1", **SAME), five("2", **other)])

        assert left_out == ({0: "T-01", 1: "T-01"} if part in parts else {}), part


def test_is_about_what_may_count_in_its_category_and_nothing_else():
    open_ = credit("5", "any", on="2030-05-01", fill=("professional", "public"))
    credits = [open_, five("1"), credit("5", "public", on="2030-05-02")]

    assert below({"per": "year", "categories": ["public"]}, credits=credits) == {}
    assert below({"per": "year", "categories": ["public"]}, credits=credits[:2]) == {0: "T-01"}


def test_what_one_keeps_out_reaches_no_other():
    credits = [five("1", mode="other"), five("2")]

    assert below({"per": "year"}, {"per": "mode", "modes": ["other"]}, credits=credits) == {
        0: "T-02", 1: "T-01"
    }  # fmt: skip


def test_lifted_it_keeps_nothing_out():
    assert terms({"per": "year", "lifted": True}) is None
    assert terms() is None
    assert below({"per": "year", "lifted": True}, {"per": "mode"}, credits=[five("1")]) == {0: "T-02"}
