"""Record of a posted completion: what was posted, what became of it since, and where it stands today, followed event by
event through every log that its person's year has lived in. Pure."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

import msgspec
from msgspec import Struct

from contracts.divisions import authority_of
from services.kit import events as codec
from services.kit.errors import TYPE_PREFIX
from services.kit.event_store import RecordedEvent
from services.kit.events import Event
from services.kit.pydantic_models import view
from services.ledger.streams.account_events import (
    AccountArrived,
    AccountLeft,
    AccountMerged,
    CompletionHeld,
    CreditDuplicated,
    CreditEarned,
    CreditRecognised,
    CreditRevoked,
    CreditWithdrawn,
    HeldCompletionRejected,
    HeldCompletionWithdrawn,
)
from services.ledger.streams.waiting import ParkedRecordReleased, ParkedRecordWithdrawn, RecordParked

KIND = "completion"
State = Literal["held", "registered", "withdrawn", "revoked", "duplicate", "rejected"]
StepWord = Literal[
    "held", "registered", "recognised", "withdrawn", "revoked", "duplicate", "rejected", "moved", "merged"
]


class PostedStudy(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A completion as it was posted, less its person; `credits` or `hours`, whichever it stated."""

    year: int
    category: str
    credits: Decimal | None = None
    hours: Decimal | None = None
    mode: str
    course: str
    completed_at: datetime
    title: str | None = None
    tier: str | None = None
    started_on: date | None = None
    exam_passed_at: datetime | None = None
    evaluated_at: datetime | None = None
    filing: str | None = None
    repeat_of: str | None = None


class CompletionStep(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that became of a completion, and the event that says so.

    `reason` is why it waits or was ended, `problem` the type of the problem that refused it, each by `clause` where one
    speaks of it; `authority` is where it went with its person's year (`moved`). `merged` says that its person's profile
    became part of another one of theirs, and `duplicate` that another credit of the person is of the same fact.
    """

    what: StepWord
    at: datetime
    log: str
    position: int
    reason: str | None = None
    clause: str | None = None
    problem: str | None = None
    authority: str | None = None


class CompletionRecord(Struct, kw_only=True):
    """A posted completion today.

    `log` is the authority it was posted to, and `moved_to` the one that its person's year has moved to since. `state` is
    `held` (`reason`), `registered`, `withdrawn` (`reason`), `revoked` (`reason`), `duplicate` of another credit of the
    person, or `rejected` after waiting (`problem`).
    `credits` are what it came to, `late` and `make_up` how it was registered, `recognised_at` when an official recognised it
    where the notice asks for that. `signature` is the digest of the signature it was posted
    under. `history` is everything that became of it, oldest first.
    """

    id: str
    provider_id: str
    log: str
    posted: PostedStudy
    posted_at: datetime
    state: State = "held"
    reason: str | None = None
    clause: str | None = None
    problem: str | None = None
    person_id: str | None = None
    credit_id: str | None = None
    credits: Decimal | None = None
    late: bool = False
    make_up: bool = False
    provisional: bool = False
    recognised_at: datetime | None = None
    moved_to: str | None = None
    signature: str | None = None
    history: list[CompletionStep] = []


def opened(first: RecordedEvent) -> CompletionRecord:
    """The record as its first event has it, before anything became of it."""
    event: Any = codec.decode(first.topic, first.state)
    if isinstance(event, RecordParked):
        record_id, posted = event.record_id, msgspec.convert(event.record, PostedStudy, strict=False)
    else:
        stated = event.credits if event.hours is None else None
        record_id, posted = event.completion_id, view(PostedStudy, event, credits=stated)
    return CompletionRecord(
        id=record_id,
        provider_id=event.provider_id,
        log=first.log,
        posted=posted,
        posted_at=event.reported_at or first.recorded_at,
        signature=event.signature,
    )


def follow(record: CompletionRecord, recorded: RecordedEvent) -> None:
    """Apply one event of a waiting room or an account to the record in place; what is not about it changes nothing."""
    event = codec.decode(recorded.topic, recorded.state)
    match event:
        case RecordParked() | ParkedRecordReleased() | ParkedRecordWithdrawn():
            if (event.kind, event.provider_id, event.record_id) == (KIND, record.provider_id, record.id):
                _follow_in_room(record, recorded, event)
        case AccountLeft() if record.history and recorded.log == (record.moved_to or record.log):
            if record.state in ("held", "registered"):
                _move(record, recorded, authority_of(event.to_place), event.left_at)
        case AccountArrived():
            _arrive(record, recorded, event)
        case AccountMerged() if record.state in ("held", "registered"):
            record.person_id = event.into
            _step(record, recorded, "merged", event.merged_at)
        case CreditDuplicated() if event.credit_id == record.credit_id:
            _become(record, recorded, "duplicate", event.duplicated_at)
        case CreditRecognised() if event.credit_id == record.credit_id:
            record.recognised_at = event.recognised_at
            _step(record, recorded, "recognised", event.recognised_at, clause=event.clause)
        case (
            CompletionHeld()
            | CreditEarned()
            | HeldCompletionRejected()
            | HeldCompletionWithdrawn()
            | CreditWithdrawn()
            | CreditRevoked()
        ) if (event.provider_id, event.completion_id) == (record.provider_id, record.id):
            _follow_in_account(record, recorded, event)
        case _:
            pass


def _follow_in_room(record: CompletionRecord, recorded: RecordedEvent, event: Event) -> None:
    match event:
        case RecordParked():
            reason, clause = event.told or (event.reason, event.clause)
            _become(record, recorded, "held", event.reported_at, reason=reason, clause=clause)
        case ParkedRecordReleased() if event.outcome == "rejected":
            record.person_id = event.person_id
            problem = TYPE_PREFIX + event.problem if event.problem is not None else None
            at = recorded.recorded_at
            _become(record, recorded, "rejected", at, clause=event.clause, problem=problem)
        case ParkedRecordReleased():
            # Its account says what it became.
            record.person_id = event.person_id
        case ParkedRecordWithdrawn():
            _become(record, recorded, "withdrawn", recorded.recorded_at, reason=event.reason)
        case _:
            pass


def _follow_in_account(record: CompletionRecord, recorded: RecordedEvent, event: Event) -> None:
    match event:
        case CompletionHeld():
            record.person_id, record.credits = event.person_id, event.credits
            record.provisional = event.provisional
            _become(record, recorded, "held", event.held_at, reason=event.reason, clause=event.clause)
        case CreditEarned() if event.route == "provider":
            record.person_id, record.credit_id, record.credits = (
                event.person_id,
                event.credit_id,
                event.credits,
            )
            record.late, record.make_up, record.provisional = event.late, event.make_up, event.provisional
            _become(record, recorded, "registered", event.registered_at, clause=event.clause)
        case HeldCompletionRejected():
            problem = TYPE_PREFIX + event.problem
            _become(record, recorded, "rejected", event.rejected_at, clause=event.clause, problem=problem)
        case HeldCompletionWithdrawn():
            _become(record, recorded, "withdrawn", recorded.recorded_at, reason=event.reason)
        case CreditWithdrawn() if event.credit_id == record.credit_id:
            _become(record, recorded, "withdrawn", event.withdrawn_at, reason=event.reason)
        case CreditRevoked() if event.credit_id == record.credit_id:
            _become(record, recorded, "revoked", event.revoked_at, reason=event.reason, clause=event.clause)
        case _:
            pass


def _move(record: CompletionRecord, recorded: RecordedEvent, authority: str, at: datetime) -> None:
    moved_to = authority if authority != record.log else None
    if moved_to != record.moved_to:
        record.moved_to = moved_to
        _step(record, recorded, "moved", at, authority=authority)


def _arrive(record: CompletionRecord, recorded: RecordedEvent, event: AccountArrived) -> None:
    """The year came to another log, or a supplement to it: of study registered since, or of what ended a credit."""
    key = (record.provider_id, record.id)
    travelled = {(credit.provider, credit.completion_id) for credit in event.credits}
    travelled |= {(item.provider, item.completion_id) for item in event.waiting}
    if key in travelled:
        _move(record, recorded, recorded.log, event.arrived_at)
    for credit in event.credits:
        ended = credit.state if credit.state != "registered" else None
        if credit.credit_id == record.credit_id and ended is not None and ended != record.state:
            at = credit.ended_at or event.arrived_at
            _become(record, recorded, ended, at, reason=credit.reason, clause=credit.ended_clause)


def _become(
    record: CompletionRecord,
    recorded: RecordedEvent,
    state: State,
    at: datetime,
    *,
    reason: str | None = None,
    clause: str | None = None,
    problem: str | None = None,
) -> None:
    record.state, record.reason, record.clause, record.problem = state, reason, clause, problem
    _step(record, recorded, state, at, reason=reason, clause=clause, problem=problem)


def _step(
    record: CompletionRecord, recorded: RecordedEvent, what: StepWord, at: datetime, **said: str | None
) -> None:
    record.history.append(
        CompletionStep(what=what, at=at, log=recorded.log, position=recorded.position, **said)
    )
