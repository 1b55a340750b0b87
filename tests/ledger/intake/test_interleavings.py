"""Two writers that saw the same ledger: what one decides must not be lost on what the other has just stored."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from services.ledger.store.unit import LedgerUnit
from tests.ledger.world import World

LIAONING = "210000"
LISTED = "北京东奥时代教育科技有限公司"


class Pause:
    """The first writer to come by has decided, and stands still before it writes; the others pass."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self.released = asyncio.Event()

    @contextmanager
    def armed(self, monkeypatch: pytest.MonkeyPatch) -> Iterator["Pause"]:
        write = LedgerUnit.write

        async def paused(unit: LedgerUnit) -> None:
            if not self.reached.is_set():
                self.reached.set()
                await self.released.wait()
            await write(unit)

        with monkeypatch.context() as patch:
            patch.setattr(LedgerUnit, "write", paused)
            yield self


class TestArrival:
    """A record waits because its person is not here, while the person arrives (S1-06, S3B-02)."""

    async def test_a_record_held_just_before_its_person_was_stored_is_registered(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ):
        provider = await world.provides(LISTED, accredited=[LIAONING])
        person = world.stranger()
        record = provider.completion(person, 2025, "90.00")
        with Pause().armed(monkeypatch) as pause:
            posting = asyncio.create_task(provider.posts(record))
            await pause.reached.wait()
            who = await world.collects(LIAONING, person=person)
            pause.released.set()
            [outcome] = await posting
        assert outcome["outcome"] == "registered"
        assert (await world.asks(who, 2025))["total"] == "90.00"

    async def test_a_person_stored_just_before_a_record_was_held_finds_it(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ):
        provider = await world.provides(LISTED, accredited=[LIAONING])
        person = world.stranger()
        record = provider.completion(person, 2025, "90.00")
        with Pause().armed(monkeypatch) as pause:
            arriving = asyncio.create_task(world.collects(LIAONING, person=person))
            await pause.reached.wait()
            [outcome] = await provider.posts(record)
            assert outcome["outcome"] == "held"
            pause.released.set()
            who = await arriving
        assert (await world.asks(who, 2025))["total"] == "90.00"

    async def test_a_record_withdrawn_while_its_person_arrives_is_withdrawn_once(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ):
        provider = await world.provides(LISTED, accredited=[LIAONING])
        person = world.stranger()
        record = provider.completion(person, 2025, "90.00")
        await provider.posts(record)
        with Pause().armed(monkeypatch) as pause:
            withdrawing = asyncio.create_task(provider.withdraws(record["id"]))
            await pause.reached.wait()
            who = await world.collects(LIAONING, person=person)
            assert (await world.asks(who, 2025))["total"] == "90.00"
            pause.released.set()
            response: Any = await withdrawing
        assert response.status_code == 200, response.text
        assert (await world.asks(who, 2025))["total"] == "0.00"
        assert (await provider.withdraws(record["id"], key="again")).status_code == 409

    async def test_a_person_who_arrives_while_the_record_is_withdrawn_gets_nothing(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ):
        provider = await world.provides(LISTED, accredited=[LIAONING])
        person = world.stranger()
        record = provider.completion(person, 2025, "90.00")
        await provider.posts(record)
        with Pause().armed(monkeypatch) as pause:
            arriving = asyncio.create_task(world.collects(LIAONING, person=person))
            await pause.reached.wait()
            assert (await provider.withdraws(record["id"])).status_code == 200
            pause.released.set()
            who = await arriving
        assert (await world.asks(who, 2025))["total"] == "0.00"
