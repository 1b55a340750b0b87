"""The places of personal data, and those where it must never be."""

import json
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from services.kit.aggregates import domain_event
from services.kit.database import Database, Databases
from services.kit.event_store import EventStore, RecordedEvent
from services.kit.idempotency import fingerprint
from services.registry.settings import RegistrySettings
from services.registry.store.projection import READ_MODELS, rebuild
from services.registry.store.publishing import publish
from services.registry.store.tables import LOG
from services.registry.streams.profile import Identity
from services.registry.worker import forget_old_keys
from tests.conftest import FreshDatabase
from tests.registry.scenarios import Registry, collection_of, somebody

TABLES_WITH_TEXT = """
select c.table_name, c.column_name from information_schema.columns c
 where c.table_schema = 'registry' order by 1, 2
"""
NOTE = "赵甲子的身份证号码看不清"


@pytest.fixture
async def database(settings: RegistrySettings) -> AsyncIterator[Database]:
    database = await Database.connect(
        settings.registry_database_url, schema="registry", application_name="test"
    )
    yield database
    await database.close()


async def everything_stored(dsn: str) -> str:
    """Every value of every table of the schema, as one text."""
    conn = await asyncpg.connect(dsn)
    try:
        columns = await conn.fetch(TABLES_WITH_TEXT)
        tables = sorted({row["table_name"] for row in columns})
        found = []
        for table in tables:
            for row in await conn.fetch(f"select * from registry.{table}"):
                found += [
                    value.decode() if isinstance(value, bytes) else str(value) for value in row.values()
                ]
        return "\n".join(found)
    finally:
        await conn.close()


async def stored_events(database: Database) -> list[RecordedEvent]:
    async with database.acquire() as conn:
        return await EventStore().read(conn, LOG, after=0, limit=10_000)


class TestWhatIsStored:
    async def test_the_fingerprint_of_a_command_is_no_way_to_try_numbers(
        self, registry: Registry, fresh: FreshDatabase
    ) -> None:
        """An unkeyed hash of a body is as good as the number in it: all else is in the clear beside it."""
        body = collection_of(somebody())
        response = await registry.call("POST", "/v1/collections", body=body)
        assert response.status_code == 201
        guesses = [
            digest
            for secret in (b"", LOG.encode())
            for digest in [fingerprint("POST", "/v1/collections", json.dumps(body).encode(), secret)]
        ]
        stored = await everything_stored(fresh.admin_dsn)
        assert not any(guess in stored for guess in guesses)

    async def test_no_event_row_feed_or_log_line_holds_a_name_or_a_number(
        self, registry: Registry, fresh: FreshDatabase, database: Database, capfd: pytest.CaptureFixture[str]
    ) -> None:
        human, other = somebody(), somebody()
        outcome = await registry.collected(human)
        await registry.returned(other, note=NOTE)
        await registry.call("GET", f"/v1/persons/{outcome['person_id']}")
        await registry.call("POST", "/v1/identity-checks", body={"persons": [human.body, other.body]})
        await registry.call("POST", "/v1/collections", body=collection_of(human))
        await registry.call("GET", f"/v1/persons/{human.id_number}")

        stored = await everything_stored(fresh.admin_dsn)
        events = [publish(event) for event in await stored_events(database)]
        published = "\n".join(event.model_dump_json() for event in events if event is not None)
        output = "".join(capfd.readouterr())
        assert outcome["person_id"] in stored
        assert outcome["person_id"] in published
        for text in (stored, published, output):
            for secret in (human.name, human.id_number, other.name, other.id_number, NOTE):
                assert secret not in text
                assert json.dumps(secret)[1:-1] not in text

    async def test_every_reading_is_on_record(self, registry: Registry, fresh: FreshDatabase) -> None:
        outcome = await registry.collected(somebody())
        await registry.call("GET", f"/v1/persons/{outcome['person_id']}", subject="curious-1")
        conn = await asyncpg.connect(fresh.admin_dsn)
        rows = await conn.fetch("select * from registry.audit_records where caller = 'curious-1'")
        await conn.close()
        assert [(row["kind"], row["subjects"], row["count"]) for row in rows] == [
            ("person", [outcome["person_id"]], 1)
        ]
        assert rows[0]["fields"] == ["id_type", "id_number", "name"]

    async def test_without_the_persons_key_nothing_is_readable(
        self, registry: Registry, fresh: FreshDatabase
    ) -> None:
        outcome = await registry.collected(somebody())
        conn = await asyncpg.connect(fresh.admin_dsn)
        await conn.execute("delete from registry.person_keys where person_id = $1", outcome["person_id"])
        await conn.close()
        seen = await registry.call("GET", f"/v1/persons/{outcome['person_id']}")
        assert (seen.status_code, seen.json()["type"]) == (410, "urn:xuefen:problem:person-erased")

    def test_a_repr_tells_nothing(self) -> None:
        human = somebody()
        assert human.name not in repr(Identity("resident_id", human.id_number, human.name))


class TestPublishing:
    async def test_only_facts_for_others_are_published(self, registry: Registry, database: Database) -> None:
        outcome = await registry.collected(somebody())
        await registry.returned(somebody())
        mine = [event for event in await stored_events(database) if event.stream_id == outcome["person_id"]]
        assert [event.topic for event in mine] == [
            "registry.CollectionSubmitted",
            "registry.InitialReviewPassed",
            "registry.InfoCollected",
        ]
        published = [publish(event) for event in mine]
        assert published[0] is None
        assert published[-1] is not None
        assert published[-1].TYPE == "cn.xuefen.registry.info.collected.v1"

    async def test_organizations_are_published(self, registry: Registry, database: Database) -> None:
        organization = await registry.accredited()
        body = {"place": "211300", "from_date": "2026-03-01", "reason": "quality"}
        await registry.call("POST", f"/v1/organizations/{organization}/disqualification", body=body)
        mine = [event for event in await stored_events(database) if event.stream_id == organization]
        types = [event.TYPE for event in map(publish, mine) if event is not None]
        assert types == [
            "cn.xuefen.registry.organization.registered.v1",
            "cn.xuefen.registry.provider.accredited.v1",
            "cn.xuefen.registry.provider.disqualified.v1",
        ]


class TestReadModels:
    async def test_a_rebuild_changes_nothing(self, registry: Registry, database: Database) -> None:
        human = somebody()
        await registry.returned(human)
        await registry.submitted(human)
        await registry.collected(somebody())
        rebuilt = await rebuild(Databases(database))
        assert [each.rows_changed for each in rebuilt] == [0] * len(READ_MODELS)

    async def test_every_event_can_be_read(self, registry: Registry, database: Database) -> None:
        await registry.accredited()
        assert all(domain_event(event) for event in await stored_events(database))


class TestWorker:
    async def test_forgets_old_command_keys_only(
        self, registry: Registry, fresh: FreshDatabase, database: Database
    ) -> None:
        await registry.submitted(somebody())
        conn = await asyncpg.connect(fresh.admin_dsn)
        await conn.execute(
            "insert into registry.idempotency_keys (log, caller, key, fingerprint, recorded_at)"
            " select 'registry', 'old', g::text, 'f', now() - interval '91 days' from generate_series(1, 1500) g"
        )
        before: Any = await conn.fetchval(
            "select count(*) from registry.idempotency_keys where caller <> 'old'"
        )
        assert await forget_old_keys(database, days=90) == 1500
        assert await conn.fetchval("select count(*) from registry.idempotency_keys") == before
        await conn.close()


class TestFeed:
    async def test_anonymous_and_missing_scope(self, registry: Registry) -> None:
        for path in ("/v1/logs", "/v1/logs/registry/feed"):
            assert (await registry.call("GET", path, anonymous=True)).status_code == 401
            assert (await registry.call("GET", path, "compliance:read")).status_code == 403

    async def test_tells_of_the_collected_without_naming_them(self, registry: Registry) -> None:
        human = somebody()
        head = (await registry.call("GET", "/v1/logs", "feed:read", place="100000")).json()["items"][0][
            "head"
        ]
        outcome = await registry.collected(human)
        response = await registry.call(
            "GET", f"/v1/logs/registry/feed?after={head}", "feed:read", place="100000"
        )
        (event,) = response.json()
        assert event["type"] == "cn.xuefen.registry.info.collected.v1"
        assert event["data"]["person_id"] == outcome["person_id"]
        assert event["data"]["identity_hash"].startswith("hs256:")
        assert human.name not in response.text
        assert human.id_number not in response.text
