"""Hot routes: answered ahead of the framework like by it, and left to it whenever there is something to refuse."""

import re
from collections.abc import Sequence
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Depends, FastAPI

from services.kit.audit import AuditedRoute, AuditUnavailableError, Reading, about, reads
from services.kit.auth import Caller, require
from services.kit.hot_routes import HotRoute, Parts
from tests.kit.http import bearer, calling, metrics_of, service


class Records:
    """Stands for the audit: what it was told, and whether it can be written."""

    def __init__(self) -> None:
        self.told: list[tuple[Any, ...]] = []
        self.broken = False

    async def write(self, reading: Reading) -> None:
        if self.broken:
            raise AuditUnavailableError
        self.told.append((reading.kind, reading.asked, reading.result, reading._whose))


class Things:
    """The part that answers; `hot` counts what came ahead of the framework."""

    hot = 0


async def answer(parts: Parts, caller: Caller, told: Reading, values: Sequence[str]) -> bytes | None:
    if values[0] == "gone":
        return None
    things = parts[Things]
    assert isinstance(things, Things)
    things.hot += 1
    told.about(values[0], "210000")
    return b'{"thing":"%s"}' % values[0].encode()


HOT = HotRoute(
    path="/things/{thing}",
    pattern=re.compile("/things/([0-9a-z.-]{1,40})"),
    scopes=frozenset({"thing:read"}),
    reads="thing",
    answer=answer,
)


@pytest.fixture
def app() -> FastAPI:
    router = APIRouter(route_class=AuditedRoute)

    @router.get("/things/{thing}")
    @reads("thing")
    async def get_thing(thing: str, _: Annotated[Caller, Depends(require("thing:read"))]) -> dict[str, str]:
        about(thing, "210000")
        return {"thing": thing}

    app = service([router], hot=[HOT])
    app.state.parts = {Things: Things()}
    app.state.audit = Records()
    return app


async def test_a_plain_request_is_answered_ahead_and_looks_like_any_other(app: FastAPI) -> None:
    async with calling(app, "thing:read") as client:
        plain = await client.get("/things/a")
        assert app.state.parts[Things].hot == 1
        other = await client.get("/things/a", headers={"Content-Length": "0"})
        assert app.state.parts[Things].hot == 1
    assert (plain.status_code, plain.json()) == (other.status_code, other.json())
    assert list(plain.headers) == list(other.headers)
    assert app.state.audit.told == [("thing", "a", "shown", {("210000", None): {"a": None}})] * 2
    counted = [
        line for line in (await metrics_of(app)).splitlines() if line.startswith("http_requests_total{")
    ]
    assert counted == ['http_requests_total{method="GET",route="/things/{thing}",status="200"} 2.0']


async def test_head_is_answered_without_the_body(app: FastAPI) -> None:
    async with calling(app, "thing:read") as client:
        response = await client.head("/things/a")
    assert (response.content, response.headers["content-length"]) == (b"", "13")
    assert app.state.parts[Things].hot == 1


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/things/a?unknown=1", bearer("thing:read"), 422),
        ("/things/a", bearer("thing:write"), 403),
        ("/things/a", {}, 401),
        ("/things/A", bearer("thing:read"), 200),
        ("/things/gone", bearer("thing:read"), 200),
        ("/things/13912345678", bearer("thing:read"), 422),
        ("/things/a", {**bearer("thing:read"), "Idempotency-Key": "13912345678"}, 422),
    ],
)
async def test_whatever_is_not_plain_is_left_to_the_framework(
    app: FastAPI, path: str, headers: dict[str, str], status: int
) -> None:
    async with calling(app) as client:
        assert (await client.get(path, headers=headers)).status_code == status
    assert app.state.parts[Things].hot == 0


async def test_without_a_record_there_is_no_answer(app: FastAPI) -> None:
    app.state.audit.broken = True
    async with calling(app, "thing:read") as client:
        response = await client.get("/things/a")
    assert (response.status_code, response.json()["type"]) == (503, "urn:xuefen:problem:audit-unavailable")


async def test_what_goes_wrong_is_answered_as_anywhere(app: FastAPI) -> None:
    app.state.parts = {}
    async with calling(app, "thing:read") as client:
        response = await client.get("/things/a")
    assert (response.status_code, response.json()["type"]) == (500, "urn:xuefen:problem:internal")
