"""Guangdong: a person's year goes to the human-resources system once both categories are there, in three working days."""

from collections.abc import AsyncIterator

import pytest_asyncio

from contracts.divisions import authority_of
from contracts.ledger import CreditEarned, CreditRecognised
from tests.sync.feeds import START, earned, withdrawn
from tests.sync.reconciling.test_reconcile import compare
from tests.sync.world import HR, World, target, world_on

JIANGMEN, SHENZHEN = "440703", "440304"


async def years(world: World) -> list[tuple[str | None, str | None]]:
    """Professional and public credits of the certificates that the system holds."""
    return [(held.content["professional"], held.content["public"]) for held in world.held(HR).live]


async def happens(world: World, *events: object, place: str = JIANGMEN) -> None:
    world.ledger.publish(authority_of(place), *events)  # type: ignore[arg-type]
    await world.record()
    await world.deliver(HR)


def recognises(credit: CreditEarned) -> CreditRecognised:
    """An official recognised a credit."""
    return CreditRecognised(
        credit_id=credit.credit_id,
        person_id=credit.person_id,
        year=credit.year,
        category=credit.category,
        credits=credit.credits,
        place=credit.place,
        authority="440000",
        recognised_at=START,
        provider_id=credit.provider_id,
        completion_id=credit.completion_id,
    )


class TestRecognition:
    @pytest_asyncio.fixture
    async def strict(self, dsn: str) -> AsyncIterator[World]:
        """Professional credits count once they are recognised, public ones when they are registered (S4-01, S4-03)."""
        async with world_on(dsn, target(HR, recognised=["professional"])) as world:
            yield world

    async def test_comes_before_the_certificate(self, strict: World):
        """S4-04: 登记和认定 both."""
        person = strict.person()
        professional = [earned(person, JIANGMEN, credits=each) for each in ("60.00", "5.00")]
        await happens(strict, *professional, earned(person, JIANGMEN, category="public"))
        assert await years(strict) == []
        await happens(strict, recognises(professional[0]))
        assert await years(strict) == [("60.00", "30.00")]
        await happens(strict, recognises(professional[1]))
        assert await years(strict) == [("65.00", "30.00")]

    async def test_is_counted_by_both_sides_alike(self, strict: World):
        person = strict.person()
        credit = earned(person, JIANGMEN)
        await happens(strict, credit, earned(person, JIANGMEN), earned(person, JIANGMEN, category="public"))
        await happens(strict, recognises(credit))
        found = await compare(strict, "440000", HR)
        assert (found.differences, found.places[0].same) == ([], True)


class TestYear:
    async def test_waits_until_both_categories_are_there(self, world: World):
        """S4-04."""
        person = world.person()
        await happens(world, earned(person, JIANGMEN, credits="60.00"))
        assert await years(world) == []
        await happens(world, earned(person, JIANGMEN, category="public"))
        assert await years(world) == [("60.00", "30.00")]

    async def test_goes_anew_when_it_changes_and_once_when_it_does_not(self, world: World):
        person = world.person()
        both = [earned(person, JIANGMEN), earned(person, JIANGMEN, category="public")]
        await happens(world, *both)
        await happens(world, earned(person, JIANGMEN, credits="5.00"))
        assert await years(world) == [("35.00", "30.00")]
        assert [key.rpartition(".")[2] for key in world.held(HR).arrivals] == ["1", "2"]

    async def test_ends_when_a_category_is_gone_and_comes_back_with_it(self, world: World):
        person = world.person()
        public = earned(person, JIANGMEN, category="public")
        await happens(world, earned(person, JIANGMEN), public)
        await happens(world, withdrawn(public))
        assert await years(world) == []
        await happens(world, earned(person, JIANGMEN, category="public", credits="31.00"))
        assert await years(world) == [("30.00", "31.00")]

    async def test_of_shenzhen_is_not_sent(self, world: World):
        """S4-11."""
        person = world.person()
        both = [earned(person, SHENZHEN), earned(person, SHENZHEN, category="public")]
        await happens(world, *both, place=SHENZHEN)
        assert await years(world) == []

    async def test_covers_both_with_credits_of_any_category(self, world: World):
        """A-03."""
        await happens(world, earned(world.person(), JIANGMEN, category="any", credits="90.00"))
        assert await years(world) == [("90.00", "0.00")]

    async def test_unsynced_shows_its_last_working_day(self, world: World):
        """S4-04, S4-09: three working days after Monday end with Thursday."""
        person = world.person()
        known = world.identity(person)
        world.held(HR).opens(known.id_type, known.id_number, "某某")
        await happens(world, earned(person, JIANGMEN), earned(person, JIANGMEN, category="public"))
        [hr] = [each for each in (await world.status("440000")).targets if each.target == HR]
        [at] = hr.places
        assert at.unsynced == {"name_differs": 1}
        assert at.oldest_unsynced is not None
        assert (str(at.oldest_unsynced.due_on), at.oldest_unsynced.late) == ("2026-03-05", False)
        world.later(days=4)
        [hr] = [each for each in (await world.status("440000")).targets if each.target == HR]
        assert hr.places[0].oldest_unsynced.late

    async def test_unsynced_is_tried_again_by_itself_after_a_day(self, world: World):
        """S4-09: the account there may have been mended meanwhile."""
        from services.sync.delivering.queue import release_due

        person = world.person()
        known = world.identity(person)
        world.held(HR).opens(known.id_type, known.id_number, "某某")
        await happens(world, earned(person, JIANGMEN), earned(person, JIANGMEN, category="public"))
        world.held(HR).opens(known.id_type, known.id_number, known.name)
        for hours, freed in ((23, 0), (2, 1)):
            world.later(hours=hours)
            async with world.database.transaction() as conn:
                assert await release_due(conn, HR, world.now) == freed
        await world.deliver(HR)
        assert await years(world) == [("30.00", "30.00")]
