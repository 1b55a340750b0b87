"""Trials of drafts as jobs: asked for over HTTP, worked off by the worker, followed and given up."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from services.ledger.counting import trials
from services.ledger.policy import notice_as_data
from tests.conftest import FreshDatabaseFactory
from tests.ledger.policy.drafts import draft
from tests.ledger.world import World, make_world

BEIJING, DONGCHENG = "110000", "110101"
MORE = draft({"kind": "requirement", "total": 100}, year=2025, issued_on="2025-01-02", name="beijing-2025")
STORIES = """
about: 试
given: {place: "110101", year: 2025, person: {qualified_on: 2019-05-01}, credits: [{credits: 90, on: 2025-05-01}]}
scenarios:
  - {name: 九十学分, clauses: [], then: [{on: 2025-06-01, status: compliant}]}
  - {name: 一百学分未满, clauses: [], then: [{on: 2025-06-01, status: in_progress}]}
"""


@pytest.fixture(scope="module")
async def world(fresh_database: FreshDatabaseFactory) -> AsyncIterator[World]:
    async with make_world(fresh_database)().running() as world:
        await world.collects(DONGCHENG)
        yield world


async def asks(world: World, place: str = BEIJING, **body: Any) -> Any:
    said = {"notice": notice_as_data(MORE), "kind": "simulation"} | body
    return await world.client.post("/v1/policy-trials", json=said, headers=world.official(place))


async def trial(world: World, answer: Any, place: str = BEIJING) -> Any:
    path = f"/v1/policy-trials/{answer.json()['trial_id']}"
    return await world.client.get(path, headers=world.official(place))


class TestTrials:
    async def test_wait_run_and_tell_how_far_they_came(self, world: World):
        asked = await asks(world)
        assert (asked.status_code, asked.json()["state"]) == (202, "waiting")
        assert await world.ledger.trials.work()
        done = (await trial(world, asked)).json()
        assert (done["state"], done["done"], done["total"]) == ("done", 1, 1)
        assert done["result"]["persons"] == 1
        assert done["result"]["years"] == [2025]
        assert not await world.ledger.trials.work()

    async def test_tell_what_changes_setting_by_setting(self, world: World):
        asked = await asks(world, kind="difference")
        await world.ledger.trials.work()
        differences = (await trial(world, asked)).json()["result"]["differences"]
        assert {each["place"] for each in differences} == {BEIJING}
        [change] = [c for c in differences[0]["changes"] if c["setting"] == "requirement.total"]
        assert change["after"]["value"] == "100"

    async def test_tell_the_stories_of_a_bureau(self, world: World):
        asked = await asks(world, kind="scenarios", scenarios=STORIES)
        await world.ledger.trials.work()
        result = (await trial(world, asked)).json()["result"]
        assert result["differing"] == 1
        [differs] = [each for each in result["tried"] if each["differs"]]
        assert differs["name"] == "九十学分"
        assert "应为" in differs["differs"][0]["zh"]

    async def test_are_refused_with_the_line_of_the_stories_fault(self, world: World):
        refused = await asks(world, kind="scenarios", scenarios="about: x\nscenarios: 1")
        assert refused.status_code == 422
        [error] = refused.json()["errors"]
        assert (error["pointer"], error["detail"][:4]) == ("/scenarios", "第2行：")

    async def test_that_are_cancelled_are_not_worked_off(self, world: World):
        asked = await asks(world)
        path = f"/v1/policy-trials/{asked.json()['trial_id']}/cancellation"
        for _ in range(2):
            cancelled = await world.client.post(path, headers=world.official(BEIJING))
            assert cancelled.json()["state"] == "cancelled"
        assert not await world.ledger.trials.work()

    async def test_that_are_cancelled_while_they_run_end(self, world: World, monkeypatch: pytest.MonkeyPatch):
        begun = asyncio.Event()

        async def for_ever(*_: Any, **__: Any) -> None:
            begun.set()
            await asyncio.Event().wait()

        monkeypatch.setattr(trials, "simulate", for_ever)
        monkeypatch.setattr(trials, "_TELL_SECONDS", 0.01)
        asked = await asks(world)
        working = asyncio.create_task(world.ledger.trials.work())
        await begun.wait()
        assert (await trial(world, asked)).json()["state"] == "running"
        path = f"/v1/policy-trials/{asked.json()['trial_id']}/cancellation"
        await world.client.post(path, headers=world.official(BEIJING))
        assert await working
        assert (await trial(world, asked)).json()["state"] == "cancelled"

    async def test_that_fail_say_so(self, world: World, monkeypatch: pytest.MonkeyPatch):
        async def fails(*_: Any, **__: Any) -> None:
            raise RuntimeError("broken")

        monkeypatch.setattr(trials, "simulate", fails)
        asked = await asks(world)
        await world.ledger.trials.work()
        assert (await trial(world, asked)).json()["state"] == "failed"

    async def test_of_another_place_are_neither_asked_for_nor_seen(self, world: World):
        assert (await asks(world, "210000")).status_code == 403
        asked = await asks(world)
        await world.ledger.trials.work()
        assert (await trial(world, asked, "210000")).status_code == 404
        assert (await trial(world, asked, "100000")).status_code == 200

    async def test_of_a_place_wait_in_a_short_queue(self, world: World):
        answers = [await asks(world) for _ in range(trials.UNDER_WAY_MAX + 1)]
        assert [each.status_code for each in answers] == [202] * trials.UNDER_WAY_MAX + [409]
        while await world.ledger.trials.work():
            pass
        assert (await asks(world)).status_code == 202
        await world.ledger.trials.work()
