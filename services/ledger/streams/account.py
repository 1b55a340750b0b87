"""The credit account: one person's year. Decisions are pure; credits are kept as awarded and never edited: what ends
one is a new event that names it, why, and who decided (design 9)."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any, get_args

import msgspec
from msgspec.structs import replace

from services.kit.events import Event
from services.kit.pydantic_models import copier, fields_of, names_of, view
from services.ledger.policy import (
    Account,
    Credit,
    CreditState,
    Deferral,
    Enrolled,
    Exemption,
    Held,
    PassedExam,
    Policy,
    Registered,
    Rejected,
    ReportedStudy,
    SpecialReason,
    Waiting,
    WaitingReason,
)
from services.ledger.streams.account_events import (
    AccountAbsorbed,
    AccountArrived,
    AccountLeft,
    AccountMerged,
    CompletionHeld,
    CreditConfirmed,
    CreditDuplicated,
    CreditEarned,
    CreditRecognised,
    CreditRevoked,
    CreditWithdrawn,
    DeferralEnded,
    DeferralGranted,
    EndedCredit,
    EnrolmentRecorded,
    EnrolmentWithdrawn,
    ExamPassed,
    ExemptionEnded,
    ExemptionGranted,
    HeldCompletionRejected,
    HeldCompletionWithdrawn,
    SpecialReasonApproved,
    SpecialReasonEnded,
)
from services.ledger.streams.problems import AlreadyEndedError
from services.ledger.streams.year import OPEN, Closures, correction_in

_replace = msgspec.structs.replace
_credit = copier(Credit, CreditEarned, provider="provider_id")
"""A credit, with what it keeps of the event that it was registered by."""
MODES = ("online", "face_to_face", "other")
"""The modes of study that providers report."""
_WAITS: dict[str, WaitingReason] = {reason: reason for reason in get_args(WaitingReason)}


def stream_of(person_id: str, year: int) -> str:
    """The stream of one person's year in the log of their authority."""
    return f"account:{person_id}:{year}"


def credit_id_of(log: str, identity: str) -> str:
    """The id of the credit a record earns: the same for the same record, and telling nothing of it."""
    return f"{log}-{hashlib.blake2b(identity.encode(), digest_size=12).hexdigest()}"


def empty(person_id: str, year: int) -> Account:
    """The account before its first event."""
    return Account(person_id=person_id, year=year, credits=[], waiting=[], exams=[], enrolments=[])


def evolve(account: Account, event: Event) -> Account:
    """Apply one event to the account in place and return it; events of other streams change nothing."""
    match event:
        case CreditEarned():
            account.waiting = _others(account.waiting, event.provider_id, event.completion_id)
            account.credits.append(_credit(event))
        case CompletionHeld():
            account.waiting = _others(account.waiting, event.provider_id, event.completion_id)
            account.waiting.append(_waiting(event))
        case HeldCompletionWithdrawn() | HeldCompletionRejected():
            account.waiting = _others(account.waiting, event.provider_id, event.completion_id)
        case CreditWithdrawn():
            _end(account, event, "withdrawn", event.withdrawn_at)
        case CreditRevoked():
            _end(account, event, "revoked", event.revoked_at, event.clause)
        case CreditRecognised() | CreditConfirmed() | CreditDuplicated():
            _note(account, event)
        case ExamPassed():
            account.exams.append(view(PassedExam, event, provider=event.provider_id))
        case EnrolmentRecorded():
            account.enrolments.append(view(Enrolled, event, provider=event.provider_id))
        case EnrolmentWithdrawn():
            account.enrolments = [
                enrolled
                for enrolled in account.enrolments
                if (enrolled.provider, enrolled.enrolment_id) != (event.provider_id, event.enrolment_id)
            ]
        case (
            ExemptionGranted()
            | ExemptionEnded()
            | DeferralGranted()
            | DeferralEnded()
            | SpecialReasonApproved()
            | SpecialReasonEnded()
        ):
            _relieve(account, event)
        case _:
            take_move(account, event)
    return account


def _waiting(event: CompletionHeld) -> Waiting:
    return view(Waiting, event, provider=event.provider_id, reason=_WAITS[event.reason])


def _others(waiting: list[Waiting], provider_id: str | None, completion_id: str) -> list[Waiting]:
    if not waiting:
        return waiting
    return [item for item in waiting if (item.provider, item.completion_id) != (provider_id, completion_id)]


def _end(
    account: Account,
    event: CreditWithdrawn | CreditRevoked,
    state: CreditState,
    at: datetime,
    clause: str | None = None,
) -> None:
    for index, credit in enumerate(account.credits):
        if credit.credit_id == event.credit_id:
            account.credits[index] = _replace(
                credit, state=state, reason=event.reason, ended_at=at, ended_clause=clause
            )


def _note(account: Account, event: CreditRecognised | CreditConfirmed | CreditDuplicated) -> None:
    """Put on the credit what was said of it after its registration."""
    for index, credit in enumerate(account.credits):
        if credit.credit_id != event.credit_id:
            continue
        match event:
            case CreditRecognised():
                noted = _replace(credit, recognised_at=event.recognised_at)
            case CreditConfirmed():
                noted = _replace(credit, confirmed_by=(*credit.confirmed_by, event.route))
            case CreditDuplicated():
                at = event.duplicated_at
                noted = _replace(credit, state="duplicate", duplicate_of=event.duplicate_of, ended_at=at)
        account.credits[index] = noted


def _relieve(
    account: Account,
    event: ExemptionGranted
    | ExemptionEnded
    | DeferralGranted
    | DeferralEnded
    | SpecialReasonApproved
    | SpecialReasonEnded,
) -> None:
    match event:
        case ExemptionGranted():
            account.exempt = view(Exemption, event)
        case ExemptionEnded() if account.exempt is not None:
            account.exempt = _replace(account.exempt, until=event.until)
        case DeferralGranted():
            account.deferred = view(Deferral, event)
        case DeferralEnded() if account.deferred is not None:
            account.deferred = _replace(account.deferred, until=event.until)
        case SpecialReasonApproved():
            account.special_reason = view(SpecialReason, event, ended_on=None)
        case SpecialReasonEnded() if account.special_reason is not None:
            account.special_reason = _replace(account.special_reason, ended_on=event.ended_on)


def modes_of_study(account: Account, provider_id: str) -> Sequence[str]:
    """The modes of what a provider reported of the year, which its exam is over; any, where nothing is known of it yet."""
    known: list[Waiting | Enrolled | Credit] = [*account.waiting, *account.enrolments, *account.credits]
    return sorted({each.mode for each in known if each.provider == provider_id}) or MODES


def holds_record(account: Account, provider_id: str, record_id: str) -> bool:
    """Whether a completion or an enrolment of a provider is in the account."""
    completions: list[Credit | Waiting] = [*account.credits, *account.waiting]
    held = {(each.provider, each.completion_id) for each in completions}
    return (provider_id, record_id) in held or any(
        (each.provider, each.enrolment_id) == (provider_id, record_id) for each in account.enrolments
    )


def ending(account: Account, credit: Credit) -> dict[str, Any]:
    """What an event that ends a credit repeats of it."""
    known = {"person_id": account.person_id, "year": account.year, "provider_id": credit.provider}
    return known | {name: getattr(credit, name) for name in names_of(EndedCredit) if name not in known}


def withdraw_completion(
    account: Account,
    provider_id: str,
    completion_id: str,
    *,
    closures: Closures = OPEN,
    reason: str,
    now: datetime,
) -> CreditWithdrawn | HeldCompletionWithdrawn:
    """A provider takes back a completion that was recorded once, registered or waiting.

    Raises AlreadyEndedError when it stands no longer, also when it was taken back while it waited, and the refusal
    `year-closed` when the credit's year is closed: then it is its authority's to revoke (B-07).
    """
    if any(w.provider == provider_id and w.completion_id == completion_id for w in account.waiting):
        return HeldCompletionWithdrawn(
            person_id=account.person_id,
            year=account.year,
            provider_id=provider_id,
            completion_id=completion_id,
            reason=reason,
        )
    for credit in account.credits:
        if credit.provider == provider_id and credit.completion_id == completion_id:
            if credit.state != "registered":
                raise AlreadyEndedError(credit_id=credit.credit_id)
            correction_in(closures, credit.place, account, now, make_up=credit.make_up, correction=None)
            return CreditWithdrawn(
                **ending(account, credit),
                reason=reason,
                withdrawn_at=now,
            )
    raise AlreadyEndedError


def released(
    waiting: Waiting,
    account: Account,
    place: str,
    policy: Policy,
    answer: Registered,
    credit_id: str,
    now: datetime,
) -> CreditEarned:
    """A completion that waited became credits."""
    return CreditEarned(
        **_what_waited(waiting, account),
        credit_id=credit_id,
        place=place,
        clause=answer.clause,
        policy=policy.hash,
        registered_at=now,
        late=answer.late,
        make_up=answer.make_up,
        provisional=waiting.provisional or policy.provisional,
    )


def held_again(
    waiting: Waiting, account: Account, policy: Policy, answer: Held, now: datetime
) -> CompletionHeld:
    """A completion that waited waits for another reason now."""
    return CompletionHeld(
        **_what_waited(waiting, account),
        clause=answer.clause,
        policy=policy.hash,
        reason=answer.reason,
        held_at=now,
        provisional=waiting.provisional,
    )


def rejected(waiting: Waiting, account: Account, answer: Rejected, now: datetime) -> HeldCompletionRejected:
    """A completion that waited can never become a credit."""
    return HeldCompletionRejected(
        person_id=account.person_id,
        year=account.year,
        provider_id=waiting.provider,
        completion_id=waiting.completion_id,
        problem=answer.problem,
        reason=waiting.reason,
        clause=answer.clause,
        rejected_at=now,
    )


def _what_waited(waiting: Waiting, account: Account) -> dict[str, Any]:
    """What every later event repeats of a completion that waited."""
    return {
        "person_id": account.person_id,
        "year": account.year,
        "provider_id": waiting.provider,
        **fields_of(ReportedStudy, waiting),
    }


def take_move(account: Account, event: Event) -> None:
    """Apply one event of a move in place; others change nothing."""
    match event:
        case AccountLeft():
            # What waited is decided at the destination, and must not be registered here as well.
            account.waiting = []
        case AccountArrived():
            _take_over(account, event)
        case AccountMerged():
            _empty(account)
            account.merged_into = event.into
        case AccountAbsorbed():
            _take_over(account, event)
            known = {(each.provider, each.enrolment_id) for each in account.enrolments}
            further = [each for each in event.enrolments if (each.provider, each.enrolment_id) not in known]
            account.enrolments = [*account.enrolments, *further]
        case _:
            pass


def _empty(account: Account) -> None:
    account.credits, account.waiting, account.exams, account.enrolments = [], [], [], []
    account.exempt = account.deferred = account.special_reason = None


def _take_over(account: Account, event: AccountArrived | AccountAbsorbed) -> None:
    places = {credit.credit_id: index for index, credit in enumerate(account.credits)}
    for credit in event.credits:
        index = places.get(credit.credit_id)
        if index is None:
            places[credit.credit_id] = len(account.credits)
            account.credits.append(credit)
        else:
            account.credits[index] = _merged(account.credits[index], credit)
    reported = {(credit.provider, credit.completion_id) for credit in account.credits}
    reported |= {(item.provider, item.completion_id) for item in account.waiting}
    account.waiting = [
        *account.waiting,
        *(item for item in event.waiting if (item.provider, item.completion_id) not in reported),
    ]
    account.exams = [*account.exams, *(passed for passed in event.exams if passed not in account.exams)]
    account.exempt = event.exempt or account.exempt
    account.deferred = event.deferred or account.deferred
    account.special_reason = event.special_reason or account.special_reason


def _merged(here: Credit, arrived: Credit) -> Credit:
    """A credit that two logs know: what ended it in either ends it, and every list that confirmed it does."""
    ends = [each for each in (here, arrived) if each.ended_at is not None]
    ended = min(ends, key=lambda each: (each.ended_at, each.state)) if ends else here
    return replace(
        here,
        state=ended.state,
        duplicate_of=ended.duplicate_of,
        reason=ended.reason,
        ended_at=ended.ended_at,
        ended_clause=ended.ended_clause,
        recognised_at=here.recognised_at or arrived.recognised_at,
        confirmed_by=tuple(sorted({*here.confirmed_by, *arrived.confirmed_by})),
    )
