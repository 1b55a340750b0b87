"""Rotation of the key-encryption key: every person stays readable, before, during and after, in both profiles."""

import os
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from services.kit.database import Database
from services.kit.key_shares import KeyShares
from services.kit.sealing import AES, KEY_SIZE, SM, KeyWrapper, UnsealableError
from services.kit.settings import new_key_text
from services.registry.app import create_app
from services.registry.personal_data import keys as key_rotation
from services.registry.personal_data.keys import rotate
from services.registry.personal_data.vault import Vault
from services.registry.settings import RegistrySettings
from services.registry.streams.profile import Identity
from tests.conftest import FreshDatabase, FreshDatabaseFactory
from tests.registry.scenarios import Human, Registry, somebody

OLD, NEW = os.urandom(KEY_SIZE), os.urandom(KEY_SIZE)


@pytest.fixture
def fresh_one(fresh_database: FreshDatabaseFactory) -> FreshDatabase:
    return fresh_database("registry")


@pytest.fixture
async def database(fresh_one: FreshDatabase) -> AsyncIterator[Database]:
    database = await Database.connect(fresh_one.app_dsn, schema="registry", application_name="test")
    yield database
    await database.close()


@pytest.fixture
def shares(tmp_path: Path) -> KeyShares:
    return KeyShares(tmp_path / "shares")


async def people(database: Database, vault: Vault, count: int) -> dict[Any, Human]:
    sealed = {uuid.uuid4(): somebody() for _ in range(count)}
    async with database.transaction() as conn:
        for person_id, human in sealed.items():
            identity = Identity("resident_id", human.id_number, human.name)
            await vault.seal_identity(conn, person_id, 1, identity)
    return sealed


async def must_read(database: Database, vault: Vault, sealed: dict[Any, Human]) -> None:
    async with database.acquire() as conn:
        for person_id, human in sealed.items():
            found = await vault.open_identity(conn, person_id)
            assert found is not None
            assert (found.name, found.id_number) == (human.name, human.id_number)


async def wrapped(database: Database) -> list[str]:
    async with database.acquire() as conn:
        rows = await conn.fetch("select wrapped_key from person_keys order by person_id")
    return [row["wrapped_key"] for row in rows]


class TestRotation:
    async def test_wraps_every_key_anew_and_shows_progress(
        self, database: Database, shares: KeyShares
    ) -> None:
        sealed = await people(database, Vault(KeyWrapper([OLD], shares=shares)), 1200)
        rotating = KeyWrapper([NEW, OLD], shares=shares)
        shown: list[tuple[int, int]] = []
        done = await rotate(database, rotating, lambda count, total: shown.append((count, total)))
        assert (done.rewrapped, done.destroyed, done.left) == (1200, 0, 0)
        assert shown == [(0, 1200), (500, 1200), (1000, 1200), (1200, 1200)]
        assert all(record.startswith(rotating.current) for record in await wrapped(database))
        await must_read(database, Vault(KeyWrapper([NEW], shares=shares)), sealed)
        assert (await rotate(database, rotating)).rewrapped == 0

    async def test_goes_on_where_it_was_stopped_and_both_keys_read_meanwhile(
        self, database: Database, shares: KeyShares, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(key_rotation, "BATCH_MAX", 10)
        sealed = await people(database, Vault(KeyWrapper([OLD], shares=shares)), 35)
        rotating = KeyWrapper([NEW, OLD], shares=shares)

        def stop(count: int, _: int) -> None:
            if count >= 20:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            await rotate(database, rotating, stop)
        assert sum(record.startswith(rotating.current) for record in await wrapped(database)) == 20
        await must_read(database, Vault(rotating), sealed)
        done = await rotate(database, rotating)
        assert (done.rewrapped, done.left) == (15, 0)
        await must_read(database, Vault(KeyWrapper([NEW], shares=shares)), sealed)

    async def test_from_one_profile_to_the_other_leaves_a_mixed_store_that_reads(
        self, database: Database, shares: KeyShares
    ) -> None:
        before = await people(database, Vault(KeyWrapper([OLD], algorithm=AES, shares=shares)), 5)
        gm = KeyWrapper([OLD], algorithm=SM, shares=shares)
        after = await people(database, Vault(gm), 5)
        assert {record.partition(":")[0] for record in await wrapped(database)} == {AES, SM}
        await must_read(database, Vault(gm), before | after)
        await must_read(database, Vault(KeyWrapper([OLD], shares=shares)), before | after)
        done = await rotate(database, gm)
        assert done.rewrapped == 5
        assert {record.partition(":")[0] for record in await wrapped(database)} == {SM}
        await must_read(database, Vault(gm), before | after)

    async def test_gives_shares_to_keys_of_before(self, database: Database, shares: KeyShares) -> None:
        sealed = await people(database, Vault(KeyWrapper([OLD])), 3)
        assert (await rotate(database, KeyWrapper([OLD], shares=shares))).rewrapped == 3
        assert all(record.count(":") == 3 for record in await wrapped(database))
        await must_read(database, Vault(KeyWrapper([OLD], shares=shares)), sealed)

    async def test_passes_over_whoever_is_erased(self, database: Database, shares: KeyShares) -> None:
        vault = Vault(KeyWrapper([OLD], shares=shares))
        sealed = await people(database, vault, 3)
        gone = next(iter(sealed))
        async with database.transaction() as conn:
            shares.destroy(await vault.destroy(conn, [str(gone)]))
        assert (await rotate(database, KeyWrapper([NEW, OLD], shares=shares))).rewrapped == 2

    async def test_without_the_old_key_stops(self, database: Database, shares: KeyShares) -> None:
        await people(database, Vault(KeyWrapper([OLD], shares=shares)), 1)
        with pytest.raises(UnsealableError):
            await rotate(database, KeyWrapper([NEW], shares=shares))


class TestKeyFile:
    async def test_a_running_process_takes_a_new_key_without_a_restart(
        self, fresh_one: FreshDatabase, database: Database, tmp_path: Path
    ) -> None:
        file, old, new = tmp_path / "kek", new_key_text(), new_key_text()
        file.write_text(old)
        told = RegistrySettings(
            registry_database_url=fresh_one.app_dsn, key_encryption_key_file=file, home=tmp_path
        )
        vault = Vault(told.wrapper)
        before = await people(database, vault, 2)
        file.write_text(f"{new}\n{old}\n")
        os.utime(file, ns=(1, 1))
        after = await people(database, vault, 2)
        assert len({record.split(":")[1] for record in await wrapped(database)}) == 2
        await must_read(database, vault, before | after)
        await rotate(database, told.wrapper)
        file.write_text(new)
        os.utime(file, ns=(2, 2))
        await must_read(database, vault, before | after)


class TestProfile:
    async def test_gm_is_served_whole(self, fresh_one: FreshDatabase, tmp_path: Path, settings: Any) -> None:
        told = RegistrySettings(
            **{
                **settings.model_dump(),
                "registry_database_url": fresh_one.app_dsn,
                "crypto_profile": "gm",
                "home": tmp_path,
            }
        )
        app = create_app(told)
        async with app.router.lifespan_context(app):
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://registry") as client:
                registry, human = Registry(client, told), somebody()
                outcome = await registry.collected(human)
                path = f"/v1/persons/{outcome['person_id']}/disclosure"
                seen = (await registry.call("POST", path, body={"purpose": "inspection"})).json()
                assert seen["id_number"] == human.id_number
                head = await registry.call(
                    "GET", "/v1/logs/registry/feed?after=0", "feed:read", place="100000"
                )
                assert head.json()[0]["data"]["identity_hash"].startswith("hsm3:")
        conn = await asyncpg.connect(fresh_one.admin_dsn)
        sealed = await conn.fetch("select sealed from registry.sealed_fields")
        await conn.close()
        assert {row["sealed"].partition(":")[0] for row in sealed} == {SM}
