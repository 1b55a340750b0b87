"""A later notice and credits taken before it by the nation's rule: which of them it would not have taken (B-20)."""

from typing import Any

import pytest
from msgspec.structs import replace

from services.ledger.policy import Account, Person, ProviderStanding, Route
from services.ledger.policy.judging.later_notice import refused_since
from tests.ledger.policy.builders import BEIJING, accredited, credit, policy
from tests.ledger.policy.drafts import book, draft

YEAR = 2030
LISTED = accredited(BEIJING, YEAR, modes=("online", "face_to_face"))
OTHER = replace(LISTED, organization_id="other", name="名单外学校")
PERSON = Person(person_id="person-1", place=BEIJING)
NOTICE = draft(
    {"kind": "window", "from": "2030-03-01", "until": "2030-11-30"},
    {"kind": "providers", "rule": "listed", "list": [{"name": LISTED.name}]},
    {"kind": "record_limit", "credits": 40},
    {"kind": "categories", "set": [{"code": "professional", "name": "专业科目"}]},
)
"""What the nation leaves open: when, at whom, how much at once, and of what."""

BY_HAND: dict[str, tuple[Route, dict[str, Any], ProviderStanding, tuple[str, str | None] | None]] = {
    "in its window, at one of its list": ("provider", {}, LISTED, None),
    "before its window": ("provider", {"on": "2030-02-28"}, LISTED, ("not-yet-open", "T-01")),
    "at one beside its list": ("provider", {}, OTHER, ("provider-not-listed", "T-02")),
    "a category it has not": ("provider", {"category": "public"}, LISTED, ("category-unknown", "T-04")),
    "a filed training": ("roster", {"mode": "face_to_face"}, LISTED, None),
    "a filed training of one beside its list": (
        "roster", {"mode": "face_to_face"}, OTHER, ("provider-not-listed", "T-02")
    ),
    "hours that were converted": ("roster", {"category": "any", "fill": ("professional",)}, LISTED, None),
    "a paper": ("claim", {"form": "paper", "mode": "equivalence"}, LISTED, None),
    "a paper of another year": (
        "claim", {"form": "paper", "mode": "equivalence", "on": "2029-06-01"}, LISTED, ("activity-of-other-year", "N-08")
    ),
    "an activity it does not know": ("claim", {"form": "chess"}, LISTED, ("form-not-recognised", None)),
    "proven study before its window": ("claim", {"form": "study", "mode": "other", "on": "2030-02-01"}, LISTED,
                                       ("make-up-not-by-application", None)),
    "an exam on the province's list": ("direct", {"form": "exam_subject", "mode": "equivalence"}, LISTED, None),
    "the authority's own training before its window": (
        "direct", {"form": "authority_training", "on": "2030-02-01"}, LISTED, ("not-yet-open", "T-01")
    ),
    "history": ("import", {"on": "2030-02-01"}, LISTED, None),
    "history of more than a record may carry": ("import", {"credits": "50"}, LISTED, ("credits-above-limit", "T-03")),
    "a correction of a category it has not": (
        "correction", {"category": "public"}, LISTED, ("category-unknown", "T-04")
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BY_HAND)
def test_says_by_which_clause_each_would_have_been_refused(case: str):
    route, fields, provider, expected = BY_HAND[case]
    taken = credit(
        **{"on": "2030-05-10", "provider": provider.organization_id} | fields, route=route, provisional=True
    )
    account = Account(person_id="person-1", year=YEAR, credits=[taken])
    found = refused_since(policy(BEIJING, YEAR, book(NOTICE)), taken, PERSON, account, provider)
    assert (found and (found.problem, found.clause)) == expected


def test_every_route_is_asked():
    assert {route for route, *_ in BY_HAND.values()} == set(Route.__args__)


def test_asks_nothing_of_what_was_taken_by_a_notice_and_nothing_before_a_notice_is_out():
    early = credit(on="2030-02-01", provisional=True)
    account = Account(person_id="person-1", year=YEAR, credits=[early])
    own = replace(early, provisional=False)
    assert refused_since(policy(BEIJING, YEAR, book(NOTICE)), own, PERSON, account, LISTED) is None
    assert refused_since(policy(BEIJING, YEAR), early, PERSON, account, LISTED) is None
