"""Promises kept: whatever the answer tells somebody to do is accepted when done, and what would be accepted is told."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from services.kit.clock import local_date
from services.ledger.answers.next_steps import NextStep, Situation, next_steps
from services.ledger.policy import (
    Account,
    Award,
    CompletionFacts,
    Deferral,
    Enrolled,
    Held,
    Person,
    Policy,
    ProvenStudy,
    Rejected,
    SpecialReason,
    admit,
    admit_enrolment,
    admit_terms,
    assess,
    award_study,
)
from tests.ledger.policy.builders import BEIJING, accredited, at
from tests.ledger.policy.drafts import book, draft
from tests.ledger.policy.test_admission_properties import FACTS, JUNIOR, PERSONS, RULES, Desk
from tests.words import assert_words

TEACHERS = ("p1", "p2", "p3")
STANDING = accredited(BEIJING, 2030, 2031, 2032, modes=("online", "face_to_face", "other"))
TIERS = (None, "junior", "intermediate", "senior")
MODES = ("online", "face_to_face")
DAYS = st.sampled_from(
    [
        date(2030, 1, 10),
        date(2030, 1, 31),
        date(2030, 5, 1),
        date(2030, 10, 2),
        date(2031, 1, 20),
        date(2031, 3, 1),
        date(2031, 4, 1),
        date(2031, 5, 10),
        date(2031, 8, 1),
    ]
)
MORE_RULES: Sequence[Sequence[dict[str, Any]]] = (
    *RULES,
    ({"kind": "provider_choice", "one_a_year": True, "modes": ["online"]},),
    ({"kind": "window", "modes": ["online"], "from": "2030-03-01", "until": "2030-11-30"},),
    ({"kind": "record_limit", "credits": "0.5"},),
    ({"kind": "tiers", "names": ["junior", "senior"], "upward": False},),
    (
        {"kind": "window", "act": "enrol", "from": "2030-02-01", "until": "2030-06-30"},
        {"kind": "enrolment", "needed": "paid"},
    ),
    ({"kind": "mode_minimum", "modes": ["face_to_face"], "credits": "20"},),
    ({"kind": "cap", "name": "days", "per": "day", "credits": "10"},),
    ({"kind": "cap", "name": "online", "per": "mode", "credits": "30", "modes": ["online"]},),
    ({"kind": "modes", "allowed": ["face_to_face"], "for": {"grounds": ["qualified"]}},),
)
CONDITIONS = st.lists(
    st.sampled_from(["special_reason", "shortfall", "enrolled", "paid"]), unique=True, max_size=2
)


@st.composite
def make_ups(draw: st.DrawFn) -> dict[str, Any]:
    """A make-up of 2030 in the spring of 2031: by itself or by application, for everybody or for some."""
    window: dict[str, Any] = {
        "channel": draw(st.sampled_from(["automatic", "application"])),
        "from": draw(st.sampled_from(["2031-02-01", "2031-04-01"])),
        "act": draw(st.sampled_from(["study", "register"])),
        "conditions": draw(CONDITIONS),
        "once": draw(st.booleans()),
    }
    window |= draw(st.sampled_from([{}, {"until": "2031-05-10"}]))
    if window["channel"] == "application":
        window |= draw(st.sampled_from([{}, {"study_until": "2031-03-31"}, {"study_until": "2031-04-20"}]))
    window |= draw(st.sampled_from([{}, {"modes": ["online"]}]))
    window |= draw(st.sampled_from([{}, {"categories": ["professional"]}]))
    window |= draw(st.sampled_from([{}, {"prerequisite": {"category": "public", "minimum": 10}}]))
    return window


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    """Beijing's 2030 under any of the rules, and perhaps its make-up."""
    chosen = draw(st.lists(st.sampled_from(range(len(MORE_RULES))), unique=True, max_size=3))
    notices = [draft(*(rule for index in sorted(chosen) for rule in MORE_RULES[index]))]
    windows = draw(st.lists(make_ups(), max_size=2))
    if windows:
        rule = {"kind": "make_up", "years": {"from": 2030, "to": 2030}, "windows": windows}
        notices.append(draft(rule, year=2031, issued_on="2031-01-05", name="beijing-2031"))
    policy = book(*notices).resolve(BEIJING, 2030)
    assert policy is not None
    return policy


DEFERRALS = (
    st.none()
    | st.none()
    | st.sampled_from([date(2031, 2, 10), date(2031, 9, 30)]).map(
        lambda until: Deferral(until=until, reason="abroad", authority=BEIJING, granted_on=date(2030, 1, 5))
    )
)

Reliefs = tuple[Deferral | None, SpecialReason | None]
RELIEFS = st.tuples(
    DEFERRALS,
    st.none()
    | st.just(SpecialReason(reason="illness", authority=BEIJING, granted_on=date(2031, 1, 6)))
    | st.just(
        SpecialReason(
            reason="illness", authority=BEIJING, granted_on=date(2031, 1, 6), ended_on=date(2031, 1, 7)
        )
    ),
)


def life(policy: Policy, person: Person, facts: Sequence[Any], reliefs: Reliefs, on: date) -> Account:
    """The account of somebody to whom of these facts those have happened that lie before the day."""
    desk = Desk(policy, person)
    desk.account.deferred, desk.account.special_reason = reliefs
    desk.report([(number, fact) for number, fact in enumerate(facts) if _day_of(fact) < on])
    return desk.account


def _day_of(fact: Any) -> date:
    if isinstance(fact, Enrolled):
        return max(fact.enrolled_on, fact.paid_on or fact.enrolled_on)
    moments = [getattr(fact, name, None) for name in ("completed_at", "exam_passed_at", "passed_at")]
    moments.append(getattr(fact, "evaluated_at", None))
    return max(local_date(moment) for moment in moments if moment is not None)


def told(policy: Policy, person: Person, account: Account, on: date) -> tuple[NextStep, ...]:
    answer = assess(policy, account, person, 2030, on)
    return next_steps(Situation(policy=policy, answer=answer, person=person, account=account))


def noon(day: date) -> datetime:
    return at(day.isoformat())


def studied(
    policy: Policy, person: Person, account: Account, mode: str, category: str, day: date
) -> Iterator[Any]:
    """The answers to a course of that day, by whoever teaches it, in whatever tier."""
    for teacher in TEACHERS:
        for tier in TIERS:
            facts = CompletionFacts(
                completion_id="told",
                provider_id=teacher,
                year=2030,
                category=category,
                credits=Decimal("0.50"),
                mode=mode,
                completed_at=noon(day),
                exam_passed_at=noon(day),
                evaluated_at=noon(day),
                tier=tier,
            )
            yield admit(policy, facts, person, account, STANDING, noon(day))


def enrolled(policy: Policy, person: Person, account: Account, mode: str, day: date) -> Iterator[Account]:
    """The accounts with a paid enrolment of that day, with whoever may enrol the person."""
    for teacher in TEACHERS:
        fact = Enrolled(enrolment_id="told", provider=teacher, mode=mode, enrolled_on=day, paid_on=day)
        refused = admit_enrolment(policy, STANDING, person, 2030, mode, day)
        if (refused or admit_terms(policy, fact, person, account)) is None:
            yield replace(account, enrolments=[*account.enrolments, fact])


def applied(
    policy: Policy,
    person: Person,
    account: Account,
    mode: str,
    category: str,
    day: date,
    finished: date | None = None,
) -> Any:
    study = ProvenStudy(
        mode=mode,
        category=category,
        credits=Decimal("0.50"),
        completed_on=min(day, finished or day),
        special_reason=True,
        qualification=person.qualification,
    )
    return award_study(policy, study, BEIJING, 2030, noon(day), account)


def taken(answer: Any) -> bool:
    return not isinstance(answer, Rejected) and not (
        isinstance(answer, Held) and answer.reason == "enrolment_pending"
    )


def first_and_last(step: NextStep, on: date) -> set[date]:
    first = step.since or on
    return {first, step.until or first + timedelta(days=40)}


class TestWhateverTheAnswerTells:
    @settings(deadline=None, max_examples=80)
    @given(policies(), FACTS, PERSONS, RELIEFS, DAYS)
    def test_is_accepted_when_done_on_its_first_day_and_on_its_last(
        self, policy: Policy, facts: list[Any], person: Person, reliefs: Reliefs, on: date
    ):
        account = life(policy, person, facts, reliefs, on)
        steps = told(policy, person, account, on)
        enrol = [step for step in steps if step.code == "enrol"]
        for step in enrol:
            for day in first_and_last(step, on):
                assert all(
                    any(enrolled(policy, person, account, mode, day)) for mode in step.modes or MODES
                ), step
        for step in steps:
            categories = [step.category] if step.category is not None else ["professional", "public"]
            for day in first_and_last(step, on) if step.credits else ():
                for mode in step.modes or MODES:
                    for category in categories:
                        if step.code in ("study", "make_up_study"):
                            accounts = [account]
                            for first in {
                                max(each.since or on, on) for each in enrol if mode in (each.modes or MODES)
                            }:
                                if first <= day:
                                    accounts += enrolled(policy, person, account, mode, first)
                                    accounts += enrolled(policy, person, account, mode, day)
                            answers = (
                                answer
                                for one in accounts
                                for answer in studied(policy, person, one, mode, category, day)
                            )
                            assert any(map(taken, answers)), (step, mode, category, day)
                        elif step.code == "make_up_apply":
                            finished = step.study_until
                            answer = applied(policy, person, account, mode, category, day, finished)
                            assert isinstance(answer, Award), (step, answer)
                            assert answer.make_up, step

    @settings(deadline=None, max_examples=80)
    @given(policies(), FACTS, PERSONS, RELIEFS, DAYS)
    def test_is_all_that_would_be_accepted_that_day(
        self, policy: Policy, facts: list[Any], person: Person, reliefs: Reliefs, on: date
    ):
        account = life(policy, person, facts, reliefs, on)
        answer = assess(policy, account, person, 2030, on)
        steps = told(policy, person, account, on)
        now = [step for step in steps if step.since is None]
        if any(step.code in ("study", "make_up_study", "make_up_apply") for step in now):
            return
        waits = sum((item.credits for item in account.waiting), Decimal(0))
        for item in answer.missing:
            if item.credits <= waits:
                continue
            category = item.category or "professional"
            for mode in MODES:
                answers = studied(policy, person, account, mode, category, on)
                assert not any(map(taken, answers)), (steps, mode, category)

    @settings(deadline=None, max_examples=60)
    @given(policies(), FACTS, PERSONS, RELIEFS, DAYS)
    def test_is_said_alike_by_the_sentence_and_by_the_steps(
        self, policy: Policy, facts: list[Any], person: Person, reliefs: Reliefs, on: date
    ):
        account = life(policy, person, facts, reliefs, on)
        answer = assess(policy, account, person, 2030, on)
        if answer.status != "deficient" or not any(item.credits for item in answer.missing):
            return
        open_now = answer.make_up is not None and answer.make_up.open
        assert ("现可" in answer.explanation_zh) is open_now
        codes = {step.code for step in told(policy, person, account, on)}
        if "no_make_up" in codes:
            assert not open_now


def steps_of(policy: Policy | None, on: date) -> list[NextStep]:
    """What somebody is told who has studied nothing."""
    assert policy is not None
    return list(told(policy, JUNIOR, life(policy, JUNIOR, [], (None, None), on), on))


class TestOpeningsOfSome:
    def test_two_windows_of_one_clause_are_told_apart(self):
        """The one that is open to the person ended for study in March: so the answer says, whatever the other allows."""
        closed = {"prerequisite": {"category": "public", "minimum": 10}, "until": "2031-05-10"}
        windows = [
            {"channel": "application", "from": "2031-02-01"} | each
            for each in (closed, {"study_until": "2031-03-31"})
        ]
        rule = {"kind": "make_up", "years": {"from": 2030, "to": 2030}, "windows": windows}
        made = draft(rule, year=2031, issued_on="2031-01-05", name="beijing-2031")
        steps = steps_of(book(draft(), made).resolve(BEIJING, 2030), date(2031, 4, 10))
        [step] = [step for step in steps if step.category == "professional"]
        assert (step.code, step.study_until, step.until) == ("make_up_apply", date(2031, 3, 31), None)

    def test_a_window_for_one_category_ends_the_steps_of_that_one_alone(self):
        rule = {"kind": "window", "until": "2030-09-30", "for": {"categories": ["public"]}}
        minima = {"kind": "requirement", "total": 90, "categories": {"professional": 60, "public": 30}}
        steps = steps_of(book(draft(minima, rule)).resolve(BEIJING, 2030), date(2030, 5, 1))
        ends = {step.category: (step.until, step.clause) for step in steps if step.category is not None}
        assert ends["public"] == (date(2030, 9, 30), "T-02")
        assert ends["professional"][0] == date(2030, 12, 31)


class TestWhatIsRemembered:
    """Openings are remembered for all in whom admission sees nothing different."""

    @settings(deadline=None, max_examples=40)
    @given(policies(), st.lists(st.tuples(FACTS, PERSONS, RELIEFS), min_size=2, max_size=4), DAYS)
    def test_is_what_each_would_be_told_alone(
        self, policy: Policy, people: list[tuple[list[Any], Person, Reliefs]], on: date
    ):
        lives = [(person, life(policy, person, facts, reliefs, on)) for facts, person, reliefs in people]
        together = [assess(policy, account, person, 2030, on) for person, account in lives]
        for (person, account), answer in zip(lives, together, strict=True):
            policy.openings.clear()
            assert assess(policy, account, person, 2030, on) == answer


class TestEverySentence:
    @settings(deadline=None, max_examples=60)
    @given(policies(), FACTS, PERSONS, RELIEFS, DAYS)
    def test_is_of_one_language_and_without_codes(
        self, policy: Policy, facts: list[Any], person: Person, reliefs: Reliefs, on: date
    ):
        account = life(policy, person, facts, reliefs, on)
        answer = assess(policy, account, person, 2030, on)
        assert_words(answer.explanation_zh, answer.explanation_en)
        for step in told(policy, person, account, on):
            assert_words(step.text_zh, step.text_en)
        for left_out in answer.not_counted:
            assert_words(left_out.why_zh, left_out.why_en)
