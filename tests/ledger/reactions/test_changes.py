"""The registry's changes of a person: the ledger follows it as an event of its own, and what waited is decided."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from contracts import registry
from contracts.identity import IdentityHasher
from services.kit.event_store import EventStore
from services.ledger.counting.rebuild import rebuild
from tests.ledger.answers.test_attestations import checks, issues
from tests.ledger.cases.test_registrations import passed, registers
from tests.ledger.world import Provider, Somebody, World

LIAONING, WUHAN = "210000", "420100"
LISTED = "北京东奥时代教育科技有限公司"


def change_of(world: World, who: Somebody, place: str = LIAONING, **changes: Any) -> registry.InfoChanged:
    """The fact that the registry publishes of a changed person."""
    hasher, person = world.ledger.hashers.current, who.person
    facts: dict[str, Any] = {
        "person_id": who.person_id,
        "change_id": "change-1",
        "cause": "change",
        "items": ("name",),
        "identity_hash": hasher.person("resident_id", person.id_number),
        "name_hash": hasher.name("resident_id", person.id_number, person.name),
        "former": (),
        "place": place,
        "employer": None,
        "student": False,
        "student_since": None,
        "qualifications": (registry.Qualification(level="junior", obtained_on=date(2018, 9, 1)),),
        "working_since": None,
        "left_on": None,
        "retired_on": None,
        "affiliation": None,
        "groups": (),
        "graduated_on": None,
        "birth_month": None,
        "changed_at": world.now,
    }
    return registry.InfoChanged(**facts | changes)


def renamed(who: Somebody, **changes: str) -> Somebody:
    return Somebody(who.person_id, replace(who.person, **changes))


class TestInfoChanged:
    async def test_a_changed_name_releases_what_waited_under_it(self, world: World):
        """S2C-09, S0-23: the provider knew the new name before the registry did."""
        who = await world.collects(LIAONING)
        provider = await world.provides(LISTED, accredited=[LIAONING])
        after = renamed(who, name="周新名")
        [held] = await provider.posts(provider.completion(after, 2025, "30.00"))
        assert (held["outcome"], held["reason"]) == ("held", "name_differs")
        await world.hears(change_of(world, after))
        assert (await world.asks(who, 2025))["total"] == "30.00"

    async def test_a_changed_number_keeps_the_account_and_releases_what_waited(self, world: World):
        """S2C-09: same person, same history, another number."""
        who = await world.collects(LIAONING)
        provider = await world.provides(LISTED, accredited=[LIAONING])
        await provider.posts(provider.completion(who, 2025, "30.00"))
        after = renamed(who, id_number=world.stranger().id_number)
        [held] = await provider.posts(provider.completion(after, 2025, "20.00"))
        assert (held["outcome"], held["reason"]) == ("held", "not_collected")
        await world.hears(change_of(world, after, items=("id_document",)))
        [later] = await provider.posts(provider.completion(after, 2025, "10.00"))
        assert later["person_id"] == who.person_id
        assert (await world.asks(who, 2025))["total"] == "60.00"

    async def test_hashes_that_are_derived_anew_are_followed_and_release_what_waited(self, world: World):
        """A person whose hashes are those of an earlier release is found under those of now, before and after a repeat."""
        who, earlier = (
            Somebody("person-rehash", world.stranger()),
            IdentityHasher(b"an earlier normaliser's hashes stand in"),
        )
        pair = earlier.person_and_name("resident_id", who.person.id_number, who.person.name)
        hashes = {"identity_hash": pair[0], "name_hash": pair[1]}
        collected = world.collection(who.person_id, who.person, LIAONING)
        await world.hears(collected.model_copy(update=hashes))
        provider = await world.provides(LISTED, accredited=[LIAONING])
        record = provider.completion(who, 2025, "30.00")
        [held] = await provider.posts(record)
        assert (held["outcome"], held["reason"]) == ("held", "not_collected")
        former = (registry.FormerIdentity(**hashes, until=world.now.date()),)
        await world.hears(change_of(world, who, cause="rehash", items=("id_document", "name"), former=former))
        assert (await world.asks(who, 2025))["total"] == "30.00"
        [again] = await provider.posts(record)
        assert (again["outcome"], again.get("former_identity", False)) == ("duplicate", False)

    async def test_the_obligation_follows_its_grounds(self, world: World):
        """S0-04, S0-05: no ground, no duty; accounting work since 2019 makes one."""
        who = await world.collects(LIAONING, qualified_on=None)
        assert (await world.asks(who, 2025))["status"] == "not_required"
        await world.hears(
            change_of(world, who, items=("working_since",), qualifications=(), working_since=date(2019, 7, 1))
        )
        assert (await world.asks(who, 2025))["status"] != "not_required"

    async def test_the_duty_counts_from_the_qualification_obtained_first(self, world: World):
        """S0-04: a senior title does not begin the duty anew."""
        who = await world.collects(LIAONING, qualified_on=date(2030, 1, 1))
        levels = (
            registry.Qualification(level="senior", obtained_on=date(2029, 9, 1)),
            registry.Qualification(level="junior", obtained_on=date(2015, 9, 1)),
        )
        await world.hears(change_of(world, who, items=("qualifications",), qualifications=levels))
        assert (await world.asks(who, 2025))["status"] != "not_required"

    async def test_leaving_and_retiring_change_no_duty(self, world: World):
        """A-14: the notices attach nothing to them."""
        who = await world.collects(LIAONING)
        before = (await world.asks(who, 2025))["status"]
        await world.hears(
            change_of(
                world, who, items=("left_on", "retired_on"),
                left_on=date(2020, 1, 1), retired_on=date(2021, 1, 1),
            )
        )  # fmt: skip
        assert (await world.asks(who, 2025))["status"] == before

    async def test_a_student_owes_nothing(self, world: World):
        """B-09."""
        who = await world.collects(LIAONING)
        await world.hears(change_of(world, who, items=("student",), student=True))
        assert (await world.asks(who, 2025))["status"] == "not_required"

    async def test_goes_where_the_profile_is(self, world: World):
        """The registry may know of a move to another authority before the profile has moved."""
        who = await world.collects(LIAONING)
        await world.hears(change_of(world, who, WUHAN, items=("student",), student=True))
        assert (await world.asks(who, 2025))["status"] == "not_required"

    async def test_collected_and_changed_in_one_batch(self, world: World):
        person = world.stranger()
        who = Somebody("person-in-one-batch", person)
        fact = world.collection(who.person_id, person, LIAONING)
        await world.hears(fact, change_of(world, who, items=("student",), student=True))
        assert (await world.asks(who, 2025))["status"] == "not_required"

    async def test_a_separated_person_takes_the_number_over_in_one_batch(self, world: World):
        """A wrong change is undone: the number goes back, and belongs to somebody else from the same moment on."""
        who = await world.collects(LIAONING)
        provider = await world.provides(LISTED, accredited=[LIAONING])
        wrong = renamed(who, id_number=world.stranger().id_number)
        await world.hears(change_of(world, wrong, items=("id_document",)))
        # An id that sorts before the other's, as half of all random ones do.
        other = Somebody("a-separated-person", wrong.person)
        await world.hears(
            change_of(world, who, cause="separation", items=("id_document",)),
            world.collection(other.person_id, other.person, LIAONING),
        )
        [first] = await provider.posts(provider.completion(who, 2025, "30.00"))
        [second] = await provider.posts(provider.completion(other, 2025, "20.00"))
        assert (first["person_id"], second["person_id"]) == (who.person_id, other.person_id)

    async def test_what_waits_for_a_number_given_back_at_once_stays(self, world: World):
        who = await world.collects(LIAONING)
        provider = await world.provides(LISTED, accredited=[LIAONING])
        wrong = renamed(who, id_number=world.stranger().id_number)
        await provider.posts(provider.completion(wrong, 2025, "30.00"))
        await world.hears(
            change_of(world, wrong, items=("id_document",)),
            change_of(world, who, cause="reversal", items=("id_document",)),
        )
        assert (await world.asks(who, 2025))["total"] == "0.00"

    async def test_a_rebuild_comes_out_the_same(self, world: World):
        who = await world.collects(LIAONING)
        await world.hears(change_of(world, renamed(who, name="吴新名"), retired_on=date(2024, 1, 1)))
        rebuilt = await rebuild(world.ledger.databases, models=["profiles"], logs=[LIAONING])
        assert [each.rows_changed for each in rebuilt] == [0]

    async def test_what_is_nothing_to_the_ledger_leaves_its_log_alone(self, world: World):
        """A changed telephone number, say."""
        who = await world.collects(LIAONING)
        await world.hears(change_of(world, who, items=("contact",)))
        async with world.ledger.databases.of(LIAONING).acquire() as conn:
            streams = await EventStore().load(conn, LIAONING, [f"profile:{who.person_id}"])
        assert [event.topic for event in streams[f"profile:{who.person_id}"]] == ["ledger.ProfileRecorded"]

    async def test_is_an_event_of_the_profile_itself(self, world: World):
        who = await world.collects(LIAONING)
        await world.hears(change_of(world, who, items=("retired_on",), retired_on=date(2024, 1, 1)))
        async with world.ledger.databases.of(LIAONING).acquire() as conn:
            streams = await EventStore().load(conn, LIAONING, [f"profile:{who.person_id}"])
        (stream,) = streams.values()
        assert [event.topic for event in stream] == ["ledger.ProfileRecorded", "ledger.ProfileChanged"]


def former(world: World, *names: Somebody) -> tuple[registry.FormerIdentity, ...]:
    """The names and numbers that the registry publishes as somebody's of before."""
    hasher = world.ledger.hashers.current
    hashes = [hasher.person_and_name("resident_id", *_number_and_name(each)) for each in names]
    return tuple(
        registry.FormerIdentity(identity_hash=person, name_hash=name, until=date(2025, 3, 1))
        for person, name in hashes
    )


def _number_and_name(who: Somebody) -> tuple[str, str]:
    return who.person.id_number, who.person.name


class TestFormerIdentity:
    """B-24: somebody under a name or number of before is the same person, at every door."""

    @pytest.fixture
    async def change(self, world: World) -> tuple[Somebody, Somebody, Provider]:
        """A person as they were and as they are after a change of name and number; who reported before it."""
        before = await world.collects(LIAONING)
        provider = await world.provides(LISTED, accredited=[LIAONING])
        return before, renamed(before, id_number=world.stranger().id_number, name="郑新名"), provider

    async def _hears(self, world: World, before: Somebody, after: Somebody, **changes: Any) -> None:
        mixed = [renamed(before, name=after.person.name), renamed(after, name=before.person.name)]
        had = former(world, before, *mixed)
        await world.hears(change_of(world, after, items=("name", "id_document"), former=had, **changes))

    async def test_a_record_under_each_of_them_is_taken_and_marked(self, world: World, change: Any):
        before, after, provider = change
        await self._hears(world, before, after)
        under = [
            before,
            renamed(before, name=after.person.name),
            renamed(after, name=before.person.name),
            after,
        ]
        answers = await provider.posts(*(provider.completion(each, 2025, "10.00") for each in under))
        assert [each["outcome"] for each in answers] == ["registered"] * 4
        assert [each.get("former_identity", False) for each in answers] == [True, True, True, False]
        assert {each["person_id"] for each in answers} == {before.person_id}

    async def test_a_repeat_is_a_duplicate_under_each_of_them(self, world: World, change: Any):
        before, after, provider = change
        record = provider.completion(before, 2025, "30.00")
        [first] = await provider.posts(record)
        await self._hears(world, before, after)
        for who in (after, before, renamed(before, name=after.person.name)):
            again = record | {"person": provider.completion(who, 2025, "30.00")["person"]}
            [repeated] = await provider.posts(again)
            assert (repeated["outcome"], repeated["credit_id"]) == ("duplicate", first["credit_id"])
        assert (await world.asks(before, 2025))["total"] == "30.00"

    async def test_a_repeat_that_says_something_else_is_a_conflict(self, world: World, change: Any):
        before, after, provider = change
        record = provider.completion(before, 2025, "30.00")
        await provider.posts(record)
        await self._hears(world, before, after)
        other = record | {"person": provider.completion(after, 2025, "30.00")["person"], "credits": "31.00"}
        stranger = record | {"person": record["person"] | {"name": "吴别名"}}
        [first] = await provider.posts(other)
        [second] = await provider.posts(stranger)
        assert (first["outcome"], first["problem"]["differs"]) == ("conflict", ["/credits"])
        assert (second["outcome"], second["problem"]["differs"]) == ("conflict", ["/person/name"])

    async def test_what_waited_under_one_of_them_is_released(self, world: World, change: Any):
        before, after, provider = change
        early = [renamed(before, name=after.person.name), renamed(after, name=before.person.name), after]
        records = [provider.completion(each, 2025, "10.00") for each in early]
        assert {each["outcome"] for each in await provider.posts(*records)} == {"held"}
        await self._hears(world, before, after)
        assert (await world.asks(before, 2025))["total"] == "30.00"
        again = records[0] | {"person": provider.completion(after, 2025, "10.00")["person"]}
        assert (await provider.posts(again))[0]["outcome"] == "duplicate"

    async def test_another_name_under_a_former_number_waits(self, world: World, change: Any):
        before, after, provider = change
        await self._hears(world, before, after)
        [held] = await provider.posts(provider.completion(renamed(before, name="吴别名"), 2025, "30.00"))
        assert (held["outcome"], held["reason"]) == ("held", "name_differs")

    async def test_the_owner_of_a_number_comes_before_who_had_it(self, world: World, change: Any):
        before, after, provider = change
        await self._hears(world, before, after)
        owner = Somebody("a-later-owner", before.person)
        await world.hears(world.collection(owner.person_id, owner.person, LIAONING))
        [taken] = await provider.posts(provider.completion(owner, 2025, "30.00"))
        assert (taken["person_id"], taken.get("former_identity", False)) == (owner.person_id, False)

    async def test_a_list_by_number_finds_the_person(self, world: World, change: Any):
        before, after, _ = change
        await self._hears(world, before, after)
        for place in (LIAONING, "100000"):
            response = await world.client.post(
                "/v1/compliance/query",
                json={
                    "year": 2025,
                    "identities": [before.identity],
                },
                headers=world.official(place),
            )
            assert response.json()["results"][0]["person_id"] == before.person_id

    async def test_a_list_of_the_authority_finds_the_person(self, world: World, change: Any):
        before, after, _ = change
        await self._hears(world, before, after)
        today, world.now = world.now, datetime(2024, 12, 1, 4, tzinfo=UTC)
        try:
            [line] = (await registers(world, passed(before))).json()["results"]
        finally:
            world.now = today
        assert line["outcome"] == "registered"

    async def test_an_attestation_is_checked_by_either_name(self, world: World, change: Any):
        before, after, _ = change
        reference = (await issues(world, before, place=LIAONING)).json()["reference"]
        await self._hears(world, before, after)
        found = [await checks(world, reference, each) for each in (before, after)]
        assert [each.status_code for each in found] == [200, 200]
        assert (await checks(world, reference, renamed(after, name="吴别名"))).status_code == 404

    async def test_a_reversal_and_an_erasure_forget_them(self, world: World, change: Any):
        before, after, provider = change
        await self._hears(world, before, after)
        await world.hears(change_of(world, before, cause="reversal", items=("name", "id_document")))
        [held] = await provider.posts(provider.completion(after, 2025, "30.00"))
        assert (held["outcome"], held["reason"]) == ("held", "not_collected")
        await self._hears(world, before, after)
        erased = registry.PersonErased(
            person_id=before.person_id, place=LIAONING, reason="court_order", erased_at=world.now
        )
        await world.hears(erased)
        [held] = await provider.posts(provider.completion(before, 2025, "30.00"))
        assert (held["outcome"], held["reason"]) == ("held", "not_collected")

    async def test_a_rebuild_comes_out_the_same(self, world: World, change: Any):
        before, after, _ = change
        await self._hears(world, before, after)
        models = ["profiles", "former_identities"]
        rebuilt = await rebuild(world.ledger.databases, models=models, logs=[LIAONING])
        assert [each.rows_changed for each in rebuilt] == [0, 0]
