"""Both sides can prove that they hold the same, and what differs is found, explained and mended."""

import random
from dataclasses import replace

import httpx
import pytest

from contracts.ledger import CreditEarned
from services.stand_ins.targets.holdings import Held
from services.sync.adapters import HttpAdapter
from services.sync.reconciling.differences import Difference
from services.sync.reconciling.reconcile import Reconciler, Reconciliation, Repairs
from tests.sync.feeds import earned, person_id, revoked
from tests.sync.world import NATIONAL, TOKEN, World

SHANXI = "140000"
PLACES = ("140502", "140403", "140105")


async def compare(world: World, place: str = SHANXI, name: str = NATIONAL) -> Reconciliation:
    client = httpx.AsyncClient(
        transport=httpx.ASGITransport(world.app),
        base_url=f"http://stand-in/{name}",
        headers={"Authorization": f"Bearer {TOKEN}"},
    )
    async with client, world.ledger.client() as ledger:
        target = world.sync.targets.all[name]
        return await Reconciler(world.database, ledger, target, HttpAdapter(client)).compare(place, 2026)


async def mend(world: World, found: Reconciliation, name: str = NATIONAL) -> int:
    repairs = Repairs(world.database, world.sync.targets.all[name], lambda: world.now)
    return await repairs.mend(found.year, found.to_mend)


async def delivered(world: World, count: int = 12) -> list[CreditEarned]:
    """Credits of some people at three places, all at the platform."""
    people = [world.person() for _ in range(count // 2)]
    credits = [earned(people[n // 2], PLACES[n // 2 % 3], credits=f"{n + 1}.00") for n in range(count)]
    world.ledger.publish(SHANXI, *credits)
    await world.record()
    await world.deliver_all()
    return credits


def kinds(found: Reconciliation) -> list[tuple[str, str, str, str]]:
    return [(each.subject, each.side, each.kind, each.why) for each in found.differences]


class TestCompare:
    async def test_of_what_arrived_finds_nothing(self, world: World):
        await delivered(world)
        found = await compare(world)
        assert found.differences == []
        assert [(each.ours.place, each.same) for each in found.places] == [
            (place, True) for place in sorted(PLACES)
        ]
        assert sum(each.theirs.records for each in found.places) == 12

    async def test_says_of_what_is_missing_why(self, world: World):
        credits = await delivered(world)
        world.held().lose(credits[0].credit_id)
        refused, pending = earned(world.person(), PLACES[0]), earned(world.person(), PLACES[0])
        world.ledger.publish(SHANXI, refused)
        await world.record()
        world.faults(refused_subjects=[refused.credit_id])
        await world.deliver()
        world.faults()
        world.ledger.publish(SHANXI, pending)
        await world.record()
        found = await compare(world)
        assert sorted(kinds(found)) == sorted(
            [
                (credits[0].credit_id, "theirs", "missing", "lost_there"),
                (refused.credit_id, "theirs", "missing", "refused:not_acceptable"),
                (pending.credit_id, "theirs", "missing", "pending"),
            ]
        )
        assert len(found.to_mend) == 2

    async def test_names_the_fields_that_changed(self, world: World):
        credits = await delivered(world)
        change(world, credits[3].credit_id, credits="90.00")
        [difference] = (await compare(world)).differences
        assert (difference.kind, difference.fields, difference.why) == (
            "changed",
            ("credits",),
            "changed_there",
        )

    async def test_of_one_city_looks_at_it_alone(self, world: World):
        credits = await delivered(world)
        for credit in credits:
            world.held().lose(credit.credit_id)
        found = await compare(world, "140500")
        assert {each.place for each in found.differences} == {"140502"}

    async def test_a_revoked_credit_that_is_still_held_is_extra(self, world: World):
        """A-12."""
        credits = await delivered(world)
        world.ledger.publish(SHANXI, revoked(credits[0]))
        await world.record()
        found = await compare(world)
        assert kinds(found) == [(credits[0].credit_id, "theirs", "extra", "pending")]
        await world.deliver_all()
        assert (await compare(world)).differences == []


def change(world: World, subject: str, **content: str) -> None:
    held = world.held().held(subject)
    assert held is not None
    world.held().put(replace(held, content=dict(held.content) | content))


def invent(world: World, number: int) -> str:
    subject, place = f"invented-{number}", PLACES[number % 3]
    content: dict[str, str | None] = {
        "subject": subject,
        "person_ref": person_id(),
        "year": "2026",
        "place": place,
        "category": "professional",
        "credits": "5.00",
        "mode": "online",
        "completed_on": "2026-01-02",
        "make_up": "false",
    }
    world.held().put(Held(subject, 1, f"X{number}", False, content))
    return subject


async def spoil(world: World, statement: str, subject: str) -> None:
    async with world.database.transaction() as conn:
        await conn.execute(statement, subject)


class TestRepair:
    async def test_finds_each_of_fifty_planted_differences_and_mends_them(self, world: World):
        """Missing, extra and changed on either side."""
        credits = await delivered(world, 120)
        draw = random.Random(14)
        chosen = draw.sample([each.credit_id for each in credits], 42)
        planted = {invent(world, number) for number in range(8)} | set(chosen)
        for number, subject in enumerate(chosen):
            match number % 6:
                case 0:
                    world.held().lose(subject)
                case 1:
                    change(world, subject, credits="77.77")
                case 2:
                    change(world, subject, category="public", mode="other")
                case 3:
                    await spoil(world, "delete from deliveries where subject = $1", subject)
                case 4:
                    await spoil(
                        world,
                        "update deliveries set content = jsonb_set(content, '{credits}', '\"1.11\"')"
                        " where subject = $1",
                        subject,
                    )
                case 5:
                    await spoil(world, "update deliveries set action = 'end' where subject = $1", subject)
        found = await compare(world)
        assert {each.subject for each in found.differences} == planted
        assert len(planted) == 50
        assert {(each.side, each.kind) for each in found.differences} == {
            ("theirs", "missing"),
            ("theirs", "changed"),
            ("theirs", "extra"),
            ("ours", "missing"),
            ("ours", "changed"),
        }
        assert await mend(world, found) == 50
        await world.deliver_all()
        assert (await compare(world)).differences == []

    async def test_a_record_of_ours_that_the_ledger_does_not_hold_is_ended(self, world: World):
        credits = await delivered(world)
        world.ledger.events[SHANXI] = [
            event
            for event in world.ledger.events[SHANXI]
            if event["data"]["credit_id"] != credits[5].credit_id
        ]
        found = await compare(world)
        assert {(each.side, each.kind) for each in found.differences} == {
            ("ours", "extra"),
            ("theirs", "extra"),
        }
        await mend(world, found)
        await world.deliver_all()
        held = world.held().held(credits[5].credit_id)
        assert held is not None
        assert held.ended

    async def test_of_what_is_parked_lets_it_go_again_and_adds_nothing(self, world: World):
        credit = earned(world.person(), PLACES[0])
        world.ledger.publish(SHANXI, credit)
        await world.record()
        world.faults(refused=1.0)
        await world.deliver()
        world.faults()
        assert await mend(world, await compare(world)) == 1
        await world.deliver_all()
        assert await world.states() == {f"{credit.credit_id}.1": "delivered"}

    async def test_twice_says_nothing_twice(self, world: World):
        credits = await delivered(world)
        world.held().lose(credits[0].credit_id)
        found = await compare(world)
        await mend(world, found)
        await mend(world, found)
        await world.deliver_all()
        assert len([key for key in await world.states() if key.startswith(credits[0].credit_id)]) == 2

    @pytest.mark.parametrize("order", [1, -1])
    async def test_does_not_end_at_one_place_what_the_ledger_holds_at_another(self, world: World, order: int):
        [credit, _] = await delivered(world, 2)
        held = world.held().held(credit.credit_id)
        assert held is not None
        subject, person = credit.credit_id, credit.person_id
        right = dict(held.content) | {"place": PLACES[1]}
        extra = Difference(subject, person, PLACES[0], "theirs", "extra", "not_in_ledger", None, 4)
        missing = Difference(subject, person, PLACES[1], "theirs", "missing", "lost_there", right, 1)
        found = Reconciliation(NATIONAL, SHANXI, 2026, differences=[extra, missing][::order])
        assert await mend(world, found) == 1
        await world.deliver_all()
        held = world.held().held(subject)
        assert held is not None
        assert (held.ended, held.revision, held.of("place")) == (False, 5, PLACES[1])


def test_a_difference_on_its_way_needs_no_repair():
    difference = Difference("s", "p", "140502", "theirs", "missing", "pending", None, 1)
    assert difference.on_its_way
    assert not replace(difference, why="lost_there").on_its_way
