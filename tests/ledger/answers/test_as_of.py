"""Knowledge of a moment does not change when it is asked again (design 14)."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.kit.event_store import EventStore
from tests.ledger.world import World

LIAONING = "210000"
LISTED = "北京东奥时代教育科技有限公司"


class TestAsOf:
    async def test_an_event_on_its_way_to_the_commit_is_in_the_answer_or_never_will_be(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ):
        """Its time is taken before it can be seen: an answer in between must wait for it."""
        provider = await world.provides(LISTED, accredited=[LIAONING])
        who = await world.collects(LIAONING)
        record = provider.completion(who, 2025, "90.00")
        taken, released = asyncio.Event(), asyncio.Event()
        append = EventStore.append

        async def append_slowly(*args: Any, **under: Any) -> Any:
            appended = await append(*args, **under)
            taken.set()
            await released.wait()
            return appended

        monkeypatch.setattr(EventStore, "append", append_slowly)
        posting = asyncio.create_task(provider.posts(record))
        await taken.wait()
        world.now = datetime.now(UTC) + timedelta(seconds=1)
        moment = datetime.now(UTC).isoformat()
        asking = asyncio.create_task(world.asks(who, 2025, as_of=moment, on="2025-12-31"))
        await asyncio.sleep(0.2)
        released.set()
        first = await asking
        await posting
        again = await world.asks(who, 2025, as_of=moment, on="2025-12-31")
        assert first == again
