"""Random lives between two authorities, step by step: records posted to either, repeated, taken back and revoked, while the
person is guarded, in transit, arrived, or back. At every moment there is one home; in the end no credit is lost or there
twice, and every row follows from the events."""

import os
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from services.kit import events as codec
from services.ledger.counting.rebuild import rebuild
from services.ledger.store.read_models import INLINE
from services.ledger.streams.account_events import (
    AccountArrived,
    CreditEarned,
    CreditRevoked,
    CreditWithdrawn,
)
from services.ledger.streams.profile_events import ProfileArrived, ProfileLeft
from tests.ledger.moving.mover import JINCHENG, LIAONING, SHANXI, SHUANGTA, SOCIETY, STAR, Mover
from tests.ledger.world import Provider, Somebody, World

LOGS = (SHANXI, LIAONING)
PLACES = {SHANXI: JINCHENG, LIAONING: SHUANGTA}
YEAR = 2024
TABLES = ("profiles", "accounts", "waiting", "departures")
EXAMPLES = int(os.environ.get("XUEFEN_TEST_EXAMPLES", "15"))

logs = st.sampled_from(LOGS)
numbers = st.integers(0, 20)
steps = st.lists(
    st.one_of(
        st.tuples(
            st.just("post"), logs, st.sampled_from(["10.00", "45.00", "90.00"]), st.sampled_from([1, 30])
        ),
        st.tuples(st.just("post"), logs, st.just("90.00"), st.just(1)),
        st.tuples(st.sampled_from(["again", "withdraw", "revoke"]), logs, numbers),
        st.tuples(st.sampled_from(["guard", "leave", "arrive", "leave", "arrive", "cancel", "pass_on"])),
    ),
    min_size=6,
    max_size=30,
)


class Life:
    """One person, the providers of both authorities, and the transfer that carries the person."""

    def __init__(self, world: World, providers: dict[str, Provider], who: Somebody, home: str) -> None:
        self.world = world
        self.mover = Mover(world)
        self.providers = providers
        self.who = who
        self.home = home
        self.transfer: str | None = None
        self.handover: dict[str, Any] | None = None
        self.departed: list[tuple[str, str]] = []
        self.passed: dict[str, int] = {}
        self.posted: list[tuple[str, dict[str, Any]]] = []
        self.credits: list[str] = []

    @property
    def there(self) -> str:
        """The other authority."""
        return LIAONING if self.home == SHANXI else SHANXI

    async def play(self, step: tuple[Any, ...]) -> None:
        """One step, whatever the ledger says to it."""
        self.world.now += timedelta(minutes=90)
        await getattr(self, f"_{step[0]}")(*step[1:])

    async def _post(self, log: str, credits: str, hours: int) -> None:
        done = (self.world.now - timedelta(hours=hours)).isoformat()
        record = self.providers[log].completion(
            self.who, YEAR, credits, completed_at=done, exam_passed_at=done, authority=log
        )
        self.posted.append((log, record))
        await self._send(log, record)

    async def _again(self, log: str, n: int) -> None:
        if self.posted:
            of, record = self.posted[n % len(self.posted)]
            await self._send(of, record | {"authority": log})

    async def _send(self, provider: str, record: dict[str, Any]) -> None:
        [outcome] = await self.providers[provider].posts(record)
        if "credit_id" in outcome:
            self.credits.append(outcome["credit_id"])

    async def _withdraw(self, log: str, n: int) -> None:
        if self.posted:
            of, record = self.posted[n % len(self.posted)]
            key = f"{self.who.person_id}-{record['id']}-{log}-{n}"
            response = await self.providers[of].withdraws(record["id"], key=key, authority=log)
            assert response.status_code in (200, 404, 409), response.text

    async def _revoke(self, log: str, n: int) -> None:
        if self.credits:
            credit_id = self.credits[n % len(self.credits)]
            response = await self.world.client.post(
                f"/v1/persons/{self.who.person_id}/credits/{credit_id}/revocation",
                json={"year": YEAR, "reason": "cheating"},
                headers=self.world.official(log) | {"Idempotency-Key": f"{credit_id}-{log}-{n}"},
            )
            assert response.status_code in (200, 404, 409), response.text

    async def _guard(self) -> None:
        if self.transfer is None:
            transfer_id = self.mover.transfer_id()
            response = await self.mover.guards(transfer_id, self.who, PLACES[self.there])
            if response.status_code == 200:
                self.transfer = transfer_id
            else:
                assert response.json()["type"] == "urn:xuefen:problem:departure-blocked", response.text

    async def _cancel(self) -> None:
        if self.transfer is not None and self.handover is None:
            assert (await self.mover.lifts(self.transfer)).status_code == 200
            self.transfer = None

    async def _leave(self) -> None:
        if self.transfer is None:
            await self._guard()
        if self.transfer is not None:
            response = await self.mover.leaves(self.transfer, self.who, PLACES[self.there])
            assert response.status_code == 200, response.text
            assert self.handover in (None, response.json())
            self.handover = response.json()

    async def _arrive(self) -> None:
        if self.transfer is not None and self.handover is not None:
            response = await self.mover.arrives(self.who, PLACES[self.there], self.handover)
            assert response.status_code == 200, response.text
            self.departed.append((self.transfer, self.there))
            self.home, self.transfer, self.handover = self.there, None, None

    async def _pass_on(self) -> None:
        for transfer_id, to in self.departed:
            after = self.passed.get(transfer_id, 0)
            self.passed[transfer_id] = after + await self.mover.passes_on(
                transfer_id, self.who, PLACES[to], after
            )

    async def settle(self) -> None:
        """The move comes to its end, and every supplement reaches where it should."""
        await self._arrive()
        before = None
        while before != self.passed:
            before = dict(self.passed)
            await self._pass_on()

    async def asks(self) -> dict[str, Any]:
        """What the nation is told."""
        return await self.world.asks(self.who, YEAR, on="2025-06-30")


async def events_of(world: World, who: Somebody) -> list[Any]:
    """Every event of the person's in both logs."""
    found = []
    for log in LOGS:
        recorded = await world.events(log)
        assert [event.position for event in recorded] == list(range(1, len(recorded) + 1))
        found += [codec.decode(event.topic, event.state) for event in recorded]
    return [event for event in found if getattr(event, "person_id", None) == who.person_id]


def standing(events: list[Any]) -> dict[str, Decimal]:
    """The credits that stand by the events of both logs: earned once, and ended nowhere."""
    earned: dict[str, Decimal] = {}
    for event in events:
        if isinstance(event, CreditEarned):
            assert event.credit_id not in earned, "a credit is earned once"
            earned[event.credit_id] = event.credits
    ended = {event.credit_id for event in events if isinstance(event, CreditWithdrawn | CreditRevoked)}
    return {credit_id: credits for credit_id, credits in earned.items() if credit_id not in ended}


@pytest.fixture(scope="module")
async def providers(world: World) -> dict[str, Provider]:
    return {
        SHANXI: await world.provides(STAR, accredited=[SHANXI]),
        LIAONING: await world.provides(SOCIETY, accredited=["211300"]),
    }


class TestLives:
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize="XUEFEN_TEST_EXAMPLES" not in os.environ,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(start=logs, history=steps)
    async def test_between_two_authorities(
        self, world: World, providers: dict[str, Provider], start: str, history: list[tuple[Any, ...]]
    ):
        """One home at a time, no lost credit (S1-04, A-13, A-15)."""
        world.now = datetime(2024, 9, 1, 4, tzinfo=UTC)
        life = Life(world, providers, await world.collects(PLACES[start]), start)
        for step in history:
            await life.play(step)
            assert (await life.asks())["log"] == life.home
        await life.settle()
        events = await events_of(world, life.who)
        credits = standing(events)
        answer = await life.asks()
        assert (answer["log"], answer["total"]) == (life.home, f"{sum(credits.values(), Decimal(0)):.2f}")
        response = await world.client.get(
            f"/v1/persons/{life.who.person_id}/transcript", headers=world.official(life.home)
        )
        lines = response.json()["credits"]
        registered = [line["credit_id"] for line in lines if line["state"] == "registered"]
        assert sorted(registered) == sorted(credits)
        assert len({line["credit_id"] for line in lines}) == len(lines)
        moves = len([event for event in events if isinstance(event, ProfileLeft)])
        assert moves == len([event for event in events if isinstance(event, ProfileArrived)])
        parts = [
            (event.transfer_id, event.sequence, event.year)
            for event in events
            if isinstance(event, AccountArrived)
        ]
        assert len(set(parts)) == len(parts), "each part arrives once"
        rebuilt = await rebuild(world.ledger.databases, models=TABLES, logs=LOGS)
        assert [done.rows_changed for done in rebuilt] == [0] * len(rebuilt)

    async def test_of_many_are_rebuilt_as_they_are(self, world: World, providers: dict[str, Provider]):
        """Lost rows come back from the events, byte for byte, and nothing of a live row differs from them."""
        world.now = datetime(2024, 9, 1, 4, tzinfo=UTC)
        for start in LOGS:
            life = Life(world, providers, await world.collects(PLACES[start]), start)
            for step in (
                ("post", start, "90.00", 1),
                ("guard",),
                ("post", start, "10.00", 1),
                ("leave",),
                ("post", start, "10.00", 30),
                ("post", life.there, "45.00", 1),
                ("arrive",),
                ("withdraw", start, 0),
                ("pass_on",),
                ("leave",),
            ):
                await life.play(step)
        names = [model.name for model in INLINE]
        rebuilt = await rebuild(world.ledger.databases, models=names, logs=LOGS)
        assert [done.rows_changed for done in rebuilt] == [0] * len(rebuilt)
        before = await rows(world, TABLES)
        assert all(before.values())
        for log in LOGS:
            async with world.ledger.databases.of(log).transaction() as conn:
                for table in TABLES:
                    await conn.execute(f"delete from {table} where log = $1", log)
        await rebuild(world.ledger.databases, models=TABLES, logs=LOGS)
        assert await rows(world, TABLES) == before


async def rows(world: World, tables: tuple[str, ...]) -> dict[tuple[str, str], list[bytes]]:
    """Every row of the tables, as PostgreSQL sends it."""
    found = {}
    for log in LOGS:
        async with world.ledger.databases.of(log).acquire() as conn:
            for table in tables:
                sent = await conn.fetch(
                    f"select record_send(t.*) from {table} t where log = $1 order by 1", log
                )
                found[log, table] = [row[0] for row in sent]
    return found
