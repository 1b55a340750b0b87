"""Provisioning: databases, roles and schemas, made once and safe to repeat."""

import asyncio

import asyncpg
import pytest

from services.kit.embedded_postgres import EmbeddedPostgres
from services.kit.provision import addresses, provision, with_database, with_role

PASSWORDS = {"alpha": "one", "alpha_owner": "two", "beta": "p@ss:w/rd?", "beta_owner": "四"}


async def fetchval(dsn: str, question: str) -> object:
    conn = await asyncpg.connect(dsn)
    try:
        return await conn.fetchval(question)
    finally:
        await conn.close()


class TestProvision:
    async def test_gives_every_role_an_address_that_works(self, postgres: EmbeddedPostgres) -> None:
        dsns = await provision(postgres.dsn, "made", passwords=PASSWORDS)
        assert set(dsns) == set(PASSWORDS)
        for key, dsn in dsns.items():
            assert await fetchval(dsn, "select current_user") == f"xuefen_{key}"
            assert await fetchval(dsn, "select current_database()") == "made"

    async def test_may_be_repeated_and_run_twice_at_once(self, postgres: EmbeddedPostgres) -> None:
        both = await asyncio.gather(
            provision(postgres.dsn, "twice", passwords=PASSWORDS),
            provision(postgres.dsn, "twice", passwords=PASSWORDS),
        )
        assert both[0] == both[1] == await provision(postgres.dsn, "twice", passwords=PASSWORDS)

    async def test_the_roles_have_no_power_over_the_server(self, postgres: EmbeddedPostgres) -> None:
        await provision(postgres.dsn, "made", passwords=PASSWORDS)
        powerful = """select count(*) from pg_roles where rolname like 'xuefen\\_%'
            and (rolsuper or rolcreatedb or rolcreaterole or rolreplication or rolbypassrls)"""
        assert await fetchval(postgres.dsn, powerful) == 0

    async def test_a_service_cannot_see_the_schema_of_another(self, postgres: EmbeddedPostgres) -> None:
        dsns = await provision(postgres.dsn, "apart", passwords=PASSWORDS)
        owner = await asyncpg.connect(dsns["beta_owner"])
        await owner.execute("create table if not exists beta.secrets (x int)")
        await owner.close()
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await fetchval(dsns["alpha"], "select count(*) from beta.secrets")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await fetchval(dsns["alpha_owner"], "select count(*) from beta.secrets")

    async def test_nobody_else_may_connect(self, postgres: EmbeddedPostgres) -> None:
        await provision(postgres.dsn, "closed", passwords=PASSWORDS)
        admin = await asyncpg.connect(postgres.dsn)
        await admin.execute("drop role if exists passer_by")
        await admin.execute("create role passer_by login password 'x'")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await asyncpg.connect(with_role(postgres.dsn, "closed", "passer_by", "x"))
        await admin.execute("drop role passer_by")
        await admin.close()

    async def test_sets_new_passwords_unless_told_to_keep_them(self, postgres: EmbeddedPostgres) -> None:
        await provision(postgres.dsn, "made", passwords=PASSWORDS)
        changed = PASSWORDS | {"alpha": "changed"}
        kept = await provision(postgres.dsn, "made", passwords=changed, keep_passwords=True)
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(kept["alpha"])
        dsns = await provision(postgres.dsn, "made", passwords=changed)
        assert await fetchval(dsns["alpha"], "select 1") == 1

    async def test_needs_no_superuser(self, postgres: EmbeddedPostgres) -> None:
        admin = await asyncpg.connect(postgres.dsn)
        await admin.execute("create role manager login createdb createrole password 'm'")
        passwords = {"gamma": "1", "gamma_owner": "2"}
        manager_dsn = with_role(postgres.dsn, "postgres", "manager", "m")
        dsns = await provision(manager_dsn, "managed", passwords=passwords)
        assert await provision(manager_dsn, "managed", passwords=passwords) == dsns
        owner = await asyncpg.connect(dsns["gamma_owner"])
        await owner.execute("create table gamma.things (x int)")
        await owner.close()
        assert await fetchval(dsns["gamma"], "select count(*) from gamma.things") == 0
        await admin.close()


class TestAddresses:
    def test_keep_the_server_and_its_options(self) -> None:
        dsn = "postgresql://admin:old@db.example:6432/postgres?sslmode=require"
        found = addresses(dsn, "made", PASSWORDS)
        assert found["beta"] == (
            "postgresql://xuefen_beta:p%40ss%3Aw%2Frd%3F@db.example:6432/made?sslmode=require"
        )
        assert with_database(dsn, "other").endswith("@db.example:6432/other?sslmode=require")
