"""Stored events of a credit account: immutable facts in the past tense, with pinned names. None holds a name, an ID
number or a telephone number; persons and organizations appear by opaque id or keyed hash."""

from datetime import date, datetime
from decimal import Decimal
from typing import ClassVar, Literal

from msgspec import Struct

from services.kit.events import Event
from services.ledger.policy import (
    Category,
    Credit,
    CreditCategory,
    Deferral,
    Enrolled,
    Exemption,
    HoldReason,
    PassedExam,
    ReportedStudy,
    Route,
    SpecialReason,
    Waiting,
)


class CreditEarned(ReportedStudy, Event, frozen=True, kw_only=True):
    """Credits were registered in a person's account for a year, as awarded (S1-09, S3B-07).

    `route` says how they came, and `completion_id` names the record they came from: the provider's own id, a claim, a
    roster row, a line of a list. `form` is the kind of activity, None for a course; credits of category "any" count in
    the order of `fill`. `decided_by` is the official who approved them, where one did; `fact` the keyed digest of the real
    fact they are for, which counts once by whatever route (A-15); `correction` why they entered a closed year (B-07).
    `provisional`: taken by the nation's rule before a notice of the year was out (B-20). `signature`, here
    and in the other events that store a posted record, is the digest of the signature that it was posted under.
    """

    TOPIC: ClassVar[str] = "ledger.CreditEarned"

    credit_id: str
    person_id: str
    year: int
    provider_id: str | None = None
    route: Route = "provider"
    form: str | None = None
    fill: tuple[Category, ...] = ()
    decided_by: str | None = None
    fact: str | None = None
    place: str
    clause: str
    policy: str
    registered_at: datetime
    late: bool = False
    make_up: bool = False
    correction: str | None = None
    provisional: bool = False
    signature: str | None = None


class CompletionHeld(ReportedStudy, Event, frozen=True, kw_only=True):
    """A completion of a known person waits in the account: for an enrolment, the exam (S0-11), an evaluation, or the total
    (S2B-07). Said again of the same completion, it waits for another reason than before.
    """

    TOPIC: ClassVar[str] = "ledger.CompletionHeld"

    person_id: str
    year: int
    provider_id: str
    reason: HoldReason
    clause: str
    policy: str
    held_at: datetime
    provisional: bool = False
    signature: str | None = None


class HeldCompletionWithdrawn(Event, frozen=True, kw_only=True):
    """The provider took back a completion that was still waiting in the account."""

    TOPIC: ClassVar[str] = "ledger.HeldCompletionWithdrawn"

    person_id: str
    year: int
    provider_id: str
    completion_id: str
    reason: str


class HeldCompletionRejected(Event, frozen=True, kw_only=True):
    """A completion that waited in the account can never become a credit; `problem` is the code of the refusal, `reason` why
    it had waited."""

    TOPIC: ClassVar[str] = "ledger.HeldCompletionRejected"

    person_id: str
    year: int
    provider_id: str
    completion_id: str
    problem: str
    reason: HoldReason
    clause: str | None = None
    rejected_at: datetime


class EndedCredit(Event, frozen=True, kw_only=True):
    """What is repeated of a credit by the event that ends it, so that no reader has to look the credit up."""

    credit_id: str
    person_id: str
    year: int
    place: str
    category: CreditCategory
    credits: Decimal
    mode: str
    provider_id: str | None
    completion_id: str
    registered_at: datetime


class CreditWithdrawn(EndedCredit, frozen=True, kw_only=True):
    """The provider took back a credit it had reported; it names what it corrects, and why."""

    TOPIC: ClassVar[str] = "ledger.CreditWithdrawn"

    reason: str
    withdrawn_at: datetime


class CreditRevoked(EndedCredit, frozen=True, kw_only=True):
    """An authority revoked a credit, with a reason code and the clause that speaks of it, where one does (S1-21)."""

    TOPIC: ClassVar[str] = "ledger.CreditRevoked"

    reason: str
    clause: str | None = None
    authority: str
    decided_by: str
    revoked_at: datetime


class CreditDuplicated(EndedCredit, frozen=True, kw_only=True):
    """A credit proved to be of the same real fact as another of the person, `duplicate_of`, when two profiles of theirs were
    merged: it is shown, and counts no more (A-15)."""

    TOPIC: ClassVar[str] = "ledger.CreditDuplicated"

    duplicate_of: str
    duplicated_at: datetime


class CreditConfirmed(Event, frozen=True, kw_only=True):
    """An authority's own list names a fact whose credits are registered already: provenance, not a second credit (A-15)."""

    TOPIC: ClassVar[str] = "ledger.CreditConfirmed"

    credit_id: str
    person_id: str
    year: int
    route: Route
    decided_by: str
    confirmed_at: datetime


class EnrolmentRecorded(Event, frozen=True, kw_only=True):
    """A person enrolled with a provider for a year (S1-07)."""

    TOPIC: ClassVar[str] = "ledger.EnrolmentRecorded"

    provider_id: str
    enrolment_id: str
    person_id: str
    year: int
    mode: str
    enrolled_on: date
    content: str
    tier: str | None = None
    paid_on: date | None = None
    provisional: bool = False
    signature: str | None = None


class EnrolmentWithdrawn(Event, frozen=True, kw_only=True):
    """The provider ended an enrolment without study to register."""

    TOPIC: ClassVar[str] = "ledger.EnrolmentWithdrawn"

    provider_id: str
    enrolment_id: str
    person_id: str
    year: int
    reason: str


class ExamPassed(Event, frozen=True, kw_only=True):
    """A person passed the provider's exam for a year's study (S0-09, S0-11), or its evaluation (`of`)."""

    TOPIC: ClassVar[str] = "ledger.ExamPassed"

    provider_id: str
    exam_id: str
    person_id: str
    year: int
    passed_at: datetime
    content: str
    of: Literal["exam", "evaluation"] = "exam"
    signature: str | None = None


class CreditRecognised(Event, frozen=True, kw_only=True):
    """An official recognised a registered credit, which counts from now on (S4-03, B-11); `clause` asks for it."""

    TOPIC: ClassVar[str] = "ledger.CreditRecognised"

    credit_id: str
    person_id: str
    year: int
    place: str
    category: CreditCategory
    credits: Decimal
    provider_id: str | None
    completion_id: str
    clause: str
    authority: str
    decided_by: str
    recognised_at: datetime


class ReliefEvent(Event, frozen=True, kw_only=True):
    """What every event about a relief says; `authority` is the place of the official who decided."""

    person_id: str
    year: int
    reason: str
    authority: str
    decided_by: str


class ExemptionGranted(ReliefEvent, frozen=True, kw_only=True):
    """An authority freed a person of a year's duty (A-14), until a day, that day included, where one is set."""

    TOPIC: ClassVar[str] = "ledger.ExemptionGranted"

    granted_on: date
    until: date | None = None


class ExemptionEnded(ReliefEvent, frozen=True, kw_only=True):
    """The exemption ended: `until` is the last day it held; before the day it was granted, it never did."""

    TOPIC: ClassVar[str] = "ledger.ExemptionEnded"

    until: date
    ended_on: date


class DeferralGranted(ReliefEvent, frozen=True, kw_only=True):
    """An authority gave a person more time for a year (A-14): `until` is its new last day, that day included.

    `clause` is the one that allows it for this reason, None where no notice speaks of it.
    """

    TOPIC: ClassVar[str] = "ledger.DeferralGranted"

    granted_on: date
    until: date
    clause: str | None = None


class DeferralEnded(ReliefEvent, frozen=True, kw_only=True):
    """The deferral ended early: `until` is now the last day of the year for this person."""

    TOPIC: ClassVar[str] = "ledger.DeferralEnded"

    until: date
    ended_on: date


class SpecialReasonApproved(ReliefEvent, frozen=True, kw_only=True):
    """An official approved the special reason for which a person missed the year: what providers report in the make-up that
    asks for one counts from now on (S0-22, A-06); `clause` asks for it."""

    TOPIC: ClassVar[str] = "ledger.SpecialReasonApproved"

    granted_on: date
    clause: str


class SpecialReasonEnded(ReliefEvent, frozen=True, kw_only=True):
    """The approval of a special reason ended: what was registered by it stays."""

    TOPIC: ClassVar[str] = "ledger.SpecialReasonEnded"

    ended_on: date


class Retraction(Struct, frozen=True, kw_only=True):
    """A provider took back a completion that had travelled while it waited."""

    provider_id: str
    completion_id: str
    reason: str
    at: datetime


class AccountLeft(Event, frozen=True, kw_only=True):
    """An open year left with the person: what the account holds at this event is what was handed over, and what waited
    waits at the destination."""

    TOPIC: ClassVar[str] = "ledger.AccountLeft"

    person_id: str
    year: int
    transfer_id: str
    to_place: str
    left_at: datetime


class AccountArrived(Event, frozen=True, kw_only=True):
    """Credits of a year arrived as they were awarded. `sequence` is 0 for the handover and counts its supplements: a credit
    that is here already takes on what ended it since."""

    TOPIC: ClassVar[str] = "ledger.AccountArrived"

    person_id: str
    year: int
    transfer_id: str
    sequence: int
    from_authority: str
    credits: tuple[Credit, ...] = ()
    waiting: tuple[Waiting, ...] = ()
    exams: tuple[PassedExam, ...] = ()
    exempt: Exemption | None = None
    deferred: Deferral | None = None
    special_reason: SpecialReason | None = None
    taken_back: tuple[Retraction, ...] = ()
    arrived_at: datetime


class AccountMerged(Event, frozen=True, kw_only=True):
    """What a year of a merged profile held is in the account of the person's other profile, `into`, from now on."""

    TOPIC: ClassVar[str] = "ledger.AccountMerged"

    person_id: str
    year: int
    into: str
    merged_at: datetime


class AccountAbsorbed(Event, frozen=True, kw_only=True):
    """A person's year took over what the same year of another profile of theirs, `merged_id`, held."""

    TOPIC: ClassVar[str] = "ledger.AccountAbsorbed"

    person_id: str
    year: int
    merged_id: str
    credits: tuple[Credit, ...] = ()
    waiting: tuple[Waiting, ...] = ()
    exams: tuple[PassedExam, ...] = ()
    enrolments: tuple[Enrolled, ...] = ()
    exempt: Exemption | None = None
    deferred: Deferral | None = None
    special_reason: SpecialReason | None = None
    merged_at: datetime
