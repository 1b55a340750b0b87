"""Before a profile may leave, the ledger guards the account and names what blocks it (S2C-14); an authority that has not
opened suspends it until it has (S2C-13)."""

from datetime import UTC, date, datetime, timedelta

from services.transfer.places import OpenedAuthorities
from tests.kit.http import bearer
from tests.transfer.neighbours import BLOCKER
from tests.transfer.process.journeys import confirmed, did, requested_out, rounds, states
from tests.transfer.scenarios import DALIAN, LIAONING, NOW, SHANXI, TAIYUAN
from tests.transfer.world import CLERK, FAR_DESK, ORIGIN, World, code, request_body


def themselves(person_id: str) -> dict[str, str]:
    """The person's own token."""
    return bearer("transfer:request", subject=person_id)


class TestGuard:
    async def test_what_blocks_is_named_and_nothing_is_stored(self, world: World):
        """S2C-14: 待继续教育登记确认后再申请调转."""
        person_id = await world.person()
        world.neighbours.blockers = [BLOCKER]
        answer = await world.post(
            "/v1/transfers", request_body(person_id, to_place=TAIYUAN), by=themselves(person_id)
        )
        assert (answer.status_code, code(answer)) == (409, "departure-blocked")
        assert answer.json()["blockers"] == [BLOCKER]
        assert answer.json()["clause"] == "S2C-14"
        listed = await world.get(f"/v1/persons/{person_id}/transfers", by=CLERK)
        assert listed.json()["items"] == []

    async def test_once_nothing_blocks_the_same_request_goes_through(self, world: World):
        person_id = await world.person()
        body, me = request_body(person_id, to_place=TAIYUAN), themselves(person_id)
        world.neighbours.blockers = [BLOCKER]
        assert (await world.post("/v1/transfers", body, by=me, key="guard-1")).status_code == 409
        world.neighbours.blockers = []
        assert (await world.post("/v1/transfers", body, by=me, key="guard-1")).status_code == 201

    async def test_a_repeat_asks_the_ledger_nothing(self, world: World):
        person_id = await world.person()
        body, me = request_body(person_id, to_place=TAIYUAN), themselves(person_id)
        first = await world.post("/v1/transfers", body, by=me, key="guard-2")
        world.neighbours.down = {"ledger"}
        second = await world.post("/v1/transfers", body, by=me, key="guard-2")
        assert (second.status_code, second.json()) == (201, first.json())
        assert world.neighbours.asked["guard"] == 1

    async def test_without_the_ledger_nobody_leaves_unguarded(self, world: World):
        world.neighbours.down = {"ledger"}
        person_id = await world.person()
        body, me = request_body(person_id, to_place=TAIYUAN), themselves(person_id)
        answer = await world.post("/v1/transfers", body, by=me)
        assert (answer.status_code, code(answer)) == (503, "ledger-unavailable")
        assert answer.headers["Retry-After"]

    async def test_what_is_refused_anyway_asks_the_ledger_nothing(self, world: World):
        person_id = await world.person()
        await world.requested(person_id)
        answer = await world.post("/v1/transfers", request_body(person_id, to_place=TAIYUAN), by=CLERK)
        assert (answer.status_code, code(answer)) == (409, "transfer-open")
        assert world.neighbours.asked["guard"] == 0

    async def test_within_an_authority_nothing_blocks(self, world: World):
        """B-13."""
        world.neighbours.blockers = [BLOCKER]
        await world.requested()
        assert world.neighbours.asked["guard"] == 0

    async def test_what_others_ask_for_is_guarded_when_the_origin_accepts(self, world: World):
        """An employer or an official alone makes nobody wait."""
        transfer_id = await requested_out(world)
        assert world.neighbours.asked["guard"] == 0
        world.neighbours.blockers = [BLOCKER]
        path = f"/v1/transfers/{transfer_id}/acceptance"
        refused = await world.post(path, by=ORIGIN)
        assert (refused.status_code, code(refused)) == (409, "departure-blocked")
        assert refused.json()["blockers"] == [BLOCKER]
        world.neighbours.down, world.neighbours.blockers = {"ledger"}, []
        assert code(await world.post(path, by=ORIGIN)) == "ledger-unavailable"
        assert await states(world, transfer_id) == ("requested", "none")
        world.neighbours.down = set()
        await did(world, transfer_id, "acceptance", by=ORIGIN)
        assert transfer_id in world.neighbours.guards

    async def test_who_may_not_accept_guards_nothing(self, world: World):
        transfer_id = await requested_out(world)
        assert (await world.post(f"/v1/transfers/{transfer_id}/acceptance", by=FAR_DESK)).status_code == 403
        assert world.neighbours.asked["guard"] == 0

    async def test_what_the_ledger_finds_at_the_last_moment_stops_it_at_both_ends(self, world: World):
        transfer_id = await confirmed(world)
        world.neighbours.blockers = [BLOCKER]
        await rounds(world)
        assert await states(world, transfer_id) == ("returned", "cancelled")
        view = (await world.get(f"/v1/transfers/{transfer_id}", by=CLERK)).json()
        assert (view["steps"][-1]["reason"], view["blockers"]) == ("blocked", [BLOCKER])
        assert transfer_id not in world.neighbours.left
        assert transfer_id not in world.neighbours.taken_in


class TestWithdrawal:
    async def test_by_the_person_before_acceptance_tells_whoever_guards(self, world: World):
        transfer_id = await requested_out(world)
        await did(world, transfer_id, "withdrawal", by=CLERK)
        assert (await world.events(transfer_id))[-1] == "DepartureWithdrawn"
        await rounds(world)
        assert await world.neighbours.state(transfer_id) == "unknown"

    async def test_after_acceptance_is_refused(self, world: World):
        transfer_id = await requested_out(world)
        await did(world, transfer_id, "acceptance", by=ORIGIN)
        answer = await world.post(f"/v1/transfers/{transfer_id}/withdrawal", by=CLERK)
        assert (answer.status_code, code(answer)) == (409, "transfer-state")


class TestSuspension:
    """Shanxi opens on 2025-03-03, the day of NOW in these tests."""

    BEFORE = datetime(2025, 3, 2, 15, 0, tzinfo=UTC)

    async def test_before_both_have_opened_it_is_suspended_and_unguarded(self, world: World):
        """S2C-13: 暂缓办理."""
        world.now = self.BEFORE
        transfer_id = await requested_out(world)
        assert await states(world, transfer_id) == ("suspended", "none")
        assert world.neighbours.asked["guard"] == 0
        await rounds(world)
        assert await states(world, transfer_id) == ("suspended", "none")

    async def test_it_goes_on_by_itself_from_the_day_the_second_opens(self, world: World):
        world.now = self.BEFORE
        transfer_id = await requested_out(world)
        await rounds(world)
        world.now = NOW
        await rounds(world)
        assert await states(world, transfer_id) == ("requested", "none")
        assert world.neighbours.asked["guard"] == 0
        view = (await world.get(f"/v1/transfers/{transfer_id}", by=CLERK)).json()
        assert view["due"]["on"] == "2025-03-17"

    async def test_it_goes_on_when_the_list_is_changed_while_the_worker_runs(self, world: World):
        transfer_id = await requested_out(world, to_place=DALIAN)
        await rounds(world)
        opened = {LIAONING: date(2025, 1, 1), SHANXI: date(2025, 3, 3), "210200": date(2025, 3, 4)}
        try:
            world.opened = OpenedAuthorities(opened)
            world.now = NOW + timedelta(days=1)
            await rounds(world)
        finally:
            world.opened = OpenedAuthorities({LIAONING: date(2025, 1, 1), SHANXI: date(2025, 3, 3)})
        assert await states(world, transfer_id) == ("requested", "none")

    async def test_what_blocks_then_returns_it(self, world: World):
        """S2C-14."""
        world.now = self.BEFORE
        transfer_id = await requested_out(world, by_person=True)
        world.now = NOW
        world.neighbours.blockers = [BLOCKER]
        await rounds(world)
        view = (await world.get(f"/v1/transfers/{transfer_id}", by=CLERK)).json()
        assert (view["state"], view["blockers"]) == ("returned", [BLOCKER])

    async def test_it_can_be_withdrawn(self, world: World):
        world.now = self.BEFORE
        transfer_id = await requested_out(world)
        await did(world, transfer_id, "withdrawal", by=CLERK)
        assert await states(world, transfer_id) == ("withdrawn", "none")

    async def test_nothing_is_told_until_it_goes_on(self, world: World):
        from services.transfer.publishing import publish

        world.now = self.BEFORE
        transfer_id = await requested_out(world)
        stored = [event for event in await world.log() if event.stream_id == transfer_id]
        assert [publish(event) for event in stored] == [None]
        world.now = NOW
        await rounds(world)
        stored = [event for event in await world.log() if event.stream_id == transfer_id]
        told = publish(stored[-1])
        assert told is not None
        assert told.TYPE == "cn.xuefen.transfer.transfer.requested.v1"
