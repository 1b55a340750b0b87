"""People of every kind that a rotation of the identity key meets, and whether each is found."""

from dataclasses import dataclass, replace
from typing import Any

import httpx

from services.cli.demo.fictitious import FictitiousPerson
from tests.e2e.provider import Provider
from tests.e2e.system import LIAONING, SHUANGTA, System, identity
from tests.e2e.test_information import changes, document


@dataclass
class People:
    """Somebody of each kind before the rotation, and the provider that reports on them."""

    provider: Provider
    collected: FictitiousPerson
    renamed: FictitiousPerson
    formerly: FictitiousPerson
    kept: FictitiousPerson
    merged: FictitiousPerson
    erased: FictitiousPerson
    held: FictitiousPerson
    pending: FictitiousPerson
    returned: FictitiousPerson
    ids: dict[str, str]
    pending_case: str
    returned_case: str
    record: dict[str, Any]


async def before(system: System) -> People:
    provider = await system.provides()
    collected, formerly, kept, merged, erased, held, pending, returned = (system.stranger() for _ in range(8))
    renamed = replace(system.stranger(), name="周新名")
    ids = {
        "collected": await system.collects(collected),
        "renamed": await system.collects(formerly),
        "kept": await system.collects(kept),
    }
    await changes(system, ids["renamed"], {"id_document": document(renamed), "name": renamed.name})
    await changes(system, ids["kept"], merge_of(await system.collects(merged)))
    gone = {"reason": "own_request", "authority": LIAONING}
    path = f"/v1/persons/{await system.collects(erased)}/erasure"
    await system.does("registry", "POST", path, gone, by=system.official(LIAONING, "person:erase"))
    cases = [(await system.submits(each))["collection_id"] for each in (pending, returned)]
    await sends_back(system, cases[1])
    await system.follow()
    record = provider.completion(held, "10.00")
    [waits] = await provider.posts(record)
    assert (waits["outcome"], waits["reason"]) == ("held", "not_collected")
    return People(
        provider,
        collected,
        renamed,
        formerly,
        kept,
        merged,
        erased,
        held,
        pending,
        returned,
        ids,
        *cases,
        record,
    )


async def are_found(system: System, people: People) -> None:
    """Whoever is on record is found by every number and name of theirs, and nobody is collected twice."""
    expected = {
        "collected": ("match", people.collected, "collected"),
        "renamed": ("match", people.renamed, "renamed"),
        "formerly": ("former", people.formerly, "renamed"),
        "kept": ("match", people.kept, "kept"),
        "merged": ("former", people.merged, "kept"),
    }
    asked = [identity(person) for _, person, _ in expected.values()] + [identity(people.erased)]
    by = system.official(LIAONING, "identity:check")
    answer = await system.does("registry", "POST", "/v1/identity-checks", {"persons": asked}, by=by)
    results = [each["result"] for each in answer["results"]]
    assert results == [*(told for told, _, _ in expected.values()), "unknown"]
    for told, person, name in expected.values():
        [posted] = await people.provider.posts(people.provider.completion(person, "1.00"))
        assert posted.get("person_id") == people.ids[name], (told, name, posted)
        assert await refusal(system, person) == "collection-exists", (told, name)
    assert await refusal(system, people.pending) == "collection-exists"
    again = await hands_in(system, people.returned)
    assert again.json()["collection_id"] == people.returned_case
    await sends_back(system, people.returned_case)


async def hands_in(system: System, person: FictitiousPerson) -> httpx.Response:
    body = {"person": identity(person), "place": SHUANGTA, "qualifications": []}
    return await system.call("registry", "POST", "/v1/collections", body, by=system.official(SHUANGTA))


def code_of(answer: httpx.Response) -> str:
    kind: str = answer.json()["type"]
    return kind.rpartition(":")[2]


async def refusal(system: System, person: FictitiousPerson) -> str:
    return code_of(await hands_in(system, person))


async def sends_back(system: System, case: str) -> None:
    reviewer = system.official(SHUANGTA, subject="initial-reviewer")
    body = {"decision": "return", "reason": "documents_unclear"}
    await system.does("registry", "POST", f"/v1/collections/{case}/initial-review", body, by=reviewer)


def merge_of(other_id: str) -> dict[str, Any]:
    return {"merge": {"person_id": other_id, "reason": "another_document"}}
