"""Merges (合并): one person on record twice becomes one, by two officials, and two again where that was wrong."""

from typing import Any

from services.kit.database import Database, Databases
from services.kit.event_store import EventStore
from services.registry.store.projection import READ_MODELS, rebuild
from services.registry.store.tables import LOG
from tests.registry.people.test_reversals import database, published, result_of
from tests.registry.scenarios import (
    CHAOYANG,
    DALIAN,
    LIAONING,
    SHUANGTA,
    Human,
    Registry,
    collection_of,
    somebody,
    uscc,
)

__all__ = ["database"]

PERMIT = [{"level": "junior", "obtained_on": "2015-09-01"}]
LATER = [{"level": "intermediate", "obtained_on": "2021-09-01"}]
NATION: dict[str, Any] = {"place": "100000"}


async def twice(registry: Registry, **changes: Any) -> tuple[Human, str, Human, str]:
    """One person on record twice: under a permit, and years later under another document."""
    first, later = somebody(), somebody()
    one = await registry.collected(first, qualifications=PERMIT, working_since="2014-07-01")
    other = await registry.collected(later, qualifications=LATER, working_since="2021-07-01", **changes)
    return first, one["person_id"], later, other["person_id"]


async def collected_in_dalian(registry: Registry) -> str:
    """Somebody of another authority."""
    body = collection_of(somebody(), place=DALIAN)
    outcome = (await registry.call("POST", "/v1/collections", body=body, **NATION)).json()
    for step, subject in (("initial", "official-2"), ("final", "official-3")):
        await registry.reviews(outcome["collection_id"], step, subject=subject, **NATION)
    person_id: str = outcome["person_id"]
    return person_id


async def proposed(registry: Registry, kept: str, other: str, **who: Any) -> Any:
    merge = {"person_id": other, "reason": "another_document"}
    return await registry.asks_change(kept, {"merge": merge}, **who)


async def merged(registry: Registry, kept: str, other: str) -> str:
    """The id of the change by which two officials have merged a profile into another."""
    change_id: str = (await proposed(registry, kept, other)).json()["change_id"]
    answer = await registry.reviews_change(change_id)
    assert answer.status_code == 200, answer.text
    return change_id


class TestMerge:
    async def test_takes_two_officials_of_both_places(self, registry: Registry) -> None:
        _, kept, _, other = await twice(registry, place="211303")
        outside = await proposed(registry, kept, other, place=SHUANGTA)
        assert outside.json()["type"] == "urn:xuefen:problem:outside-place"
        change_id = (await proposed(registry, kept, other)).json()["change_id"]
        assert (await registry.call("GET", f"/v1/persons/{other}")).status_code == 200
        own = await registry.reviews_change(change_id, subject="official-1")
        assert own.json()["type"] == "urn:xuefen:problem:own-submission"
        away = await registry.reviews_change(change_id, place=SHUANGTA)
        assert away.json()["type"] == "urn:xuefen:problem:outside-place"
        assert (await registry.reviews_change(change_id, place=LIAONING)).json()["state"] == "approved"

    async def test_is_no_business_of_units_and_persons(self, registry: Registry) -> None:
        code = uscc()
        organization = await registry.organization(kind="employer", code=code)
        human, other = somebody(), somebody()
        kept = (await registry.collected(human, employer=code))["person_id"]
        second = (await registry.collected(other, employer=code))["person_id"]
        merge = {"items": {"merge": {"person_id": second, "reason": "other"}}}
        path = f"/v1/persons/{kept}/changes"
        unit: dict[str, Any] = {"organization": organization, "subject": "employer-1"}
        for scope, who in (("collection:submit", unit), ("collection:own", {"document": human.claim})):
            answer = await registry.call("POST", path, scope, body=merge, **{"place": None} | who)
            assert answer.json()["type"] == "urn:xuefen:problem:outside-place"

    async def test_shows_the_second_official_what_the_one_profile_will_be(self, registry: Registry) -> None:
        _, kept, _, other = await twice(registry)
        change_id = (await proposed(registry, kept, other)).json()["change_id"]
        seen = (await registry.call("GET", f"/v1/changes/{change_id}")).json()
        new = {each["item"]: each["new"] for each in seen["items"]}
        assert new["merge"] == {"person_id": other, "reason": "another_document"}
        assert [each["level"] for each in new["qualifications"]] == ["junior", "intermediate"]
        assert "working_since" not in new

    async def test_gives_one_profile_with_the_qualifications_of_both(self, registry: Registry) -> None:
        _, kept, _, other = await twice(registry)
        await merged(registry, other, kept)
        seen = (await registry.call("GET", f"/v1/persons/{other}")).json()
        assert {each["level"] for each in seen["qualifications"]} == {"junior", "intermediate"}
        assert seen["working_since"] == "2014-07-01"

    async def test_takes_over_the_month_of_birth_that_the_kept_profile_does_not_tell(
        self, registry: Registry, database: Database
    ) -> None:
        human, later = somebody(), somebody()
        passport = {"id_type": "passport", "id_number": f"E{human.id_number[-9:-1]}"}
        body = {"person": human.body | passport}
        kept = (await registry.collected(human, **body))["person_id"]
        other = (await registry.collected(later))["person_id"]
        change_id = await merged(registry, kept, other)
        born = f"{later.id_number[6:10]}-{later.id_number[10:12]}"
        assert [each.birth_month for each in await published(database, kept)] == [None, born]
        await registry.reverses(change_id, separate=True, reason="two_persons_as_one")
        assert (await published(database, kept))[-1].birth_month is None

    async def test_keeps_the_month_of_birth_of_the_kept_profile(
        self, registry: Registry, database: Database
    ) -> None:
        first, kept, _, other = await twice(registry)
        await merged(registry, kept, other)
        born = f"{first.id_number[6:10]}-{first.id_number[10:12]}"
        assert {each.birth_month for each in await published(database, kept)} == {born}

    async def test_makes_the_names_and_numbers_of_the_other_former_ones(
        self, registry: Registry, database: Database
    ) -> None:
        first, kept, later, other = await twice(registry)
        await merged(registry, kept, other)
        assert await result_of(registry, first.body) == "match"
        assert await result_of(registry, later.body) == "former"
        last = (await published(database, kept))[-1]
        hashed = {(each.identity_hash, each.name_hash) for each in last.former}
        before = (await published(database, other))[0]
        assert (last.cause, last.place) == ("merge", SHUANGTA)
        assert (before.identity_hash, before.name_hash) in hashed
        assert (last.identity_hash, last.name_hash) not in hashed

    async def test_is_published_once_the_numbers_are_known(
        self, registry: Registry, database: Database
    ) -> None:
        _, kept, _, other = await twice(registry)
        change_id = await merged(registry, kept, other)
        async with database.acquire() as conn:
            streams = await EventStore().load(conn, LOG, [kept, other])
        assert streams[kept][-1].position < streams[other][-1].position
        told = (await published(database, other))[-1]
        assert (told.person_id, told.merged_id, told.change_id) == (kept, other, change_id)

    async def test_leaves_a_pointer_behind_the_other_id(self, registry: Registry) -> None:
        _, kept, _, other = await twice(registry)
        await merged(registry, kept, other)
        for method, path, body in (
            ("GET", f"/v1/persons/{other}", None),
            ("POST", f"/v1/persons/{other}/changes", {"items": {"jobs": ["audit"]}}),
            ("POST", f"/v1/persons/{other}/disclosure", {"purpose": "complaint"}),
            ("POST", f"/v1/persons/{other}/erasure", {"reason": "deceased", "authority": CHAOYANG}),
            (
                "POST",
                f"/v1/persons/{kept}/changes",
                {"items": {"merge": {"person_id": other, "reason": "other"}}},
            ),
        ):
            answer = await registry.call(method, path, body=body)
            assert answer.status_code == 409, (path, answer.text)
            if kept not in path:
                assert (answer.json()["type"], answer.json()["merged_into"]) == (
                    "urn:xuefen:problem:person-merged",
                    kept,
                )
        away = await registry.call("GET", f"/v1/persons/{other}", place=DALIAN)
        assert away.status_code == 404

    async def test_lets_nobody_collect_the_former_number_again(self, registry: Registry) -> None:
        _, kept, later, other = await twice(registry)
        await merged(registry, kept, other)
        answer = await registry.call("POST", "/v1/collections", body=collection_of(later))
        assert answer.json()["type"] == "urn:xuefen:problem:collection-exists"

    async def test_lets_the_person_take_the_other_document_as_theirs(self, registry: Registry) -> None:
        _, kept, later, other = await twice(registry)
        await merged(registry, kept, other)
        answer = await registry.asks_change(kept, {"id_document": later.document, "name": later.name})
        await registry.reviews_change(answer.json()["change_id"])
        assert await result_of(registry, later.body) == "match"

    async def test_ends_with_the_erasure_of_all_of_it(self, registry: Registry) -> None:
        first, kept, later, other = await twice(registry)
        await merged(registry, kept, other)
        body = {"reason": "deceased", "authority": CHAOYANG}
        assert (await registry.call("POST", f"/v1/persons/{kept}/erasure", body=body)).status_code == 200
        for human in (first, later):
            assert await result_of(registry, human.body) == "unknown"
        for person_id in (kept, other):
            body = {"purpose": "complaint"}
            answer = await registry.call("POST", f"/v1/persons/{person_id}/disclosure", body=body)
            assert answer.status_code in (409, 410)

    async def test_is_what_a_refused_document_points_to(self, registry: Registry) -> None:
        _, kept, later, other = await twice(registry, place="211303")
        official = await registry.asks_change(kept, {"id_document": later.document})
        assert (official.status_code, official.json()["person_id"]) == (409, other)
        assert "合并" in official.json()["detail"]
        assert (await proposed(registry, kept, official.json()["person_id"])).status_code == 201


class TestChain:
    """A profile that took over another may become part of a third one."""

    async def chained(self, registry: Registry) -> tuple[list[Human], list[str], list[str]]:
        """Three profiles, each merged into the next, and the changes that did it."""
        first, one, later, two = await twice(registry)
        last = somebody()
        three = (await registry.collected(last))["person_id"]
        changes = [await merged(registry, two, one), await merged(registry, three, two)]
        return [first, later, last], [one, two, three], changes

    async def test_every_former_id_points_to_the_last(self, registry: Registry) -> None:
        _, (one, two, three), _ = await self.chained(registry)
        for person_id in (one, two):
            for method, path, body in (
                ("GET", f"/v1/persons/{person_id}", None),
                ("POST", f"/v1/persons/{person_id}/changes", {"items": {"jobs": ["audit"]}}),
                ("POST", f"/v1/persons/{person_id}/disclosure", {"purpose": "complaint"}),
                ("POST", f"/v1/persons/{person_id}/erasure", {"reason": "deceased", "authority": CHAOYANG}),
            ):
                answer = await registry.call(method, path, body=body)
                assert (answer.status_code, answer.json()["merged_into"]) == (409, three), path

    async def test_each_is_delivered_as_the_last_is_called(self, registry: Registry) -> None:
        humans, people, _ = await self.chained(registry)
        body = {"purpose": "delivery", "recipient": "national-platform", "person_ids": people}
        answer = await registry.call("POST", "/v1/disclosures", "person:deliver", body=body)
        assert {each["id_number"] for each in answer.json()["people"]} == {humans[-1].id_number}

    async def test_every_number_is_the_lasts_former_one(self, registry: Registry, database: Database) -> None:
        humans, (_, _, three), _ = await self.chained(registry)
        assert [await result_of(registry, each.body) for each in humans] == ["former", "former", "match"]
        mixed = [each.body | {"name": humans[2].name} for each in humans[:2]]
        assert [await result_of(registry, each) for each in mixed] == ["former", "former"]
        last = (await published(database, three))[-1]
        pairs = {(each.identity_hash, each.name_hash) for each in last.former}
        assert len(pairs) == len(last.former) == 3 * 3 - 1

    async def test_is_undone_from_its_end(self, registry: Registry) -> None:
        """What became part of a third profile is first itself again, and then without the first."""
        humans, (one, two, three), changes = await self.chained(registry)
        early = await registry.reverses(changes[0])
        assert (early.status_code, early.json().get("merged_into")) == (409, three), early.text
        for change_id in reversed(changes):
            answer = await registry.reverses(change_id)
            assert answer.status_code == 200, answer.text
        for person_id in (one, two, three):
            assert (await registry.call("GET", f"/v1/persons/{person_id}")).status_code == 200
        assert [await result_of(registry, each.body) for each in humans] == ["match"] * 3

    async def test_the_first_points_to_the_second_once_the_last_is_undone(self, registry: Registry) -> None:
        _, (one, two, _), changes = await self.chained(registry)
        await registry.reverses(changes[1])
        assert (await registry.call("GET", f"/v1/persons/{one}")).json()["merged_into"] == two


class TestRefusedMerge:
    async def test_says_why_and_what_comes_first(self, registry: Registry) -> None:
        _, kept, _, other = await twice(registry)

        async def reason(one: str, two: str) -> str:
            answer = await proposed(registry, one, two, **NATION)
            assert answer.json()["type"] == "urn:xuefen:problem:merge-refused", answer.text
            assert answer.json()["detail"]
            said: str = answer.json()["reason"]
            return said

        assert await reason(kept, kept) == "same_profile"
        awaiting = (await registry.submitted(somebody()))["person_id"]
        assert await reason(kept, awaiting) == "not_collected"
        assert await reason(kept, await collected_in_dalian(registry)) == "another_authority"
        erased = (await registry.collected(somebody()))["person_id"]
        body = {"reason": "deceased", "authority": CHAOYANG}
        await registry.call("POST", f"/v1/persons/{erased}/erasure", body=body)
        assert await reason(kept, erased) == "erased"
        pending = await registry.asks_change(other, {"jobs": ["audit"]})
        assert await reason(kept, other) == "change_pending"
        await registry.call("POST", f"/v1/changes/{pending.json()['change_id']}/withdrawal")
        await merged(registry, kept, other)
        third = (await registry.collected(somebody()))["person_id"]
        assert await reason(third, other) == "merged"

    async def test_stands_alone_in_its_change(self, registry: Registry) -> None:
        _, kept, _, other = await twice(registry)
        merge = {"person_id": other, "reason": "collected_twice"}
        for items, pointer in (
            ({"merge": merge, "jobs": ["audit"]}, "/items"),
            ({"merge": None}, "/items"),
            ({"merge": {"person_id": "somebody", "reason": "other"}}, "/items/merge/person_id"),
            ({"merge": {"person_id": other}}, "/items/merge/reason"),
        ):
            answer = await registry.asks_change(kept, items)
            assert [each["pointer"] for each in answer.json()["errors"]] == [pointer]

    async def test_is_looked_at_again_when_it_is_confirmed(self, registry: Registry) -> None:
        _, kept, _, other = await twice(registry)
        there = (await proposed(registry, kept, other)).json()["change_id"]
        back = (await proposed(registry, other, kept)).json()
        assert back["type"] == "urn:xuefen:problem:merge-refused"
        third = (await registry.collected(somebody()))["person_id"]
        elsewhere = (await proposed(registry, third, other)).json()["change_id"]
        assert (await registry.reviews_change(there)).status_code == 200
        assert (await registry.reviews_change(elsewhere)).json()["reason"] == "merged"


class TestWrongMerge:
    async def test_is_undone_and_both_are_as_they_were(self, registry: Registry, database: Database) -> None:
        first, kept, later, other = await twice(registry)
        change_id = await merged(registry, kept, other)
        undone = (await registry.reverses(change_id, separate=True, reason="two_persons_as_one")).json()
        assert undone["separated_person_id"] == other
        for human in (first, later):
            assert await result_of(registry, human.body) == "match"
        seen = (await registry.call("GET", f"/v1/persons/{kept}")).json()
        assert [each["level"] for each in seen["qualifications"]] == ["junior"]
        assert (await registry.call("GET", f"/v1/persons/{other}")).json()["person_id"] == other
        assert [event.TYPE.split(".")[4] for event in await published(database, other)] == [
            "collected", "merged", "collected", "changed",
        ]  # fmt: skip
        assert (await published(database, kept))[-1].former == ()

    async def test_can_be_merged_again(self, registry: Registry) -> None:
        _, kept, _, other = await twice(registry)
        await registry.reverses(await merged(registry, kept, other))
        await merged(registry, other, kept)
        answer = (await registry.call("GET", f"/v1/persons/{kept}")).json()
        assert answer["merged_into"] == other

    async def test_the_rows_follow_from_the_events(self, registry: Registry, database: Database) -> None:
        _, kept, _, other = await twice(registry)
        await registry.reverses(await merged(registry, kept, other))
        await merged(registry, other, kept)
        rebuilt = await rebuild(Databases(database))
        assert [each.rows_changed for each in rebuilt] == [0] * len(READ_MODELS)
