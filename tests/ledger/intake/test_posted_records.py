"""Enrolments and exam passes read back by who posted them: waiting, registered, taken back or refused."""

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from tests.ledger.moving.mover import LIAONING, LISTED, SHENYANG
from tests.ledger.world import Provider, World


@pytest.fixture
async def provider(world: World) -> Provider:
    world.now = datetime(2025, 6, 1, 4, tzinfo=UTC)
    return await world.provides(LISTED, accredited=[LIAONING])


def enrolment(person: Any, record_id: str, **fields: Any) -> dict[str, Any]:
    who = {"id_type": "resident_id", "id_number": person.id_number, "name": person.name}
    return {
        "id": record_id,
        "person": who,
        "year": 2025,
        "mode": "online",
        "enrolled_on": "2025-05-01",
    } | fields


async def ask(provider: Provider, path: str, **asked: str) -> httpx.Response:
    return await provider.world.client.get(f"/v1/{path}", headers=provider.headers(), params=asked)


async def read(provider: Provider, path: str) -> dict[str, Any]:
    response = await ask(provider, path)
    assert response.status_code == 200, response.text
    record: dict[str, Any] = response.json()
    return record


async def test_an_enrolment_is_followed_from_waiting_to_its_withdrawal(
    world: World, provider: Provider
) -> None:
    person = world.stranger()
    await provider.posts(enrolment(person, "e-1", tier="junior"), to="enrolments")
    held = await read(provider, "enrolments/e-1")
    assert (held["state"], held["reason"], held["person_id"]) == ("held", "not_collected", None)
    assert held["posted"] == {"year": 2025, "mode": "online", "enrolled_on": "2025-05-01", "tier": "junior"}
    who = await world.collects(SHENYANG, person=person)
    registered = await read(provider, "enrolments/e-1")
    assert (registered["state"], registered["person_id"]) == ("registered", who.person_id)
    assert registered["posted"] == held["posted"]
    await provider.withdraws("e-1", kind="enrolments")
    withdrawn = await read(provider, "enrolments/e-1")
    assert (withdrawn["state"], withdrawn["reason"]) == ("withdrawn", "reported_in_error")
    assert [step["what"] for step in withdrawn["history"]] == ["held", "registered", "withdrawn"]


async def test_an_exam_pass_is_what_was_posted_and_where_it_stands(world: World, provider: Provider) -> None:
    who = await world.collects(SHENYANG)
    record = {"id": "x-1", "person": who.identity, "year": 2025, "passed_at": "2025-05-30T10:00:00+08:00"}
    await provider.posts(record, to="exam-passes")
    found = await read(provider, "exam-passes/x-1")
    assert (found["state"], found["person_id"], found["log"]) == ("registered", who.person_id, LIAONING)
    assert found["posted"] == {"year": 2025, "passed_at": "2025-05-30T02:00:00Z", "of": "exam"}


async def test_who_did_not_post_it_finds_nothing(world: World, provider: Provider) -> None:
    await provider.posts(enrolment(world.stranger(), "e-1"), to="enrolments")
    other = await world.provides("东北财经大学", accredited=[LIAONING])
    for asking, path in (
        (other, "enrolments/e-1"),
        (provider, "enrolments/e-2"),
        (provider, "exam-passes/e-1"),
    ):
        assert (await ask(asking, path)).status_code == 404
    assert (await ask(provider, "enrolments/e-1", authority="219999")).status_code == 422
    official = world.official(LIAONING, "enrolment:write")
    assert (await world.client.get("/v1/enrolments/e-1", headers=official)).status_code == 403
