"""A person leaves one authority and arrives in another with the open years: one home at a time, and nothing lost."""

from datetime import UTC, datetime, timedelta
from typing import Any

from services.kit import events as codec
from services.ledger.streams.account_events import AccountArrived
from services.ledger.streams.profile_events import ProfileArrived, ProfileLeft
from tests.ledger.moving.mover import (
    DALIAN,
    JINCHENG,
    LIAONING,
    LISTED,
    SHANXI,
    SHENYANG,
    SHUANGTA,
    SOCIETY,
    STAR,
    Mover,
)
from tests.ledger.policy.drafts import draft
from tests.ledger.world import Provider, Somebody, World

NOW = datetime(2025, 6, 1, 4, tzinfo=UTC)


async def here(world: World) -> Provider:
    """A provider of Liaoning's list, and of Shanxi."""
    return await world.provides(LISTED, accredited=[LIAONING])


async def credit_ids(world: World, who: Somebody, place: str) -> list[str]:
    response = await world.client.get(
        f"/v1/persons/{who.person_id}/transcript", headers=world.official(place)
    )
    assert response.status_code == 200, response.text
    return [line["credit_id"] for line in response.json()["credits"]]


async def found(world: World, log: str, kind: type[Any], person_id: str) -> list[Any]:
    events = [codec.decode(each.topic, each.state) for each in await world.events(log)]
    return [event for event in events if isinstance(event, kind) and event.person_id == person_id]


class TestTheWholeWay:
    async def test_the_open_year_moves_with_its_credits_as_awarded(self, world: World, mover: Mover):
        """Credits are valid in the whole country in their year; the destination judges it (S1-04, A-13)."""
        provider = await here(world)
        who = await world.collects(SHENYANG)
        [outcome] = await provider.posts(provider.completion(who, 2025, "60.00"))
        before = await world.asks(who, 2025)
        await mover.moves(who, JINCHENG)
        after = await world.asks(who, 2025)
        assert (before["log"], after["log"]) == (LIAONING, SHANXI)
        assert (before["place"], after["place"]) == (SHENYANG, JINCHENG)
        assert after["by_category"] == before["by_category"]
        assert await credit_ids(world, who, SHANXI) == [outcome["credit_id"]]

    async def test_between_leaving_and_arriving_the_origin_answers(self, world: World, mover: Mover):
        provider = await here(world)
        who = await world.collects(SHENYANG)
        await provider.posts(provider.completion(who, 2025, "60.00"))
        before = await world.asks(who, 2025)
        transfer_id = mover.transfer_id()
        await mover.guards(transfer_id, who, JINCHENG)
        handover = (await mover.leaves(transfer_id, who, JINCHENG)).json()
        for place in ("100000", LIAONING):
            between = await world.asks(who, 2025, place=place)
            assert (between["log"], between["moved_to"]) == (LIAONING, JINCHENG)
            assert {**between, "position": 0, "moved_to": None} == {**before, "position": 0}
        path = f"/v1/persons/{who.person_id}/compliance/2025"
        assert (await world.client.get(path, headers=world.official(SHANXI))).status_code == 404
        await mover.arrives(who, JINCHENG, handover)
        assert (await world.client.get(path, headers=world.official(LIAONING))).status_code == 404
        assert (await world.asks(who, 2025, place=SHANXI))["log"] == SHANXI

    async def test_every_call_may_be_repeated(self, world: World, mover: Mover):
        """The handover is the same to the letter each time; everything is stored once."""
        provider = await here(world)
        who = await world.collects(SHENYANG)
        await provider.posts(provider.completion(who, 2025, "60.00"))
        transfer_id = mover.transfer_id()
        for _ in range(2):
            assert (await mover.guards(transfer_id, who, JINCHENG)).json()["state"] == "guarded"
        handovers = [await mover.leaves(transfer_id, who, JINCHENG) for _ in range(2)]
        assert handovers[0].content == handovers[1].content
        answers = [(await mover.arrives(who, JINCHENG, handovers[0].json())).json() for _ in range(2)]
        assert [answer["repeated"] for answer in answers] == [False, True]
        assert (await mover.leaves(transfer_id, who, JINCHENG)).content == handovers[0].content
        assert (await mover.guards(transfer_id, who, JINCHENG)).json()["state"] == "left"
        assert len(await found(world, LIAONING, ProfileLeft, who.person_id)) == 1
        assert len(await found(world, SHANXI, ProfileArrived, who.person_id)) == 1
        assert len(await found(world, SHANXI, AccountArrived, who.person_id)) == 1

    async def test_whoever_arrives_is_asked_what_a_notice_asks_of_some(self, world: World, mover: Mover):
        """What a rule for some goes by (`for:`) arrives with the person."""
        rule = {
            "kind": "requirement",
            "total": 30,
            "for": {"groups": ["township"], "affiliation": ["central"], "age": {"from": 55, "to": 55}},
        }
        notice = draft(rule, place=JINCHENG, year=2025, issued_on="2025-01-02", name="jincheng-some-2025")
        await world.publishes(notice)
        who, transfer_id = await world.collects(SHENYANG), mover.transfer_id()
        handover = (await mover.leaves(transfer_id, who, JINCHENG)).json()
        told = {"groups": ["township"], "affiliation": "central", "birth_month": "1970-12"}
        assert (await mover.arrives(who, JINCHENG, handover, **told)).status_code == 200
        assert (await world.asks(who, 2025, place=SHANXI))["requirements"][0]["minimum"] == "30.00"

    async def test_there_and_back_again(self, world: World, mover: Mover):
        """A return brings what was earned at both places; no credit is there twice."""
        world.now = datetime(2024, 9, 2, 4, tzinfo=UTC)
        society = await world.provides(SOCIETY, accredited=["211300"])
        star = await world.provides(STAR, accredited=[SHANXI])
        who = await world.collects(SHUANGTA)
        passed = {"exam_passed_at": "2024-09-01T10:00:00+08:00", "completed_at": "2024-08-30T10:00:00+08:00"}
        [first] = await society.posts(society.completion(who, 2024, "60.00", **passed))
        await mover.moves(who, JINCHENG)
        world.now += timedelta(days=1)
        [second] = await star.posts(star.completion(who, 2024, "30.00", category="public"))
        assert second["outcome"] == "registered", second
        await mover.moves(who, SHUANGTA)
        answer = await world.asks(who, 2024)
        assert (answer["log"], answer["total"], answer["moved_to"]) == (LIAONING, "90.00", None)
        assert await credit_ids(world, who, LIAONING) == [first["credit_id"], second["credit_id"]]
        world.now += timedelta(days=1)
        [third] = await society.posts(society.completion(who, 2024, "3.00", **passed))
        assert third["outcome"] == "registered", third
        assert (await world.asks(who, 2024))["total"] == "93.00"

    async def test_a_chain_over_three_authorities(self, world: World, mover: Mover):
        provider = await here(world)
        who = await world.collects(SHENYANG)
        [first] = await provider.posts(provider.completion(who, 2025, "60.00"))
        for place in (JINCHENG, DALIAN, SHENYANG, JINCHENG):
            world.now += timedelta(days=1)
            await mover.moves(who, place)
        assert await credit_ids(world, who, SHANXI) == [first["credit_id"]]
        assert (await world.asks(who, 2025))["log"] == SHANXI


class TestYears:
    async def test_a_closed_year_stays_as_judged_and_is_repeated_with_its_source(
        self, world: World, mover: Mover
    ):
        """Earlier years stay with the authority that held the profile when their window closed (A-13, B-12)."""
        provider = await world.provides(STAR, accredited=[SHANXI])
        world.now = datetime(2024, 9, 1, 4, tzinfo=UTC)
        who = await world.collects(JINCHENG)
        await provider.posts(provider.completion(who, 2024, "90.00"))
        world.now = NOW
        before = await world.asks(who, 2024)
        assert (before["status"], before["total"]) == ("compliant", "90.00")
        await mover.moves(who, SHENYANG)
        after = await world.asks(who, 2024)
        assert (after["log"], after["place"], after["judged_by"]) == (LIAONING, JINCHENG, JINCHENG)
        assert (after["status"], after["total"], after["policy"]) == (
            "compliant",
            "90.00",
            before["policy"],
        )
        assert "继续教育已达标：已登记90学分" in after["explanation_zh"]
        assert "Judged by the authority of Jincheng, Shanxi as of 2025-" in after["explanation_en"]
        for said in ("requirements", "missing", "clauses"):
            assert after[said] == before[said]
        at_origin = await world.asks(who, 2024, place=SHANXI)
        assert (at_origin["log"], at_origin["status"], at_origin["moved_to"]) == (
            SHANXI,
            "compliant",
            SHENYANG,
        )

    async def test_a_year_owed_and_never_studied_for_is_judged_by_the_origin_too(
        self, world: World, mover: Mover
    ):
        who = await world.collects(JINCHENG)
        assert (await world.asks(who, 2024))["status"] == "deficient"
        await mover.moves(who, SHENYANG)
        answer = await world.asks(who, 2024)
        assert (answer["status"], answer["judged_by"], answer["total"]) == ("deficient", JINCHENG, "0.00")

    async def test_a_year_that_was_not_met_elsewhere_says_what_is_missing_and_whom_to_ask(
        self, world: World, mover: Mover
    ):
        who = await world.collects(JINCHENG)
        before = await world.asks(who, 2024)
        await mover.moves(who, SHENYANG)
        answer = await world.asks(who, 2024, include="next_steps")
        assert answer["missing"] == before["missing"] != []
        assert answer["clauses"] == before["clauses"]
        assert "未达标：已登记0学分，总学分尚缺90学分" in answer["explanation_zh"]
        assert {step["code"] for step in answer["next_steps"]} == {"ask_authority"}
        assert all("晋城市财政部门" in step["text_zh"] and step["clause"] for step in answer["next_steps"])

    async def test_the_origin_is_answered_as_of_now_as_it_is_answered_now(self, world: World, mover: Mover):
        provider = await world.provides(STAR, accredited=[SHANXI])
        world.now = datetime(2024, 9, 1, 4, tzinfo=UTC)
        who = await world.collects(JINCHENG)
        await provider.posts(provider.completion(who, 2024, "90.00"))
        world.now = NOW
        await mover.moves(who, SHENYANG)
        world.now = datetime.now(UTC) + timedelta(days=1)
        now = await world.asks(who, 2024, place=SHANXI, on="2025-06-01")
        moment = world.now.isoformat()
        then = await world.asks(who, 2024, place=SHANXI, on="2025-06-01", as_of=moment)
        assert {name: value for name, value in then.items() if name != "as_of"} == {
            name: value for name, value in now.items() if name != "as_of"
        }

    async def test_the_destination_takes_nothing_for_a_year_judged_elsewhere(
        self, world: World, mover: Mover
    ):
        provider = await here(world)
        who = await world.collects(JINCHENG)
        await mover.moves(who, SHENYANG)
        [outcome] = await provider.posts(provider.completion(who, 2024, "30.00"))
        assert (outcome["outcome"], outcome["problem"]["type"]) == (
            "rejected",
            "urn:xuefen:problem:year-judged-elsewhere",
        )
        assert outcome["problem"]["place"] == JINCHENG
        response = await world.client.post(
            f"/v1/persons/{who.person_id}/exemptions",
            json={"year": 2024, "reason": "illness"},
            headers=world.official(LIAONING) | {"Idempotency-Key": f"exempt-{who.person_id}"},
        )
        assert response.status_code == 422, response.text

    async def test_an_answer_as_of_a_moment_comes_from_where_the_person_lived_then(
        self, world: World, mover: Mover
    ):
        provider = await here(world)
        who = await world.collects(SHENYANG)
        await provider.posts(provider.completion(who, 2025, "60.00"))
        async with world.ledger.databases.of(LIAONING).acquire() as conn:
            before = await conn.fetchval("select recorded_at from logs where log = $1", LIAONING)
        await mover.moves(who, JINCHENG)
        async with world.ledger.databases.of(SHANXI).acquire() as conn:
            after = await conn.fetchval("select recorded_at from logs where log = $1", SHANXI)
        world.now = datetime.now(UTC) + timedelta(days=1)
        on = "2025-06-01"
        then = await world.asks(who, 2025, as_of=before.isoformat(), on=on)
        now = await world.asks(who, 2025, as_of=after.isoformat(), on=on)
        assert (then["log"], then["place"], then["total"]) == (LIAONING, SHENYANG, "60.00")
        assert (now["log"], now["place"], now["total"]) == (SHANXI, JINCHENG, "60.00")


class TestAPlaceWithoutANotice:
    async def test_somebody_compliant_in_liaoning_is_judged_in_dalian(self, world: World, mover: Mover):
        """B-20: the nation's rule judges there until a notice is out; Liaoning's notice does not reach it (S1-01)."""
        world.now = NOW
        provider = await here(world)
        who = await world.collects(SHENYANG)
        await provider.posts(
            provider.completion(who, 2025, "60.00"),
            provider.completion(who, 2025, "30.00", category="public"),
        )
        assert (await world.asks(who, 2025))["status"] == "compliant"
        await mover.moves(who, DALIAN)
        answer = await world.asks(who, 2025, include="credits")
        assert (answer["log"], answer["status"]) == (DALIAN, "compliant")
        assert (answer["basis"], answer["provisional"]) == ("national", True)
        assert answer["judged_by"] is None
        assert [credit["provisional"] for credit in answer["credits"]] == [False, False]

    async def test_what_was_taken_provisionally_is_marked_wherever_it_travels(
        self, world: World, mover: Mover
    ):
        world.now = NOW
        school = await world.provides("大连某学校", accredited=[DALIAN])
        who = await world.collects(DALIAN)
        await school.posts(school.completion(who, 2025, "60.00", completed_at="2025-02-10T10:00:00+08:00"))
        await mover.moves(who, SHENYANG)
        answer = await world.asks(who, 2025, include="credits")
        assert (answer["log"], answer["basis"]) == (LIAONING, "notice")
        [credit] = answer["credits"]
        assert credit["provisional"] is True

    async def test_a_year_that_the_nation_judged_for_good_stays_judged_and_says_so(
        self, world: World, mover: Mover
    ):
        """B-20, A-13: the authority said that no notice will come, and the year had closed."""
        world.now = NOW
        who = await world.collects(DALIAN)
        declared = await world.client.post(
            f"/v1/years/{DALIAN}/2024/no-notice",
            headers=world.official(DALIAN) | {"Idempotency-Key": "no-notice"},
        )
        assert declared.status_code == 201, declared.text
        await mover.moves(who, SHENYANG)
        answer = await world.asks(who, 2024)
        assert (answer["judged_by"], answer["status"]) == (DALIAN, "deficient")
        assert (answer["basis"], answer["provisional"]) == ("national", False)
