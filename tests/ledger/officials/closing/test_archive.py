"""After a year is closed the credit archive is told how everybody stood, page by page, nobody by name (S2A-08, S2B-16)."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from tests.ledger.officials.closing.closing import CHAOYANG, LIAONING, SHUANGTA, closes, corrects, posts_one
from tests.ledger.world import Provider, World


async def archive(world: World, place: str = LIAONING, **params: Any) -> Any:
    """A page of the extract of 2025."""
    return await world.client.get(
        f"/v1/years/{place}/2025/archive", params=params, headers=world.official(place, "archive:read")
    )


@pytest.fixture
async def closed(world: World, provider: Provider) -> dict[str, str]:
    """Given a closed year with somebody in each kind of standing, by person."""
    met, short = await world.collects(SHUANGTA), await world.collects(SHUANGTA)
    exempt, new = (
        await world.collects("210102"),
        await world.collects("210102", qualified_on=date(2025, 3, 1)),
    )
    for category in ("professional", "professional", "public"):
        await posts_one(provider, met, category=category)
    await posts_one(provider, short)
    await world.client.post(
        f"/v1/persons/{exempt.person_id}/exemptions",
        json={"year": 2025, "reason": "illness"},
        headers=world.official(LIAONING) | {"Idempotency-Key": "exempt"},
    )
    assert (await closes(world, LIAONING, 2025)).status_code == 201
    await corrects(world, short, LIAONING, "decision-3", credits="10.00")
    return {
        met.person_id: "compliant",
        short.person_id: "deficient",
        exempt.person_id: "exempt",
        new.person_id: "not_required",
    }


class TestArchive:
    async def test_tells_status_credits_and_policy_of_everybody(self, world: World, closed: dict[str, str]):
        page = (await archive(world)).json()
        lines = {line["person_id"]: line for line in page["items"]}
        assert {person: line["status"] for person, line in lines.items()} == closed
        met, short, exempt, _ = (lines[person] for person in closed)
        assert (met["total"], met["by_category"]) == ("90.00", {"professional": "60.00", "public": "30.00"})
        assert met["policy"].startswith("sha256:")
        assert [line["corrected"] for line in (met, short)] == [False, True]
        assert exempt["exempt"] == "illness"
        assert page["next"] is None

    async def test_names_the_position_it_reflects_and_is_the_same_again(
        self, world: World, closed: dict[str, str]
    ):
        first, again = (await archive(world)).json(), (await archive(world)).json()
        assert first == again
        assert first["position"] == (await world.events(LIAONING))[-1].position
        await world.collects("210102")
        assert (await archive(world)).json()["position"] == first["position"] + 1

    async def test_pages_miss_nobody_and_repeat_nobody(self, world: World, closed: dict[str, str]):
        seen, after = [], None
        for _ in range(10):
            page = (await archive(world, limit=1, **({"after": after} if after else {}))).json()
            seen += [line["person_id"] for line in page["items"]]
            after = page["next"]
            if after is None:
                break
        assert sorted(seen) == sorted(closed)

    async def test_a_place_sees_its_own(self, world: World, closed: dict[str, str]):
        page = (await archive(world, CHAOYANG)).json()
        assert {line["status"] for line in page["items"]} == {"compliant", "deficient"}

    async def test_says_what_was_made_up(self, world: World, provider: Provider):
        """S1-17, A-08: made up in the window that follows the close."""
        world.now = datetime(2025, 2, 10, 4, tzinfo=UTC)
        who = await world.collects(SHUANGTA)
        await closes(world, CHAOYANG, 2024)
        records = [
            provider.completion(who, 2024, "60.00"),
            provider.completion(who, 2024, "30.00", category="public"),
        ]
        assert {each["outcome"] for each in await provider.posts(*records)} == {"registered"}
        response = await world.client.get(
            f"/v1/years/{CHAOYANG}/2024/archive", headers=world.official(CHAOYANG, "archive:read")
        )
        [line] = response.json()["items"]
        assert (line["status"], line["made_up"]) == ("compliant", True)

    async def test_does_not_exist_before_the_close(self, world: World):
        response = await archive(world)
        assert response.status_code == 409
        assert response.json()["type"] == "urn:xuefen:problem:year-not-closed"
