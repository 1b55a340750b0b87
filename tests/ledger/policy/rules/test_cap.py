"""Caps: which credits share one, over which days, and what a draft is warned of."""

from typing import Any

import pytest

from services.ledger.policy import Credit, warnings
from services.ledger.policy.rules.cap import Bucket, CapTerms, binding
from tests.ledger.policy.builders import BEIJING, credit, policy
from tests.ledger.policy.drafts import BUNDLED, book, draft


def bound(*caps: dict[str, Any], credits: list[Credit]) -> list[Bucket]:
    rules = [{"kind": "cap", "name": f"c{n}", "credits": 30} | said for n, said in enumerate(caps)]
    return binding(policy(BEIJING, 2030, book(draft(*rules))).of(CapTerms).caps, credits)


def members(*caps: dict[str, Any], credits: list[Credit]) -> list[list[int]]:
    return [sorted(bucket.members) for bucket in bound(*caps, credits=credits)]


SAME = {"provider": "one", "mode": "online", "course": "KJ-01", "form": "paper"}


@pytest.mark.parametrize(
    ("per", "parts"),
    [
        ("provider", {"provider"}),
        ("course", {"provider", "course"}),
        ("form", {"form"}),
        ("mode", {"mode"}),
        ("year", set[str]()),
    ],
)
def test_is_shared_by_those_that_are_alike(per: str, parts: set[str]):
    for part in SAME:
        first = credit("20", on="2030-05-01", number="1", **SAME)
        second = credit("20", on="2030-05-02", number="2", **SAME | {part: "other"})

        assert members({"per": per}, credits=[first, second]) == ([] if part in parts else [[0, 1]]), part


def test_of_a_record_is_of_each_alone():
    credits = [credit("20", on="2030-05-01", number="1"), credit("31", on="2030-05-01", number="2")]

    assert members({"per": "record"}, credits=credits) == [[1]]


def test_of_a_category_is_also_of_what_may_fill_it():
    public = {"per": "year", "categories": ["public"]}
    open_ = credit("31", "any", on="2030-05-01", fill=("professional", "public"))

    assert members(public, credits=[open_, credit("40", on="2030-05-02")]) == [[0]]


def test_days_that_hold_their_study_do_not_hide_those_that_do_not():
    credits = [credit("20", on="2030-05-01"), credit("40", on="2030-05-03"), credit("5", on="2030-05-05")]

    assert members({"per": "day"}, credits=credits) == [[1]]


def test_two_of_a_day_are_looked_at_together():
    """Alone each of them holds the study; but ten on the first day leave the online course the second, which holds five."""
    course = credit("10", on="2030-05-02", number="course", started_on=credit(on="2030-05-01").days[0])
    lecture = credit("10", on="2030-05-01", number="lecture", mode="face_to_face")
    all_, online = {"per": "day", "credits": 10}, {"per": "day", "credits": 5, "modes": ["online"]}

    assert members(all_, credits=[course, lecture]) == []
    assert members(online, credits=[course, lecture]) == []
    assert members(all_, online, credits=[course, lecture]) != []


class TestWarnings:
    @pytest.mark.parametrize(
        ("said", "told"),
        [
            ({"per": "year", "credits": 89}, True),
            ({"per": "year", "credits": 90}, False),
            ({"per": "day", "credits": 10}, False),
            ({"per": "year", "credits": 10, "modes": ["other"]}, False),
            ({"per": "year", "credits": 10, "categories": ["public"]}, False),
        ],
    )
    def test_a_total_above_what_the_year_can_count(self, said: dict[str, Any], told: bool):
        minima = {"kind": "requirement", "total": 90, "categories": {"professional": 60}}
        found = warnings(draft({"kind": "cap", "name": "c"} | said, minima), BUNDLED)

        assert any(each.code == "minimum-above-cap" for each in found) is told

    def test_are_told_to_whoever_wrote_the_cap_or_the_minimum(self):
        online = {"kind": "modes", "allowed": ["online"]}
        rules = (
            online,
            {"kind": "cap", "name": "c", "per": "year", "credits": 10},
            {"kind": "requirement", "total": 90},
        )
        before = book(draft(*rules, issued_on="2030-01-05", name="before"))
        other = draft(online, name="other")

        assert [each for each in warnings(other, before) if each.code == "minimum-above-cap"] == []
