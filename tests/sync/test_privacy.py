"""Names and numbers pass through and stay nowhere: not in a table, not in a log line, not in an answer."""

import re
from typing import Any

import pytest
import structlog

from tests.sync.feeds import earned, withdrawn
from tests.sync.world import HR, NATIONAL, World

FORBIDDEN = re.compile(r"name|number|phone|mail|address|birth", re.I)


async def everything(world: World) -> str:
    """Every row of every table, as text."""
    async with world.database.acquire() as conn:
        tables = await conn.fetch(
            "select table_name from information_schema.tables where table_schema = 'sync' order by 1"
        )
        rows = [await conn.fetch(f"select t::text from {table['table_name']} t") for table in tables]
    return "\n".join(row["t"] for part in rows for row in part)


class TestCanaries:
    async def test_are_in_no_table_and_no_line_whatever_goes_wrong(
        self, world: World, capsys: pytest.CaptureFixture[str]
    ):
        """S0-23: delivered, refused, unsynced, failed and withdrawn."""
        people = [world.person() for _ in range(12)]
        credits = [earned(person, "440703") for person in people]
        known = world.identity(people[0])
        world.held().opens(known.id_type, known.id_number, "某某")
        world.ledger.publish("440000", *credits, withdrawn(credits[1]))
        world.ledger.publish("440000", *(earned(person, "440703", category="public") for person in people))
        await world.record()
        world.faults(NATIONAL, refused=0.2, broken=0.3, wrong_types=0.3)
        with structlog.testing.capture_logs() as lines:
            for _ in range(10):
                for name in (NATIONAL, HR):
                    await world.deliver(name)
                world.later(seconds=30)
        found = await everything(world)
        seen = [found, repr(lines), capsys.readouterr().out, (await world.status()).model_dump_json()]
        assert len(found) > 1000
        for person in people:
            for canary in (world.identity(person).id_number, world.identity(person).name):
                assert not any(canary in text for text in seen)

    async def test_have_no_column_to_be_in(self, world: World):
        async with world.database.acquire() as conn:
            columns: list[Any] = await conn.fetch(
                "select table_name, column_name from information_schema.columns where table_schema = 'sync'"
            )
        named = {
            f"{re.sub('_[0-9]+$', '', row['table_name'])}.{row['column_name']}"
            for row in columns
            if FORBIDDEN.search(row["column_name"])
        }
        assert named == {"checkpoints.name", "audit_seals.number", "histories.number"}
