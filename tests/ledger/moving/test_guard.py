"""Between the request and the departure nothing may begin that blocks it; what is open when it is asked for is named."""

from datetime import timedelta
from typing import Any

import pytest

from contracts import transfer
from services.kit import events as codec
from services.ledger.streams.profile_events import DepartureConfirmed, DepartureGuarded, DepartureLifted
from tests.ledger.cases.test_claims import Desk
from tests.ledger.cases.training import DAYS, Training, beijing
from tests.ledger.moving.mover import (
    DALIAN,
    JINCHENG,
    LIAONING,
    LISTED,
    SHANXI,
    SHENYANG,
    STAR,
    Mover,
)
from tests.ledger.world import Provider, Somebody, World


def enrolment(provider: Provider, who: Somebody, world: World, year: int = 2025) -> dict[str, Any]:
    """An enrolment as a provider posts it."""
    whole = provider.completion(who, year, "1")
    return {name: whole[name] for name in ("id", "person", "year")} | {
        "mode": "online",
        "enrolled_on": world.now.date().isoformat(),
    }


async def blockers(response: Any) -> list[tuple[str, str]]:
    assert response.status_code == 409, response.text
    problem = response.json()
    assert (problem["type"], problem["clause"]) == ("urn:xuefen:problem:departure-blocked", "S2C-14")
    return [(each["kind"], each["id"]) for each in problem["blockers"]]


class TestBlockers:
    """S2C-14, B-13: an unregistered enrolment or an open claim, until they are finished or withdrawn."""

    async def test_an_enrolment_without_a_registered_credit_blocks_until_one_is(
        self, world: World, mover: Mover
    ):
        provider = await world.provides(LISTED, accredited=[LIAONING])
        who = await world.collects(SHENYANG)
        record = enrolment(provider, who, world)
        await provider.posts(record, to="enrolments")
        transfer_id = mover.transfer_id()
        assert await blockers(await mover.guards(transfer_id, who, JINCHENG)) == [("enrolment", record["id"])]
        await provider.posts(provider.completion(who, 2025, "30.00"))
        assert (await mover.guards(transfer_id, who, JINCHENG)).status_code == 200

    async def test_an_enrolment_that_is_withdrawn_frees_the_person(self, world: World, mover: Mover):
        provider = await world.provides(LISTED, accredited=[LIAONING])
        who = await world.collects(SHENYANG)
        record = enrolment(provider, who, world)
        await provider.posts(record, to="enrolments")
        await provider.withdraws(record["id"], kind="enrolments")
        assert (await mover.guards(mover.transfer_id(), who, JINCHENG)).status_code == 200

    async def test_study_that_waits_for_its_registration_blocks(self, world: World, mover: Mover):
        """Shanxi registers at 90 credits (S2B-07): before, registration has to be confirmed first."""
        world.now = beijing(2024, 9, 1, 12)
        star = await world.provides(STAR, accredited=[SHANXI])
        who = await world.collects(JINCHENG)
        [outcome] = await star.posts(star.completion(who, 2024, "60.00"))
        assert outcome["reason"] == "below_total"
        assert await blockers(await mover.guards(mover.transfer_id(), who, SHENYANG)) == [
            ("waiting", outcome["id"])
        ]
        await star.posts(star.completion(who, 2024, "30.00"))
        assert (await mover.guards(mover.transfer_id(), who, SHENYANG)).status_code == 200

    async def test_an_enrolment_of_a_year_that_stays_does_not_block(self, world: World, mover: Mover):
        """The origin goes on judging it, and takes its make-up study (B-12)."""
        world.now = beijing(2024, 9, 1, 12)
        star = await world.provides(STAR, accredited=[SHANXI])
        who = await world.collects(JINCHENG)
        await star.posts(enrolment(star, who, world, 2024), to="enrolments")
        await star.posts(star.completion(who, 2024, "60.00"))
        world.now = beijing(2025, 6, 1, 12)
        assert (await mover.guards(mover.transfer_id(), who, SHENYANG)).status_code == 200

    async def test_an_open_claim_blocks_until_it_is_decided_or_withdrawn(self, world: World, mover: Mover):
        desk, who = Desk(world), await world.collects("210102")
        claim_id = (await desk.submits(who)).json()["claim_id"]
        assert await blockers(await mover.guards(mover.transfer_id(), who, JINCHENG)) == [("claim", claim_id)]
        await desk.steps(claim_id, "withdrawal", subject="clerk")
        assert (await mover.guards(mover.transfer_id(), who, JINCHENG)).status_code == 200

    async def test_a_row_of_a_roster_under_review_blocks_until_it_is_decided(
        self, world: World, mover: Mover
    ):
        provider = await world.provides("某培训机构", accredited=[LIAONING])
        who = await world.collects("210102")
        other = await world.collects("210102")
        training = await Training(world, provider, "210102", DAYS).held()
        uploaded = await training.uploads(training.row(who, "1"))
        assert uploaded.status_code == 201, uploaded.text
        roster_id = uploaded.json()["roster_id"]
        assert await blockers(await mover.guards(mover.transfer_id(), who, JINCHENG)) == [
            ("roster", roster_id)
        ]
        assert (await mover.guards(mover.transfer_id(), other, JINCHENG)).status_code == 200

    async def test_every_blocker_is_named_in_one_order(self, world: World, mover: Mover):
        provider = await world.provides(LISTED, accredited=[LIAONING])
        who = await world.collects("210102")
        record = enrolment(provider, who, world)
        await provider.posts(record, to="enrolments")
        claim_id = (await Desk(world).submits(who)).json()["claim_id"]
        found = await blockers(await mover.guards(mover.transfer_id(), who, JINCHENG))
        assert found == [("claim", claim_id), ("enrolment", record["id"])]


class TestGuarded:
    async def test_a_new_enrolment_is_refused_naming_the_transfer(self, world: World, mover: Mover):
        """S2C-14: who leaves does not enrol any more; completions go on being registered."""
        provider = await world.provides(LISTED, accredited=[LIAONING])
        who = await world.collects(SHENYANG)
        transfer_id = mover.transfer_id()
        await mover.guards(transfer_id, who, JINCHENG)
        [outcome] = await provider.posts(enrolment(provider, who, world), to="enrolments")
        assert outcome["outcome"] == "rejected"
        assert outcome["problem"]["type"] == "urn:xuefen:problem:departure-under-way"
        assert outcome["problem"]["transfer_id"] == transfer_id
        [outcome] = await provider.posts(provider.completion(who, 2025, "30.00"))
        assert outcome["outcome"] == "registered"
        await mover.lifts(transfer_id)
        [outcome] = await provider.posts(enrolment(provider, who, world), to="enrolments")
        assert outcome["outcome"] == "registered"

    async def test_a_new_claim_is_refused_naming_the_transfer(self, world: World, mover: Mover):
        who = await world.collects("210102")
        transfer_id = mover.transfer_id()
        await mover.guards(transfer_id, who, JINCHENG)
        refused = await Desk(world).submits(who)
        assert (refused.status_code, refused.json()["transfer_id"]) == (409, transfer_id)
        await mover.lifts(transfer_id)
        assert (await Desk(world).submits(who)).status_code == 201

    async def test_another_transfer_of_the_same_person_is_refused(self, world: World, mover: Mover):
        who = await world.collects(SHENYANG)
        first = mover.transfer_id()
        await mover.guards(first, who, JINCHENG)
        refused = await mover.guards(mover.transfer_id(), who, DALIAN)
        assert (refused.status_code, refused.json()["transfer_id"]) == (409, first)

    async def test_a_destination_of_the_same_authority_needs_no_guard(self, world: World, mover: Mover):
        """Inside one authority nothing blocks (B-13)."""
        who = await world.collects(SHENYANG)
        refused = await mover.guards(mover.transfer_id(), who, "210102")
        assert refused.json()["type"] == "urn:xuefen:problem:departure-inside"

    async def test_the_same_transfer_with_another_person_is_a_mistake(self, world: World, mover: Mover):
        transfer_id = mover.transfer_id()
        await mover.guards(transfer_id, await world.collects(SHENYANG), JINCHENG)
        refused = await mover.guards(transfer_id, await world.collects(SHENYANG), JINCHENG)
        assert refused.json()["type"] == "urn:xuefen:problem:departure-differs"

    async def test_nobody_knows_who_is_not_there(self, world: World, mover: Mover):
        nobody = Somebody("person-nobody", world.stranger())
        assert (await mover.guards(mover.transfer_id(), nobody, JINCHENG)).status_code == 404
        assert (await mover.lifts(mover.transfer_id())).status_code == 404
        assert (await mover.leaves(mover.transfer_id(), nobody, JINCHENG)).status_code == 404


class TestEnd:
    async def guard_events(self, world: World, who: Somebody) -> list[Any]:
        kinds = DepartureGuarded | DepartureConfirmed | DepartureLifted
        events = [codec.decode(each.topic, each.state) for each in await world.events(LIAONING)]
        return [each for each in events if isinstance(each, kinds) and each.person_id == who.person_id]

    async def test_a_guard_that_was_lifted_lets_nobody_leave(self, world: World, mover: Mover):
        who = await world.collects(SHENYANG)
        transfer_id = mover.transfer_id()
        await mover.guards(transfer_id, who, JINCHENG)
        assert [(await mover.lifts(transfer_id)).json()["state"] for _ in range(2)] == ["lifted", "lifted"]
        for refused in (
            await mover.guards(transfer_id, who, JINCHENG),
            await mover.leaves(transfer_id, who, JINCHENG),
        ):
            assert refused.json()["type"] == "urn:xuefen:problem:departure-ended"
        assert len(await self.guard_events(world, who)) == 2

    async def test_whoever_has_left_has_left(self, world: World, mover: Mover):
        who = await world.collects(SHENYANG)
        transfer_id = mover.transfer_id()
        await mover.guards(transfer_id, who, JINCHENG)
        await mover.leaves(transfer_id, who, JINCHENG)
        assert (await mover.lifts(transfer_id)).status_code == 409

    async def test_a_guard_of_which_nothing_was_heard_lapses_after_ten_minutes(
        self, world: World, mover: Mover
    ):
        who = await world.collects(SHENYANG)
        transfer_id = mover.transfer_id()
        await mover.guards(transfer_id, who, JINCHENG)
        world.now += timedelta(seconds=599)
        await world.ledger.departures.lapse()
        assert len(await self.guard_events(world, who)) == 1
        world.now += timedelta(seconds=1)
        await world.ledger.departures.lapse()
        *_, last = await self.guard_events(world, who)
        assert (last.transfer_id, last.reason) == (transfer_id, "lapsed")
        provider = await world.provides(LISTED, accredited=[LIAONING])
        [outcome] = await provider.posts(enrolment(provider, who, world), to="enrolments")
        assert outcome["outcome"] == "registered"

    async def test_a_guard_of_which_the_feed_has_told_stands_until_the_feed_tells_of_its_end(
        self, world: World, mover: Mover
    ):
        who = await world.collects(SHENYANG)
        transfer_id = mover.transfer_id()
        await mover.guards(transfer_id, who, JINCHENG)
        requested = mover.requested(transfer_id, who, SHENYANG, JINCHENG)
        await mover.tells(requested)
        await mover.tells(requested)
        world.now += timedelta(days=30)
        await world.ledger.departures.lapse()
        assert [type(each) for each in await self.guard_events(world, who)] == [
            DepartureGuarded,
            DepartureConfirmed,
        ]
        returned = transfer.TransferReturned(
            transfer_id=transfer_id, person_id=who.person_id, reason="not_fetched", returned_at=world.now
        )
        await mover.tells(returned, returned)
        *_, last = await self.guard_events(world, who)
        assert (type(last), last.reason) == (DepartureLifted, "returned")
        assert len(await self.guard_events(world, who)) == 3

    async def test_a_guard_that_lapsed_before_the_feed_told_of_it_stands_again(
        self, world: World, mover: Mover
    ):
        """What began meanwhile is found when the person leaves."""
        provider = await world.provides(LISTED, accredited=[LIAONING])
        who = await world.collects(SHENYANG)
        transfer_id = mover.transfer_id()
        await mover.guards(transfer_id, who, JINCHENG)
        world.now += timedelta(minutes=11)
        await world.ledger.departures.lapse()
        record = enrolment(provider, who, world)
        await provider.posts(record, to="enrolments")
        await mover.tells(mover.requested(transfer_id, who, SHENYANG, JINCHENG))
        [outcome] = await provider.posts(enrolment(provider, who, world), to="enrolments")
        assert outcome["outcome"] == "rejected"
        assert await blockers(await mover.leaves(transfer_id, who, JINCHENG)) == [("enrolment", record["id"])]
        await provider.withdraws(record["id"], kind="enrolments")
        assert (await mover.leaves(transfer_id, who, JINCHENG)).status_code == 200

    async def test_a_lapsed_guard_makes_way_for_another_transfer(self, world: World, mover: Mover):
        who = await world.collects(SHENYANG)
        await mover.guards(mover.transfer_id(), who, JINCHENG)
        world.now += timedelta(minutes=11)
        assert (await mover.guards(mover.transfer_id(), who, DALIAN)).status_code == 200

    @pytest.mark.parametrize("news", [transfer.TransferReturned, transfer.TransferWithdrawn])
    async def test_the_end_of_a_transfer_that_guarded_nothing_means_nothing(
        self, world: World, mover: Mover, news: Any
    ):
        who = await world.collects(SHENYANG)
        before = await world.count_events()
        fields: dict[str, Any] = {"transfer_id": mover.transfer_id(), "person_id": who.person_id}
        if news is transfer.TransferReturned:
            fields |= {"reason": "refused", "returned_at": world.now}
        else:
            fields |= {"withdrawn_at": world.now}
        await mover.tells(news(**fields))
        assert await world.count_events() == before
