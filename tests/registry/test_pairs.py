"""Two commands on one fact at the same moment: whatever was decided because something was not there is decided again.

The cases are a list. Each prepares two requests; both have decided before either writes, and of the two one is refused, or
both are answered as the same.
"""

import uuid
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, NamedTuple

import httpx
import pytest

from services.kit.command import Question
from services.registry.accounts.accounts import ASKED_FOR
from services.registry.moves.handover import ARRIVING_BY
from services.registry.organizations.organizations import CODE, EVALUATED, HANDED_IN
from services.registry.people.merges import OPEN
from services.registry.people.personal_commands import HOLDER
from tests.kit.races import at_once, confirmations, declared_questions
from tests.registry.offices import ONLINE_PLAN, SHANXI, Offices
from tests.registry.scenarios import CHAOYANG, SHUANGTA, collection_of, somebody, uscc

Request = Coroutine[Any, Any, httpx.Response]
Given = Callable[[Offices], Awaitable[tuple[Request, Request]]]


class Pair(NamedTuple):
    """Two requests, the status of the one that is carried out, and those that the other may be answered with.

    `asks` is the question on which they meet, `same` the member of both answers that is one and the same, when neither is
    refused; of a pair with `one_row` both change the same row.
    """

    given: Given
    done: int
    other: frozenset[int]
    asks: Question | None
    same: str | None
    one_row: bool


PAIRS: list[Pair] = []


def pair(
    done: int, *other: int, asks: Question | None = None, same: str | None = None, one_row: bool = False
) -> Callable[[Given], Given]:
    """Put a pair on the list."""

    def listed(given: Given) -> Given:
        PAIRS.append(Pair(given, done, frozenset(other), asks, same, one_row))
        return given

    return listed


def twice(offices: Offices, path: str, *bodies: Any, **who: Any) -> tuple[Request, Request]:
    first, second = bodies if len(bodies) == 2 else (bodies[0], bodies[0])
    return offices.call("POST", path, body=first, **who), offices.call("POST", path, body=second, **who)


@pair(201, 409, asks=HOLDER)
async def collections_of_one_number(offices: Offices) -> tuple[Request, Request]:
    human = somebody()
    return twice(offices, "/v1/collections", collection_of(human))


@pair(201, 409, 422, asks=HOLDER)
async def a_collection_and_a_table_with_the_same_person(offices: Offices) -> tuple[Request, Request]:
    human = somebody()
    table = f"证件号码,姓名,地区代码\n{human.id_number},{human.name},{SHUANGTA}\n".encode()
    return (
        offices.call("POST", "/v1/collections", body=collection_of(human)),
        offices.send("/v1/collections/bulk", table, "text/csv"),
    )


@pair(201, 409, asks=OPEN)
async def changes_of_one_person(offices: Offices) -> tuple[Request, Request]:
    person_id = (await offices.collected(somebody()))["person_id"]
    bodies = ({"items": {"working_since": "2018-07-01"}}, {"items": {"left_on": "2025-01-01"}})
    return twice(offices, f"/v1/persons/{person_id}/changes", *bodies)


@pair(200, 409, asks=HOLDER)
async def changes_to_one_document(offices: Offices) -> tuple[Request, Request]:
    document = {"id_document": somebody().document}
    cases = [await offices.change_of(somebody(), document) for _ in range(2)]
    review = {"body": {"decision": "approve"}, "subject": "official-2"}
    first, second = (f"/v1/changes/{case}/review" for case in cases)
    return offices.call("POST", first, **review), offices.call("POST", second, **review)


@pair(201, 409, asks=CODE)
async def organizations_of_one_code(offices: Offices) -> tuple[Request, Request]:
    body = {"name": "示例", "uscc": uscc(), "kind": "employer", "place": CHAOYANG}
    return twice(offices, "/v1/organizations", body)


@pair(201, 409)
async def filings_of_one_place(offices: Offices) -> tuple[Request, Request]:
    path = f"/v1/organizations/{await offices.registers()}/accreditations"
    body = {"place": SHANXI, "years": [2027], "modes": ["online"]}
    return twice(offices, path, body, place=SHANXI)


@pair(201, 409, asks=HANDED_IN)
async def plans_of_one_year(offices: Offices) -> tuple[Request, Request]:
    own = await offices.trains()
    who = {"place": None, "organization": own, "subject": f"client-of-{own}"}
    return twice(offices, f"/v1/organizations/{own}/plans/online", ONLINE_PLAN, **who)


@pair(201, 409, asks=EVALUATED)
async def evaluations_of_one_period(offices: Offices) -> tuple[Request, Request]:
    path = f"/v1/organizations/{await offices.trains()}/evaluations"
    scores = [{"criterion": "service", "points": 1, "points_max": 2}]
    body = {"place": SHANXI, "period_from": "2026-01-01", "period_to": "2026-06-30", "scores": scores}
    return twice(offices, path, body, place=SHANXI)


@pair(201, 201, asks=ASKED_FOR, same="request_id")
async def account_requests_for_the_same_scopes(offices: Offices) -> tuple[Request, Request]:
    path = f"/v1/organizations/{await offices.registers('employer')}/account-requests"
    bodies = (
        {"scopes": ["compliance:read", "claim:submit"]},
        {"scopes": ["claim:submit", "compliance:read"]},
    )
    return twice(offices, path, *bodies, place=SHANXI)


@pair(201, 409, one_row=True)
async def grants_of_one_request(offices: Offices) -> tuple[Request, Request]:
    path = f"/v1/organizations/{await offices.registers('employer')}/account-requests"
    request_id = (await offices.done(path, {"scopes": ["compliance:read"]}))["request_id"]
    return twice(offices, f"/v1/account-requests/{request_id}/grant", None, place=SHANXI)


@pair(200, 200, same="client_id", one_row=True)
async def rotations_of_one_secret(offices: Offices) -> tuple[Request, Request]:
    client = await offices.done("/v1/clients", {"scopes": ["collection:review"], "place": SHANXI})
    body = {"overlap_hours": 1}
    path = f"/v1/clients/{client['client_id']}/rotation"
    return twice(offices, path, body, place=SHANXI)


@pair(200, 410, one_row=True)
async def erasures_of_one_person(offices: Offices) -> tuple[Request, Request]:
    person_id = (await offices.collected(somebody()))["person_id"]
    body = {"reason": "own_request", "authority": CHAOYANG}
    return twice(offices, f"/v1/persons/{person_id}/erasure", body)


@pair(200, 200, asks=ARRIVING_BY, same="person_id")
async def arrivals_by_one_transfer(offices: Offices) -> tuple[Request, Request]:
    path = f"/v1/arriving-people/{uuid.uuid4()}"
    body = {"person": somebody().body, "place": SHUANGTA, "employer": None, "student": False}
    who: dict[str, Any] = {"body": body, "place": None, "subject": "service:transfer"}
    return (
        offices.call("PUT", path, "transfer:carry", **who),
        offices.call("PUT", path, "transfer:carry", **who),
    )


@pytest.mark.parametrize("pair", PAIRS, ids=[each.given.__name__ for each in PAIRS])
async def test_of_two_at_the_same_moment_one_is_refused_or_both_are_the_same(
    offices: Offices, monkeypatch: pytest.MonkeyPatch, pair: Pair
) -> None:
    requests = await pair.given(offices)
    with confirmations(monkeypatch) as confirmed:
        answers = await at_once(monkeypatch, *requests, one_row=pair.one_row)
    done, other = sorted(answer.status_code for answer in answers)
    assert done == pair.done, [each.text for each in answers]
    assert other in pair.other, [each.text for each in answers]
    assert pair.asks is None or pair.asks in confirmed
    if pair.same is not None:
        first, second = (answer.json()[pair.same] for answer in answers)
        assert first == second


def test_two_meet_on_every_question_that_is_asked() -> None:
    assert declared_questions("registry") == {each.asks for each in PAIRS} - {None}
