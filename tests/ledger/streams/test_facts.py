"""Facts: what tells two of a form apart is what the notice says, and else what is usual."""

from datetime import date

import pytest

from services.ledger.policy.rules.equivalence import fact_keys
from services.ledger.streams.facts import FACT_KEYS, TRAINING, Facts, FactUnclearError, evidence_of, is_same
from tests.ledger.policy.builders import BEIJING, policy
from tests.ledger.policy.drafts import book, draft

FACTS = Facts(b"k" * 32)
DAYS = (date(2030, 5, 1), date(2030, 5, 2))
NEXT = (date(2030, 5, 3), date(2030, 5, 3))
SAID = ("hall", "speaker", "day")
TALK = {"hall": "一号厅", "speaker": "甲"}


def test_a_bureaus_own_form_is_told_apart_by_what_its_notice_says():
    form = {"form": "talk", "name": "讲座", "per": "day", "credits": 5, "facts": list(SAID)}
    here = policy(BEIJING, 2030, book(draft({"kind": "equivalence", "forms": [form]})))
    assert fact_keys(here, "talk") == SAID
    assert fact_keys(here, "another") == ()

    one = FACTS.digest(2030, "talk", TALK, DAYS, SAID)
    assert one == FACTS.digest(2030, "talk", TALK | {"reference": "7", "hall": " 一号厅"}, DAYS, SAID)
    assert not is_same(one, FACTS.digest(2030, "talk", TALK | {"speaker": "乙"}, DAYS, SAID))


def test_days_are_facts_of_their_own_where_the_notice_names_the_day():
    one, other = (FACTS.digest(2030, "talk", TALK, days, SAID) for days in (DAYS, NEXT))
    assert not is_same(one, other)
    one, other = (FACTS.digest(2030, "talk", TALK, days, ("hall", "speaker")) for days in (DAYS, NEXT))
    assert is_same(one, other)


def test_what_the_notice_asks_and_is_missing_is_named():
    with pytest.raises(FactUnclearError) as unclear:
        FACTS.digest(2030, "talk", {"hall": "一号厅"}, DAYS, SAID)
    assert unclear.value.pointer == "/fact/speaker"
    assert unclear.value.extensions["needed"] == ["hall", "speaker"]


@pytest.mark.parametrize("form", sorted(FACT_KEYS))
def test_a_usual_form_is_told_apart_as_if_its_notice_said_so(form: str):
    evidence = {name: f"{name} 1" for name in evidence_of(form)}
    assert FACTS.digest(2030, form, evidence, DAYS) == FACTS.digest(
        2030, form, evidence, DAYS, FACT_KEYS[form]
    )


def test_a_day_of_a_filed_training_is_one_fact_by_whatever_form_it_is_claimed():
    evidence = {"filing": "f-1", "day": "2030-05-01"} | TALK
    assert FACTS.digest(2030, "talk", evidence, DAYS, SAID) == FACTS.digest(2030, TRAINING, evidence, DAYS)
