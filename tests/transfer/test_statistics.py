"""Statistics of transfers at a place: on their way, late, returned by reason, and how many days they take."""

from datetime import timedelta
from typing import Any

import pytest

from tests.kit.http import bearer
from tests.transfer.scenarios import NOW
from tests.transfer.world import CLERK, World, code

FUSHUN, XINFU, DONGZHOU = "210400", "210402", "210403"
"""抚顺市, where no other test sends anything."""
CITY = bearer("transfer:review", "statistics:read", place=FUSHUN)


async def step(world: World, transfer_id: str, name: str, body: Any = None) -> None:
    answer = await world.post(f"/v1/transfers/{transfer_id}/{name}", body, by=CITY)
    assert answer.status_code == 200, answer.text


async def history(world: World) -> None:
    """Two on their way, one of them late; one returned; two completed, after two and after four days."""
    late = await world.requested(await world.person(XINFU), to_place=DONGZHOU)
    assert late
    refused = await world.requested(await world.person(XINFU), to_place=DONGZHOU)
    await step(world, refused, "refusal", {"reason": "evidence_unclear"})
    for days in (2, 4):
        world.now = NOW
        done = await world.requested(await world.person(XINFU), to_place=DONGZHOU)
        await step(world, done, "acceptance")
        world.now = NOW + timedelta(days=days)
        await step(world, done, "approval")
    world.now = NOW + timedelta(days=20)
    waiting = await world.requested(await world.person(XINFU), to_place=DONGZHOU)
    await step(world, waiting, "acceptance")


async def counted(world: World, **query: Any) -> dict[str, Any]:
    answer = await world.get("/v1/statistics/transfers", by=CITY, **query)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def test_statistics(world: World) -> None:
    await history(world)
    told = await counted(world)
    flying = {(each["place"], each["state"]): (each["number"], each["late"]) for each in told["in_flight"]}
    assert flying == {(XINFU, "requested"): (1, 1), (DONGZHOU, "accepted"): (1, 0)}
    ended = {(each["state"], each["reason"]): each["number"] for each in told["ended"]}
    assert ended == {("returned", "evidence_unclear"): 1, ("completed", None): 2}
    assert told["median_days"] == pytest.approx(3.0)
    assert told["median_days_by_place"] == [{"place": XINFU, "days": pytest.approx(3.0)}]
    narrow = await counted(world, since="2025-03-06", until="2025-03-31")
    assert {each["state"]: each["number"] for each in narrow["ended"]} == {"completed": 1}


async def test_of_a_place_beyond_the_caller_s_is_refused(world: World) -> None:
    answer = await world.get("/v1/statistics/transfers", by=CITY, place="210000")
    assert (answer.status_code, code(answer)) == (403, "outside-place")
    nowhere = await world.get("/v1/statistics/transfers", by=bearer("statistics:read"))
    assert (nowhere.status_code, code(nowhere)) == (403, "outside-place")


async def test_people_get_no_statistics(world: World) -> None:
    assert (await world.get("/v1/statistics/transfers", by=CLERK)).status_code == 403
