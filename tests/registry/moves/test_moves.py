"""The registry's side of transfers between authorities: who leaves is told once and on record, who arrives is taken in,
collected when it is completed, forgotten when it is not (S2C-15 to S2C-18)."""

import itertools
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any, Literal

import httpx
import pytest

from contracts.transfer import ProfileTransferred
from services.kit.clock import utc_now
from services.kit.command import WritePath
from services.kit.database import Database, Databases
from services.kit.event_store import EventStore
from services.registry.moves.reactions import react
from services.registry.settings import RegistrySettings
from services.registry.store.commands import begin
from services.registry.store.projection import READ_MODELS, rebuild
from services.registry.store.publishing import publish
from services.registry.store.tables import LOG
from tests.registry.scenarios import SHUANGTA, Human, Registry, collection_of, somebody, uscc

SHANXI, JINCHENG = "140000", "140502"
WHO: dict[str, Any] = {"place": None, "subject": "service:transfer"}
_numbers = itertools.count(1)


def transfer_id() -> str:
    return f"00000000-0000-4000-8000-{next(_numbers):012d}"


@pytest.fixture
async def database(settings: RegistrySettings) -> AsyncIterator[Database]:
    database = await Database.connect(
        settings.registry_database_url, schema="registry", application_name="test"
    )
    yield database
    await database.close()


def arriving(human: Human, **changes: Any) -> dict[str, Any]:
    """Somebody on their way to 双塔区, as an origin would tell of them."""
    told = {"qualifications": [{"level": "senior", "obtained_on": "2015-09-01"}], "jobs": ["cashier"]}
    body = {"person": human.body | told, "place": SHUANGTA, "employer": None, "student": True}
    return body | changes


async def takes_in(registry: Registry, transfer: str, human: Human, **changes: Any) -> dict[str, Any]:
    answer = await registry.call(
        "PUT", f"/v1/arriving-people/{transfer}", body=arriving(human, **changes), **WHO
    )
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def hears(
    database: Database,
    person_id: str,
    transfer: str,
    end: Literal["origin", "destination"],
    *,
    to_place: str = SHUANGTA,
    employer: str | None = None,
) -> None:
    there = to_place == JINCHENG
    fact = ProfileTransferred(
        transfer_id=transfer,
        person_id=person_id,
        from_place=SHUANGTA if there else JINCHENG,
        to_place=to_place,
        from_authority="210000" if there else SHANXI,
        to_authority=SHANXI if there else "210000",
        employer=employer,
        transferred_at=datetime(2025, 7, 1, tzinfo=UTC),
        end=end,
    )
    path = WritePath(Databases(database), EventStore(), utc_now, begin)
    await path.store(LOG, lambda unit: react(unit, [fact]))


async def topics(database: Database, person_id: str) -> list[str]:
    async with database.acquire() as conn:
        stream = (await EventStore().load(conn, LOG, [person_id]))[person_id]
    return [event.topic.removeprefix("registry.") for event in stream]


async def sees(registry: Registry, person_id: str, place: str = SHUANGTA) -> httpx.Response:
    return await registry.call("GET", f"/v1/persons/{person_id}", place=place)


async def submits(registry: Registry, human: Human) -> httpx.Response:
    return await registry.call("POST", "/v1/collections", body=collection_of(human))


class TestWhoLeaves:
    async def test_is_told_by_name_and_number_and_that_is_on_record(self, registry: Registry) -> None:
        """S2C-15."""
        human = somebody()
        person_id = (await registry.collected(human, jobs=["cashier"]))["person_id"]
        answer = await registry.call("GET", f"/v1/departing-people/{person_id}", **WHO)
        assert answer.status_code == 200, answer.text
        told = answer.json()
        assert (told["name"], told["id_number"]) == (human.name, human.id_number)
        assert told["qualifications"] == [{"level": "junior", "obtained_on": "2020-09-01"}]
        assert answer.headers["Cache-Control"] == "no-store"
        records = (await registry.call("GET", "/v1/audit")).json()["items"]
        record = next(
            each for each in records if each["kind"] == "person-departing" and person_id in each["subjects"]
        )
        assert (record["kind"], record["purpose"]) == ("person-departing", "transfer")
        assert record["caller"] == "service:transfer"

    async def test_of_whoever_is_not_collected_nothing_is_told(self, registry: Registry) -> None:
        person_id = (await registry.submitted(somebody()))["person_id"]
        answer = await registry.call("GET", f"/v1/departing-people/{person_id}", **WHO)
        assert answer.status_code == 409

    async def test_stays_readable_and_changes_no_more(self, registry: Registry, database: Database) -> None:
        """S2C-16 and beyond: the origin keeps a history that nobody writes on."""
        person_id = (await registry.collected(somebody()))["person_id"]
        await hears(database, person_id, transfer_id(), "origin", to_place=JINCHENG)
        assert (await topics(database, person_id))[-1] == "ProfileDeparted"
        assert (await sees(registry, person_id)).status_code == 200
        asked = await registry.asks_change(person_id, {"retired_on": "2026-01-31"})
        assert (asked.status_code, asked.json()["type"]) == (409, "urn:xuefen:problem:not-collected")

    async def test_once_however_often_it_is_heard(self, registry: Registry, database: Database) -> None:
        person_id, transfer = (await registry.collected(somebody()))["person_id"], transfer_id()
        for _ in range(2):
            await hears(database, person_id, transfer, "origin", to_place=JINCHENG)
        assert (await topics(database, person_id)).count("ProfileDeparted") == 1


class TestWhoArrives:
    async def test_is_nobody_until_the_transfer_is_completed(self, registry: Registry) -> None:
        """S2C-17."""
        human = somebody()
        profile = await takes_in(registry, transfer_id(), human)
        assert profile["place"] == SHUANGTA
        assert (profile["qualification"], profile["qualified_on"]) == ("senior", "2015-09-01")
        assert (await sees(registry, profile["person_id"])).status_code == 404
        refused = await submits(registry, human)
        assert (refused.status_code, refused.json()["state"]) == (409, "arriving")
        listed = (await registry.call("GET", f"/v1/worklists?place={SHUANGTA}")).json()["items"]
        assert profile["person_id"] not in [case["subject_id"] for case in listed]

    async def test_is_the_same_however_often_it_is_asked(
        self, registry: Registry, database: Database
    ) -> None:
        human, transfer = somebody(), transfer_id()
        first = await takes_in(registry, transfer, human)
        assert await takes_in(registry, transfer, human) == first
        answer = await registry.call("GET", f"/v1/arriving-people/{transfer}", **WHO)
        assert answer.json() == first
        assert await topics(database, first["person_id"]) == ["CollectionSubmitted", "ArrivalExpected"]

    async def test_is_collected_when_it_is_completed(self, registry: Registry, database: Database) -> None:
        """S2C-18."""
        human, transfer, employer = somebody(), transfer_id(), uscc()
        person_id = (await takes_in(registry, transfer, human, employer=employer, student=False))["person_id"]
        for _ in range(2):
            await hears(database, person_id, transfer, "destination", employer=employer)
        seen = (await sees(registry, person_id)).json()
        assert (seen["place"], seen["employer"], seen["jobs"]) == (SHUANGTA, employer, ["cashier"])
        assert (await topics(database, person_id))[2:] == ["InfoCollected", "ProfileMoved"]
        async with database.acquire() as conn:
            stream = (await EventStore().load(conn, LOG, [person_id]))[person_id]
        told = [fact.TYPE for event in stream if (fact := publish(event)) is not None]
        assert told == ["cn.xuefen.registry.info.collected.v1"]

    async def test_who_does_not_come_after_all_is_forgotten(
        self, registry: Registry, database: Database
    ) -> None:
        human, transfer = somebody(), transfer_id()
        person_id = (await takes_in(registry, transfer, human))["person_id"]
        for _ in range(2):
            gone = await registry.call("DELETE", f"/v1/arriving-people/{transfer}", **WHO)
            assert gone.status_code == 204
        assert (await registry.call("GET", f"/v1/arriving-people/{transfer}", **WHO)).status_code == 404
        async with database.acquire() as conn:
            for table in ("person_keys", "sealed_fields"):
                assert not await conn.fetch(f"select 1 from {table} where person_id = $1", person_id)
        again = await registry.collected(human)
        assert again["person_id"] != person_id

    async def test_who_is_known_here_stays_the_same_person(
        self, registry: Registry, database: Database
    ) -> None:
        """Both ends in one deployment: the destination tells first, and the origin's word changes nothing."""
        human, transfer = somebody(), transfer_id()
        person_id = (await registry.collected(human))["person_id"]
        profile = await takes_in(registry, transfer, human, place=JINCHENG)
        assert (profile["person_id"], profile["place"]) == (person_id, JINCHENG)
        assert profile["qualification"] == "junior"
        await hears(database, person_id, transfer, "destination", to_place=JINCHENG)
        await hears(database, person_id, transfer, "origin", to_place=JINCHENG)
        assert (await topics(database, person_id))[-2:] == ["ArrivalExpected", "ProfileMoved"]
        assert (await sees(registry, person_id, place=JINCHENG)).status_code == 200

    async def test_who_is_known_here_and_does_not_come_stays_where_they_are(
        self, registry: Registry, database: Database
    ) -> None:
        human, transfer = somebody(), transfer_id()
        person_id = (await registry.collected(human))["person_id"]
        await takes_in(registry, transfer, human, place=JINCHENG)
        await registry.call("DELETE", f"/v1/arriving-people/{transfer}", **WHO)
        seen = (await sees(registry, person_id)).json()
        assert (seen["place"], seen["name"] is not None) == (SHUANGTA, True)

    async def test_who_comes_back_is_the_same_person_with_what_was_learned_elsewhere(
        self, registry: Registry, database: Database
    ) -> None:
        human, out, back = somebody(), transfer_id(), transfer_id()
        person_id = (await registry.collected(human))["person_id"]
        await hears(database, person_id, out, "origin", to_place=JINCHENG)
        renamed = Human("改名", human.id_number)
        profile = await takes_in(registry, back, renamed)
        assert profile["person_id"] == person_id
        await hears(database, person_id, back, "destination")
        seen = (await sees(registry, person_id)).json()
        assert [each["level"] for each in seen["qualifications"]] == ["senior"]
        asked = await registry.asks_change(person_id, {"retired_on": "2026-01-31"})
        assert asked.status_code == 201, asked.text

    async def test_whose_collection_is_under_way_is_not_taken_in(self, registry: Registry) -> None:
        human = somebody()
        await registry.submitted(human)
        answer = await registry.call(
            "PUT", f"/v1/arriving-people/{transfer_id()}", body=arriving(human), **WHO
        )
        assert (answer.status_code, answer.json()["state"]) == (409, "submitted")


class TestInformationToComplete:
    """S2C-19: a to-do, not a block."""

    async def listed(self, registry: Registry, place: str = SHUANGTA) -> list[str]:
        answer = await registry.call("GET", f"/v1/information-to-complete?place={place}", place=place)
        return [each["person_id"] for each in answer.json()["items"]]

    async def tasks(self, registry: Registry, person_id: str) -> list[dict[str, Any]]:
        who = {"place": None, "subject": person_id}
        tasks: list[dict[str, Any]] = (
            await registry.call("GET", "/v1/my-tasks", "collection:own", **who)
        ).json()["items"]
        return tasks

    async def test_is_there_from_the_arrival_until_a_change_is_approved(
        self, registry: Registry, database: Database
    ) -> None:
        transfer = transfer_id()
        person_id = (await takes_in(registry, transfer, somebody()))["person_id"]
        assert person_id not in await self.listed(registry)
        await hears(database, person_id, transfer, "destination")
        assert person_id in await self.listed(registry)
        [task] = await self.tasks(registry, person_id)
        assert (task["transfer_id"], task["place"]) == (transfer, SHUANGTA)
        change = (await registry.asks_change(person_id, {"retired_on": "2026-01-31"})).json()["change_id"]
        assert (await registry.reviews_change(change)).status_code == 200
        assert person_id not in await self.listed(registry)
        assert await self.tasks(registry, person_id) == []

    async def test_pages_in_order_of_arrival(self, registry: Registry, database: Database) -> None:
        transfer = transfer_id()
        person_id = (await takes_in(registry, transfer, somebody()))["person_id"]
        await hears(database, person_id, transfer, "destination")
        everybody = await self.listed(registry)
        seen: list[str] = []
        path, after = f"/v1/information-to-complete?place={SHUANGTA}&limit=1", ""
        while True:
            page = (await registry.call("GET", path + after)).json()
            seen += [each["person_id"] for each in page["items"]]
            if page["next"] is None:
                break
            after = f"&after={page['next']}"
        assert seen == everybody

    async def test_whoever_moved_within_an_authority_has_none(
        self, registry: Registry, database: Database
    ) -> None:
        person_id = (await registry.collected(somebody()))["person_id"]
        assert person_id not in await self.listed(registry)
        assert await self.tasks(registry, person_id) == []


class TestRebuild:
    async def test_comes_out_the_same(self, registry: Registry, database: Database) -> None:
        arrives, drops, leaves, returns = (transfer_id() for _ in range(4))
        new = (await takes_in(registry, arrives, somebody()))["person_id"]
        await hears(database, new, arrives, "destination")
        await takes_in(registry, drops, somebody())
        await registry.call("DELETE", f"/v1/arriving-people/{drops}", **WHO)
        human = somebody()
        gone = (await registry.collected(human))["person_id"]
        await hears(database, gone, leaves, "origin", to_place=JINCHENG)
        await takes_in(registry, returns, human)
        await hears(database, gone, returns, "destination")
        rebuilt = await rebuild(Databases(database))
        assert [each.rows_changed for each in rebuilt] == [0] * len(READ_MODELS)
