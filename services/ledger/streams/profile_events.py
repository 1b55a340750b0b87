"""Stored events of a profile, and of a move: what the registry and the transfer service said of a person, in the words of
the log."""

from datetime import date, datetime
from decimal import Decimal
from typing import ClassVar, Literal

from msgspec import Struct

from services.kit.events import Event
from services.ledger.policy.judging.assessment import Status
from services.ledger.policy.judging.policy_day import PersonOpening
from services.ledger.policy.judging.requirements import Missing, RequirementResult
from services.ledger.policy.language.facts import NO_TRAITS, Traits
from services.ledger.policy.policy import Basis


class FormerIdentity(Struct, frozen=True):
    """A name and number that the person had until a day, as keyed hashes (B-24)."""

    identity_hash: str
    name_hash: str
    until: date


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
    traits: Traits = NO_TRAITS
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
    former: tuple[FormerIdentity, ...] = ()
    employer: str | None = None
    student: bool = False
    student_since: date | None = None
    qualified_on: date | None = None
    qualification: str | None = None
    working_since: date | None = None
    traits: Traits = NO_TRAITS
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


class ProfileMerged(Event, frozen=True, kw_only=True):
    """The profile is part of another one of the same person, `into`, as the registry said: its accounts, cases and numbers
    are that one's from now on."""

    TOPIC: ClassVar[str] = "ledger.ProfileMerged"

    person_id: str
    into: str
    merged_at: datetime


LiftReason = Literal["cancelled", "withdrawn", "returned", "lapsed"]


class Judgement(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A year as another authority judged it, with what that followed: `place` is where, `judged_on` as of which day; its
    minima, what was missing and how the person could make it up there (`make_up`), the clauses of it all, and whether a
    notice or the nation's rule judged (`basis`, B-20)."""

    year: int
    status: Status
    total: Decimal
    by_category: dict[str, Decimal]
    place: str
    judged_on: date
    policy: str | None = None
    requirements: tuple[RequirementResult, ...] = ()
    missing: tuple[Missing, ...] = ()
    make_up: tuple[PersonOpening, ...] = ()
    clauses: tuple[str, ...] = ()
    basis: Basis | None = None


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


class ProfileArrived(Event, frozen=True, kw_only=True):
    """The person arrived in this log from another authority, with the years that others have judged."""

    TOPIC: ClassVar[str] = "ledger.ProfileArrived"

    person_id: str
    transfer_id: str
    identity_hash: str
    name_hash: str
    former: tuple[FormerIdentity, ...] = ()
    from_authority: str
    from_place: str
    place: str
    employer: str | None = None
    student: bool = False
    student_since: date | None = None
    qualified_on: date | None = None
    qualification: str | None = None
    working_since: date | None = None
    traits: Traits = NO_TRAITS
    left_on: date | None = None
    retired_on: date | None = None
    judged: tuple[Judgement, ...] = ()
    left_at: datetime
    arrived_at: datetime


class JudgementsArrived(Event, frozen=True, kw_only=True):
    """An authority that the person has left judged years of its own again, after a correction or study made up there."""

    TOPIC: ClassVar[str] = "ledger.JudgementsArrived"

    person_id: str
    transfer_id: str
    sequence: int
    judged: tuple[Judgement, ...]
    arrived_at: datetime


class ProfileAbsorbed(Event, frozen=True, kw_only=True):
    """Another profile of the same person, `merged_id`, became part of this one, with the years that others had judged of it
    and the profiles that were part of it; `transfer_id` is the move that had brought it, where one had."""

    TOPIC: ClassVar[str] = "ledger.ProfileAbsorbed"

    person_id: str
    merged_id: str
    judged: tuple[Judgement, ...] = ()
    absorbed: tuple[str, ...] = ()
    transfer_id: str | None = None
    merged_at: datetime
