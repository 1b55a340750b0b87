"""Late study at the origin, after somebody left: study of before is registered there and passed on, study of after
waits, corrections reach both ends, and the years that stay go on as ever."""

from datetime import timedelta
from typing import Any

from tests.ledger.cases.training import DAYS, Training, beijing
from tests.ledger.moving.mover import JINCHENG, LIAONING, LISTED, SHANXI, SHENYANG, SHUANGTA, STAR, Mover
from tests.ledger.moving.test_moving import credit_ids
from tests.ledger.world import Provider, Somebody, World


async def left(world: World, mover: Mover, *credits: str) -> tuple[Provider, Somebody, str, list[Any]]:
    """Somebody of Shenyang with some credits of 2025 who has moved to Jincheng a day ago."""
    provider = await world.provides(LISTED, accredited=[LIAONING])
    who = await world.collects(SHENYANG)
    outcomes = [(await provider.posts(provider.completion(who, 2025, each)))[0] for each in credits]
    transfer_id = await mover.moves(who, JINCHENG)
    world.now += timedelta(days=1)
    return provider, who, transfer_id, outcomes


class TestAtTheOrigin:
    async def test_study_of_before_is_registered_there_and_passed_on_once(self, world: World, mover: Mover):
        provider, who, transfer_id, _ = await left(world, mover, "30.00")
        before = world.now - timedelta(days=2)
        record = provider.completion(who, 2025, "20.00", completed_at=before.isoformat())
        [outcome] = await provider.posts(record)
        assert (outcome["outcome"], outcome["log"]) == ("registered", LIAONING)
        [supplement] = await mover.supplements(transfer_id)
        assert supplement["sequence"] == 1
        assert [each["credit_id"] for each in supplement["accounts"][0]["credits"]] == [outcome["credit_id"]]
        for repeated in (False, True):
            answer = (await mover.arrives(who, JINCHENG, supplement)).json()
            assert (answer["sequence"], answer["repeated"]) == (1, repeated)
        assert (await world.asks(who, 2025))["total"] == "50.00"
        assert await mover.supplements(transfer_id, after=1) == []

    async def test_study_of_after_waits_for_a_return(self, world: World, mover: Mover):
        """It names the authority whose rules it was studied under (design 15)."""
        provider, who, transfer_id, _ = await left(world, mover, "30.00")
        [outcome] = await provider.posts(provider.completion(who, 2025, "20.00"))
        assert (outcome["outcome"], outcome["reason"]) == ("held", "profile_elsewhere")
        assert await mover.supplements(transfer_id) == []
        assert (await world.asks(who, 2025))["total"] == "30.00"
        await mover.moves(who, SHENYANG)
        assert (await world.asks(who, 2025))["total"] == "50.00"

    async def test_a_credit_that_the_provider_takes_back_ends_at_both_ends(self, world: World, mover: Mover):
        provider, who, transfer_id, [first, _] = await left(world, mover, "30.00", "20.00")
        assert (await provider.withdraws(first["id"])).status_code == 200
        assert await mover.passes_on(transfer_id, who, JINCHENG) == 1
        answer = await world.asks(who, 2025)
        assert (answer["total"], [each["why"] for each in answer["not_counted"]]) == ("20.00", ["withdrawn"])

    async def test_a_credit_that_the_origin_revokes_ends_at_both_ends(self, world: World, mover: Mover):
        """S1-21: whoever registered it may revoke it, wherever it has travelled."""
        _, who, transfer_id, [first, _] = await left(world, mover, "30.00", "20.00")
        response = await world.client.post(
            f"/v1/persons/{who.person_id}/credits/{first['credit_id']}/revocation",
            json={"year": 2025, "reason": "cheating"},
            headers=world.official(LIAONING) | {"Idempotency-Key": f"revoke-{who.person_id}"},
        )
        assert response.status_code == 200, response.text
        assert await mover.passes_on(transfer_id, who, JINCHENG) == 1
        assert (await world.asks(who, 2025))["total"] == "20.00"

    async def test_supplements_in_any_order_and_again_come_to_the_same(self, world: World, mover: Mover):
        provider, who, transfer_id, [first] = await left(world, mover, "30.00")
        before = (world.now - timedelta(days=2)).isoformat()
        [second] = await provider.posts(provider.completion(who, 2025, "20.00", completed_at=before))
        await provider.withdraws(second["id"])
        await provider.withdraws(first["id"])
        supplements = await mover.supplements(transfer_id)
        assert [each["sequence"] for each in supplements] == [1, 2, 3]
        for supplement in [*reversed(supplements), *supplements]:
            assert (await mover.arrives(who, JINCHENG, supplement)).status_code == 200
        answer = await world.asks(who, 2025)
        assert (answer["total"], len(answer["not_counted"])) == ("0.00", 2)

    async def test_a_supplement_before_its_handover_is_refused(self, world: World, mover: Mover):
        provider = await world.provides(LISTED, accredited=[LIAONING])
        who = await world.collects(SHENYANG)
        transfer_id = mover.transfer_id()
        await mover.guards(transfer_id, who, JINCHENG)
        handover = (await mover.leaves(transfer_id, who, JINCHENG)).json()
        await provider.posts(
            provider.completion(who, 2025, "20.00", completed_at=(world.now - timedelta(days=1)).isoformat())
        )
        [supplement] = await mover.supplements(transfer_id)
        refused = await mover.arrives(who, JINCHENG, supplement)
        assert (refused.status_code, refused.json()["type"]) == (409, "urn:xuefen:problem:arrival-missing")
        await mover.arrives(who, JINCHENG, handover)
        assert (await mover.arrives(who, JINCHENG, supplement)).status_code == 200
        assert (await world.asks(who, 2025))["total"] == "20.00"

    async def test_a_year_that_stays_is_made_up_at_the_origin_and_judged_again_for_the_destination(
        self, world: World, mover: Mover
    ):
        """Shanxi lets 2024 be made up in spring 2026 (S3A-03); who judges it stays the same (A-13)."""
        star = await world.provides(STAR, accredited=[SHANXI])
        who = await world.collects(JINCHENG)
        transfer_id = await mover.moves(who, SHENYANG)
        short = await world.asks(who, 2024, include="next_steps")
        assert (short["status"], bool(short["missing"])) == ("deficient", True)
        # The window of the origin has travelled, and closes here on its day, too.
        assert {(one["since"], one["until"]) for one in short["openings"]} == {("2026-04-01", "2026-06-01")}
        assert {(step["since"], step["until"]) for step in short["next_steps"]} == {
            ("2026-04-01", "2026-06-01")
        }
        assert all("2026年6月1日" in step["text_zh"] for step in short["next_steps"])
        later = await world.asks(who, 2024, on="2026-06-02", include="next_steps")
        assert (later["openings"], {step["until"] for step in later["next_steps"]}) == ([], {None})
        world.now = beijing(2026, 4, 20, 12)
        done = {"completed_at": "2026-04-10T10:00:00+08:00", "category": "professional"}
        [outcome] = await star.posts(star.completion(who, 2024, "90.00", **done))
        assert (outcome["outcome"], outcome["make_up"]) == ("registered", True), outcome
        assert await mover.passes_on(transfer_id, who, SHENYANG) == 1
        answer = await world.asks(who, 2024)
        assert (answer["status"], answer["total"], answer["judged_by"]) == ("compliant", "90.00", JINCHENG)
        assert (answer["missing"], [one["met"] for one in answer["requirements"]]) == ([], [True, True])

    async def test_a_chain_passes_supplements_on(self, world: World, mover: Mover):
        """What the first origin registers late reaches the last destination, through every one between."""
        provider, who, first, _ = await left(world, mover, "30.00")
        second = await mover.moves(who, "210200")
        before = (world.now - timedelta(days=2)).isoformat()
        [outcome] = await provider.posts(provider.completion(who, 2025, "20.00", completed_at=before))
        assert await mover.passes_on(first, who, JINCHENG) == 1
        assert await mover.passes_on(second, who, "210200") == 1
        assert outcome["credit_id"] in await credit_ids(world, who, "210200")

    async def test_a_roster_row_of_training_of_before_is_registered_and_passed_on(
        self, world: World, mover: Mover
    ):
        provider = await world.provides("某培训机构", accredited=[LIAONING])
        who = await world.collects("210102")
        training = await Training(world, provider, "210102", DAYS).held()
        transfer_id = await mover.moves(who, JINCHENG)
        uploaded = await training.uploads(training.row(who, "1"))
        assert uploaded.status_code == 201, uploaded.text
        reviewed = await training.reviews(uploaded.json()["roster_id"])
        assert [each["outcome"] for each in reviewed.json()["results"]] == ["registered"], reviewed.text
        assert await mover.passes_on(transfer_id, who, JINCHENG) == 2
        assert (await world.asks(who, 2025))["total"] == "10.00"

    async def test_a_roster_that_came_under_the_guard_keeps_nobody_from_leaving(
        self, world: World, mover: Mover
    ):
        """Everybody has agreed by then: what is approved later is registered at the origin, and passed on."""
        provider = await world.provides("某培训学校", accredited=[LIAONING])
        who = await world.collects("210102")
        training = await Training(world, provider, "210102", DAYS).held()
        transfer_id = mover.transfer_id()
        await mover.guards(transfer_id, who, JINCHENG)
        roster_id = (await training.uploads(training.row(who, "1"))).json()["roster_id"]
        left = await mover.leaves(transfer_id, who, JINCHENG)
        assert left.status_code == 200, left.text
        await mover.arrives(who, JINCHENG, left.json())
        await training.reviews(roster_id)
        assert await mover.passes_on(transfer_id, who, JINCHENG) == 2
        assert (await world.asks(who, 2025))["total"] == "10.00"


class TestAtTheDestination:
    async def test_a_completion_that_travelled_here_is_a_duplicate(self, world: World, mover: Mover):
        """A-15: the provider sends its whole year again, and names the new authority."""
        provider = await world.provides(LISTED, accredited=[LIAONING, SHANXI])
        who = await world.collects(SHENYANG)
        record = provider.completion(who, 2025, "30.00", authority=LIAONING)
        [first] = await provider.posts(record)
        await mover.moves(who, JINCHENG)
        [again] = await provider.posts(record | {"authority": SHANXI})
        assert (again["outcome"], again["credit_id"]) == ("duplicate", first["credit_id"])
        [differs] = await provider.posts(record | {"authority": SHANXI, "credits": "40.00"})
        assert (differs["outcome"], differs["problem"]["differs"]) == ("conflict", ["/credits"])
        assert (await world.asks(who, 2025))["total"] == "30.00"

    async def test_a_completion_that_waited_here_and_travelled_too_counts_once(
        self, world: World, mover: Mover
    ):
        provider = await world.provides(LISTED, accredited=[LIAONING, SHANXI])
        who = await world.collects(SHENYANG)
        record = provider.completion(who, 2025, "30.00", authority=LIAONING)
        await provider.posts(record)
        transfer_id = mover.transfer_id()
        await mover.guards(transfer_id, who, JINCHENG)
        handover = (await mover.leaves(transfer_id, who, JINCHENG)).json()
        [held] = await provider.posts(record | {"authority": SHANXI})
        assert held["reason"] == "profile_elsewhere"
        await mover.arrives(who, JINCHENG, handover)
        assert (await world.asks(who, 2025))["total"] == "30.00"

    async def test_what_came_under_the_guard_and_waits_travels_and_is_decided_by_the_rules_of_there(
        self, world: World, mover: Mover
    ):
        """Shanxi would register it at 90 credits (S2B-07), Chaoyang after its exam (S0-11): no credit is lost."""
        world.now = beijing(2024, 9, 1, 12)
        star = await world.provides(STAR, accredited=[SHANXI])
        who = await world.collects(JINCHENG)
        transfer_id = mover.transfer_id()
        await mover.guards(transfer_id, who, SHUANGTA)
        [held] = await star.posts(star.completion(who, 2024, "60.00"))
        assert held["reason"] == "below_total"
        handover = (await mover.leaves(transfer_id, who, SHUANGTA)).json()
        assert [each["completion_id"] for each in handover["accounts"][0]["waiting"]] == [held["id"]]
        await mover.arrives(who, SHUANGTA, handover)
        answer = await world.asks(who, 2024)
        assert answer["log"] == LIAONING
        assert [(each["completion_id"], each["why"]) for each in answer["not_counted"]] == [
            (held["id"], "exam_pending")
        ]
        passed = {"passed_at": "2024-08-30T10:00:00+08:00", "authority": SHANXI}
        whole = star.completion(who, 2024, "1")
        exam = {name: whole[name] for name in ("id", "person", "year")} | passed
        [outcome] = await star.posts(exam, to="exam-passes")
        assert outcome["outcome"] == "registered", outcome
        assert await mover.passes_on(transfer_id, who, SHUANGTA) == 1
        assert (await world.asks(who, 2024))["total"] == "60.00"

    async def test_a_waiting_completion_that_travelled_may_be_taken_back_where_it_was_reported(
        self, world: World, mover: Mover
    ):
        world.now = beijing(2024, 9, 1, 12)
        star = await world.provides(STAR, accredited=[SHANXI])
        who = await world.collects(JINCHENG)
        transfer_id = mover.transfer_id()
        await mover.guards(transfer_id, who, SHUANGTA)
        [held] = await star.posts(star.completion(who, 2024, "60.00"))
        handover = (await mover.leaves(transfer_id, who, SHUANGTA)).json()
        await mover.arrives(who, SHUANGTA, handover)
        response = await star.withdraws(held["id"])
        assert response.status_code == 200, response.text
        assert await mover.passes_on(transfer_id, who, SHUANGTA) == 1
        answer = await world.asks(who, 2024)
        assert (answer["total"], answer["not_counted"]) == ("0.00", [])
        assert (await star.withdraws(held["id"], key="again")).status_code == 409
