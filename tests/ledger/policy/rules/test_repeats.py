"""Repeats: what makes a course the same, and whether it counts again in the year (B-21)."""

from datetime import date
from typing import Any

import pytest
from msgspec.structs import replace

from services.ledger.policy import NoticeError
from services.ledger.policy.rules.repeats import RepeatTerms
from tests.ledger.policy.builders import BEIJING, at, completion, credit
from tests.ledger.policy.drafts import book, draft

STUDIED = replace(completion(2030, "2030-05-20", provider="p1"), course="KJ-01", started_on=date(2030, 5, 19))
KNOWN = replace(
    credit("30", on="2030-05-20", provider="p1"),
    course="KJ-01",
    completed_at=STUDIED.completed_at,
    started_on=STUDIED.started_on,
)
LATER = replace(STUDIED, completed_at=at("2030-09-01"))


def terms(**rule: Any) -> RepeatTerms:
    policy = book(draft({"kind": "repeats"} | rule)).resolve(BEIJING, 2030)
    assert policy is not None
    return policy.of(RepeatTerms)


@pytest.mark.parametrize(
    "rule", [{}, {"again": "never"}, {"again": "stated"}, {"same": ["provider", "course"]}]
)
def test_the_same_course_in_the_same_time_is_one_study_whatever_is_written(rule: dict[str, Any]):
    stated = replace(STUDIED, repeat_of="c-1")
    assert terms(**rule).is_repeat(KNOWN, STUDIED, "p1")
    assert terms(**rule).is_repeat(KNOWN, stated, "p1")


@pytest.mark.parametrize("part", [{"course": "KJ-02"}, {"mode": "face_to_face"}])
def test_another_course_in_the_same_time_is_another_study(part: dict[str, Any]):
    """Two courses of a morning share their moments, as a platform reports them."""
    assert not terms(again="free").is_repeat(KNOWN, replace(STUDIED, **part), "p1")


@pytest.mark.parametrize(
    ("again", "repeat_of", "counts"),
    [
        ("free", None, True),
        ("stated", None, False),
        ("stated", "c-1", True),
        ("never", None, False),
        ("never", "c-1", False),
    ],
)
def test_at_another_time_it_counts_again_as_the_notice_says(again: str, repeat_of: str | None, counts: bool):
    assert terms(again=again).is_repeat(KNOWN, replace(LATER, repeat_of=repeat_of), "p1") is not counts


@pytest.mark.parametrize(
    ("same", "other"),
    [
        (["course"], {"course": "KJ-02"}),
        (["mode", "course"], {"mode": "face_to_face"}),
        (["category"], {"category": "public"}),
        (["tier"], {"tier": "senior"}),
    ],
)
def test_a_course_is_another_by_each_part_that_is_named(same: list[str], other: dict[str, Any]):
    found = terms(same=same, again="never")
    assert found.is_repeat(KNOWN, LATER, "p2")
    assert not found.is_repeat(KNOWN, replace(LATER, **other), "p1")


def test_by_provider_another_provider_s_course_is_another():
    assert not terms(same=["provider", "course"], again="never").is_repeat(KNOWN, LATER, "p2")


def test_a_part_that_is_named_twice_is_a_fault():
    with pytest.raises(NoticeError, match="named twice"):
        draft({"kind": "repeats", "same": ["course", "course"]})
