"""The profile: what the ledger knows of a person whose place belongs to this log, without name or number; its stored
events are also those of a move."""

from datetime import date, datetime
from decimal import Decimal
from typing import ClassVar, Literal

from msgspec import Struct
from msgspec.structs import replace

from services.kit.events import Event
from services.kit.pydantic_models import view
from services.ledger.policy import (
    Person,
)
from services.ledger.policy.judging.assessment import Status
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


LiftReason = Literal["cancelled", "withdrawn", "returned", "lapsed"]


class Judgement(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A year as another authority judged it, with what that followed: `place` is where, `judged_on` as of which day; its
    minima, what was missing, the clauses of it all, and whether a notice or the nation's rule judged (`basis`, B-20)."""

    year: int
    status: Status
    total: Decimal
    by_category: dict[str, Decimal]
    place: str
    judged_on: date
    policy: str | None = None
    requirements: tuple[RequirementResult, ...] = ()
    missing: tuple[Missing, ...] = ()
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


class Departing(Struct, frozen=True, omit_defaults=True):
    """A transfer to another authority is under way; `confirmed` once the transfer's own feed has told of it."""

    transfer_id: str
    to_place: str
    since: datetime
    confirmed: bool = False


class Left(Struct, frozen=True, omit_defaults=True):
    """The person is no longer of this log: the years that moved with them, and the moment from which study is others'.

    `stays` are the years that this log had judged by then, and judges on (A-13): a notice of later does not add to them.
    `completed` once the transfer's feed has told that they arrived, as it also does from another deployment.
    """

    transfer_id: str
    to_place: str
    years: tuple[int, ...]
    left_at: datetime
    stays: tuple[int, ...] = ()
    completed: bool = False


class Profile(Struct, frozen=True, omit_defaults=True):
    """A person as the ledger follows them; `person` is what an assessment asks for.

    Leaving accounting work and retiring change a duty only where a notice says so (A-14).
    `judged` are years that other authorities judged (A-13), `arrived` is the transfer that brought the person last, and
    `left` says where they went.
    """

    person: Person
    identity_hash: str
    name_hash: str
    student_since: date | None = None
    left_on: date | None = None
    retired_on: date | None = None
    departing: Departing | None = None
    left: Left | None = None
    judged: tuple[Judgement, ...] = ()
    arrived: str | None = None
    former: tuple[FormerIdentity, ...] = ()

    @property
    def identities(self) -> frozenset[str]:
        """The keyed hashes of every number that is or was the person's."""
        return frozenset((self.identity_hash, *(each.identity_hash for each in self.former)))

    def is_called(self, identity_hash: str, name_hash: str) -> bool:
        """Whether a number and a name are the person's, now or formerly (B-24)."""
        return (self.identity_hash, self.name_hash) == (identity_hash, name_hash) or self.was_called(
            identity_hash, name_hash
        )

    def was_called(self, identity_hash: str, name_hash: str) -> bool:
        """Whether a number and a name were the person's before a change."""
        return any((each.identity_hash, each.name_hash) == (identity_hash, name_hash) for each in self.former)

    @property
    def is_moving(self) -> bool:
        """Whether anything of a move bears on new records: the person is leaving, has left, or came with judged years."""
        return self.departing is not None or self.left is not None or self.judged != ()

    def judgement(self, year: int) -> Judgement | None:
        """How another authority judged the year, None when this one does."""
        return next((each for each in self.judged if each.year == year), None)


def numbers_before(identity_hash: str, former: tuple[FormerIdentity, ...]) -> tuple[str, ...]:
    """The keyed hashes of the numbers somebody had before the present one."""
    return tuple(sorted({each.identity_hash for each in former} - {identity_hash}))


def stream_of(person_id: str) -> str:
    """The stream of one person's profile in the log of their authority."""
    return f"profile:{person_id}"


def evolve(profile: Profile | None, event: Event) -> Profile | None:
    """The profile after one more event; events of other streams leave it as it is."""
    match event:
        case ProfileRecorded():
            return _recorded(event)
        case ProfileArrived():
            return _arrived(profile, event)
        case _ if profile is None:
            return None
        case ProfileChanged():
            return _changed(profile, event)
        case ProfileMoved():
            return _moved(profile, event)
        case ProfileErased():
            return replace(profile, identity_hash=f"erased:{event.person_id}", name_hash="", former=())
        case _:
            return _on_the_way(profile, event)


def _on_the_way(profile: Profile, event: Event) -> Profile:
    """The profile after one more event of a departure, or of what others judged."""
    match event:
        case DepartureGuarded():
            return replace(profile, departing=Departing(event.transfer_id, event.to_place, event.guarded_at))
        case DepartureConfirmed() if profile.departing is not None:
            return replace(profile, departing=replace(profile.departing, confirmed=True))
        case DepartureLifted():
            return replace(profile, departing=None)
        case ProfileLeft():
            stays = tuple(each.year for each in event.judged if each.place == event.from_place)
            left = Left(event.transfer_id, event.to_place, event.years, event.left_at, stays)
            return replace(profile, departing=None, left=left)
        case DepartureCompleted() if profile.left is not None:
            return replace(profile, left=replace(profile.left, completed=True))
        case JudgementsArrived():
            return replace(profile, judged=_judged_anew(profile.judged, event.judged))
        case _:
            return profile


def _recorded(event: ProfileRecorded) -> Profile:
    return Profile(
        person=view(Person, event, left_on=None, retired_on=None),
        identity_hash=event.identity_hash,
        name_hash=event.name_hash,
    )


def _arrived(profile: Profile | None, event: ProfileArrived) -> Profile:
    """Who comes back is who they are now; what others judged before stands until they are judged anew."""
    return Profile(
        person=view(Person, event, left_on=None, retired_on=None),
        identity_hash=event.identity_hash,
        name_hash=event.name_hash,
        student_since=event.student_since,
        left_on=event.left_on,
        retired_on=event.retired_on,
        judged=_judged_anew(profile.judged if profile is not None else (), event.judged),
        arrived=event.transfer_id,
        former=event.former,
    )


def _judged_anew(before: tuple[Judgement, ...], now: tuple[Judgement, ...]) -> tuple[Judgement, ...]:
    years = {each.year: each for each in (*before, *now)}
    return tuple(years[year] for year in sorted(years))


def _changed(profile: Profile, event: ProfileChanged) -> Profile:
    return replace(
        profile,
        person=replace(
            profile.person,
            qualified_on=event.qualified_on,
            working_since=event.working_since,
            student=event.student,
            qualification=event.qualification,
            employer=event.employer,
            traits=event.traits,
        ),
        identity_hash=event.identity_hash,
        name_hash=event.name_hash,
        student_since=event.student_since,
        left_on=event.left_on,
        retired_on=event.retired_on,
        former=event.former,
    )


def _moved(profile: Profile, event: ProfileMoved) -> Profile:
    student = event.employer is None
    return replace(
        profile,
        # Whoever moves names the new employer, or is a student and has none (S2C-10).
        person=replace(profile.person, place=event.to_place, student=student, employer=event.employer),
        student_since=profile.student_since if student is profile.person.student else None,
    )
