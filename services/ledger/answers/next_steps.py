"""Next steps, and by when: pure functions of the answer, the policy and the account, every step with its clause.

First what stands in the way of what was done already, then study, then make-up, then what only others can do.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from contracts.divisions import full_name_en, full_name_of
from services.ledger.answers import step_words as words
from services.ledger.answers.other_years import Shortfall, shortfalls
from services.ledger.policy import (
    Account,
    Assessment,
    HoldReason,
    Person,
    Policy,
    WaitingReason,
    rejection_words,
)
from services.ledger.policy.judging.openings import modes_of_study, refusal_today
from services.ledger.policy.judging.policy_day import MAKE_UP_ACTS, PersonOpening
from services.ledger.policy.language.facts import Rejected
from services.ledger.policy.language.words import Words
from services.ledger.streams.claim import Claim

StepCode = Literal[
    "ask_authority",
    "complete_information",
    "correct_identity",
    "correct_report",
    "amend_claim",
    "enrol",
    "await_notice",
    "await_registration",
    "study",
    "make_up_study",
    "make_up_apply",
    "no_make_up",
    "await_recognition",
    "await_claim",
]


class NextStep(Struct, frozen=True, kw_only=True):
    """One step: `since` where it cannot be done yet, `until` its last day, `subject` the claim or the record it is about."""

    code: StepCode
    text_zh: str
    text_en: str
    credits: Decimal | None = None
    category: str | None = None
    modes: tuple[str, ...] = ()
    since: date | None = None
    until: date | None = None
    study_until: date | None = None
    clause: str | None = None
    subject: str | None = None


class Situation(Struct, frozen=True, kw_only=True):
    """All that next steps follow from; `claims` are the person's open ones of the year, `judged_by` the place that judged
    the year before the person moved, None where it is judged here."""

    policy: Policy | None
    answer: Assessment
    person: Person
    account: Account | None
    claims: Sequence[Claim] = ()
    judged_by: str | None = None


def next_steps(situation: Situation) -> tuple[NextStep, ...]:
    """The steps in order; none where nothing is owed or nothing is missing."""
    answer, policy = situation.answer, situation.policy
    if policy is None or answer.status == "no_policy":
        return (_step("ask_authority", words.NO_POLICY),)
    if answer.status == "not_required" and answer.first_obliged_year is None and not situation.person.student:
        clause = next(iter(policy.duty.clauses), None)
        return (_step("complete_information", words.INFORMATION, clause=clause),)
    if not answer.missing:
        return ()
    if situation.judged_by is not None:
        return tuple(_at_the_origin(answer, situation.judged_by))
    return tuple(_steps(situation, policy))


def _at_the_origin(answer: Assessment, place: str) -> Iterator[NextStep]:
    """A year judged elsewhere is made up there, and judged again for here when it is (A-13)."""
    short = {item.clause for item in answer.requirements if not item.met}
    where = full_name_of(place), full_name_en(place)
    ground = next((clause for clause in answer.clauses if clause in short), None)
    for item in shortfalls(answer, None):
        open_ = [one for one in answer.openings if one.category == item.category]
        ways: set[tuple[date | None, date | None, str | None]]
        ways = {(one.since, one.until, one.clause) for one in open_} or {(None, None, ground)}
        for since, until, clause in sorted(ways, key=str):
            yield _step(
                "ask_authority",
                words.origin_words(item.credits, item.category, where, answer.year, (since, until)),
                credits=item.credits,
                category=item.category,
                since=since,
                until=until,
                clause=clause,
            )


def _steps(situation: Situation, policy: Policy) -> Iterator[NextStep]:
    answer, account = situation.answer, situation.account
    yield from _for_their_person(answer)
    for claim in situation.claims:
        if claim.state == "returned":
            yield _of_claim("amend_claim", claim)
    yield from _waiting(policy, answer)
    missing = shortfalls(answer, account)
    if answer.status == "undecided":
        yield _step("await_notice", words.NOTICE)
    elif any(one.act == "study" for one in answer.openings):
        yield from _enrolment(answer, missing)
        yield from _study(policy, answer, missing)
    else:
        yield from _make_up(situation, policy, answer, missing)
    yield from _recognition(answer)
    for claim in situation.claims:
        if claim.state != "returned":
            yield _of_claim("await_claim", claim)


_MISREPORTED: tuple[tuple[HoldReason, StepCode, Callable[[Decimal], Words]], ...] = (
    ("name_differs", "correct_identity", words.identity_words),
    ("profile_elsewhere", "correct_report", words.elsewhere_words),
)


def _for_their_person(answer: Assessment) -> Iterator[NextStep]:
    """Records of another name (S0-23), and those reported to another authority."""
    for reason, code, said in _MISREPORTED:
        for record in dict.fromkeys(item.record for item in answer.held if item.reason == reason):
            items = [item for item in answer.held if (item.reason, item.record) == (reason, record)]
            credits = sum((item.credits for item in items), Decimal(0))
            categories = {item.category for item in items} - {"any"}
            yield _step(
                code,
                said(credits),
                credits=credits,
                category=next(iter(categories)) if len(categories) == 1 else None,
                clause=items[0].clause,
                subject=record,
            )


_IN_THE_ACCOUNT: tuple[WaitingReason, ...] = (
    "enrolment_pending",
    "exam_pending",
    "evaluation_pending",
    "below_total",
)


def _waiting(policy: Policy, answer: Assessment) -> Iterator[NextStep]:
    """What waits in the account, by reason: for an exam, an evaluation, an enrolment (S0-11), or the total (S2B-07)."""
    for reason in _IN_THE_ACCOUNT:
        waits = [item for item in answer.held if item.reason == reason]
        for mode, clause in sorted({(item.mode, item.clause or "") for item in waits}):
            alike = [item for item in waits if (item.mode, item.clause or "") == (mode, clause)]
            credits = sum((item.credits for item in alike), Decimal(0))
            terms = policy.terms_of(mode)
            until = terms.study.until if reason in ("exam_pending", "evaluation_pending") else None
            yield _step(
                "await_registration",
                words.waiting_words(reason, credits, until),
                credits=credits,
                modes=(mode,),
                until=until,
                clause=clause or None,
            )


def _enrolment(answer: Assessment, missing: Sequence[Shortfall]) -> Iterator[NextStep]:
    """An enrolment that is taken and that study asks for, or whose time runs out (S1-07, S3B-07)."""
    open_ = [one for one in answer.openings if one.act == "enrol"] if missing else []
    for since, until, clause, paid, modes in _together(answer.on, open_):
        yield _step(
            "enrol",
            words.enrol_words(modes, paid, until),
            modes=modes,
            since=since,
            until=until,
            clause=clause,
        )


def _study(policy: Policy, answer: Assessment, missing: Sequence[Shortfall]) -> Iterator[NextStep]:
    """Study of what is missing while the year lasts: modes whose time begins and ends together are one step."""
    open_ = [one for one in answer.openings if one.act == "study"]
    for item in answer.missing:
        if item.course is not None and open_:
            last = max(open_, key=lambda one: one.until or date.max)
            text = words.course_words(item.course, policy.title_of(item.course), item.credits, last.until)
            yield _step("study", text, credits=item.credits or None, until=last.until, clause=last.clause)
        elif item.modes:
            in_modes = [one for one in open_ if one.mode in item.modes and one.category == item.category]
            yield from _studied(policy, answer.on, Shortfall(item.category, item.credits), in_modes)
    for each in missing:
        yield from _studied(policy, answer.on, each, _towards(open_, each))


def _studied(policy: Policy, on: date, each: Shortfall, open_: Sequence[PersonOpening]) -> Iterator[NextStep]:
    for category in dict.fromkeys(one.category for one in open_):
        alike = [one for one in open_ if one.category == category]
        for since, until, clause, _, modes in _together(on, alike):
            yield _step(
                "study",
                words.study_words(each.credits, category, modes, since, until, names=policy.categories.names),
                credits=each.credits,
                category=category,
                modes=modes,
                since=since,
                until=until,
                clause=clause,
            )


def _towards(open_: Iterable[PersonOpening], each: Shortfall) -> list[PersonOpening]:
    """The openings for a category; for any, those of whichever takes it."""
    asked = [one for one in open_ if one.category == each.category]
    return asked or [one for one in open_ if each.category is None]


def _together(
    on: date, open_: Iterable[PersonOpening]
) -> Iterator[tuple[date | None, date | None, str | None, bool, tuple[str, ...]]]:
    """Openings with the same days and the same clause, with their modes; `since` only where it is still to come."""
    found: dict[tuple[date, date | None, str | None, bool], list[str]] = {}
    for one in open_:
        found.setdefault((one.since, one.until, one.clause, one.paid), []).append(one.mode)
    for (since, until, clause, paid), modes in sorted(
        found.items(), key=lambda pair: (pair[0][0], pair[0][1] or date.max)
    ):
        yield since if since > on else None, until, clause, paid, tuple(modes)


def _make_up(
    situation: Situation, policy: Policy, answer: Assessment, missing: Sequence[Shortfall]
) -> Iterator[NextStep]:
    """Every make-up that is open to this person, and, when none is, the next that will be."""
    open_ = [one for one in answer.openings if one.act in MAKE_UP_ACTS]
    now = [one for one in open_ if one.since <= answer.on]
    first = min((one.since for one in open_), default=None)
    next_ = now or [one for one in open_ if one.since == first]
    found = False
    for each in missing:
        for step in _made_up(policy, answer.on, each, _towards(next_, each)):
            found = True
            yield step
    if missing and not found:
        refused = _refusal(situation, policy, answer)
        why: Words | None = None
        if refused is not None:
            why = rejection_words(refused, "zh")[1], rejection_words(refused, "en")[1]
        never = policy.never.clause if policy.never is not None else None
        clause = refused.clause if refused is not None else never
        yield _step("no_make_up", words.no_make_up_words(policy.year, why), clause=clause)


def _refusal(situation: Situation, policy: Policy, answer: Assessment) -> Rejected | None:
    asked = dict.fromkeys(item.category for item in answer.missing)
    refusals = (
        refusal_today(policy, situation.person, situation.account, answer.on, category) for category in asked
    )
    return next((refused for refused in refusals if refused is not None), None)


def _made_up(policy: Policy, on: date, each: Shortfall, open_: Sequence[PersonOpening]) -> Iterator[NextStep]:
    alike: dict[PersonOpening, list[str]] = {}
    for one in open_:
        alike.setdefault(replace(one, mode=""), []).append(one.mode)
    all_modes = modes_of_study(policy)
    for one, modes in alike.items():
        since = one.since if one.since > on else None
        yield _step(
            "make_up_study" if one.act == "make_up_study" else "make_up_apply",
            words.make_up_words(
                "automatic" if one.act == "make_up_study" else "application",
                each.credits,
                one.category,
                one.conditions,
                since,
                one.until,
                one.study_until,
                registers=one.registers,
                names=policy.categories.names,
            ),
            credits=each.credits,
            category=one.category,
            modes=() if len(modes) == len(all_modes) else tuple(modes),
            since=since,
            until=one.until,
            study_until=one.study_until,
            clause=one.clause,
        )


def _recognition(answer: Assessment) -> Iterator[NextStep]:
    waits = [item for item in answer.not_counted if item.why == "awaiting_recognition"]
    if waits:
        credits = sum((item.credits for item in waits), Decimal(0))
        yield _step(
            "await_recognition", words.recognition_words(credits), credits=credits, clause=waits[0].clause
        )


def _of_claim(code: StepCode, claim: Claim) -> NextStep:
    return _step(
        code,
        words.claim_words(claim.state, claim.form, claim.credits),
        credits=claim.credits,
        category=None if claim.category == "any" else claim.category,
        clause=claim.clause,
        subject=claim.claim_id,
    )


def _step(
    code: StepCode,
    text: Words,
    *,
    credits: Decimal | None = None,
    category: str | None = None,
    modes: tuple[str, ...] = (),
    since: date | None = None,
    until: date | None = None,
    study_until: date | None = None,
    clause: str | None = None,
    subject: str | None = None,
) -> NextStep:
    return NextStep(
        code=code,
        text_zh=text[0],
        text_en=text[1],
        credits=credits,
        category=category,
        modes=modes,
        since=since,
        until=until,
        study_until=study_until,
        clause=clause,
        subject=subject,
    )
