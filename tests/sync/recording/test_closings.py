"""A closed year goes to the credit archive, person by person, and again for whom something changes (S2A-08)."""

from collections.abc import AsyncIterator

import pytest_asyncio

from services.sync.recording.closings import Archiver
from tests.sync.feeds import closed, earned, line
from tests.sync.world import ARCHIVE, World, target, world_on

JINCHENG = "140500"


@pytest_asyncio.fixture
async def archiving(dsn: str) -> AsyncIterator[World]:
    async with world_on(dsn, target(ARCHIVE)) as world:
        yield world


async def archive(world: World) -> dict[str, str | None]:
    """Everything there is to read is read and sent; the status the archive holds of each person."""
    await world.record()
    async with world.ledger.client() as client:
        archiver = Archiver(world.database, client, world.sync.targets.all[ARCHIVE], lambda: world.now)
        while await archiver.step():
            pass
    await world.deliver(ARCHIVE)
    return {held.of("person_ref"): held.content["status"] for held in world.held(ARCHIVE).live}


def closes(world: World) -> None:
    world.ledger.publish("140000", closed(JINCHENG, 2025))


class TestClose:
    async def test_sends_everybody_of_the_extract_once(self, archiving: World):
        people = [archiving.person() for _ in range(5)]
        archiving.ledger.extract = [line(person) for person in people]
        closes(archiving)
        assert await archive(archiving) == dict.fromkeys(people, "compliant")
        held = archiving.held(ARCHIVE).held(f"{people[0]}:2025")
        assert held is not None
        assert (held.content["professional"], held.content["made_up"]) == ("60.00", "false")
        closes(archiving)
        await archive(archiving)
        assert len(archiving.held(ARCHIVE).arrivals) == 5

    async def test_what_enters_afterwards_sends_whom_it_changes(self, archiving: World):
        """B-07: make-up and corrections."""
        short, other = archiving.person(), archiving.person()
        archiving.ledger.extract = [line(short, "deficient"), line(other)]
        closes(archiving)
        await archive(archiving)
        archiving.ledger.extract[0] = line(short) | {"made_up": True}
        archiving.ledger.publish("140000", earned(short, "140502", year=2025, make_up=True))
        assert (await archive(archiving))[short] == "compliant"
        assert sorted(archiving.held(ARCHIVE).arrivals)[-3:] == sorted(
            [f"{short}:2025.1", f"{short}:2025.2", f"{other}:2025.1"]
        )

    async def test_an_open_year_is_not_sent(self, archiving: World):
        person = archiving.person()
        archiving.ledger.extract = [line(person)]
        archiving.ledger.publish("140000", earned(person, "140502", year=2025))
        assert await archive(archiving) == {}
