"""A profile goes from one authority to another, both ends in one deployment, through the relay (S2C-13 to S2C-18)."""

from services.cli.demo.fictitious import uscc
from tests.transfer.process.journeys import (
    accepted_out,
    approved,
    arrival_of,
    confirmed,
    did,
    received,
    requested_out,
    rounds,
    states,
)
from tests.transfer.scenarios import TAIYUAN
from tests.transfer.world import CLERK, FAR_DESK, ORIGIN, World, code, signed_in


class TestWholeWay:
    async def test_from_request_to_arrival(self, world: World):
        """S2C-15, S2C-17, S2C-18."""
        transfer_id = await requested_out(world)
        assert transfer_id not in world.neighbours.guards
        await did(world, transfer_id, "acceptance", by=ORIGIN)
        assert transfer_id in world.neighbours.guards
        await rounds(world)
        assert await states(world, transfer_id) == ("fetched", "received")
        await did(world, arrival_of(transfer_id), "approval", by=FAR_DESK)
        await rounds(world)
        assert await states(world, transfer_id) == ("fetched", "approved")
        await did(
            world, arrival_of(transfer_id), "confirmation", by=await signed_in(world, arrival_of(transfer_id))
        )
        await rounds(world)
        assert await states(world, transfer_id) == ("completed", "completed")
        assert world.neighbours.arrived[transfer_id] == [0]

    async def test_moves_the_home_when_it_arrives(self, world: World):
        transfer_id = await confirmed(world)
        await rounds(world)
        view = (await world.get(f"/v1/transfers/{transfer_id}", by=CLERK)).json()
        assert await world.home(view["person_id"]) == (TAIYUAN, uscc(1))

    async def test_each_end_tells_it_once_the_destination_first(self, world: World):
        transfer_id = await confirmed(world)
        await rounds(world, 6)
        assert (await world.events(transfer_id))[-4:] == [
            "DepartureFetched",
            "DepartureConfirmed",
            "DepartureHandedOver",
            "ProfileDeparted",
        ]
        told = [
            event.topic
            for event in await world.log()
            if event.stream_id in (transfer_id, arrival_of(transfer_id)) and "Profile" in event.topic
        ]
        assert told == ["transfer.ProfileArrived", "transfer.ProfileDeparted"]

    async def test_leaves_nothing_to_do(self, world: World):
        await confirmed(world)
        await rounds(world, 6)
        world.neighbours.asked.clear()
        assert await world.process().step() == 0
        assert not world.neighbours.asked


class TestRefusal:
    async def test_by_the_destination_is_final_and_returns_with_its_reason(self, world: World):
        """S2C-18."""
        transfer_id = await received(world)
        refusal = {"reason": "employment_not_confirmed"}
        await did(world, arrival_of(transfer_id), "refusal", by=FAR_DESK, body=refusal)
        await rounds(world)
        assert await states(world, transfer_id) == ("returned", "refused")
        view = (await world.get(f"/v1/transfers/{transfer_id}", by=CLERK)).json()
        assert view["steps"][-1]["reason"] == "employment_not_confirmed"
        assert transfer_id not in world.neighbours.taken_in


class TestConfirmation:
    async def test_is_the_person_s_own(self, world: World):
        """S2C-18."""
        arrival = arrival_of(await approved(world))
        for by in (CLERK, FAR_DESK):
            answer = await world.post(f"/v1/transfers/{arrival}/confirmation", by=by)
            assert answer.status_code in (403, 404)

    async def test_before_approval_is_refused(self, world: World):
        arrival = arrival_of(await received(world))
        answer = await world.post(f"/v1/transfers/{arrival}/confirmation", by=await signed_in(world, arrival))
        assert (answer.status_code, code(answer)) == (409, "transfer-state")


class TestOffer:
    async def test_name_and_number_are_in_no_event_and_no_table(self, world: World):
        from services.cli.demo import fictitious

        transfer_id = await accepted_out(world)
        await rounds(world)
        view = (await world.get(f"/v1/transfers/{transfer_id}", by=CLERK)).json()
        someone = fictitious.person(int(view["person_id"].rpartition("-")[2]))
        stored = b"".join(event.state for event in await world.log())
        assert someone.id_number.encode() not in stored
        assert someone.name not in stored.decode("unicode_escape")
