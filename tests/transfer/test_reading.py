"""Views of a person and a desk: one transfer with its steps, and the list of what waits."""

from typing import Any
from uuid import uuid4

from tests.kit.http import bearer
from tests.transfer.scenarios import CHAOYANG, SHUANGTA
from tests.transfer.world import CLERK, DESTINATION, ORIGIN, World, code


class TestView:
    async def test_shows_every_step_to_the_person_without_naming_officials(self, world: World):
        person_id = await world.person()
        transfer_id = await world.accepted(person_id)
        answer = await world.get(
            f"/v1/transfers/{transfer_id}", by=bearer("transfer:request", subject=person_id)
        )
        view = answer.json()
        assert [step["state"] for step in view["steps"]] == ["requested", "accepted"]
        assert view["steps"][1] == {
            "state": "accepted",
            "at": "2025-03-03T01:00:00Z",
            "place": SHUANGTA,
            "reason": None,
            "by": None,
        }
        assert view["evidence"][0]["name"] == "工作证明.pdf"
        assert view["due"] == {"on": "2025-03-17", "unknown_year": None, "late": False}

    async def test_shows_officials_who_decided(self, world: World):
        transfer_id = await world.accepted()
        view = (await world.get(f"/v1/transfers/{transfer_id}", by=DESTINATION)).json()
        assert [step["by"] for step in view["steps"]] == ["clerk-n", "clerk-o"]

    async def test_the_last_day_counts_to_its_end_and_then_it_is_late(self, world: World):
        transfer_id = await world.requested()
        world.now = world.now.replace(day=17, hour=15, minute=59)
        assert not (await world.get(f"/v1/transfers/{transfer_id}", by=CLERK)).json()["due"]["late"]
        world.now = world.now.replace(hour=16, minute=0)
        assert (await world.get(f"/v1/transfers/{transfer_id}", by=CLERK)).json()["due"]["late"]

    async def test_a_due_day_in_a_year_without_calendar_is_said_to_be_unknown(self, world: World):
        world.now = world.now.replace(year=2099, month=12, day=30)
        view = (await world.get(f"/v1/transfers/{await world.requested()}", by=CLERK)).json()
        assert view["due"] == {"on": None, "unknown_year": 2099, "late": None}


class TestWorklist:
    """In 沈阳市 and below, where no other test sends anything."""

    HEPING, SHENHE = "210102", "210103"

    async def items(self, world: World, place: str, **query: Any) -> list[dict[str, Any]]:
        official = bearer("transfer:review", place=query.pop("by", place))
        answer = await world.get("/v1/transfers", by=official, place=place, **query)
        assert answer.status_code == 200, answer.text
        return list(answer.json()["items"])

    async def test_of_a_place_beyond_the_caller_s_is_refused(self, world: World):
        answer = await world.get("/v1/transfers", by=ORIGIN, place=CHAOYANG)
        assert (answer.status_code, code(answer)) == (403, "outside-place")

    async def test_of_a_caller_without_a_place_is_refused(self, world: World):
        answer = await world.get("/v1/transfers", by=bearer("transfer:review"))
        assert (answer.status_code, code(answer)) == (403, "outside-place")

    async def test_lists_in_order_of_submission_and_pages(self, world: World):
        expected = []
        for minute in (3, 1, 2):
            world.now = world.now.replace(minute=minute)
            person_id = await world.person(self.HEPING)
            expected.append((minute, await world.requested(person_id, to_place=self.SHENHE)))
        ids = [transfer_id for _, transfer_id in sorted(expected)]
        assert [item["transfer_id"] for item in await self.items(world, self.HEPING)] == ids
        official = bearer("transfer:review", place=self.HEPING)
        first = (await world.get("/v1/transfers", by=official, limit=2)).json()
        assert [item["transfer_id"] for item in first["items"]] == ids[:2]
        second = (await world.get("/v1/transfers", by=official, limit=2, after=first["next"])).json()
        assert [item["transfer_id"] for item in second["items"]] == ids[2:]
        assert second["next"] is None
        unknown = await world.get("/v1/transfers", by=official, after=str(uuid4()))
        assert unknown.status_code == 404

    async def test_a_transfer_stands_at_the_desk_whose_turn_it_is_and_above(self, world: World):
        person_id = await world.person("210181")
        transfer_id = await world.requested(person_id, to_place="210112")
        assert [item["desk"] for item in await self.items(world, "210181")] == ["210181"]
        assert await self.items(world, "210112") == []
        official = bearer("transfer:review", place="210000")
        world.now = world.now.replace(day=10)
        await world.post(f"/v1/transfers/{transfer_id}/acceptance", by=official)
        assert await self.items(world, "210181") == []
        (item,) = await self.items(world, "210112")
        assert (item["desk"], item["due"]["on"]) == ("210112", "2025-03-24")
        above = [i["transfer_id"] for i in await self.items(world, "210100", by="210000", state="accepted")]
        assert transfer_id in above
        await world.post(f"/v1/transfers/{transfer_id}/approval", by=official)
        assert await self.items(world, "210112") == []
        for place in ("210181", "210112"):
            (over,) = await self.items(world, place, state="completed")
            assert (over["transfer_id"], over["due"]) == (transfer_id, None)
