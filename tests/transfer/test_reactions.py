"""The registry's events are recorded once, in order, through the worker's own follower."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from contracts.envelope import PublishedEvent
from contracts.registry import PersonErased, ProfilesMerged
from services.kit.database import Database, Databases
from services.kit.errors import BusyError
from services.kit.event_store import EventStore, NewEvent, RecordedEvent
from services.kit.events import UnknownEventError
from services.kit.feed import feed_router
from services.kit.follower import TokenFile
from services.kit.settings import SettingsError
from services.kit.worker_health import WorkerHealth
from services.transfer import worker
from services.transfer.worker import follow_registry
from tests.conftest import FreshDatabaseFactory
from tests.kit.http import bearer, calling, service
from tests.transfer.scenarios import (
    EMPLOYER,
    FORMER_EMPLOYER,
    LONGCHENG,
    NOW,
    SHENYANG,
    SHUANGTA,
    collected,
    registered,
)
from tests.transfer.world import CLERK, ORIGIN, World, request_body, running


class Registry:
    """A feed of the registry's log: real routes over a real log, with the published facts as its events."""

    def __init__(self, databases: Databases) -> None:
        self._databases = databases
        self._store = EventStore()
        self._facts: list[tuple[str, dict[str, object]]] = []
        router = feed_router(
            databases, self._store, lambda: ("registry",), self._publish, "urn:xuefen:registry", lambda: None
        )
        self.app = service([router])

    async def says(self, *facts: PublishedEvent) -> None:
        await self.says_plainly(*((fact.TYPE, fact.model_dump(mode="json")) for fact in facts))

    async def says_plainly(self, *facts: tuple[str, dict[str, object]]) -> None:
        new = []
        for fact in facts:
            self._facts.append(fact)
            number = len(self._facts)
            new.append(NewEvent("registry", number, "registry.Fact", str(number - 1).encode()))
        async with self._databases.of("registry").transaction() as conn:
            await self._store.append(conn, "registry", new)

    def _publish(self, event: RecordedEvent) -> dict[str, object]:
        event_type, data = self._facts[int(event.state)]
        return {"type": event_type, "data": data}


@pytest_asyncio.fixture
async def world(fresh_database: FreshDatabaseFactory) -> AsyncIterator[World]:
    """A service with a log nobody has written to."""
    async with running(fresh_database("transfer").app_dsn) as fresh:
        yield fresh


@pytest_asyncio.fixture
async def registry(world: World, fresh_database: FreshDatabaseFactory) -> AsyncIterator[Registry]:
    """Somebody to follow, with a log in a database of its own."""
    database = await Database.connect(
        fresh_database("kit").app_dsn, schema="kit", application_name="test-registry"
    )
    yield Registry(Databases(database))
    await database.close()


async def followed(world: World, registry: Registry) -> int:
    async with calling(registry.app, "feed:read") as client:
        return await follow_registry(world.transfers, client).catch_up()


def topics(events: Sequence[RecordedEvent]) -> list[str]:
    return [event.topic.removeprefix("transfer.") for event in events]


class TestFollow:
    async def test_records_homes_and_organizations(self, world: World, registry: Registry):
        await registry.says(
            registered("firm-1", FORMER_EMPLOYER),
            collected("person-1"),
            collected("person-2", LONGCHENG, None),
        )
        assert await followed(world, registry) == 3
        assert topics(await world.log()) == ["OrganizationRecorded", "HomeRecorded", "HomeRecorded"]
        assert await world.home("person-1") == (SHUANGTA, FORMER_EMPLOYER)
        assert await world.home("person-2") == (LONGCHENG, None)

    async def test_the_same_fact_again_records_nothing(self, world: World, registry: Registry):
        await registry.says(collected("person-1"), collected("person-1"), registered("firm-1", EMPLOYER))
        await followed(world, registry)
        await registry.says(collected("person-1"), registered("firm-1", EMPLOYER))
        assert await followed(world, registry) == 5
        assert len(await world.log()) == 2

    async def test_two_facts_of_one_person_in_one_batch_keep_their_order(
        self, world: World, registry: Registry
    ):
        await registry.says(collected("person-1"), collected("person-1", LONGCHENG))
        await followed(world, registry)
        assert await world.home("person-1") == (LONGCHENG, FORMER_EMPLOYER)
        assert [event.version for event in await world.log()] == [1, 2]

    async def test_an_echo_of_the_past_does_not_undo_a_transfer(self, world: World, registry: Registry):
        await registry.says(collected("person-1"))
        await followed(world, registry)
        await world.completed("person-1")
        await registry.says(collected("person-1"))
        await followed(world, registry)
        assert (await world.home("person-1"))[0] == LONGCHENG

    async def test_what_people_typed_about_somebody_erased_is_forgotten(
        self, world: World, registry: Registry
    ):
        await registry.says(collected("person-1"), collected("person-2"))
        await followed(world, registry)
        for person in ("person-1", "person-2"):
            refused = await world.requested(person)
            body = {"reason": "other", "text": f"王一 {person}"}
            assert (await world.post(f"/v1/transfers/{refused}/refusal", body, by=ORIGIN)).status_code == 200
        await registry.says(
            PersonErased(person_id="person-1", place=SHUANGTA, reason="own_request", erased_at=world.now)
        )
        await followed(world, registry)
        async with world.transfers.database.acquire() as conn:
            kept = [row[0] for row in await conn.fetch("select content from remarks order by content")]
        assert [text for text in kept if "person" in text] == ["王一 person-2"]
        assert len(kept) == 2

    async def test_two_workers_record_once(self, world: World, registry: Registry):
        await registry.says(*(collected(f"person-{number}") for number in range(50)))
        await asyncio.gather(followed(world, registry), followed(world, registry))
        assert len(await world.log()) == 50

    async def test_a_fact_this_release_does_not_know_stops_it(self, world: World, registry: Registry):
        await registry.says(collected("person-1"))
        await registry.says_plainly(("cn.xuefen.registry.info.forgotten.v1", {}))
        with pytest.raises(UnknownEventError):
            await followed(world, registry)
        assert await world.log() == []

    async def test_a_fact_with_a_field_too_many_stops_it(self, world: World, registry: Registry):
        fact = collected("person-1")
        await registry.says_plainly((fact.TYPE, {**fact.model_dump(mode="json"), "more": 1}))
        with pytest.raises(UnknownEventError):
            await followed(world, registry)

    async def test_what_somebody_else_recorded_meanwhile_is_not_recorded_twice(self, world: World):
        await world.learn(collected("person-1"))
        async with world.transfers.database.acquire() as conn:
            await conn.execute("delete from homes")
        with pytest.raises(BusyError):
            await world.learn(collected("person-1", SHENYANG))
        assert len(await world.log()) == 1


class TestToken:
    def test_is_read_again_for_every_request(self, tmp_path: Path):
        file = tmp_path / "token"
        auth = TokenFile(file)
        for token in ("first", "second"):
            file.write_text(f"{token}\n", encoding="utf-8")
            sent = next(auth.auth_flow(httpx.Request("GET", "http://registry.test")))
            assert sent.headers["Authorization"] == f"Bearer {token}"

    async def test_without_a_file_the_worker_says_which_variable(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setenv("XUEFEN_TRANSFER_DATABASE_URL", "postgresql://nobody@127.0.0.1/none")
        monkeypatch.delenv("XUEFEN_TRANSFER_TOKEN_FILE", raising=False)
        with pytest.raises(SettingsError, match="XUEFEN_TRANSFER_TOKEN_FILE"):
            await worker.run(WorkerHealth())

    async def test_a_wrong_token_is_not_let_in(self, world: World):
        reader = {**bearer("feed:read"), "Authorization": "Bearer nobody"}
        assert (await world.get("/v1/logs", by=reader)).status_code == 401


class TestMerge:
    async def test_a_merged_profile_moves_no_more_and_points_to_the_person(
        self, world: World, registry: Registry
    ):
        await registry.says(collected("person-1"), collected("person-2"), merge("person-1", "person-2"))
        await followed(world, registry)
        body = request_body("person-2")
        answer = await world.post("/v1/transfers", body, by=CLERK)
        assert (answer.status_code, answer.json()["merged_into"]) == (409, "person-1")
        await registry.says(collected("person-2"))
        await followed(world, registry)
        assert (await world.post("/v1/transfers", body, by=CLERK)).status_code == 201

    async def test_a_chain_of_merges_points_to_its_end(self, world: World, registry: Registry):
        await registry.says(
            *(collected(f"person-{number}") for number in (1, 2, 3)),
            merge("person-2", "person-1"),
            merge("person-3", "person-2"),
        )
        await followed(world, registry)
        for person_id in ("person-1", "person-2"):
            answer = await world.post("/v1/transfers", request_body(person_id), by=CLERK)
            assert answer.json()["merged_into"] == "person-3"


def merge(person_id: str, merged_id: str) -> ProfilesMerged:
    """The registry's word that two profiles are of one person."""
    return ProfilesMerged(
        person_id=person_id, merged_id=merged_id, change_id="change-1", place=SHUANGTA, merged_at=NOW
    )
