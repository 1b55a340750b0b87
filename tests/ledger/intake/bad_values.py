"""Faults of a value of each kind, and how an answer to it must look: shared by the tests of bad input."""

import json
import math
from typing import Any

import httpx

from services.cli.demo import fictitious
from tests.ledger.world import Provider, World

LIAONING = "210000"
SOMEBODY = fictitious.person(77)
CANARY = "zq-canary-7319"
"""Put wherever a caller may write; no answer may hold it."""
LONE = "\ud83d"
MISSING = object()
RECORD_ROUTES = ("completions", "enrolments", "exam-passes")
COMMAND_ROUTES = (
    "/v1/completions/c-1/withdrawal",
    "/v1/enrolments/e-1/withdrawal",
    "/v1/compliance/query",
    "/v1/persons/person-1/credits/credit-1/revocation",
    "/v1/persons/person-1/exemptions",
    "/v1/policies",
)
NOT_TEXT = (17, True, [], {}, None)


IDS = (
    "",
    "a" * 65,
    "two words",
    "x\n",
    "c\uff11\uff12",
    f"../{CANARY}",
    "-x",
    "c-\u0000",
    f"c{LONE}",
    *NOT_TEXT,
)
ID_NUMBERS = (
    SOMEBODY.id_number[:-1] + ("0" if SOMEBODY.id_number[-1] != "0" else "1"),
    SOMEBODY.id_number[:-1],
    SOMEBODY.id_number[:6] + "99991231" + SOMEBODY.id_number[14:],
    SOMEBODY.id_number[:6] + "00000000" + SOMEBODY.id_number[14:],
    "00" + SOMEBODY.id_number[2:],
    "\u0000" * 18,
    LONE * 18,
    "9" * 100_000,
    f"{CANARY}",
    int(SOMEBODY.id_number[:15]),
    *NOT_TEXT,
)
YEARS = (
    "2025", 2025.5, True, None, [], {}, 0, -1, 1999, 2101, 9999, 10**30, 1e300, float("nan"), float("inf"),
    "２０２５", "this year", CANARY,
)  # fmt: skip
CREDITS = (
    90, 90.0, 1e5, -1, 90.001, float("nan"), float("inf"), "90.001", "-1.00", "1e5", "9,000", "９０.００", "90.", ".5",
    "00.50", "+30", " 30", "30\n", "10000.00", "NaN", "Infinity", "30.00\u0000", "0x1E", "", *NOT_TEXT,
)  # fmt: skip
MOMENTS = (
    "2025-05-20T10:00:00", "2025-05-20", "0000-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59Z", "9999-12-31T23:59:59-14:00", "10000-01-01T00:00:00Z", "1989-12-31T23:59:59Z",
    "2025-02-29T10:00:00Z", "2025-05-20T25:00:00Z", "2025-05-20T10:00:00+99:00", "2025-05-20T10:00:00Z\n",
    "２０２５-05-20T10:00:00Z", "yesterday", f"2025-05-20T10:00:00Z{CANARY}", "", 1747706400, 1747706400.5, "1747706400",
    True, [], {},
)  # fmt: skip
DAYS = (
    "2025-5-1", "2025-02-30", "0000-01-01", "20250501", "2025-05-01T00:00:00Z", "２０２５-05-01", "2025-05-01\n",
    "tomorrow", "", 20250501, 1747706400, True, [], {},
)  # fmt: skip
PLACES = (
    "999999",
    "21000",
    "2100000",
    "２１００００",
    "210000\n",
    "000000",
    " 210000",
    CANARY,
    210000,
    True,
    [],
    {},
)
WORDS = ("", "Online", "radio", "online\n", CANARY, *NOT_TEXT)
PATHS = ("", "Public", "public\n", "/public", "public/", "a//b", "a/b/c/d/e", f"public/{CANARY}", *NOT_TEXT)
TEXTS = ("", "x" * 201, "a\nb", "a\u0000b", LONE, "\x7f", 17, True, [], {})


def is_not_json(value: Any) -> bool:
    """Whether no JSON text can hold the value: the body that tries is refused whole, with the place named."""
    if isinstance(value, float):
        return not math.isfinite(value)
    return isinstance(value, str) and LONE in value


def encoded(body: Any) -> bytes:
    """JSON as careless clients write it: NaN, Infinity and lone surrogates included."""
    return json.dumps(body).encode()


def says_nothing(text: str, value: Any = None) -> None:
    """An answer repeats neither the person nor what was wrong."""
    assert SOMEBODY.id_number not in text
    assert SOMEBODY.name not in text
    assert CANARY not in text
    if isinstance(value, str) and len(value) >= 4:
        assert value not in text
        assert json.dumps(value)[1:-1] not in text


def is_problem(response: httpx.Response, *statuses: int) -> dict[str, Any]:
    """A refusal as RFC 9457 has it, of one of the statuses."""
    assert response.status_code in (statuses or range(400, 500)), response.text[:300]
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert body["type"].startswith("urn:xuefen:problem:")
    assert body["status"] == response.status_code
    says_nothing(response.text)
    return body


async def post(world: World, path: str, body: bytes, **headers: str) -> httpx.Response:
    """Post raw bytes with a token that may do everything."""
    caller = Provider(world, "organization-9999").headers("completion:write", "enrolment:write")
    if not path.endswith(RECORD_ROUTES) and "/withdrawal" not in path:
        caller = world.official("100000")
    sent = caller | {"Content-Type": "application/json", "Idempotency-Key": "k-1"} | headers
    return await world.client.post(path, content=body, headers=sent)
