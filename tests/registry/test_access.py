"""Access: every route of the registry, tried by officials of every kind of place and by organizations.

The expectations are written out here, place by place, and do not use the rules of the services.
"""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI

from tests.openapi import committed
from tests.registry.callers import (
    CALLERS,
    COVERING,
    NOBODY,
    OFFICIALS,
    OWN,
    STRANGER,
    Asked,
    Prepared,
    Rule,
    anybody,
    covering,
    covering_or_own,
    issuing,
    nation,
    nobody,
    officials,
    officials_or_own,
    officials_or_services,
    own,
    people_alone,
)
from tests.registry.ground import LATER, SCORES, Ground
from tests.registry.offices import FACE_TO_FACE_PLAN, ONLINE_PLAN, REPORT
from tests.registry.scenarios import Registry, collection_of, somebody, uscc

DOCUMENT = committed("registry")
ROUTES = sorted(
    f"{method.upper()} {path}"
    for path, item in DOCUMENT["paths"].items()
    for method in item
    if method != "parameters"
)
OPEN = {"POST /oauth/token", "GET /.well-known/jwks.json"}
SCOPES = sorted(set(re.findall(r'"([a-z]+:[a-z]+)"', repr(DOCUMENT).replace("'", '"'))) - {"collection:own"})


def at(path: str, body: Any = None) -> Prepared:
    """An address of the ground itself: `{own}` is its organization, `{place}` its place."""

    async def prepare(ground: Ground) -> Asked:
        filled = {"place": ground.place, "own": ground.own}
        said = {key: ground.place if value == "{place}" else value for key, value in (body or {}).items()}
        return path.format(**filled), None if body is None else said

    return prepare


def of(make: Callable[[Ground], Awaitable[str]], suffix: str = "", body: Any = None) -> Prepared:
    """An address under something made for this route alone."""

    async def prepare(ground: Ground) -> Asked:
        said = body(ground) if callable(body) else body
        return await make(ground) + suffix, said

    return prepare


async def person(ground: Ground) -> str:
    return f"/v1/persons/{(await ground.collected())['person_id']}"


async def departing(ground: Ground) -> str:
    return f"/v1/departing-people/{(await ground.collected())['person_id']}"


async def arriving(ground: Ground) -> str:
    """The address of somebody who was taken in for a transfer."""
    path, body = await arrival(ground)
    taken = await ground.registry.call("PUT", path, body=body, place=None, subject="service:transfer")
    assert taken.status_code == 200, taken.text
    return path


async def arrival(ground: Ground) -> Asked:
    body = {"person": somebody().body, "place": ground.place, "employer": None, "student": True}
    return f"/v1/arriving-people/{uuid4()}", body


async def collection(ground: Ground) -> str:
    return f"/v1/collections/{(await ground.submitted())['collection_id']}"


async def half_reviewed(ground: Ground) -> str:
    path = await collection(ground)
    await ground.did(f"{path}/initial-review", {"decision": "pass"})
    return path


async def worklist_case(ground: Ground) -> str:
    return f"/v1/worklists/cases/{(await ground.submitted())['collection_id']}"


async def own_case(ground: Ground) -> str:
    return f"/v1/my-cases/{await ground.own_case()}"


async def pending_change(ground: Ground) -> str:
    return await ground.changed()


async def returned_change(ground: Ground) -> str:
    return await ground.changed({"decision": "return", "reason": "documents_unclear"})


async def approved_change(ground: Ground) -> str:
    return await ground.changed({"decision": "approve"})


async def filed_alone(ground: Ground) -> str:
    return await ground.filed(published=False)


async def disqualified(ground: Ground) -> str:
    path = await ground.filed()
    lost = {"place": ground.place, "from_date": "2026-05-01", "reason": "quality"}
    await ground.did(f"{path}/disqualification", lost)
    return path


async def submission(ground: Ground) -> Asked:
    return "/v1/collections", collection_of(somebody(), place=ground.place, employer=ground.uscc)


async def registration(ground: Ground) -> Asked:
    body = {"name": "示例", "uscc": uscc(), "kind": "employer", "place": ground.place}
    return "/v1/organizations", body


async def identity_check(ground: Ground) -> Asked:
    return "/v1/identity-checks", {"persons": [somebody().body]}


async def masked(ground: Ground) -> Asked:
    """Likewise."""
    return "/v1/masked-names", {"person_ids": [(await ground.collected())["person_id"]]}


async def disclosure(ground: Ground) -> Asked:
    """Who is nobody of the caller's is told nothing of, but not refused."""
    person_id = (await ground.collected())["person_id"]
    return "/v1/disclosures", {"purpose": "delivery", "recipient": "platform", "person_ids": [person_id]}


async def new_client(ground: Ground) -> Asked:
    return "/v1/clients", {"scopes": ["compliance:read"], "organization_id": ground.own}


def place_and(**more: Any) -> Callable[[Ground], dict[str, Any]]:
    return lambda ground: {"place": ground.place, **more}


def plan(what: str) -> Prepared:
    async def prepare(ground: Ground) -> Asked:
        bodies = {"plans/online": ONLINE_PLAN, "plans/face-to-face": FACE_TO_FACE_PLAN, "reports": REPORT}
        return f"/v1/organizations/{ground.own}/{what}", bodies[what] | {"place": ground.place}

    return prepare


async def plan_of_2029(ground: Ground) -> str:
    return await ground.document(year=2029)


async def plan_of_2030(ground: Ground) -> str:
    return await ground.document(year=2030)


ITEMS = {"items": {"working_since": "2017-07-01"}}
BULK = "/v1/collections/bulk"
TABLE: dict[str, tuple[Prepared, Rule]] = {
    "GET /v1/persons/{id}": (of(person), covering_or_own),
    "POST /v1/masked-names": (masked, anybody),
    "POST /v1/identity-checks": (identity_check, anybody),
    "POST /v1/persons/{id}/disclosure": (of(person, "/disclosure", {"purpose": "inspection"}), covering),
    "POST /v1/disclosures": (disclosure, officials),
    "POST /v1/persons/{id}/erasure": (
        of(person, "/erasure", lambda ground: {"reason": "own_request", "authority": ground.place}),
        covering,
    ),
    "GET /v1/audit": (at("/v1/audit"), officials),
    "GET /v1/my-readings": (at("/v1/my-readings"), lambda home: people_alone(home) | {"nobody"}),
    "GET /v1/evidence/{id}": (of(Ground.evidence), covering_or_own),
    "GET /v1/persons/{id}/evidence/{sha256}": (of(Ground.evidence_of_person), covering_or_own),
    "POST /v1/collections": (submission, covering_or_own),
    "POST /v1/collections/{id}/initial-review": (
        of(collection, "/initial-review", {"decision": "pass"}),
        covering,
    ),
    "POST /v1/collections/{id}/final-review": (
        of(half_reviewed, "/final-review", {"decision": "pass"}),
        covering,
    ),
    "POST /v1/collections/{id}/end": (of(collection, "/end", {"reason": "not_theirs"}), covering),
    "GET /v1/collections/{id}": (of(collection), covering_or_own),
    "POST /v1/persons/{id}/changes": (of(person, "/changes", ITEMS), covering_or_own),
    "POST /v1/changes/{id}/resubmission": (of(returned_change, "/resubmission", ITEMS), covering_or_own),
    "POST /v1/changes/{id}/withdrawal": (of(pending_change, "/withdrawal"), covering_or_own),
    "POST /v1/changes/{id}/review": (of(pending_change, "/review", {"decision": "approve"}), covering),
    "POST /v1/changes/{id}/reversal": (
        of(approved_change, "/reversal", {"reason": "approved_in_error"}),
        covering,
    ),
    "GET /v1/changes/{id}": (of(pending_change), covering_or_own),
    "POST /v1/changes/{id}/disclosure": (
        of(pending_change, "/disclosure", {"purpose": "inspection"}),
        covering,
    ),
    "GET /v1/departing-people/{id}": (of(departing), nobody),
    "PUT /v1/arriving-people/{id}": (arrival, nobody),
    "GET /v1/arriving-people/{id}": (of(arriving), nobody),
    "DELETE /v1/arriving-people/{id}": (of(arriving), nobody),
    "GET /v1/information-to-complete": (at("/v1/information-to-complete?place={place}"), covering),
    "GET /v1/my-tasks": (at("/v1/my-tasks"), people_alone),
    "GET /v1/worklists": (at("/v1/worklists?place={place}"), covering),
    "GET /v1/worklists/counts": (at("/v1/worklists/counts?place={place}"), covering),
    "POST /v1/worklists/cases/{id}/claim": (of(worklist_case, "/claim"), covering),
    "POST /v1/worklists/cases/{id}/release": (of(worklist_case, "/release"), covering),
    "POST /v1/exam-enrolments": (
        at("/v1/exam-enrolments", {"place": "{place}", "from": "2019-01-01", "until": "2019-01-02"}),
        covering,
    ),
    "GET /v1/exam-enrolments": (at("/v1/exam-enrolments"), anybody),
    "GET /v1/my-cases": (at("/v1/my-cases"), anybody),
    "GET /v1/my-cases/{id}": (of(own_case), own),
    "POST /v1/organizations": (registration, covering),
    "GET /v1/organizations": (at("/v1/organizations?place={place}"), covering),
    "GET /v1/exports/organizations": (at("/v1/exports/organizations?place={place}"), covering),
    "GET /v1/organizations/{id}": (at("/v1/organizations/{own}"), officials_or_own),
    "POST /v1/organizations/{id}/accreditations": (
        of(Ground.filed, "/accreditations", place_and(years=[2040], modes=["online"])),
        covering,
    ),
    "POST /v1/organizations/{id}/accreditations/{number}/publication": (
        of(filed_alone, "/accreditations/1/publication"),
        covering,
    ),
    "POST /v1/organizations/{id}/accreditations/{number}/end": (
        of(Ground.filed, "/accreditations/1/end", LATER | {"reason": "given_up"}),
        covering,
    ),
    "POST /v1/organizations/{id}/disqualification": (
        of(Ground.filed, "/disqualification", place_and(**LATER, reason="quality")),
        covering,
    ),
    "POST /v1/organizations/{id}/reinstatement": (
        of(disqualified, "/reinstatement", place_and(**LATER, reason="rectified")),
        covering,
    ),
    "POST /v1/organizations/{id}/evaluations": (
        of(
            Ground.filed,
            "/evaluations",
            place_and(period_from="2026-01-01", period_to="2026-06-30", **SCORES),
        ),
        covering,
    ),
    "GET /v1/organizations/{id}/evaluations": (at("/v1/organizations/{own}/evaluations"), officials_or_own),
    "POST /v1/evaluations/{id}/correction": (
        of(Ground.evaluation, "/correction", SCORES | {"reason": "miscounted"}),
        covering,
    ),
    "POST /v1/organizations/{id}/plans/online": (plan("plans/online"), own),
    "POST /v1/organizations/{id}/plans/face-to-face": (plan("plans/face-to-face"), own),
    "POST /v1/organizations/{id}/reports": (plan("reports"), own),
    "GET /v1/organizations/{id}/yearly-documents": (
        at("/v1/organizations/{own}/yearly-documents"),
        officials_or_own,
    ),
    "GET /v1/yearly-documents/{id}": (of(plan_of_2029), covering_or_own),
    "POST /v1/yearly-documents/{id}/acceptance": (of(plan_of_2030, "/acceptance"), covering),
    "POST /v1/yearly-documents/{id}/return": (
        of(lambda ground: ground.document(year=2031), "/return", {"reason": "other"}),
        covering,
    ),
    "GET /v1/duties": (at("/v1/duties?place={place}&year=2026"), covering),
    "GET /v1/organizations/{id}/duties": (at("/v1/organizations/{own}/duties?year=2026"), officials_or_own),
    "GET /v1/exports/duties": (at("/v1/exports/duties?place={place}&year=2026"), covering),
    "POST /v1/clients": (new_client, issuing),
    "POST /v1/clients/{id}/rotation": (of(Ground.account, "/rotation", {}), issuing),
    "POST /v1/clients/{id}/signing-key": (of(Ground.account, "/signing-key", {"algorithm": None}), issuing),
    "POST /v1/clients/{id}/revocation": (of(Ground.account, "/revocation", {"reason": "other"}), issuing),
    "GET /v1/organizations/{id}/accounts": (at("/v1/organizations/{own}/accounts"), covering_or_own),
    "POST /v1/organizations/{id}/account-requests": (
        at("/v1/organizations/{own}/account-requests", {"scopes": ["compliance:read"]}),
        covering_or_own,
    ),
    "GET /v1/account-requests/{id}": (of(Ground.account_request), covering_or_own),
    "POST /v1/account-requests/{id}/grant": (of(Ground.account_request, "/grant"), issuing),
    "POST /v1/account-requests/{id}/refusal": (
        of(Ground.account_request, "/refusal", {"reason": "other"}),
        issuing,
    ),
    "GET /v1/logs": (at("/v1/logs"), officials_or_services),
    "GET /v1/logs/{log}/feed": (at("/v1/logs/registry/feed"), nation),
}
"""Every route that takes JSON or nothing: what is asked about, and who may ask."""
FILES = {
    "POST /v1/evidence",
    f"POST {BULK}",
    f"GET {BULK}",
    f"GET {BULK}/template.xlsx",
    f"GET {BULK}/{{id}}",
    f"GET {BULK}/{{id}}/result.csv",
    f"GET {BULK}/{{id}}/result.xlsx",
}
"""Routes about files of the caller's own, which have tests of their own."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def grounds(app: FastAPI, settings: Any) -> AsyncIterator[dict[str, Ground]]:
    """One organization for each home, and the registry."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://registry") as client:
        registry = Registry(client, settings)
        yield {home: await Ground(registry, home).prepare() for home in COVERING}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stranger(grounds: dict[str, Ground]) -> str:
    """An organization that has nothing to do with it."""
    return await grounds["211302"].organization()


def who_is(caller: str, ground: Ground, stranger: str) -> dict[str, Any]:
    """The token's claims."""
    if caller in OFFICIALS:
        return {"place": caller, "subject": f"official-of-{caller}"}
    organization = {OWN: ground.own, STRANGER: stranger, NOBODY: None}[caller]
    subject = "own-client" if caller == OWN else f"client-{caller}"
    return {"place": None, "organization": organization, "subject": subject}


def test_every_route_is_in_the_table() -> None:
    """A new route says here who may use it."""
    assert set(ROUTES) - OPEN == set(TABLE) | (FILES & set(ROUTES))


@pytest.mark.parametrize("home", sorted(COVERING))
@pytest.mark.parametrize("route", sorted(TABLE))
async def test_who_may_use_it(route: str, home: str, grounds: dict[str, Ground], stranger: str) -> None:
    """Those who may not are asked first: no state of the case can have refused them."""
    ground, (prepare, rule) = grounds[home], TABLE[route]
    path, body = await prepare(ground)
    allowed = rule(home)
    method, _, _ = route.partition(" ")
    wrong = []
    for caller in sorted(CALLERS, key=lambda each: each in allowed):
        response = await ground.registry.call(
            method, path, *SCOPES, body=body, **who_is(caller, ground, stranger)
        )
        assert response.status_code < 500, (caller, response.text)
        expected = "allowed" if caller in allowed else "refused"
        seen = "refused" if response.status_code in (401, 403, 404) else "allowed"
        if response.status_code == 422 or seen != expected:
            wrong.append((caller, expected, response.status_code, response.text[:120]))
    assert not wrong, "\n".join(map(str, wrong))


@pytest.mark.parametrize("route", sorted(set(ROUTES) - OPEN))
async def test_nobody_gets_in_without_a_token_or_a_scope(route: str, grounds: dict[str, Ground]) -> None:
    """Whatever the body: the token comes first."""
    registry = grounds["211302"].registry
    method, _, path = route.partition(" ")
    path = re.sub(r"\{[a-z]+\}", "00000000-0000-4000-8000-000000000000", path)
    assert (await registry.call(method, path, anonymous=True)).status_code == 401
    response = await registry.call(method, path, "nothing:read", body={}, place="100000")
    assert response.status_code == 403
