"""The other services' feeds about people on the move: information goes where they live, an erasure wherever they lived, and
what a transfer tells of its end is taken once."""

from typing import Any

from contracts import registry, transfer
from services.kit import events as codec
from services.ledger.streams.profile_events import DepartureCompleted, ProfileChanged, ProfileErased
from tests.ledger.moving.mover import JINCHENG, LIAONING, LISTED, SHANXI, SHENYANG, Mover
from tests.ledger.world import Somebody, World


def changed(world: World, who: Somebody, place: str) -> registry.InfoChanged:
    """The registry changed the person's employer."""
    hasher, person = world.ledger.hashers.current, who.person
    return registry.InfoChanged(
        person_id=who.person_id,
        change_id=f"change-{who.person_id}",
        cause="change",
        items=("employer",),
        identity_hash=hasher.person("resident_id", person.id_number),
        name_hash=hasher.name("resident_id", person.id_number, person.name),
        former=(),
        place=place,
        employer="91140100MA0000000X",
        student=False,
        student_since=None,
        qualifications=(registry.Qualification(level="junior", obtained_on="2018-09-01"),),
        working_since=None,
        left_on=None,
        retired_on=None,
        affiliation=None,
        groups=(),
        graduated_on=None,
        birth_month=None,
        changed_at=world.now,
    )


def transferred(world: World, transfer_id: str, who: Somebody, end: Any) -> transfer.ProfileTransferred:
    """The transfer service told that the person has arrived, at one of the two ends."""
    return transfer.ProfileTransferred(
        transfer_id=transfer_id,
        person_id=who.person_id,
        from_place=SHENYANG,
        to_place=JINCHENG,
        from_authority=LIAONING,
        to_authority=SHANXI,
        employer=None,
        transferred_at=world.now,
        end=end,
    )


async def kinds(world: World, log: str, who: Somebody, kind: type[Any]) -> int:
    """How many events of a kind a log holds of somebody."""
    events = [codec.decode(each.topic, each.state) for each in await world.events(log)]
    return len([each for each in events if isinstance(each, kind) and each.person_id == who.person_id])


class TestInformation:
    async def test_of_who_has_moved_goes_to_the_log_that_holds_them_now(self, world: World, mover: Mover):
        who = await world.collects(SHENYANG)
        await mover.moves(who, JINCHENG)
        await world.hears(changed(world, who, JINCHENG))
        assert await kinds(world, SHANXI, who, ProfileChanged) == 1
        assert await kinds(world, LIAONING, who, ProfileChanged) == 0

    async def test_of_who_is_on_the_way_stays_with_the_origin_until_they_arrive(
        self, world: World, mover: Mover
    ):
        who = await world.collects(SHENYANG)
        transfer_id = mover.transfer_id()
        await mover.guards(transfer_id, who, JINCHENG)
        await mover.leaves(transfer_id, who, JINCHENG)
        await world.hears(changed(world, who, SHENYANG))
        assert await kinds(world, LIAONING, who, ProfileChanged) == 1
        assert (await world.asks(who, 2025))["moved_to"] == JINCHENG

    async def test_an_erasure_reaches_every_log_that_ever_held_the_person(self, world: World, mover: Mover):
        """No log keeps a hash of whom the registry has erased; credits and totals stay."""
        provider = await world.provides(LISTED, accredited=[LIAONING])
        who = await world.collects(SHENYANG)
        await provider.posts(provider.completion(who, 2025, "30.00"))
        await mover.moves(who, JINCHENG)
        await world.hears(
            registry.PersonErased(
                person_id=who.person_id, place=JINCHENG, reason="own_request", erased_at=world.now
            )
        )
        assert [await kinds(world, log, who, ProfileErased) for log in (LIAONING, SHANXI)] == [1, 1]
        assert (await world.asks(who, 2025))["total"] == "30.00"
        known = world.ledger.hashers.current.person("resident_id", who.person.id_number)
        for log in (LIAONING, SHANXI):
            async with world.ledger.databases.of(log).acquire() as conn:
                found = await conn.fetchval(
                    "select count(*) from profiles where log = $1 and identity_hash = $2", log, known
                )
            assert found == 0


class TestTheEnd:
    async def test_of_a_transfer_is_noted_once_at_the_origin_and_changes_nothing_at_the_destination(
        self, world: World, mover: Mover
    ):
        """The profile has arrived by the transfer's own call before its feed tells of it (S2C-18)."""
        who = await world.collects(SHENYANG)
        transfer_id = await mover.moves(who, JINCHENG)
        before = await world.asks(who, 2025)
        for end in ("destination", "origin", "destination", "origin"):
            await mover.tells(transferred(world, transfer_id, who, end))
        assert await kinds(world, LIAONING, who, DepartureCompleted) == 1
        assert await world.asks(who, 2025) == before

    async def test_of_somebody_this_deployment_has_never_held_is_passed_over(
        self, world: World, mover: Mover
    ):
        nobody = Somebody("person-of-another-deployment", world.stranger())
        before = await world.count_events()
        await mover.tells(transferred(world, "transfer-of-others", nobody, "origin"))
        assert await world.count_events() == before

    async def test_at_an_origin_of_another_deployment_what_moved_is_judged_by_the_destination_s_rules(
        self, world: World, mover: Mover
    ):
        """The arrival is stored elsewhere: the origin answers from what it froze, and says the same of the year (A-13)."""
        provider = await world.provides(LISTED, accredited=[LIAONING])
        who = await world.collects(SHENYANG)
        await provider.posts(provider.completion(who, 2025, "60.00"))
        transfer_id = mover.transfer_id()
        await mover.guards(transfer_id, who, JINCHENG)
        await mover.leaves(transfer_id, who, JINCHENG)
        assert (await world.asks(who, 2025))["place"] == SHENYANG
        await mover.tells(transferred(world, transfer_id, who, "origin"))
        answer = await world.asks(who, 2025)
        assert (answer["log"], answer["place"], answer["moved_to"]) == (LIAONING, JINCHENG, JINCHENG)
        assert answer["total"] == "60.00"
