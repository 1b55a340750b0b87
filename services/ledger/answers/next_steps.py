"""Next steps, and by when: pure functions of the answer, the policy and the account, every step with its clause.

First what stands in the way of what was done already, then study, then make-up, then what only others can do.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import Literal

from msgspec import Struct

from services.ledger.answers import step_words as words
from services.ledger.answers.shortfall import Shortfall, shortfalls
from services.ledger.policy import Account, Assessment, Person, Policy, rejection_words
from services.ledger.policy.judging.make_up_gates import gate_of
from services.ledger.policy.language.days import Span, begins, ends
from services.ledger.policy.language.decisions import Rejected
from services.ledger.policy.language.words import Words
from services.ledger.policy.policy import ModeTerms
from services.ledger.policy.rules.enrolment import EnrolmentTerms
from services.ledger.policy.rules.make_up import MakeUpWindowTerms
from services.ledger.streams.claim import Claim

StepCode = Literal[
    "ask_authority",
    "complete_information",
    "correct_identity",
    "amend_claim",
    "enrol",
    "await_registration",
    "study",
    "make_up_study",
    "make_up_apply",
    "no_make_up",
    "await_recognition",
    "await_claim",
]
CLAIMED_MODES = frozenset({"equivalence"})
"""Modes in which nobody studies: what is converted is claimed."""


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
    clause: str | None = None
    subject: str | None = None


class Situation(Struct, frozen=True, kw_only=True):
    """All that next steps follow from. `claims` are the person's open ones of the year, `misnamed` the records that wait
    because a provider reported another name (S0-23)."""

    policy: Policy | None
    answer: Assessment
    person: Person
    account: Account | None
    claims: Sequence[Claim] = ()
    misnamed: Sequence[str] = ()


def next_steps(situation: Situation) -> tuple[NextStep, ...]:
    """The steps in order; none where nothing is owed or nothing is missing."""
    answer, policy = situation.answer, situation.policy
    if policy is None or answer.status == "no_policy":
        return (_step("ask_authority", words.NO_POLICY),)
    if answer.status == "not_required" and answer.first_obliged_year is None and not situation.person.student:
        return (_step("complete_information", words.INFORMATION, clause=policy.duty.clause),)
    if not answer.missing:
        return ()
    return tuple(_steps(situation, policy))


def _steps(situation: Situation, policy: Policy) -> Iterator[NextStep]:
    answer, account = situation.answer, situation.account
    for record in situation.misnamed:
        yield _step("correct_identity", words.IDENTITY, subject=record)
    for claim in situation.claims:
        if claim.state == "returned":
            yield _of_claim("amend_claim", claim)
    if account is not None:
        yield from _waiting(policy, account)
    missing = shortfalls(answer, account)
    if answer.status == "in_progress":
        yield from _enrolment(policy, account, answer.on, missing)
        yield from _study(policy, answer, missing)
    else:
        yield from _make_up(policy, answer, account, missing)
    yield from _recognition(answer)
    for claim in situation.claims:
        if claim.state != "returned":
            yield _of_claim("await_claim", claim)


def _waiting(policy: Policy, account: Account) -> Iterator[NextStep]:
    """What waits in the account, by reason: for an exam, an evaluation, an enrolment (S0-11), or the total (S2B-07)."""
    for reason in ("enrolment_pending", "exam_pending", "evaluation_pending", "below_total"):
        waits = [item for item in account.waiting if item.reason == reason]
        for mode in sorted({item.mode for item in waits}):
            credits = sum((item.credits for item in waits if item.mode == mode), Decimal(0))
            terms = policy.terms_of(mode)
            until = terms.study.until if reason in ("exam_pending", "evaluation_pending") else None
            yield _step(
                "await_registration",
                words.waiting_words(reason, credits, until),
                credits=credits,
                modes=(mode,),
                until=until,
                clause=terms.style_clause,
            )


def _enrolment(
    policy: Policy, account: Account | None, on: date, missing: Sequence[Shortfall]
) -> Iterator[NextStep]:
    """Where study asks for an enrolment that is not there, or the time to enrol runs out (S1-07, S3B-07)."""
    if not missing:
        return
    enrolled = {each.mode for each in account.enrolments} if account is not None else set()
    for mode, terms in _modes_of_study(policy):
        span = terms.acts.get("enrol")
        asked = enrolment.needed if (enrolment := terms.get(EnrolmentTerms)) is not None else None
        if mode in enrolled or (span is None and asked is None) or (span is not None and _over(span, on)):
            continue
        until = span.until if span is not None else None
        clause = span.until_clause if span is not None else None
        yield _step(
            "enrol",
            words.enrol_words((mode,), asked is not None and asked.value == "paid", until),
            modes=(mode,),
            until=until,
            clause=clause or (asked.clause if asked is not None else None),
        )


def _study(policy: Policy, answer: Assessment, missing: Sequence[Shortfall]) -> Iterator[NextStep]:
    """Study what is missing while the year lasts: in the modes that are left, until the last of them ends."""
    left = [
        (mode, terms.study) for mode, terms in _modes_of_study(policy) if not _over(terms.study, answer.on)
    ]
    spans = [span for _, span in left] or [policy.any_mode.study]
    last = max(spans, key=lambda span: span.ends)
    first = min(spans, key=lambda span: span.begins)
    since = first.since if first.begins >= ends(answer.on) else None
    until, clause = last.until, last.until_clause or last.since_clause
    if answer.deferred is not None:
        until, clause = answer.deferred.until, answer.deferred.clause
    modes = tuple(mode for mode, _ in left)
    for item in answer.missing:
        if item.course is not None:
            name = policy.course_name(item.course)
            text = words.course_words(item.course, name, item.credits, until)
            yield _step("study", text, credits=item.credits or None, until=until, clause=clause)
        elif item.modes:
            text = words.study_words(item.credits, None, item.modes, since, until)
            yield _step(
                "study",
                text,
                credits=item.credits,
                modes=item.modes,
                since=since,
                until=until,
                clause=clause,
            )
    for each in missing:
        yield _step(
            "study",
            words.study_words(each.credits, each.category, modes, since, until),
            credits=each.credits,
            category=each.category,
            modes=modes,
            since=since,
            until=until,
            clause=clause,
        )


def _make_up(
    policy: Policy, answer: Assessment, account: Account | None, missing: Sequence[Shortfall]
) -> Iterator[NextStep]:
    """Every window that is open to this account, and, when none is, the next that will be."""
    left = [window for window in policy.make_up if window.ends > begins(answer.on)]
    open_ = [window for window in left if window.begins < ends(answer.on)]
    refused: Rejected | None = None
    found = False
    for window in open_ or left[:1]:
        for each in missing:
            gate = gate_of(
                policy,
                window,
                each.category or "professional",
                account,
                special_reason=True,
                by_application=window.channel == "application",
            )
            if gate is not None:
                refused = gate
            else:
                found = True
                yield _of_window(window, each, answer.on)
    if missing and not found:
        why: Words | None = None
        if refused is not None:
            why = rejection_words(refused, "zh")[1], rejection_words(refused, "en")[1]
        never = policy.never.clause if policy.never is not None else None
        clause = refused.clause if refused is not None else never
        yield _step("no_make_up", words.no_make_up_words(policy.year, why), clause=clause)


def _of_window(window: MakeUpWindowTerms, missing: Shortfall, on: date) -> NextStep:
    since = window.since if window.begins >= ends(on) else None
    text = words.make_up_words(
        window.channel, missing.credits, missing.category, window.conditions, since, window.until
    )
    return _step(
        "make_up_study" if window.channel == "automatic" else "make_up_apply",
        text,
        credits=missing.credits,
        category=missing.category,
        modes=tuple(sorted(window.modes or ())),
        since=since,
        until=window.until,
        clause=window.clause,
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


def _modes_of_study(policy: Policy) -> list[tuple[str, ModeTerms]]:
    return [
        (mode, terms) for mode, terms in policy.modes.items() if terms.allowed and mode not in CLAIMED_MODES
    ]


def _over(span: Span, on: date) -> bool:
    return span.ends <= begins(on)


def _step(
    code: StepCode,
    text: Words,
    *,
    credits: Decimal | None = None,
    category: str | None = None,
    modes: tuple[str, ...] = (),
    since: date | None = None,
    until: date | None = None,
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
        clause=clause,
        subject=subject,
    )
