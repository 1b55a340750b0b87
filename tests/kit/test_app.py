"""Everything a service does before a route is reached, and when something goes wrong behind it."""

from typing import Annotated, Any

import asyncpg
import httpx
import pytest
from fastapi import Depends, Query
from pydantic import Field

from services.kit.app import openapi_document
from services.kit.auth import Caller, require
from services.kit.errors import Problem, all_problems
from services.kit.openapi import problems
from services.kit.routers import Router
from services.kit.schemas import Day, Line, Moment, StrictModel
from tests.kit.http import bearer, calling, metrics_of, service

NUMBER = "110000199003070132"  # looks like somebody's; must never come back
router = Router(prefix="/v1")
failing = Router(prefix="/v1")
FAILURE: list[BaseException] = []


class TeapotError(Problem):
    """For the tests."""

    code = "test-teapot"
    status = 409
    title_zh = "茶壶"
    title_en = "A teapot"


class Thing(StrictModel):
    """A body with a field of every troublesome kind."""

    label: Line
    count: int = 0
    day: Day | None = None
    moment: Moment | None = None
    parts: list[str] = Field(default_factory=list)


User = Annotated[Caller, Depends(require("thing:write"))]


@router.post("/things", status_code=201, responses=problems(409))
async def make_thing(thing: Thing, caller: User) -> dict[str, Any]:
    """Make a thing."""
    if thing.label == "teapot":
        raise TeapotError("不行", "No", pointer="/label", clause="S0-01", state="short")
    return {"label": thing.label, "by": caller.subject}


@router.get("/things")
async def list_things(_: User, limit: Annotated[int, Query(ge=1, le=100)] = 10) -> dict[str, int]:
    """List things."""
    return {"limit": limit}


@failing.get("/failure")
async def fail(_: User) -> None:
    """Fail as the test wants."""
    raise FAILURE[-1]


@pytest.fixture
async def things() -> Any:
    async with calling(service([router, failing]), "thing:write") as client:
        yield client


async def post_raw(
    client: httpx.AsyncClient, body: bytes, media_type: str = "application/json"
) -> httpx.Response:
    return await client.post("/v1/things", content=body, headers={"Content-Type": media_type})


class TestOpenRoutes:
    async def test_health_needs_no_token(self) -> None:
        async with calling(service([router])) as anybody:
            assert (await anybody.get("/healthz")).status_code == 200

    @pytest.mark.parametrize(
        "path", ["/v1/things", "/readyz", "/metrics", "/openapi.json", "/docs", "/redoc", "/nowhere"]
    )
    async def test_everything_else_does(self, path: str) -> None:
        async with calling(service([router])) as anybody:
            assert (response := await anybody.get(path)).status_code == 401
        assert response.headers["www-authenticate"].startswith("Bearer")

    async def test_no_documentation_is_served_even_with_a_token(self, things: httpx.AsyncClient) -> None:
        assert (await things.get("/openapi.json")).status_code == 404
        assert (await things.get("/docs")).status_code == 404

    async def test_requests_are_counted_by_template_not_by_address(self) -> None:
        async with calling(app := service([router]), "thing:write") as client:
            await client.get(f"/v1/nowhere/{NUMBER}")
            await client.get("/v1/things")
        text = await metrics_of(app)
        assert 'http_requests_total{method="GET",route="/v1/things",status="200"} 1.0' in text
        assert NUMBER not in text


class TestClaims:
    async def test_a_token_that_claims_what_there_is_not_is_refused(self) -> None:
        app = service([router], claims=lambda caller: caller.place in (None, "here"))
        async with calling(app) as client:
            for place, status in (("here", 200), ("nowhere", 403), (None, 200)):
                claimed = bearer("thing:write", place=place)
                assert (await client.get("/v1/things", headers=claimed)).status_code == status


class TestBodies:
    async def test_a_good_body_is_taken(self, things: httpx.AsyncClient) -> None:
        response = await things.post("/v1/things", json={"label": " 张三丰 𠮷 ", "day": "2026-02-28"})
        assert response.status_code == 201
        assert response.json() == {"label": "张三丰 𠮷", "by": "client-1"}

    @pytest.mark.parametrize(
        ("body", "status", "pointer"),
        [
            (b'{"label": "x", "count": NaN}', 422, "/count"),
            (b'{"label": "x", "count": Infinity}', 422, "/count"),
            (b'{"label": "x", "count": 1e999}', 422, "/count"),
            (b'{"label": "a\\u0000b"}', 422, "/label"),
            (b'{"label": "x", "parts": ["ok", "\\ud800"]}', 422, "/parts/1"),
            (b'{"label": "x", "parts": ["ok", "\\ude00\\ud83d"]}', 422, "/parts/1"),
            (b'{"label": "a\x00b"}', 400, None),
            (b'{"label": "\xff"}', 400, None),
            (b'{"label": "\xed\xa0\x80"}', 400, None),
            (b"\xef\xbb\xbf{}", 400, None),
            (b'{"label": "x"', 400, None),
            (b'{"label": "x"} {}', 400, None),
            (b"[" * 200_000, 400, None),
            (b'{"count": ' + b"9" * 6_000 + b"}", 400, None),
            (b"[" + b"0," * 1_000_000 + b"0]", 400, None),
            (b"[]", 422, ""),
            (b"null", 422, ""),
        ],
    )
    async def test_what_is_not_strict_json_is_refused(
        self, things: httpx.AsyncClient, body: bytes, status: int, pointer: str | None
    ) -> None:
        response = await post_raw(things, body)
        assert response.status_code == status
        assert response.headers["content-type"] == "application/problem+json"
        assert response.json().get("pointer") == pointer

    async def test_an_escaped_backslash_before_u0000_is_only_text(self, things: httpx.AsyncClient) -> None:
        assert (await post_raw(things, b'{"label": "a\\\\u0000b"}')).status_code == 201

    async def test_a_surrogate_pair_is_one_character(self, things: httpx.AsyncClient) -> None:
        assert (await post_raw(things, b'{"label": "\\ud842\\udfb7"}')).json()["label"] == "𠮷"

    async def test_a_body_over_the_limit_is_refused_by_its_declared_length(self) -> None:
        async with calling(service([router], body_size_max=1000), "thing:write") as client:
            response = await post_raw(client, b" " * 1001)
        assert response.status_code == 413

    async def test_a_body_over_the_limit_is_refused_while_it_is_read(self) -> None:
        async def chunks() -> Any:
            for _ in range(10):
                yield b" " * 200

        async with calling(service([router], body_size_max=1000), "thing:write") as client:
            response = await client.post(
                "/v1/things", content=chunks(), headers={"Content-Type": "application/json"}
            )
        assert response.status_code == 413

    async def test_a_body_that_is_not_json_is_refused(self, things: httpx.AsyncClient) -> None:
        assert (await post_raw(things, b"label=x", "application/x-www-form-urlencoded")).status_code == 415
        assert (await post_raw(things, b'{"label": "x"}', "text/plain")).status_code == 415

    @pytest.mark.parametrize("coding", ["gzip", "br", "deflate, gzip"])
    async def test_a_compressed_body_is_refused(self, things: httpx.AsyncClient, coding: str) -> None:
        response = await things.post("/v1/things", content=b"\x1f\x8b", headers={"Content-Encoding": coding})
        assert (response.status_code, response.headers["accept-encoding"]) == (415, "identity")
        assert response.json()["detail"] == "正文请勿压缩：不接受 Content-Encoding"

    async def test_no_body_at_all_is_a_missing_body(self, things: httpx.AsyncClient) -> None:
        response = await things.post("/v1/things")
        assert response.status_code == 422
        assert response.json()["errors"] == [{"pointer": "", "code": "missing", "detail": "缺少此项"}]

    async def test_a_token_is_asked_for_before_a_body_is_read(self) -> None:
        async with calling(service([router], body_size_max=10)) as anybody:
            assert (await post_raw(anybody, b" " * 1000)).status_code == 401


class TestFields:
    async def test_every_fault_is_named_with_its_pointer(self, things: httpx.AsyncClient) -> None:
        body = {
            "count": 1.0,
            "day": "2026-02-30",
            "moment": "2026-01-01T00:00:00",
            "parts": [1],
            "colour": "red",
        }
        response = await things.post("/v1/things", json=body)
        found = {(error["pointer"], error["code"]) for error in response.json()["errors"]}
        assert response.status_code == 422
        assert found == {
            ("/label", "missing"),
            ("/count", "wrong_type"),
            ("/day", "invalid_date"),
            ("/moment", "invalid_time"),
            ("/parts/0", "wrong_type"),
            ("/colour", "unknown_field"),
        }

    @pytest.mark.parametrize(
        "day", ["2026-1-1", "２０２６-01-01", "0000-01-01", 20260101, "2026-01-01T00:00:00Z"]
    )
    async def test_only_a_plain_date_is_a_date(self, things: httpx.AsyncClient, day: object) -> None:
        response = await things.post("/v1/things", json={"label": "x", "day": day})
        assert response.json()["errors"][0]["code"] == "invalid_date"

    @pytest.mark.parametrize("moment", [1767225600, "1767225600", "2026-01-01T00:00:00", "2026-01-01"])
    async def test_a_time_without_zone_is_refused(self, things: httpx.AsyncClient, moment: object) -> None:
        response = await things.post("/v1/things", json={"label": "x", "moment": moment})
        assert response.json()["errors"][0]["code"] == "invalid_time"

    @pytest.mark.parametrize("label", ["", "   ", "a\nb", "a\u200bb", "a\u202eb", "x" * 201])
    async def test_a_line_holds_nothing_invisible(self, things: httpx.AsyncClient, label: str) -> None:
        assert (await things.post("/v1/things", json={"label": label})).status_code == 422

    @pytest.mark.parametrize(
        "body",
        [
            {"label": "x", NUMBER: 1},
            {"label": "x", "count": NUMBER},
            {"label": {"name": NUMBER}},
            {"label": "x", "day": NUMBER},
            {"label": "x", "parts": [{"z": NUMBER}]},
            {"label": "x", "parts": {NUMBER: NUMBER}},
        ],
    )
    async def test_nothing_that_was_sent_comes_back(
        self, things: httpx.AsyncClient, body: dict[str, Any]
    ) -> None:
        response = await things.post("/v1/things", json=body)
        assert response.status_code == 422
        assert NUMBER not in response.text

    async def test_a_bad_parameter_is_named_by_name(self, things: httpx.AsyncClient) -> None:
        response = await things.get("/v1/things", params={"limit": "１"})
        assert response.json()["errors"] == [
            {"parameter": "limit", "code": "wrong_type", "detail": "应为整数"}
        ]
        assert (await things.get("/v1/things", params={"limit": 101})).json()["errors"][0][
            "code"
        ] == "out_of_range"

    @pytest.mark.parametrize(
        "moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "1899-01-01T00:00:00Z"]
    )
    async def test_a_moment_that_nobody_can_mean_is_out_of_range(
        self, things: httpx.AsyncClient, moment: str
    ) -> None:
        response = await things.post("/v1/things", json={"label": "x", "moment": moment})
        assert response.json()["errors"][0]["code"] == "out_of_range"

    @pytest.mark.parametrize("day", ["0001-01-01", "1899-12-31", "2200-01-02", "9999-12-31"])
    async def test_a_day_that_nobody_can_mean_is_out_of_range(
        self, things: httpx.AsyncClient, day: str
    ) -> None:
        response = await things.post("/v1/things", json={"label": "x", "day": day})
        assert response.json()["errors"][0]["code"] == "out_of_range"

    @pytest.mark.parametrize("address", ["/v1/things?x=%00", "/v1/th%00ings", "/v1/th%0aings", "/v1/%ff"])
    async def test_an_address_holds_no_control_characters(
        self, things: httpx.AsyncClient, address: str
    ) -> None:
        assert (await things.get(address)).status_code == 400


class TestProblems:
    async def test_a_problem_has_type_title_status_and_what_the_route_adds(
        self, things: httpx.AsyncClient
    ) -> None:
        response = await things.post(
            "/v1/things", json={"label": "teapot"}, headers={"Accept-Language": "en-GB"}
        )
        assert response.status_code == 409
        assert response.headers["content-language"] == "en"
        assert response.json() == {
            "type": "urn:xuefen:problem:test-teapot",
            "title": "A teapot",
            "status": 409,
            "detail": "No",
            "pointer": "/label",
            "clause": "S0-01",
            "state": "short",
        }

    @pytest.mark.parametrize(
        ("accepted", "language"),
        [("", "zh-CN"), ("zh", "zh-CN"), ("en", "en"), ("en;q=0.5, zh;q=0.6", "zh-CN"),
         ("fr, en;q=0.1", "en"), ("*", "zh-CN"), ("en;q=x", "zh-CN"), ("zh-Hant, en;q=0.9", "zh-CN")],
    )  # fmt: skip
    async def test_words_follow_the_accepted_language(
        self, things: httpx.AsyncClient, accepted: str, language: str
    ) -> None:
        response = await things.get("/nowhere", headers={"Accept-Language": accepted})
        assert response.headers["content-language"] == language

    async def test_a_method_that_does_not_apply_is_told_which_do(self, things: httpx.AsyncClient) -> None:
        for method in ("PUT", "DELETE", "OPTIONS", "TRACE"):
            response = await things.request(method, "/v1/things")
            assert response.status_code == 405
            assert response.headers["allow"] == "GET, HEAD, POST"

    async def test_head_is_get_without_a_body(self, things: httpx.AsyncClient) -> None:
        response = await things.head("/v1/things")
        assert response.status_code == 200
        assert response.content == b""

    async def test_a_request_id_is_given_or_kept(self, things: httpx.AsyncClient) -> None:
        assert (await things.get("/v1/things")).headers["x-request-id"]
        kept = await things.get("/v1/things", headers={"X-Request-Id": "batch-2026-001"})
        assert kept.headers["x-request-id"] == "batch-2026-001"
        refused = await things.get("/v1/things", headers={"X-Request-Id": "bad id"})
        assert refused.headers["x-request-id"] != "bad id"

    def test_every_problem_has_words_in_both_languages(self) -> None:
        for problem in all_problems():
            assert problem.title_zh
            assert problem.title_en
            assert 400 <= problem.status < 600

    def test_two_problems_do_not_share_a_code(self) -> None:
        with pytest.raises(TypeError):
            type("Other", (Problem,), {"code": "test-teapot", "status": 400, "title_zh": "", "title_en": ""})


class TestFailures:
    @pytest.mark.parametrize(
        ("failure", "status", "code"),
        [
            (RuntimeError(f"row {NUMBER}"), 500, "internal"),
            (asyncpg.UniqueViolationError(f"Key ({NUMBER}) exists"), 500, "internal"),
            (ConnectionResetError(), 503, "outcome-unknown"),
            (asyncpg.ConnectionDoesNotExistError("gone"), 503, "outcome-unknown"),
            (asyncpg.CannotConnectNowError("starting"), 503, "outcome-unknown"),
            (asyncpg.InterfaceError("closed"), 503, "outcome-unknown"),
            (asyncpg.LockNotAvailableError("timeout"), 503, "busy"),
        ],
    )
    async def test_a_failure_is_a_problem_without_its_text(
        self, things: httpx.AsyncClient, failure: BaseException, status: int, code: str
    ) -> None:
        FAILURE.append(failure)
        response = await things.get("/v1/failure")
        assert response.status_code == status
        assert response.json()["type"] == f"urn:xuefen:problem:{code}"
        assert NUMBER not in response.text
        assert ("retry-after" in response.headers) == (status == 503)


class TestOpenApi:
    def test_the_document_has_our_problems_and_none_of_the_frameworks(self) -> None:
        document = openapi_document(service([router]))
        operation = document["paths"]["/v1/things"]["post"]
        assert document["openapi"].startswith("3.1")
        assert operation["operationId"] == "make_thing"
        assert operation["security"] == [{"oauth2": ["thing:write"]}]
        assert set(operation["responses"]) == {
            "201",
            "400",
            "401",
            "403",
            "409",
            "413",
            "415",
            "422",
            "429",
            "500",
            "503",
        }
        assert "HTTPValidationError" not in document["components"]["schemas"]
        assert "/healthz" not in document["paths"]
