"""Recognition: where a notice separates it from registration, a credit counts once an official has recognised it (S4-03)."""

import uuid
from datetime import UTC, datetime
from typing import Any

import pytest

from services.kit import events as codec
from services.ledger.counting import rebuild as rebuilding
from services.ledger.streams.account_events import CreditRecognised
from services.ledger.streams.publishing import publish
from tests.ledger.world import Provider, Somebody, World

GUANGDONG, JIANGMEN, PENGJIANG, LIAONING = "440000", "440700", "440703", "210000"
PLATFORM = "广东省会计信息服务平台"


@pytest.fixture
async def platform(world: World) -> Provider:
    world.now = datetime(2020, 6, 1, 4, tzinfo=UTC)
    return await world.provides(PLATFORM, accredited=[GUANGDONG])


async def earns(platform: Provider, who: Somebody, category: str = "professional") -> str:
    """Given a registered completion of 2020; its credit's id."""
    [outcome] = await platform.posts(platform.completion(who, 2020, "30.00", category=category))
    assert outcome["outcome"] == "registered", outcome
    return str(outcome["credit_id"])


def official(world: World, place: str = JIANGMEN) -> dict[str, str]:
    return world.official(place, "credit:recognise") | {"Idempotency-Key": str(uuid.uuid4())}


async def recognises(world: World, *credits: tuple[Somebody, str], place: str = JIANGMEN) -> Any:
    body = {
        "credits": [
            {"person_id": who.person_id, "year": 2020, "credit_id": credit_id} for who, credit_id in credits
        ]
    }
    response = await world.client.post("/v1/recognitions", json=body, headers=official(world, place))
    assert response.status_code == 200, response.text
    return response.json()["results"]


async def awaiting(world: World, place: str = JIANGMEN, **params: Any) -> Any:
    response = await world.client.get(
        "/v1/recognitions", params={"place": place, "year": 2020} | params, headers=official(world, place)
    )
    assert response.status_code == 200, response.text
    return response.json()


class TestRecognise:
    async def test_a_professional_credit_counts_once_recognised(self, world: World, platform: Provider):
        """S4-03, B-11."""
        who = await world.collects(PENGJIANG)
        credit_id = await earns(platform, who)
        before = await world.asks(who, 2020)
        assert (before["total"], before["not_counted"][0]["why"]) == ("0.00", "awaiting_recognition")
        [result] = await recognises(world, (who, credit_id))
        assert result["outcome"] == "recognised"
        assert (await world.asks(who, 2020))["total"] == "30.00"

    async def test_a_public_one_counts_by_its_registration(self, world: World, platform: Provider):
        """S4-01: registered and recognised automatically."""
        who = await world.collects(PENGJIANG)
        credit_id = await earns(platform, who, "public")
        assert (await world.asks(who, 2020))["total"] == "30.00"
        [result] = await recognises(world, (who, credit_id))
        assert result["problem"]["type"] == "urn:xuefen:problem:recognition-not-needed"

    async def test_many_at_once_each_answered(self, world: World, platform: Provider):
        """Those that can be are recognised; the others say why not."""
        mine, other, elsewhere = (
            await world.collects(PENGJIANG),
            await world.collects(JIANGMEN),
            await world.collects("440103"),
        )
        credits = [await earns(platform, who) for who in (mine, other, elsewhere)]
        await recognises(world, (mine, credits[0]))
        results = await recognises(
            world,
            (mine, credits[0]),
            (other, credits[1]),
            (elsewhere, credits[2]),
            (other, "440000-nothing"),
        )
        problems = [each.get("problem", {}).get("type", "").rpartition(":")[2] for each in results]
        assert problems == ["credit-already-recognised", "", "outside-place", "credit-unknown"]

    async def test_an_ended_credit_is_not_recognised(self, world: World, platform: Provider):
        who = await world.collects(PENGJIANG)
        [outcome] = await platform.posts(platform.completion(who, 2020, "30.00"))
        await platform.withdraws(outcome["id"])
        [result] = await recognises(world, (who, outcome["credit_id"]))
        assert result["problem"]["type"] == "urn:xuefen:problem:credit-already-ended"

    async def test_is_published_and_rows_follow_from_events(self, world: World, platform: Provider):
        who = await world.collects(PENGJIANG)
        credit_id = await earns(platform, who)
        await recognises(world, (who, credit_id))
        recorded = (await world.events(GUANGDONG))[-1]
        event = codec.decode(recorded.topic, recorded.state)
        assert isinstance(event, CreditRecognised)
        assert (event.clause, event.decided_by) == ("S4-03", "official-1")
        said = publish(recorded)
        assert said is not None
        assert said["type"] == "cn.xuefen.ledger.credit.recognised.v1"
        read = "select record_send(a.*) from accounts a where log = $1 and person_id = $2"
        async with world.ledger.databases.of(GUANGDONG).acquire() as conn:
            before = await conn.fetch(read, GUANGDONG, who.person_id)
        await rebuilding.rebuild(world.ledger.databases, models=["accounts"], logs=[GUANGDONG])
        async with world.ledger.databases.of(GUANGDONG).acquire() as conn:
            assert await conn.fetch(read, GUANGDONG, who.person_id) == before


class TestWorklist:
    async def test_lists_what_awaits_it_in_a_place(self, world: World, platform: Provider):
        """S4-03: by level: a district sees its own, a city all under it."""
        here, there = await world.collects("440704"), await world.collects("440705")
        mine = await earns(platform, here)
        await earns(platform, here, "public")
        theirs = await earns(platform, there)
        listed = await awaiting(world, "440704")
        assert [each["credit_id"] for each in listed["items"]] == [mine]
        assert listed["items"][0]["clause"] == "S4-03"
        ids = {each["credit_id"] for each in (await awaiting(world))["items"]}
        assert {mine, theirs} <= ids
        await recognises(world, (here, mine))
        assert (await awaiting(world, "440704"))["items"] == []

    async def test_is_recognised_piece_by_piece(self, world: World, platform: Provider):
        people = [await world.collects("440781") for _ in range(3)]
        credits = {await earns(platform, who) for who in people}
        done: set[str] = set()
        after = None
        for _ in range(4):
            body = {"place": "440781", "year": 2020, "limit": 2} | ({"after": after} if after else {})
            response = await world.client.post(
                "/v1/recognitions/worklist", json=body, headers=official(world)
            )
            assert response.status_code == 200, response.text
            answer = response.json()
            done |= {each["credit_id"] for each in answer["results"]}
            after = answer["next"]
            if after is None:
                break
        assert done == credits
        assert {(await world.asks(who, 2020))["total"] for who in people} == {"30.00"}
