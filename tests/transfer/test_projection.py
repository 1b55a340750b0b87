"""The read models are a function of the log: a rebuild changes no row, and repairs what was damaged."""

import asyncpg
import pytest

from services.kit.event_store import EventStore
from services.kit.rebuild import rebuild
from services.transfer.projection import read_models
from services.transfer.rebuild import rebuild as rebuild_all
from services.transfer.tables import LOG, READ_MODELS
from tests.conftest import FreshDatabaseFactory
from tests.transfer.process.journeys import (
    approved,
    arrival_of,
    confirmed,
    did,
    received,
    requested_out,
    rounds,
)
from tests.transfer.scenarios import DALIAN, FORMER_EMPLOYER, LONGCHENG, SHENYANG, collected, registered
from tests.transfer.world import CLERK, DESTINATION, FAR_DESK, World, running


async def rows(world: World) -> dict[str, list[asyncpg.Record]]:
    async with world.transfers.database.acquire() as conn:
        return {
            table: await conn.fetch(f"select * from {table} order by {table}::text") for table in READ_MODELS
        }


async def rebuilt(world: World) -> int:
    (projection,) = read_models()
    done = await rebuild(world.transfers.database, EventStore(), projection, LOG, inline=True)
    assert done.position == len(await world.log())
    return done.rows_changed


async def some_history(world: World) -> None:
    await world.learn(registered("firm-a", FORMER_EMPLOYER), collected("person-x"), collected("person-y"))
    await world.learn(collected("person-x", SHENYANG))
    await world.requested()
    await world.accepted()
    person_id = await world.person()
    await world.completed(person_id)
    await world.learn(collected(person_id))
    await world.requested(person_id, to_place=SHENYANG)
    withdrawn = await world.requested()
    await world.post(f"/v1/transfers/{withdrawn}/withdrawal", by=CLERK)
    await confirmed(world)
    await rounds(world, 5)
    refused = await received(world)
    await did(world, arrival_of(refused), "refusal", by=FAR_DESK, body={"reason": "other"})
    await requested_out(world, to_place=DALIAN)
    await rounds(world, 3)
    await approved(world)
    returned = await world.accepted()
    await world.post(f"/v1/transfers/{returned}/refusal", {"reason": "other"}, by=DESTINATION)


class TestRebuild:
    async def test_from_the_log_alone_gives_the_same_rows(self, fresh_database: FreshDatabaseFactory):
        async with running(fresh_database("transfer").app_dsn) as world:
            await some_history(world)
            before = await rows(world)
            assert all(before.values())
            assert await rebuilt(world) == 0
            async with world.transfers.database.acquire() as conn:
                for table in READ_MODELS:
                    await conn.execute(f"delete from {table}")
            assert await rebuilt(world) > 0
            assert await rows(world) == before

    async def test_repairs_a_damaged_row(self, fresh_database: FreshDatabaseFactory):
        async with running(fresh_database("transfer").app_dsn) as world:
            await some_history(world)
            before = await rows(world)
            async with world.transfers.database.acquire() as conn:
                await conn.execute("update homes set place = $1", LONGCHENG)
                await conn.execute("delete from worklist where state = 'requested'")
            await rebuilt(world)
            assert await rows(world) == before


class TestCommand:
    async def test_rebuilds_by_name_and_knows_no_other(self, fresh_database: FreshDatabaseFactory):
        async with running(fresh_database("transfer").app_dsn) as world:
            await some_history(world)
            [done] = await rebuild_all(world.transfers.databases)
            assert done.rows_changed == 0
            with pytest.raises(LookupError):
                await rebuild_all(world.transfers.databases, models=["no such thing"])


class TestPartitions:
    async def test_the_tables_partition_by_log(self, fresh_database: FreshDatabaseFactory):
        async with running(fresh_database("transfer", partitions=4).app_dsn) as world:
            await some_history(world)
            assert await rebuilt(world) == 0
