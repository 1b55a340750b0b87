"""A provider's standing over time: filed, ended, lost and given back, and what was completed on each of the days."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from contracts import registry
from services.ledger.streams import provider as providers
from services.ledger.streams.provider import ProviderDisqualified, ProviderReinstated
from tests.ledger.world import Provider, World

LIAONING, SHANXI, TAIYUAN = "210000", "140000", "140100"
STAR = "会计之星培训中心"


@pytest.fixture
def world(world: World) -> World:
    world.now = datetime(2026, 8, 1, 4, tzinfo=UTC)
    return world


def disqualified(provider: Provider, since: date, place: str = SHANXI) -> registry.ProviderDisqualified:
    return registry.ProviderDisqualified(
        organization_id=provider.organization_id, place=place, from_date=since, reason="quality"
    )


def reinstated(provider: Provider, since: date, place: str = SHANXI) -> registry.ProviderReinstated:
    return registry.ProviderReinstated(
        organization_id=provider.organization_id, place=place, from_date=since, reason="rectified"
    )


async def outcome(world: World, provider: Provider, completed_at: str) -> dict[str, Any]:
    """What becomes of a completion of somebody new at a moment in China."""
    who = await world.collects(TAIYUAN)
    record = provider.completion(who, 2026, "30.00", completed_at=f"{completed_at}+08:00", authority=SHANXI)
    [answer] = await provider.posts(record)
    return answer


class TestReinstatement:
    """S0-25, A-12: refused from the day the standing was lost; from the day it came back registered again."""

    async def test_completions_between_stay_refused(self, world: World):
        provider = await world.provides(STAR, accredited=[SHANXI])
        await world.hears(disqualified(provider, date(2026, 5, 1)))
        await world.hears(reinstated(provider, date(2026, 7, 1)))
        for moment, expected in (
            ("2026-04-30T23:59:59", "registered"),
            ("2026-05-01T00:00:00", "rejected"),
            ("2026-06-30T23:59:59", "rejected"),
            ("2026-07-01T00:00:00", "registered"),
        ):
            answer = await outcome(world, provider, moment)
            assert answer["outcome"] == expected, moment
            if expected == "rejected":
                assert answer["problem"]["type"] == "urn:xuefen:problem:provider-disqualified"

    async def test_is_heard_in_one_batch_with_what_it_lifts(self, world: World):
        provider = await world.provides(STAR, accredited=[SHANXI])
        await world.hears(disqualified(provider, date(2026, 5, 1)), reinstated(provider, date(2026, 7, 1)))
        assert (await outcome(world, provider, "2026-06-01T12:00:00"))["outcome"] == "rejected"
        assert (await outcome(world, provider, "2026-07-02T12:00:00"))["outcome"] == "registered"

    async def test_lifts_what_was_taken_at_its_own_place_alone(self, world: World):
        provider = await world.provides(STAR, accredited=[SHANXI])
        await world.hears(
            disqualified(provider, date(2026, 5, 1)),
            disqualified(provider, date(2026, 5, 1), TAIYUAN),
            reinstated(provider, date(2026, 7, 1), TAIYUAN),
        )
        assert (await outcome(world, provider, "2026-07-02T12:00:00"))["outcome"] == "rejected"

    async def test_a_standing_may_be_lost_again(self, world: World):
        provider = await world.provides(STAR, accredited=[SHANXI])
        await world.hears(
            disqualified(provider, date(2026, 4, 10)),
            reinstated(provider, date(2026, 5, 1)),
            disqualified(provider, date(2026, 6, 1)),
        )
        for moment, expected in (
            ("2026-04-20T12:00:00", "rejected"),
            ("2026-05-20T12:00:00", "registered"),
            ("2026-06-20T12:00:00", "rejected"),
        ):
            assert (await outcome(world, provider, moment))["outcome"] == expected, moment

    def test_the_days_without_standing_are_remembered(self):
        lost = ProviderDisqualified(
            organization_id="o", place=SHANXI, from_date=date(2026, 5, 1), reason="quality"
        )
        back = ProviderReinstated(
            organization_id="o", place=SHANXI, from_date=date(2026, 7, 1), reason="rectified"
        )
        provider = providers.evolve(providers.evolve(None, lost), back)
        assert provider is not None
        assert provider.disqualified == ()
        assert provider.suspended == ((SHANXI, date(2026, 5, 1), date(2026, 7, 1)),)


class TestEndOfAFiling:
    """S2B-14, S3B-12: only what is filed and published may train; what was completed before the end stands."""

    async def test_completions_from_the_day_on_are_refused(self, world: World):
        provider = await world.provides(STAR, accredited=[SHANXI], years=(2026,), modes=("online",))
        ended = registry.AccreditationEnded(
            organization_id=provider.organization_id,
            place=SHANXI,
            years=(2026,),
            modes=("online",),
            from_date=date(2026, 6, 1),
            reason="given_up",
        )
        await world.hears(ended)
        assert (await outcome(world, provider, "2026-05-31T23:59:59"))["outcome"] == "registered"
        answer = await outcome(world, provider, "2026-06-01T00:00:00")
        assert answer["problem"]["type"] == "urn:xuefen:problem:provider-not-accredited"

    async def test_another_filing_of_the_same_place_goes_on(self, world: World):
        provider = await world.provides(STAR, accredited=[SHANXI], years=(2026,), modes=("online",))
        said = {"organization_id": provider.organization_id, "place": SHANXI, "modes": ("online",)}
        await world.hears(
            registry.ProviderAccredited(**said, years=(2025, 2026), published=True),
            registry.AccreditationEnded(
                **said, years=(2026,), from_date=date(2026, 6, 1), reason="filed_in_error"
            ),
        )
        assert (await outcome(world, provider, "2026-06-02T12:00:00"))["outcome"] == "registered"
