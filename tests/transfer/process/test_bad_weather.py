"""Bad weather: whatever fails, repeats or comes in the wrong order, both ends come to the same end, and every event is
stored once."""

from collections import Counter
from contextlib import suppress
from datetime import timedelta

import pytest

from contracts.handover import LeaveAuthority
from contracts.relay import Exchange
from services.transfer.peers import PeerUnavailableError
from services.transfer.process.worker_steps import LEASE_SECONDS, Leases, pause_after
from services.transfer.tables import LOG
from tests.transfer.neighbours import handover_of
from tests.transfer.process.journeys import (
    accepted_out,
    arrival_of,
    confirmed,
    did,
    received,
    rounds,
    states,
)
from tests.transfer.world import FAR_DESK, World, signed_in

ONCE = {
    "DepartureRequested",
    "DepartureAccepted",
    "DepartureOffered",
    "DepartureFetched",
    "DepartureConfirmed",
    "DepartureHandedOver",
    "ProfileDeparted",
}


async def to_the_end(world: World, *, rounds_max: int = 60) -> str:
    """From acceptance to the end, with desks that decide as soon as they can, whatever the relay does."""
    transfer_id = await accepted_out(world)
    arrival = arrival_of(transfer_id)
    for _ in range(rounds_max):
        world.now += timedelta(minutes=10)
        with suppress(PeerUnavailableError):
            await world.process().step()
        state = (await states(world, transfer_id))[1]
        if state == "received":
            await did(world, arrival, "approval", by=FAR_DESK)
        elif state == "approved":
            await did(world, arrival, "confirmation", by=await signed_in(world, arrival))
        if await states(world, transfer_id) == ("completed", "completed"):
            return transfer_id
    raise AssertionError(await states(world, transfer_id))


class TestRelay:
    @pytest.mark.parametrize(
        "faults",
        [
            {"refused_percent": 40, "seed": 1},
            {"lost_percent": 40, "seed": 2},
            {"repeated_percent": 100, "shuffled": True, "seed": 3},
            {"refused_percent": 20, "lost_percent": 20, "repeated_percent": 50, "shuffled": True, "seed": 4},
        ],
        ids=["refuses", "loses answers", "repeats and shuffles", "everything"],
    )
    async def test_that_misbehaves_changes_nothing(self, world: World, faults: dict[str, int]):
        await world.neighbours.misbehave(**faults)
        try:
            transfer_id = await to_the_end(world)
        finally:
            await world.neighbours.misbehave()
        counted = Counter(await world.events(transfer_id))
        assert set(counted) == ONCE
        assert set(counted.values()) == {1}
        arrived = Counter(await world.events(arrival_of(transfer_id)))
        assert (arrived["ProfileArrived"], arrived["ArrivalReceived"]) == (1, 1)
        assert world.neighbours.arrived[transfer_id] == [0]

    async def test_mail_that_is_old_moves_nothing_back(self, world: World):
        transfer_id = await confirmed(world)
        await rounds(world, 6)
        before = await world.events(transfer_id)
        await world.neighbours.misbehave(repeated_percent=100)
        try:
            await rounds(world)
        finally:
            await world.neighbours.misbehave()
        assert await world.events(transfer_id) == before


class TestNeighbours:
    @pytest.mark.parametrize("who", ["registry", "ledger"])
    async def test_that_are_down_are_asked_again(self, world: World, who: str):
        transfer_id = await accepted_out(world) if who == "registry" else await confirmed(world)
        world.neighbours.down = {who}
        await rounds(world, 1)
        before = await states(world, transfer_id)
        world.neighbours.down = set()
        world.now += timedelta(minutes=10)
        await rounds(world, 6)
        assert await states(world, transfer_id) != before

    async def test_an_answer_that_should_not_be_keeps_nobody_else_from_going_on(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ):
        stuck, fine = await accepted_out(world), await accepted_out(world)
        relay = world.transfers.peers.relay
        offer = relay.offer

        async def broken(what: object) -> Exchange:
            if getattr(what, "transfer_id", "") == stuck:
                raise RuntimeError("no such thing was agreed")
            return await offer(what)  # type: ignore[arg-type]

        monkeypatch.setattr(relay, "offer", broken)
        await rounds(world)
        assert (await states(world, fine))[0] == "fetched"
        assert (await states(world, stuck))[0] == "accepted"
        monkeypatch.undo()
        world.now += timedelta(minutes=10)
        await rounds(world)
        assert (await states(world, stuck))[0] == "fetched"


class TestLeases:
    async def test_two_workers_never_carry_the_same_step(self, world: World):
        mine = {await accepted_out(world) for _ in range(5)}
        leases = Leases(world.transfers.database)
        first = await leases.take(world.now, limit=100)
        second = await leases.take(world.now, limit=100)
        assert mine <= {str(each.transfer_id) for each in first}
        assert second == []
        await world.process().run_worker_steps()
        assert {(await states(world, each))[0] for each in mine} == {"accepted"}

    async def test_what_a_killed_worker_had_is_free_again_when_the_lease_is_over(self, world: World):
        transfer_id = await accepted_out(world)
        await Leases(world.transfers.database).take(world.now, limit=100)
        world.now += timedelta(seconds=LEASE_SECONDS)
        await rounds(world)
        assert await states(world, transfer_id) == ("fetched", "received")

    async def test_leave_no_rows_behind(self, world: World):
        await confirmed(world)
        await rounds(world, 6)
        world.now += timedelta(days=1)
        await world.process().strike_deadlines()
        async with world.transfers.database.acquire() as conn:
            kept = await conn.fetch(
                "select t.next_step from leases l join transfers t on t.transfer_id = l.transfer_id where l.log = $1",
                LOG,
            )
        assert all(row["next_step"] for row in kept)

    def test_pauses_grow_and_listen(self):
        seconds = [pause_after(attempts, None).total_seconds() for attempts in range(1, 12)]
        assert seconds == sorted(seconds)
        assert (seconds[0], seconds[-1]) == (1, 300)
        assert pause_after(1, 90.0).total_seconds() == 90


class TestSupplements:
    async def test_late_credits_follow_once(self, world: World):
        """A-13: credits of study before the day of leaving reach the destination, whenever they are registered."""
        transfer_id = await confirmed(world)
        await rounds(world, 6)
        body = LeaveAuthority(person_id="person-1", to_place="140105", left_at=world.now)
        late = [handover_of(transfer_id, body).model_copy(update={"sequence": number}) for number in (1, 2)]
        world.neighbours.late[transfer_id] = late[:1]
        world.now += timedelta(hours=1)
        await rounds(world, 3)
        world.neighbours.late[transfer_id] = late
        world.now += timedelta(days=1)
        await rounds(world, 3)
        assert world.neighbours.arrived[transfer_id] == [0, 1, 2]
        assert (await world.events(transfer_id)).count("SupplementHandedOver") == 2

    async def test_are_asked_for_less_and_less_often(self, world: World):
        await confirmed(world)
        await rounds(world, 6)
        world.neighbours.asked.clear()
        await rounds(world, 3)
        assert world.neighbours.asked["supplements"] == 0


class TestReceiving:
    async def test_a_worker_killed_between_fetching_and_storing_loses_nothing(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ):
        transfer_id = await accepted_out(world)
        await world.process().run_worker_steps()

        async def killed(*_: object) -> None:
            raise RuntimeError("killed")

        monkeypatch.setattr(world.transfers.application, "receive", killed)
        await world.process().read_mail()
        assert await world.neighbours.state(transfer_id) == "fetched"
        monkeypatch.undo()
        await rounds(world)
        assert await states(world, transfer_id) == ("fetched", "received")

    async def test_whom_no_registry_can_take_in_is_refused(self, world: World):
        transfer_id = await accepted_out(world)
        world.neighbours.takes_nobody_in = True
        await rounds(world)
        assert await states(world, transfer_id) == ("returned", "none")

    async def test_received_twice_is_one_arrival(self, world: World):
        transfer_id = await received(world)
        await world.neighbours.misbehave(repeated_percent=100)
        try:
            await rounds(world)
        finally:
            await world.neighbours.misbehave()
        assert await world.events(arrival_of(transfer_id)) == ["ArrivalReceived"]
