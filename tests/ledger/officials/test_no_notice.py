"""The word that no notice of a year will come (B-20), and the word taken back."""

import uuid
from datetime import UTC, datetime
from typing import Any

from services.ledger.policy import PolicyBook
from services.ledger.store.published_policies import PublishedPolicies
from services.ledger.streams.publishing import publish
from tests.ledger.test_provisional import (
    JANUARY,
    LIAONING,
    NINGBO,
    QINGDAO,
    SHENZHEN,
    XIAMEN,
    declares,
    idle,
    notice,
    problem_of,
    publishes,
)
from tests.ledger.world import World


class TestTheWordThatNoNoticeWillCome:
    async def test_decides_an_unmet_year_by_the_nations_rule(self, world: World):
        world.now = JANUARY
        who = await idle(world, QINGDAO)
        before = await world.asks(who, 2024, include="next_steps")
        assert before["status"] == "undecided"
        assert before["missing"][0]["credits"] == "90.00"
        assert "暂按国家规定判定" in before["explanation_zh"]
        assert "judged by the national rule, provisionally" in before["explanation_en"]
        assert [step["code"] for step in before["next_steps"]] == ["await_notice"]

        response = await declares(world, QINGDAO, 2024, key="word")
        assert response.status_code == 201, response.text
        assert (response.json()["basis"], response.json()["provisional"]) == ("national", False)
        assert (await declares(world, QINGDAO, 2024, key="word")).json() == response.json()

        after = await world.asks(who, 2024)
        assert (after["status"], after["basis"], after["provisional"]) == ("deficient", "national", False)
        assert "不另发通知" in after["explanation_zh"]
        assert "No local notice will come" in after["explanation_en"]
        assert (await world.asks(who, 2023))["status"] == "undecided"
        year = await world.client.get(f"/v1/years/{QINGDAO}/2024", headers=world.official(QINGDAO))
        assert (year.json()["basis"], year.json()["provisional"]) == ("national", False)
        closed = await world.client.post(
            f"/v1/years/{QINGDAO}/2024/close",
            headers=world.official(QINGDAO, "year:close") | {"Idempotency-Key": "close"},
        )
        assert closed.status_code == 201, closed.text

    async def test_is_said_once_and_reaches_what_lies_under_the_place(self, world: World):
        world.now = JANUARY
        assert (await declares(world, QINGDAO, 2022)).status_code == 201
        for place in (QINGDAO, "370202"):
            assert problem_of(await declares(world, place, 2022, by=QINGDAO)) == "no-notice-declared"

    async def test_is_refused_where_a_notice_speaks_and_where_the_nation_has_no_rule(self, world: World):
        spoken = await declares(world, LIAONING, 2025)
        assert (spoken.status_code, problem_of(spoken)) == (409, "notice-published")
        assert spoken.json()["documents"]
        assert problem_of(await declares(world, LIAONING, 2017)) == "policy-absent"
        assert problem_of(await declares(world, "100000", 2024)) == "policy-absent"

    async def test_is_for_officials_of_the_place_with_the_scope(self, world: World):
        assert problem_of(await declares(world, QINGDAO, 2021, by=LIAONING)) == "outside-place"
        path, key = f"/v1/years/{QINGDAO}/2021/no-notice", {"Idempotency-Key": "x"}
        reading = world.official(QINGDAO, "compliance:read") | key
        assert (await world.client.post(path, headers=reading)).status_code == 403
        assert (await world.client.post(path, headers=world.official(QINGDAO))).status_code == 400

    async def test_a_notice_that_is_published_after_all_ends_it(self, world: World):
        world.now = JANUARY
        who = await idle(world, SHENZHEN)
        assert (await declares(world, SHENZHEN, 2023)).status_code == 201
        assert (await world.asks(who, 2023))["status"] == "deficient"
        nothing = {"kind": "requirement", "total": 30, "categories": {"professional": 30}}
        await publishes(world, notice(SHENZHEN, 2023, nothing, issued_on="2026-01-05"))
        answer = await world.asks(who, 2023)
        assert (answer["basis"], answer["missing"][0]["credits"]) == ("notice", "30.00")
        assert problem_of(await declares(world, SHENZHEN, 2023)) == "notice-published"

    async def test_is_told_on_the_feed_and_read_again_by_another_process(self, world: World):
        world.now = JANUARY
        assert (await declares(world, NINGBO, 2020)).status_code == 201
        [stored] = [each for each in await world.events(NINGBO) if each.topic == "ledger.NoNoticeDeclared"]
        told = publish(stored)
        assert told is not None
        assert (told["data"]["place"], told["data"]["year"]) == (NINGBO, 2020)
        fresh = PublishedPolicies(world.ledger.databases, world.ledger.store)
        await fresh.refresh()
        policy = fresh.book.resolve("330203", 2020)
        assert policy is not None
        assert (policy.basis, policy.provisional) == ("national", False)
        before = fresh.book.known_at(datetime(2020, 1, 1, tzinfo=UTC)).resolve("330203", 2020)
        assert before is None or before.provisional


async def takes_back(world: World, place: str, year: int, *, subject: str = "official-2", **body: Any) -> Any:
    return await world.client.post(
        f"/v1/years/{place}/{year}/no-notice/withdrawal",
        json={"reason": "declared_in_error"} | body,
        headers=world.official(place, "policy:write", subject=subject)
        | {"Idempotency-Key": str(uuid.uuid4())},
    )


class TestTheWordTakenBack:
    async def test_makes_the_year_provisional_again_by_another_official(self, world: World):
        world.now = JANUARY
        who = await idle(world, XIAMEN)
        assert problem_of(await takes_back(world, XIAMEN, 2024)) == "no-notice-not-declared"
        await declares(world, XIAMEN, 2024)
        own = await takes_back(world, XIAMEN, 2024, subject="official-1")
        assert (own.status_code, problem_of(own)) == (403, "own-declaration")
        assert (await world.asks(who, 2024))["status"] == "deficient"
        moment = (await takes_back(world, XIAMEN, 2024)).json()["withdrawn_at"]
        answer = await world.asks(who, 2024)
        assert (answer["status"], answer["provisional"]) == ("undecided", True)
        assert problem_of(await takes_back(world, XIAMEN, 2024)) == "no-notice-not-declared"
        assert (await declares(world, XIAMEN, 2024)).status_code == 201
        assert (await world.asks(who, 2024))["status"] == "deficient"
        assert moment

    async def test_is_refused_once_a_year_was_closed_on_it(self, world: World):
        world.now = JANUARY
        await declares(world, XIAMEN, 2023)
        closing = world.official(XIAMEN, "year:close") | {"Idempotency-Key": str(uuid.uuid4())}
        await world.client.post("/v1/years/350203/2023/close", headers=closing)
        answer = await takes_back(world, XIAMEN, 2023)
        assert (problem_of(answer), answer.json()["place"]) == ("year-already-closed", "350203")

    async def test_is_told_and_read_again_by_another_process_as_it_was_known(self, world: World):
        world.now = JANUARY
        await declares(world, XIAMEN, 2022)
        await takes_back(world, XIAMEN, 2022, reason="notice_expected")
        stored = [each for each in await world.events(XIAMEN) if each.topic.startswith("ledger.NoNotice")][
            -2:
        ]
        told = publish(stored[-1])
        assert told is not None
        assert (told["data"]["year"], told["data"]["reason"]) == (2022, "notice_expected")
        fresh = PublishedPolicies(world.ledger.databases, world.ledger.store)
        await fresh.refresh()
        assert [provisional(book, XIAMEN, 2022) for book in (fresh.book, fresh.book.known_at(stored[0].recorded_at))] == [
            True, False,
        ]  # fmt: skip


def provisional(book: PolicyBook, place: str, year: int) -> bool:
    policy = book.resolve(place, year)
    assert policy is not None
    return policy.provisional
