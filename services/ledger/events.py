"""The ledger's stored events: immutable facts in the past tense, with pinned names. None holds a name, an ID number
or a telephone number; persons and organizations appear by opaque id or keyed hash."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar, Literal

from services.kit.events import Event
from services.ledger.policy import Category, CreditCategory, HoldReason, Route


class RecordedCompletion(Event, frozen=True, kw_only=True):
    """What a provider said about one completed course; the part every event about it repeats.

    `hours` is what was reported where the policy made the credits from them.
    `content` is a keyed digest of what the posted record means, by which a repeat is told from a conflict.
    """

    provider_id: str
    completion_id: str
    year: int
    category: Category
    credits: Decimal
    mode: str
    course: str
    completed_at: datetime
    content: str
    title: str | None = None
    tier: str | None = None
    started_on: date | None = None
    exam_passed_at: datetime | None = None
    evaluated_at: datetime | None = None
    hours: Decimal | None = None
    filing: str | None = None


class CreditEarned(Event, frozen=True, kw_only=True):
    """Credits were registered in a person's account for a year, as awarded (S1-09, S3B-07).

    `route` says how they came, and `completion_id` names the record they came from: the provider's own id, a claim, a
    roster row, a line of a list. `form` is the kind of activity, None for a course; credits of category "any" count in
    the order of `fill`. `decided_by` is the official who approved them, where one did; `fact` the keyed digest of the real
    fact they are for, which counts once by whatever route (A-15); `correction` why they entered a closed year (B-07).
    """

    TOPIC: ClassVar[str] = "ledger.CreditEarned"

    credit_id: str
    person_id: str
    year: int
    category: CreditCategory
    credits: Decimal
    mode: str
    completion_id: str
    completed_at: datetime
    content: str
    provider_id: str | None = None
    course: str = ""
    title: str | None = None
    tier: str | None = None
    started_on: date | None = None
    exam_passed_at: datetime | None = None
    evaluated_at: datetime | None = None
    hours: Decimal | None = None
    filing: str | None = None
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


class CompletionHeld(RecordedCompletion, frozen=True, kw_only=True):
    """A completion of a known person waits in the account: for an enrolment, the exam (S0-11), an evaluation, or the total
    (S2B-07). Said again of the same completion, it waits for another reason than before.
    """

    TOPIC: ClassVar[str] = "ledger.CompletionHeld"

    person_id: str
    reason: HoldReason
    clause: str
    policy: str
    held_at: datetime


class HeldCompletionWithdrawn(Event, frozen=True, kw_only=True):
    """The provider took back a completion that was still waiting in the account."""

    TOPIC: ClassVar[str] = "ledger.HeldCompletionWithdrawn"

    person_id: str
    year: int
    provider_id: str
    completion_id: str
    reason: str


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


class ProfileRecorded(Event, frozen=True, kw_only=True):
    """The registry collected a person whose place belongs to this log (S1-06, S3B-02).

    `qualified_on` is the first qualification's day; `qualification` the highest level held, by which courses are tiered.
    """

    TOPIC: ClassVar[str] = "ledger.ProfileRecorded"

    person_id: str
    identity_hash: str
    name_hash: str
    place: str
    employer: str | None = None
    student: bool = False
    qualified_on: date | None = None
    qualification: str | None = None
    working_since: date | None = None
    collected_at: datetime


class ProfileChanged(Event, frozen=True, kw_only=True):
    """The registry changed what it has on record of a person (S2C-09): what holds from now on, whole.

    `qualified_on` is the first qualification's day, `qualification` the highest level held. `cause` is change, or reversal
    or separation when a wrong change was undone.
    """

    TOPIC: ClassVar[str] = "ledger.ProfileChanged"

    person_id: str
    change_id: str
    cause: str
    identity_hash: str
    name_hash: str
    employer: str | None = None
    student: bool = False
    student_since: date | None = None
    qualified_on: date | None = None
    qualification: str | None = None
    working_since: date | None = None
    left_on: date | None = None
    retired_on: date | None = None
    changed_at: datetime


class ProfileMoved(Event, frozen=True, kw_only=True):
    """The profile moved to another place of the same authority (S2C-12)."""

    TOPIC: ClassVar[str] = "ledger.ProfileMoved"

    person_id: str
    from_place: str
    to_place: str
    employer: str | None = None
    transfer_id: str
    moved_at: datetime


class ProfileErased(Event, frozen=True, kw_only=True):
    """The registry destroyed who the person was: the profile is found under no keyed hash any more."""

    TOPIC: ClassVar[str] = "ledger.ProfileErased"

    person_id: str
    erased_at: datetime


class ProviderNamed(Event, frozen=True, kw_only=True):
    """An organization exists, with the legal name by which notices list providers (S1-22)."""

    TOPIC: ClassVar[str] = "ledger.ProviderNamed"

    organization_id: str
    name: str
    uscc: str


class ProviderAccredited(Event, frozen=True, kw_only=True):
    """A finance bureau filed and published a provider for a place, years and modes (S2B-14, S3B-12)."""

    TOPIC: ClassVar[str] = "ledger.ProviderAccredited"

    organization_id: str
    place: str
    years: tuple[int, ...]
    modes: tuple[str, ...]


class ProviderDisqualified(Event, frozen=True, kw_only=True):
    """A provider lost its standing in a place from a date on (S0-25)."""

    TOPIC: ClassVar[str] = "ledger.ProviderDisqualified"

    organization_id: str
    place: str
    from_date: date
    reason: str


class ProviderReinstated(Event, frozen=True, kw_only=True):
    """A standing lost at this place came back from a date on; completions of the days between stay refused."""

    TOPIC: ClassVar[str] = "ledger.ProviderReinstated"

    organization_id: str
    place: str
    from_date: date
    reason: str


class AccreditationEnded(Event, frozen=True, kw_only=True):
    """What was filed and published for a place, years and modes ended from a date on (S2B-14)."""

    TOPIC: ClassVar[str] = "ledger.AccreditationEnded"

    organization_id: str
    place: str
    years: tuple[int, ...]
    modes: tuple[str, ...]
    from_date: date
    reason: str


class RecordHeld(Event, frozen=True, kw_only=True):
    """A record of a person this log does not hold waits under the keyed hash of the ID number.

    `kind` is completion, enrolment or exam_pass; `record` is the posted record without its person.
    """

    TOPIC: ClassVar[str] = "ledger.RecordHeld"

    kind: str
    provider_id: str
    record_id: str
    year: int
    identity_hash: str
    name_hash: str
    reason: HoldReason
    content: str
    record: dict[str, Any]


class HeldRecordReleased(Event, frozen=True, kw_only=True):
    """A waiting record was decided; `outcome` is registered, held (now in the account) or rejected, with its problem."""

    TOPIC: ClassVar[str] = "ledger.HeldRecordReleased"

    kind: str
    provider_id: str
    record_id: str
    year: int
    person_id: str
    outcome: str
    problem: str | None = None
    clause: str | None = None


class HeldRecordWithdrawn(Event, frozen=True, kw_only=True):
    """The provider took back a record that was still waiting for its person."""

    TOPIC: ClassVar[str] = "ledger.HeldRecordWithdrawn"

    kind: str
    provider_id: str
    record_id: str
    reason: str


class PolicyPublished(Event, frozen=True, kw_only=True):
    """A notice was published: the whole file as data, named by the hash of its content."""

    TOPIC: ClassVar[str] = "ledger.PolicyPublished"

    notice_id: str
    document: str
    place: str
    dated: date
    years_from: int | None = None
    years_to: int | None = None
    notice_hash: str
    notice: dict[str, Any]
