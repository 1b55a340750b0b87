"""Bad input of every kind: the ledger answers with a problem that names the field and repeats nothing, and stores
nothing: bodies that are no JSON, batches that are no batch, and records at fault."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.ledger.intake.bad_values import (
    CANARY,
    COMMAND_ROUTES,
    CREDITS,
    DAYS,
    ID_NUMBERS,
    IDS,
    LIAONING,
    LONE,
    MISSING,
    MOMENTS,
    NOT_TEXT,
    PATHS,
    PLACES,
    RECORD_ROUTES,
    SOMEBODY,
    TEXTS,
    WORDS,
    YEARS,
    encoded,
    is_not_json,
    is_problem,
    post,
    says_nothing,
)
from tests.ledger.world import Provider, Somebody, World


@pytest.fixture(scope="module")
async def who(world: World) -> Somebody:
    return await world.collects(LIAONING, person=SOMEBODY)


@pytest.fixture(scope="module")
async def provider(world: World, who: Somebody) -> Provider:
    return await world.provides("北京东奥时代教育科技有限公司", accredited=[LIAONING])


@pytest.fixture(autouse=True)
async def nothing_is_stored(world: World, provider: Provider) -> AsyncIterator[None]:
    before = await world.count_events()
    yield
    assert await world.count_events() == before


def completion(**fields: Any) -> dict[str, Any]:
    return {
        "id": "c-1",
        "person": {"id_type": "resident_id", "id_number": SOMEBODY.id_number, "name": SOMEBODY.name},
        "year": 2025,
        "category": "professional",
        "credits": "30.00",
        "mode": "online",
        "course": "ZJ-01",
        "completed_at": "2025-05-20T10:00:00+08:00",
    } | fields


def enrolment(**fields: Any) -> dict[str, Any]:
    left = ("id", "person", "year", "mode")
    return {name: completion()[name] for name in left} | {"enrolled_on": "2025-05-01"} | fields


def exam_pass(**fields: Any) -> dict[str, Any]:
    left = ("id", "person", "year")
    return {name: completion()[name] for name in left} | {"passed_at": "2025-05-20T10:00:00+08:00"} | fields


GOOD = {"completions": completion, "enrolments": enrolment, "exam-passes": exam_pass}


def with_field(record: dict[str, Any], pointer: str, value: Any) -> dict[str, Any]:
    """The record with one field at fault; MISSING takes it out."""
    record = {**record, "person": dict(record["person"])}
    *outer, name = pointer.strip("/").split("/")
    target = record
    for step in outer:
        target = target[step]
    if value is MISSING:
        del target[name]
    else:
        target[name] = value
    return record


ROOTS = [
    *(f"/v1/{route}" for route in RECORD_ROUTES),
    *COMMAND_ROUTES,
]
MALFORMED = {
    "nothing": b"",
    "a brace": b"{",
    "cut short": encoded({"records": [completion()]})[:-4],
    "no text": b"\xff\xfe\x00{",
    "latin-1": '{"reason": "müde"}'.encode("latin-1"),
    "a raw NUL": b'{"reason": "a\x00b"}',
    "a byte order mark": b"\xef\xbb\xbf{}",
    "two documents": b"{} {}",
    "a comment": b'{} // "' + CANARY.encode(),
    "single quotes": b"{'reason': 'x'}",
    "deep nesting": b'{"reason":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "unclosed nesting": b"[" * 100_000,
    "a million members": b'{"records":[' + b"{}," * 1_000_000 + b"{}]}",
    "a number without end": b'{"year": ' + b"9" * 100_000 + b"}",
    "an endless exponent": b'{"year": 1e999999999}',
    "NaN": b'{"year": NaN}',
    "-Infinity": b'{"year": -Infinity}',
    "a lone surrogate in a name": b'{"\\ud800": 1}',
    "a NUL in a name": b'{"a\\u0000": 1}',
    "a scalar": b"7",
    "a string": b'"' + CANARY.encode() + b'"',
    "null": b"null",
    "a list": b"[]",
    "an empty object": b"{}",
    "unknown fields": encoded({CANARY: CANARY, "a": 1}),
    "the same field twice": b'{"year": 2025, "year": 2025}',
}


class TestMalformedBodies:
    @pytest.mark.parametrize("path", ROOTS)
    async def test_every_route_refuses_them(self, world: World, path: str):
        for name, body in MALFORMED.items():
            problem = is_problem(await post(world, path, body), 400, 403, 404, 422)
            assert problem["status"] in (400, 422), (name, problem)

    @pytest.mark.parametrize("path", ROOTS)
    async def test_a_body_of_another_type_is_refused(self, world: World, path: str):
        for media_type in (
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data",
            "",
            "json",
        ):
            is_problem(await post(world, path, b"{}", **{"Content-Type": media_type}), 415)

    async def test_60_megabytes_are_refused_before_they_are_read(self, world: World, provider: Provider):
        async def endless() -> AsyncIterator[bytes]:
            for _ in range(60):
                sent.append(1)
                yield b" " * 1_000_000

        for headers in ({"Content-Length": "60000000"}, {"Transfer-Encoding": "chunked"}):
            sent: list[int] = []
            response = await world.client.post(
                "/v1/completions",
                content=endless(),
                headers=provider.headers() | {"Content-Type": "application/json"} | headers,
            )
            is_problem(response, 413)

    @pytest.mark.parametrize("route", RECORD_ROUTES)
    @pytest.mark.parametrize(
        ("body", "pointer"),
        [
            ({}, "/records"),
            ({"records": None}, "/records"),
            ({"records": {}}, "/records"),
            ({"records": CANARY}, "/records"),
            ({"records": []}, "/records"),
            ({"records": [{}] * 1001}, "/records"),
            ({"records": [completion()], "extra": CANARY}, "/extra"),
            ({"records": [completion()], CANARY: 1}, ""),
        ],
    )
    async def test_a_body_that_is_no_batch_is_refused_whole(
        self, world: World, route: str, body: Any, pointer: str
    ):
        problem = is_problem(await post(world, f"/v1/{route}", encoded(body)), 422)
        assert problem["pointer"] == pointer


FAULTS: list[tuple[str, str, tuple[Any, ...]]] = [
    *((route, "/id", (*IDS, MISSING)) for route in RECORD_ROUTES),
    *((route, "/person/id_number", (*ID_NUMBERS, MISSING)) for route in RECORD_ROUTES),
    *((route, "/person/id_type", ("idcard", CANARY, MISSING, *NOT_TEXT)) for route in RECORD_ROUTES),
    *(
        (route, "/person/name", ("", "x" * 51, "a\nb", "a\u0000b", LONE, MISSING, *NOT_TEXT))
        for route in RECORD_ROUTES
    ),
    *((route, "/person", (None, "x", 1, [], MISSING)) for route in RECORD_ROUTES),
    *((route, "/person/extra", (CANARY,)) for route in RECORD_ROUTES),
    *((route, "/extra", (CANARY, None)) for route in RECORD_ROUTES),
    *((route, "/year", (*YEARS, MISSING)) for route in RECORD_ROUTES),
    *((route, "/authority", PLACES) for route in RECORD_ROUTES),
    ("completions", "/credits", (*CREDITS, MISSING)),
    ("completions", "/category", (*PATHS, MISSING)),
    ("completions", "/mode", (*WORDS, MISSING)),
    ("enrolments", "/mode", (*WORDS, MISSING)),
    ("completions", "/course", (*IDS, MISSING)),
    ("completions", "/completed_at", (*MOMENTS, None, MISSING)),
    ("completions", "/exam_passed_at", MOMENTS),
    ("exam-passes", "/passed_at", (*MOMENTS, None, MISSING)),
    ("completions", "/started_on", (*DAYS, "0001-01-01", "9999-12-31")),
    ("enrolments", "/enrolled_on", (*DAYS, "0001-01-01", "9999-12-31", None, MISSING)),
    ("completions", "/title", TEXTS),
    ("completions", "/tier", ("expert", CANARY, "", 1, True, [], {})),
    ("enrolments", "/tier", ("expert", CANARY, "", 1, True, [], {})),
]


def faults_of(result: dict[str, Any]) -> set[str]:
    problem = result["problem"]
    return {problem.get("pointer", "")} | {error["pointer"] for error in problem.get("errors", [])}


class TestBadRecords:
    @pytest.mark.parametrize(("route", "pointer", "values"), FAULTS)
    async def test_each_is_rejected_alone_and_the_field_is_named(
        self, world: World, provider: Provider, route: str, pointer: str, values: tuple[Any, ...]
    ):
        for value in values:
            body = encoded({"records": [with_field(GOOD[route](), pointer, value)]})
            response = await world.client.post(
                f"/v1/{route}",
                content=body,
                headers=provider.headers() | {"Content-Type": "application/json"},
            )
            says_nothing(response.text, value)
            if is_not_json(value):
                assert is_problem(response, 422)["pointer"] == f"/records/0{pointer}"
                continue
            assert response.status_code == 200, (value, response.text[:300])
            [result] = response.json()["results"]
            assert result["outcome"] == "rejected", (value, result)
            assert 400 <= result["problem"]["status"] < 500
            assert faults_of(result) == {f"/records/0{pointer}"}, (value, result)

    async def test_a_batch_of_nothing_but_faults_names_every_one(self, world: World, provider: Provider):
        faults = [
            (pointer, value)
            for route, pointer, values in FAULTS
            for value in values
            if route == "completions" and not is_not_json(value)
        ]
        records = [with_field(completion(), pointer, value) for pointer, value in faults]
        response = await world.client.post(
            "/v1/completions",
            content=encoded({"records": records}),
            headers=provider.headers() | {"Content-Type": "application/json"},
        )
        results = response.json()["results"]
        assert response.json()["summary"] == {"rejected": len(faults)}
        for index, (pointer, _) in enumerate(faults):
            assert faults_of(results[index]) == {f"/records/{index}{pointer}"}
        says_nothing(response.text)

    @pytest.mark.parametrize("item", [None, 1, "x", [], True, CANARY])
    async def test_an_item_that_is_no_record_is_rejected_alone(
        self, world: World, provider: Provider, item: Any
    ):
        results = await provider.posts(item, item)
        assert [faults_of(result) for result in results] == [{"/records/0"}, {"/records/1"}]

    async def test_a_field_given_twice_is_rejected_alone(self, world: World, provider: Provider):
        once = json.dumps(completion())
        for twice in (
            once.replace('"year":', '"year": 2024, "year":'),
            once.replace('"name":', '"name": "x", "name":'),
        ):
            response = await post_records(world, provider, f'{{"records": [{once[:-1]}, "x": 1}}, {twice}]}}')
            first, second = response.json()["results"]
            assert faults_of(first) == {"/records/0/x"}
            assert second["outcome"] == "rejected"
            assert second["problem"]["errors"][0]["code"] == "given_twice"

    async def test_a_name_that_could_be_somebody_s_number_is_not_given_back(
        self, world: World, provider: Provider
    ):
        [result] = await provider.posts(completion(**{SOMEBODY.id_number: 1}))
        assert faults_of(result) == {"/records/0"}
        says_nothing(json.dumps(result, ensure_ascii=False))


async def post_records(world: World, provider: Provider, body: str) -> httpx.Response:
    return await world.client.post(
        "/v1/completions",
        content=body.encode(),
        headers=provider.headers() | {"Content-Type": "application/json"},
    )
