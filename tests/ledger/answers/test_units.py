"""The people of a unit: who has met a year, what the others miss, and by when."""

from datetime import UTC, date, datetime
from typing import Any

from services.cli.demo import fictitious
from tests.ledger.reactions.test_changes import change_of
from tests.ledger.world import World

LIAONING, SHUANGTA, SHANXI, DALIAN = "210000", "211302", "140000", "210200"
LISTED = "北京东奥时代教育科技有限公司"


async def asks(world: World, employer: str, headers: dict[str, str], year: int = 2025, **params: Any) -> Any:
    response = await world.client.get(
        f"/v1/employers/{employer}/compliance/{year}", params=params, headers=headers
    )
    assert response.status_code == 200, response.text
    return response.json()


class TestGetUnitCompliance:
    async def test_says_who_has_met_the_year_and_what_the_others_miss_by_when(self, world: World):
        """S0-24, S1-20, S3A-04."""
        employer = fictitious.uscc(701)
        unit = await world.employs(employer)
        provider = await world.provides(LISTED, accredited=[LIAONING])
        world.now = datetime(2025, 6, 1, 4, tzinfo=UTC)
        done, short = [await world.collects(SHUANGTA, employer=employer) for _ in range(2)]
        new = await world.collects(SHUANGTA, employer=employer, qualified_on=date(2025, 3, 1))
        await world.collects(SHUANGTA, employer=fictitious.uscc(702))
        await provider.posts(
            provider.completion(done, 2025, "60.00"),
            provider.completion(done, 2025, "30.00", category="public"),
            provider.completion(short, 2025, "47.50"),
        )
        page = await asks(world, employer, unit)
        told = {each["person_id"]: each for each in page["items"]}
        assert {who: each["status"] for who, each in told.items()} == {
            done.person_id: "compliant",
            short.person_id: "in_progress",
            new.person_id: "not_required",
        }
        assert told[short.person_id] == {
            "person_id": short.person_id,
            "place": SHUANGTA,
            "status": "in_progress",
            "provisional": False,
            "total": "47.50",
            "missing": [
                {"category": None, "credits": "42.50"},
                {"category": "professional", "credits": "12.50"},
                {"category": "public", "credits": "30.00"},
            ],
            "until": "2025-12-31",
            "make_up": False,
            "clause": "S1-16",
        }
        late = await asks(world, employer, unit, on="2026-02-01", status="deficient")
        assert [each["person_id"] for each in late["items"]] == [short.person_id]

    async def test_a_make_up_that_is_open_is_the_time_that_is_left(self, world: World):
        """S3B-05: what 2025 misses can be made up until 1 June 2026."""
        employer = fictitious.uscc(703)
        unit = await world.employs(employer)
        await world.collects("140403", employer=employer)
        [member] = (await asks(world, employer, unit, on="2026-04-15"))["items"]
        assert (member["status"], member["make_up"], member["until"]) == ("deficient", True, "2026-06-01")

    async def test_pages_through_people_of_several_authorities_once_each(self, world: World):
        employer = fictitious.uscc(704)
        unit = await world.employs(employer)
        places = (SHANXI, LIAONING, DALIAN, SHUANGTA, SHANXI)
        people = [await world.collects(place, employer=employer) for place in places]
        seen: list[str] = []
        page: dict[str, Any] = {"next": None}
        while True:
            after = {"after": page["next"]} if page["next"] else {}
            page = await asks(world, employer, unit, limit=2, **after)
            seen += [each["person_id"] for each in page["items"]]
            if page["next"] is None:
                break
        assert sorted(seen) == sorted(who.person_id for who in people)

    async def test_whoever_changes_employer_is_seen_by_the_new_one(self, world: World):
        before, after = fictitious.uscc(705), fictitious.uscc(706)
        old, new = await world.employs(before), await world.employs(after)
        who = await world.collects(SHUANGTA, employer=before)
        await world.hears(change_of(world, who, SHUANGTA, employer=after))
        assert (await asks(world, before, old))["items"] == []
        assert [each["person_id"] for each in (await asks(world, after, new))["items"]] == [who.person_id]
