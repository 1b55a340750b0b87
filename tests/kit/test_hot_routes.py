"""Hot routes: answered ahead of the framework like by it, and left to it whenever there is something to refuse."""

import re
from collections.abc import Sequence
from typing import Annotated, Any

import pytest
from fastapi import Depends, FastAPI, Request

from services.kit.audit import AuditedRoute, AuditUnavailableError, Reading, about, reads
from services.kit.auth import Caller, require
from services.kit.hot_routes import HotRoute, part_of
from services.kit.routers import Router
from services.kit.schemas import check_query
from services.kit.signatures import check_signature
from services.kit.signing import ED25519, SigningKey
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


async def answer(request: Request, caller: Caller, told: Reading, values: Sequence[str]) -> bytes | None:
    if values[0] == "gone":
        return None
    part_of(request, Things).hot += 1
    told.about(values[0], "210000")
    return b'{"thing":"%s"}' % values[0].encode()


HOT = HotRoute(
    path="/things/{thing}",
    pattern=re.compile("/things/([0-9a-z.-]{1,40})"),
    scopes=frozenset({"thing:read"}),
    reads="thing",
    answer=answer,
)


async def store(request: Request, caller: Caller, told: Reading, values: Sequence[str]) -> bytes | None:
    part_of(request, Things).hot += 1
    return b'{"length":%d}' % len(await request.body())


STORE = HotRoute(
    method="POST",
    path="/things",
    pattern=re.compile("/things"),
    scopes=frozenset({"thing:write"}),
    answer=store,
)


@pytest.fixture
def app() -> FastAPI:
    router = Router(route_class=AuditedRoute)

    @router.post("/things")
    async def store_thing(
        request: Request, _: Annotated[Caller, Depends(require("thing:write"))]
    ) -> dict[str, int]:
        return {"length": len(await request.body())}

    @router.get("/things/{thing}")
    @reads("thing")
    async def get_thing(thing: str, _: Annotated[Caller, Depends(require("thing:read"))]) -> dict[str, str]:
        about(thing, "210000")
        return {"thing": thing}

    app = service([router], hot=[HOT, STORE])
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


async def test_a_body_is_looked_at_before_it_is_answered_ahead(app: FastAPI) -> None:
    async with calling(app, "thing:write") as client:
        assert (await client.post("/things", json={"a": 1})).json() == {"length": 7}
        assert app.state.parts[Things].hot == 1
        assert (
            await client.post("/things", content=b"{}", headers={"Content-Type": "text/plain"})
        ).status_code == 415
        assert (await client.post("/things", json={"a": "13912345678"})).status_code == 422
        assert app.state.parts[Things].hot == 1
        shown = (await metrics_of(app)).splitlines()
    counted = [
        line for line in shown if line.startswith("http_requests_total") and '"/things",status="200"' in line
    ]
    assert app.state.audit.told == []
    assert counted == ['http_requests_total{method="POST",route="/things",status="200"} 1.0']


@pytest.mark.parametrize("name", ["Signature", "Signature-Input", "Content-Digest"])
async def test_what_is_signed_is_left_to_who_looks_at_signatures(app: FastAPI, name: str) -> None:
    async with calling(app, "thing:write") as client:
        assert (await client.post("/things", json={}, headers={name: "x"})).json() == {"length": 2}
    assert app.state.parts[Things].hot == 0


async def test_whose_requests_have_to_be_signed_is_left_to_who_looks_at_signatures(app: FastAPI) -> None:
    headers = bearer("thing:write", signing=SigningKey(ED25519, "key-1", "eA", required=True))
    async with calling(app) as client:
        assert (await client.post("/things", json={}, headers=headers)).status_code == 401
    assert app.state.parts[Things].hot == 0


def test_all_that_every_request_passes_in_the_framework_is_known_to_hot_routes() -> None:
    """Who adds another dependency of every route has to say what it means for them (`_is_plain`)."""
    assert [each.dependency for each in Router().dependencies] == [check_query, check_signature]
