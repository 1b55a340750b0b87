"""Access: every route of the transfer service, tried by officials of every kind of place, by organizations, by
people and by portals. The expectations are written out here and do not use the rules of the service."""

import re
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from services.cli.demo.fictitious import uscc
from tests.kit.http import bearer
from tests.openapi import committed
from tests.transfer.process.journeys import accepted_out, approved, arrival_of, received, requested_out
from tests.transfer.scenarios import FORMER_EMPLOYER, registered
from tests.transfer.world import CLERK, World, request_body

ROUTES = sorted(
    f"{method.upper()} {path}" for path, item in committed("transfer")["paths"].items() for method in item
)
ALL = ("transfer:request", "transfer:review", "statistics:read", "feed:read")

# The origin's county, city and province; the destination's; neighbours; Dalian, which is not Liaoning's; the nation.
ORIGINS = {"211302", "211300", "210000", "100000"}
DESTINATIONS = {"211303", "211300", "210000", "100000"}
FAR = {"140105", "140100", "140000", "100000"}
OFFICIALS = sorted(ORIGINS | DESTINATIONS | FAR | {"210200", "210100", "660000"})
PERSON, UNBOUND, PORTAL, EMPLOYER, NEW_EMPLOYER, STRANGER = (
    "the person",
    "a namesake of who asked, bound to nothing",
    "a portal",
    "the employer",
    "the employer that the request names",
    "a stranger",
)
CALLERS = (*OFFICIALS, PERSON, UNBOUND, PORTAL, EMPLOYER, NEW_EMPLOYER, STRANGER)

Prepared = Callable[[World], Awaitable[str]]


async def person_of(world: World, transfer_id: str) -> str:
    view = await world.get(f"/v1/transfers/{transfer_id}", by=CLERK)
    return str(view.json()["person_id"])


async def a_person(world: World) -> str:
    return await world.person()


async def requested(world: World) -> str:
    return await world.requested()


async def accepted(world: World) -> str:
    return await world.accepted()


async def arrived(world: World) -> str:
    return arrival_of(await received(world))


async def approved_in(world: World) -> str:
    return arrival_of(await approved(world))


async def nothing(world: World) -> str:
    return ""


REFUSAL = {"reason": "other"}
ROUND_THE_PERSON = {PERSON}
TABLE: dict[str, tuple[str, Prepared, Any, set[str]]] = {
    "within: POST /v1/transfers/{transfer_id}/acceptance": ("acceptance", requested, None, ORIGINS),
    "within: POST /v1/transfers/{transfer_id}/approval": ("approval", accepted, None, DESTINATIONS),
    "within: POST /v1/transfers/{transfer_id}/refusal": ("refusal", accepted, REFUSAL, DESTINATIONS),
    "within: POST /v1/transfers/{transfer_id}/withdrawal": (
        "withdrawal",
        requested,
        None,
        ORIGINS | ROUND_THE_PERSON,
    ),
    "within: GET /v1/transfers/{transfer_id}": (
        "",
        requested,
        None,
        ORIGINS | DESTINATIONS | ROUND_THE_PERSON,
    ),
    "out: POST /v1/transfers/{transfer_id}/acceptance": ("acceptance", requested_out, None, ORIGINS),
    "out: POST /v1/transfers/{transfer_id}/refusal": ("refusal", requested_out, REFUSAL, ORIGINS),
    "out: POST /v1/transfers/{transfer_id}/withdrawal": (
        "withdrawal",
        requested_out,
        None,
        ORIGINS | ROUND_THE_PERSON,
    ),
    "out: GET /v1/transfers/{transfer_id}": ("", accepted_out, None, ORIGINS | ROUND_THE_PERSON),
    "in: POST /v1/transfers/{transfer_id}/approval": ("approval", arrived, None, FAR),
    "in: POST /v1/transfers/{transfer_id}/refusal": ("refusal", arrived, REFUSAL, FAR),
    "in: POST /v1/transfers/{transfer_id}/confirmation": (
        "confirmation",
        approved_in,
        None,
        {PERSON},
    ),
    "in: GET /v1/transfers/{transfer_id}": ("", arrived, None, FAR | {PERSON}),
}
"""Each step of each kind: what is asked about, and who may."""
ELSEWHERE = {
    "POST /v1/transfers": "test_who_may_ask",
    "GET /v1/transfers": "test_reading",
    "GET /v1/persons/{person_id}/transfers": "test_a_person_s_transfers",
    "GET /v1/statistics/transfers": "test_statistics",
    "GET /v1/logs": "test_feed",
    "GET /v1/audit": "tests/ledger/answers/test_audit.py, the same routes",
    "GET /v1/my-readings": "the same",
    "GET /v1/logs/{log}/feed": "test_feed",
}


def who_is(caller: str, person_id: str) -> dict[str, str]:
    if caller in OFFICIALS:
        return bearer(*ALL, place=caller, subject=f"official-of-{caller}")
    return {
        PERSON: bearer(*ALL, subject=person_id),
        UNBOUND: bearer(*ALL, subject="clerk-n"),
        PORTAL: bearer(*ALL, "transfer:confirm", subject="national-portal"),
        EMPLOYER: bearer(*ALL, subject="firm-client", organization="firm-x"),
        NEW_EMPLOYER: bearer(*ALL, subject="new-client", organization="firm-y"),
        STRANGER: bearer(*ALL, subject="stranger"),
    }[caller]


def test_every_route_is_in_a_table() -> None:
    """A new route says here, or in its own test, who may use it."""
    assert {route.partition(": ")[2] for route in TABLE} | set(ELSEWHERE) == set(ROUTES)


@pytest.mark.parametrize("route", sorted(TABLE))
async def test_who_may_use_it(route: str, world: World) -> None:
    """Those who may not are asked first: no state of the case can have refused them."""
    step, prepare, body, allowed = TABLE[route]
    transfer_id = await prepare(world)
    async with world.transfers.database.acquire() as conn:
        person_id = await conn.fetchval(
            "select person_id from transfers where log = 'transfer' and transfer_id = $1", transfer_id
        )
    path = f"/v1/transfers/{transfer_id}" + (f"/{step}" if step else "")
    wrong = []
    for caller in sorted(CALLERS, key=lambda each: each in allowed):
        by = who_is(caller, person_id)
        answer = await (world.post(path, body, by=by) if step else world.get(path, by=by))
        assert answer.status_code < 500, (caller, answer.text)
        seen = "refused" if answer.status_code in (401, 403, 404) else "allowed"
        expected = "allowed" if caller in allowed else "refused"
        if answer.status_code == 422 or seen != expected:
            wrong.append((caller, expected, answer.status_code, answer.text[:120]))
    assert not wrong, "\n".join(map(str, wrong))


@pytest.mark.parametrize("caller", CALLERS)
async def test_who_may_ask(caller: str, world: World) -> None:
    """S2C-10: the person, the employer that the registry knows, and officials of where they are; nobody else."""
    await world.learn(registered("firm-x", FORMER_EMPLOYER), registered("firm-y", uscc(1)))
    person_id = await world.person()
    answer = await world.post("/v1/transfers", request_body(person_id), by=who_is(caller, person_id))
    assert (answer.status_code != 403) == (caller in ORIGINS | {PERSON, EMPLOYER})


@pytest.mark.parametrize("caller", CALLERS)
async def test_a_person_s_transfers(caller: str, world: World) -> None:
    """S2C-11: the person sees them all; others those they may see one by one."""
    transfer_id = await world.requested()
    person_id = await person_of(world, transfer_id)
    by = who_is(caller, person_id)
    answer = await world.get(f"/v1/persons/{person_id}/transfers", by=by)
    seen = [each["transfer_id"] for each in answer.json()["items"]]
    may = ORIGINS | DESTINATIONS | {PERSON}
    assert seen == ([transfer_id] if caller in may else [])


@pytest.mark.parametrize("route", ROUTES)
async def test_nobody_gets_in_without_a_token_or_a_scope(route: str, world: World) -> None:
    method, _, path = route.partition(" ")
    path = re.sub(r"\{[a-z_]+\}", "00000000-0000-4000-8000-000000000000", path)
    for by, status in (({}, 401), (bearer("nothing:read", place="100000"), 403)):
        answer = await world.client.request(method, path, headers=by, json=None if method == "GET" else {})
        assert answer.status_code == status, answer.text
