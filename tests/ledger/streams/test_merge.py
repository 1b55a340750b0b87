"""One life split over two profiles and merged again is the one life, in which every real fact counts once."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from services.ledger.policy import Account, CompletionFacts, Credit, Waiting
from services.ledger.policy.rules.repeats import RepeatTerms
from services.ledger.streams import account as accounts
from services.ledger.streams import merge
from services.ledger.streams.facts import FactCountedError, Facts, must_be_new
from services.ledger.streams.filing_terms import Courses, reported_before

YEAR, NOW = 2025, datetime(2025, 9, 1, tzinfo=UTC)
FACTS = Facts(b"a key of these tests")
PAPER = {"cn_number": "CN21-1234/F", "title": "论政府会计"}


@dataclass(frozen=True)
class Event:
    """Something that happened in a life: a course completed, or a paper published, once or told again."""

    kind: str
    number: int
    credits: Decimal


def credit_of(event: Event, index: int) -> Credit:
    """The credit that the event earns when it is reported as the record of this index."""
    fact = None
    if event.kind == "paper":
        fact = FACTS.digest(YEAR, "paper", PAPER | {"issue": str(event.number)})
    return Credit(
        credit_id=f"credit-{index:03}",
        completion_id=f"record-{index:03}",
        provider=None if event.kind == "paper" else "provider-1",
        route="claim" if event.kind == "paper" else "provider",
        category="professional",
        credits=event.credits,
        mode="online",
        course="" if event.kind == "paper" else f"KJ-{event.number}",
        completed_at=NOW - timedelta(days=30 + event.number),
        registered_at=NOW + timedelta(minutes=index),
        fact=fact,
    )


def take(account: Account, credit: Credit) -> None:
    """Register the credit, unless the account counts its fact already, as the doors of the ledger do."""
    if credit.fact is not None:
        try:
            must_be_new(account, credit.fact)
        except FactCountedError:
            return
    elif reported_before(account, facts_of(credit), RepeatTerms(), Courses()) is not None:
        return
    account.credits.append(credit)


def facts_of(credit: Credit) -> CompletionFacts:
    return CompletionFacts(
        completion_id=credit.completion_id,
        category=credit.category,
        credits=credit.credits,
        mode=credit.mode,
        completed_at=credit.completed_at,
        course=credit.course,
        provider_id="provider-1",
        year=YEAR,
    )


def merged(kept: Account, other: Account) -> Account:
    """The account of the person after the merge, as the events make it."""
    found = merge.duplicates_of(kept, other, None)
    taken = merge.absorbed(kept, other, NOW)
    accounts.evolve(other, merge.emptied(other, kept.person_id, NOW))
    accounts.evolve(kept, taken)
    for credit, first in found.credits:
        accounts.evolve(kept, merge.duplicated(kept, credit, first, NOW))
    return kept


def standing(account: Account) -> dict[str, Decimal]:
    return {each.credit_id: each.credits for each in account.credits if each.state == "registered"}


EVENTS = st.builds(Event, st.sampled_from(["course", "paper"]), st.integers(1, 4), st.just(Decimal("10.00")))
LIVES = st.lists(st.tuples(EVENTS, st.booleans()), max_size=12)


@given(LIVES, st.booleans())
@settings(max_examples=60)
def test_any_split_of_a_life_merged_is_the_life_collected_once(life: list[tuple[Event, bool]], swap: bool):
    once = accounts.empty("person-1", YEAR)
    halves = {side: accounts.empty(f"person-{int(side)}", YEAR) for side in (True, False)}
    for index, (event, side) in enumerate(life):
        take(once, credit_of(event, index))
        take(halves[side], credit_of(event, index))
    one, other = (halves[True], halves[False]) if swap else (halves[False], halves[True])
    answer = merged(one, other)
    assert standing(answer) == standing(once)
    assert other.credits == []
    shown = {each.credit_id for half in (one, other) for each in half.credits}
    assert shown >= standing(once).keys()


def test_a_credit_that_was_revoked_gives_way_to_the_one_that_stands():
    """A fact whose credit ended may be registered again: then the other profile's counts."""
    one, other = accounts.empty("person-1", YEAR), accounts.empty("person-2", YEAR)
    event = Event("paper", 1, Decimal("10.00"))
    first, second = credit_of(event, 0), credit_of(event, 1)
    take(
        one, Credit(**{name: getattr(first, name) for name in first.__struct_fields__} | {"state": "revoked"})
    )
    take(other, second)
    assert standing(merged(one, other)) == {second.credit_id: second.credits}


def test_what_waits_gives_way_to_what_is_registered_for_the_same_study():
    one, other = accounts.empty("person-1", YEAR), accounts.empty("person-2", YEAR)
    study = credit_of(Event("course", 1, Decimal("10.00")), 0)
    take(one, study)
    waiting = Waiting(
        completion_id="record-9",
        provider="provider-1",
        category="professional",
        credits=study.credits,
        mode="online",
        course=study.course,
        completed_at=study.completed_at,
        reason="exam_pending",
        held_at=NOW - timedelta(days=1),
    )
    other.waiting.append(waiting)
    assert merge.duplicates_of(one, other, None).waiting == [waiting]
