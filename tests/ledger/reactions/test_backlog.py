"""A worker that was away finds many facts in one batch: what it releases is decided on all of them."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from contracts import registry
from contracts.divisions import NATION
from services.cli.demo import fictitious
from services.kit import event_store
from services.ledger.store import nation
from tests.ledger.world import Provider, Somebody, World

LIAONING, SHANXI, TAIYUAN = "210000", "140000", "140100"
LISTED = "北京东奥时代教育科技有限公司"


def named(organization_id: str, name: str, number: int) -> registry.OrganizationRegistered:
    return registry.OrganizationRegistered(
        organization_id=organization_id, name=name, uscc=fictitious.uscc(number), kind="online_provider"
    )


def accredited(organization_id: str, place: str, year: int = 2026) -> registry.ProviderAccredited:
    return registry.ProviderAccredited(
        organization_id=organization_id, place=place, years=(year,), modes=("online",), published=True
    )


def disqualified(organization_id: str, place: str, since: date) -> registry.ProviderDisqualified:
    return registry.ProviderDisqualified(
        organization_id=organization_id, place=place, from_date=since, reason="fraud"
    )


@pytest.fixture
def world(world: World) -> World:
    world.now = datetime(2026, 7, 1, 4, tzinfo=UTC)
    return world


class TestRelease:
    async def test_knows_a_provider_that_was_filed_in_the_same_batch(self, world: World):
        """S3B-12: filed and published before the person was collected, heard of in one go."""
        provider, person = Provider(world, "organization-late-1"), world.stranger()
        await world.hears(accredited(provider.organization_id, SHANXI, 2020))
        [outcome] = await provider.posts(provider.completion(person, 2026, "90.00", authority=SHANXI))
        assert outcome["outcome"] == "held"
        await world.hears(
            named(provider.organization_id, "晋城会计培训中心", 901),
            accredited(provider.organization_id, SHANXI),
            world.collection("person-late-1", person, TAIYUAN),
        )
        assert (await world.asks(Somebody("person-late-1", person), 2026))["total"] == "90.00"

    async def test_knows_the_name_of_a_provider_that_was_registered_in_the_same_batch(self, world: World):
        """S1-22: the list names it; its name stands in the nation's log."""
        provider, person = Provider(world, "organization-late-2"), world.stranger()
        await world.hears(accredited(provider.organization_id, LIAONING))
        world.now = datetime(2025, 6, 1, 4, tzinfo=UTC)
        [outcome] = await provider.posts(provider.completion(person, 2025, "90.00", authority=LIAONING))
        assert outcome["outcome"] == "held"
        await world.hears(
            world.collection("person-late-2", world.stranger(), LIAONING),
            named(provider.organization_id, LISTED, 902),
            world.collection("person-late-3", person, LIAONING),
        )
        assert (await world.asks(Somebody("person-late-3", person), 2025))["total"] == "90.00"

    async def test_of_more_events_than_one_append_holds_goes_in_parts(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ):
        provider = await world.provides(LISTED, accredited=[SHANXI])
        people = [world.stranger() for _ in range(4)]
        for person in people:
            await provider.posts(*(provider.completion(person, 2026, "30.00") for _ in range(4)))
        monkeypatch.setattr(event_store, "EVENTS_PER_APPEND_MAX", 20)
        ids = [f"person-many-{number}" for number in range(4)]
        await world.hears(
            *(world.collection(pid, who, TAIYUAN) for pid, who in zip(ids, people, strict=True))
        )
        for person_id, person in zip(ids, people, strict=True):
            assert (await world.asks(Somebody(person_id, person), 2026))["total"] == "120.00"


class TestNation:
    async def outcome(self, world: World, provider: Provider) -> dict[str, Any]:
        who = await world.collects(TAIYUAN)
        [outcome] = await provider.posts(provider.completion(who, 2026, "90.00", authority=SHANXI))
        return outcome

    async def test_a_provider_disqualified_by_the_nation_is_refused_everywhere(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ):
        """S0-25, A-12: a disqualification counts at its place and everywhere under it."""
        monkeypatch.setattr(nation, "FRESH_SECONDS", 0.0)
        provider = await world.provides("晋中会计培训中心", accredited=[SHANXI])
        assert (await self.outcome(world, provider))["outcome"] == "registered"
        await world.hears(disqualified(provider.organization_id, NATION, date(2026, 7, 1)))
        refused = await self.outcome(world, provider)
        assert refused["problem"]["type"] == "urn:xuefen:problem:provider-disqualified"

    async def test_a_provider_accredited_by_the_nation_may_teach_everywhere(self, world: World):
        """B-14: by the authority of the place or one above it."""
        provider = await world.provides("全国会计培训中心", accredited=[NATION])
        assert (await self.outcome(world, provider))["outcome"] == "registered"
