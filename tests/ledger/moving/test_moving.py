"""A person leaves one authority and arrives in another with the open years: one home at a time, and nothing lost."""

from datetime import UTC, datetime

import pytest

from tests.ledger.moving.mover import JINCHENG, LIAONING, LISTED, SHANXI, SHENYANG, Mover
from tests.ledger.world import Provider, World

NOW = datetime(2025, 6, 1, 4, tzinfo=UTC)


@pytest.fixture(autouse=True)
def today(world: World) -> None:
    world.now = NOW


@pytest.fixture
def mover(world: World) -> Mover:
    return Mover(world)


async def liaoning_provider(world: World) -> Provider:
    return await world.provides(LISTED, accredited=[LIAONING])


class TestMoving:
    async def test_the_open_year_moves_with_its_credits_as_awarded(self, world: World, mover: Mover):
        """Credits are valid in the whole country in their year; the destination judges it (S1-04, A-13)."""
        provider = await liaoning_provider(world)
        who = await world.collects(SHENYANG)
        [outcome] = await provider.posts(provider.completion(who, 2025, "60.00"))
        before = await world.asks(who, 2025)
        await mover.moves(who, JINCHENG)
        after = await world.asks(who, 2025)
        assert (before["log"], after["log"]) == (LIAONING, SHANXI)
        assert after["place"] == JINCHENG
        assert after["by_category"] == before["by_category"]
        transcript = await world.client.get(
            f"/v1/persons/{who.person_id}/transcript", headers=world.official(SHANXI)
        )
        assert [line["credit_id"] for line in transcript.json()["credits"]] == [outcome["credit_id"]]
