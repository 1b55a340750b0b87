"""The ledger's published events: credits earned and taken back, study that waits, rules it judges by."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints

from contracts.envelope import (
    Adcode,
    CategoryCode,
    Code,
    ContentHash,
    Credits,
    CreditYear,
    Day,
    Flag,
    OpaqueId,
    PublishedEvent,
    Title,
    UtcTime,
)

Tier = Literal["junior", "intermediate", "senior"]
"""初级, 中级, 高级: for whom a course is meant (S1-08)."""


ClauseId = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9]{0,9}-[0-9]{2,3}[a-z]?$")]
"""A clause of a notice, as policies cite it."""


class CreditEarned(PublishedEvent):
    """登记: credits count for a person and year, under the policy named by its hash (S1-09).

    `route` says how they came (provider, roster, claim, direct, import); `source` names the system that history was
    imported from; `form` is the kind of activity, null for a course; `category` is "any" where an equivalence covers
    what is missing (A-03); `correction` is why an official let them into a year that was closed (B-07);
    `provisional` says that the nation's rule took them before a notice of the year was out (B-20).
    """

    TYPE: ClassVar[str] = "cn.xuefen.ledger.credit.earned.v1"

    credit_id: OpaqueId
    person_id: OpaqueId
    year: CreditYear
    category: CategoryCode
    credits: Credits
    mode: Code
    route: Code
    source: Code | None
    form: Code | None
    place: Adcode
    provider_id: OpaqueId | None
    completion_id: OpaqueId
    course: Title | None
    tier: Tier | None
    completed_at: UtcTime
    make_up: Flag
    late: Flag
    correction: Code | None
    provisional: Flag
    policy: ContentHash


class CreditWithdrawn(PublishedEvent):
    """The provider that reported a completion took it back."""

    TYPE: ClassVar[str] = "cn.xuefen.ledger.credit.withdrawn.v1"

    credit_id: OpaqueId
    person_id: OpaqueId
    year: CreditYear
    category: CategoryCode
    credits: Credits
    place: Adcode
    reason: Code
    provider_id: OpaqueId | None
    completion_id: OpaqueId


class CreditRevoked(PublishedEvent):
    """An authority revoked credits: cheating, study by another person, a disqualified provider (S1-21); `clause` is the one
    that speaks of the reason, where one does."""

    TYPE: ClassVar[str] = "cn.xuefen.ledger.credit.revoked.v1"

    credit_id: OpaqueId
    person_id: OpaqueId
    year: CreditYear
    category: CategoryCode
    credits: Credits
    place: Adcode
    reason: Code
    clause: ClauseId | None
    authority: Adcode
    provider_id: OpaqueId | None
    completion_id: OpaqueId


class AccountsMerged(PublishedEvent):
    """Two profiles of one person are one from now on, as the registry said: what was told of `merged_id` is of `person_id`,
    whose accounts hold both. Of credits of one real fact the later ones were revoked, with the reason "duplicate"."""

    TYPE: ClassVar[str] = "cn.xuefen.ledger.accounts.merged.v1"

    person_id: OpaqueId
    merged_id: OpaqueId
    merged_at: UtcTime


class CreditRecognised(PublishedEvent):
    """认定: an official recognised a registered credit, which counts from now on where the notice asks for that (S4-03)."""

    TYPE: ClassVar[str] = "cn.xuefen.ledger.credit.recognised.v1"

    credit_id: OpaqueId
    person_id: OpaqueId
    year: CreditYear
    category: Code
    credits: Credits
    place: Adcode
    authority: Adcode
    recognised_at: UtcTime
    provider_id: OpaqueId | None
    completion_id: OpaqueId


class CompletionHeld(PublishedEvent):
    """A completion waits: for its person to be collected, an exam, a total, a transfer (S0-23, S2B-07).

    `person_id` is null while nobody is known by what was posted; `reason` and `clause` are what the provider was answered.
    """

    TYPE: ClassVar[str] = "cn.xuefen.ledger.completion.held.v1"

    provider_id: OpaqueId
    completion_id: OpaqueId
    person_id: OpaqueId | None
    year: CreditYear
    reason: Code
    clause: str | None


class HeldCompletionRejected(PublishedEvent):
    """A completion that waited cannot be registered; `problem` is the code of the problem type, `clause` what refuses it,
    where a clause does, and `reason` why it had waited."""

    TYPE: ClassVar[str] = "cn.xuefen.ledger.held-completion.rejected.v1"

    provider_id: OpaqueId
    completion_id: OpaqueId
    person_id: OpaqueId
    year: CreditYear
    problem: Code
    reason: Code
    clause: str | None


class HeldCompletionWithdrawn(PublishedEvent):
    """The provider took back a completion that was waiting; `person_id` is null where nobody was known by it."""

    TYPE: ClassVar[str] = "cn.xuefen.ledger.held-completion.withdrawn.v1"

    provider_id: OpaqueId
    completion_id: OpaqueId
    person_id: OpaqueId | None
    reason: Code


class EnrolmentRecorded(PublishedEvent):
    """报名: a person enrolled with a provider for a year; a transfer waits for its end (S1-07, S2C-14)."""

    TYPE: ClassVar[str] = "cn.xuefen.ledger.enrolment.recorded.v1"

    enrolment_id: OpaqueId
    person_id: OpaqueId | None
    year: CreditYear
    provider_id: OpaqueId
    enrolled_on: Day
    provisional: Flag


class EnrolmentClosed(PublishedEvent):
    """An enrolment has nothing left to register: its study was registered, or it was withdrawn."""

    TYPE: ClassVar[str] = "cn.xuefen.ledger.enrolment.closed.v1"

    enrolment_id: OpaqueId
    person_id: OpaqueId | None
    year: CreditYear
    provider_id: OpaqueId
    reason: Code


class ExamPassed(PublishedEvent):
    """A person passed the provider's exam for a year, where credits wait for it (S0-09, S0-11)."""

    TYPE: ClassVar[str] = "cn.xuefen.ledger.exam.passed.v1"

    person_id: OpaqueId | None
    provider_id: OpaqueId
    year: CreditYear
    passed_at: UtcTime


class ClaimApproved(PublishedEvent):
    """学分申请 was approved; the credits are those of the credit it names (S1-12)."""

    TYPE: ClassVar[str] = "cn.xuefen.ledger.claim.approved.v1"

    claim_id: OpaqueId
    person_id: OpaqueId
    year: CreditYear
    form: Code
    credit_id: OpaqueId
    credits: Credits
    approved_at: UtcTime


class FilingSubmitted(PublishedEvent):
    """培训备案 was handed in to the bureau of a place, before the training (S1-14, S3B-10)."""

    TYPE: ClassVar[str] = "cn.xuefen.ledger.filing.submitted.v1"

    filing_id: OpaqueId
    organization_id: OpaqueId
    place: Adcode
    year: CreditYear
    submitted_at: UtcTime
    provisional: Flag


class FilingApproved(PublishedEvent):
    """The bureau approved a training; rosters of what began after this moment are taken (B-15)."""

    TYPE: ClassVar[str] = "cn.xuefen.ledger.filing.approved.v1"

    filing_id: OpaqueId
    organization_id: OpaqueId
    place: Adcode
    year: CreditYear
    approved_at: UtcTime


class RosterUploaded(PublishedEvent):
    """The persons of a training were reported; `late` with a reason, after the notice's working days (S1-15, A-16)."""

    TYPE: ClassVar[str] = "cn.xuefen.ledger.roster.uploaded.v1"

    roster_id: OpaqueId
    filing_id: OpaqueId
    organization_id: OpaqueId
    place: Adcode
    year: CreditYear
    rows: Annotated[int, Field(strict=True, ge=1)]
    due: Day | None
    late: Flag
    uploaded_at: UtcTime


class RosterReviewed(PublishedEvent):
    """Rows of a roster were decided; the credits of the registered ones have events of their own."""

    TYPE: ClassVar[str] = "cn.xuefen.ledger.roster.reviewed.v1"

    roster_id: OpaqueId
    filing_id: OpaqueId
    organization_id: OpaqueId
    place: Adcode
    year: CreditYear
    registered: Annotated[int, Field(strict=True, ge=0)]
    held: Annotated[int, Field(strict=True, ge=0)]
    refused: Annotated[int, Field(strict=True, ge=0)]
    reviewed_at: UtcTime


class ExemptionGranted(PublishedEvent):
    """An authority freed a person from a year's requirement (A-14), until a day where one is set."""

    TYPE: ClassVar[str] = "cn.xuefen.ledger.exemption.granted.v1"

    person_id: OpaqueId
    year: CreditYear
    reason: Code
    authority: Adcode
    until: Day | None


class ExemptionEnded(PublishedEvent):
    """The exemption from a year ended; `until` is the last day it held (A-14)."""

    TYPE: ClassVar[str] = "cn.xuefen.ledger.exemption.ended.v1"

    person_id: OpaqueId
    year: CreditYear
    reason: Code
    authority: Adcode
    until: Day


class DeferralGranted(PublishedEvent):
    """An authority gave a person until a later day, that day included, for a year (A-14)."""

    TYPE: ClassVar[str] = "cn.xuefen.ledger.deferral.granted.v1"

    person_id: OpaqueId
    year: CreditYear
    reason: Code
    authority: Adcode
    until: Day


class DeferralEnded(PublishedEvent):
    """The deferral of a year ended early; `until` is the last day it held (A-14)."""

    TYPE: ClassVar[str] = "cn.xuefen.ledger.deferral.ended.v1"

    person_id: OpaqueId
    year: CreditYear
    reason: Code
    authority: Adcode
    until: Day


class SpecialReasonApproved(PublishedEvent):
    """An official approved a person's special reason for missing a year: providers' records make it up (A-06)."""

    TYPE: ClassVar[str] = "cn.xuefen.ledger.special-reason.approved.v1"

    person_id: OpaqueId
    year: CreditYear
    reason: Code
    authority: Adcode
    clause: str


class SpecialReasonEnded(PublishedEvent):
    """The approval of a person's special reason ended (A-06)."""

    TYPE: ClassVar[str] = "cn.xuefen.ledger.special-reason.ended.v1"

    person_id: OpaqueId
    year: CreditYear
    reason: Code
    authority: Adcode


class YearClosed(PublishedEvent):
    """An authority closed a credit year for a place and all under it: only make-up and corrections follow (S2A-08)."""

    TYPE: ClassVar[str] = "cn.xuefen.ledger.year.closed.v1"

    place: Adcode
    year: CreditYear
    last_day: Day
    closed_at: UtcTime


class PolicyPublished(PublishedEvent):
    """A notice was published for its place and credit years, as the content its hash names; a later one may override.

    `dated` orders the notices of one place: the day of issue, or of effect where the text has none (C-04).
    """

    TYPE: ClassVar[str] = "cn.xuefen.ledger.policy.published.v1"

    notice_id: Code
    place: Adcode
    document: Annotated[str, StringConstraints(min_length=1, max_length=1000)]
    dated: Day
    years_from: CreditYear | None
    years_to: CreditYear | None
    policy: ContentHash


class NoNoticeDeclared(PublishedEvent):
    """An authority said that no notice will come for a credit year of a place and all under it: what the nation's rule
    judged provisionally it judges for good (B-20). A notice published after all, as `policy.published` says, ends this, and
    so does the authority that takes its word back.
    """

    TYPE: ClassVar[str] = "cn.xuefen.ledger.no-notice.declared.v1"

    place: Adcode
    year: CreditYear
    declared_at: UtcTime


class NoNoticeWithdrawn(PublishedEvent):
    """An authority took back its word that no notice will come for a credit year: the nation's rule judges it provisionally
    again (B-20)."""

    TYPE: ClassVar[str] = "cn.xuefen.ledger.no-notice.withdrawn.v1"

    place: Adcode
    year: CreditYear
    reason: Code
    withdrawn_at: UtcTime
