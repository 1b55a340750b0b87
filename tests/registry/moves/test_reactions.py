"""A completed transfer moves the person in the registry: once, whoever delivers it and however often."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from contracts.transfer import ProfileTransferred
from services.kit.clock import utc_now
from services.kit.command import WritePath
from services.kit.database import Database, Databases
from services.kit.event_store import EventStore
from services.registry.moves.reactions import UnknownArrivalError, react
from services.registry.settings import RegistrySettings
from services.registry.store.commands import begin
from services.registry.store.projection import READ_MODELS, rebuild
from services.registry.store.tables import LOG
from tests.registry.scenarios import SHUANGTA, Registry, somebody, uscc

SHENYANG, ANSHAN = "210100", "210300"
NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
async def database(settings: RegistrySettings) -> AsyncIterator[Database]:
    database = await Database.connect(
        settings.registry_database_url, schema="registry", application_name="test"
    )
    yield database
    await database.close()


def arrival(
    person_id: str, transfer_id: str, place: str = SHENYANG, employer: str | None = None
) -> ProfileTransferred:
    return ProfileTransferred(
        transfer_id=transfer_id,
        person_id=person_id,
        from_place=SHUANGTA,
        to_place=place,
        from_authority="210000",
        to_authority="210000",
        employer=employer,
        transferred_at=datetime(2025, 7, 1, tzinfo=UTC),
        end="within",
    )


async def hear(database: Database, *facts: ProfileTransferred) -> None:
    path = WritePath(Databases(database), EventStore(), utc_now, begin)
    await path.store(LOG, lambda unit: react(unit, facts))


async def topics(database: Database, person_id: str) -> list[str]:
    async with database.acquire() as conn:
        return [event.topic for event in (await EventStore().load(conn, LOG, [person_id]))[person_id]]


class TestProfileTransferred:
    async def test_moves_the_person_with_the_new_employer(
        self, registry: Registry, database: Database
    ) -> None:
        person_id = (await registry.collected(somebody()))["person_id"]
        employer = uscc()
        await hear(database, arrival(person_id, "t-1", employer=employer))
        path = f"/v1/persons/{person_id}"
        seen = (await registry.call("GET", path, place=SHENYANG)).json()
        assert (seen["place"], seen["employer"]) == (SHENYANG, employer)
        assert (await registry.call("GET", path, place=SHUANGTA)).status_code == 404

    async def test_heard_again_changes_nothing_even_after_the_next_one(
        self, registry: Registry, database: Database
    ) -> None:
        person_id = (await registry.collected(somebody()))["person_id"]
        there, back = arrival(person_id, "t-2"), arrival(person_id, "t-3", SHUANGTA)
        await hear(database, there, there, back)
        await hear(database, there)
        assert (await topics(database, person_id))[3:] == ["registry.ProfileMoved"] * 2
        seen = (await registry.call("GET", f"/v1/persons/{person_id}")).json()
        assert seen["place"] == SHUANGTA

    async def test_several_people_move_in_one_batch(self, registry: Registry, database: Database) -> None:
        people = [(await registry.collected(somebody()))["person_id"] for _ in range(3)]
        await hear(database, *(arrival(each, f"t-of-{each}", ANSHAN) for each in people))
        for each in people:
            assert (await registry.call("GET", f"/v1/persons/{each}", place=ANSHAN)).status_code == 200

    async def test_a_change_under_way_goes_where_the_person_goes(
        self, registry: Registry, database: Database
    ) -> None:
        """S2C-09: whoever has the person now reviews it."""
        change_id = await registry.change_of(somebody(), {"retired_on": "2026-01-31"})
        path = f"/v1/changes/{change_id}"
        person_id = (await registry.call("GET", path)).json()["person_id"]
        await hear(database, arrival(person_id, "t-of-a-change"))
        assert (await registry.call("GET", path)).status_code == 404
        listed = (await registry.call("GET", f"/v1/worklists?place={SHENYANG}", place=SHENYANG)).json()
        assert change_id in [case["case_id"] for case in listed["items"]]
        assert (await registry.reviews_change(change_id)).status_code == 403
        assert (await registry.reviews_change(change_id, place=SHENYANG)).status_code == 200

    async def test_of_nobody_we_know_is_not_passed_over(self, registry: Registry, database: Database) -> None:
        person_id = (await registry.collected(somebody()))["person_id"]
        with pytest.raises(UnknownArrivalError, match=NOBODY):
            await hear(database, arrival(person_id, "t-4"), arrival(NOBODY, "t-5"))
        assert len(await topics(database, person_id)) == 3

    async def test_a_rebuild_comes_out_the_same(self, registry: Registry, database: Database) -> None:
        person_id = (await registry.collected(somebody()))["person_id"]
        await hear(database, arrival(person_id, "t-6"))
        rebuilt = await rebuild(Databases(database))
        assert [each.rows_changed for each in rebuilt] == [0] * len(READ_MODELS)
