"""Mutual recognition: a credit of the accounting duty counts once in another regime, and no rule of one is of the other."""

from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from services.ledger.policy import Account, Exemption, Notice, NoticeError, book_faults, warnings
from services.ledger.policy.language.rule import Years
from services.ledger.policy.rules.mutual_recognition import MutualTerms
from tests.ledger.policy.builders import BEIJING, BOOK, credit
from tests.ledger.policy.drafts import BUNDLED, book, draft

SET = {
    "kind": "categories",
    "set": [{"code": "technical", "name": "技术"}, {"code": "ethics", "name": "道德"}],
}
TOTAL = {"kind": "requirement", "total": 40}
ALL = {"kind": "mutual_recognition", "name": "all", "category": "technical"}


def institute(*rules: dict[str, Any]) -> Notice:
    return replace(draft(TOTAL, SET, *rules, name="institute-2030"), regime="institute")


def terms(*rules: dict[str, Any]) -> MutualTerms:
    policy = book(institute(*rules)).of_regime("institute").resolve(BEIJING, 2030)
    assert policy is not None
    return policy.of(MutualTerms)


def worth(account: Account, *rules: dict[str, Any]) -> list[tuple[str, Decimal]]:
    return [(each.category, each.credits) for each in terms(*rules).converted(account).credits]


def test_a_credit_counts_once_by_the_rule_that_names_more():
    account = Account(
        person_id="p",
        year=2030,
        credits=[
            credit("10", on="2030-05-01", number="1"),
            credit("10", "professional/ethics", on="2030-05-02", number="2"),
            replace(credit("5", on="2030-05-03", number="3"), mode="face_to_face"),
            replace(
                credit("8", on="2030-05-04", number="4"), category="any", fill=("professional", "public")
            ),
        ],
    )
    half = ALL | {"name": "half", "of_categories": ["professional"], "rate": "0.5"}
    ethics = ALL | {"name": "ethics", "of_categories": ["professional/ethics"], "category": "ethics"}
    present = half | {"name": "present", "modes": ["face_to_face"], "rate": "2"}

    assert worth(account, half, ethics, present) == [
        ("technical", Decimal("5.00")),
        ("ethics", Decimal("10.00")),
        ("technical", Decimal("10.00")),
    ], "what may fill another category, too, is of no rule for one of them"
    assert worth(account, ALL)[-1] == ("technical", Decimal("8.00"))


def test_no_exemption_and_nothing_that_waits_is_of_another_regime():
    freed = Exemption(reason="illness", authority=BEIJING, granted_on=credit("1", on="2030-05-01").days[0])
    account = Account(person_id="p", year=2030, credits=[credit("10", on="2030-05-01")], exempt=freed)
    assert terms(ALL).converted(account).exempt is None


def test_a_regime_changes_no_policy_of_the_accounting_duty():
    """Nor does the accounting duty's framework judge in a regime whose notices are silent."""
    beside = book(institute(ALL))
    for place in (BEIJING, "211302", "140502"):
        for year in (2024, 2030):
            before, after = BOOK.resolve(place, year), beside.resolve(place, year)
            assert (before and before.hash) == (after and after.hash)
    assert beside.of_regime("institute").resolve(BEIJING, 2029) is None
    assert beside.of_regime("another").resolve(BEIJING, 2030) is None


@pytest.mark.parametrize(
    ("rule", "code"),
    [({"kind": "mutual_recognition", "name": "all"}, "required"), (ALL | {"rate": "0"}, "zero")],
)
def test_a_rule_by_which_nothing_counts_is_a_fault(rule: dict[str, Any], code: str):
    with pytest.raises(NoticeError) as refused:
        draft(rule)
    assert [fault.code for fault in refused.value.faults] == [code]


def test_categories_are_of_their_regime():
    found = book_faults(institute(ALL | {"category": "tehnical", "of_categories": ["technical"]}), BUNDLED)
    assert sorted(fault.pointer.rpartition("rules/0/")[2] for fault in found) == [
        "category",
        "of_categories/0",
    ]
    assert not book_faults(institute(ALL | {"of_categories": ["professional"]}), BUNDLED)


def test_an_id_stays_in_its_regime():
    """Published in another one it would leave the years that it governed to nobody."""
    moved = replace(draft(TOTAL, name="institute-2030"), years=Years(first=2030, last=2030))
    assert [fault.code for fault in book_faults(moved, book(institute(ALL)))] == ["replaces-another-regime"]


def test_the_accounting_duty_recognises_nothing_of_itself():
    found = {warning.code for warning in warnings(draft(ALL | {"category": "public"}), BUNDLED)}
    assert "recognises-itself" in found
    assert "recognises-itself" not in {each.code for each in warnings(institute(ALL), BUNDLED)}
