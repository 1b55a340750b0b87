"""Bad addresses, headers and bodies of commands: the ledger names what is wrong and repeats nothing."""

import json
from collections.abc import AsyncIterator
from copy import deepcopy
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import yaml

from services import ledger
from tests.ledger.intake.bad_values import (
    CANARY,
    COMMAND_ROUTES,
    DAYS,
    ID_NUMBERS,
    IDS,
    LIAONING,
    MISSING,
    NOT_TEXT,
    PLACES,
    SOMEBODY,
    WORDS,
    YEARS,
    encoded,
    is_problem,
    post,
    says_nothing,
)  # fmt: skip
from tests.ledger.world import Provider, Somebody, World

NOTICES = Path(ledger.__path__[0]) / "notices"
BAD_YEARS = ("0", "9999", "1999", "2101", "-1", "2025.0", "2025.5", "1e3", "NaN", "２０２５", "2_025", "+2025", " 2025",
             "2025 ", "9" * 400, "this year", "", CANARY)  # fmt: skip
BAD_IDS = ("x\n", "a" * 65, "a b", "ｐ１", "\ud83d\ude00", "-x", CANARY + "!", "%00", "..")
BAD_DAYS = ("2025-02-30", "0000-01-01", "10000-01-01", "20250101", "2025-01-01T00:00:00Z", "２０２５-01-01", "1735689600",
            "", CANARY, "2025-01-01 ")  # fmt: skip
BAD_MOMENTS = ("2025-05-20T10:00:00", "2025-05-20", "0000-01-01T00:00:00Z", "1747706400", "now", "", CANARY,
               "9999-12-31T23:59:59-14:00", "9999-12-31T23:59:59Z")  # fmt: skip


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


def addresses() -> list[tuple[str, str]]:
    """Addresses with one thing wrong, and what is wrong."""
    found = [(f"/v1/persons/person-000001/compliance/{quote(year)}", year) for year in BAD_YEARS if year]
    found += [(f"/v1/policies/210000/{quote(year)}", year) for year in BAD_YEARS if year]
    found += [(f"/v1/persons/person-000001/transcript?year={quote(year)}", year) for year in BAD_YEARS]
    statistics = "/v1/statistics/registrations?place="
    found += [(f"{statistics}210000&year={quote(year)}", year) for year in BAD_YEARS]
    for bad in BAD_IDS:
        sent = quote(bad, safe="", errors="surrogatepass")
        found += [(f"/v1/persons/{sent}/compliance/2025", bad), (f"/v1/persons/{sent}/transcript", bad)]
    compliance = "/v1/persons/person-000001/compliance/2025"
    found += [(f"{compliance}?on={quote(day)}", day) for day in BAD_DAYS]
    found += [(f"{compliance}?as_of={quote(moment)}", moment) for moment in BAD_MOMENTS]
    found += [(f"{statistics}210000&day_from={quote(day)}", day) for day in BAD_DAYS]
    for place in ("999999", "21", "２１００００", "210000\n", CANARY, ""):
        sent = quote(place, safe="")
        found += [(f"{statistics}{sent}", place)]
        found += [(f"/v1/policies/{sent}/2025", place)] if place else []
    feed = "/v1/logs/210000/feed?"
    found += [(f"{feed}after={quote(after)}", after) for after in ("-1", "1.5", "x", "9" * 30, "NaN", "")]
    found += [(f"{feed}limit={quote(limit)}", limit) for limit in ("0", "-1", "1001", "x", "9" * 30, "")]
    found += [(f"{feed}wait={quote(wait)}", wait) for wait in ("-1", "31", "nan", "inf", "x", "1e400")]
    found += [(f"/v1/logs/{quote(CANARY)}/feed", CANARY), ("/v1/logs/210000%0A/feed", "210000\n")]
    return found


class TestBadAddresses:
    async def test_each_is_refused_with_the_parameter_named(self, world: World, who: Somebody):
        headers = world.official(
            "100000", "compliance:read", "transcript:read", "statistics:read", "feed:read"
        )
        for path, value in addresses():
            response = await world.client.get(path, headers=headers)
            problem = is_problem(response, 400, 404, 422)
            says_nothing(response.text, value if value != "210000\n" else None)
            if problem["type"].endswith("invalid-request"):
                assert all(error.get("parameter") for error in problem["errors"]), (path, problem)

    async def test_the_first_and_the_last_day_that_may_be_named_are_answered(
        self, world: World, who: Somebody
    ):
        for day in ("1900-01-01", "2199-12-31"):
            assert (await world.asks(who, 2025, on=day))["total"] == "0.00"

    async def test_a_method_or_address_that_does_not_exist_is_told(self, world: World):
        headers = world.official("100000")
        for method in ("PUT", "DELETE", "PATCH", "TRACE", "OPTIONS"):
            is_problem(await world.client.request(method, "/v1/completions", headers=headers), 405)
        is_problem(await world.client.get(f"/v1/{CANARY}", headers=headers), 404)


NAMED = {"persons": ["person-000001"], "year": 2025}
PERSON = {"id_type": "resident_id", "id_number": SOMEBODY.id_number, "name": SOMEBODY.name}
ASKED = {"identities": [PERSON], "year": 2025}
COMMANDS: list[tuple[str, dict[str, Any], str, tuple[Any, ...]]] = [
    *(
        (f"/v1/{kind}/c-1/withdrawal", {"reason": "refunded"}, pointer, values)
        for kind in ("completions", "enrolments")
        for pointer, values in (("/reason", (*WORDS, MISSING)), ("/authority", PLACES), ("/extra", (CANARY,)))
    ),
    *(
        (path, {"year": 2025, "reason": reason}, pointer, values)
        for path, reason in (
            ("/v1/persons/person-000001/credits/credit-1/revocation", "cheating"),
            ("/v1/persons/person-000001/exemptions", "illness"),
        )
        for pointer, values in (
            ("/year", (*YEARS, MISSING)),
            ("/reason", (*WORDS, MISSING)),
            ("/extra", (CANARY, None)),
        )
    ),
    ("/v1/compliance/query", NAMED, "/year", (*YEARS, MISSING)),
    ("/v1/compliance/query", NAMED, "/on", DAYS),
    ("/v1/compliance/query", NAMED, "/persons", ([], ["p"] * 1001, CANARY, 1, {}, True)),
    ("/v1/compliance/query", NAMED, "/persons/0", tuple(value for value in IDS if value != "c-1")),
    ("/v1/compliance/query", ASKED, "/identities", ([], [PERSON] * 1001, CANARY, 1, {}, True)),
    ("/v1/compliance/query", ASKED, "/identities/0", (None, "x", 1, [])),
    ("/v1/compliance/query", ASKED, "/identities/0/id_number", (*ID_NUMBERS, MISSING)),
    ("/v1/compliance/query", ASKED, "/identities/0/id_type", ("idcard", CANARY, MISSING, *NOT_TEXT)),
    ("/v1/compliance/query", ASKED, "/identities/0/name", (*NOT_TEXT, "", MISSING)),
    ("/v1/policies", {"notice": {}}, "/notice", (None, CANARY, 1, [], True, MISSING)),
]


def changed(body: dict[str, Any], pointer: str, value: Any) -> dict[str, Any]:
    """The body with one member at fault; MISSING takes it out."""
    body = deepcopy(body)
    *outer, name = pointer.strip("/").split("/")
    target: Any = body
    for step in outer:
        target = target[int(step) if isinstance(target, list) else step]
    if value is MISSING:
        del target[name]
    else:
        target[int(name) if isinstance(target, list) else name] = value
    return body


class TestBadCommands:
    @pytest.mark.parametrize(("path", "good", "pointer", "values"), COMMANDS)
    async def test_each_is_refused_with_the_field_named(
        self, world: World, path: str, good: dict[str, Any], pointer: str, values: tuple[Any, ...]
    ):
        for value in values:
            response = await post(world, path, encoded(changed(good, pointer, value)))
            says_nothing(response.text, value)
            problem = is_problem(response, 422)
            named = {error["pointer"] for error in problem.get("errors", [])} | {problem["pointer"]}
            assert named == {pointer}, (value, problem)

    async def test_a_query_by_both_or_neither_is_refused(self, world: World):
        for body in ({"year": 2025}, NAMED | ASKED, {"year": 2025, "persons": None, "identities": None}):
            assert is_problem(await post(world, "/v1/compliance/query", encoded(body)), 422)

    @pytest.mark.parametrize("path", [path for path in COMMAND_ROUTES if path.startswith("/v1/persons")])
    @pytest.mark.parametrize("key", [None, "", " ", "two words", "x" * 129, "k,1", "k\x7f"])
    async def test_a_command_without_a_proper_key_is_refused(self, world: World, path: str, key: str | None):
        headers = world.official("100000") | ({"Idempotency-Key": key} if key is not None else {})
        body = {"year": 2025, "reason": "cheating" if path.endswith("revocation") else "illness"}
        problem = is_problem(await world.client.post(path, json=body, headers=headers), 400)
        assert problem["type"].endswith("idempotency-key-missing")


NOTICE = json.loads(
    json.dumps(yaml.safe_load((NOTICES / "liaoning_2025.yaml").read_text(encoding="utf-8")), default=str)
)
BAD_NOTICE: list[tuple[str, tuple[Any, ...]]] = [
    ("/id", ("", "两", "A B", CANARY + "\n", *NOT_TEXT, MISSING)),
    ("/title", ("", 1, None, MISSING)),
    ("/place", (*PLACES, MISSING)),
    ("/excludes", (["999999"], "210200", [1], {})),
    (
        "/years",
        ({"from": 2026, "to": 2025}, {"from": "2025"}, {"from": 0}, {"from": 10**20}, [], 2025, MISSING),
    ),
    ("/effective_from", ("2025-02-30", "yesterday", "0000-01-01", 20250101, True, [])),
    ("/clauses", ([], {}, "x", None, 1, [[]], MISSING)),
    ("/clauses/0", (None, "x", 1, [], {})),
    ("/clauses/0/id", ("", "S1 01", CANARY + "!", 1, MISSING)),
    ("/clauses/2/rules/0", (None, {}, [], {"kind": CANARY}, {"kind": 1}, {"total": 90})),
    ("/clauses/2/rules/0/total", (-1, "ninety", 1e300, "90.001", True, [], 10**30)),
    (
        "/clauses/2/rules/0/categories",
        ({}, {"Other": 1}, {"total": 1}, {f"public/{CANARY}": 1}, [], 1, {"public": -1}),
    ),
    ("/clauses/2/rules/0/extra", (CANARY,)),
    ("/extra", (CANARY, None)),
]


class TestBadNotices:
    @pytest.mark.parametrize(("pointer", "values"), BAD_NOTICE)
    async def test_each_is_refused_with_the_field_named(
        self, world: World, pointer: str, values: tuple[Any, ...]
    ):
        for value in values:
            body = encoded({"notice": changed(NOTICE, pointer, value)})
            response = await post(world, "/v1/policies", body)
            problem = is_problem(response, 422)
            assert any(error["pointer"].startswith("/notice") for error in problem["errors"]), problem
            assert any(pointer_meets(error["pointer"], f"/notice{pointer}") for error in problem["errors"]), (
                value,
                problem,
            )

    async def test_a_notice_of_another_place_is_refused(self, world: World):
        response = await world.client.post(
            "/v1/policies", json={"notice": NOTICE}, headers=world.official("140000")
        )
        assert is_problem(response, 403)["type"].endswith("outside-place")


def pointer_meets(found: str, wanted: str) -> bool:
    """Whether one of two pointers leads to the other."""
    return found.startswith(wanted) or wanted.startswith(found)
