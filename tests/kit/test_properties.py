"""Properties of the store under random histories."""

import itertools
from collections.abc import Callable

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.kit.database import Database, Databases
from services.kit.event_store import EventStore, NewEvent, WrongExpectedVersion
from services.kit.projection import ProjectionRunner
from services.kit.rebuild import rebuild
from tests.kit.given import Tally, everything, rows

STREAMS = st.sampled_from(["a", "b", "流"])
STATES = st.binary(max_size=20)
TOPICS = st.sampled_from(["kit.Noted", "kit.Noted", "kit.Other"])
IDENTITIES = st.none() | st.sampled_from([f"id{n}" for n in range(6)])
STEPS = st.lists(
    st.lists(st.tuples(STREAMS, STATES, TOPICS, IDENTITIES, st.booleans()), min_size=1, max_size=4),
    max_size=8,
)
Step = list[tuple[str, bytes, str, str | None, bool]]

quickly = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None
)
store = EventStore()


class Oracle:
    """The store once more, in a few lines of Python: what it must hold and what it must refuse."""

    def __init__(self) -> None:
        self.events: list[NewEvent] = []

    def next_version(self, stream_id: str, offered: list[NewEvent]) -> int:
        return 1 + sum(event.stream_id == stream_id for event in self.events + offered)

    def append(self, offered: list[NewEvent]) -> bool:
        versions = [(event.stream_id, event.version) for event in self.events + offered]
        identities = [event.identity for event in self.events + offered if event.identity is not None]
        if len(set(versions)) != len(versions) or len(set(identities)) != len(identities):
            return False
        self.events += offered
        return True


def offered_by(step: Step, oracle: Oracle) -> list[NewEvent]:
    """The events of a step; a stale one repeats the version that is already taken."""
    offered: list[NewEvent] = []
    for stream_id, state, topic, identity, stale in step:
        version = oracle.next_version(stream_id, offered)
        taken = stale and version > 1
        offered.append(NewEvent(stream_id, version - 1 if taken else version, topic, state, identity))
    return offered


async def play(database: Database, log: str, steps: list[Step]) -> Oracle:
    """Append every step in a transaction of its own; store and oracle must agree on each."""
    oracle = Oracle()
    for step in steps:
        offered = offered_by(step, oracle)
        accepted = oracle.append(offered)
        try:
            async with database.transaction() as conn:
                landed = await store.append(conn, log, offered)
        except WrongExpectedVersion:
            assert not accepted
        else:
            assert accepted
            assert landed.last == len(oracle.events)
    return oracle


class TestRandomHistories:
    @quickly
    @given(steps=STEPS)
    async def test_what_is_loaded_is_what_was_appended(
        self, database: Database, new_log: Callable[[], str], steps: list[Step]
    ):
        log = new_log()
        oracle = await play(database, log, steps)

        stored = await everything(database, store, log)
        assert [
            NewEvent(e.stream_id, e.version, e.topic, e.state, e.identity) for e in stored
        ] == oracle.events
        assert [e.position for e in stored] == list(range(1, len(stored) + 1))
        async with database.acquire() as conn:
            streams = await store.load(conn, log, ["a", "b", "流"])
            identified = await store.by_identity(conn, log, [f"id{n}" for n in range(6)])
        for stream_id, events in streams.items():
            assert events == [e for e in stored if e.stream_id == stream_id]
        assert identified == {e.identity: e for e in stored if e.identity is not None}

    @quickly
    @given(
        steps=STEPS,
        cut=st.integers(min_value=0, max_value=8),
        batch_max=st.integers(min_value=1, max_value=5),
    )
    async def test_rebuilt_equals_live(
        self, database: Database, new_log: Callable[[], str], steps: list[Step], cut: int, batch_max: int
    ):
        log = new_log()
        runner = ProjectionRunner(Databases(database), store, Tally(), lambda: [log], batch_max=batch_max)
        await play(database, log, steps[:cut])
        await runner.catch_up(log)
        await replay_rest(database, log, steps, cut)
        await runner.catch_up(log)
        live = await rows(database, log)

        assert (await rebuild(database, store, Tally(), log, batch_max=batch_max)).rows_changed == 0
        assert await rows(database, log) == live

        await runner.rewind(log)
        assert all(not found for found in (await rows(database, log)).values())
        await rebuild(database, store, Tally(), log)
        assert await rows(database, log) == live


async def replay_rest(database: Database, log: str, steps: list[Step], cut: int) -> None:
    """Append the steps after the cut on fresh streams, so that they need not know what came before."""
    numbers = itertools.count(1)
    for step in steps[cut:]:
        events = [NewEvent(f"later-{next(numbers)}", 1, topic, state) for _, state, topic, _, _ in step]
        async with database.transaction() as conn:
            await store.append(conn, log, events)
