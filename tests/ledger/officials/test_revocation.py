"""An authority revokes: one credit with a reason and its clause, or all of a disqualified provider, one event each."""

import uuid
from datetime import UTC, date, datetime
from typing import Any, get_args

import pytest

from contracts import registry
from services.kit import events as codec
from services.ledger.officials.revocation import RevocationReason
from services.ledger.streams.account_events import CreditRevoked
from services.ledger.streams.publishing import publish
from tests.ledger.world import Provider, Somebody, World

LIAONING, SHENYANG, SHUANGTA = "210000", "210102", "211302"
LISTED, OTHER = "北京东奥时代教育科技有限公司", "东北财经大学"


@pytest.fixture
async def provider(world: World) -> Provider:
    world.now = datetime(2025, 6, 1, 4, tzinfo=UTC)
    return await world.provides(LISTED, accredited=[LIAONING])


def official(world: World, place: str = LIAONING) -> dict[str, str]:
    return world.official(place, "credit:revoke") | {"Idempotency-Key": str(uuid.uuid4())}


async def earns(provider: Provider, who: Somebody, **fields: Any) -> str:
    """Given a registered completion; its credit's id."""
    [outcome] = await provider.posts(provider.completion(who, 2025, "30.00", **fields))
    assert outcome["outcome"] == "registered", outcome
    return str(outcome["credit_id"])


async def disqualifies(world: World, provider: Provider, place: str, day: date) -> None:
    await world.hears(
        registry.ProviderDisqualified(
            organization_id=provider.organization_id, place=place, from_date=day, reason="misconduct"
        )
    )


async def revokes_all(world: World, provider: Provider, place: str = LIAONING, **fields: Any) -> Any:
    body = {"provider_id": provider.organization_id, "place": place, "year": 2025} | fields
    return await world.client.post("/v1/revocations", json=body, headers=official(world))


class TestReason:
    @pytest.mark.parametrize("reason", get_args(RevocationReason))
    async def test_is_one_of_those_that_are_pinned(self, world: World, provider: Provider, reason: str):
        """S1-21, A-12: the clause that names the misconduct is cited; the other reasons have none here."""
        who = await world.collects(SHUANGTA)
        credit_id = await earns(provider, who)
        response = await world.client.post(
            f"/v1/persons/{who.person_id}/credits/{credit_id}/revocation",
            json={"year": 2025, "reason": reason},
            headers=official(world),
        )
        assert response.status_code == 200, response.text
        assert response.json()["clause"] == ("S1-21" if reason in ("cheating", "proxy_study") else None)
        recorded = (await world.events(LIAONING))[-1]
        said = publish(recorded)
        assert said is not None
        assert (said["data"]["reason"], said["data"]["clause"]) == (reason, response.json()["clause"])
        [left_out] = (await world.asks(who, 2025))["not_counted"]
        assert (left_out["why"], left_out["clause"]) == ("revoked", response.json()["clause"])

    async def test_another_is_refused(self, world: World, provider: Provider):
        who = await world.collects(SHUANGTA)
        response = await world.client.post(
            f"/v1/persons/{who.person_id}/credits/{await earns(provider, who)}/revocation",
            json={"year": 2025, "reason": "dislike"},
            headers=official(world),
        )
        assert response.status_code == 422


class TestProvider:
    async def test_a_disqualification_alone_takes_nothing_back(self, world: World, provider: Provider):
        """A-12: earlier credits stand until revoked one by one."""
        who = await world.collects(SHUANGTA)
        await earns(provider, who)
        await disqualifies(world, provider, LIAONING, date(2025, 6, 10))
        assert (await world.asks(who, 2025))["total"] == "30.00"

    async def test_its_credits_are_revoked_one_event_each(self, world: World, provider: Provider):
        """A-12: those of others, and of other days than asked for, stand."""
        other = await world.provides(OTHER, accredited=[LIAONING])
        one, two = await world.collects(SHUANGTA), await world.collects(SHENYANG)
        may = {"completed_at": "2025-05-20T10:00:00+08:00"}
        early = {"completed_at": "2025-04-20T10:00:00+08:00"}
        ended = {await earns(provider, one, **may), await earns(provider, one, **may)}
        ended.add(await earns(provider, two, **may))
        stands = [await earns(provider, two, **early), await earns(other, one, **may)]
        await disqualifies(world, provider, LIAONING, date(2025, 6, 1))
        response = await revokes_all(world, provider, completed_from="2025-05-01")
        assert response.status_code == 200, response.text
        assert set(response.json()["credit_ids"]) == ended
        revoked = [
            event
            for each in await world.events(LIAONING)
            if isinstance(event := codec.decode(each.topic, each.state), CreditRevoked)
            and event.credit_id in ended
        ]
        assert len(revoked) == 3
        assert {event.reason for event in revoked} == {"provider_disqualified"}
        assert len(stands) == 2
        assert [(await world.asks(who, 2025))["total"] for who in (one, two)] == ["30.00", "30.00"]
        again = await revokes_all(world, provider, completed_from="2025-05-01")
        assert again.json()["credit_ids"] == []

    async def test_a_large_place_is_done_piece_by_piece(self, world: World, provider: Provider):
        people = [await world.collects(SHUANGTA) for _ in range(3)]
        for who in people:
            await earns(provider, who)
        await disqualifies(world, provider, LIAONING, date(2025, 6, 1))
        done, after, pieces = [], None, 0
        while pieces == 0 or after is not None:
            answer = (
                await revokes_all(world, provider, limit=2, **({"after": after} if after else {}))
            ).json()
            assert answer["looked_at"] <= 2
            done += answer["credit_ids"]
            after, pieces = answer["next"], pieces + 1
        assert pieces > 1
        assert len(done) == 3

    async def test_binds_the_official_to_the_place(self, world: World, provider: Provider):
        here, there = await world.collects(SHUANGTA), await world.collects(SHENYANG)
        credits = [await earns(provider, here), await earns(provider, there)]
        await disqualifies(world, provider, LIAONING, date(2025, 6, 1))
        answer = (await revokes_all(world, provider, SHUANGTA)).json()
        assert answer["credit_ids"] == credits[:1]
        response = await world.client.post(
            "/v1/revocations",
            json={"provider_id": provider.organization_id, "place": SHENYANG, "year": 2025},
            headers=official(world, SHUANGTA),
        )
        assert response.status_code == 403

    async def test_one_in_good_standing_is_not_dealt_with_in_bulk(self, world: World, provider: Provider):
        response = await revokes_all(world, provider)
        assert response.status_code == 409
        assert response.json()["type"] == "urn:xuefen:problem:provider-in-good-standing"
