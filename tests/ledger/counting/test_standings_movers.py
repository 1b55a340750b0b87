"""People who move between authorities, again and again: each of their years is counted by one log, never by two."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from contracts.divisions import authority_of
from services.ledger.counting.rebuild import rebuild
from services.ledger.streams.who_judges import JudgedYears
from tests.conftest import FreshDatabaseFactory
from tests.ledger.counting.desk import Desk
from tests.ledger.counting.notices import made_up_notice
from tests.ledger.moving.mover import DALIAN, JINCHENG, LIAONING, LISTED, SHANXI, SHENYANG, STAR, Mover
from tests.ledger.world import Somebody, World, make_world

PLACES = (JINCHENG, SHENYANG, DALIAN)
LOGS = (SHANXI, LIAONING, DALIAN)

PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
"""A failure is shown as it was found: to make it smaller would take a database for every try."""

steps = st.lists(
    st.one_of(
        st.tuples(st.just("move"), st.integers(0, 2), st.sampled_from(PLACES)),
        st.tuples(st.just("move"), st.integers(0, 2), st.sampled_from(PLACES)),
        st.tuples(st.just("study"), st.integers(0, 2), st.sampled_from(["30.00", "90.00"])),
        st.tuples(st.just("days"), st.sampled_from([1, 60, 300])),
        st.tuples(st.just("publish"), st.sampled_from([2024, 2025, 2026])),
        st.tuples(st.just("work")),
    ),
    min_size=3,
    max_size=12,
)


class _People:
    """Three people, where they are, and who reports their study there."""

    def __init__(self, world: World, somebody: list[Somebody], providers: dict[str, Any]) -> None:
        self.world = world
        self.somebody = somebody
        self.places = [JINCHENG, SHENYANG, JINCHENG]
        self.providers = providers
        self.mover = Mover(world)

    async def play(self, step: tuple[Any, ...]) -> None:
        match step:
            case ("move", number, place) if authority_of(place) != authority_of(self.places[number]):
                await self.mover.moves(self.somebody[number], place)
                self.places[number] = place
            case ("study", number, credits):
                provider = self.providers[authority_of(self.places[number])]
                year = min(self.world.now.year, 2026)
                await provider.posts(provider.completion(self.somebody[number], year, credits))
            case ("days", days):
                self.world.now += timedelta(days=days)
            case ("publish", year):
                await self.world.ledger.publisher.publish_policy(made_up_notice("100000", year))
            case _:
                pass


async def counted(desk: Desk) -> Counter[tuple[str, int]]:
    """In how many logs each person's year is counted."""
    found: Counter[tuple[str, int]] = Counter()
    for log in desk.logs:
        found.update((await desk.rows(log)).keys())
    return found


class TestMovers:
    @settings(
        max_examples=8,
        deadline=None,
        phases=PHASES,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    @example(history=[("move", 1, DALIAN), ("publish", 2024), ("days", 60)])
    @given(history=steps)
    async def test_every_year_of_everybody_is_counted_once(
        self, fresh_database: FreshDatabaseFactory, history: list[tuple[Any, ...]]
    ):
        """A-13, B-12."""
        async with make_world(fresh_database)().running() as world:
            world.now = datetime(2025, 3, 5, 4, tzinfo=UTC)
            providers = {
                SHANXI: await world.provides(STAR, accredited=[SHANXI]),
                LIAONING: await world.provides(LISTED, accredited=[LIAONING]),
                DALIAN: await world.provides("大连会计学会", accredited=[DALIAN]),
            }
            somebody = [await world.collects(place) for place in (JINCHENG, SHENYANG, JINCHENG)]
            people, desk = _People(world, somebody, providers), Desk(world, *LOGS)
            for step in history:
                await people.play(step)
                if step == ("work",):
                    await desk.works_a_little(2)
            await desk.works()
            found = await counted(desk)
            assert set(found.values()) <= {1}
            years = JudgedYears(world.ledger.policies.book, world.now.year)
            for who, place in zip(somebody, people.places, strict=True):
                # Who qualified in 2018 owes nothing before 2019.
                owed = {(who.person_id, year) for year in years.of(place) if year > 2018}
                assert owed <= set(found)
            rebuilt = await rebuild(world.ledger.databases, models=["standings"], logs=LOGS)
            assert [done.rows_changed for done in rebuilt] == [0] * len(LOGS)
