"""Erasure: who somebody was is gone, here and in every backup, and everything else stays as it was."""

import uuid
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
from fastapi import FastAPI

from services.kit.database import Database, Databases
from services.kit.event_store import EventStore
from services.kit.sealing import share_of
from services.kit.settings import SettingsError, new_key_text
from services.registry.composition import Registry as Parts
from services.registry.settings import RegistrySettings
from services.registry.store.projection import READ_MODELS, rebuild
from tests.conftest import FreshDatabase
from tests.registry.bulk.files import pdf
from tests.registry.scenarios import CHAOYANG, DALIAN, Human, Registry, somebody

REASON = {"reason": "own_request", "authority": CHAOYANG}
KEPT_BY_BACKUPS = ("person_keys", "sealed_fields", "people", "collections", "documents", "evidence")


@pytest.fixture
async def admin(fresh: FreshDatabase) -> AsyncIterator[Any]:
    conn = await asyncpg.connect(fresh.admin_dsn)
    yield conn
    await conn.close()


@pytest.fixture
def parts(app: FastAPI) -> Parts:
    found: Parts = app.state.registry
    return found


async def erased(registry: Registry, person_id: str, **who: Any) -> Any:
    return await registry.call("POST", f"/v1/persons/{person_id}/erasure", body=REASON, **who)


async def backup(admin: Any) -> dict[str, list[Any]]:
    """The tables that say who somebody is, row by row, as a dump holds them."""
    return {
        table: [
            row["row"]
            for row in await admin.fetch(f"select row_to_json(t)::text as row from registry.{table} t")
        ]
        for table in KEPT_BY_BACKUPS
    }


async def restore(admin: Any, dump: dict[str, list[Any]]) -> None:
    for table, rows in dump.items():
        await admin.execute(f"delete from registry.{table}")
        await admin.execute(
            f"insert into registry.{table} select (json_populate_record(null::registry.{table}, row::json)).*"
            " from unnest($1::text[]) as row",
            rows,
        )


async def with_evidence(registry: Registry, human: Human) -> tuple[dict[str, Any], str]:
    """Somebody collected with an evidence file, and the file's id."""
    answer = await registry.send("/v1/evidence", pdf(), "application/pdf")
    evidence_id: str = answer.json()["evidence_id"]
    return await registry.collected(human, evidence=[evidence_id]), evidence_id


class TestErasure:
    async def test_takes_name_number_contact_and_evidence(self, registry: Registry) -> None:
        human = somebody()
        outcome, evidence_id = await with_evidence(registry, human)
        answer = await erased(registry, outcome["person_id"])
        assert answer.status_code == 200, answer.text
        assert answer.json()["reason"] == "own_request"
        for path in (f"/v1/persons/{outcome['person_id']}", f"/v1/collections/{outcome['collection_id']}"):
            seen = await registry.call("GET", path)
            # Nothing of their life is shown either: no place of work, no qualification.
            assert (seen.status_code, seen.json()["type"]) == (410, "urn:xuefen:problem:person-erased")
            assert not {"employer", "qualifications", "jobs", "place"} & seen.json().keys()
        full = await registry.call(
            "POST", f"/v1/persons/{outcome['person_id']}/disclosure", body={"purpose": "inspection"}
        )
        assert (full.status_code, full.json()["type"]) == (410, "urn:xuefen:problem:person-erased")
        assert (await registry.call("GET", f"/v1/evidence/{evidence_id}")).status_code == 404

    async def test_leaves_no_key_and_nothing_sealed(
        self, registry: Registry, admin: Any, parts: Parts, settings: RegistrySettings
    ) -> None:
        outcome, evidence_id = await with_evidence(registry, somebody())
        subjects = [outcome["person_id"], f"evidence:{evidence_id}"]
        wrapped = await admin.fetch(
            "select wrapped_key from registry.person_keys where person_id = any($1::text[])", subjects
        )
        shares = [share_of(row["wrapped_key"]) for row in wrapped]
        assert len(shares) == 2
        assert all(settings.shares.read(share or 0) for share in shares)
        stored = await admin.fetchval(
            "select stored_as from registry.evidence where evidence_id = $1", evidence_id
        )
        await erased(registry, outcome["person_id"])
        assert not any(settings.shares.read(share or 0) for share in shares)
        for table in ("person_keys", "sealed_fields", "evidence"):
            assert not await admin.fetchval(
                f"select count(*) from registry.{table} where person_id = any($1::text[])", subjects
            )
        assert await admin.fetchval("select count(*) from registry.doomed_shares") == 0
        assert not list(settings.evidence_folder.rglob(stored))

    async def test_reaches_a_backup_that_is_restored_with_today_s_keys(
        self, registry: Registry, admin: Any, settings: RegistrySettings
    ) -> None:
        gone, stays = somebody(), somebody()
        outcome, evidence_id = await with_evidence(registry, gone)
        other = await registry.collected(stays)
        before = await backup(admin)
        await erased(registry, outcome["person_id"])
        after = await backup(admin)
        await restore(admin, before)
        try:
            assert await admin.fetchval(
                "select count(*) from registry.person_keys where person_id = $1", outcome["person_id"]
            )
            seen = await registry.call("GET", f"/v1/persons/{outcome['person_id']}")
            assert seen.status_code == 410
            unmasked = await registry.call(
                "POST", f"/v1/persons/{outcome['person_id']}/disclosure", body={"purpose": "inspection"}
            )
            assert unmasked.status_code == 410
            assert (await registry.call("GET", f"/v1/evidence/{evidence_id}")).status_code == 410
            seen = (await registry.call("GET", f"/v1/persons/{other['person_id']}")).json()
            assert seen["name"][0] == stays.name[0]
        finally:
            await restore(admin, after)

    async def test_tells_the_others_without_naming_anybody(self, registry: Registry) -> None:
        human = somebody()
        outcome = await registry.collected(human)
        head = (await registry.call("GET", "/v1/logs", "feed:read", place="100000")).json()["items"][0][
            "head"
        ]
        await erased(registry, outcome["person_id"])
        feed = await registry.call("GET", f"/v1/logs/registry/feed?after={head}", "feed:read", place="100000")
        (event,) = feed.json()
        assert event["type"] == "cn.xuefen.registry.person.erased.v1"
        assert set(event["data"]) == {"person_id", "place", "reason", "erased_at"}
        assert human.id_number not in feed.text
        assert "hs256" not in feed.text

    async def test_leaves_the_log_and_everybody_else_as_they_were(self, registry: Registry) -> None:
        other = await registry.collected(somebody())
        outcome = await registry.collected(somebody())
        path = "/v1/logs/registry/feed?limit=1000"
        feed = (await registry.call("GET", path, "feed:read", place="100000")).json()
        seen = (await registry.call("GET", f"/v1/persons/{other['person_id']}")).json()
        await erased(registry, outcome["person_id"])
        again = (await registry.call("GET", path, "feed:read", place="100000")).json()
        assert again[: len(feed)] == feed
        assert len(again) == len(feed) + 1
        assert (await registry.call("GET", f"/v1/persons/{other['person_id']}")).json() == seen

    async def test_the_same_number_collected_again_is_a_new_person(self, registry: Registry) -> None:
        human = somebody()
        first = await registry.collected(human)
        check = {"persons": [human.body]}
        await erased(registry, first["person_id"])
        assert (await registry.call("POST", "/v1/identity-checks", body=check)).json()["results"] == [
            {"index": 0, "result": "unknown"}
        ]
        second = await registry.collected(human)
        assert second["person_id"] != first["person_id"]
        await erased(registry, second["person_id"])
        third = await registry.collected(human)
        assert len({each["person_id"] for each in (first, second, third)}) == 3
        assert (await registry.call("POST", "/v1/identity-checks", body=check)).json()["results"] == [
            {"index": 0, "result": "match"}
        ]

    async def test_ends_a_case_that_is_under_review(self, registry: Registry, admin: Any) -> None:
        outcome = await registry.submitted(somebody())
        await erased(registry, outcome["person_id"])
        assert not await admin.fetchval(
            "select count(*) from registry.worklist where subject_id = $1", outcome["person_id"]
        )
        answer = await registry.reviews(outcome["collection_id"], "initial", subject="official-2")
        assert answer.status_code == 409

    async def test_is_found_again_by_a_rebuild(self, registry: Registry, parts: Parts) -> None:
        human = somebody()
        await erased(registry, (await registry.collected(human))["person_id"])
        await registry.submitted(human)
        rebuilt = await rebuild(Databases(parts.database))
        assert [each.rows_changed for each in rebuilt] == [0] * len(READ_MODELS)


class TestWhoMayErase:
    async def test_needs_its_own_scope(self, registry: Registry) -> None:
        outcome = await registry.collected(somebody())
        path = f"/v1/persons/{outcome['person_id']}/erasure"
        answer = await registry.call("POST", path, "person:unmask", "collection:review", body=REASON)
        assert answer.status_code == 403

    @pytest.mark.parametrize(
        "who", [{"place": DALIAN}, {"place": None}, {"place": None, "organization": str(uuid.uuid4())}]
    )
    async def test_is_for_officials_of_the_place(self, registry: Registry, who: dict[str, Any]) -> None:
        outcome = await registry.collected(somebody())
        assert (await erased(registry, outcome["person_id"], **who)).status_code == 403
        assert (await registry.call("GET", f"/v1/persons/{outcome['person_id']}")).json()["name"]

    async def test_names_an_authority_the_official_acts_for(self, registry: Registry) -> None:
        outcome = await registry.collected(somebody())
        path = f"/v1/persons/{outcome['person_id']}/erasure"
        for body, status in (
            ({"reason": "own_request", "authority": DALIAN}, 403),
            ({"reason": "own_request"}, 422),
            ({"reason": "because", "authority": CHAOYANG}, 422),
        ):
            assert (await registry.call("POST", path, body=body)).status_code == status

    async def test_happens_once(self, registry: Registry) -> None:
        outcome = await registry.collected(somebody())
        first = await erased(registry, outcome["person_id"], key="erase-1")
        repeat = await erased(registry, outcome["person_id"], key="erase-1")
        assert (repeat.status_code, repeat.json()) == (200, first.json())
        assert (await erased(registry, outcome["person_id"])).status_code == 410
        assert (await erased(registry, str(uuid.uuid4()))).status_code == 404


class TestInterruptedErasure:
    async def test_is_finished_by_the_next_process(
        self, registry: Registry, parts: Parts, admin: Any, settings: RegistrySettings
    ) -> None:
        number, share = settings.shares.take()
        await admin.execute("insert into registry.doomed_shares values ('registry', $1)", number)
        assert settings.shares.read(number) == share
        await parts.prepare()
        assert settings.shares.read(number) is None
        assert await admin.fetchval("select count(*) from registry.doomed_shares") == 0


class TestKeyStore:
    async def test_another_file_of_shares_is_refused(
        self, registry: Registry, database: Database, settings: RegistrySettings, tmp_path: Any
    ) -> None:
        other = RegistrySettings(**{**settings.model_dump(), "key_shares_file": tmp_path / "empty"})
        with pytest.raises(SettingsError, match="KEY_SHARES_FILE"):
            await Parts(other, database, EventStore()).prepare()

    async def test_other_keyed_hashes_are_refused(
        self, registry: Registry, database: Database, settings: RegistrySettings
    ) -> None:
        await registry.collected(somebody())
        for changed, fault in (
            ({"identity_hash": "hsm3"}, "IDENTITY_HASH must be hs256"),
            ({"identity_key": new_key_text()}, "IDENTITY_KEY is not the key"),
            ({"digest_key": new_key_text()}, "DIGEST_KEY is not the key"),
        ):
            other = RegistrySettings(**{**settings.model_dump(), **changed})
            with pytest.raises(SettingsError, match=fault):
                await Parts(other, database, EventStore()).prepare()

    @pytest.fixture
    async def database(self, settings: RegistrySettings) -> AsyncIterator[Database]:
        database = await Database.connect(
            settings.registry_database_url, schema="registry", application_name="test"
        )
        yield database
        await database.close()
