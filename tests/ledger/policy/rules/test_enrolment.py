"""Enrolments: which of them covers study, and what study waits for when none does."""

from datetime import date, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from services.kit.clock import SHANGHAI
from services.ledger.policy import Account, Enrolled
from services.ledger.policy.rules.enrolment import EnrolmentTerms
from tests.ledger.policy.builders import BEIJING, at, policy
from tests.ledger.policy.drafts import book, draft

DAYS = {"kind": "window", "act": "study", "until": "enrolment+30d"}
NEEDED = {"kind": "enrolment", "needed": "enrolled"}
PAID = {"kind": "enrolment", "needed": "paid"}
ENROLLED = Enrolled(enrolment_id="e", provider="school", mode="online", enrolled_on=date(2030, 5, 1))


def terms(*rules: dict[str, Any]) -> EnrolmentTerms:
    return policy(BEIJING, 2030, book(draft(*rules))).terms_of("online").of(EnrolmentTerms)


def waits(found: EnrolmentTerms, enrolled: Enrolled, on: str) -> str | None:
    """The clause by which study waits under this enrolment."""
    account = Account(person_id="p", year=2030, enrolments=[enrolled])
    held = found.waits(account, "school", "online", at(on))
    return held.clause if held is not None else None


@pytest.mark.parametrize(
    ("changes", "on", "clause"),
    [
        ({}, "2030-05-01 00:00:00", None),
        ({}, "2030-04-30 23:59:59", "T-02"),
        ({}, "2030-05-31 23:59:59", None),
        ({}, "2030-06-01 00:00:00", "T-02"),
        ({"mode": "face_to_face"}, "2030-05-02", "T-01"),
        ({"provider": "other"}, "2030-05-02", "T-01"),
    ],
)
def test_covers_its_provider_s_study_of_its_mode_in_its_days(
    changes: dict[str, Any], on: str, clause: str | None
):
    assert waits(terms(NEEDED, DAYS), replace(ENROLLED, **changes), on) == clause


def test_that_is_not_paid_covers_nothing_where_payment_is_asked():
    assert waits(terms(PAID), ENROLLED, "2030-05-02") == "T-01"
    assert waits(terms(PAID), replace(ENROLLED, paid_on=date(2030, 5, 3)), "2030-05-02") is None


@pytest.mark.parametrize(
    ("opens", "closes", "on", "may"),
    [
        ("2030-05-01 00:00:00", "2030-05-01 00:00:00", "2030-05-10", False),
        ("2030-05-01 00:00:00", "2030-05-02 00:00:00", "2030-04-30", False),
        ("2030-05-01 00:00:00", "2030-05-02 00:00:00", "2030-05-01 00:00:00", True),
        ("2030-05-01 00:00:00", "2030-05-02 00:00:00", "2030-05-31 23:59:59", True),
        ("2030-05-01 00:00:00", "2030-05-02 00:00:00", "2030-06-01 00:00:00", False),
    ],
)
def test_still_to_come_may_cover_study_of_the_days_after_it(opens: str, closes: str, on: str, may: bool):
    assert terms(DAYS).may_cover((at(opens), at(closes)), at(on)) is may


def test_without_days_any_that_can_still_be_made_may_cover():
    now = at("2030-05-01").astimezone(SHANGHAI)

    assert terms(NEEDED).may_cover((now, now + timedelta(seconds=1)), at("2030-01-01"))
    assert not terms(NEEDED).may_cover((now, now), at("2030-05-01"))


@pytest.mark.parametrize("rules", [(), ({"kind": "enrolment", "needed": "no"},)])
def test_is_asked_for_by_no_other_notice(rules: tuple[dict[str, Any], ...]):
    assert policy(BEIJING, 2030, book(draft(*rules))).terms_of("online").get(EnrolmentTerms) is None
