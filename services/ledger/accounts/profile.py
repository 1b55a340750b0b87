"""The profile: what the ledger knows of a person whose place belongs to this log, without name or number."""

from datetime import date

from msgspec import Struct
from msgspec.structs import replace

from services.kit.events import Event
from services.ledger.events import ProfileChanged, ProfileErased, ProfileMoved, ProfileRecorded
from services.ledger.policy import Person


class Profile(Struct, frozen=True):
    """A person as the ledger follows them; `person` is what an assessment asks for.

    The notices attach nothing to leaving accounting work or to retiring (A-14): the days are kept, and change no duty.
    """

    person: Person
    identity_hash: str
    name_hash: str
    employer: str | None
    student_since: date | None = None
    left_on: date | None = None
    retired_on: date | None = None


def stream_of(person_id: str) -> str:
    """The stream of one person's profile in the log of their authority."""
    return f"profile:{person_id}"


def evolve(profile: Profile | None, event: Event) -> Profile | None:
    """The profile after one more event; events of other streams leave it as it is."""
    match event:
        case ProfileRecorded():
            return Profile(
                person=Person(
                    person_id=event.person_id,
                    place=event.place,
                    qualified_on=event.qualified_on,
                    working_since=event.working_since,
                    student=event.student,
                ),
                identity_hash=event.identity_hash,
                name_hash=event.name_hash,
                employer=event.employer,
            )
        case ProfileChanged() if profile is not None:
            return Profile(
                person=Person(
                    person_id=profile.person.person_id,
                    place=profile.person.place,
                    qualified_on=event.qualified_on,
                    working_since=event.working_since,
                    student=event.student,
                ),
                identity_hash=event.identity_hash,
                name_hash=event.name_hash,
                employer=event.employer,
                student_since=event.student_since,
                left_on=event.left_on,
                retired_on=event.retired_on,
            )
        case ProfileMoved() if profile is not None:
            student = event.employer is None
            return Profile(
                person=Person(
                    person_id=profile.person.person_id,
                    place=event.to_place,
                    qualified_on=profile.person.qualified_on,
                    working_since=profile.person.working_since,
                    # Whoever moves names the new employer, or is a student and has none (S2C-10).
                    student=student,
                ),
                identity_hash=profile.identity_hash,
                name_hash=profile.name_hash,
                employer=event.employer,
                student_since=profile.student_since if student is profile.person.student else None,
                left_on=profile.left_on,
                retired_on=profile.retired_on,
            )
        case ProfileErased() if profile is not None:
            return replace(profile, identity_hash=f"erased:{event.person_id}", name_hash="")
        case _:
            return profile
