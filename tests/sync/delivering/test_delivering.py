"""Every registered credit reaches the national platform once and in order; what is refused stops nobody else."""

import asyncio

import httpx
import pytest

from contracts.registry import InfoChanged
from services.sync.delivering.sender import POISONED_AFTER
from services.sync.recording.following import LedgerFollowing
from tests.sync.feeds import earned, revoked, withdrawn
from tests.sync.world import NATIONAL, World

HASH = f"hs256:{'A' * 43}"


def changed(person: str) -> InfoChanged:
    return InfoChanged(
        person_id=person,
        change_id="change-1",
        cause="change",
        items=("name",),
        identity_hash=HASH,
        name_hash=HASH,
        former=(),
        place="140502",
        employer=None,
        student=False,
        student_since=None,
        qualifications=(),
        working_since=None,
        left_on=None,
        retired_on=None,
        affiliation=None,
        groups=(),
        graduated_on=None,
        birth_month=None,
        changed_at="2026-03-02T02:00:00Z",  # type: ignore[arg-type]
    )


class TestDeliver:
    async def test_each_credit_arrives_with_the_reference_it_was_given(self, world: World):
        """S1-09, S3B-07."""
        credits = [earned(world.person()) for _ in range(3)]
        world.ledger.publish("140000", *credits)
        await world.record()
        await world.deliver()
        assert await world.states() == {f"{each.credit_id}.1": "delivered" for each in credits}
        held = world.held().held(credits[0].credit_id)
        assert held is not None
        assert held.content["credits"] == "30.00"
        assert held.content["completed_on"] == "2026-03-01"

    async def test_name_and_number_are_asked_as_it_is_sent_and_for_whom(self, world: World):
        """S0-23."""
        person = world.person()
        world.ledger.publish("140000", earned(person))
        await world.record()
        assert world.registry.asked == []
        await world.deliver()
        assert world.registry.asked == [(NATIONAL, person)]

    async def test_a_persons_records_go_one_after_the_other(self, world: World):
        person = world.person()
        credits = [earned(person) for _ in range(4)]
        world.ledger.publish("140000", *credits, withdrawn(credits[0]))
        await world.record()
        await world.deliver()
        assert world.held().arrivals == [
            *(f"{each.credit_id}.1" for each in credits),
            f"{credits[0].credit_id}.2",
        ]

    @pytest.mark.parametrize("end", [withdrawn, revoked])
    async def test_what_ends_a_credit_travels_after_it(self, world: World, end):
        """S1-21, A-12."""
        credit = earned(world.person())
        world.ledger.publish("140000", credit, end(credit))
        await world.record()
        await world.deliver()
        assert await world.states() == {
            f"{credit.credit_id}.1": "withdrawn",
            f"{credit.credit_id}.2": "delivered",
        }
        held = world.held().held(credit.credit_id)
        assert held is not None
        assert held.ended

    async def test_history_that_came_from_the_platform_does_not_go_back(self, world: World):
        """S4-06."""
        mine = world.sync.targets.all[NATIONAL].model_copy(update={"source": "national_platform"})
        world.sync.recorder._credit_targets = [mine]
        world.ledger.publish(
            "140000",
            earned(world.person(), source="national_platform", route="import"),
            earned(world.person(), source="guangdong_hr", route="import"),
        )
        await world.record()
        assert len(await world.states()) == 1

    async def test_two_workers_that_read_the_same_events_record_them_once(self, world: World):
        world.ledger.publish("140000", earned(world.person()))
        async with world.ledger.client() as client:
            workers = [
                LedgerFollowing(world.database, client, world.sync.recorder, ["140000"]) for _ in range(2)
            ]
            await asyncio.gather(*(worker.step() for worker in workers))
        assert len(await world.states()) == 1


class TestRefuse:
    async def test_parks_the_person_and_nobody_else(self, world: World):
        unlucky, other = world.person(), world.person()
        first, second, third = earned(unlucky), earned(unlucky), earned(other)
        late = earned(other)
        world.ledger.publish("140000", first, second, third, late)
        await world.record()
        world.faults(refused_subjects=[first.credit_id])
        await world.deliver()
        states = await world.states()
        assert states[f"{first.credit_id}.1"] == "refused"
        assert states[f"{second.credit_id}.1"] == "pending"
        assert states[f"{third.credit_id}.1"] == states[f"{late.credit_id}.1"] == "delivered"
        assert await world.queues() == {unlucky: "parked"}

    async def test_the_end_of_what_was_never_taken_is_not_sent(self, world: World):
        """A-12: a refused credit that is revoked leaves nothing to say, and the person's later ones go on."""
        person = world.person()
        first, second = earned(person), earned(person)
        world.ledger.publish("140000", first, second)
        await world.record()
        world.faults(refused=1.0)
        await world.deliver()
        world.faults()
        world.ledger.publish("140000", revoked(first))
        await world.record()
        await world.deliver()
        assert await world.states() == {
            f"{first.credit_id}.1": "withdrawn",
            f"{first.credit_id}.2": "withdrawn",
            f"{second.credit_id}.1": "delivered",
        }
        assert world.held().arrivals == [f"{second.credit_id}.1"]

    async def test_a_record_that_spoils_its_batch_is_found_and_parked(self, world: World):
        """The platform refuses the whole batch because of one record that it cannot take."""
        people = [world.person() for _ in range(9)]
        credits = [earned(person) for person in people]
        poison = credits[4].credit_id

        async def answer(request: httpx.Request) -> httpx.Response:
            if poison.encode() in await request.aread():
                return httpx.Response(422)
            return await httpx.ASGITransport(world.app).handle_async_request(request)

        world.ledger.publish("140000", *credits)
        await world.record()
        await world.sender(transport=httpx.MockTransport(answer)).step()
        states = await world.states()
        assert states.pop(f"{poison}.1") == "refused"
        assert set(states.values()) == {"delivered"}

    async def test_a_record_that_breaks_the_platform_is_found_and_parked(self, world: World):
        """Every batch with it is answered with a 500: it is sent alone in the end, and the others arrive."""
        credits = [earned(world.person()) for _ in range(5)]
        poison = credits[2].credit_id

        async def answer(request: httpx.Request) -> httpx.Response:
            if poison.encode() in await request.aread():
                return httpx.Response(500)
            return await httpx.ASGITransport(world.app).handle_async_request(request)

        world.ledger.publish("140000", *credits)
        await world.record()
        sender = world.sender(transport=httpx.MockTransport(answer))
        for number in range(2 * POISONED_AFTER):
            world.ledger.publish("140000", earned(world.person(), credit_id=f"140000-{number}"))
            await world.record()
            await sender.step()
            world.later(seconds=61)
        states = await world.states()
        assert states.pop(f"{poison}.1") == "refused"
        assert set(states.values()) == {"delivered"}

    async def test_what_cannot_be_said_is_parked_and_stops_nobody(self, world: World):
        """A row that no release of ours would have written, and a person whose id is not the registry's."""
        spoiled, nameless, good = earned(world.person()), earned("nobody-1"), earned(world.person())
        world.ledger.publish("140000", spoiled, nameless, good)
        await world.record()
        async with world.database.transaction() as conn:
            await conn.execute(
                "update deliveries set content = jsonb_set(content, '{credits}', '\"many\"') where subject = $1",
                spoiled.credit_id,
            )
        await world.deliver()
        assert await world.states() == {
            f"{spoiled.credit_id}.1": "refused",
            f"{nameless.credit_id}.1": "unsynced",
            f"{good.credit_id}.1": "delivered",
        }


class TestUnsynced:
    async def test_a_name_that_differs_waits_with_its_reason(self, world: World):
        """S4-09: name and number are equal in both systems, or else the record is unsynced."""
        person = world.person()
        known = world.identity(person)
        world.held().opens(known.id_type, known.id_number, "某某")
        credit = earned(person)
        world.ledger.publish("140000", credit)
        await world.record()
        await world.deliver()
        assert await world.states() == {f"{credit.credit_id}.1": "unsynced"}
        [at] = (await world.status()).targets[0].places
        assert at.unsynced == {"name_differs": 1}

    async def test_goes_again_when_the_registry_corrects_the_person(self, world: World):
        """S4-09."""
        person = world.person()
        known = world.identity(person)
        world.held().opens(known.id_type, known.id_number, "某某")
        world.ledger.publish("140000", credit := earned(person))
        await world.record()
        await world.deliver()
        world.held().opens(known.id_type, known.id_number, known.name)
        world.registry_feed.publish("registry", changed(person))
        await world.hear_registry()
        await world.deliver()
        assert await world.states() == {f"{credit.credit_id}.1": "delivered"}

    async def test_a_person_who_was_erased_is_unsynced_and_nobody_is_asked_in_vain_for_ever(
        self, world: World
    ):
        person = world.person()
        world.registry.erased.add(person)
        world.ledger.publish("140000", credit := earned(person))
        await world.record()
        await world.deliver()
        assert await world.states() == {f"{credit.credit_id}.1": "unsynced"}
        assert world.held().arrivals == []


class TestFaults:
    @pytest.mark.parametrize(
        "fault", ["too_many", "broken", "reset", "repeated", "reordered", "wrong_types", "slow"]
    )
    async def test_each_alone_loses_and_doubles_nothing(self, world: World, fault: str):
        credits = [earned(world.person()) for _ in range(12)]
        credits += [earned(each.person_id) for each in credits[:6]]
        world.ledger.publish("140000", *credits)
        await world.record()
        world.faults(**{fault: 0.7}, slow_seconds=0.0)
        await world.deliver_all()
        assert sorted(world.held().arrivals) == sorted(f"{each.credit_id}.1" for each in credits)
        assert set((await world.states()).values()) == {"delivered"}

    async def test_a_batch_whose_answer_was_lost_is_stored_once(self, world: World):
        credits = [earned(world.person()) for _ in range(5)]
        world.ledger.publish("140000", *credits)
        await world.record()
        world.faults(broken=1.0)
        sender = world.sender()
        await sender.step()
        assert len(world.held().arrivals) == 5
        world.faults()
        await world.deliver_all()
        assert len(world.held().arrivals) == 5
        assert set((await world.states()).values()) == {"delivered"}

    async def test_a_pause_that_was_asked_for_is_kept(self, world: World):
        world.ledger.publish("140000", earned(world.person()))
        await world.record()
        world.faults(too_many=1.0, retry_after=120)
        sender = world.sender()
        await sender.step()
        assert sender.breaker.enter() == pytest.approx(120)
        world.faults()
        world.later(seconds=119)
        assert await sender.step() == 0
        world.later(seconds=2)
        assert await sender.step() == 1

    async def test_a_registry_that_does_not_answer_costs_nothing_but_time(self, world: World):
        world.ledger.publish("140000", earned(world.person()))
        await world.record()
        world.registry.is_down = True
        await world.deliver(steps=3)
        assert world.held().arrivals == []
        world.registry.is_down = False
        await world.deliver_all()
        assert len(world.held().arrivals) == 1
