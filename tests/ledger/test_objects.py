"""Access by object: every operation of the ledger that names one in its address, found in the OpenAPI document, asked about
somebody else's by callers who hold the scope. Nothing is told or done. Organizations and people are answered as for an
object that is not there; officials of other places may learn that it is another's place, by ids that nobody can guess.
"""

import uuid
from collections.abc import Mapping
from typing import Any

import pytest

from tests.kit.http import bearer
from tests.ledger.cases.test_claims import Desk
from tests.ledger.cases.training import held_training
from tests.ledger.test_access import BODIES, CORRECTION
from tests.ledger.world import Somebody, World
from tests.openapi import committed

SHENYANG = "210102"
CARRIED = {"departures", "arrivals"}
"""Asked by the transfer service alone, for whom it moves; `moving` has their tests."""
NAMED = {
    "person_id",
    "claim_id",
    "filing_id",
    "roster_id",
    "reference",
    "completion_id",
    "enrolment_id",
}
"""Parameters that name an object; `uscc`, `collective_id` and `anomaly_id` are tried in `answers/`, `cases/` and
`officials/`."""
SAID: Mapping[str, Any] = {
    **{name: body for name, body in BODIES.items() if name != "query"},
    "corrections": CORRECTION,
    "acceptance": None,
    "approval": None,
}
"""A good body by the last word of an address; others have a reason."""
REASONS = {
    "completions": {"reason": "refunded"},
    "enrolments": {"reason": "refunded"},
    "attestations": {"reason": "issued_in_error"},
}
OF_A_PROVIDER = {"completions", "enrolments"}
"""Found under the provider's own ids alone; an official has to name the provider."""
NO_GOOD_BODY = {"amendment", "rosters", "end"}
"""What is refused for its form before its object is looked for; the refusal is the same for every object."""


def operations() -> list[tuple[str, str]]:
    """Method and path of every operation that names an object."""
    return [
        (method.upper(), path)
        for path, item in committed("ledger")["paths"].items()
        if any("{" + name + "}" in path for name in NAMED) and path.split("/")[2] not in CARRIED
        for method in item
    ]


def scopes_of(method: str, path: str) -> set[str]:
    ways = committed("ledger")["paths"][path][method.lower()]["security"]
    return {scope for way in ways for scope in way["oauth2"]}


CALLERS: Mapping[str, Mapping[str, str]] = {
    "an official of another province": {"place": "140000"},
    "an official of another city": {"place": "211300"},
    "an official of a city that is an authority": {"place": "210200"},
    "an organization that has nothing to do with them": {"organization": "organization-far"},
    "another person, or a token bound to nobody": {},
}


class Objects:
    """What is somebody's in Shenyang, and what is not there."""

    def __init__(self, there: Mapping[str, str], absent: Mapping[str, str]) -> None:
        self.there, self.absent = there, absent


@pytest.fixture
async def objects(world: World) -> Objects:
    training = await held_training(world)
    who: Somebody = await world.collects(SHENYANG)
    uploaded = await training.uploads(training.row(who, "row-1"))
    assert uploaded.status_code == 201, uploaded.text
    claim = await Desk(world).submits(who)
    assert claim.status_code == 201, claim.text
    attested = await world.client.post(
        "/v1/attestations",
        json={"person_id": who.person_id, "year": 2025, "purpose": "exam_entry"},
        headers=bearer("attestation:issue", place=SHENYANG) | {"Idempotency-Key": str(uuid.uuid4())},
    )
    assert attested.status_code == 201, attested.text
    reference = attested.json()["reference"]
    return Objects(
        {
            "person_id": who.person_id,
            "claim_id": claim.json()["claim_id"],
            "filing_id": training.filing_id,
            "roster_id": uploaded.json()["roster_id"],
            "reference": reference,
            "completion_id": "completion-1",
            "enrolment_id": "enrolment-1",
            "credit_id": "credit-1",
            "year": "2025",
        },
        {
            "person_id": "person-999999",
            "claim_id": str(uuid.uuid4()),
            "filing_id": str(uuid.uuid4()),
            "roster_id": f"{uuid.uuid4()}-1",
            "reference": f"{reference[:7]}{'0' * 24}",
            "completion_id": "completion-9",
            "enrolment_id": "enrolment-9",
            "credit_id": "credit-9",
            "year": "2025",
        },
    )


async def told(world: World, method: str, path: str, named: Mapping[str, str], headers: Any) -> Any:
    """The status and the problem of an answer, less what is the request's own."""
    word, kind = path.rpartition("/")[2], path.split("/")[2]
    body = (
        None
        if method == "GET"
        else {}
        if path == "/v1/rosters/{roster_id}/approval"
        else REASONS.get(kind) or SAID.get(word, {"reason": "other"})
    )
    answer = await world.client.request(
        method,
        path.format_map(named),
        json=body,
        headers={**headers, "Idempotency-Key": str(uuid.uuid4())},
    )
    shown = answer.json()
    return answer.status_code, {name: shown.get(name) for name in ("type", "title", "errors", "pointer")}


@pytest.mark.parametrize("caller", CALLERS)
async def test_nothing_is_told_nor_done_of_what_is_somebody_elses(
    world: World, objects: Objects, caller: str
) -> None:
    before, wrong = await world.count_events(), []
    for method, path in operations():
        headers = bearer(*scopes_of(method, path), subject="somebody-else", **CALLERS[caller])
        there = await told(world, method, path, objects.there, headers)
        absent = await told(world, method, path, objects.absent, headers)
        formless = path.rpartition("/")[2] in NO_GOOD_BODY or path.split("/")[2] in OF_A_PROVIDER
        good = there[0] in (403, 404) or (formless and there == absent and there[0] == 422)
        if not good or (there != absent and "place" not in CALLERS[caller]):
            wrong.append((method, path, there, absent))
    assert wrong == [], "\n".join(map(str, wrong))
    assert await world.count_events() == before
