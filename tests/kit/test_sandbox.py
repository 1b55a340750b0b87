"""A sandbox: answers that say so, and a clock that callers move."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated

import pytest
from fastapi import Depends, FastAPI

from services.kit.app import Service
from services.kit.auth import Caller, require
from services.kit.clock import clock_at, utc_now
from services.kit.group_commit import GroupCommit
from services.kit.routers import Router
from services.kit.sandbox import MARK, NOW
from services.kit.settings import ServiceSettings, SettingsError
from tests.kit.http import bearer, calling, service

router = Router(prefix="/v1")


@router.get("/moment")
async def moment(_: Annotated[Caller, Depends(require("thing:read"))]) -> str:
    """The clock, as a decision sees it."""
    return utc_now().isoformat()


def sandbox() -> FastAPI:
    app = service([router])
    assert isinstance(app, Service)
    app.become_sandbox()
    return app


async def test_a_request_is_decided_at_the_moment_it_names():
    async with calling(sandbox()) as client:
        headers = bearer("thing:read") | {NOW: "2031-02-03T04:05:06+08:00"}
        assert (await client.get("/v1/moment", headers=headers)).json() == "2031-02-02T20:05:06+00:00"
        after = (await client.get("/v1/moment", headers=bearer("thing:read"))).json()
    assert not after.startswith("2031-02-02T20:05:06")


async def test_a_token_is_good_whatever_moment_is_named():
    async with calling(sandbox()) as client:
        headers = bearer("thing:read") | {NOW: "2099-01-01T00:00:00Z"}
        assert (await client.get("/v1/moment", headers=headers)).status_code == 200


@pytest.mark.parametrize("told", ["", "tomorrow", "2026-06-18T12:00:00", "1999-01-01T00:00:00Z", "2026"])
async def test_a_moment_that_is_none_is_refused(told: str):
    async with calling(sandbox()) as client:
        answer = await client.get("/v1/moment", headers=bearer("thing:read") | {NOW: told})
    assert answer.json()["type"].endswith(":sandbox-moment-unclear")
    assert answer.headers[MARK] == "true"


async def test_every_answer_is_marked_whatever_it_says():
    async with calling(sandbox()) as client:
        answers = [
            await client.get("/healthz"),
            await client.get("/v1/moment"),
            await client.get("/v1/nowhere", headers=bearer("thing:read")),
            await client.get("/v1/moment", headers=bearer("thing:read")),
        ]
    assert [(each.status_code, each.headers.get(MARK)) for each in answers] == [
        (200, "true"),
        (401, "true"),
        (404, "true"),
        (200, "true"),
    ]


async def test_elsewhere_no_answer_is_marked_and_no_clock_moves():
    async with calling(service([router])) as client:
        answer = await client.get("/v1/moment", headers=bearer("thing:read") | {NOW: "2031-01-01T00:00:00Z"})
    assert MARK not in answer.headers
    assert not answer.json().startswith("2031-01")


async def test_works_of_one_transaction_are_decided_at_one_moment():
    seen: list[tuple[list[int], datetime]] = []

    async def commit(_log: str, works: list[int]) -> list[int]:
        seen.append((works, utc_now()))
        return works

    group = GroupCommit[int, int](commit, size_of=lambda _: 1)
    june, july = datetime(2026, 6, 1, tzinfo=UTC), datetime(2026, 7, 1, tzinfo=UTC)

    async def submit(work: int, moment: datetime) -> None:
        with clock_at(moment):
            await group.submit("one", work)

    await asyncio.gather(submit(1, june), submit(2, june), submit(3, july), submit(4, june))

    assert seen == [([1, 2], june), ([3], july), ([4], june)]


def test_production_refuses_to_be_a_sandbox(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("XUEFEN_ENVIRONMENT", "production")
    monkeypatch.setenv("XUEFEN_SANDBOX", "true")
    with pytest.raises(SettingsError, match="XUEFEN_SANDBOX cannot be used"):
        ServiceSettings.load()
