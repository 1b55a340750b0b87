"""Properties that hold under any notice with minima, caps and courses, for any credits: totals add up, order does not
matter, more study never harms."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from services.ledger.policy import (
    Account,
    Credit,
    EarlierYear,
    Person,
    Policy,
    PolicyBook,
    assess,
    parse_notice,
)
from services.ledger.policy.rules.carry_over import CarryTerms
from tests.ledger.policy.builders import BEIJING, BOOK


def forall(*strategies: st.SearchStrategy[Any]) -> Callable[[Any], Any]:
    """Try the property on many examples, however slow the machine is just now."""
    return lambda test: settings(deadline=None, max_examples=150)(given(*strategies)(test))


PATHS = ("professional", "professional/ethics", "professional/ethics/codes", "public", "public/law")
MODES = ("online", "face_to_face", "equivalence")
FORMS = (None, "conference", "paper")
COURSES = ("", "law-2030", "ethics-2030")
ROUND = st.integers(0, 9).map(lambda tens: tens * 10)
AMOUNTS = ROUND | st.decimals("0", "90", places=2).map(str)
GIVEN = st.integers(1, 9).map(lambda tens: Decimal(tens * 10)) | st.decimals("0.01", "90", places=2)
PERSON = Person(person_id="p", place=BEIJING, qualified_on=date(2019, 5, 1))
YEAR_END = date(2030, 12, 31)
FILLS = st.sampled_from([("professional", "public"), ("public",), ("professional/ethics", "professional")])


@st.composite
def caps(draw: st.DrawFn, number: int) -> dict[str, Any]:
    return {
        "kind": "cap",
        "name": f"cap_{number}",
        "per": draw(st.sampled_from(["record", "day", "form", "mode", "provider", "year"])),
        "credits": draw(AMOUNTS),
        "categories": draw(st.lists(st.sampled_from(PATHS), max_size=2, unique=True)),
        "modes": draw(st.lists(st.sampled_from(MODES), max_size=1)),
        "forms": draw(st.lists(st.sampled_from(FORMS[1:]), max_size=1)),
    }


@st.composite
def choices(draw: st.DrawFn, number: int) -> dict[str, Any]:
    """Minima of which any one is enough (`any_of`)."""
    alternatives = [
        {
            "credits": draw(AMOUNTS),
            "categories": draw(st.lists(st.sampled_from(PATHS), max_size=1)),
            "modes": draw(st.lists(st.sampled_from(MODES), max_size=1)),
            "courses": draw(st.lists(st.sampled_from(COURSES[1:]), max_size=1)),
        }
        for _ in range(draw(st.integers(1, 3)))
    ]
    return {"kind": "minimum", "name": f"choice_{number}", "any_of": alternatives}


@st.composite
def floors(draw: st.DrawFn) -> dict[str, Any]:
    per = draw(st.sampled_from(["enrolment", "provider", "course", "form", "mode", "year"]))
    return {"kind": "floor", "name": "floor", "per": per, "credits": draw(AMOUNTS)}


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    minima = draw(st.dictionaries(st.sampled_from(PATHS), AMOUNTS, max_size=4))
    courses = [
        {"course": course} | ({"minimum": draw(AMOUNTS)} if draw(st.booleans()) else {})
        for course in draw(st.lists(st.sampled_from(COURSES[1:]), max_size=2, unique=True))
    ]
    requirement = {"kind": "requirement", "total": draw(AMOUNTS), "courses": courses}
    rules = [
        {"kind": "obligation", "qualified": "next_year"},
        requirement | ({"categories": minima} if minima else {}),
        *(draw(caps(number)) for number in range(draw(st.integers(0, 4)))),
        *(draw(choices(number)) for number in range(draw(st.integers(0, 2)))),
        *(draw(floors()) for _ in range(draw(st.integers(0, 1)))),
    ]
    notice = parse_notice(
        {
            "id": "beijing-2030",
            "title": "示例",
            "issuers": ["北京市财政局"],
            "issued_on": "2030-01-10",
            "place": BEIJING,
            "years": {"from": 2030, "to": 2030},
            "clauses": [{"id": "T-01", "article": "一", "text": "示例。", "rules": rules}],
        }
    )
    book: PolicyBook = BOOK.with_notice(notice, datetime(2030, 1, 10, tzinfo=UTC), BEIJING, 1)
    found = book.resolve(BEIJING, 2030)
    assert found is not None
    return found


@st.composite
def credits_(draw: st.DrawFn, number: int) -> Credit:
    fill = draw(st.none() | FILLS)
    done = datetime(
        2030, draw(st.integers(1, 2)), draw(st.integers(1, 3)), draw(st.integers(0, 23)), tzinfo=UTC
    )
    return Credit(
        credit_id=f"c{number}",
        completion_id=f"r{number}",
        category="any" if fill else draw(st.sampled_from(PATHS)),
        fill=fill or (),
        credits=draw(GIVEN),
        mode=draw(st.sampled_from(MODES)),
        form=draw(st.sampled_from(FORMS)),
        provider=draw(st.sampled_from(["p1", "p2"])),
        course=draw(st.sampled_from(COURSES)),
        completed_at=done,
        registered_at=done,
        state=draw(st.sampled_from(["registered", "registered", "registered", "revoked"])),
    )


@st.composite
def accounts(draw: st.DrawFn) -> Account:
    credits = [draw(credits_(number)) for number in range(draw(st.integers(0, 7)))]
    return Account(person_id="p", year=2030, credits=credits)


@st.composite
def carrying(draw: st.DrawFn) -> tuple[Policy, Account, Account]:
    """A policy that lets credits of the year before in, and the accounts of both years."""
    policy = draw(policies())
    categories = draw(st.lists(st.sampled_from(PATHS), min_size=1, max_size=3, unique=True))
    policy.carries = CarryTerms(draw(GIVEN), tuple(categories), "T-01")
    return policy, draw(accounts()), draw(accounts())


class TestCarriedOver:
    @forall(carrying())
    def test_it_is_bounded_and_counted_once(self, given_: tuple[Policy, Account, Account]):
        policy, before, account = given_
        own = assess(policy, account, PERSON, 2030, YEAR_END)
        answer = assess(policy, account, PERSON, 2030, YEAR_END, EarlierYear(policy, before))
        carried = answer.carried.credits if answer.carried is not None else Decimal(0)
        everything = sum((credit.credits for credit in account.credits), carried)
        assert answer.total + sum(item.credits for item in answer.not_counted) == everything
        assert sum(answer.by_category.values()) == answer.total
        assert policy.carries is not None
        assert 0 <= carried <= policy.carries.most
        assert answer.total >= min(own.total, policy.total)
        if own.status == "compliant":
            assert answer.status == "compliant"


class TestUnderAnyNotice:
    @forall(policies(), accounts())
    def test_what_counts_and_what_does_not_is_all_there_is(self, policy: Policy, account: Account):
        answer = assess(policy, account, PERSON, 2030, YEAR_END)
        everything = sum((credit.credits for credit in account.credits), Decimal(0))
        assert answer.total + sum(item.credits for item in answer.not_counted) == everything
        assert sum(answer.by_category.values()) == answer.total
        assert all(amount >= 0 for amount in answer.by_category.values())
        assert all(item.clause for item in answer.not_counted if item.why == "above_cap")

    @forall(policies(), accounts(), st.randoms(use_true_random=False))
    def test_the_order_of_credits_does_not_matter(self, policy: Policy, account: Account, random: Any):
        before = msgspec.json.encode(assess(policy, account, PERSON, 2030, YEAR_END))
        random.shuffle(account.credits)
        assert msgspec.json.encode(assess(policy, account, PERSON, 2030, YEAR_END)) == before

    @forall(policies(), accounts(), credits_(99))
    def test_one_more_credit_never_ends_compliance(self, policy: Policy, account: Account, more: Credit):
        before = assess(policy, account, PERSON, 2030, YEAR_END)
        account.credits.append(msgspec.structs.replace(more, state="registered"))
        after = assess(policy, account, PERSON, 2030, YEAR_END)
        if before.status == "compliant":
            assert after.status == "compliant"
        assert min(after.total, policy.total) >= min(before.total, policy.total)

    @forall(policies(), accounts())
    def test_no_cap_is_exceeded(self, policy: Policy, account: Account):
        answer = assess(policy, account, PERSON, 2030, YEAR_END)
        for cap in policy.caps.caps if policy.caps is not None else ():
            if cap.per == "year" and cap.of.is_of_all:
                roots = [c for c in answer.by_category if not cap.of.categories or c in cap.of.categories]
                assert sum(answer.by_category[root] for root in roots) <= cap.credits

    @forall(policies(), accounts(), st.dates(date(2029, 12, 1), date(2031, 2, 1)))
    def test_it_is_json_and_comes_back_equal(self, policy: Policy, account: Account, on: date):
        answer = assess(policy, account, PERSON, 2030, on)
        assert msgspec.json.decode(msgspec.json.encode(answer), type=type(answer)) == answer
