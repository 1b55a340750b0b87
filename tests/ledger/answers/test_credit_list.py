"""The list by which a reconciliation counts what the ledger holds of a place's year."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.kit.http import bearer
from tests.ledger.world import World

LIAONING, SHENYANG, CHAOYANG, DALIAN = "210000", "210102", "211302", "210202"
LISTED = "北京东奥时代教育科技有限公司"


async def listed(world: World, place: str, *, by: dict[str, str] | None = None, **params: Any) -> Any:
    headers = by or bearer("feed:read", subject="service:sync")
    asked = {"place": place, "year": 2025, **params}
    return await world.client.get("/v1/credits", params=asked, headers=headers)


@pytest.fixture(scope="module")
async def credits(world: World) -> list[dict[str, Any]]:
    """Three people of two cities with a credit each, and one who took theirs back."""
    world.now = datetime(2025, 6, 1, 4, tzinfo=UTC)
    provider = await world.provides(LISTED, accredited=[LIAONING])
    people = [await world.collects(place) for place in (SHENYANG, CHAOYANG, SHENYANG, SHENYANG)]
    records = [provider.completion(who, 2025, "30.00") for who in people]
    outcomes = await provider.posts(*records)
    await provider.withdraws(records[3]["id"])
    return [
        outcome | {"person_id": who.person_id} for outcome, who in zip(outcomes[:3], people, strict=False)
    ]


class TestList:
    async def test_holds_what_is_registered_and_has_not_ended(
        self, world: World, credits: list[dict[str, Any]]
    ):
        answer = (await listed(world, LIAONING)).json()
        found = {(line["credit_id"], line["person_id"]) for line in answer["items"]}
        assert found == {(credit["credit_id"], credit["person_id"]) for credit in credits}
        assert {line["credits"] for line in answer["items"]} == {"30.00"}
        assert {line["completed_on"] for line in answer["items"]} == {"2025-06-01"}

    async def test_of_a_city_leaves_the_others_out(self, world: World, credits: list[dict[str, Any]]):
        answer = (await listed(world, "211300")).json()
        assert [line["place"] for line in answer["items"]] == [CHAOYANG]

    async def test_comes_in_pages_that_leave_nobody_out(self, world: World, credits: list[dict[str, Any]]):
        found, after = [], ""
        while after is not None:
            page = (await listed(world, LIAONING, limit=1, after=after)).json()
            found += page["items"]
            after = page["next"]
        assert len(found) == 3

    async def test_of_a_place_is_for_who_covers_it(self, world: World):
        """S1-01: Dalian is not Liaoning's."""
        for place, expected in ((LIAONING, 200), ("210100", 403), ("140000", 403), ("100000", 200)):
            by = bearer("feed:read", subject="official", place=place)
            assert (await listed(world, LIAONING, by=by)).status_code == expected
        assert (await listed(world, DALIAN, by=bearer("feed:read", place=LIAONING))).status_code == 403
        by = bearer("feed:read", subject="p", organization="organization-1")
        assert (await listed(world, LIAONING, by=by)).status_code == 403

    async def test_of_the_nation_at_once_is_not_given(self, world: World):
        assert (await listed(world, "100000")).status_code == 422
