"""Waiting records of a closed year: they end where nobody can report any more what they wait for."""

from services.ledger.streams.account_events import HeldCompletionRejected
from services.ledger.streams.publishing import publish
from tests.conftest import FreshDatabaseFactory
from tests.ledger.officials.closing.closing import CHAOYANG, LIAONING, SHUANGTA, closes, problem_of
from tests.ledger.world import World, make_world

SOCIETY = "朝阳市会计学会"


class TestAWaitForTheExam:
    """S0-11: the exam is reported until the year is closed (B-07); what waits for it then waits in vain."""

    async def test_ends_with_the_year_and_is_told_with_its_reason(self, world: World):
        provider = await world.provides(SOCIETY, accredited=[CHAOYANG])
        who = await world.collects(SHUANGTA)
        studied = {"completed_at": "2024-06-01T10:00:00+08:00"}
        [held] = await provider.posts(provider.completion(who, 2024, "90.00", **studied))
        assert (held["outcome"], held["reason"]) == ("held", "exam_pending")
        assert await world.ledger.years.reconsider_waiting(LIAONING) == 0

        assert (await closes(world, CHAOYANG, 2024)).status_code == 201
        assert await world.ledger.years.reconsider_waiting(LIAONING) == 1
        assert await world.ledger.years.reconsider_waiting(LIAONING) == 0

        stored = [
            event for event in await world.events(LIAONING) if event.topic == HeldCompletionRejected.TOPIC
        ]
        told = publish(stored[0])
        assert told is not None
        assert told["data"]["completion_id"] == held["id"]
        assert (told["data"]["problem"], told["data"]["reason"]) == ("year-closed", "exam_pending")
        answer = await world.asks(who, 2024)
        assert answer["not_counted"] == []

    async def test_a_completion_that_can_only_wait_in_vain_is_refused_at_once(self, world: World):
        provider = await world.provides(SOCIETY, accredited=[CHAOYANG])
        who = await world.collects(SHUANGTA)
        assert (await closes(world, CHAOYANG, 2024)).status_code == 201
        studied = {"completed_at": "2024-06-01T10:00:00+08:00"}
        [outcome] = await provider.posts(provider.completion(who, 2024, "90.00", **studied))
        assert problem_of(outcome) == "year-closed"


class TestALaterNotice:
    """A notice that asks less frees who waits, without a record of theirs (B-20)."""

    async def test_registers_what_it_lets_wait_no_longer(self, fresh_database: FreshDatabaseFactory):
        async with make_world(fresh_database)().running() as world:
            provider = await world.provides(SOCIETY, accredited=[CHAOYANG])
            people = [await world.collects(SHUANGTA) for _ in range(3)]
            studied = {"completed_at": "2024-06-01T10:00:00+08:00"}
            for who in people:
                [held] = await provider.posts(provider.completion(who, 2024, "90.00", **studied))
                assert (held["outcome"], held["reason"]) == ("held", "exam_pending")
            assert await world.ledger.years.reconsider_waiting(LIAONING, page=2) == 0

            at_study = {"kind": "registration", "at": "study", "modes": ["online"]}
            notice = {
                "id": "without-an-exam",
                "title": "补充通知",
                "issuers": ["朝阳市财政局"],
                "issued_on": "2025-07-01",
                "place": CHAOYANG,
                "years": {"from": 2024, "to": 2024},
                "clauses": [{"id": "T-01", "article": "一", "text": "取消考试。", "rules": [at_study]}],
            }
            await world.publishes(notice)
            assert await world.ledger.years.reconsider_waiting(LIAONING, page=2) == 3
            assert await world.ledger.years.reconsider_waiting(LIAONING, page=2) == 0
            for who in people:
                assert (await world.asks(who, 2024))["total"] == "90.00"


class TestAWaitForTheTotal:
    """S2B-07, B-05: a correction, or the make-up of a later notice (C-04), may still reach it."""

    async def test_goes_on_after_the_close(self, world: World):
        provider = await world.provides("会计之星培训中心", accredited=["140000"])
        who = await world.collects("140100")
        studied = {"completed_at": "2024-06-01T10:00:00+08:00"}
        [held] = await provider.posts(provider.completion(who, 2024, "30.00", **studied))
        assert (held["outcome"], held["reason"]) == ("held", "below_total")

        assert (await closes(world, "140000", 2024)).status_code == 201
        assert await world.ledger.years.reconsider_waiting("140000") == 0
