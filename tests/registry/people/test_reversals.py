"""A wrong approval is undone by a new event, with reason and authority; two persons recorded as one become two."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from services.kit.clock import local_date
from services.kit.database import Database, Databases
from services.kit.event_store import EventStore
from services.registry.settings import RegistrySettings
from services.registry.store.projection import READ_MODELS, rebuild
from services.registry.store.publishing import publish
from services.registry.store.tables import LOG
from tests.registry.scenarios import DALIAN, LIAONING, Human, Registry, somebody


@pytest.fixture
async def database(settings: RegistrySettings) -> AsyncIterator[Database]:
    database = await Database.connect(
        settings.registry_database_url, schema="registry", application_name="test"
    )
    yield database
    await database.close()


async def published(database: Database, person_id: str) -> list[Any]:
    """What others are told of a person, in order."""
    async with database.acquire() as conn:
        stream = (await EventStore().load(conn, LOG, [person_id]))[person_id]
    return [event for event in map(publish, stream) if event is not None]


async def result_of(registry: Registry, person: dict[str, str]) -> str:
    """What an identity check answers."""
    response = await registry.call("POST", "/v1/identity-checks", body={"persons": [person]})
    result: str = response.json()["results"][0]["result"]
    return result


class TestReverseChange:
    """A wrong merge can be undone, and so can any change that was approved in error."""

    async def test_puts_back_what_was_replaced_and_nothing_else(
        self, registry: Registry, database: Database
    ) -> None:
        human = somebody()
        change_id = await registry.change_of(human, {"name": "赵新名", "retired_on": "2025-01-31"})
        person_id = (await registry.reviews_change(change_id)).json()["person_id"]
        later = (await registry.asks_change(person_id, {"jobs": ["audit"]})).json()
        await registry.reviews_change(later["change_id"])
        undone = await registry.reverses(change_id)
        assert (undone.status_code, undone.json()["state"]) == (200, "reversed")
        assert await result_of(registry, human.body) == "match"
        seen = (await registry.call("GET", f"/v1/persons/{person_id}")).json()
        assert (seen["retired_on"], seen["jobs"]) == (None, ["audit"])
        last = (await published(database, person_id))[-1]
        assert (last.cause, last.retired_on) == ("reversal", None)

    async def test_tells_who_undid_it_and_why(self, registry: Registry, database: Database) -> None:
        change_id = await registry.change_of(somebody(), {"name": "赵新名"})
        await registry.reviews_change(change_id)
        await registry.reverses(change_id, place=LIAONING, subject="chief-9")
        seen = (await registry.call("GET", f"/v1/changes/{change_id}")).json()
        assert (seen["state"], seen["reason"]) == ("reversed", "approved_in_error")
        async with database.acquire() as conn:
            stream = (await EventStore().load(conn, LOG, [change_id]))[change_id]
        assert stream[-1].topic == "registry.ChangeReversed"
        assert b'"authority":"210000"' in stream[-1].state
        assert b'"reversed_by":"chief-9"' in stream[-1].state

    async def test_a_withdrawn_claim_leaves_the_number_to_its_owner(self, registry: Registry) -> None:
        human, owner = somebody(), somebody()
        change_id = await registry.change_of(human, {"id_document": owner.document})
        await registry.reviews_change(change_id)
        await registry.reverses(change_id)
        assert await result_of(registry, human.body) == "match"
        assert await result_of(registry, owner.body) == "unknown"
        await registry.collected(owner)
        assert await result_of(registry, owner.body) == "match"

    async def test_two_persons_on_record_as_one_become_two(
        self, registry: Registry, database: Database
    ) -> None:
        human, owner = somebody(), somebody()
        items = {"id_document": owner.document, "name": owner.name}
        change_id = await registry.change_of(human, items)
        person_id = (await registry.reviews_change(change_id)).json()["person_id"]
        undone = (await registry.reverses(change_id, separate=True, reason="two_persons_as_one")).json()
        other_id = undone["separated_person_id"]
        assert other_id not in (None, person_id)
        assert await result_of(registry, human.body) == "match"
        assert await result_of(registry, owner.body) == "match"
        first, second = await published(database, person_id), await published(database, other_id)
        assert [event.TYPE.split(".")[4] for event in first] == ["collected", "changed", "changed"]
        assert first[-1].cause == "separation"
        assert second[0].identity_hash == first[1].identity_hash
        assert (await registry.call("GET", f"/v1/persons/{other_id}")).status_code == 200

    async def test_a_change_that_joined_nobody_separates_nobody(self, registry: Registry) -> None:
        change_id = await registry.change_of(somebody(), {"name": "赵新名"})
        await registry.reviews_change(change_id)
        response = await registry.reverses(change_id, separate=True)
        assert response.json()["type"] == "urn:xuefen:problem:nothing-to-separate"

    async def test_a_later_change_of_the_same_item_comes_first(self, registry: Registry) -> None:
        human = somebody()
        change_id = await registry.change_of(human, {"name": "赵新名"})
        person_id = (await registry.reviews_change(change_id)).json()["person_id"]
        later = (await registry.asks_change(person_id, {"id_document": somebody().document})).json()
        await registry.reviews_change(later["change_id"])
        response = await registry.reverses(change_id)
        assert response.json()["type"] == "urn:xuefen:problem:change-overtaken"
        assert response.json()["change_id"] == later["change_id"]
        assert (await registry.reverses(later["change_id"])).status_code == 200
        assert (await registry.reverses(change_id)).status_code == 200

    async def test_only_what_was_approved_and_not_by_the_submitter(self, registry: Registry) -> None:
        change_id = await registry.change_of(somebody(), {"name": "赵新名"})
        assert (await registry.reverses(change_id)).json()["state"] == "submitted"
        await registry.reviews_change(change_id)
        own = await registry.reverses(change_id, subject="official-1")
        assert own.json()["type"] == "urn:xuefen:problem:own-submission"
        away = await registry.reverses(change_id, place=DALIAN)
        assert away.json()["type"] == "urn:xuefen:problem:outside-place"


class TestFormerIdentities:
    """B-24: others learn which names and numbers a person had, as keyed hashes, with the day of the change."""

    async def test_each_change_adds_what_it_replaced_and_what_may_be_mixed(
        self, registry: Registry, database: Database, settings: RegistrySettings
    ) -> None:
        human, second = somebody(), somebody()
        change_id = await registry.change_of(human, {"name": "赵新名", "id_document": second.document})
        person_id = (await registry.reviews_change(change_id)).json()["person_id"]
        later = (await registry.asks_change(person_id, {"jobs": ["audit"]})).json()
        await registry.reviews_change(later["change_id"])
        _, changed, last = await published(database, person_id)
        names = [
            settings.hashers.current.person_and_name("resident_id", number, name)
            for number, name in (
                (human.id_number, human.name),
                (human.id_number, "赵新名"),
                (second.id_number, human.name),
            )
        ]
        assert [(each.identity_hash, each.name_hash) for each in changed.former] == names
        assert {each.until for each in changed.former} == {local_date(changed.changed_at)}
        assert last.former == changed.former

    async def test_a_reversal_takes_them_back(self, registry: Registry, database: Database) -> None:
        change_id = await registry.change_of(somebody(), {"name": "赵新名"})
        person_id = (await registry.reviews_change(change_id)).json()["person_id"]
        await registry.reverses(change_id)
        assert [len(event.former) for event in (await published(database, person_id))[1:]] == [1, 0]


class TestReadModels:
    async def test_a_rebuild_changes_nothing(self, registry: Registry, database: Database) -> None:
        human, owner = somebody(), somebody()
        change_id = await registry.change_of(human, {"id_document": owner.document})
        await registry.reviews_change(change_id)
        await registry.reverses(change_id, separate=True, reason="two_persons_as_one")
        await registry.change_of(somebody(), {"jobs": ["audit"]})
        rebuilt = await rebuild(Databases(database))
        assert [each.rows_changed for each in rebuilt] == [0] * len(READ_MODELS)


class TestPrivacy:
    async def test_no_event_of_a_change_holds_a_name_or_a_number(
        self, registry: Registry, database: Database
    ) -> None:
        human, owner = somebody(), Human("欧阳新新", somebody().id_number)
        items = {
            "id_document": owner.document,
            "name": owner.name,
            "contact": {"phone": "13711112222", "address": "朝阳市双塔区某街1号"},
            "education": [
                {"school": "东北财经大学", "level": "bachelor", "certificate_number": "XL-2009-77"}
            ],
        }
        change_id = await registry.change_of(human, items)
        await registry.reviews_change(change_id)
        await registry.reverses(change_id, separate=True, reason="two_persons_as_one", note="欧阳新新来电")
        async with database.acquire() as conn:
            events = await EventStore().read(conn, LOG, after=0, limit=10_000)
        text = b"\n".join(event.state for event in events).decode()
        for secret in (owner.name, owner.id_number, "13711112222", "某街1号", "XL-2009-77", "来电"):
            assert secret not in text
            assert secret.encode("unicode_escape").decode() not in text
