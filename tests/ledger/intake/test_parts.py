"""A batch for several authorities: what goes wrong in one log is said of its records alone."""

from typing import Any

import asyncpg
import pytest

from services.kit.event_store import EventStore
from services.ledger.store import nation
from tests.ledger.world import World

LIAONING, SHANXI = "210000", "140000"
LISTED = "北京东奥时代教育科技有限公司"


class TestOneLogInTrouble:
    @pytest.mark.parametrize(
        "failure",
        [
            asyncpg.LockNotAvailableError("canceling statement due to lock timeout"),
            asyncpg.DeadlockDetectedError("deadlock detected"),
            asyncpg.QueryCanceledError("canceling statement due to user request"),
            asyncpg.TooManyConnectionsError("sorry, too many clients already"),
            ConnectionResetError(),
        ],
        ids=lambda failure: type(failure).__name__,
    )
    async def test_its_records_are_to_be_posted_again_and_the_others_are_answered(
        self, world: World, monkeypatch: pytest.MonkeyPatch, failure: Exception
    ):
        provider = await world.provides(LISTED, accredited=[LIAONING, SHANXI])
        records = [
            provider.completion(world.stranger(), 2025, "90.00", authority=log) for log in (LIAONING, SHANXI)
        ]
        append = EventStore.append

        async def append_elsewhere(store: Any, conn: Any, log: str, events: Any, **under: Any) -> Any:
            if log == LIAONING:
                raise failure
            return await append(store, conn, log, events, **under)

        with monkeypatch.context() as patch:
            patch.setattr(EventStore, "append", append_elsewhere)
            there, here = await provider.posts(*records)
            alone = await world.client.post(
                "/v1/completions", json={"records": records[:1]}, headers=provider.headers()
            )
        assert (there["outcome"], here["outcome"]) == ("unknown", "held")
        assert (alone.status_code, alone.headers["Retry-After"]) == (503, "2")
        assert alone.json()["type"] == "urn:xuefen:problem:outcome-unknown"
        assert [again["outcome"] for again in await provider.posts(*records)] == ["held", "duplicate"]


class TestNationInTrouble:
    async def test_the_other_logs_go_on_with_what_it_last_said_of_a_provider(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ):
        provider = await world.provides(LISTED, accredited=[LIAONING])
        who = await world.collects(LIAONING)
        await provider.posts(provider.completion(who, 2025, "30.00"))

        async def gone(*_: Any) -> Any:
            raise ConnectionRefusedError

        monkeypatch.setattr(nation, "FRESH_SECONDS", 0.0)
        monkeypatch.setattr(nation, "read_providers", gone)
        [outcome] = await provider.posts(provider.completion(who, 2025, "30.00"))
        assert outcome["outcome"] == "registered"
