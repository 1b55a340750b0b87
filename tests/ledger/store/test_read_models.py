"""Read models follow from the events alone: rebuilt rows are the live ones, an answer as of a moment is the answer of
that moment, and the order in which facts arrive does not matter."""

import itertools
import os
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from services.kit import events as codec
from services.kit.projection import ProjectionRunner
from services.ledger.counting.rebuild import behind, compare, rebuild
from services.ledger.policy import Account
from services.ledger.store.tables import READ_MODELS
from tests.ledger.histories import (
    CHAOYANG,
    JINCHENG,
    LIAONING,
    LOGS,
    NOW,
    SLOTS,
    Player,
    Slot,
    credits_by_events,
    histories,
)
from tests.ledger.reactions.test_changes import change_of, former, renamed
from tests.ledger.world import Provider, Somebody, World

HERE = SLOTS.index(LIAONING)
ON = ("2024-12-31", "2025-01-31", "2026-06-30")
_decode_account = msgspec.json.Decoder(Account).decode
_encode = msgspec.json.Encoder().encode

EXAMPLES = int(os.environ.get("XUEFEN_TEST_EXAMPLES", "12"))
randomly = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize="XUEFEN_TEST_EXAMPLES" not in os.environ,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
Providers = dict[Slot, Provider]


@pytest.fixture(scope="module")
async def providers(world: World) -> Providers:
    return {
        slot: await world.provides(slot.name, accredited=[slot.accredited]) for slot in dict.fromkeys(SLOTS)
    }


@pytest.fixture(scope="module")
def transfers() -> Iterator[int]:
    return itertools.count(1)


@pytest.fixture(autouse=True)
async def now(world: World) -> AsyncIterator[None]:
    world.now = NOW
    yield
    world.now = NOW


async def catch_up(world: World) -> None:
    """What the worker does."""
    for projection in behind(world.ledger.policies):
        runner = ProjectionRunner(world.ledger.databases, world.ledger.store, projection, lambda: LOGS)
        for log in LOGS:
            await runner.catch_up(log)


async def rows(world: World) -> dict[tuple[str, str], list[bytes]]:
    """Every row of every read model of the logs that are played on, as PostgreSQL sends it."""
    found = {}
    for log in LOGS:
        async with world.ledger.databases.of(log).acquire() as conn:
            for table in READ_MODELS:
                sent = await conn.fetch(
                    f"select record_send(t.*) from {table} t where log = $1 order by 1", log
                )
                found[log, table] = [row[0] for row in sent]
    return found


async def moment_of(world: World, log: str) -> datetime:
    async with world.ledger.databases.of(log).acquire() as conn:
        moment: datetime = await conn.fetchval("select recorded_at from logs where log = $1", log)
        return moment


async def ask(world: World, who: Somebody, slot: Slot, **params: str) -> Any:
    response = await world.client.get(
        f"/v1/persons/{who.person_id}/compliance/{slot.year}", params=params, headers=world.official("100000")
    )
    assert response.status_code in (200, 404), response.text
    answer = response.json()
    answer.pop("as_of", None)
    return answer if response.status_code == 200 else None


async def everything(world: World) -> dict[str, list[Any]]:
    """The events of the logs, decoded, after a look at their positions: 1, 2, 3 ... to the head."""
    found = {}
    for log in LOGS:
        recorded = await world.events(log)
        assert [event.position for event in recorded] == list(range(1, len(recorded) + 1))
        found[log] = [codec.decode(event.topic, event.state) for event in recorded]
    return found


class TestRandomHistories:
    @randomly
    @given(history=histories)
    async def test_rows_answers_and_sums_follow_from_the_events(
        self, world: World, providers: Providers, transfers: Iterator[int], history: list[tuple[Any, ...]]
    ):
        player = Player(world, providers, transfers)
        world.now = NOW
        given_then: list[tuple[Somebody, Slot, dict[str, str], Any]] = []
        for step in history:
            await player.play(step)
            for number, who in player.collected.items():
                slot, on = SLOTS[number], ON[len(given_then) % len(ON)]
                known_at = (await moment_of(world, slot.log)).isoformat()
                asked = {"on": on, "as_of": known_at}
                given_then.append((who, slot, asked, await ask(world, who, slot, on=on)))
        events = await everything(world)
        for number, who in player.collected.items():
            slot = SLOTS[number]
            answer = await ask(world, who, slot, on=ON[-1])
            assert answer["by_category"] == credits_by_events(events[slot.log], who.person_id, slot.year)
        world.now = datetime.now(UTC) + timedelta(days=1)
        for who, slot, asked, answer in given_then:
            assert await ask(world, who, slot, **asked) == answer
        world.now = NOW
        await catch_up(world)
        before = await rows(world)
        rebuilt = await rebuild(world.ledger.databases, logs=LOGS)
        assert [done.rows_changed for done in rebuilt] == [0] * len(rebuilt)
        assert [found for found in await compare(world.ledger.databases, logs=LOGS) if not found.right] == []
        assert await rows(world) == before

    async def test_read_models_that_were_lost_come_back_as_they_were(
        self, world: World, providers: Providers, transfers: Iterator[int]
    ):
        player = Player(world, providers, transfers)
        for number in range(len(SLOTS)):
            for step in (
                ("complete", number, "60.00", "professional", "online", False),
                ("collect", number),
                ("complete", number, "30", "public", "online", False),
                ("complete", number, "0.01", "public", "online", True),
                ("exam", number),
                ("enrol", number),
                ("withdraw", number),
                ("revoke", number),
                ("move", number),
            ):
                await player.play(step)
        await player.play(("exempt", HERE))
        for who in player.collected.values():
            after = renamed(who, id_number=world.stranger().id_number)
            await world.hears(change_of(world, after, items=("id_document",), former=former(world, who)))
        await catch_up(world)
        before = await rows(world)
        assert not [
            (log, table) for log, table in itertools.product(LOGS[1:], READ_MODELS) if not before[log, table]
        ]
        for log in LOGS:
            async with world.ledger.databases.of(log).transaction() as conn:
                for table in READ_MODELS:
                    await conn.execute(f"delete from {table} where log = $1", log)
        assert not any((await rows(world)).values())
        await rebuild(world.ledger.databases, logs=LOGS)
        assert await rows(world) == before

    async def test_a_row_that_was_tampered_with_is_put_right(
        self, world: World, providers: Providers, transfers: Iterator[int]
    ):
        player = Player(world, providers, transfers)
        await player.play(("collect", HERE))
        await player.play(("complete", HERE, "30", "public", "online", False))
        await catch_up(world)
        before = await rows(world)
        who = player.collected[HERE]
        async with world.ledger.databases.of(LIAONING.log).transaction() as conn:
            row = await conn.fetchrow("select state from accounts where person_id = $1", who.person_id)
            account = _decode_account(row["state"])
            account.credits = []
            await conn.execute(
                "update accounts set state = $2 where log = $3 and person_id = $1",
                who.person_id,
                _encode(account),
                LIAONING.log,
            )
        assert await rows(world) != before
        rebuilt = await rebuild(world.ledger.databases, models=["accounts"], logs=LOGS)
        assert sum(done.rows_changed for done in rebuilt) == 1
        assert await rows(world) == before


facts = st.lists(
    st.one_of(
        st.tuples(
            st.just("complete"),
            st.just(0),
            st.sampled_from(["0.01", "15", "29.99", "30", "60.00", "90"]),
            st.sampled_from(["professional", "public"]),
            st.sampled_from(["online", "face_to_face"]),
            st.just(False),
        ),
        st.tuples(st.sampled_from(["exam", "enrol", "collect"]), st.just(0)),
    ),
    min_size=2,
    max_size=7,
)


class TestOrderOfArrival:
    @randomly
    @pytest.mark.parametrize("slot", [JINCHENG, CHAOYANG, LIAONING], ids=lambda slot: slot.place)
    @given(facts=facts, data=st.data())
    async def test_of_the_same_facts_makes_no_difference(
        self,
        world: World,
        providers: Providers,
        transfers: Iterator[int],
        slot: Slot,
        facts: list[tuple[Any, ...]],
        data: st.DataObject,
    ):
        orders = [facts, data.draw(st.permutations(facts)), data.draw(st.permutations(facts))]
        answers = []
        for order in orders:
            player = Player(world, providers, transfers)
            number = SLOTS.index(slot)
            for kind, _, *rest in order:
                await player.play((kind, number, *rest))
            await player.play(("collect", number))
            answer = await ask(world, player.collected[number], slot, on="2026-06-30")
            why = sorted((item["why"], item["credits"]) for item in answer["not_counted"])
            parts = ("status", "total", "by_category", "missing", "requirements", "excess")
            answers.append(({name: answer[name] for name in parts}, why))
        assert answers[0] == answers[1] == answers[2]
