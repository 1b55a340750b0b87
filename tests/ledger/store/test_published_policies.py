"""The notices a process judges by, kept fresh while the database comes and goes."""

import asyncio
from contextlib import suppress

import pytest

from services.ledger import app as ledger_app
from services.ledger.policy import bundled_notices
from services.ledger.store.published_policies import PublishedPolicies
from tests.ledger.world import World


class TestKeepFresh:
    async def test_goes_on_after_the_database_was_away(self, world: World, monkeypatch: pytest.MonkeyPatch):
        """A process that stopped looking would judge by yesterday's notices, and nobody would know."""
        policies = PublishedPolicies(world.ledger.databases, world.ledger.store)
        failures = [ConnectionResetError(), TimeoutError(), ConnectionRefusedError()]
        refresh = policies.refresh

        async def refresh_or_fail() -> bool:
            if failures:
                raise failures.pop()
            return await refresh()

        monkeypatch.setattr(policies, "refresh", refresh_or_fail)
        task = asyncio.create_task(policies.keep_fresh(every_seconds=0.01))
        try:
            async with asyncio.timeout(5):
                while len(list(policies.book)) < len(bundled_notices()):
                    assert not task.done(), "it gave up"
                    await asyncio.sleep(0.01)
        finally:
            task.cancel()
            with suppress(BaseException):
                await task

    async def test_a_process_that_cannot_look_is_not_ready(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ):
        assert (await world.readiness()).status_code == 200
        monkeypatch.setattr(ledger_app, "NOTICES_SECONDS_MAX", 0.0)
        assert (await world.readiness()).status_code == 503
