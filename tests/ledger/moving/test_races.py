"""A guard and what it forbids, a departure and what still comes in: two transactions that began on the same state, in both
orders. Whoever comes second sees the other (S2C-14, design 15)."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from services.ledger.moving import departures
from tests.ledger.cases.test_claims import Desk
from tests.ledger.intake.test_interleavings import Pause
from tests.ledger.moving.mover import JINCHENG, LIAONING, LISTED, SHENYANG, Mover
from tests.ledger.moving.test_guard import blockers, enrolment
from tests.ledger.world import World

PLACE = "210102"


class TestGuardAndEnrolment:
    async def test_an_enrolment_decided_before_the_guard_and_stored_after_it_is_refused(
        self, world: World, mover: Mover, monkeypatch: pytest.MonkeyPatch
    ):
        provider = await world.provides(LISTED, accredited=[LIAONING])
        who = await world.collects(SHENYANG)
        with Pause().armed(monkeypatch) as pause:
            enrolling = asyncio.create_task(provider.posts(enrolment(provider, who, world), to="enrolments"))
            await pause.reached.wait()
            assert (await mover.guards(mover.transfer_id(), who, JINCHENG)).status_code == 200
            pause.released.set()
            [outcome] = await enrolling
        assert outcome["problem"]["type"] == "urn:xuefen:problem:departure-under-way"

    async def test_a_guard_decided_before_the_enrolment_and_stored_after_it_is_refused(
        self, world: World, mover: Mover, monkeypatch: pytest.MonkeyPatch
    ):
        provider = await world.provides(LISTED, accredited=[LIAONING])
        who = await world.collects(SHENYANG)
        record = enrolment(provider, who, world)
        with Pause().armed(monkeypatch) as pause:
            guarding = asyncio.create_task(mover.guards(mover.transfer_id(), who, JINCHENG))
            await pause.reached.wait()
            [outcome] = await provider.posts(record, to="enrolments")
            assert outcome["outcome"] == "registered"
            pause.released.set()
            response = await guarding
        assert await blockers(response) == [("enrolment", record["id"])]


class TestGuardAndClaim:
    async def test_a_claim_decided_before_the_guard_and_stored_after_it_blocks_it(
        self, world: World, mover: Mover, monkeypatch: pytest.MonkeyPatch
    ):
        """The claim holds the log already: the guard waits for it, and then sees it."""
        who = await world.collects(PLACE)
        with Pause().armed(monkeypatch) as pause:
            claiming = asyncio.create_task(Desk(world).submits(who))
            await pause.reached.wait()
            guarding = asyncio.create_task(mover.guards(mover.transfer_id(), who, JINCHENG))
            pause.released.set()
            claimed, response = await claiming, await guarding
        assert claimed.status_code == 201
        assert await blockers(response) == [("claim", claimed.json()["claim_id"])]

    async def test_a_guard_decided_before_the_claim_and_stored_after_it_is_refused(
        self, world: World, mover: Mover, monkeypatch: pytest.MonkeyPatch
    ):
        who = await world.collects(PLACE)
        with Pause().armed(monkeypatch) as pause:
            guarding = asyncio.create_task(mover.guards(mover.transfer_id(), who, JINCHENG))
            await pause.reached.wait()
            claimed = await Desk(world).submits(who)
            pause.released.set()
            response = await guarding
        assert await blockers(response) == [("claim", claimed.json()["claim_id"])]


class TestLeavingAndCompletion:
    @pytest.mark.parametrize("known", [False, True], ids=["the first of the year", "one of several"])
    async def test_a_completion_decided_before_the_departure_and_stored_after_it_is_passed_on(
        self, world: World, mover: Mover, monkeypatch: pytest.MonkeyPatch, known: bool
    ):
        provider = await world.provides(LISTED, accredited=[LIAONING])
        who = await world.collects(SHENYANG)
        if known:
            await provider.posts(provider.completion(who, 2025, "3.00"))
        transfer_id = mover.transfer_id()
        await mover.guards(transfer_id, who, JINCHENG)
        with Pause().armed(monkeypatch) as pause:
            posting = asyncio.create_task(provider.posts(provider.completion(who, 2025, "60.00")))
            await pause.reached.wait()
            handover = (await mover.leaves(transfer_id, who, JINCHENG)).json()
            pause.released.set()
            [outcome] = await posting
        assert outcome["outcome"] == "registered"
        await mover.arrives(who, JINCHENG, handover)
        assert await mover.passes_on(transfer_id, who, JINCHENG) == 1
        assert (await world.asks(who, 2025))["total"] == ("63.00" if known else "60.00")

    async def test_a_departure_decided_before_the_completion_and_stored_after_it_takes_it_along(
        self, world: World, mover: Mover, monkeypatch: pytest.MonkeyPatch
    ):
        provider = await world.provides(LISTED, accredited=[LIAONING])
        who = await world.collects(SHENYANG)
        await provider.posts(provider.completion(who, 2025, "3.00"))
        transfer_id = mover.transfer_id()
        await mover.guards(transfer_id, who, JINCHENG)
        with Pause().armed(monkeypatch) as pause:
            leaving = asyncio.create_task(mover.leaves(transfer_id, who, JINCHENG))
            await pause.reached.wait()
            await provider.posts(provider.completion(who, 2025, "60.00"))
            pause.released.set()
            handover = (await leaving).json()
        assert sorted(each["credits"] for each in handover["accounts"][0]["credits"]) == ["3.00", "60.00"]
        assert await mover.supplements(transfer_id) == []


class TestArrivingAndRecord:
    async def arriving(self, world: World, mover: Mover) -> tuple[Any, Any, Any]:
        provider = await world.provides(LISTED, accredited=["140000", LIAONING])
        who = await world.collects(JINCHENG)
        transfer_id = mover.transfer_id()
        await mover.guards(transfer_id, who, SHENYANG)
        handover = (await mover.leaves(transfer_id, who, SHENYANG)).json()
        world.now += timedelta(hours=2)
        return provider, who, handover

    async def test_a_record_held_just_before_its_person_arrived_is_registered(
        self, world: World, mover: Mover, monkeypatch: pytest.MonkeyPatch
    ):
        provider, who, handover = await self.arriving(world, mover)
        record = provider.completion(who, 2025, "60.00", authority=LIAONING)
        with Pause().armed(monkeypatch) as pause:
            posting = asyncio.create_task(provider.posts(record))
            await pause.reached.wait()
            assert (await mover.arrives(who, SHENYANG, handover)).status_code == 200
            pause.released.set()
            [outcome] = await posting
        assert outcome["outcome"] == "registered"
        assert (await world.asks(who, 2025))["total"] == "60.00"

    async def test_a_person_who_arrives_just_before_a_record_was_held_finds_it(
        self, world: World, mover: Mover, monkeypatch: pytest.MonkeyPatch
    ):
        provider, who, handover = await self.arriving(world, mover)
        with Pause().armed(monkeypatch) as pause:
            arriving = asyncio.create_task(mover.arrives(who, SHENYANG, handover))
            await pause.reached.wait()
            [outcome] = await provider.posts(provider.completion(who, 2025, "60.00", authority=LIAONING))
            assert (outcome["outcome"], outcome["reason"]) == ("held", "profile_elsewhere")
            pause.released.set()
            assert (await arriving).status_code == 200
        assert (await world.asks(who, 2025))["total"] == "60.00"

    async def test_two_arrivals_at_once_are_one(self, world: World, mover: Mover):
        _, who, handover = await self.arriving(world, mover)
        answers = await asyncio.gather(*(mover.arrives(who, SHENYANG, handover) for _ in range(4)))
        assert sorted(answer.json()["repeated"] for answer in answers) == [False, True, True, True]

    async def test_two_departures_at_once_are_one(self, world: World, mover: Mover):
        who = await world.collects(JINCHENG)
        transfer_id = mover.transfer_id()
        await mover.guards(transfer_id, who, SHENYANG)
        answers = await asyncio.gather(*(mover.leaves(transfer_id, who, SHENYANG) for _ in range(4)))
        assert len({answer.content for answer in answers}) == 1

    @pytest.mark.parametrize("moment", ["before", "after"])
    @pytest.mark.parametrize(
        ("one", "other"),
        [(Mover.leaves, Mover.leaves), (Mover.guards, Mover.guards), (Mover.guards, Mover.leaves)],
    )
    async def test_a_step_of_the_same_departure_beside_the_reading_of_the_profile_is_no_refusal(
        self, world: World, mover: Mover, monkeypatch: pytest.MonkeyPatch, one: Any, other: Any, moment: str
    ):
        who, transfer_id = await world.collects(JINCHENG), mover.transfer_id()
        if one is Mover.leaves:
            await mover.guards(transfer_id, who, SHENYANG)
        read, beside = departures.read_profiles, []

        async def step() -> None:
            if not beside:
                beside.append(None)
                beside.append(await other(mover, transfer_id, who, SHENYANG))

        async def reading(*asked: Any) -> Any:
            if moment == "before":
                await step()
            found = await read(*asked)
            await step()
            return found

        monkeypatch.setattr(departures, "read_profiles", reading)
        answer = await one(mover, transfer_id, who, SHENYANG)
        assert (answer.status_code, beside[1].status_code) == (200, 200)
        if one is other:
            assert answer.content == beside[1].content
