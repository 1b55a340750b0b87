"""Properties that hold for any facts under any mix of rules: an answer always, the same answer always, whatever
arrives first."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from services.kit.clock import local_date
from services.ledger.policy import (
    Account,
    CompletionFacts,
    Credit,
    Enrolled,
    Held,
    PassedExam,
    Person,
    Policy,
    Registered,
    Rejected,
    Waiting,
    admit,
    admit_enrolment,
    admit_terms,
    assess,
    reconsidered,
    rejection_words,
)
from services.ledger.policy.judging.wording import REJECTIONS
from tests.ledger.policy.builders import BEIJING, accredited, at, completion
from tests.ledger.policy.drafts import book, draft

NOW = datetime(2031, 5, 20, 4, tzinfo=UTC)
"""After everything the examples may hold: how late something is recorded is no part of what they vary."""
PROVIDERS = {name: accredited(BEIJING, 2030, 2031, modes=("online", "face_to_face")) for name in ("p1", "p2")}
WHO = st.sampled_from(["p1", "p1", "p1", "p2"])
MODES = st.sampled_from(["online", "online", "face_to_face"])
DAYS = st.sampled_from([date(2030, 1, 20), date(2030, 3, 1), date(2030, 10, 1), date(2031, 4, 2)])
MOMENTS = st.sampled_from(
    [
        at(text)
        for text in ("2030-01-25", "2030-03-02", "2030-05-30", "2030-12-31", "2031-01-15", "2031-04-20")
    ]
)
"""Few days, so that what belongs together often meets."""

REPORTS = st.none() | st.sampled_from([at("2031-01-20"), at("2031-04-30"), at("2031-05-01 00:00:00"), NOW])
"""When a completion was first reported: before a firm end of registering, on its day, and after it; None is NOW."""

RULES: Sequence[Sequence[dict[str, Any]]] = (
    ({"kind": "window", "until": "Y+1-01-31"},),
    ({"kind": "window", "modes": ["online"], "from": "issue+20d", "until": "enrolment+90d"},),
    ({"kind": "enrolment", "needed": "enrolled"},),
    ({"kind": "enrolment", "needed": "paid", "modes": ["online"]},),
    ({"kind": "registration", "at": "exam", "also": ["evaluation"], "modes": ["online"]},),
    ({"kind": "registration", "at": "total"},),
    ({"kind": "registration", "at": "total", "also": ["exam"], "modes": ["face_to_face"]},),
    ({"kind": "tiers", "names": ["junior", "intermediate", "senior"], "lower": "refused"},),
    (
        {"kind": "modes", "allowed": ["online", "face_to_face"]},
        {"kind": "modes", "allowed": ["face_to_face"], "tiers": ["senior"]},
    ),
    ({"kind": "credit_year", "by": "completion"},),
    (
        {"kind": "window", "act": "enrol", "until": "2030-09-30"},
        {"kind": "window", "act": "pay", "until": "enrolment+5d"},
    ),
    ({"kind": "window", "act": "register", "until": "Y+1-04-30", "firm": True},),
    ({"kind": "prerequisite", "category": "public", "minimum": "10", "before": ["professional"]},),
    ({"kind": "window", "until": "2030-09-30", "for": {"categories": ["public"], "routes": ["provider"]}},),
    (
        {
            "kind": "registration",
            "at": "exam",
            "for": {"categories": ["professional"], "grounds": ["qualified"]},
        },
    ),
)
MAKE_UP: dict[str, Any] = {
    "kind": "make_up",
    "years": {"from": 2030, "to": 2030},
    "windows": [
        {
            "channel": "automatic",
            "from": "2031-04-01",
            "until": "2031-05-10",
            "categories": ["professional"],
            "prerequisite": {"category": "public", "minimum": 10},
            "registration": "study",
        }
    ],
}


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    """Beijing's 2030 under any of the rules, and perhaps its make-up in the spring of 2031."""
    chosen = draw(st.lists(st.sampled_from(range(len(RULES))), unique=True, max_size=3))
    notices = [draft(*(rule for index in sorted(chosen) for rule in RULES[index]))]
    if draw(st.booleans()):
        notices.append(draft(MAKE_UP, year=2031, issued_on="2031-03-01", name="beijing-2031"))
    policy = book(*notices).resolve(BEIJING, 2030)
    assert policy is not None
    return policy


COMPLETIONS = st.builds(
    CompletionFacts,
    completion_id=st.just(""),
    provider_id=WHO,
    year=st.just(2030),
    category=st.sampled_from(["professional", "public"]),
    credits=st.sampled_from([Decimal(5), Decimal(30), Decimal("44.50"), Decimal(60)]),
    mode=MODES,
    completed_at=MOMENTS,
    exam_passed_at=st.none() | st.none() | MOMENTS,
    evaluated_at=st.none() | st.none() | MOMENTS,
    tier=st.none() | st.sampled_from(["junior", "senior"]),
    reported_at=REPORTS,
)
ENROLMENTS = st.builds(
    Enrolled,
    enrolment_id=st.just(""),
    provider=WHO,
    mode=MODES,
    enrolled_on=DAYS,
    paid_on=st.none() | DAYS,
)
PASSES = st.builds(
    PassedExam,
    provider=WHO,
    passed_at=MOMENTS,
    of=st.sampled_from(["exam", "evaluation"]),
)
FACTS = st.lists(COMPLETIONS | COMPLETIONS | ENROLMENTS | PASSES, max_size=10)
PERSONS = st.builds(
    Person,
    person_id=st.just("p"),
    place=st.just(BEIJING),
    qualified_on=st.just(date(2019, 5, 1)),
    qualification=st.none() | st.sampled_from(["junior", "intermediate", "senior", "advanced_senior"]),
)


def forall(*strategies: st.SearchStrategy[Any]) -> Callable[[Any], Any]:
    """Try the property on many examples, however slow the machine is just now."""
    return lambda test: settings(deadline=None, max_examples=250)(given(*strategies)(test))


class Desk:
    """An account to which facts are reported; what is refused is reported again until nothing changes."""

    def __init__(self, policy: Policy, person: Person) -> None:
        self.policy, self.person = policy, person
        self.account = Account(person_id="p", year=2030, credits=[], waiting=[], exams=[], enrolments=[])

    def report(self, facts: Sequence[tuple[int, Any]]) -> None:
        """Report all, and what was refused again, as a provider does."""
        refused = list(facts)
        while True:
            left = [(number, fact) for number, fact in refused if not self._take(number, fact)]
            if len(left) == len(refused):
                return
            refused = left

    def _take(self, number: int, fact: Any) -> bool:
        if isinstance(fact, CompletionFacts):
            taken = self._complete(number, fact)
        elif isinstance(fact, Enrolled):
            taken = self._enrol(fact)
        else:
            self.account.exams.append(fact)
            taken = True
        if taken:
            self._reconsider()
        return taken

    def _enrol(self, fact: Enrolled) -> bool:
        standing, day = PROVIDERS[fact.provider], fact.enrolled_on
        refused = admit_enrolment(self.policy, standing, self.person, 2030, fact.mode, day)
        refused = refused or admit_terms(self.policy, fact, self.person, self.account)
        if refused is None:
            self.account.enrolments.append(fact)
        return refused is None

    def _complete(self, number: int, fact: CompletionFacts) -> bool:
        answer = self.decide(fact)
        if isinstance(answer, Registered):
            self.account.credits.append(_credit(f"c{number}", fact, answer))
        elif isinstance(answer, Held):
            self.account.waiting.append(_waiting(f"c{number}", fact, answer))
        return not isinstance(answer, Rejected)

    def decide(self, fact: CompletionFacts) -> Any:
        """The engine's answer to one completion."""
        return admit(self.policy, fact, self.person, self.account, PROVIDERS[fact.provider_id], NOW)

    def _reconsider(self) -> None:
        waiting = {(item.provider, item.completion_id): item for item in self.account.waiting}
        for key, answer in reconsidered(self.policy, self.account, NOW).items():
            item = waiting[key]
            others = [one for one in self.account.waiting if one is not item]
            if isinstance(answer, Rejected):
                self.account.waiting = others
            elif isinstance(answer, Registered):
                self.account.waiting = others
                self.account.credits.append(_credit(key[1], item, answer))
            else:
                self.account.waiting = [*others, _waiting(key[1], item, answer)]

    def outcome(self) -> Any:
        """What it came to: credits, what waits and for what, and the answer for the year."""
        answer = assess(self.policy, self.account, self.person, 2030, date(2031, 5, 20))
        return (
            sorted((credit.completion_id, credit.make_up) for credit in self.account.credits),
            sorted((item.completion_id, item.reason) for item in self.account.waiting),
            (answer.status, answer.total, answer.by_category, answer.missing),
        )


JUNIOR = Person(person_id="p", place=BEIJING, qualified_on=date(2019, 5, 1), qualification="junior")


def answer_to(waits: Held, fact: CompletionFacts, desk: Desk) -> Any:
    """A report that is taken and answers what is waited for; None where there is none."""
    if waits.reason != "enrolment_pending":
        of: Any = "exam" if waits.reason == "exam_pending" else "evaluation"
        return PassedExam(provider=fact.provider_id, passed_at=fact.completed_at, of=of)
    for before in range(100):
        on = local_date(fact.completed_at) - timedelta(days=before)
        report = Enrolled(
            enrolment_id="", provider=fact.provider_id, mode=fact.mode, enrolled_on=on, paid_on=on
        )
        alone = Desk(desk.policy, desk.person)
        alone.report([(99, report)])
        if alone.account.enrolments and alone.decide(fact) != waits:
            return report
    return None


def _credit(number: str, fact: CompletionFacts | Waiting, answer: Registered) -> Credit:
    return Credit(
        credit_id=number,
        completion_id=number,
        category=fact.category,
        credits=fact.credits,
        mode=fact.mode,
        provider=fact.provider if isinstance(fact, Waiting) else fact.provider_id,
        completed_at=fact.completed_at,
        registered_at=NOW,
        make_up=answer.make_up,
    )


def _waiting(number: str, fact: CompletionFacts | Waiting, answer: Held) -> Waiting:
    return Waiting(
        completion_id=number,
        provider=fact.provider if isinstance(fact, Waiting) else fact.provider_id,
        category=fact.category,
        credits=fact.credits,
        mode=fact.mode,
        completed_at=fact.completed_at,
        reason=answer.reason,
        held_at=NOW,
        clause=answer.clause,
        tier=fact.tier,
        exam_passed_at=fact.exam_passed_at,
        evaluated_at=fact.evaluated_at,
    )


class TestAnyMixOfRules:
    @forall(policies(), COMPLETIONS, PERSONS, FACTS)
    def test_every_completion_is_answered_and_twice_alike(
        self, policy: Policy, fact: CompletionFacts, person: Person, before: list[Any]
    ):
        desk = Desk(policy, person)
        desk.report(list(enumerate(before)))
        answer = desk.decide(fact)
        assert answer == desk.decide(fact)
        if isinstance(answer, Rejected):
            assert answer.problem in REJECTIONS
            assert all(rejection_words(answer, language)[1] for language in ("zh", "en"))
        else:
            assert answer.clause

    @forall(policies(), FACTS, PERSONS, st.randoms(use_true_random=False))
    def test_no_order_of_arrival_matters(self, policy: Policy, facts: list[Any], person: Person, random: Any):
        numbered = list(enumerate(facts))
        first, second = Desk(policy, person), Desk(policy, person)
        first.report(numbered)
        random.shuffle(numbered)
        second.report(numbered)
        assert first.outcome() == second.outcome()

    @forall(policies(), COMPLETIONS, PERSONS, st.integers(0, 400))
    def test_a_completion_is_decided_alike_however_long_it_waited_for_its_person(
        self, policy: Policy, fact: CompletionFacts, person: Person, days: int
    ):
        """B-25: who was collected later gets the answer that somebody with the same facts got on the day of the report."""
        provider, reported_at = PROVIDERS[fact.provider_id], fact.reported_at or NOW
        waited = replace(fact, reported_at=reported_at)
        at_once = admit(policy, replace(fact, reported_at=None), person, None, provider, reported_at)
        later = admit(policy, waited, person, None, provider, reported_at + timedelta(days=days))
        assert later == at_once

    @pytest.mark.parametrize("order", [(0, 1), (1, 0)])
    def test_what_was_evaluated_too_late_is_refused_before_the_exam_and_after(self, order: tuple[int, int]):
        """A completion that waited for its exam would wait for ever: its evaluation was too late all along."""
        both = {"kind": "registration", "at": "exam", "also": ["evaluation"]}
        policy = book(draft(both)).resolve(BEIJING, 2030)
        assert policy is not None
        evaluated = {"exam_passed_at": None, "evaluated_at": at("2031-01-15")}
        facts: list[Any] = [
            completion(2030, "2030-01-25", provider="p1").__replace__(**evaluated),
            PassedExam(provider="p1", passed_at=at("2030-01-25")),
        ]
        desk = Desk(policy, JUNIOR)
        desk.report([(number, facts[number]) for number in order])
        assert desk.account.waiting == desk.account.credits == []
        assert desk.decide(facts[0]) == Rejected("evaluation-too-late", "T-01")

    @forall(policies(), COMPLETIONS, PERSONS, FACTS)
    def test_whatever_is_waited_for_can_still_be_reported(
        self, policy: Policy, fact: CompletionFacts, person: Person, before: list[Any]
    ):
        """For every reason of waiting there is a report that is taken and answers it."""
        desk = Desk(policy, person)
        desk.report(list(enumerate(before)))
        answer = desk.decide(fact)
        while isinstance(answer, Held) and answer.reason != "below_total":
            report = answer_to(answer, fact, desk)
            assert report is not None, "nothing that can be reported answers it"
            desk.report([(99, report)])
            answer = desk.decide(fact)
            assert not isinstance(answer, Rejected)

    @forall(policies(), FACTS, PERSONS)
    def test_nothing_that_waits_has_all_it_waits_for(self, policy: Policy, facts: list[Any], person: Person):
        desk = Desk(policy, person)
        desk.report(list(enumerate(facts)))
        assert reconsidered(policy, desk.account, NOW) == {}
