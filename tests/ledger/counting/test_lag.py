"""The lag of the worker's read models is told by readiness and by gauges."""

from datetime import timedelta

from prometheus_client import CollectorRegistry

from services.ledger.counting.lag import LagMetrics
from services.ledger.counting.rebuild import LAGGING
from tests.ledger.counting.desk import Desk
from tests.ledger.world import World

LIAONING, SHUANGTA = "210000", "211302"


class TestLag:
    async def test_readiness_says_how_many_events_each_read_model_is_behind(self, world: World):
        desk = Desk(world, LIAONING)
        await desk.works()
        before = (await world.readiness()).json()["behind"]
        assert set(before) == set(LAGGING)
        for _ in range(2):
            await world.collects(SHUANGTA)
        after = (await world.readiness()).json()["behind"]
        assert after["standings"] == before["standings"] + 2
        await desk.works()
        assert (await world.readiness()).json()["behind"]["standings"] == before["standings"]

    async def test_gauges_say_it_by_log_and_how_old_the_day_is(self, world: World):
        desk, registry = Desk(world, LIAONING), CollectorRegistry()
        metrics = LagMetrics(registry, LAGGING)
        await desk.works()
        await world.collects(SHUANGTA)
        world.now += timedelta(days=3)
        await metrics.refresh(world.ledger.databases, world.ledger.clock)
        labels = {"log": LIAONING}
        assert registry.get_sample_value("ledger_projection_lag", labels | {"projection": "standings"}) == 1
        assert registry.get_sample_value("ledger_standings_days_behind", labels) == 3
        await desk.works()
        await metrics.refresh(world.ledger.databases, world.ledger.clock)
        assert registry.get_sample_value("ledger_projection_lag", labels | {"projection": "standings"}) == 0
        assert registry.get_sample_value("ledger_standings_days_behind", labels) == 0
        assert registry.get_sample_value("ledger_standings_sweeps", labels) == 0
