"""People move within an authority and between two, through the real services, while desks, clocks, workers, followers and
the relay do as they please: a model says what must hold after every step, and where everything ends."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Coroutine, Iterator
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import pytest
import stamina
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from services.transfer.cases.arrival import arrival_id
from services.transfer.peers import PeerUnavailableError
from tests.conftest import THOROUGH, FreshDatabaseFactory, examples
from tests.e2e.provider import Provider
from tests.e2e.system import LISTED, ROUTES, START, System, new_system
from tests.simulation.moving_model import (
    AUTHORITY,
    JINCHENG,
    PLACES,
    SHENYANG,
    SHUANGTA,
    WAYS,
    Journey,
    Traveller,
)

EXAMPLES = examples("XUEFEN_MOVING_EXAMPLES", 4)
STEPS = 30
OPENED = (
    'opened: [{authority: "140000", opened_on: 2025-01-01}, {authority: "210000", opened_on: 2025-01-01}]'
)
NATION = "100000"
CREDITS = Decimal("10.00")
EVIDENCE = [{"name": "工作证明.pdf", "sha256": "ab" * 32, "media_type": "application/pdf"}]

NEXT = {
    ("within", "requested"): "acceptance",
    ("within", "accepted"): "approval",
    ("out", "requested"): "acceptance",
    ("in", "received"): "approval",
    ("in", "approved"): "confirmation",
}

T = TypeVar("T")


class Ground:
    """The system on an event loop of its own, for a machine that is not asynchronous."""

    def __init__(self, fresh_database: FreshDatabaseFactory, folder: Path) -> None:
        file = folder / "opened.yaml"
        file.write_text(OPENED, encoding="utf-8")
        self.system: System = new_system(fresh_database, transfer_opened_authorities_file=file)
        self.provider: Provider
        self.seen: set[tuple[str, str]] = set()
        self.numbers = itertools.count(1)
        self._loop = asyncio.new_event_loop()
        self._ready, self._stop = threading.Event(), asyncio.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._live, daemon=True)
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            raise self._failure

    def _live(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._until_stopped())
        except BaseException as error:
            self._failure = error
            self._ready.set()

    async def _until_stopped(self) -> None:
        async with self.system.running():
            self.provider = await self.system.provides(LISTED)
            await self.system.follow()
            self._ready.set()
            await self._stop.wait()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """The result of something asynchronous."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(120)

    def close(self) -> None:
        """Stop the services."""
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(60)
        self._loop.close()


class Moving(RuleBasedStateMachine):
    """What happens to a few people."""

    ground: Ground
    people = Bundle("people")

    def __init__(self) -> None:
        super().__init__()
        self.system = self.ground.system
        self.system.now = START
        self.travellers: list[Traveller] = []

    # What people and desks do.

    @initialize()
    def begin(self) -> None:
        self.ground.run(self._relay())

    @rule(target=people, place=st.sampled_from(PLACES))
    def is_collected(self, place: str) -> Traveller:
        someone = self.system.stranger()
        person_id = self.ground.run(self._collect(someone, place))
        traveller = Traveller(person_id, someone, place)
        self.travellers.append(traveller)
        return traveller

    @rule(who=people)
    def studies(self, who: Traveller) -> None:
        record = self.ground.provider.completion(who.identity, str(CREDITS))
        [outcome] = self.ground.run(self._posts(record))
        assert outcome["outcome"] in ("registered", "held", "rejected"), outcome
        if outcome["outcome"] == "registered":
            who.registered += CREDITS
        elif outcome["outcome"] == "held":
            who.held += CREDITS

    @rule(who=people, to_place=st.sampled_from(PLACES))
    def asks_to_move(self, who: Traveller, to_place: str) -> None:
        body = {
            "person_id": who.person_id,
            "to_place": to_place,
            "employer": self.system.uscc(),
            "evidence": EVIDENCE,
        }
        portal = self._portal(who.person_id)
        answer = self.ground.run(self.system.call("transfer", "POST", "/v1/transfers", body, by=portal))
        if answer.status_code == 201:
            told = answer.json()
            assert who.open is None
            assert to_place != who.place
            within = AUTHORITY[to_place] == AUTHORITY[who.place]
            assert told["kind"] == ("within" if within else "out")
            who.journeys.append(
                Journey(told["transfer_id"], told["kind"], who.place, to_place, told["state"])
            )
        else:
            # Somebody else's clock or follower may be behind; whatever is refused leaves no trace.
            assert answer.status_code in (404, 409, 503), answer.text

    @rule(
        who=people, step=st.sampled_from(["acceptance", "approval", "refusal", "withdrawal", "confirmation"])
    )
    def somebody_decides(self, who: Traveller, step: str) -> None:
        for journey in who.journeys:
            if not journey.is_over:
                self.ground.run(self._decide(who, journey, step))

    @rule(who=people, to_place=st.sampled_from(PLACES), steps=st.integers(2, 7))
    def all_goes_well_for_a_while(self, who: Traveller, to_place: str, steps: int) -> None:
        """Deep states are rare among random steps: somebody asks, and everybody does the next right thing."""
        if who.open is None and to_place != who.place:
            self.asks_to_move(who, to_place)
        for _ in range(steps):
            self.ground.run(self._next(who))

    # What clocks, workers, followers and the relay do.

    @rule(days=st.sampled_from([1, 1, 3, 8, 15]))
    def time_passes(self, days: int) -> None:
        self.system.now += timedelta(days=days)

    @rule(
        part=st.sampled_from(
            ["step", "run_worker_steps", "read_mail", "strike_deadlines", "pass_on_supplements"]
        )
    )
    def worker_works(self, part: str) -> None:
        self.ground.run(self._work(part))

    @rule(route=st.sampled_from(ROUTES))
    def somebody_follows(self, route: tuple[str, str]) -> None:
        self.ground.run(self.system.follower(*route).step())

    @rule(milliseconds=st.sampled_from([1, 5, 20, 60]))
    def worker_is_killed_at_work(self, milliseconds: int) -> None:
        self.ground.run(self._interrupted(milliseconds / 1000))

    @rule(route=st.sampled_from(ROUTES))
    def two_followers_get_the_same_events(self, route: tuple[str, str]) -> None:
        self.ground.run(self._twice(route))

    @rule(
        refused=st.sampled_from([0, 0, 30]),
        lost=st.sampled_from([0, 0, 30]),
        repeated=st.sampled_from([0, 50]),
        shuffled=st.booleans(),
        seed=st.integers(0, 1000),
    )
    def relay_misbehaves(self, refused: int, lost: int, repeated: int, shuffled: bool, seed: int) -> None:
        faults = {
            "refused_percent": refused,
            "lost_percent": lost,
            "repeated_percent": repeated,
            "shuffled": shuffled,
            "seed": seed,
        }
        self.ground.run(self._relay(**faults))

    # What must hold after every step.

    @invariant()
    def journeys_take_only_ways_that_exist(self) -> None:
        for who in self.travellers:
            self.ground.run(self._look(who))

    @invariant()
    def nobody_belongs_nowhere_or_twice_and_no_credit_is_lost(self) -> None:
        for who in self.travellers:
            self.ground.run(self._must_be_somewhere(who))

    def teardown(self) -> None:
        """The weather clears, time passes: everything ends, and everybody agrees."""
        try:
            self.ground.run(self._settle())
        finally:
            self.system.now = START

    # How it is asked for.

    def _portal(self, subject: str) -> dict[str, str]:
        token = self.system.token("transfer:request", "transfer:confirm", subject=subject)
        return {"Authorization": f"Bearer {token}"}

    async def _relay(self, **faults: Any) -> None:
        await self.system.relays("PUT", "/stand-in/faults", faults)

    async def _collect(self, someone: Any, place: str) -> str:
        person_id = await self.system.collects(someone, place)
        await self.system.follow()
        return person_id

    async def _next(self, who: Traveller) -> None:
        for journey in who.journeys:
            step = NEXT.get((journey.kind, journey.state))
            if step is not None:
                await self._decide(who, journey, step)
        await self._work("run_worker_steps")
        await self._work("read_mail")
        await self._look(who)

    async def _posts(self, record: dict[str, Any]) -> list[dict[str, Any]]:
        await self.ground.provider.signs_in()
        return await self.ground.provider.posts(record)

    async def _work(self, part: str) -> None:
        with suppress(PeerUnavailableError):
            await getattr(self.system.process(), part)()

    async def _interrupted(self, seconds: float) -> None:
        with suppress(PeerUnavailableError, TimeoutError):
            async with asyncio.timeout(seconds):
                await self.system.process().step()

    async def _twice(self, route: tuple[str, str]) -> None:
        one, other = self.system.follower(*route), self.system.follower(*route)
        await asyncio.gather(one.step(), other.step())

    async def _decide(self, who: Traveller, journey: Journey, step: str) -> None:
        place = journey.from_place if step == "acceptance" else journey.to_place
        within = (journey.kind, journey.state) == ("within", "requested")
        if journey.kind == "out" or step == "withdrawal" or within:
            place = journey.from_place
        by = self._portal(who.person_id) if step == "confirmation" else self.system.official(place)
        body = {"reason": "other"} if step == "refusal" else None
        path = f"/v1/transfers/{journey.transfer_id}/{step}"
        answer = await self.system.call("transfer", "POST", path, body, by=by)
        assert answer.status_code in (200, 403, 404, 409), answer.text

    async def _look(self, who: Traveller) -> None:
        path = f"/v1/persons/{who.person_id}/transfers"
        told = await self.system.does("transfer", "GET", path, by=self._portal(who.person_id))
        views = {view["transfer_id"]: view for view in told["items"]}
        for journey in list(who.journeys):
            other = str(arrival_id(journey.transfer_id))
            if (
                journey.kind == "out"
                and other in views
                and other not in {j.transfer_id for j in who.journeys}
            ):
                view = views[other]
                arrival = Journey(other, "in", view["from_place"], view["to_place"], "received")
                who.journeys.append(arrival)
        assert set(views) == {journey.transfer_id for journey in who.journeys}
        for journey in who.journeys:
            before = journey.state
            journey.sees(views[journey.transfer_id], self.system.now)
            self.ground.seen |= {
                (journey.kind, each["state"]) for each in views[journey.transfer_id]["steps"]
            }
            arrived = journey.kind in ("within", "in") and journey.state == "completed" != before
            if arrived:
                who.place = journey.to_place

    async def _must_be_somewhere(self, who: Traveller) -> None:
        path = f"/v1/persons/{who.person_id}/compliance/2025"
        told = await self.system.does("ledger", "GET", path, by=self.system.official(NATION))
        assert who.registered <= Decimal(told["total"]) <= who.registered + who.held, (who, told)

    async def _settle(self) -> None:
        await self._relay()
        for _ in range(8):
            self.system.now += timedelta(days=8)
            await self.system.carry()
        for who in self.travellers:
            await self._look(who)
            assert all(journey.is_over for journey in who.journeys), who.journeys
            await self._must_agree(who)

    async def _must_agree(self, who: Traveller) -> None:
        """Registry, transfer service and ledger name the same place, and nobody else has the person."""
        for place in PLACES:
            path = f"/v1/persons/{who.person_id}"
            seen = await self.system.call("registry", "GET", path, by=self.system.official(place))
            assert (seen.status_code == 200) == (place == who.place), (who, place)
        async with self.system.transfers.database.acquire() as conn:
            home = await conn.fetchrow("select place, away from homes where person_id = $1", who.person_id)
        assert home is not None
        assert tuple(home) == (who.place, False)
        path = f"/v1/persons/{who.person_id}/compliance/2025"
        told = await self.system.does("ledger", "GET", path, by=self.system.official(AUTHORITY[who.place]))
        total = Decimal(told["total"])
        assert who.registered <= total <= who.registered + who.held, (who, told)


@pytest.fixture(scope="module")
def ground(
    fresh_database: FreshDatabaseFactory, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Ground]:
    ground = Ground(fresh_database, tmp_path_factory.mktemp("moving"))
    with stamina.set_testing(True, attempts=3):  # nobody waits for a relay that misbehaves on request
        yield ground
    ground.close()


@pytest.fixture
def machine(ground: Ground) -> type[Moving]:
    """The machine on this ground."""
    return type("OnGround", (Moving,), {"ground": ground})


def test_when_all_goes_well_every_state_of_the_way_is_seen(ground: Ground, machine: type[Moving]) -> None:
    """The model's own way through: within an authority, out to another, and one that nobody accepts."""
    moving = machine()
    moving.begin()
    who = moving.is_collected(SHUANGTA)
    moving.studies(who)
    for to_place in (SHENYANG, JINCHENG):
        moving.all_goes_well_for_a_while(who, to_place, 7)
        assert who.place == to_place
        moving.nobody_belongs_nowhere_or_twice_and_no_credit_is_lost()
    moving.asks_to_move(who, SHUANGTA)
    moving.teardown()
    ways = {(kind, state) for kind, states in WAYS.items() for state in states}
    ends = {("within", "completed"), ("out", "completed"), ("out", "returned"), ("in", "completed")}
    assert ground.seen >= ways | ends, (ways | ends) - ground.seen


@pytest.mark.property
def test_whatever_happens_everybody_is_in_one_place_with_every_credit(machine: type[Moving]) -> None:
    """S2C-10 to S2C-18, A-13."""
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            derandomize=not THOROUGH,
            suppress_health_check=list(HealthCheck),
            database=None,
        ),
    )
