"""The ledger's feeds are read log by log; what cannot be read stops its own log and no other."""

from services.sync.recording.following import LedgerFollowing
from tests.sync.feeds import earned, revoked
from tests.sync.world import World


class TestFollow:
    async def test_reads_the_logs_that_moved_and_says_how_far(self, world: World):
        world.ledger.publish("140000", earned(world.person()), earned(world.person()))
        world.ledger.publish("210000", earned(world.person(), "210102"))
        await world.record()
        assert len(await world.states()) == 3
        logs = {log.log: (log.position, log.lag) for log in (await world.status()).logs}
        assert logs == {"140000": (2, 0), "210000": (1, 0)}

    async def test_an_event_of_a_later_release_stops_its_log_and_skips_nothing(self, world: World):
        world.ledger.publish("140000", earned(world.person()))
        world.ledger.events["140000"][0]["type"] = "cn.xuefen.ledger.credit.painted.v1"
        world.ledger.publish("140000", earned(world.person()))
        world.ledger.publish("210000", earned(world.person(), "210102"))
        async with world.ledger.client() as client:
            logs = world.sync.targets.logs()
            following = LedgerFollowing(world.database, client, world.sync.recorder, logs)
            await following.step()
            assert following.status["140000"].stopped
            assert (await world.status()).logs[0].error is not None
        assert len(await world.states()) == 1

    async def test_a_log_that_was_restored_is_read_again_from_what_both_histories_hold(self, world: World):
        """Also while it is shorter than what was read of it: nobody has to wait for it to grow past that."""
        world.ledger.publish("140000", *(earned(world.person()) for _ in range(4)))
        await world.record()
        world.ledger.restore("140000", 2)
        world.ledger.publish("140000", earned(world.person()))
        await world.record()
        assert len(await world.states()) == 5
        logs = {log.log: (log.position, log.lag) for log in (await world.status()).logs}
        assert logs == {"140000": (3, 0)}

    async def test_a_credit_that_ends_in_another_log_is_ended_where_it_was_put(self, world: World):
        """Its person moved, and took it along (design 15)."""
        credit = earned(world.person(), "140502")
        world.ledger.publish("140000", credit)
        await world.record()
        await world.deliver()
        world.ledger.publish("210000", revoked(credit))
        await world.record()
        await world.deliver()
        held = world.held().held(credit.credit_id)
        assert held is not None
        assert held.ended
