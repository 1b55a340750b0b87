"""Every last day is honoured, exact to the working day: what nobody decided in time is returned by the worker."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kit.clock import end_of_day
from services.stand_ins.relay.exchanges import Exchanges
from services.transfer.cases.states import (
    CONFIRM_WORKING_DAYS,
    LIMITED,
    Kind,
    State,
    began_before,
    due_on,
    is_over,
)
from tests.kit.http import bearer
from tests.transfer.process.journeys import (
    accepted_out,
    approved,
    arrival_of,
    received,
    requested_out,
    rounds,
    states,
)
from tests.transfer.scenarios import NOW, SHUANGTA
from tests.transfer.world import CLERK, ORIGIN, World, code, signed_in

LAST_MOMENT = datetime(2025, 3, 17, 15, 59, 59, tzinfo=UTC)
"""24:00 of the tenth working day after NOW, less a second."""
OVER = LAST_MOMENT + timedelta(seconds=1)

FIRST = datetime(2024, 1, 1, tzinfo=UTC)
moments = st.integers(0, 630 * 24 * 60).map(lambda minutes: FIRST + timedelta(minutes=minutes))


class TestLimits:
    @given(since=moments, days=st.sampled_from([10, CONFIRM_WORKING_DAYS]), now=moments)
    def test_one_comparison_finds_exactly_what_is_over(self, since: datetime, days: int, now: datetime):
        """S2C-05: the search of the worker and the decision of the case agree at every moment."""
        kind, state = next(each for each, limit in LIMITED.items() if limit.days == days)
        yesterday = (now + timedelta(hours=8)).date() - timedelta(days=1)
        assert (since < began_before(days, yesterday)) == is_over(kind, state, since, now)

    def test_a_day_ends_at_midnight_in_shanghai(self):
        due = due_on(Kind.WITHIN, State.REQUESTED, NOW)
        assert due == date(2025, 3, 17)
        assert end_of_day(date(2025, 3, 17)) == OVER


class TestDesks:
    async def test_within_an_authority_both_desks(self, world: World):
        """S2C-05."""
        at_origin, at_destination = await world.requested(), await world.accepted()
        world.now = LAST_MOMENT
        await world.process().strike_deadlines()
        assert "TransferExpired" not in await world.events(at_origin) + await world.events(at_destination)
        world.now = OVER
        assert await world.process().strike_deadlines() >= 2
        for transfer_id, reason in (
            (at_origin, "not_accepted_in_time"),
            (at_destination, "not_decided_in_time"),
        ):
            view = (await world.get(f"/v1/transfers/{transfer_id}", by=CLERK)).json()
            assert (view["state"], view["steps"][-1]["reason"]) == ("returned", reason)
            assert view["steps"][-1]["by"] is None

    async def test_it_is_told_once_and_the_person_may_ask_again(self, world: World):
        person_id = await world.person()
        transfer_id = await world.requested(person_id)
        world.now = OVER
        await rounds(world, 2)
        assert (await world.events(transfer_id)).count("TransferExpired") == 1
        assert await world.requested(person_id) != transfer_id

    async def test_a_desk_that_is_too_late_is_told_so_before_the_worker_has_noticed(self, world: World):
        transfer_id = await world.requested()
        world.now = OVER
        answer = await world.post(f"/v1/transfers/{transfer_id}/acceptance", by=ORIGIN)
        assert (answer.status_code, code(answer)) == (409, "transfer-late")

    async def test_out_to_another_the_origin_s(self, world: World):
        transfer_id = await requested_out(world)
        world.now = OVER
        await rounds(world)
        assert await states(world, transfer_id) == ("returned", "none")
        assert await world.neighbours.state(transfer_id) == "unknown"

    async def test_in_from_another_the_destination_s(self, world: World):
        transfer_id = await received(world)
        world.now = OVER
        await rounds(world)
        assert await states(world, transfer_id) == ("returned", "refused")
        view = (await world.get(f"/v1/transfers/{transfer_id}", by=CLERK)).json()
        assert view["steps"][-1]["reason"] == "not_decided_in_time"


class TestFetching:
    async def test_what_nobody_fetches_in_time_is_returned(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ):
        """S2C-16: 未定期接收."""
        monkeypatch.setattr(world, "authorities", ("210000",))
        transfer_id = await accepted_out(world)
        await rounds(world)
        assert await states(world, transfer_id) == ("offered", "none")
        world.now = LAST_MOMENT
        await rounds(world)
        assert await states(world, transfer_id) == ("offered", "none")
        world.now = OVER
        await rounds(world)
        assert await states(world, transfer_id) == ("returned", "none")
        view = (await world.get(f"/v1/transfers/{transfer_id}", by=CLERK)).json()
        assert view["steps"][-1]["reason"] == "not_fetched_in_time"
        assert await world.neighbours.state(transfer_id) == "recalled"

    async def test_what_was_fetched_at_the_last_moment_goes_on(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ):
        """The relay knows which came first; the origin, who hears of it late, recalls nothing."""
        monkeypatch.setattr(world, "authorities", ("210000",))
        transfer_id = await accepted_out(world)
        await rounds(world)
        monkeypatch.setattr(world, "authorities", ("140000",))
        world.now = LAST_MOMENT
        await world.process().read_mail()
        world.now = OVER
        await world.process().run_worker_steps()
        assert await states(world, transfer_id) == ("fetched", "received")


class TestAnswering:
    async def test_a_destination_that_never_answers_is_waited_for_sixty_working_days(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ):
        """The person is not kept for ever by an end that has died: the relay says that nothing came first."""
        transfer_id = await received(world)
        monkeypatch.setattr(world, "authorities", ("210000",))
        async with world.transfers.database.acquire() as conn:
            await conn.execute(
                "update transfers set ended_at = since where transfer_id = $1", arrival_of(transfer_id)
            )
        due = due_on(Kind.OUT, State.FETCHED, NOW)
        assert isinstance(due, date)
        world.now = end_of_day(due) - timedelta(seconds=1)
        await rounds(world)
        assert (await states(world, transfer_id))[0] == "fetched"
        world.now += timedelta(seconds=1)
        await rounds(world)
        view = (await world.get(f"/v1/transfers/{transfer_id}", by=CLERK)).json()
        assert (view["state"], view["steps"][-1]["reason"]) == ("returned", "not_answered_in_time")
        monkeypatch.undo()
        world.now += timedelta(minutes=10)
        await rounds(world)
        assert (await states(world, transfer_id))[1] == "cancelled"
        assert transfer_id not in world.neighbours.taken_in

    async def test_what_a_relay_has_lost_is_returned_too(self, world: World, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(world, "authorities", ("210000",))
        transfer_id = await accepted_out(world)
        await rounds(world)
        world.neighbours.relay_app.state.exchanges = Exchanges()
        world.now = OVER
        await rounds(world)
        assert (await states(world, transfer_id))[0] == "returned"


class TestConfirmation:
    async def test_the_person_has_twenty_working_days(self, world: World):
        """S2C-18 sets none; so it is decided here."""
        transfer_id = await approved(world)
        world.now = datetime(2025, 3, 31, 15, 59, 59, tzinfo=UTC)
        await rounds(world)
        assert await states(world, transfer_id) == ("fetched", "approved")
        world.now += timedelta(seconds=1)
        arrival = arrival_of(transfer_id)
        late = await world.post(f"/v1/transfers/{arrival}/confirmation", by=await signed_in(world, arrival))
        assert (late.status_code, code(late)) == (409, "transfer-late")
        await rounds(world)
        assert await states(world, transfer_id) == ("returned", "refused")


class TestReminders:
    async def test_lists_what_strikes_within_so_many_working_days(self, world: World):
        desk = bearer("transfer:review", place=SHUANGTA)
        world.now = datetime(2025, 4, 7, 1, tzinfo=UTC)
        first = await world.requested()
        world.now = datetime(2025, 4, 9, 1, tzinfo=UTC)
        second = await world.requested()
        world.now = datetime(2025, 4, 17, 1, tzinfo=UTC)

        async def due(within: int) -> set[str]:
            answer = await world.get("/v1/transfers", by=desk, due_within=within, limit=200)
            return {each["transfer_id"] for each in answer.json()["items"]} & {first, second}

        assert await due(1) == set()
        assert await due(2) == {first}
        assert await due(4) == {first, second}

    async def test_shows_what_is_late_too(self, world: World):
        transfer_id = await world.requested()
        world.now = OVER
        answer = await world.get("/v1/transfers", by=ORIGIN, due_within=0, limit=200)
        assert transfer_id in [each["transfer_id"] for each in answer.json()["items"]]
        await did_nothing(world, transfer_id)


async def did_nothing(world: World, transfer_id: str) -> None:
    """The list is a reminder, and decides nothing."""
    assert await world.events(transfer_id) == ["TransferRequested"]
