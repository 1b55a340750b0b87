"""What is recorded of a move: in the log that is left and in the log that is reached. All of it stands in the streams of
the profile and of the accounts; none of it names anybody."""

from datetime import date, datetime
from decimal import Decimal
from typing import ClassVar, Literal

from msgspec import Struct

from services.kit.events import Event
from services.ledger.policy import Credit, Deferral, ExamPass, Exemption, Waiting
from services.ledger.policy.judging.assessment import Status

LiftReason = Literal["cancelled", "withdrawn", "returned", "lapsed"]


class Judgement(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A year as another authority judged it, with what that followed: `place` is where, `judged_on` as of which day."""

    year: int
    status: Status
    total: Decimal
    by_category: dict[str, Decimal]
    place: str
    judged_on: date
    policy: str | None = None


class Retraction(Struct, frozen=True, kw_only=True):
    """A provider took back a completion that had travelled while it waited."""

    provider_id: str
    completion_id: str
    reason: str
    at: datetime


class DepartureGuarded(Event, frozen=True, kw_only=True):
    """A transfer to another authority was asked for: nothing that blocks it may begin from now on (S2C-14)."""

    TOPIC: ClassVar[str] = "ledger.DepartureGuarded"

    person_id: str
    transfer_id: str
    to_place: str
    guarded_at: datetime


class DepartureConfirmed(Event, frozen=True, kw_only=True):
    """The transfer's own feed told of the request: the guard stands until the feed tells of its end."""

    TOPIC: ClassVar[str] = "ledger.DepartureConfirmed"

    person_id: str
    transfer_id: str
    confirmed_at: datetime


class DepartureLifted(Event, frozen=True, kw_only=True):
    """The person stays: the request was taken back, returned, or never came to be."""

    TOPIC: ClassVar[str] = "ledger.DepartureLifted"

    person_id: str
    transfer_id: str
    reason: LiftReason
    lifted_at: datetime


class ProfileLeft(Event, frozen=True, kw_only=True):
    """The person left this log for a place of another authority. `years` are those that move, `judged` those that stay, as
    this authority judges them, together with what others had judged before (A-13, B-12)."""

    TOPIC: ClassVar[str] = "ledger.ProfileLeft"

    person_id: str
    transfer_id: str
    from_place: str
    to_place: str
    years: tuple[int, ...]
    judged: tuple[Judgement, ...]
    left_at: datetime


class DepartureCompleted(Event, frozen=True, kw_only=True):
    """The transfer's feed told that the person who left has arrived: the destination's rules judge what moved (A-13)."""

    TOPIC: ClassVar[str] = "ledger.DepartureCompleted"

    person_id: str
    transfer_id: str
    completed_at: datetime


class AccountLeft(Event, frozen=True, kw_only=True):
    """An open year left with the person: what the account holds at this event is what was handed over, and what waited
    waits at the destination."""

    TOPIC: ClassVar[str] = "ledger.AccountLeft"

    person_id: str
    year: int
    transfer_id: str
    to_place: str
    left_at: datetime


class ProfileArrived(Event, frozen=True, kw_only=True):
    """The person arrived in this log from another authority, with the years that others have judged."""

    TOPIC: ClassVar[str] = "ledger.ProfileArrived"

    person_id: str
    transfer_id: str
    identity_hash: str
    name_hash: str
    from_authority: str
    from_place: str
    place: str
    employer: str | None = None
    student: bool = False
    student_since: date | None = None
    qualified_on: date | None = None
    qualification: str | None = None
    working_since: date | None = None
    left_on: date | None = None
    retired_on: date | None = None
    judged: tuple[Judgement, ...] = ()
    left_at: datetime
    arrived_at: datetime


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
    exams: tuple[ExamPass, ...] = ()
    exempt: Exemption | None = None
    deferred: Deferral | None = None
    taken_back: tuple[Retraction, ...] = ()
    arrived_at: datetime


class JudgementsArrived(Event, frozen=True, kw_only=True):
    """An authority that the person has left judged years of its own again, after a correction or study made up there."""

    TOPIC: ClassVar[str] = "ledger.JudgementsArrived"

    person_id: str
    transfer_id: str
    sequence: int
    judged: tuple[Judgement, ...]
    arrived_at: datetime
