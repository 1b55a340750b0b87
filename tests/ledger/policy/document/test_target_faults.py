"""Targets that cannot be asked about, or of which nobody could say which holds, are faults; what is left has one answer."""

from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.ledger.policy import PolicyBook, parse_notice
from services.ledger.policy.document.parse import NoticeError
from services.ledger.policy.language.target import Learning, Target
from services.ledger.policy.rules import KINDS
from tests.ledger.policy.builders import BEIJING, at, policy
from tests.ledger.policy.drafts import draft


def faults(*rules: dict[str, Any]) -> list[tuple[str, str, str]]:
    try:
        draft(*rules)
    except NoticeError as error:
        return [(fault.field, fault.code, fault.detail_en) for fault in error.faults]
    return []


def study(until: str, **target: Any) -> dict[str, Any]:
    return {"kind": "window", "until": until} | ({"for": target} if target else {})


TIED = [
    (study("Y-06-30", categories=["public"]), study("Y-07-31", courses=["c-1"])),
    (study("Y-06-30", categories=["public"]), study("Y-07-31") | {"modes": ["online"]}),
    (study("Y-06-30", groups=["a"]), study("Y-07-31", groups=["b"])),
    (study("Y-06-30", groups=["a"]), study("Y-07-31", groups=["a"])),
]


@pytest.mark.parametrize("rules", TIED, ids=str)
def test_a_tie_is_a_fault_that_names_both_clauses(rules: tuple[dict[str, Any], ...]):
    ((field, code, words),) = faults(*rules)

    assert code == "tie"
    assert field.startswith("/clauses/1/rules/0")
    assert "T-01" in words
    assert "T-02" in words


NO_TIE = [
    (study("Y-06-30", categories=["public"]), study("Y-07-31", categories=["professional"])),
    (study("Y-06-30", categories=["public"]), study("Y-07-31", categories=["public"], courses=["c-1"])),
    (study("Y-06-30", categories=["public"]), study("Y-07-31")),
    (
        study("Y-06-30", courses=["c-1"]),
        {"kind": "window", "from": "Y-02-01", "for": {"categories": ["public"]}},
    ),
    (
        study("Y-06-30", courses=["c-1"]) | {"modes": ["online"]},
        study("Y-07-31", courses=["c-2"]) | {"modes": ["other"]},
    ),
]


@pytest.mark.parametrize("rules", NO_TIE, ids=str)
def test_what_cannot_both_be_meant_or_settles_another_thing_is_no_tie(rules: tuple[dict[str, Any], ...]):
    assert faults(*rules) == []


def test_rules_of_years_that_do_not_meet_are_no_tie():
    clauses = [
        {"id": f"T-0{n}", "article": "一", "text": "条款。", "years": {"from": 2029 + n, "to": 2029 + n},
         "rules": [study(f"Y-0{n}-28", groups=["a"])]}
        for n in (1, 2)
    ]  # fmt: skip

    assert parse_notice(
        {"id": "two-years", "title": "通知", "issuers": ["某局"], "issued_on": "2030-01-10", "place": BEIJING,
         "years": {"from": 2030, "to": 2031}, "clauses": clauses}
    )  # fmt: skip


@pytest.mark.parametrize(
    ("target", "field", "code"),
    [
        ({}, "for", "empty"),
        ({"age": {"from": 60, "to": 50}}, "for/age", "order"),
        ({"providers": ["某学会"]}, "for/providers", "selector"),
        ({"modes": ["online"]}, "for/modes", "selector"),
    ],
)
def test_a_target_that_cannot_be_meant_is_a_fault(target: dict[str, Any], field: str, code: str):
    rule = {"kind": "window", "until": "Y-06-30", "for": target}

    assert [(f, c) for f, c, _ in faults(rule)] == [(f"/clauses/0/rules/0/{field}", code)]


def test_every_kind_that_limits_asks_opens_or_converts_can_be_for_some():
    asked = (
        "window requirement cap modes providers enrolment registration recognition route direct_registration filing units "
        "conversion equivalence make_up relief carry_over obligation precondition purpose"
    )

    assert {kind.tag for kind in KINDS if kind.selectors} >= set(asked.split())


ASKED = {"kind": "requirement", "total": 90}
SELECTORS = {"categories": ["public"], "courses": ["c-1"], "routes": ["claim"]}
LEARNED = [
    Learning((category,), "online", None, course, None, route)
    for category in ("public", "professional")
    for course in ("c-1", "c-2")
    for route in ("claim", "provider")
]  # fmt: skip
targets = st.dictionaries(st.sampled_from(sorted(SELECTORS)), st.none(), max_size=3).map(
    lambda named: {name: SELECTORS[name] for name in named}
)


@settings(max_examples=20)
@given(st.lists(targets, min_size=1, max_size=3))
def test_precedence_is_total_for_what_has_no_fault(named: list[dict[str, Any]]):
    """Whatever a notice without a tie says to some, the same rule holds in every order of its clauses: the one that names
    most of those that are meant."""
    rules = [study(f"Y-{month:02}-28", **target) for month, target in enumerate(named, 1)]
    if faults(*rules):
        return
    found = {tuple(_until(order, learning) for learning in LEARNED) for order in permutations(rules)}
    unlike = len({tuple(sorted(target)) for target in named}) == len(named)
    expected = tuple(_strongest(named, learning) for learning in LEARNED)

    assert not unlike or found == {expected}


def _until(rules: tuple[dict[str, Any], ...], learning: Learning) -> str:
    made = policy(BEIJING, 2030, PolicyBook().with_notice(draft(ASKED, *rules), at("2030-01-01"), "test", 1))
    return str(made.of_learning(learning).any_mode.study.until)[5:]


def _strongest(named: list[dict[str, Any]], learning: Learning) -> str:
    meant = [
        (len(target), month)
        for month, target in enumerate(named, 1)
        if not target or Target(**{name: tuple(value) for name, value in target.items()}).takes(learning)
    ]
    return f"{max(meant)[1]:02}-28" if meant else "12-31"
