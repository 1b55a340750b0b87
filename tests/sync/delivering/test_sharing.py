"""Several workers share the deliveries; a lease that ran out is nobody's, and what was sent twice is stored once."""

import asyncio

from tests.sync.feeds import earned
from tests.sync.world import World


class TestShare:
    async def test_two_workers_deliver_everything_once(self, world: World):
        people = [world.person() for _ in range(40)]
        credits = [earned(person) for person in people for _ in range(3)]
        world.ledger.publish("140000", *credits)
        await world.record()

        async def work() -> int:
            sender, done = world.sender(), 0
            while taken := await sender.step():
                done += taken
            return done

        done = await asyncio.gather(work(), work(), work())
        while await world.sender().step():
            pass
        assert sum(done) <= len(credits)
        assert sorted(world.held().arrivals) == sorted(f"{each.credit_id}.1" for each in credits)

    async def test_what_one_has_taken_the_other_leaves_until_the_lease_ends(self, world: World):
        world.ledger.publish("140000", earned(world.person()))
        await world.record()
        first, second = world.sender(), world.sender()
        _, taken = await first._queue.take(10, world.now)
        assert len(taken) == 1
        assert await second.step() == 0
        world.later(seconds=61)
        assert await second.step() == 1

    async def test_a_worker_that_comes_late_settles_nothing_of_what_passed_on(self, world: World):
        """It was stopped with the batch in its hands, and another has delivered it and the next one."""
        person = world.person()
        first, second = earned(person), earned(person)
        world.ledger.publish("140000", first, second)
        await world.record()
        late = world.sender()
        lease, taken = await late._queue.take(10, world.now)
        world.later(seconds=61)
        await world.deliver()
        records, _ = await late._records(taken)
        await late._send(lease, records)
        assert world.held().arrivals == [f"{first.credit_id}.1", f"{second.credit_id}.1"]
        assert set((await world.states()).values()) == {"delivered"}

    async def test_a_credit_that_comes_while_its_person_is_settled_is_not_overlooked(self, world: World):
        person = world.person()
        for _ in range(20):
            world.ledger.publish("140000", earned(person))
            await world.record()
            sender = world.sender()
            world.ledger.publish("140000", earned(person))
            await asyncio.gather(sender.step(), world.record())
            await world.deliver()
        assert set((await world.states()).values()) == {"delivered"}
        assert len(world.held().arrivals) == 40
