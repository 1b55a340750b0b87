"""Organizations that an authority never accredited: they write nothing into its log, and learn of nobody in it."""

import pytest

from tests.ledger.world import Provider, World

LIAONING, DALIAN, SHANXI = "210000", "210200", "140000"
LISTED = "北京东奥时代教育科技有限公司"
UNLISTED = "从未备案网校有限公司"
ROUTES = ("completions", "enrolments", "exam-passes")
KINDS = ("accredited by another authority", "accredited by nobody", "an organization that does not exist")


async def organization(world: World, kind: str) -> Provider:
    match kind:
        case "accredited by another authority":
            return await world.provides(UNLISTED, accredited=[SHANXI, DALIAN])
        case "accredited by nobody":
            return await world.provides(UNLISTED)
    return Provider(world, "organization-9999999")


async def people(world: World) -> list[dict[str, str]]:
    """Not there; there under another name; there; in another authority."""
    there = await world.collects(LIAONING)
    far = await world.collects(SHANXI)
    right = Provider(world, "").completion(there, 2025, "1.00")["person"]
    return [
        Provider(world, "").completion(world.stranger(), 2025, "1.00")["person"],
        right | {"name": "别的名字"},
        right,
        Provider(world, "").completion(far, 2025, "1.00")["person"],
    ]


def body(route: str, number: int, person: dict[str, str]) -> dict[str, object]:
    own: dict[str, dict[str, object]] = {
        "completions": {
            "category": "professional",
            "credits": "1.00",
            "mode": "online",
            "course": "course-1",
            "completed_at": "2025-06-18T10:00:00+08:00",
        },
        "enrolments": {"mode": "online", "enrolled_on": "2025-06-18"},
        "exam-passes": {"passed_at": "2025-06-18T10:00:00+08:00"},
    }
    return {"id": f"r-{number}", "person": person, "year": 2025, "authority": LIAONING, **own[route]}


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("kind", KINDS)
async def test_is_told_the_same_of_everybody_and_writes_nothing(world: World, kind: str, route: str) -> None:
    provider = await organization(world, kind)
    records = [body(route, number, person) for number, person in enumerate(await people(world))]
    before = await world.count_events()
    told = [{**outcome, "id": None} for outcome in await provider.posts(*records, to=route)]
    assert told == [told[0]] * len(records)
    assert told[0]["outcome"] == "rejected"
    assert told[0]["problem"]["type"] == "urn:xuefen:problem:provider-unknown-here"
    assert await world.count_events() == before


async def test_may_report_where_a_notice_lists_it(world: World) -> None:
    """S1-22: the list of the notice is word enough, without an accreditation in the registry."""
    provider = await world.provides(LISTED)
    record = body("completions", 1, Provider(world, "").completion(world.stranger(), 2025, "1.00")["person"])
    [held] = await provider.posts(record)
    assert (held["outcome"], held["reason"]) == ("held", "not_collected")
