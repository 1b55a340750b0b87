"""The plain answer, which a process keeps composed, is always the one that would be made anew: it is asked for both ways
after everything that changes it. With a day of its own (`on`) the question is none that is kept."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.kit.audit import audited_paths
from services.kit.clock import clock_at, local_date, utc_now
from services.kit.hot_routes import HotRoute
from services.ledger.answers import composed_answers
from services.ledger.answers.api import HOT
from services.ledger.app import openapi_document
from services.ledger.intake import api as intake_api
from services.ledger.policy import parse_notice
from tests.kit.http import bearer
from tests.ledger.policy.builders import notice_text
from tests.ledger.world import Somebody, World

LIAONING, SHENYANG, DALIAN, SHANXI, TAIYUAN, BEIJING = (
    "210000",
    "210100",
    "210200",
    "140000",
    "140100",
    "110000",
)
NATION = "100000"
LISTED = "北京东奥时代教育科技有限公司"
NOON = datetime(2025, 6, 1, 4, tzinfo=UTC)


async def ask(world: World, who: Somebody | str, place: str, **params: str) -> tuple[Any, ...]:
    person_id = who if isinstance(who, str) else who.person_id
    response = await world.client.get(
        f"/v1/persons/{person_id}/compliance/2025", params=params, headers=world.official(place)
    )
    return response.status_code, response.headers["content-type"], response.text


async def ask_many(world: World, place: str, *people: Somebody, **more: str) -> Any:
    body = {"year": 2025, "persons": [*(who.person_id for who in people), "person-nobody"], **more}
    response = await world.client.post("/v1/compliance/query", json=body, headers=world.official(place))
    assert response.status_code == 200, response.text
    return response.text


async def same(world: World, *people: Somebody, places: tuple[str, ...] = (LIAONING, SHENYANG)) -> None:
    """Every one of them is answered alike both ways, alone and together; asked twice, so that what is kept is asked for."""
    today = local_date(world.now).isoformat()
    for place in (*places, SHANXI, NATION):
        for who in (*people, "person-nobody"):
            anew = await ask(world, who, place, on=today)
            assert [await ask(world, who, place) for _ in range(2)] == [anew, anew]
        assert await ask_many(world, place, *people) == await ask_many(world, place, *people, on=today)


@pytest.fixture(autouse=True)
def at_noon(world: World) -> None:
    world.now = NOON


async def test_is_the_one_made_anew_after_whatever_happens(world: World):
    provider = await world.provides(LISTED, accredited=[LIAONING])
    who, other = await world.collects(SHENYANG), await world.collects(LIAONING)
    await same(world, who, other)
    [first] = await provider.posts(provider.completion(who, 2025, "60.00"))
    await same(world, who, other)
    await provider.posts(provider.completion(who, 2025, "30.00", category="public"))
    await provider.posts(provider.completion(other, 2025, "12.00"))
    await same(world, who, other)
    revoked = await world.client.post(
        f"/v1/persons/{who.person_id}/credits/{first['credit_id']}/revocation",
        json={"year": 2025, "reason": "wrong_record"},
        headers={**world.official(LIAONING), "Idempotency-Key": "revoke-composed-1"},
    )
    assert revoked.status_code == 200, revoked.text
    await same(world, who, other)
    world.now = NOON + timedelta(days=214)
    await same(world, who, other)


async def test_is_the_one_made_anew_of_who_has_moved_and_of_whose_records_wait(world: World):
    provider = await world.provides(LISTED, accredited=[LIAONING])
    who = await world.collects(SHENYANG)
    misnamed = {**provider.completion(who, 2025, "30.00"), "person": {**who.identity, "name": "另有其人"}}
    assert [each["outcome"] for each in await provider.posts(misnamed)] == ["held"]
    await same(world, who)
    await world.moves(who, SHENYANG, LIAONING)
    await same(world, who)


async def test_is_the_one_made_anew_under_a_notice_that_comes_while_it_is_kept(world: World):
    who = await world.collects(BEIJING)
    await same(world, who, places=(BEIJING,))
    before = await ask(world, who, BEIJING)
    await world.publishes(parse_notice(notice_text(issued_on="2025-01-10", years="{from: 2025, to: 2025}")))
    await same(world, who, places=(BEIJING,))
    assert await ask(world, who, BEIJING) != before


async def test_leaves_a_record_of_each_reading_and_none_where_it_cannot_be_written(world: World):
    who = await world.collects(SHENYANG)
    for number in range(2):
        headers = bearer("compliance:read", subject="reader-of-composed", place=SHENYANG)
        path = f"/v1/persons/{who.person_id}/compliance/2025"
        assert (await world.client.get(path, headers=headers)).status_code == 200, number
    found = await world.client.get(
        "/v1/audit?caller=reader-of-composed", headers=bearer("audit:read", subject="auditor", place=SHENYANG)
    )
    assert [
        (each["kind"], each["asked"], each["subjects"], each["result"]) for each in found.json()["items"]
    ] == [("compliance", who.person_id, [who.person_id], "shown")] * 2


async def test_is_that_of_each_caller_s_own_day_also_when_they_ask_together(world: World):
    """In a sandbox every request has a moment of its own (`kit/sandbox.py`)."""
    who = await world.collects(SHENYANG)
    answers = composed_answers.ComposedAnswers(world.ledger.databases, world.ledger.policies, utc_now)

    async def asked(moment: datetime) -> str:
        with clock_at(moment):
            answer = await answers.of_one(who.person_id, 2025, LIAONING)
        assert answer is not None
        return str(json.loads(answer.body)["on"])

    days = [NOON, NOON + timedelta(days=200), NOON]
    assert await asyncio.gather(*map(asked, days)) == [local_date(day).isoformat() for day in days]


async def test_is_not_read_again_while_nothing_has_changed(world: World, monkeypatch: pytest.MonkeyPatch):
    who = await world.collects(SHENYANG)
    answer = await ask(world, who, LIAONING)

    def refuse(*_: object) -> None:
        raise AssertionError("composed again")

    monkeypatch.setattr(composed_answers, "_compose", refuse)
    assert await ask(world, who, LIAONING) == answer


async def test_is_kept_for_no_more_people_than_there_is_room_for(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(composed_answers, "ANSWERS_MAX", 2)
    people = [await world.collects(SHENYANG) for _ in range(4)]
    await same(world, *people)


@pytest.mark.parametrize("hot", [*HOT, *intake_api.HOT], ids=lambda hot: hot.path)
def test_a_hot_route_has_the_scopes_and_the_record_of_the_route_in_the_document(
    world: World, hot: HotRoute
) -> None:
    paths = openapi_document()["paths"]
    assert isinstance(paths, dict)
    security = paths[hot.path][hot.method.lower()]["security"]
    assert {scope for each in security for scopes in each.values() for scope in scopes} == hot.scopes
    audited = {(method, path): kind for method, path, kind in audited_paths(world.app.router.routes)}
    assert audited.get((hot.method, hot.path)) == hot.reads
