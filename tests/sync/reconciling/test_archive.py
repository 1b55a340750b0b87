"""The credit archive is compared with the ledger's extract of a closed year, and with nothing else (S2A-08)."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
import pytest_asyncio

from contracts.targets import KINDS
from services.stand_ins.targets.holdings import Held
from services.sync.adapters import HttpAdapter
from services.sync.reconciling.ledger_side import (
    LedgerUnavailableError,
    OurSideUnknownError,
    PlaceNotTakenError,
)
from services.sync.reconciling.reconcile import Reconciler, Reconciliation
from services.sync.recording.closings import Archiver, ExtractUnavailableError, YearNotClosedError
from tests.sync.feeds import closed, line, person_id
from tests.sync.reconciling.test_reconcile import compare, mend
from tests.sync.world import ARCHIVE, HR, NATIONAL, World, target, world_on

SHANXI, JINCHENG, CHANGZHI, HEBEI = "140000", "140500", "140400", "130000"
COUNTY, OTHER_COUNTY, OTHER_CITYS_COUNTY, HEBEI_COUNTY = "140502", "140525", "140403", "130102"
YEAR = 2026


@pytest_asyncio.fixture
async def archiving(dsn: str) -> AsyncIterator[World]:
    async with world_on(dsn, target(ARCHIVE), target(NATIONAL), target(HR)) as world:
        yield world


async def sent(world: World, *closed_places: tuple[str, str]) -> list[str]:
    """Five people of a closed year in two counties of Jincheng, all in the archive."""
    people = [world.person() for _ in range(5)]
    world.ledger.extract = [
        line(person, place=COUNTY if number % 2 else OTHER_COUNTY) for number, person in enumerate(people)
    ]
    for log, place in closed_places or ((SHANXI, SHANXI),):
        world.ledger.publish(log, closed(place, YEAR))
    await world.record()
    await archive(world)
    return people


async def archive(world: World) -> None:
    """Everything the closings ask for is read and sent."""
    async with world.ledger.client() as client:
        archiver = Archiver(world.database, client, world.sync.targets.all[ARCHIVE], lambda: world.now)
        while await archiver.step():
            pass
    await world.deliver_all(ARCHIVE)


async def look(world: World, place: str = SHANXI) -> Reconciliation:
    return await compare(world, place, ARCHIVE)


async def repaired(world: World, place: str = SHANXI) -> int:
    """How many subjects a repair mended, once everything has arrived."""
    mended = await mend(world, await look(world, place), ARCHIVE)
    await world.deliver_all(ARCHIVE)
    return mended


def subject(person: str) -> str:
    return f"{person}:{YEAR}"


def change(world: World, person: str, **content: str) -> None:
    held = world.held(ARCHIVE).held(subject(person))
    assert held is not None
    world.held(ARCHIVE).put(replace(held, content=dict(held.content) | content))


def invent(world: World, place: str = COUNTY) -> str:
    """Somebody the archive holds although nobody told it."""
    person = person_id()
    content: dict[str, str | None] = {
        "subject": subject(person),
        "person_ref": person,
        "year": str(YEAR),
        "place": place,
        "status": "compliant",
        "total": "90.00",
        "professional": "60.00",
        "public": "30.00",
        "made_up": "false",
    }
    world.held(ARCHIVE).put(Held(subject(person), 1, "X1", False, content))
    return person


def held_by(world: World) -> dict[str, str]:
    """Everybody the archive holds, and at which place."""
    return {each.of("person_ref"): each.of("place") for each in world.held(ARCHIVE).live}


def found_by(found: Reconciliation) -> list[tuple[str, str, str]]:
    return [(each.person_id, each.kind, each.why) for each in found.differences]


class TestCompare:
    async def test_of_what_arrived_finds_nothing(self, archiving: World):
        """S2A-08."""
        await sent(archiving)
        found = await look(archiving)
        assert found.differences == []
        assert [(each.ours.place, each.same, each.ours.people) for each in found.places] == [
            (COUNTY, True, 2),
            (OTHER_COUNTY, True, 3),
        ]

    async def test_writes_nothing(self, archiving: World):
        people = await sent(archiving)
        archiving.held(ARCHIVE).lose(subject(people[0]))
        before = await archiving.states(ARCHIVE)
        await look(archiving)
        assert await archiving.states(ARCHIVE) == before

    async def test_finds_who_moved_while_the_extract_was_read(self, archiving: World):
        """People are walked by place: one who moves backwards is passed by, and is not extra for that."""
        people = await sent(archiving)
        walked_last = max(people[0::2])
        moved = next(each for each in archiving.ledger.extract if each["person_id"] == walked_last)

        def turn() -> None:
            if moved["place"] == OTHER_COUNTY:
                moved["place"] = OTHER_CITYS_COUNTY
                archiving.ledger.publish(SHANXI, closed(CHANGZHI, YEAR - 1))

        archiving.ledger.turned = turn
        found = await look(archiving)
        assert moved["place"] == OTHER_CITYS_COUNTY
        assert {each.subject for each in found.differences} == {subject(walked_last)}
        assert {(each.side, each.kind) for each in found.differences} == {
            ("ours", "changed"),
            ("theirs", "missing"),
            ("theirs", "extra"),
        }
        assert await mend(archiving, found, ARCHIVE) == 1
        await archiving.deliver_all(ARCHIVE)
        assert held_by(archiving)[walked_last] == OTHER_CITYS_COUNTY


class TestRepair:
    async def test_mends_who_is_missing_extra_and_changed(self, archiving: World):
        people = await sent(archiving)
        archiving.held(ARCHIVE).lose(subject(people[0]))
        change(archiving, people[1], status="deficient", total="1.00")
        extra = invent(archiving)
        found = await look(archiving)
        assert sorted(found_by(found)) == sorted(
            [
                (people[0], "missing", "lost_there"),
                (people[1], "changed", "changed_there"),
                (extra, "extra", "not_from_us"),
            ]
        )
        assert await repaired(archiving) == 3
        assert sorted(held_by(archiving)) == sorted(people)
        assert (await look(archiving)).differences == []

    async def test_is_a_delivery_like_any_other(self, archiving: World):
        people = await sent(archiving)
        archiving.held(ARCHIVE).lose(subject(people[0]))
        await repaired(archiving)
        assert archiving.held(ARCHIVE).arrivals[-1] == f"{subject(people[0])}.2"
        assert (await archiving.states(ARCHIVE))[f"{subject(people[0])}.2"] == "delivered"

    async def test_mends_what_the_ledger_judges_otherwise_by_now(self, archiving: World):
        people = await sent(archiving)
        archiving.ledger.extract[2] |= {"made_up": True}
        found = await look(archiving)
        assert {(each.side, each.kind, each.fields) for each in found.differences} == {
            ("ours", "changed", ("made_up",)),
            ("theirs", "changed", ("made_up",)),
        }
        assert await repaired(archiving) == 1
        held = archiving.held(ARCHIVE).held(subject(people[2]))
        assert held is not None
        assert held.content["made_up"] == "true"

    async def test_delivers_a_whole_year_that_was_never_sent(self, archiving: World):
        """When the archive is turned on after the year was closed."""
        people = [archiving.person() for _ in range(5)]
        archiving.ledger.extract = [line(person) for person in people]
        archiving.ledger.publish(SHANXI, closed(SHANXI, YEAR))
        assert await repaired(archiving) == 5
        assert sorted(held_by(archiving)) == sorted(people)


class TestPeopleWhoMove:
    """A record is of a person's year: ended at the place they left, it would be gone from the place they are at."""

    @pytest.mark.parametrize("to", [OTHER_CITYS_COUNTY, "140602"])
    async def test_within_an_authority_are_told_anew_and_not_ended(self, archiving: World, to: str):
        """Both before and behind the old place in order."""
        await sent(archiving)
        mover = archiving.ledger.extract[1]
        mover["place"] = to
        await repaired(archiving)
        assert held_by(archiving)[mover["person_id"]] == to
        assert (await look(archiving)).differences == []

    async def test_out_of_the_city_that_is_compared_are_told_anew_and_not_ended(self, archiving: World):
        await sent(archiving)
        mover = archiving.ledger.extract[1]
        mover["place"] = OTHER_CITYS_COUNTY
        found = await look(archiving, JINCHENG)
        assert {(each.kind, each.why) for each in found.differences} == {("extra", "moved")}
        await repaired(archiving, JINCHENG)
        assert held_by(archiving)[mover["person_id"]] == OTHER_CITYS_COUNTY
        assert (await look(archiving, JINCHENG)).differences == []

    async def test_between_cities_that_closed_one_by_one_are_told_anew(self, archiving: World):
        await sent(archiving, (SHANXI, JINCHENG), (SHANXI, CHANGZHI))
        mover = archiving.ledger.extract[1]
        mover["place"] = OTHER_CITYS_COUNTY
        await repaired(archiving, JINCHENG)
        assert held_by(archiving)[mover["person_id"]] == OTHER_CITYS_COUNTY

    async def test_to_another_authority_are_left_to_it(self, archiving: World):
        await sent(archiving)
        mover = archiving.ledger.extract[1]
        mover["place"] = HEBEI_COUNTY
        archiving.ledger.publish(HEBEI, closed(HEBEI, YEAR))
        await archiving.record()
        await archive(archiving)
        assert held_by(archiving)[mover["person_id"]] == HEBEI_COUNTY
        assert (await look(archiving)).differences == []
        held = archiving.held(ARCHIVE).held(subject(mover["person_id"]))
        assert held is not None
        archiving.held(ARCHIVE).put(replace(held, content=dict(held.content) | {"place": COUNTY}))
        assert found_by(await look(archiving)) == [(mover["person_id"], "extra", "told_by_another")]
        assert await repaired(archiving) == 0


class TestRefusal:
    """Compared with nothing, everything held would be extra, and a repair would end it."""

    async def test_names_place_and_year_where_the_year_is_not_closed(self, archiving: World):
        """S2A-08."""
        await sent(archiving, (SHANXI, JINCHENG))
        with pytest.raises(YearNotClosedError, match=f"{YEAR} is not closed at {SHANXI}"):
            await look(archiving)
        assert (await look(archiving, JINCHENG)).differences == []

    async def test_when_the_ledger_is_down(self, archiving: World):
        people = await sent(archiving)
        before = await archiving.states(ARCHIVE)
        archiving.ledger.is_down = True
        for name, unread in (
            (ARCHIVE, ExtractUnavailableError),
            (NATIONAL, LedgerUnavailableError),
            (HR, LedgerUnavailableError),
        ):
            with pytest.raises(unread):
                await compare(archiving, "440000" if name == HR else SHANXI, name)
        assert await archiving.states(ARCHIVE) == before
        assert sorted(held_by(archiving)) == sorted(people)

    async def test_when_the_ledger_goes_down_between_two_pages(self, archiving: World):
        await sent(archiving)

        def goes_down() -> None:
            archiving.ledger.is_down = True
            raise httpx.ConnectError("down")

        archiving.ledger.turned = goes_down
        with pytest.raises(ExtractUnavailableError):
            await look(archiving)

    @pytest.mark.parametrize(
        "answer",
        [
            {},
            {"lines": [], "position": 3},
            {"next": None, "position": 3},
            [],
            "closed",
        ],
    )
    async def test_of_an_extract_that_does_not_say_everything(self, archiving: World, answer: Any):
        client = httpx.AsyncClient(
            transport=httpx.MockTransport(lambda _: httpx.Response(200, json=answer)),
            base_url="http://ledger",
        )
        spec = archiving.sync.targets.all[ARCHIVE]
        async with client:
            # The ledger is asked first: it is of no matter what the archive would answer.
            reconciler = Reconciler(archiving.database, client, spec, HttpAdapter(client))
            with pytest.raises(ExtractUnavailableError):
                await reconciler.compare(SHANXI, YEAR)

    async def test_of_a_kind_of_record_whose_side_is_not_read_here(self, archiving: World):
        people = await sent(archiving)
        spec = archiving.sync.targets.all[ARCHIVE].model_copy(update={"record": "licence"})
        archiving.sync.targets.all[ARCHIVE] = spec
        with pytest.raises(OurSideUnknownError, match="licence"):
            await look(archiving)
        assert sorted(held_by(archiving)) == sorted(people)


@pytest.mark.parametrize("kind", sorted(KINDS))
async def test_our_side_of_every_kind_of_record_is_read_from_the_ledger(archiving: World, kind: str):
    """A kind added to the contract has to be read from somewhere before it can be compared."""
    spec = archiving.sync.targets.all[NATIONAL].model_copy(update={"record": kind})
    archiving.sync.targets.all[NATIONAL] = spec
    archiving.ledger.is_down = True
    with pytest.raises((LedgerUnavailableError, ExtractUnavailableError)):
        await compare(archiving)


async def test_a_place_that_a_system_is_not_told_of_is_not_compared(archiving: World):
    """Guangdong's certificates know no Shanxi and no Shenzhen: what is held there is not ours to end (S4-11)."""
    for place in (SHANXI, "440300"):
        with pytest.raises(PlaceNotTakenError, match=place):
            await compare(archiving, place, HR)
