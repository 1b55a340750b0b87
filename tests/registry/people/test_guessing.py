"""Guessing: every route that takes a number, asked by everybody who may try about a number nobody has, one that has another
name, and one that is right (SECURITY.md, "Numbers").

Whoever is not entitled gets the same bytes for "not there" and "differs"; only ids that were drawn for the answer are
taken out before they are compared.
"""

import re
from dataclasses import dataclass
from typing import Any

import asyncpg
import pytest

from services.kit.spreadsheets import CSV_TYPE
from tests.number_routes import number_routes
from tests.registry.bulk.test_bulk import as_csv, row_of
from tests.registry.scenarios import (
    CHAOYANG,
    DALIAN,
    SHUANGTA,
    Human,
    Registry,
    collection_of,
    somebody,
    uscc,
)

IDS = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
ITEMS = {"retired_on": "2026-01-31"}
CHECKS, COLLECTIONS, BULK = "POST /v1/identity-checks", "POST /v1/collections", "POST /v1/collections/bulk"
CHANGES, RESUBMISSION = "POST /v1/persons/{id}/changes", "POST /v1/changes/{id}/resubmission"
ARRIVING = "PUT /v1/arriving-people/{id}"
PROVIDER, BUREAU = "a provider accredited where the person is", "an official of the place"
OTHERS = (
    "a provider accredited elsewhere",
    "a provider that nobody accredited",
    "an official elsewhere",
    "an employer of others",
    "a person of themselves",
)
ENTITLED: dict[str, set[str]] = {
    CHECKS: {PROVIDER, BUREAU},
    COLLECTIONS: {BUREAU},
    BULK: {BUREAU},
    CHANGES: {BUREAU},
    RESUBMISSION: {BUREAU},
    ARRIVING: set(),
}
"""Who is told that a number is there, of every route that takes one."""


@dataclass
class Asker:
    """A caller, the place they hand people in for, and the code by which they employ."""

    who: dict[str, Any]
    place: str = SHUANGTA
    code: str | None = None
    scopes: tuple[str, ...] = ()


async def asker_of(registry: Registry, caller: str) -> Asker:
    if caller == BUREAU:
        return Asker({"place": CHAOYANG, "subject": "guessing-official"})
    if caller == "an official elsewhere":
        return Asker({"place": DALIAN, "subject": "guessing-official"}, DALIAN)
    if caller == "a person of themselves":
        me = {"place": None, "subject": "guessing-person", "document": somebody().claim}
        return Asker(me, scopes=("collection:own",))
    code = uscc()
    kind = "employer" if caller == "an employer of others" else "provider"
    organization = await registry.organization(kind=kind, code=code)
    if "accredited where" in caller or "accredited elsewhere" in caller:
        place = CHAOYANG if caller == PROVIDER else "211000"
        body = {"place": place, "years": [2025, 2026], "modes": ["online"]}
        path = f"/v1/organizations/{organization}/accreditations"
        assert (await registry.call("POST", path, body=body, place="210000")).status_code == 201
    return Asker({"place": None, "organization": organization, "subject": "guessing-client"}, code=code)


async def collected(registry: Registry, human: Human, **changes: Any) -> dict[str, Any]:
    """Somebody's collection, approved by officials of the nation."""
    nation = {"place": "100000"}
    body = collection_of(human, **changes)
    handed: dict[str, Any] = (await registry.call("POST", "/v1/collections", body=body, **nation)).json()
    for step, subject in (("initial", "official-2"), ("final", "official-3")):
        passed = await registry.reviews(handed["collection_id"], step, subject=subject, **nation)
        assert passed.status_code == 200, passed.text
    return handed


async def ask(registry: Registry, route: str, asker: Asker, human: Human) -> str:
    """Everything that the answer says, twice where asking again could tell more."""
    body: Any = {"persons": [human.body]}
    if route == BULK:
        content = as_csv([row_of(human, asker.place)])
        answer = await registry.send("/v1/collections/bulk", content, CSV_TYPE, *asker.scopes, **asker.who)
        return IDS.sub("#", f"{answer.status_code} {answer.text}")
    if route == COLLECTIONS:
        body = collection_of(human, place=asker.place, employer=asker.code)
    if route == ARRIVING:
        body = {"person": human.body, "place": asker.place, "employer": None, "student": True}
    path = route.partition(" ")[2]
    if route in (CHANGES, RESUBMISSION):
        own = await collected(registry, somebody(), place=asker.place, employer=asker.code)
        path, body = (
            f"/v1/persons/{own['person_id']}/changes",
            {"items": ITEMS | {"id_document": human.document, "name": human.name}},
        )
        if route == RESUBMISSION:
            change = (await registry.asks_change(own["person_id"], ITEMS, place="100000")).json()["change_id"]
            await registry.reviews_change(change, reason="documents_unclear", place="100000")
            path = f"/v1/changes/{change}/resubmission"
    path = path.replace("{id}", "00000000-0000-4000-8000-000000000000")
    said = []
    for _ in range(2 if route == COLLECTIONS else 1):
        method = route.partition(" ")[0]
        answer = await registry.call(method, path, *asker.scopes, body=body, **asker.who)
        said.append(IDS.sub("#", f"{answer.status_code} {answer.text}"))
    return "\n".join(said)


def test_every_route_that_takes_a_number_says_whom_it_tells() -> None:
    assert number_routes("registry") == set(ENTITLED)


class TestAnswers:
    @pytest.mark.parametrize("caller", [PROVIDER, BUREAU, *OTHERS])
    @pytest.mark.parametrize("route", ENTITLED)
    async def test_tell_only_those_entitled_whether_a_number_is_there(
        self, registry: Registry, route: str, caller: str
    ) -> None:
        known, other = somebody(), somebody()
        for human in (known, other):
            await collected(registry, human)
        asker = await asker_of(registry, caller)
        absent = await ask(registry, route, asker, somebody())
        differs = await ask(registry, route, asker, Human("王另名", known.id_number))
        right = await ask(registry, route, asker, other)
        assert (differs != absent) == (caller in ENTITLED[route]), (absent, differs)
        if caller == "an official elsewhere":
            assert right == absent

    async def test_tell_an_employer_of_its_own_people(self, registry: Registry) -> None:
        """A submission of theirs that was returned is corrected by them, its name as well."""
        asker, human = await asker_of(registry, "an employer of others"), somebody()
        await registry.returned(human, employer=asker.code)
        body = collection_of(Human("王更正", human.id_number), employer=asker.code)
        assert (await registry.call("POST", "/v1/collections", body=body, **asker.who)).status_code == 201

    async def test_tell_who_names_number_and_name_that_both_are_right(self, registry: Registry) -> None:
        human = somebody()
        await registry.collected(human)
        asker = await asker_of(registry, "a provider that nobody accredited")
        answer = await registry.call(
            "POST", "/v1/identity-checks", body={"persons": [human.body]}, **asker.who
        )
        assert answer.json()["results"] == [{"index": 0, "result": "match"}]


class TestContestedCollections:
    async def squatted(self, registry: Registry) -> tuple[Human, dict[str, Any], Asker, dict[str, Any]]:
        """Somebody in whose number a stranger has handed something in, and what their employer hands in after that."""
        human = somebody()
        squatter = await registry.submitted(Human("王某某", human.id_number), subject="a-squatter")
        asker = await asker_of(registry, "an employer of others")
        body = collection_of(human, employer=asker.code)
        second = await registry.call("POST", "/v1/collections", body=body, **asker.who)
        assert second.status_code == 201, second.text
        return human, squatter, asker, second.json()

    async def test_are_shown_as_such_to_reviewers_alone_who_can_only_return_them(
        self, registry: Registry
    ) -> None:
        _, squatter, asker, second = await self.squatted(registry)
        path = f"/v1/collections/{second['collection_id']}"
        assert (await registry.call("GET", path)).json()["contested"] is True
        assert (await registry.call("GET", path, **asker.who)).json()["contested"] is None
        assert (await registry.call("GET", f"/v1/collections/{squatter['collection_id']}")).json()[
            "contested"
        ] is False
        passed = await registry.reviews(second["collection_id"], "initial", subject="official-2")
        assert passed.json()["type"] == "urn:xuefen:problem:collection-contested"
        back = await registry.reviews(
            second["collection_id"], "initial", subject="official-2", reason="other"
        )
        assert back.json()["state"] == "returned"

    async def test_are_taken_once_the_other_was_ended_by_an_official(self, registry: Registry) -> None:
        human, squatter, asker, second = await self.squatted(registry)
        path = f"/v1/collections/{squatter['collection_id']}/end"
        for who in (asker.who, {"place": DALIAN}):
            assert (
                await registry.call("POST", path, body={"reason": "not_theirs"}, **who)
            ).status_code == 403
        ended = await registry.call("POST", path, body={"reason": "not_theirs"})
        assert ended.json()["state"] == "ended"
        await registry.reviews(second["collection_id"], "initial", subject="official-2", reason="other")
        body = collection_of(human, employer=asker.code)
        third = (await registry.call("POST", "/v1/collections", body=body, **asker.who)).json()
        for step, subject in (("initial", "official-2"), ("final", "official-3")):
            passed = await registry.reviews(third["collection_id"], step, subject=subject)
        assert passed.json()["state"] == "collected"

    async def test_what_is_collected_is_not_ended(self, registry: Registry) -> None:
        path = f"/v1/collections/{(await registry.collected(somebody()))['collection_id']}/end"
        answer = await registry.call("POST", path, body={"reason": "not_theirs"})
        assert answer.json()["type"] == "urn:xuefen:problem:collection-not-pending"


class TestBudgets:
    async def test_who_finds_too_few_is_refused_whatever_they_ask_then(self, registry: Registry) -> None:
        human = somebody()
        await registry.collected(human)
        asker = await asker_of(registry, PROVIDER)

        async def check(*humans: Human) -> Any:
            body = {"persons": [each.body for each in humans]}
            return await registry.call("POST", "/v1/identity-checks", body=body, **asker.who)

        strangers = [somebody() for _ in range(501)]
        assert (await check(*strangers[:500])).status_code == 200
        refused = await check(human, strangers[500])
        assert refused.status_code == 429
        assert refused.json()["type"] == "urn:xuefen:problem:budget-spent"
        assert 0 < int(refused.headers["Retry-After"]) <= 86_400
        assert (await check(human)).status_code == 429
        other = await asker_of(registry, PROVIDER)
        body = {"persons": [human.body]}
        assert (await registry.call("POST", "/v1/identity-checks", body=body, **other.who)).status_code == 200

    async def test_contested_submissions_are_counted(self, registry: Registry) -> None:
        asker = await asker_of(registry, "an employer of others")
        for _ in range(3):
            human = somebody()
            await registry.submitted(human)
            body = collection_of(human, employer=asker.code)
            assert (await registry.call("POST", "/v1/collections", body=body, **asker.who)).status_code == 201
        assert await misses_of(registry, asker) == 3


async def misses_of(registry: Registry, asker: Asker) -> int:
    conn = await asyncpg.connect(
        registry.settings.registry_database_url, server_settings={"search_path": "registry"}
    )
    try:
        found: int = await conn.fetchval(
            "select misses from budgets where budget = 'collections' and caller = $1",
            asker.who["organization"],
        )
    finally:
        await conn.close()
    return found
