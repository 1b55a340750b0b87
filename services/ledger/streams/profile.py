"""The profile: what the ledger knows of a person whose place belongs to this log, without name or number."""

from datetime import date, datetime

from msgspec import Struct
from msgspec.structs import replace

from services.kit.events import Event
from services.kit.pydantic_models import view
from services.ledger.policy import Person
from services.ledger.streams.profile_events import (
    DepartureCompleted,
    DepartureConfirmed,
    DepartureGuarded,
    DepartureLifted,
    FormerIdentity,
    Judgement,
    JudgementsArrived,
    ProfileAbsorbed,
    ProfileArrived,
    ProfileChanged,
    ProfileErased,
    ProfileLeft,
    ProfileMerged,
    ProfileMoved,
    ProfileRecorded,
)


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


class Merged(Struct, frozen=True, omit_defaults=True):
    """The profile is part of another one of the same person since a moment."""

    into: str
    at: datetime


class Profile(Struct, frozen=True, omit_defaults=True, gc=False):
    """A person as the ledger follows them; `person` is what an assessment asks for.

    Leaving accounting work and retiring change a duty only where a notice says so (A-14).
    `judged` are years that other authorities judged (A-13), `arrived` is the transfer that brought the person last, and
    `left` says where they went. `merged` names the profile that this one is part of now, `absorbed` those that are part of
    this one.
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
    merged: Merged | None = None
    absorbed: tuple[str, ...] = ()

    @property
    def identities(self) -> frozenset[str]:
        """The keyed hashes of every number that is or was the person's."""
        return frozenset((self.identity_hash, *(each.identity_hash for each in self.former)))

    def is_called(self, identity_hash: str, name_hash: str) -> bool:
        """Whether a number and a name are the person's, now or formerly (B-24)."""
        if self.identity_hash == identity_hash and self.name_hash == name_hash:
            return True
        return self.was_called(identity_hash, name_hash)

    def was_called(self, identity_hash: str, name_hash: str) -> bool:
        """Whether a number and a name were the person's before a change."""
        return any((each.identity_hash, each.name_hash) == (identity_hash, name_hash) for each in self.former)

    @property
    def is_moving(self) -> bool:
        """Whether anything of a move bears on new records: the person is leaving, has left, or came with judged years, or
        the profile is part of another.
        """
        return (
            self.departing is not None
            or self.left is not None
            or self.judged != ()
            or self.merged is not None
        )

    def is_of(self, person_id: str) -> bool:
        """Whether an id is the person's, or of a profile that is part of this one."""
        return person_id == self.person.person_id or person_id in self.absorbed

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
            person = replace(profile.person, traits=replace(profile.person.traits, birth_month=None))
            nobody = f"erased:{event.person_id}"
            return replace(profile, person=person, identity_hash=nobody, name_hash="", former=())
        case ProfileMerged():
            nobody = f"merged:{event.person_id}"
            merged = Merged(event.into, event.merged_at)
            return replace(
                profile, identity_hash=nobody, name_hash="", former=(), departing=None, merged=merged
            )
        case ProfileAbsorbed():
            return replace(
                profile,
                judged=_judged_anew(event.judged, profile.judged),
                arrived=profile.arrived or event.transfer_id,
                absorbed=tuple(dict.fromkeys((*profile.absorbed, *event.absorbed, event.merged_id))),
            )
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
        absorbed=profile.absorbed if profile is not None else (),
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
