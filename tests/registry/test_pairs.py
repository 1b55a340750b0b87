"""Two commands on one fact at the same moment: whatever was decided because something was not there is decided again.

The cases are a list. Each prepares two requests; both have decided before either writes, and of the two one is refused, or
both are answered as the same.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

import httpx
import pytest

from services.kit.command import UnitOfWork
from tests.registry.offices import ONLINE_PLAN, SHANXI, Offices
from tests.registry.scenarios import CHAOYANG, SHUANGTA, collection_of, somebody, uscc

Request = Callable[[], Awaitable[httpx.Response]]


class Pair(NamedTuple):
    """Two requests, the status of the one that is carried out, and those that the other may be answered with."""

    requests: tuple[Request, Request]
    done: int
    other: set[int]
    same: str | None = None
    """The member of both answers that is one and the same, when neither is refused."""


@contextmanager
def both_decided(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The first two units of work are written when both have decided."""
    commit = UnitOfWork.commit
    barrier = asyncio.Barrier(2)
    left = [2]

    async def together(unit: UnitOfWork) -> object:
        if left[0] and unit.new_events:
            left[0] -= 1
            # A decision that locks a row makes the other one wait for it: then the first goes on alone.
            with suppress(TimeoutError, asyncio.BrokenBarrierError):
                async with asyncio.timeout(1):
                    await barrier.wait()
        return await commit(unit)

    with monkeypatch.context() as patch:
        patch.setattr(UnitOfWork, "commit", together)
        yield


def twice(offices: Offices, path: str, *bodies: Any, **who: Any) -> tuple[Request, Request]:
    first, second = bodies if len(bodies) == 2 else (bodies[0], bodies[0])
    return (
        lambda: offices.call("POST", path, body=first, **who),
        lambda: offices.call("POST", path, body=second, **who),
    )


async def collections_of_one_number(offices: Offices) -> Pair:
    human = somebody()
    return Pair(twice(offices, "/v1/collections", collection_of(human)), 201, {409})


async def a_collection_and_a_table_with_the_same_person(offices: Offices) -> Pair:
    human = somebody()
    table = f"证件号码,姓名,地区代码\n{human.id_number},{human.name},{SHUANGTA}\n".encode()
    return Pair(
        (
            lambda: offices.call("POST", "/v1/collections", body=collection_of(human)),
            lambda: offices.send("/v1/collections/bulk", table, "text/csv"),
        ),
        201,
        {409, 422},
    )


async def changes_of_one_person(offices: Offices) -> Pair:
    person_id = (await offices.collected(somebody()))["person_id"]
    bodies = ({"items": {"working_since": "2018-07-01"}}, {"items": {"left_on": "2025-01-01"}})
    return Pair(twice(offices, f"/v1/persons/{person_id}/changes", *bodies), 201, {409})


async def changes_to_one_document(offices: Offices) -> Pair:
    document = {"id_document": somebody().document}
    cases = [await offices.change_of(somebody(), document) for _ in range(2)]
    review = {"body": {"decision": "approve"}, "subject": "official-2"}
    first, second = (f"/v1/changes/{case}/review" for case in cases)
    return Pair(
        (
            lambda: offices.call("POST", first, **review),
            lambda: offices.call("POST", second, **review),
        ),
        200,
        {409},
    )


async def organizations_of_one_code(offices: Offices) -> Pair:
    body = {"name": "示例", "uscc": uscc(), "kind": "employer", "place": CHAOYANG}
    return Pair(twice(offices, "/v1/organizations", body), 201, {409})


async def filings_of_one_place(offices: Offices) -> Pair:
    path = f"/v1/organizations/{await offices.registers()}/accreditations"
    body = {"place": SHANXI, "years": [2027], "modes": ["online"]}
    return Pair(twice(offices, path, body, place=SHANXI), 201, {409})


async def plans_of_one_year(offices: Offices) -> Pair:
    own = await offices.trains()
    who = {"place": None, "organization": own, "subject": f"client-of-{own}"}
    return Pair(twice(offices, f"/v1/organizations/{own}/plans/online", ONLINE_PLAN, **who), 201, {409})


async def evaluations_of_one_period(offices: Offices) -> Pair:
    path = f"/v1/organizations/{await offices.trains()}/evaluations"
    scores = [{"criterion": "service", "points": 1, "points_max": 2}]
    body = {"place": SHANXI, "period_from": "2026-01-01", "period_to": "2026-06-30", "scores": scores}
    return Pair(twice(offices, path, body, place=SHANXI), 201, {409})


async def account_requests_for_the_same_scopes(offices: Offices) -> Pair:
    path = f"/v1/organizations/{await offices.registers('employer')}/account-requests"
    bodies = (
        {"scopes": ["compliance:read", "claim:submit"]},
        {"scopes": ["claim:submit", "compliance:read"]},
    )
    return Pair(twice(offices, path, *bodies, place=SHANXI), 201, {201}, same="request_id")


async def grants_of_one_request(offices: Offices) -> Pair:
    path = f"/v1/organizations/{await offices.registers('employer')}/account-requests"
    request_id = (await offices.done(path, {"scopes": ["compliance:read"]}))["request_id"]
    return Pair(twice(offices, f"/v1/account-requests/{request_id}/grant", None, place=SHANXI), 201, {409})


async def rotations_of_one_secret(offices: Offices) -> Pair:
    client = await offices.done("/v1/clients", {"scopes": ["collection:review"], "place": SHANXI})
    body = {"overlap_hours": 1}
    path = f"/v1/clients/{client['client_id']}/rotation"
    return Pair(twice(offices, path, body, place=SHANXI), 200, {200}, same="client_id")


async def erasures_of_one_person(offices: Offices) -> Pair:
    person_id = (await offices.collected(somebody()))["person_id"]
    body = {"reason": "own_request", "authority": CHAOYANG}
    return Pair(twice(offices, f"/v1/persons/{person_id}/erasure", body), 200, {410})


CASES = (
    collections_of_one_number,
    a_collection_and_a_table_with_the_same_person,
    changes_of_one_person,
    changes_to_one_document,
    organizations_of_one_code,
    filings_of_one_place,
    plans_of_one_year,
    evaluations_of_one_period,
    account_requests_for_the_same_scopes,
    grants_of_one_request,
    rotations_of_one_secret,
    erasures_of_one_person,
)


@pytest.mark.parametrize("prepare", CASES, ids=lambda case: case.__name__)
async def test_of_two_at_the_same_moment_one_is_refused_or_both_are_the_same(
    offices: Offices,
    monkeypatch: pytest.MonkeyPatch,
    prepare: Callable[[Offices], Awaitable[Pair]],
) -> None:
    pair = await prepare(offices)
    with both_decided(monkeypatch):
        answers = await asyncio.gather(*(request() for request in pair.requests))
    done, other = sorted(answer.status_code for answer in answers)
    assert done == pair.done, [each.text for each in answers]
    assert other in pair.other, [each.text for each in answers]
    if pair.same is not None:
        first, second = (answer.json()[pair.same] for answer in answers)
        assert first == second
