"""Properties that hold for any facts: an answer always, the same answer always, and no credit does harm."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from contracts.divisions import NATION
from services.kit.pydantic_models import fields_of
from services.ledger.policy import (
    Account,
    Accreditation,
    CompletionFacts,
    Credit,
    Deferral,
    Exemption,
    Held,
    PassedExam,
    Person,
    PolicyBook,
    ProviderStanding,
    Registered,
    Rejected,
    Study,
    Waiting,
    admit,
    assess,
    bundled_notices,
    released,
)
from services.ledger.policy.book import Declaration
from services.ledger.policy.judging.later_notice import refused_since
from services.ledger.policy.judging.wording import REJECTIONS, rejection_words
from tests.ledger.policy.builders import BOOK


def forall(*strategies: st.SearchStrategy[Any]) -> Callable[[Any], Any]:
    """Try the property on many examples, however slow the machine is just now."""
    return lambda test: settings(deadline=None, max_examples=150)(given(*strategies)(test))


PLACES = ["211300", "211302", "210100", "210202", "140000", "140500", "140400", "440700", "440300", "110000"]
YEARS = st.integers(2017, 2027)
SOME_CREDITS = st.decimals("0.01", "120", places=2)
MOMENTS = st.datetimes(datetime(2017, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
ANY_MOMENT = st.datetimes(timezones=st.just(UTC))
MODES = st.sampled_from(["online", "face_to_face", "other", "equivalence", "carrier_pigeon"])
CATEGORIES = st.sampled_from(["professional", "public"])
PROVIDERS = st.sampled_from(["p1", "p2"])
IDS = st.integers(0, 10**6).map(str)


@st.composite
def credits_(draw: st.DrawFn) -> Credit:
    number = draw(IDS)
    return Credit(
        credit_id=number,
        completion_id=number,
        category=draw(CATEGORIES),
        credits=draw(SOME_CREDITS),
        mode=draw(MODES),
        provider=draw(PROVIDERS),
        completed_at=draw(MOMENTS),
        registered_at=draw(MOMENTS),
        state=draw(st.sampled_from(["registered", "registered", "withdrawn", "revoked"])),
        make_up=draw(st.booleans()),
        recognised_at=draw(st.none() | MOMENTS),
    )


@st.composite
def waits(draw: st.DrawFn) -> Waiting:
    return Waiting(
        completion_id=draw(IDS),
        provider=draw(PROVIDERS),
        category=draw(CATEGORIES),
        credits=draw(SOME_CREDITS),
        mode=draw(MODES),
        completed_at=draw(MOMENTS),
        reason=draw(st.sampled_from(["below_total", "exam_pending"])),
        held_at=draw(MOMENTS),
    )


EXEMPTIONS = st.builds(
    Exemption,
    reason=st.sampled_from(["illness", "x"]),
    authority=st.just("210000"),
    granted_on=st.dates(),
    until=st.none() | st.dates(),
)
DEFERRALS = st.builds(
    Deferral,
    until=st.dates(date(1990, 1, 1)),
    reason=st.sampled_from(["abroad", "x"]),
    authority=st.just("210000"),
    granted_on=st.dates(),
)
ACCOUNTS = st.builds(
    Account,
    person_id=st.just("p"),
    year=YEARS,
    credits=st.lists(credits_(), max_size=6, unique_by=lambda item: (item.provider, item.completion_id)),
    waiting=st.lists(waits(), max_size=4, unique_by=lambda item: (item.provider, item.completion_id)),
    exams=st.lists(st.builds(PassedExam, provider=PROVIDERS, passed_at=MOMENTS), max_size=2),
    exempt=st.none() | EXEMPTIONS,
    deferred=st.none() | DEFERRALS,
)
PERSONS = st.builds(
    Person,
    person_id=st.just("p"),
    place=st.sampled_from(PLACES),
    qualified_on=st.none() | st.dates(),
    working_since=st.none() | st.dates(),
    student=st.booleans(),
)
COMPLETIONS = st.builds(
    CompletionFacts,
    completion_id=IDS,
    provider_id=PROVIDERS,
    year=YEARS | st.integers(-5, 10_000),
    category=CATEGORIES,
    credits=st.decimals("-10", "500", places=2),
    mode=MODES,
    completed_at=MOMENTS | ANY_MOMENT,
    exam_passed_at=st.none() | MOMENTS | ANY_MOMENT,
    started_on=st.none() | st.dates(),
)
STANDINGS = st.builds(
    ProviderStanding,
    organization_id=PROVIDERS,
    name=st.sampled_from(["朝阳市会计学会", "东北财经大学", "某网校"]),
    accreditations=st.lists(
        st.builds(
            Accreditation,
            place=st.sampled_from(PLACES),
            years=st.lists(YEARS, max_size=4).map(tuple),
            modes=st.lists(MODES, max_size=3).map(tuple),
        ),
        max_size=2,
    ).map(tuple),
    disqualified_from=st.none() | st.dates(),
)
STATUSES = {"compliant", "in_progress", "deficient", "not_required", "exempt", "undecided", "no_policy"}


class TestAssess:
    @forall(ACCOUNTS, PERSONS, st.dates())
    def test_it_answers_for_any_valid_facts_in_json(self, account: Account, person: Person, on: date):
        answer = assess(BOOK.resolve(person.place, account.year), account, person, account.year, on)
        assert answer.status in STATUSES
        assert answer.explanation_zh
        assert answer.explanation_en
        assert (answer.status == "compliant") == (bool(answer.requirements) and not answer.missing)
        assert msgspec.json.decode(msgspec.json.encode(answer), type=type(answer)) == answer

    @forall(ACCOUNTS, PERSONS, st.dates(), st.randoms(use_true_random=False))
    def test_the_order_of_facts_never_matters(self, account: Account, person: Person, on: date, random):
        policy = BOOK.resolve(person.place, account.year)
        before = msgspec.json.encode(assess(policy, account, person, account.year, on))
        for facts in (account.credits, account.waiting, account.exams):
            random.shuffle(facts)
        assert msgspec.json.encode(assess(policy, account, person, account.year, on)) == before

    @forall(ACCOUNTS, PERSONS, st.dates(date(2017, 1, 1), date(2028, 1, 1)), credits_())
    def test_one_more_registered_credit_never_ends_compliance(
        self, account: Account, person: Person, on: date, more: Credit
    ):
        policy = BOOK.resolve(person.place, account.year)
        before = assess(policy, account, person, account.year, on)
        account.credits.append(msgspec.structs.replace(more, state="registered"))
        after = assess(policy, account, person, account.year, on)
        assert after.total >= before.total
        if before.status == "compliant":
            assert after.status == "compliant"

    @forall(ACCOUNTS, PERSONS, st.dates(date(2017, 1, 1), date(2028, 1, 1)))
    def test_the_total_is_the_sum_of_what_stands(self, account: Account, person: Person, on: date):
        answer = assess(BOOK.resolve(person.place, account.year), account, person, account.year, on)
        uncounted = sum((item.credits for item in answer.not_counted), Decimal(0))
        everything = sum((c.credits for c in (*account.credits, *account.waiting)), Decimal(0))
        assert answer.total + uncounted == everything
        assert sum(answer.by_category.values()) == answer.total

    @forall(ACCOUNTS, PERSONS, st.dates(date(2017, 1, 1), date(2027, 12, 30)))
    def test_a_day_later_no_credit_is_gone(self, account: Account, person: Person, on: date):
        policy = BOOK.resolve(person.place, account.year)
        before = assess(policy, account, person, account.year, on)
        after = assess(policy, account, person, account.year, on + timedelta(days=1))
        assert after.total >= before.total


class TestAdmit:
    @forall(COMPLETIONS, PERSONS, st.none() | ACCOUNTS, STANDINGS, MOMENTS)
    def test_it_decides_any_completion_the_same_way_twice(
        self,
        facts: CompletionFacts,
        person: Person,
        account: Account | None,
        standing: ProviderStanding,
        now: datetime,
    ):
        policy = BOOK.resolve(person.place, facts.year)
        answer = admit(policy, facts, person, account, standing, now)
        assert answer == admit(policy, facts, person, account, standing, now)
        if isinstance(answer, Rejected):
            assert answer.problem in REJECTIONS
            assert all(rejection_words(answer, language)[1] for language in ("zh", "en"))
        else:
            assert isinstance(answer, Registered | Held)
            assert answer.clause
            assert facts.completed_at <= now + timedelta(minutes=5)
            assert facts.credits > 0

    @forall(ACCOUNTS, PERSONS, MOMENTS)
    def test_released_completions_were_waiting(self, account: Account, person: Person, now: datetime):
        policy = BOOK.resolve(person.place, account.year)
        ready = released(policy, account, now)
        assert set(ready) <= {(item.provider, item.completion_id) for item in account.waiting}

    @forall(ACCOUNTS, PERSONS, MOMENTS, st.randoms(use_true_random=False))
    def test_release_does_not_depend_on_order(self, account: Account, person: Person, now: datetime, random):
        policy = BOOK.resolve(person.place, account.year)
        before = list(released(policy, account, now).items())
        random.shuffle(account.credits)
        random.shuffle(account.exams)
        assert list(released(policy, account, now).items()) == before


class TestTheNationsRuleAsANotice:
    """B-20: a local notice that says what the nation says changes no verdict, but that the year is judged for good."""

    EVERYWHERE = PolicyBook().with_notice(
        next(replace(notice, standalone=True) for notice in bundled_notices() if notice.place == NATION),
        datetime(2000, 1, 1, tzinfo=UTC),
        NATION,
        1,
    )
    """The nation's framework as if it were the notice of every place."""
    ALONE = PolicyBook().with_notice(
        next(notice for notice in bundled_notices() if notice.place == NATION),
        datetime(2000, 1, 1, tzinfo=UTC),
        NATION,
        1,
    )

    @forall(ACCOUNTS, PERSONS, st.dates(date(2017, 1, 1), date(2028, 1, 1)))
    def test_no_verdict_changes_but_what_was_undecided(self, account: Account, person: Person, on: date):
        before = assess(self.ALONE.resolve(person.place, account.year), account, person, account.year, on)
        after = assess(self.EVERYWHERE.resolve(person.place, account.year), account, person, account.year, on)
        assert not after.provisional
        assert before.provisional == (before.status != "no_policy")
        assert after.status == ("deficient" if before.status == "undecided" else before.status)
        for told in (
            "total",
            "by_category",
            "requirements",
            "missing",
            "deadlines",
            "clauses",
            "not_counted",
        ):
            assert getattr(before, told) == getattr(after, told)

    @forall(ACCOUNTS, COMPLETIONS, PERSONS, STANDINGS, MOMENTS)
    def test_nothing_else_is_taken_or_refused(
        self,
        account: Account,
        completion: CompletionFacts,
        person: Person,
        provider: ProviderStanding,
        now: datetime,
    ):
        answers = [
            admit(book.resolve(person.place, completion.year), completion, person, account, provider, now)
            for book in (self.ALONE, self.EVERYWHERE)
        ]
        assert answers[0] == answers[1]

    @forall(ACCOUNTS, PERSONS, st.dates(date(2017, 1, 1), date(2028, 1, 1)))
    def test_the_word_that_none_will_come_is_as_good_as_a_notice(
        self, account: Account, person: Person, on: date
    ):
        said = Declaration(datetime(2000, 1, 1, tzinfo=UTC), "x", 1, person.place, account.year)
        declared = self.ALONE.with_declaration(said).resolve(person.place, account.year)
        answer = assess(declared, account, person, account.year, on)
        other = assess(self.EVERYWHERE.resolve(person.place, account.year), account, person, account.year, on)
        assert (answer.status, answer.missing, answer.provisional) == (other.status, other.missing, False)

    @forall(COMPLETIONS, PERSONS, STANDINGS, MOMENTS)
    def test_nothing_that_was_taken_would_not_have_been(
        self, completion: CompletionFacts, person: Person, provider: ProviderStanding, now: datetime
    ):
        account = Account(person_id=person.person_id, year=completion.year)
        policy = self.ALONE.resolve(person.place, completion.year)
        if not isinstance(admit(policy, completion, person, account, provider, now), Registered):
            return
        credit = Credit(
            **fields_of(Study, completion),
            credit_id="credit-1",
            provider=completion.provider_id,
            registered_at=now,
            provisional=True,
        )
        account.credits.append(credit)
        after = self.EVERYWHERE.resolve(person.place, completion.year)
        assert after is not None
        assert refused_since(after, credit, person, account, provider) is None
