"""Chains of merges: what became part of a profile goes with it into a third one, and every former id points there."""

import uuid
from typing import Any

from tests.ledger.moving.mover import JINCHENG, Mover
from tests.ledger.reactions.test_changes import LIAONING
from tests.ledger.reactions.test_merges import SHENYANG, follow_merge, listed, merge_of, october
from tests.ledger.world import Provider, Somebody, World

__all__ = ["october"]


class TestChain:
    """A profile that took over another becomes part of a third one: the chain is one life."""

    async def chained(self, world: World, provider: Provider) -> tuple[list[Somebody], list[dict[str, Any]]]:
        people = [await world.collects(SHENYANG) for _ in range(3)]
        records = [provider.completion(each, 2025, "20.00") for each in people]
        await provider.posts(*records)
        first, second, last = people
        await follow_merge(world, second, first)
        [changed, merged] = merge_of(world, last, second)
        [of_first, _] = merge_of(world, last, first)
        changed = changed.model_copy(update={"former": (*changed.former, *of_first.former)})
        await world.hears(changed, merged)
        return people, records

    async def test_adds_up_and_every_former_id_points_to_the_last(self, world: World):
        people, _ = await self.chained(world, await listed(world))
        last = people[-1]
        assert (await world.asks(last, 2025))["total"] == "60.00"
        for each in people[:-1]:
            for path in ("compliance/2025", "transcript"):
                answer = await world.client.get(
                    f"/v1/persons/{each.person_id}/{path}", headers=world.official(LIAONING)
                )
                assert answer.json()["merged_into"] == last.person_id
            relief = {"year": 2025, "reason": "illness"}
            headers = world.official(LIAONING) | {"Idempotency-Key": str(uuid.uuid4())}
            path = f"/v1/persons/{each.person_id}/exemptions"
            answer = await world.client.post(path, json=relief, headers=headers)
            assert answer.json()["merged_into"] == last.person_id

    async def test_a_record_of_any_of_them_is_repeated_read_back_and_withdrawn(self, world: World):
        provider = await listed(world)
        people, records = await self.chained(world, provider)
        last = people[-1]
        for record in records:
            for who in people:
                [again] = await provider.posts(record | {"person": who.identity})
                assert (again["outcome"], again["person_id"]) == ("duplicate", last.person_id)
        of_last = {"person": last.person_id}
        headers = provider.headers()
        page = (await world.client.get("/v1/completions", params=of_last, headers=headers)).json()
        assert {each["id"] for each in page["items"]} == {each["id"] for each in records}
        for record in records:
            assert (await provider.withdraws(record["id"], key=str(uuid.uuid4()))).status_code == 200
        assert (await world.asks(last, 2025))["total"] == "0.00"

    async def test_is_still_known_after_a_move_away_and_back(self, world: World):
        provider = await listed(world)
        people, records = await self.chained(world, provider)
        last, mover = people[-1], Mover(world)
        facts = [merge_of(world, last, each)[0] for each in people[:-1]]
        former = [each.model_dump(mode="json") for fact in facts for each in fact.former]
        await mover.moves(last, JINCHENG, former=former)
        await mover.moves(last, SHENYANG, former=former)
        for record in records:
            [again] = await provider.posts(record)
            assert (again["outcome"], again["person_id"]) == ("duplicate", last.person_id)
