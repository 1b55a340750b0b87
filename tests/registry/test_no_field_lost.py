"""No field of a person is lost on the way: handed in, stored, published, shown, sent to another registry and taken in."""

from datetime import UTC, date, datetime
from uuid import UUID

import pytest

from contracts.registry import Qualification
from contracts.relay import ArrivingPerson
from services.kit.aggregates import Aggregate
from services.kit.pydantic_models import names_of
from services.registry.moves.handover import arriving_profile, told_profile, travelling_of
from services.registry.people.identities import PersonIdentity
from services.registry.people.schemas import CollectionRequest, PersonView
from services.registry.store.projection import FACTS
from services.registry.store.publishing import PUBLICATIONS, Publication
from services.registry.streams.actor import Actor
from services.registry.streams.collection import FINAL, INITIAL
from services.registry.streams.person import Person
from services.registry.streams.profile import FIELDS, Identity, Profile, facts_of, profile_of

NOW = datetime(2026, 3, 2, 1, tzinfo=UTC)
CASE = UUID("11111111-1111-4111-8111-111111111111")
CLERK, CHIEF, HEAD = (
    Actor(name, frozenset({"collection:review"}), place=place)
    for name, place in (("clerk", "211300"), ("chief", "211300"), ("head", "210000"))
)
FULL = Profile(
    name_hash="hs256:" + "2" * 43,
    place="211302",
    employer="91210100MA0000001X",
    student=True,
    student_since=date(2019, 9, 1),
    qualifications=(
        Qualification(level="junior", obtained_on=date(2020, 9, 1)),
        Qualification(level="senior", obtained_on=date(2024, 9, 1)),
    ),
    jobs=("cashier", "audit"),
    working_since=date(2018, 7, 1),
    left_on=date(2025, 1, 31),
    retired_on=date(2025, 2, 28),
    affiliation="central",
    groups=("township",),
    graduated_on=date(2019, 6, 30),
    birth_month="1990-09",
)


def collected(profile: Profile = FULL) -> Person:
    person = Person.submit(
        collection_id=CASE, identity_hash="hs256:" + "1" * 43, profile=profile, by=CLERK, at=NOW
    )
    person.pass_review(INITIAL, by=CHIEF, at=NOW)
    person.pass_review(FINAL, by=HEAD, at=NOW)
    return person


def same(one: object, other: object, *, besides: frozenset[str] = frozenset()) -> None:
    """Every field that both have is equal, and holds something."""
    shared = (set(names_of(type(one))) & set(names_of(type(other)))) - besides
    told = {name: getattr(one, name) for name in shared}
    assert told == {name: getattr(other, name) for name in shared}
    assert all(value not in (None, "", ()) for value in told.values()), told


def test_every_field_of_a_profile_holds_something_here():
    assert all(getattr(FULL, name) not in (None, "", (), False) for name in names_of(Profile))


def test_a_profile_comes_back_from_its_event():
    assert profile_of(facts_of(FULL)) == FULL


def test_what_is_handed_in_becomes_the_profile():
    body = CollectionRequest(
        person=PersonIdentity(id_type="passport", id_number="E00000000", name="Ann Example"),
        place=FULL.place,
        student=True,
        student_since=FULL.student_since,
        qualifications=[{"level": "junior", "obtained_on": "2020-09-01", "certificate_number": "A-1"}],
        jobs=["cashier"],
        working_since=FULL.working_since,
        affiliation="central",
        groups=["township"],
        graduated_on=FULL.graduated_on,
        birth_month=FULL.birth_month,
    )

    profile = body.profile("hs256:n")

    assert profile.qualifications == FULL.qualifications[:1]
    assert profile.jobs == FULL.jobs[:1]
    same(profile, body, besides=frozenset({"qualifications", "jobs", "groups", "employer"}))


def test_the_row_of_a_person_has_a_column_for_every_field_but_the_month_of_birth():
    assert set(names_of(Profile)) - {"qualifications", "birth_month"} == set(FACTS) - {"levels", "obtained"}


def test_a_person_is_shown_with_every_field():
    hidden = {"name_hash", "birth_month"}
    assert (set(names_of(Profile)) | set(FIELDS)) - hidden <= set(names_of(PersonView))


def test_whoever_leaves_arrives_with_every_field():
    identity = Identity("passport", "E00000000", "Ann Example")

    travelling = travelling_of(identity, FULL)
    same(travelling, FULL)
    same(travelling, identity)
    arriving = ArrivingPerson.model_validate_json(
        ArrivingPerson(person=travelling, place="210100", employer=None, student=True).model_dump_json()
    )
    told = told_profile(arriving, FULL.name_hash)

    same(told, FULL, besides=frozenset({"place", "employer"}))
    assert (told.place, told.employer) == ("210100", None)


def test_the_ledger_learns_every_field_of_whoever_arrives():
    person = collected()

    told = arriving_profile(person, "transfer-1")

    same(told, FULL, besides=frozenset({"former"}))
    assert (told.qualification, told.qualified_on) == ("junior", date(2020, 9, 1))


def test_a_collected_person_is_published_with_every_field():
    (event,) = (each for each in collected().pending_events if each.TOPIC == "registry.InfoCollected")

    published = PUBLICATIONS["InfoCollected"].of(event)

    assert published is not None
    same(published, FULL)
    assert (published.level, published.qualification) == ("senior", FULL.qualifications[0])


def stored_fields(topic: str) -> set[str]:
    """The fields of a stored event, those of the profile that it carries among them."""
    found = {
        kind.TOPIC: kind
        for base in Aggregate.__subclasses__()
        for kind in vars(base).values()
        if isinstance(kind, type) and getattr(kind, "TOPIC", None)
    }
    fields = {name for kind in found[topic].__mro__ for name in getattr(kind, "__annotations__", {})}
    return fields | set(names_of(Profile)) if "profile" in fields else fields


@pytest.mark.parametrize(("topic", "publication"), PUBLICATIONS.items(), ids=PUBLICATIONS)
def test_a_published_event_has_a_source_for_every_field(topic: str, publication: Publication):
    stored = stored_fields(f"registry.{topic}")

    assert set(names_of(publication.kind)) <= stored | {
        publication.stream,
        publication.at,
        *publication.given,
    }
