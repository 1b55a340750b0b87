"""Standings, whatever happens and however the work is cut into steps, are what judging everybody from scratch gives."""

import itertools
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.ledger.counting.rebuild import rebuild
from tests.conftest import FreshDatabaseFactory
from tests.ledger.counting.desk import Desk, assert_true
from tests.ledger.counting.notices import made_up_notice
from tests.ledger.histories import NOW, SLOTS, Player, slots, steps
from tests.ledger.world import make_world

LOGS = ("140000", "210000")

notices = st.builds(
    made_up_notice,
    st.sampled_from(["100000", "140000", "140500", "210000", "211300", "211302"]),
    st.sampled_from([2024, 2025, 2026]),
    total=st.sampled_from([30, 60, 90, 120]),
    professional=st.sampled_from([0, 30]),
    until=st.sampled_from(["Y-06-30", "Y-12-31", "Y+1-03-31"]),
)
happenings = st.lists(
    st.one_of(
        steps,
        steps,
        st.tuples(st.just("days"), st.sampled_from([1, 20, 27, 300, 700])),
        st.tuples(st.just("publish"), notices),
        st.tuples(st.just("work"), st.integers(1, 4)),
    ),
    min_size=5,
    max_size=18,
)


class TestRandomHistories:
    @settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(known=st.sets(slots, min_size=2), history=happenings)
    async def test_standings_are_what_judging_everybody_gives_and_come_back_the_same(
        self, fresh_database: FreshDatabaseFactory, known: set[int], history: list[tuple[Any, ...]]
    ):
        async with make_world(fresh_database)().running() as world:
            world.now = NOW
            providers = {
                slot: await world.provides(slot.name, accredited=[slot.accredited])
                for slot in dict.fromkeys(SLOTS)
            }
            player = Player(world, providers, itertools.count(1))
            desk = Desk(world, *LOGS)
            for step in [*(("collect", number) for number in sorted(known)), *history]:
                match step:
                    case ("days", days):
                        world.now += timedelta(days=days)
                    case ("publish", notice):
                        await world.ledger.publisher.publish_policy(notice)
                    case ("work", times):
                        await desk.works_a_little(times)
                    case _:
                        await player.play(step)
            await desk.works()
            for log in LOGS:
                await assert_true(desk, log)
            before = [await desk.bytes(log) for log in LOGS]
            rebuilt = await rebuild(world.ledger.databases, models=["standings"], logs=LOGS)
            assert [done.rows_changed for done in rebuilt] == [0, 0]
            for log in LOGS:
                await desk.runner.rewind(log)
            await desk.works()
            assert [await desk.bytes(log) for log in LOGS] == before
